/* blkuse.h: which block devices lie on which, and who uses them: mounts, swap,
 * device-mapper and md holders, loop devices.  All from /proc and /sys. */
#ifndef REHOST_BLKUSE_H
#define REHOST_BLKUSE_H
#include "imager/disks.h"

struct blkdev_id { unsigned int major, minor; };

/* Everything dev lies on, itself first: a partition's disk, what device-mapper
 * or md is made of, the disk under the file system with a loop device's file.
 * Returns how many, at most BLKUSE_STACK_MAX. */
#define BLKUSE_STACK_MAX 64
size_t blkuse_stack(const struct kernel_view *k, struct blkdev_id dev,
		    struct blkdev_id *ret);
/* 1 if writing to d would change what is on `user`: they are the same, user lies
 * on d, or d is a partition of user.  (A loop device d whose file lies on user
 * is no such case: its writes are writes to that file.) */
int blkuse_overlap(const struct kernel_view *k, struct blkdev_id user,
		   struct blkdev_id d);
/* The block device with the file system that holds the file or directory at
 * path.  0, or -1 when it lies on none (memory, network). */
int blkuse_of_file(const struct kernel_view *k, const char *path,
		   struct blkdev_id *ret);

/* 1 if dev, or a device that it lies on, is a loop device over the regular file
 * at path, whatever name it was attached by: then both are the same bytes. */
int blkuse_backed_by(const struct kernel_view *k, struct blkdev_id dev,
		     const char *path);

enum blkuse_kind {
	BLKUSE_NONE, BLKUSE_MOUNTED_RO, BLKUSE_MOUNTED_RW, BLKUSE_SWAP,
	BLKUSE_HELD, BLKUSE_LOOP, BLKUSE_BUSY,
};

/* Why writing to d (a whole disk with all on it, a partition, a regular file)
 * would hurt somebody: the gravest reason, as a sentence with a way out in text
 * (may be NULL); BLKUSE_NONE and "" if nobody uses it. */
enum blkuse_kind blkuse_why(const struct kernel_view *k, const struct disk *d,
			    char *text, size_t size);
/* Mount points of the device (not of what lies on it), as many as fit into
 * ret, each "" ended; returns how many. */
size_t blkuse_mounts(const struct kernel_view *k, struct blkdev_id dev,
		     char ret[][256], size_t max);

/* The live system's medium is mounted on /run/medium. */
#define BOOT_MEDIUM "/run/medium"
int blkuse_is_boot_medium(const struct kernel_view *k, const struct disk *d);

static inline struct blkdev_id blkuse_id(const struct disk *d)
{
	return (struct blkdev_id){ d->major, d->minor };
}
#endif
