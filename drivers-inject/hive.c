/* hive.c: see hive.h.
 *
 * libhivex opens a file by name, so the hive stands in a memfd, opened as
 * /proc/self/fd/N: nothing on a disk of this machine is written.  One that is only
 * read is mapped by it; one that is changed it has in its own memory. */
#include "drivers-inject/hive.h"
#include <errno.h>
#include <hivex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/text.h"
#include "drivers-inject/hive-load.h"
#include "drivers-inject/utf16.h"

struct hive {
	hive_h *h;
	char *name;
	int dirty;
	struct hivelog_result replay;
	struct err problem;     /* code 0: nothing was tried, or it worked   */
	struct strv changes;
};

/* ---- opening ---- */

static void fd_path(int fd, char ret[40])
{
	snprintf(ret, 40, "/proc/self/fd/%d", fd);
}

/* Takes l over. */
static int open_loaded(struct hive_loaded *l, const char *name, int flags, struct hive **ret,
		       struct err *e)
{
	struct hive *h = calloc(1, sizeof *h);
	char path[40];
	int rc = 0;

	if (!h) {
		close(l->fd);
		hivelog_result_done(&l->replay);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	h->dirty = l->dirty;
	h->replay = l->replay;
	h->problem = l->problem;
	h->name = strdup(name);
	fd_path(l->fd, path);
	if (h->name)
		h->h = hivex_open(path, flags);
	if (!h->name || (!h->h && errno == ENOMEM))
		rc = err_set(e, ERR_NOMEM, "out of memory for %s", name);
	else if (!h->h)
		rc = err_set(e, ERR_CORRUPT, "%s: the hive is damaged (%s)", name,
			     strerror(errno));
	close(l->fd);
	if (rc)
		hive_close(h);
	else
		*ret = h;
	return rc;
}

int hive_open_bytes(const void *bytes, size_t len, const char *name, int edit,
		    struct hive **ret, struct err *e)
{
	struct hive_loaded l;
	int rc = hive_load_bytes(bytes, len, name, &l, e);

	return rc ? rc : open_loaded(&l, name, edit ? HIVEX_OPEN_WRITE : 0, ret, e);
}

int hive_open(struct tree *t, const char *path, struct hive **ret, struct err *e)
{
	struct hive_loaded l;
	int rc = hive_load(t, path, &l, e);

	return rc ? rc : open_loaded(&l, path, 0, ret, e);
}

int hive_open_edit(struct tree *t, const char *path, int even_dirty, struct hive **ret,
		   struct err *e)
{
	struct hive_loaded l;
	int rc = hive_load(t, path, &l, e);

	if (rc)
		return rc;
	if (l.problem.code && !even_dirty) {
		close(l.fd);
		hivelog_result_done(&l.replay);
		return err_set(e, ERR_REFUSED, "%s: what its logs hold would be lost by a change; let "
			       "the old machine start and shut down this Windows once more",
			       l.problem.msg);
	}
	return open_loaded(&l, path, HIVEX_OPEN_WRITE, ret, e);
}

struct hive *hive_close(struct hive *h)
{
	if (h) {
		if (h->h)
			hivex_close(h->h);
		hivelog_result_done(&h->replay);
		strv_done(&h->changes);
		free(h->name);
		free(h);
	}
	return NULL;
}

int hive_dirty(const struct hive *h)
{
	return h->dirty;
}

const struct hivelog_result *hive_replay(const struct hive *h)
{
	return &h->replay;
}

const char *hive_replay_problem(const struct hive *h)
{
	return h->problem.code ? h->problem.msg : NULL;
}

/* ---- reading ---- */

/* 0 when there is no such key. */
static hive_node_h find_key(const struct hive *h, const char *path)
{
	hive_node_h node = hivex_root(h->h);
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return 0;
	while (node && (name = strsep(&rest, "\\")))
		if (*name)
			node = hivex_node_get_child(h->h, node, name);
	return node;
}

/* 0 when there is no such value. */
static hive_value_h find_value(const struct hive *h, const char *key,
			       const char *value)
{
	hive_node_h node = find_key(h, key);

	return node ? hivex_node_get_value(h->h, node, value) : 0;
}

int hive_has_key(const struct hive *h, const char *key)
{
	return find_key(h, key) != 0;
}

int hive_string(const struct hive *h, const char *key, const char *value,
		char *buf, size_t size)
{
	hive_value_h v = find_value(h, key, value);
	cleanup_free char *s = v ? hivex_value_string(h->h, v) : NULL;

	snprintf(buf, size, "%s", s ? s : "");
	return s != NULL;
}

int hive_value(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret_type, uint8_t **ret, size_t *ret_len)
{
	hive_value_h v = find_value(h, key, value);
	hive_type type;
	char *data = v ? hivex_value_value(h->h, v, &type, ret_len) : NULL;

	if (!data)
		return 0;
	*ret_type = (uint32_t)type;
	*ret = (uint8_t *)data;
	return 1;
}

int hive_value_place(const struct hive *h, const char *key, const char *value, size_t *ret_at,
		     size_t *ret_len)
{
	hive_value_h v = find_value(h, key, value);
	size_t cell, len;

	errno = 0;
	cell = v ? hivex_value_data_cell_offset(h->h, v, &len) : 0;
	/* 0: kept in the value itself; a larger value stands in several cells */
	if (!cell || len > HIVE_VALUE_MAX)
		return 0;
	*ret_at = cell + 4; /* behind the cell's size */
	*ret_len = len;
	return 1;
}

int hive_dword(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len;

	if (!hive_value(h, key, value, &type, &data, &len) || type != REG_DWORD || len != 4)
		return 0;
	*ret = le32_get(*(const le32 *)data);
	return 1;
}

int hive_strings(const struct hive *h, const char *key, const char *value, struct strv *ret)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len;

