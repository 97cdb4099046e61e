/* hive-edit.c: a hive is changed, in memory; see hive.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/hive-int.h"
#include "drivers-inject/utf16.h"
#include "drivers-inject/windows/regf-tree.h"
#include "drivers-inject/windows/regf.h"

/* What stands in memory now is of no use any more. */
static int cant(struct hive *h, const char *key, struct err *e)
{
	int why = errno;

	h->failed = 1;
	return err_set(e, why == ENOMEM ? ERR_NOMEM : ERR_CORRUPT,
		       "%s, key %.300s: it can't be changed (%s)", h->name, *key ? key : "\\",
		       why == EFAULT ? "what it needs is not in the hive" : strerror(why));
}

/* Nothing was changed. */
static int refuse(const struct hive *h, const char *key, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int refuse(const struct hive *h, const char *key, struct err *e, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	return err_set(e, ERR_UNSUPPORTED, "%s, key %.300s: %s", h->name, *key ? key : "\\", why);
}

static void log_set(struct hive *h, const char *key, const char *value, uint32_t type,
		    const void *data, size_t len)
{
	cleanup_free uint8_t *old = NULL;
	char now[HIVE_TEXT_MAX], was[HIVE_TEXT_MAX] = "";
	uint32_t old_type;
	size_t old_len;

	hive_value_text(type, data, len, now);
	if (hive_value(h, key, value, &old_type, &old, &old_len))
		hive_value_text(old_type, old, old_len, was);
	strv_addf(&h->changes, "%s: %s = %s%s%s", key, *value ? value : "(default)", now,
		  old ? ", was " : "", was);
}

static int is_set(const struct hive *h, const char *key, const char *value, uint32_t type,
		  const void *data, size_t len)
{
	cleanup_free uint8_t *old = NULL;
	uint32_t old_type;
	size_t old_len;

	return hive_value(h, key, value, &old_type, &old, &old_len) && old_type == type &&
	       old_len == len && (!len || !memcmp(old, data, len));
}

static int is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			return 0;
	return 1;
}

/* libhivex writes all values of a key anew; new_name, if any, is one more. */
static int values_can_be_kept(struct hive *h, hive_node_h node, const char *key,
			      const char *new_name, struct err *e)
{
	cleanup_free hive_value_h *all = hivex_node_values(h->h, node);
	hive_type type;
	size_t len;

	for (size_t i = 0; all && all[i]; i++) {
		cleanup_free char *name = hivex_value_key(h->h, all[i]);

		if (!name || hivex_value_key_len(h->h, all[i]) != strlen(name))
			return refuse(h, key, e, "it has a value with a name that is no text; such "
				      "keys can't be changed");
		if (new_name && !is_ascii(new_name) && !is_ascii(name))
			return refuse(h, key, e, "whether %s and %s are the same name is not known; "
				      "it is not added", new_name, name);
		if (!hivex_value_type(h->h, all[i], &type, &len) && len > HIVE_VALUE_MAX)
			return refuse(h, key, e, "it has a value of %zu bytes; keys with one above %u "
				      "can't be changed", len, HIVE_VALUE_MAX);
	}
	return all ? 0 : cant(h, key, e);
}

/* libhivex finds the place of a new key among its siblings by bytes, with a to z in
 * upper case.  That is Windows' order while the new name is ASCII and the others can
 * be read; and so it is with the hash of the name. */
static int new_keys_are_fit(struct hive *h, hive_node_h parent, const char *names, unsigned depth,
			    const char *key, struct err *e)
{
	cleanup_free hive_node_h *all = hivex_node_children(h->h, parent);

	for (size_t i = 0; all && all[i]; i++) {
		cleanup_free char *name = hivex_node_name(h->h, all[i]);

		if (!name || hivex_node_name_len(h->h, all[i]) != strlen(name))
			return refuse(h, key, e, "beside it lies a key with a name that is no text; "
				      "no key is added there");
	}
	if (!is_ascii(names))
		return refuse(h, key, e, "names of new keys can only have ASCII characters");
	for (size_t len; *names; names += len + (names[len] != 0)) {
		len = strcspn(names, "\\");
		if (len > REGF_NAME_MAX || ++depth > REGF_DEPTH_MAX)
			return refuse(h, key, e, "names of keys have at most %u characters, and %u "
				      "keys are in each other", REGF_NAME_MAX, REGF_DEPTH_MAX);
	}
	return all ? 0 : cant(h, key, e);
}

