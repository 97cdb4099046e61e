/* fat-pagefile.c: Windows' page and hibernation files on FAT. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fs/fat.h"
#include "imager/fs/pagefile.h"

/* More of a root directory than this is not searched. */
#define ROOT_MAX (4u << 20)

/* The file's clusters as ranges; 0 if its chain is not sound. */
static int chain(const struct fat *f, const struct fat_dirent_disk *n, struct ranges *ret,
		 struct err *e)
{
	uint64_t c = le16_get(n->cluster_lo);
	uint64_t want = ((uint64_t)le32_get(n->size) + f->cluster_size - 1) / f->cluster_size;

	if (f->bits == 32)
		c |= (uint64_t)le16_get(n->cluster_hi) << 16;
	for (uint64_t i = 0; i < want; i++) {
		uint32_t next;
		int r;

		if (!fat_is_cluster(f, c))
			return 0;
		r = ranges_add(ret, fat_cluster_at(f, c), fat_cluster_at(f, c + 1), e);
		if (r < 0)
			return r;
		next = fat_next(f, c);
		if (i + 1 == want)
			return fat_is_end(f, next);
		c = next;
	}
	return 0;
}

static int same_bytes(const struct ranges *l, uint64_t clusters, const struct fat *f)
{
	return ranges_bytes(l) == clusters * f->cluster_size;
}

static int leave_out(const struct fat *f, const struct fat_dirent_disk *n, const char *name,
		     struct ranges *cut, const struct fs_notes *notes, struct err *e)
{
	struct ranges l = { 0 };
	uint8_t head[8];
	uint64_t skip = PAGE_FILE_HEAD, first, bytes = 0;
	uint64_t want = ((uint64_t)le32_get(n->size) + f->cluster_size - 1) / f->cluster_size;
	int r = chain(f, n, &l, e);

	if (r <= 0)
		goto out;
	r = 0;
	first = l.v[0].start;
	if (dev_read(f->d, first, head, sizeof head, NULL) < 0)
		goto out;
	if (page_file_in_use(head, sizeof head)) {
		fs_note(notes, "%s holds a hibernated system or a crash dump and was kept.", name);
		goto out;
	}
	for (size_t i = 0; i < l.n && !r; i++) {
		uint64_t len = l.v[i].end - l.v[i].start, s = len < skip ? len : skip;

		skip -= s;
		bytes += len - s;
		r = ranges_add(cut, l.v[i].start + s, l.v[i].end, e);
	}
	/* a cluster that is twice in the chain: not sound after all */
	ranges_sort(&l);
	if (!r && !same_bytes(&l, want, f))
		cut->n = 0;
	else if (!r && bytes)
		fs_note(notes, "%s was left out (%llu bytes); Windows makes it anew.",
			name, (unsigned long long)bytes);
out:
	ranges_done(&l);
	return r;
}

static void plain_name(const struct fat_dirent_disk *n, char ret[13])
{
	size_t len = 0;

	for (size_t i = 0; i < 8 && n->name[i] != ' '; i++)
		ret[len++] = (char)tolower(n->name[i]);
	ret[len++] = '.';
	for (size_t i = 8; i < 11 && n->name[i] != ' '; i++)
		ret[len++] = (char)tolower(n->name[i]);
	ret[len] = 0;
}

/* 1: the directory ends here. */
static int search(const struct fat *f, const uint8_t *dir, size_t len, struct ranges *cut,
		  const struct fs_notes *notes, struct err *e)
{
	for (size_t pos = 0; pos + 32 <= len; pos += 32) {
		struct fat_dirent_disk n;
		char name[13];
		int r;

		memcpy(&n, dir + pos, sizeof n);
		if (!n.name[0])
			return 1;
		if (n.name[0] == 0xe5 || n.attrs & 0x18)
			continue;
		plain_name(&n, name);
		if (!page_file_name(name))
			continue;
		r = leave_out(f, &n, name, cut, notes, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int fat_page_files(const struct fat *f, struct ranges *cut, const struct fs_notes *notes,
		   struct err *e)
{
	uint64_t at = f->bits == 32 ? f->root_cluster : 0, total = 0;
	size_t len = f->bits == 32 ? f->cluster_size : (size_t)(f->data_start - f->root_start);
	cleanup_free uint8_t *buf = malloc(len ? len : 1);
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for the root directory");
	if (fat_dirty(f)) {
		fs_note(notes, "It was not unmounted cleanly.");
		return 0;
	}
	while (!r && total < ROOT_MAX) {
		if (f->bits == 32 && !fat_is_cluster(f, at))
			break;
		/* a root directory that can't be read leaves nothing out */
		if (dev_read(f->d, f->bits == 32 ? fat_cluster_at(f, at) : f->root_start,
			     buf, len, NULL) < 0)
			break;
		r = search(f, buf, len, cut, notes, e);
		if (f->bits != 32)
			break;
		at = fat_next(f, at);
		total += len;
	}
	ranges_sort(cut);
	return r < 0 ? r : 0;
}
