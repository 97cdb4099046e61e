/* hive-load.c: see hive-load.h. */
#include "drivers-inject/hive-load.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/hive.h"
#include "drivers-inject/windows/hive-logs.h"

#define CHUNK (1u << 20)

/* Looks at the base block in fd.  A wrong checksum only says that a write was
 * cut off; libhivex refuses it, so our copy gets the one that it wants. */
static int look_at_base(int fd, const char *name, struct hive_loaded *h,
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
	b.checksum = le32_make(regf_xor(&b));
	if (pwrite(fd, &b, sizeof b, 0) != sizeof b)
		return err_sys(e, errno, "%s: the hive's copy", name);
	return 0;
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
		  uint64_t room, struct hive_loaded *h, struct err *e)
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

static void loaded_done(struct hive_loaded *l)
{
	if (l->fd >= 0)
		close(l->fd);
	hivelog_result_done(&l->replay);
}

int hive_load_bytes(const void *bytes, size_t len, const char *name,
		    struct hive_loaded *ret, struct err *e)
{
	struct hive_loaded l = { .fd = -1 };
	int r = new_memfd(name, len, &l.fd, e);

	if (!r && write(l.fd, bytes, len) != (ssize_t)len)
		r = err_sys(e, errno, "memory for %s", name);
	if (!r)
		r = look_at_base(l.fd, name, &l, e);
	if (r)
		loaded_done(&l);
	else
		*ret = l;
	return r;
}

/* Half of what there is: a hive that is looked at is in memory twice. */
static int room_for(const struct tree_node *n, const char *path, uint64_t *ret,
		    struct err *e)
{
	uint64_t room = memory_available() / 2;

	if (n->type != TREE_FILE)
		return err_set(e, ERR_CORRUPT, "%s is not a regular file",
			       path);
	if (room > HIVE_SIZE_MAX)
		room = HIVE_SIZE_MAX;
	if (n->size > room)
		return err_set(e, ERR_NOMEM,
			       "%s has %llu MB, and only %llu MB of memory may "
			       "be used for it", path,
			       (unsigned long long)n->size >> 20,
			       (unsigned long long)room >> 20);
	*ret = room - n->size;
	return 0;
}

int hive_load(struct tree *t, const char *path, struct hive_loaded *ret,
	      struct err *e)
{
	struct hive_loaded l = { .fd = -1 };
	struct tree_node n;
	uint64_t room = 0;
	int r = tree_find(t, path, &n, e);

	if (!r)
		r = room_for(&n, path, &room, e);
	if (!r)
		r = new_memfd(path, n.size, &l.fd, e);
	if (!r)
		r = copy_to_memfd(t, &n, l.fd, path, e);
	if (!r)
		r = replay(t, path, l.fd, n.size, room, &l, e);
	if (!r)
		r = look_at_base(l.fd, path, &l, e);
	if (r)
		loaded_done(&l);
	else
		*ret = l;
	return r;
}
