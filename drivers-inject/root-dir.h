/* root-dir.h: between root-dir.c and root-dir-write.c; see root-ops.h. */
#ifndef REHOST_ROOT_DIR_H
#define REHOST_ROOT_DIR_H
#include "drivers-inject/root-ops.h"

struct root_dir {
	struct root r;
	int fd;
};
extern const struct root_ops root_dir_ops;

int root_dir_fd(struct root *r, const char *path, int flags, unsigned int mode, int *ret,
		struct err *e) must_check;
int root_dir_meta_get(struct root *r, const char *path, struct file_meta *ret,
		      struct err *e) must_check;
int root_dir_may(struct root *r, const char *path, enum root_change c, struct err *e) must_check;
int root_dir_put(struct root *r, const char *path, int from, mode_t mode,
		 const struct file_meta *meta, struct err *e) must_check;
int root_dir_put_link(struct root *r, const char *path, const char *target,
		      const struct file_meta *meta, struct err *e) must_check;
int root_dir_new(struct root *r, const char *path, mode_t mode, int *ret_fd,
		 struct err *e) must_check;
int root_dir_new_done(struct root *r, const char *path, mode_t mode, int fd,
		      struct err *e) must_check;
int root_dir_remove(struct root *r, const char *path, struct err *e) must_check;
int root_dir_mkdir(struct root *r, const char *path, struct err *e) must_check;
void root_dir_rmdir(struct root *r, const char *path);
#endif
