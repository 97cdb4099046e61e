/* hive.c: see hive.h.
 *
 * libhivex opens a file by name, so the hive stands in a memfd, opened as
 * /proc/self/fd/N: nothing on a disk of this machine is written.  One that is only
 * read is mapped by it; one that is changed it has in its own memory. */
#include "drivers-inject/hive-int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/hive-load.h"
#include "drivers-inject/windows/regf-tree.h"

/* ---- opening ---- */

void hive_fd_path(int fd, char ret[40])
{
	snprintf(ret, 40, "/proc/self/fd/%d", fd);
}

int hive_tidy(int fd, const char *name, int *ret_has_li, struct err *e)
{
	off_t len = lseek(fd, 0, SEEK_END);
	struct regf_tree tree = { 0 };
	void *p;
	int rc;

	if (len <= 0)
		return err_sys(e, errno, "memory for %s", name);
	p = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "memory for %s", name);
	rc = regf_tidy(p, (size_t)len, name, &tree, e);
	munmap(p, (size_t)len);
	if (!rc)
		*ret_has_li = tree.has_li;
	return rc;
}

/* Takes l over. */
static int open_loaded(struct hive_loaded *l, const char *name, int edit, struct hive **ret,
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
	h->tables = calloc(1, sizeof *h->tables);
	hive_fd_path(l->fd, path);
	if (edit)
		rc = hive_tidy(l->fd, name, &h->has_li, e);
	if (!rc && h->name && h->tables)
		h->h = hivex_open(path, edit ? HIVEX_OPEN_WRITE : 0);
	if (!rc && (!h->name || !h->tables || (!h->h && errno == ENOMEM)))
		rc = err_set(e, ERR_NOMEM, "out of memory for %s", name);
	else if (!rc && !h->h)
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

	return rc ? rc : open_loaded(&l, name, edit, ret, e);
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
	return open_loaded(&l, path, 1, ret, e);
}

struct hive *hive_close(struct hive *h)
{
	if (h) {
		if (h->tables)
			hive_forget(h);
		free(h->tables);
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

int hive_has_key(const struct hive *h, const char *key)
{
	return hive_find_key(h, key) != 0;
}

int hive_string(const struct hive *h, const char *key, const char *value,
		char *buf, size_t size)
{
	hive_value_h v = hive_find_value(h, key, value);
	cleanup_free char *s = v ? hivex_value_string(h->h, v) : NULL;

	snprintf(buf, size, "%s", s ? s : "");
	return s != NULL;
}

int hive_value(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret_type, uint8_t **ret, size_t *ret_len)
{
	hive_value_h v = hive_find_value(h, key, value);
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
	hive_value_h v = hive_find_value(h, key, value);
	hive_type type;
	size_t cell, len;

	if (!v || hivex_value_type(h->h, v, &type, &len) || len > HIVE_VALUE_MAX)
		return 0;
	errno = 0;
	cell = hivex_value_data_cell_offset(h->h, v, NULL);
	if (!cell && errno)
		return 0;
	/* behind the cell's size; up to 4 bytes stand in the value, whose handle is the
	 * offset of its own cell (regf-tree.c) */
	*ret_at = cell ? cell + 4 : v + 4 + 8;
	*ret_len = len;
	return 1;
}

int hive_subkeys(const struct hive *h, const char *key, struct strv *ret)
{
	hive_node_h node = hive_find_key(h, key);
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
	hive_node_h node = hive_find_key(h, key);
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