static int make_key(struct hive *h, const char *key, hive_node_h *ret, struct err *e)
{
	hive_node_h node = hivex_root(h->h), child = node;
	cleanup_free char *copy = strdup(key);
	char *rest = copy, *name = NULL;
	unsigned depth = 0;
	int rc;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (; child && (name = strsep(&rest, "\\")); depth += *name != 0) {
		child = *name ? hive_find_child(h, node, name) : node;
		if (child)
			node = child;
	}
	if (!child) {
		/* the same text in key, where strsep() cut nothing */
		rc = new_keys_are_fit(h, node, key + (name - copy), depth - 1, key, e);
		if (rc)
			return rc;
	}
	if (!child)
		hive_forget(h);
	for (; node && name; name = strsep(&rest, "\\"))
		if (*name)
			node = hivex_node_add_child(h->h, node, name);
	*ret = node;
	return node ? 0 : cant(h, key, e);
}

int hive_make_key(struct hive *h, const char *key, struct err *e)
{
	hive_node_h node;
	int rc;

	if (hive_has_key(h, key))
		return 0;
	rc = make_key(h, key, &node, e);
	if (!rc)
		strv_addf(&h->changes, "+ %s", key);
	return rc;
}

static int new_value_is_fit(const struct hive *h, const char *key, const char *value, size_t len,
			    struct err *e)
{
	if (!utf16_can_make(value) || strlen(value) > REGF_VALUE_NAME_MAX)
		return refuse(h, key, e, "the name of a value is no text, or has more than %u bytes",
			      REGF_VALUE_NAME_MAX);
	if (len > HIVE_VALUE_MAX)
		return refuse(h, key, e, "%.100s would have %zu bytes; at most %u can be written", value,
			      len, HIVE_VALUE_MAX);
	return 0;
}

/* libhivex changes no byte in place.  So the hive is written, changed, and read again. */
static int overwrite(struct hive *h, size_t at, const char *key, const void *data, size_t len,
		     struct err *e)
{
	int fd = memfd_create("hive", MFD_CLOEXEC);
	hive_h *again = NULL;
	char path[40];

	if (fd < 0)
		return err_sys(e, errno, "memory for %s", h->name);
	hive_fd_path(fd, path);
	if (!hivex_commit(h->h, path, 0) && pwrite(fd, data, len, (off_t)at) == (ssize_t)len)
		again = hivex_open(path, HIVEX_OPEN_WRITE);
	if (!again) {
		int rc = cant(h, key, e);

		close(fd);
		return rc;
	}
	close(fd);
	hive_forget(h);
	hivex_close(h->h);
	h->h = again;
	return 0;
}

static int is_there_with(const struct hive *h, const char *key, const char *value, uint32_t type,
			 size_t len, size_t *ret_at)
{
	hive_value_h v = hive_find_value(h, key, value);
	hive_type now;
	size_t n;

	return v && len && !hivex_value_type(h->h, v, &now, &n) && n == len &&
	       (uint32_t)now == type && hive_value_place(h, key, value, ret_at, &n);
}

int hive_set(struct hive *h, const char *key, const char *value, uint32_t type,
	     const void *data, size_t len, struct err *e)
{
	hive_value_h old = hive_find_value(h, key, value);
	/* Windows, too, keeps the name as it was written first */
	cleanup_free char *old_name = old ? hivex_value_key(h->h, old) : NULL;
	hive_set_value v = { .key = old_name ? old_name : (char *)value, .t = (hive_type)type,
			     .len = len, .value = len ? (char *)data : (char *)value };
	hive_node_h node;
	size_t at = 0;
	int rc;

	if (is_set(h, key, value, type, data, len))
		return 0;
	rc = new_value_is_fit(h, key, value, len, e);
	if (!rc)
		rc = make_key(h, key, &node, e);
	if (!rc)
		rc = values_can_be_kept(h, node, key, old ? NULL : value, e);
	/* a driver may keep a big value beside its Start */
	if (rc && (rc != ERR_UNSUPPORTED || !is_there_with(h, key, value, type, len, &at)))
		return rc;
	log_set(h, key, value, type, data, len);
	if (at)
		return overwrite(h, at, key, data, len, e);
	return hivex_node_set_value(h->h, node, &v, 0) ? cant(h, key, e) : 0;
}

