/* ntfs-owner.c: whose are these clusters of NTFS?  Every MFT record's runs are looked
 * at; names come from the records' own $FILE_NAME, directory by directory up. */
#include "imager/fs/ntfsio.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/mft.h>
#include <ntfs-3g/unistr.h>
#include "common/cleanup.h"
#include "imager/fs/ntfs.h"
#include "imager/fs/owner.h"

#define CHUNK (1u << 18)         /* of the MFT, bytes at a time               */
#define PATH_BYTES 4096
#define DEPTH_MAX 64             /* directories                               */

struct search {
	ntfs_volume *vol;
	const struct owner_query *q;
	struct owner_hits hits;
	uint64_t number;          /* of the file whose runs come */
};

static int one_run(void *ctx, uint64_t lcn, uint64_t clusters, struct err *e)
{
	struct search *s = ctx;
	uint64_t cs = s->vol->cluster_size;

	(void)e;
	owner_touch(&s->hits, s->q, s->number, lcn * cs, (lcn + clusters) * cs);
	return 0;
}

/* n records; those that are damaged say nothing. */
static void look_at(struct search *s, uint8_t *buf, uint64_t first, uint64_t n)
{
	size_t size = s->vol->mft_record_size;

	for (uint64_t i = 0; i < n; i++) {
		uint8_t *rec = buf + i * size;
		int ignored;

		s->number = ntfs_record_owner(rec, first + i);
		ignored = ntfs_record_runs(rec, size, first + i, (uint64_t)s->vol->nr_clusters,
					   one_run, s, NULL);
		(void)ignored;
	}
}

static int all_records(struct search *s, struct err *e)
{
	ntfs_volume *vol = s->vol;
	s64 rec = vol->mft_record_size, step = rec > (s64)CHUNK ? rec : (s64)CHUNK / rec * rec;
	cleanup_free uint8_t *buf = malloc((size_t)step);
	s64 end = vol->mft_na->initialized_size / rec * rec, want = step;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for MFT records");
	for (s64 pos = 0; pos < end && !s->q->over(s->q->ctx); pos += want) {
		want = end - pos < step ? end - pos : step;
		if (ntfs_attr_pread(vol->mft_na, pos, want, buf) == want) {
			look_at(s, buf, (uint64_t)(pos / rec), (uint64_t)(want / rec));
			continue;
		}
		/* some of these can't be read */
		want = rec;
		if (ntfs_attr_pread(vol->mft_na, pos, rec, buf) == rec)
			look_at(s, buf, (uint64_t)(pos / rec), 1);
	}
	return 0;
}

/* ---- names ---- */

/* A long name of the file, malloc'd, and its directory; NULL: it has none. */
static char *own_name(ntfs_inode *ni, uint64_t *ret_parent)
{
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);
	char *name = NULL;

	while (ctx && !name &&
	       !ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, ctx)) {
		uint32_t len = le32_to_cpu(ctx->attr->value_length);
		const uint8_t *value = (const uint8_t *)ctx->attr + le16_to_cpu(ctx->attr->value_offset);
		const FILE_NAME_ATTR *f = (const void *)value;

		if (ctx->attr->non_resident || len < offsetof(FILE_NAME_ATTR, file_name) ||
		    len - offsetof(FILE_NAME_ATTR, file_name) < 2u * f->file_name_length ||
		    f->file_name_type == FILE_NAME_DOS)
			continue;
		*ret_parent = MREF(le64_to_cpu(f->parent_directory));
		if (ntfs_ucstombs((const void *)(value + offsetof(FILE_NAME_ATTR, file_name)),
				  f->file_name_length, &name, 0) < 0)
			name = NULL;
	}
	if (ctx)
		ntfs_attr_put_search_ctx(ctx);
	return name;
}

/* The path into the end of buf; NULL: it can't be told. */
static const char *path_of(struct search *s, uint64_t number, char buf[PATH_BYTES], int *is_dir)
{
	size_t at = PATH_BYTES - 1;

	buf[at] = 0;
	for (int depth = 0; number != FILE_root; depth++) {
		ntfs_inode *ni = depth < DEPTH_MAX ? ntfs_inode_open(s->vol, number) : NULL;
		char *name = ni ? own_name(ni, &number) : NULL;
		size_t len = name ? strlen(name) : 0;

		if (ni && !depth)
			*is_dir = !!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY);
		if (ni)
			ntfs_inode_close(ni);
		if (!name || len + 1 > at) {
			free(name);
			return NULL;
		}
		at -= len;
		memcpy(buf + at, name, len);
		buf[--at] = '/';
		free(name);
	}
	return buf[at] ? buf + at : "/";
}

static void say_hit(struct search *s, const struct owner_hit *h)
{
	char buf[PATH_BYTES];
	int is_dir = h->number == FILE_root;
	struct fs_owner o = { path_of(s, h->number, buf, &is_dir), "file", h->off, h->len };

	if (is_dir)
		o.what = "directory";
	if (h->number < FILE_first_user && h->number != FILE_root)
		o.what = "the file system's own";
	else if (!o.path)
		o.what = "a file whose name can't be read";
	s->q->say(s->q->ctx, &o);
}

int ntfs_owners(struct blkdev *d, const struct owner_query *q, struct err *e)
{
	cleanup_free struct search *s = calloc(1, sizeof *s);
	int r;

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory for the names of files");
	s->q = q;
	r = ntfsio_mount(d, &s->vol, e);
	if (r < 0)
		return r;
	r = all_records(s, e);
	for (size_t i = 0; r == 0 && i < s->hits.n; i++)
		say_hit(s, &s->hits.hit[i]);
	if (r == 0)
		owner_say_more(&s->hits, q);
	ntfsio_umount(s->vol);
	return r;
}
