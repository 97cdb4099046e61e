/* owner.h: to whom places of a file system belong: the way back from bytes to paths.
 * For people who lost these bytes; the work is bounded, and what can't be found out
 * isn't said. */
#ifndef REHOST_FS_OWNER_H
#define REHOST_FS_OWNER_H
#include "imager/fs/ranges.h"

struct fs_owner {
	const char *path;         /* NULL: the file system's own, or not known   */
	const char *what;         /* "file", "directory", "the inode tables" ... */
	uint64_t off, len;        /* the first place, and bytes of all of them   */
};
struct owner_query {
	const struct ranges *places; /* bytes of the window, sorted              */
	void (*say)(void *ctx, const struct fs_owner *o);
	int (*over)(void *ctx);   /* 1: it has taken long enough                 */
	void *ctx;
};
/* So many owners of one file system are told, and that there are more. */
#define OWNERS_MAX 1000

int ext_owners(struct blkdev *d, const struct owner_query *q, struct err *e) must_check;
int ntfs_owners(struct blkdev *d, const struct owner_query *q, struct err *e) must_check;

/* What both use: one owner that was hit, by its number. */
struct owner_hit {
	uint64_t number, parent;  /* parent 0: not found yet                     */
	uint64_t off, len;
	int is_dir;
	char name[256];           /* in parent; UTF-8, or what is there          */
};
struct owner_hits {
	struct owner_hit hit[OWNERS_MAX];
	size_t n;
	uint64_t more_off, more_len; /* places of those that it has no room for  */
};
/* [start, end) belongs to `number`: noted if it touches a place. */
void owner_touch(struct owner_hits *h, const struct owner_query *q, uint64_t number,
		 uint64_t start, uint64_t end);
/* That there were more, if there were. */
void owner_say_more(const struct owner_hits *h, const struct owner_query *q);
struct owner_hit *owner_find(struct owner_hits *h, uint64_t number);
/* How many bytes of [start, end) lie in places; *ret_first: the first of them. */
uint64_t owner_overlap(const struct ranges *places, uint64_t start, uint64_t end,
		       uint64_t *ret_first);
#endif
