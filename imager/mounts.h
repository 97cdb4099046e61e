/* mounts.h: /proc/self/mountinfo and /proc/swaps, decoded. */
#ifndef REHOST_MOUNTS_H
#define REHOST_MOUNTS_H
#include <limits.h>
#include "imager/blkuse.h"

struct mount_entry {
	struct blkdev_id dev;     /* of the block device; 0:0 if it has none */
	struct blkdev_id st_dev;  /* as stat() of a file in it says          */
	char where[PATH_MAX];     /* mount point                             */
	char fstype[32];
	char source[PATH_MAX];
	int read_only;
};

/* Calls each for every entry (mounts, or swap devices: where is then "swap",
 * fstype "swap") until it returns nonzero, and returns that; 0 at the end. */
typedef int mount_each_fn(void *ctx, const struct mount_entry *m);
int mounts_each(const struct kernel_view *k, mount_each_fn *each, void *ctx);
int swaps_each(const struct kernel_view *k, mount_each_fn *each, void *ctx);
/* The device of a path such as /dev/sda1 or /dev/mapper/x; 0 or -1. */
int mounts_device(const struct kernel_view *k, const char *path,
		  struct blkdev_id *ret);
#endif