	if (!hive_value(h, key, value, &type, &data, &len))
		return 0;
	if (type != REG_SZ && type != REG_EXPAND_SZ && type != REG_MULTI_SZ)
		return 0;
	return !utf16_strings(data, len, ret);
}

int hive_subkeys(const struct hive *h, const char *key, struct strv *ret)
{
	hive_node_h node = find_key(h, key);
	cleanup_free hive_node_h *children =
		node ? hivex_node_children(h->h, node) : NULL;
	struct strv out = { 0 };

	if (!children)
		return -1;
	for (size_t i = 0; children[i]; i++) {
		cleanup_free char *name = hivex_node_name(h->h, children[i]);

		if (name && strv_add(&out, name)) {
			strv_done(&out);
			return -1;
		}
	}
	strv_sort(&out);
	*ret = out;
	return 0;
}

int hive_values(const struct hive *h, const char *key, struct strv *ret)
{
	hive_node_h node = find_key(h, key);
	cleanup_free hive_value_h *all = node ? hivex_node_values(h->h, node) : NULL;
	struct strv out = { 0 };

	if (!all)
		return -1;
	for (size_t i = 0; all[i]; i++) {
		cleanup_free char *name = hivex_value_key(h->h, all[i]);

		if (name && strv_add(&out, name)) {
			strv_done(&out);
			return -1;
		}
	}
	strv_sort(&out);
	*ret = out;
	return 0;
}

/* ---- changing ---- */

static int cant(struct hive *h, const char *key, struct err *e)
{
	return err_set(e, errno == ENOMEM ? ERR_NOMEM : ERR_CORRUPT,
		       "%s, key %s: it can't be changed (%s)", h->name, *key ? key : "\\",
		       strerror(errno));
}

/* A value for people: `"text"`, 3, [a, b], or the first bytes. */
static void value_text(uint32_t type, const uint8_t *data, size_t len, char *buf, size_t size)
{
	struct strv l = { 0 };
	size_t at = 0;

	if (type == REG_DWORD && len == 4) {
		snprintf(buf, size, "%u", le32_get(*(const le32 *)data));
	} else if ((type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ) &&
		   !utf16_strings(data, len, &l)) {
		at += (size_t)snprintf(buf, size, "[");
		for (size_t i = 0; i < l.n && at < size; i++)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "", l.v[i]);
		if (type != REG_MULTI_SZ)
			snprintf(buf, size, "\"%s\"", l.n ? l.v[0] : "");
		else if (at < size)
			snprintf(buf + at, size - at, "]");
		strv_done(&l);
	} else {
		at += (size_t)snprintf(buf, size, "type %u, %zu bytes:", type, len);
		for (size_t i = 0; i < len && i < 16 && at < size; i++)
			at += (size_t)snprintf(buf + at, size - at, " %02x", data[i]);
	}
}

