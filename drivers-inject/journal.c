/* journal.c: see journal.h. */
#include "drivers-inject/journal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/io.h"
#include "common/json.h"

#define VERSION 1

static const char *const kinds[] = {
	[EDIT_WRITE] = "write", [EDIT_REMOVE] = "remove", [EDIT_LINK] = "link",
	[EDIT_APPEND] = "append", [EDIT_REPLACE] = "replace",
	[EDIT_DISK] = "disk", [EDIT_ACTION] = "action",
};
static const char *const was_names[] = { "absent", "file", "link" };

static void entry_done(struct journal_entry *d)
{
	free(d->path);
	free(d->target);
	free(d->backup);
	free(d->new_target);
	free(d->undo);
	file_meta_done(&d->meta);
}

void journal_done(struct journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		entry_done(&j->v[i]);
	free(j->v);
	strv_done(&j->made);
	*j = (struct journal){ 0 };
}

struct journal_entry *journal_add(struct journal *j, enum edit_kind kind, const char *path)
{
	struct journal_entry *v = realloc(j->v, (j->n + 1) * sizeof *v);

	if (!v)
		return NULL;
	j->v = v;
	v[j->n] = (struct journal_entry){ .kind = kind, .path = strdup(path) };
	return v[j->n].path ? &v[j->n++] : NULL;
}

/* ---- JSON; paths of a guest may hold any bytes, so they stand in hexadecimal
 * where they are not plain ASCII ---- */

static void put_bytes(struct json_object *o, const char *key, const char *s)
{
	cleanup_free char *hex = NULL;
	char name[40];

	if (!s)
		return;
	for (const char *p = s; *p; p++)
		if (*p < ' ' || *p > '~')
			hex = hex ? hex : malloc(2 * strlen(s) + 1);
	if (!hex) {
		json_put_str(o, key, s);
		return;
	}
	hex_encode((const uint8_t *)s, strlen(s), hex);
	snprintf(name, sizeof name, "%s_hex", key);
	json_put_str(o, name, hex);
}

static char *get_bytes(struct json_object *o, const char *key)
{
	const char *s = json_get_str(o, key, NULL), *hex;
	char name[40], *ret;

	if (s)
		return strdup(s);
	snprintf(name, sizeof name, "%s_hex", key);
	hex = json_get_str(o, name, NULL);
	if (!hex || !(ret = calloc(1, strlen(hex) / 2 + 1)))
		return NULL;
	for (size_t i = 0; i < strlen(hex) / 2; i++)
		if (sscanf(hex + 2 * i, "%2hhx", (unsigned char *)&ret[i]) != 1)
			break;
	return ret;
}

static struct json_object *meta_json(const struct file_meta *m)
{
	struct json_object *o = json_object_new_object(), *x = json_object_new_object();

	json_put_u64(o, "mode", m->mode);
	json_put_u64(o, "uid", m->uid);
	json_put_u64(o, "gid", m->gid);
	json_object_object_add(o, "mtime", json_object_new_int64(m->mtime.tv_sec));
	json_put_u64(o, "mtime_ns", (uint64_t)m->mtime.tv_nsec);
	for (size_t i = 0; i < m->xattr_names.n; i++)
		json_put_str(x, m->xattr_names.v[i], m->xattr_values.v[i]);
	json_put(o, "xattrs", x);
	return o;
}

static int meta_parse(struct json_object *o, struct file_meta *m, struct err *e)
{
	struct json_object *x, *t;

	if (!o)
		return 0;
	m->mode = json_get_u64(o, "mode", 0644) & 07777;
	m->uid = (uid_t)json_get_u64(o, "uid", 0);
	m->gid = (gid_t)json_get_u64(o, "gid", 0);
	if (json_object_object_get_ex(o, "mtime", &t))
		m->mtime.tv_sec = json_object_get_int64(t);
	m->mtime.tv_nsec = (long)(json_get_u64(o, "mtime_ns", 0) % 1000000000);
	x = json_get_object(o, "xattrs");
	if (x) {
		json_object_object_foreach(x, key, val) {
			if (strv_add(&m->xattr_names, key) ||
			    strv_add(&m->xattr_values, json_object_get_string(val)))
				return err_set(e, ERR_NOMEM, "out of memory");
		}
	}
	return 0;
}

