/* root-write.h: changing a guest's files.  Only apply.c and undo.c use it. */
#ifndef REHOST_ROOT_WRITE_H
#define REHOST_ROOT_WRITE_H
#include <sys/types.h>
#include <stdint.h>
#include "drivers-inject/root.h"

/* What a file has beside its content; kept over a rewrite and an undo. */
struct file_meta {
	mode_t mode;            /* permissions only                          */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	struct strv xattr_names;/* "security.selinux"                        */
	struct strv xattr_values; /* as hexadecimal                          */
};

/* Of the file (or link: then no xattrs) itself, which is not followed. */
int file_meta_get(struct root *r, const char *path, struct file_meta *ret, struct err *e) must_check;
void file_meta_done(struct file_meta *m);

/* path has no links in it (root_resolve).  The new content stands in `from`
 * (from its start to its end); the file is replaced at once (a new file beside
 * it, fsync, rename, fsync of the directory).  meta NULL: owner root, mode. */
int root_put(struct root *r, const char *path, int from, mode_t mode,
	     const struct file_meta *meta, struct err *e) must_check;
int root_put_link(struct root *r, const char *path, const char *target,
		  const struct file_meta *meta, struct err *e) must_check;
int root_remove(struct root *r, const char *path, struct err *e) must_check;
/* Makes the directories above path that are missing (0755); their names are
 * added to *made, outermost first.  made may be NULL. */
int root_make_parents(struct root *r, const char *path, struct strv *made, struct err *e) must_check;
/* Removes an empty directory; one that is not empty is left, and no error. */
void root_remove_dir(struct root *r, const char *path);
/* SHA-256 over the first `len` bytes (UINT64_MAX: all) of an open file, as
 * 64 hexadecimal digits; the offset is left anywhere. */
int file_digest(int fd, uint64_t len, char ret[65], struct err *e) must_check;
int bytes_digest(const void *buf, size_t len, char ret[65], struct err *e) must_check;
/* Bytes from one open file to another, both at their offsets, to from's end. */
int file_copy(int from, int to, uint64_t *ret_len, struct err *e) must_check;
#endif
