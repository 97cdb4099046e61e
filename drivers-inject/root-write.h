/* root-write.h: changing a guest's files.  Only apply.c and undo.c use it. */
#ifndef REHOST_ROOT_WRITE_H
#define REHOST_ROOT_WRITE_H
#include <sys/types.h>
#include <stdint.h>
#include "drivers-inject/root.h"

/* What a file has beside its content; kept over a rewrite and an undo.  On NTFS
 * its own stand among the xattrs, under the names that ntfs-3g has for them
 * ("system.ntfs_acl"); mode, uid and gid say nothing there. */
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

enum root_change { ROOT_WRITE, ROOT_REMOVE, ROOT_LINK, ROOT_APPEND };
/* Can that be done to what stands at path (or to nothing, where a file can be
 * made), and be taken back?  0, or ERR_UNSUPPORTED with a sentence.  Asked of all
 * edits before the first is made. */
int root_may(struct root *r, const char *path, enum root_change c, struct err *e) must_check;

/* What follows is on the disk, whole, when it returns 0; interrupted anywhere it
 * is as if it had not begun (or is finished: ntfsrw.h).
 *
 * path has no links in it (root_resolve).  The new content stands in `from`
 * (from its start to its end).  A directory: the file is replaced at once (a new
 * file beside it, fsync, rename, fsync of the directory).  NTFS: in place, so that
 * it stays the same file.  meta NULL: owner root, mode (on NTFS: SYSTEM, and its
 * last digit says whether users may read it). */
int root_put(struct root *r, const char *path, int from, mode_t mode,
	     const struct file_meta *meta, struct err *e) must_check;
int root_put_link(struct root *r, const char *path, const char *target,
		  const struct file_meta *meta, struct err *e) must_check;
/* A new file: an fd to write it to, then what puts it into its place.  Until then,
 * or when *ret_fd is closed without that, nothing need be there. */
int root_new(struct root *r, const char *path, mode_t mode, int *ret_fd, struct err *e) must_check;
int root_new_done(struct root *r, const char *path, mode_t mode, int fd, struct err *e) must_check;
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
