/* root-ops.h: what each kind of root does: root-dir.c, root-ntfs.c.  The
 * functions are those of root.h and root-write.h of the same names. */
#ifndef REHOST_ROOT_OPS_H
#define REHOST_ROOT_OPS_H
#include "drivers-inject/root-write.h"

struct root_ops {
	const char *journal_dir;
	int (*fd)(struct root *r, const char *path, int flags, unsigned int mode, int *ret,
		  struct err *e);
	/* follow: the last component too */
	int (*stat)(struct root *r, const char *path, int follow, struct stat *ret, struct err *e);
	int (*list)(struct root *r, const char *path, struct strv *ret, struct err *e);
	int (*readlink)(struct root *r, const char *path, char ret[PATH_MAX], struct err *e);
	int (*resolve)(struct root *r, const char *path, char ret[PATH_MAX], struct err *e);
	/* NULL: names are what they are */
	int (*spell)(struct root *r, char path[PATH_MAX], struct err *e);
	void (*close)(struct root *r); /* frees what is r's own, not r            */

	int (*meta_get)(struct root *r, const char *path, struct file_meta *ret, struct err *e);
	int (*may)(struct root *r, const char *path, enum root_change c, struct err *e);
	int (*put)(struct root *r, const char *path, int from, mode_t mode,
		   const struct file_meta *meta, struct err *e);
	int (*put_link)(struct root *r, const char *path, const char *target,
			const struct file_meta *meta, struct err *e);
	int (*new)(struct root *r, const char *path, mode_t mode, int *ret_fd, struct err *e);
	int (*new_done)(struct root *r, const char *path, mode_t mode, int fd, struct err *e);
	int (*remove)(struct root *r, const char *path, struct err *e);
	int (*mkdir)(struct root *r, const char *path, struct err *e);
	void (*rmdir)(struct root *r, const char *path);
};

struct root {
	const struct root_ops *ops;
	char *name;             /* for messages                              */
};

/* A root-first object of size zeroed bytes; NULL with e filled. */
void *root_new_object(size_t size, const struct root_ops *ops, const char *name, struct err *e);
#endif