static struct json_object *entry_json(const struct journal_entry *d)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "kind", kinds[d->kind]);
	put_bytes(o, "path", d->path);
	json_put_str(o, "was", was_names[d->was]);
	put_bytes(o, "target", d->target);
	put_bytes(o, "new_target", d->new_target);
	json_put_str_if(o, "backup", d->backup);
	if (d->was != WAS_ABSENT)
		json_put(o, "meta", meta_json(&d->meta));
	json_put_u64(o, "old_size", d->old_size);
	if (d->kind == EDIT_DISK)
		json_put_u64(o, "offset", d->offset);
	json_put_str_if(o, "old_sha256", d->old_digest);
	json_put_str_if(o, "new_sha256", d->new_digest);
	json_put_str_if(o, "undo", d->undo);
	return o;
}

static int word_index(const char *const *words, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], s))
			return (int)i;
	return -1;
}

static int entry_parse(struct json_object *o, struct journal *j, struct err *e)
{
	int kind = word_index(kinds, sizeof kinds / sizeof *kinds, json_get_str(o, "kind", ""));
	int was = word_index(was_names, 3, json_get_str(o, "was", ""));
	cleanup_free char *path = get_bytes(o, "path");
	struct journal_entry *d;

	/* an action's is no file: "\\EFI\\debian\\shimx64.efi" */
	if (kind < 0 || was < 0 || !path || (*path != '/' && kind != EDIT_ACTION))
		return err_set(e, ERR_CORRUPT, "%s/journal.json: an entry that makes no sense", j->dir);
	d = journal_add(j, (enum edit_kind)kind, path);
	if (!d)
		return err_set(e, ERR_NOMEM, "out of memory");
	d->was = (enum journal_was)was;
	d->target = get_bytes(o, "target");
	d->new_target = get_bytes(o, "new_target");
	d->backup = get_bytes(o, "backup");
	d->undo = get_bytes(o, "undo");
	d->old_size = json_get_u64(o, "old_size", 0);
	d->offset = json_get_u64(o, "offset", 0);
	snprintf(d->old_digest, sizeof d->old_digest, "%s", json_get_str(o, "old_sha256", ""));
	snprintf(d->new_digest, sizeof d->new_digest, "%s", json_get_str(o, "new_sha256", ""));
	return meta_parse(json_get_object(o, "meta"), &d->meta, e);
}

/* ---- files ---- */

static int is_run(const char *name)
{
	return strlen(name) == 4 && strspn(name, "0123456789") == 4;
}

int journal_list(struct root *r, struct strv *ret, struct err *e)
{
	const char *dir = root_journal_dir(r);
	struct strv names = { 0 }, runs = { 0 };
	char path[PATH_MAX];
	int rc = root_list(r, dir, &names, e);

	if (rc == ERR_NOT_FOUND) {
		*ret = runs;
		return 0;
	}
	for (size_t i = 0; !rc && i < names.n; i++) {
		if (!is_run(names.v[i]))
			continue;
		snprintf(path, sizeof path, "%s/%s/journal.json", dir, names.v[i]);
		/* without a journal nothing was changed yet */
		if (!root_has_file(r, path))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, names.v[i]);
		if (strv_add(&runs, path))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	strv_done(&names);
	if (rc)
		strv_done(&runs);
	else
		*ret = runs;
	return rc;
}