/* The other values of the key, for writing them anew. */
static int other_values(struct hive *h, hive_node_h node, const char *but, hive_set_value *ret,
			size_t *ret_n)
{
	cleanup_free hive_value_h *all = hivex_node_values(h->h, node);
	size_t n = 0;

	for (size_t i = 0; all && all[i]; i++) {
		hive_set_value *v = &ret[n];

		*v = (hive_set_value){ .key = hivex_value_key(h->h, all[i]) };
		n++;
		*ret_n = n;
		if (!v->key)
			return -1;
		if (!strcasecmp(v->key, but)) {
			free(v->key);
			*ret_n = --n;
			continue;
		}
		v->value = hivex_value_value(h->h, all[i], &v->t, &v->len);
		if (!v->value)
			return -1;
	}
	return all ? 0 : -1;
}

int hive_unset(struct hive *h, const char *key, const char *value, struct err *e)
{
	hive_node_h node = hive_find_key(h, key);
	cleanup_free hive_set_value *v = NULL;
	size_t n = 0;
	int rc;

	if (!hive_find_value(h, key, value))
		return 0;
	rc = values_can_be_kept(h, node, key, NULL, e);
	if (rc)
		return rc;
	v = calloc(hivex_node_nr_values(h->h, node) + 1, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (other_values(h, node, value, v, &n) || hivex_node_set_values(h->h, node, n, v, 0))
		rc = cant(h, key, e);
	else
		strv_addf(&h->changes, "- %s: %s", key, *value ? value : "(default)");
	for (size_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].value);
	}
	return rc;
}

int hive_remove_key(struct hive *h, const char *key, struct err *e)
{
	hive_node_h node = hive_find_key(h, key);

	if (!node)
		return 0;
	if (node == hivex_root(h->h))
		return err_set(e, ERR_INTERNAL, "%s: the root key stays", h->name);
	if (h->has_li)
		return refuse(h, key, e, "the hive has lists of keys without their names (li); no key "
			      "can be removed from it");
	/* a damaged hive may have the name twice */
	for (; node; node = hive_find_key(h, key)) {
		hive_forget(h);
		if (hivex_node_delete_child(h->h, node))
			return cant(h, key, e);
	}
	strv_addf(&h->changes, "- %s", key);
	return 0;
}

const struct strv *hive_changes(const struct hive *h)
{
	return &h->changes;
}

/* libhivex doesn't know the two checksums that can't be (regf.h): Windows would take the
 * hive for one that a write was cut off of. */
static int right_checksum(int fd, const char *name, struct err *e)
{
	struct regf_base_disk b;

	if (pread(fd, &b, sizeof b, 0) != sizeof b)
		return err_sys(e, errno, "memory for %s", name);
	b.checksum = le32_make(regf_checksum(&b));
	if (pwrite(fd, &b, sizeof b, 0) != sizeof b)
		return err_sys(e, errno, "memory for %s", name);
	return 0;
}

int hive_save(struct hive *h, int *ret_fd, struct err *e)
{
	char path[40];
	int fd, rc = 0;

	if (h->failed)
		return err_set(e, ERR_CORRUPT, "%s: a change of it failed half-way; it is not saved",
			       h->name);
	fd = memfd_create("hive", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "memory for %s", h->name);
	hive_fd_path(fd, path);
	if (hivex_commit(h->h, path, 0))
		rc = err_sys(e, errno, "memory for %s", h->name);
	if (!rc)
		rc = hive_tidy(fd, h->name, &h->has_li, e);
	if (!rc)
		rc = right_checksum(fd, h->name, e);
	if (!rc && lseek(fd, 0, SEEK_SET))
		rc = err_sys(e, errno, "memory for %s", h->name);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}
