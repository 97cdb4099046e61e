/* imgfuse-int.h: between imgfuse.c and imgfuse-fs.c. */
#ifndef REHOST_IMGFUSE_INT_H
#define REHOST_IMGFUSE_INT_H
#include <signal.h>
#include "imager/fmt/image.h"

struct imgfs;
/* Mounts an empty file system at dir, which waits for imgfs_serve(). */
int imgfs_mount(const char *dir, struct imgfs **ret, struct err *e) must_check;
/* The files come from im, which stays the caller's; file_name for messages. */
int imgfs_files(struct imgfs *f, struct image *im, const char *file_name,
		struct err *e) must_check;
/* Until it is unmounted, *stop is set or life_fd (-1: none) is at its end.
 * error_fd: the first failed read's sentence is written there. */
void imgfs_serve(struct imgfs *f, const volatile sig_atomic_t *stop, int life_fd,
		 int error_fd);
/* Unmounts; takes NULL. */
void imgfs_free(struct imgfs *f);
#endif