int journal_load(struct root *r, const char *dir, struct journal *ret, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	cleanup_free char *text = NULL;
	struct journal j = { 0 };
	struct json_object *a;
	char path[PATH_MAX];
	size_t len;
	int rc;

	snprintf(j.dir, sizeof j.dir, "%s", dir);
	snprintf(path, sizeof path, "%s/journal.json", dir);
	rc = root_read(r, path, JOURNAL_MAX, &text, &len, e);
	if (!rc && (rc = json_parse(text, len, &o, e)))
		err_prefix(e, "%s", path);
	if (!rc && json_get_u64(o, "version", 0) != VERSION)
		rc = err_set(e, ERR_UNSUPPORTED, "%s: a version that this program doesn't know; use "
			     "the one that wrote it", path);
	if (rc)
		return rc;
	j.done = json_get_bool(o, "done", 0);
	a = json_get_array(o, "entries");
	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++)
		rc = entry_parse(json_object_array_get_idx(a, i), &j, e);
	a = json_get_array(o, "made");
	for (size_t i = 0; !rc && a && i < json_object_array_length(a); i++)
		if (strv_add(&j.made, json_object_get_string(json_object_array_get_idx(a, i))))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	if (rc)
		journal_done(&j);
	else
		*ret = j;
	return rc;
}

int journal_save(struct root *r, const struct journal *j, struct err *e)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct json_object *a = json_object_new_array();
	cleanup_close int fd = memfd_create("journal", MFD_CLOEXEC);
	char path[PATH_MAX];
	const char *text;

	json_put_u64(o, "version", VERSION);
	json_put_str(o, "tool", "rehost " REHOST_VERSION);
	json_put_bool(o, "done", j->done);
	for (size_t i = 0; i < j->n; i++)
		json_object_array_add(a, entry_json(&j->v[i]));
	json_put(o, "entries", a);
	a = json_object_new_array();
	for (size_t i = 0; i < j->made.n; i++)
		json_object_array_add(a, json_text(j->made.v[i]));
	json_put(o, "made", a);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (fd < 0 || io_write_all(fd, text, strlen(text)))
		return err_set(e, ERR_NOMEM, "out of memory for the journal");
	snprintf(path, sizeof path, "%s/journal.json", j->dir);
	return root_put(r, path, fd, 0600, NULL, e);
}

/* The files of a run that has no journal (any more), and its directories. */
static int remove_files(struct root *r, const char *dir, struct err *e)
{
	struct strv names = { 0 };
	char path[PATH_MAX];
	int rc = 0;

	snprintf(path, sizeof path, "%s/files", dir);
	if (root_list(r, path, &names, NULL))
		names = (struct strv){ 0 };
	for (size_t i = 0; !rc && i < names.n; i++) {
		snprintf(path, sizeof path, "%s/files/%s", dir, names.v[i]);
		rc = root_remove(r, path, e);
	}
	strv_done(&names);
	if (rc)
		return rc;
	snprintf(path, sizeof path, "%s/files", dir);
	root_remove_dir(r, path);
	root_remove_dir(r, dir);
	return 0;
}

int journal_remove(struct root *r, const struct journal *j, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	/* first the journal: what is left without it is no run */
	snprintf(path, sizeof path, "%s/journal.json", j->dir);
	rc = root_remove(r, path, e);
	if (!rc)
		rc = remove_files(r, j->dir, e);
	if (rc)
		return rc;
	for (size_t i = j->made.n; i > 0; i--)
		root_remove_dir(r, j->made.v[i - 1]);
	return 0;
}

int journal_sweep(struct root *r, struct err *e)
{
	const char *dir = root_journal_dir(r);
	struct strv names = { 0 };
	char path[PATH_MAX];
	int rc = root_list(r, dir, &names, e);

	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	for (size_t i = 0; !rc && i < names.n; i++) {
		if (!is_run(names.v[i]))
			continue;
		snprintf(path, sizeof path, "%s/%s/journal.json", dir, names.v[i]);
		if (root_has_file(r, path))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, names.v[i]);
		rc = remove_files(r, path, e);
	}
	strv_done(&names);
	root_remove_dir(r, dir);
	return rc;
}
