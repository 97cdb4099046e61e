/* hive.c: see hive.h.
 *
 * libhivex opens a file by name and maps it, so the hive goes into a memfd,
 * opened as /proc/self/fd/N: nothing on a disk of this machine is written. */
#include "drivers-inject/hive.h"
#include <errno.h>
#include <hivex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/hive-logs.h"

#define CHUNK (1u << 20)

struct hive {
	hive_h *h;
	int dirty;
	struct hivelog_result replay;
	struct err problem;     /* code 0: nothing was tried, or it worked   */
};

/* Looks at the base block in fd.  A wrong checksum only says that a write was
 * cut off; libhivex refuses it, so our copy gets the right one. */
static int look_at_base(int fd, const char *name, struct hive *h,
			struct err *e)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct regf_base_disk b;

	if (pread(fd, &b, sizeof b, 0) != sizeof b)
		return err_sys(e, errno, "%s: reading the hive's copy", name);
	if (memcmp(b.magic, "regf", 4))
		return err_set(e, ERR_CORRUPT,
			       "%s: not a registry hive (no 'regf' at its "
			       "start)", name);
	if (REGF_BINS + (uint64_t)le32_get(b.bins_size) > (uint64_t)size)
		return err_set(e, ERR_CORRUPT,
			       "%s: the hive is damaged (it ends at byte %lld, "
			       "its header says %llu)", name, (long long)size,
			       REGF_BINS + (unsigned long long)le32_get(b.bins_size));
	h->dirty |= hivelog_dirty(&b, sizeof b);
	b.checksum = le32_make(regf_checksum(&b));
	if (pwrite(fd, &b, sizeof b, 0) != sizeof b)
		return err_sys(e, errno, "%s: the hive's copy", name);
	return 0;
}

/* Opens what is in fd for h, which is closed on failure. */
static int open_fd(int fd, const char *name, struct hive *h, struct hive **ret,
		   struct err *e)
{
	char path[40];
	int r = look_at_base(fd, name, h, e);

	if (!r) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		h->h = hivex_open(path, 0);
		if (!h->h)
			r = err_set(e, errno == ENOMEM ? ERR_NOMEM : ERR_CORRUPT,
				    "%s: the hive is damaged (%s)", name,
				    strerror(errno));
	}
	if (r)
		hive_close(h);
	else
		*ret = h;
	return r;
}

static int new_memfd(const char *name, uint64_t size, int *ret, struct err *e)
{
	int fd;

	if (size < REGF_SIZE_MIN)
		return err_set(e, ERR_CORRUPT,
			       "%s: %llu bytes are too few for a registry hive",
			       name, (unsigned long long)size);
	fd = memfd_create("hive", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "memory for %s", name);
	*ret = fd;
	return 0;
}

int hive_open_bytes(const void *bytes, size_t len, const char *name,
		    struct hive **ret, struct err *e)
{
	cleanup_close int fd = -1;
	struct hive *h;
	int r = new_memfd(name, len, &fd, e);

	if (!r && write(fd, bytes, len) != (ssize_t)len)
		r = err_sys(e, errno, "memory for %s", name);
	if (r)
		return r;
	h = calloc(1, sizeof *h);
	return h ? open_fd(fd, name, h, ret, e) :
	       err_set(e, ERR_NOMEM, "out of memory");
}

/* Bytes of memory that can be had without swapping; UINT64_MAX if unknown. */
static uint64_t memory_available(void)
{
	cleanup_fclose FILE *f = fopen("/proc/meminfo", "r");
	unsigned long long kb;
	char line[128];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
			return kb << 10;
	return UINT64_MAX;
}

static int copy_to_memfd(struct tree *t, const struct tree_node *n, int fd,
			 const char *name, struct err *e)
{
	cleanup_free char *buf = malloc(CHUNK);

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (uint64_t off = 0; off < n->size; off += CHUNK) {
		size_t len = n->size - off < CHUNK ? n->size - off : CHUNK;
		int r = tree_read(t, n, off, buf, len, e);

		if (r)
			return r;
		if (write(fd, buf, len) != (ssize_t)len)
			return err_sys(e, errno, "memory for %s", name);
	}
	return 0;
}

/* If the hive in fd is dirty, puts there what its logs make of it; where they
 * can't, it stays as it is and h->problem says why.  room: bytes of memory. */
static int replay(struct tree *t, const char *path, int fd, size_t len,
		  uint64_t room, struct hive *h, struct err *e)
{
	cleanup_free uint8_t *out = NULL;
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	size_t out_len = 0;

	if (p == MAP_FAILED)
		return err_sys(e, errno, "%s: mapping the hive's copy", path);
	h->dirty = hivelog_dirty(p, len);
	if (h->dirty)
		/* its result, or its message, is what there is to say */
		(void)!hive_logs_replay(t, path, p, len, room, &out, &out_len,
					&h->replay, &h->problem);
	munmap(p, len);
	if (out && pwrite(fd, out, out_len, 0) != (ssize_t)out_len)
		return err_sys(e, errno, "memory for %s", path);
	return 0;
}

int hive_open(struct tree *t, const char *path, struct hive **ret,
	      struct err *e)
{
	cleanup_close int fd = -1;
	struct hive *h;
	struct tree_node n;
	uint64_t room = memory_available() / 2;
	int r = tree_find(t, path, &n, e);

	if (r)
		return r;
	if (n.type != TREE_FILE)
		return err_set(e, ERR_CORRUPT, "%s is not a regular file",
			       path);
	if (room > HIVE_SIZE_MAX)
		room = HIVE_SIZE_MAX;
	if (n.size > room)
		return err_set(e, ERR_NOMEM,
			       "%s has %llu MB, and only %llu MB of memory may "
			       "be used for it", path,
			       (unsigned long long)n.size >> 20,
			       (unsigned long long)room >> 20);
	r = new_memfd(path, n.size, &fd, e);
	if (!r)
		r = copy_to_memfd(t, &n, fd, path, e);
	if (r)
		return r;
	h = calloc(1, sizeof *h);
	if (!h)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = replay(t, path, fd, n.size, room - n.size, h, e);
	if (!r)
		return open_fd(fd, path, h, ret, e);
	hive_close(h);
	return r;
}

struct hive *hive_close(struct hive *h)
{
	if (h) {
		if (h->h)
			hivex_close(h->h);
		hivelog_result_done(&h->replay);
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

int hive_dword(const struct hive *h, const char *key, const char *value,
	       uint32_t *ret)
{
	hive_value_h v = find_value(h, key, value);
	hive_type type;
	size_t len;

	if (!v || hivex_value_type(h->h, v, &type, &len) ||
	    type != hive_t_REG_DWORD || len != 4)
		return 0;
	*ret = (uint32_t)hivex_value_dword(h->h, v);
	return 1;
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