static void log_set(struct hive *h, const char *key, const char *value, uint32_t type,
		    const void *data, size_t len)
{
	cleanup_free uint8_t *old = NULL;
	char now[300], was[300] = "";
	uint32_t old_type;
	size_t old_len;

	value_text(type, data, len, now, sizeof now);
	if (hive_value(h, key, value, &old_type, &old, &old_len))
		value_text(old_type, old, old_len, was, sizeof was);
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

/* libhivex writes all values of a key anew. */
static int values_are_small(struct hive *h, hive_node_h node, const char *key, struct err *e)
{
	cleanup_free hive_value_h *all = hivex_node_values(h->h, node);
	hive_type type;
	size_t len;

	for (size_t i = 0; all && all[i]; i++)
		if (!hivex_value_type(h->h, all[i], &type, &len) && len > HIVE_VALUE_MAX)
			return err_set(e, ERR_UNSUPPORTED, "%s, key %s: it has a value of %zu bytes; "
				       "keys with one above %u can't be changed", h->name, key, len,
				       HIVE_VALUE_MAX);
	return all ? 0 : cant(h, key, e);
}

static int make_key(struct hive *h, const char *key, hive_node_h *ret, struct err *e)
{
	hive_node_h node = hivex_root(h->h);
	cleanup_free char *copy = strdup(key);
	char *rest = copy, *name;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	while (node && (name = strsep(&rest, "\\"))) {
		hive_node_h child = *name ? hivex_node_get_child(h->h, node, name) : node;

		node = child ? child : hivex_node_add_child(h->h, node, name);
	}
	*ret = node;
	return node ? 0 : cant(h, key, e);
}

int hive_make_key(struct hive *h, const char *key, struct err *e)
{
	hive_node_h node;

	if (hive_has_key(h, key))
		return 0;
	strv_addf(&h->changes, "+ %s", key);
	return make_key(h, key, &node, e);
}

int hive_set(struct hive *h, const char *key, const char *value, uint32_t type,
	     const void *data, size_t len, struct err *e)
{
	hive_set_value v = { .key = (char *)value, .t = (hive_type)type, .len = len,
			     .value = (char *)data };
	hive_node_h node;
	int rc;

	if (is_set(h, key, value, type, data, len))
		return 0;
	if (len > HIVE_VALUE_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s, key %s: %s would have %zu bytes; at most %u "
			       "can be written", h->name, key, value, len, HIVE_VALUE_MAX);
	log_set(h, key, value, type, data, len);
	rc = make_key(h, key, &node, e);
	if (!rc)
		rc = values_are_small(h, node, key, e);
	if (!rc && hivex_node_set_value(h->h, node, &v, 0))
		rc = cant(h, key, e);
	return rc;
}

int hive_set_dword(struct hive *h, const char *key, const char *value, uint32_t n, struct err *e)
{
	le32 data = le32_make(n);

	return hive_set(h, key, value, REG_DWORD, &data, sizeof data, e);
}

int hive_set_string(struct hive *h, const char *key, const char *value, uint32_t type,
		    const char *text, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	size_t len;
	int rc = utf16_make(text, &data, &len, e);

	return rc ? rc : hive_set(h, key, value, type, data, len, e);
}

int hive_set_strings(struct hive *h, const char *key, const char *value, const struct strv *l,
		     struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	size_t len;
	int rc = utf16_make_strings(l, &data, &len, e);

	return rc ? rc : hive_set(h, key, value, REG_MULTI_SZ, data, len, e);
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
	hive_node_h node = find_key(h, key);
	cleanup_free hive_set_value *v = NULL;
	size_t n = 0;
	int rc;

	if (!node || !hivex_node_get_value(h->h, node, value))
		return 0;
	rc = values_are_small(h, node, key, e);
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
	hive_node_h node = find_key(h, key);

	if (!node)
		return 0;
	if (node == hivex_root(h->h))
		return err_set(e, ERR_INTERNAL, "%s: the root key stays", h->name);
	strv_addf(&h->changes, "- %s", key);
	return hivex_node_delete_child(h->h, node) ? cant(h, key, e) : 0;
}

const struct strv *hive_changes(const struct hive *h)
{
	return &h->changes;
}

int hive_save(struct hive *h, int *ret_fd, struct err *e)
{
	int fd = memfd_create("hive", MFD_CLOEXEC);
	char path[40];

	if (fd < 0)
		return err_sys(e, errno, "memory for %s", h->name);
	fd_path(fd, path);
	if (hivex_commit(h->h, path, 0) || lseek(fd, 0, SEEK_SET)) {
		close(fd);
		return err_sys(e, errno, "memory for %s", h->name);
	}
	*ret_fd = fd;
	return 0;
}
