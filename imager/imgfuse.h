/* imgfuse.h: an image's disk as a regular file, read-only, served by FUSE from a
 * child process, so that loop devices and other programs can look into it.
 *
 *	DIR/disk.img    the whole disk; what isn't in the image reads as zeros
 *	DIR/part1.img   each partition
 *
 * Memory: the image's index and a cache of about 10 MiB (image_open), and what
 * the kernel keeps in its page cache. */
#ifndef REHOST_IMGFUSE_H
#define REHOST_IMGFUSE_H
#include <signal.h>
#include "common/err.h"

struct image_device_request {
	const char *image;        /* path or URL of a place; no pipe           */
	const char *credentials;  /* as place_creds_get(): a file, or NULL     */
	const volatile sig_atomic_t *cancel; /* may be NULL */
};

/* In a private directory, in a mount namespace of this process's own; it ends
 * with the process and what it started.  Needs root.  As image_open():
 * ERR_NOT_FOUND: not an image. */
struct image_device;
int image_device_open(const struct image_device_request *q, struct image_device **ret,
		      struct err *e) must_check;
/* Of disk.img. */
const char *image_device_path(const struct image_device *d);
/* The image's description (docs/INTERFACES.md, info): the disk's old name, the
 * machine's hardware. */
const char *image_device_meta(const struct image_device *d);
/* 1: a read failed since; e says why (a damaged chunk).  The reader has only
 * seen an I/O error. */
int image_device_failed(struct image_device *d, struct err *e);
/* Takes NULL, returns NULL.  Close what lies on it first. */
struct image_device *image_device_close(struct image_device *d);

/* At dir, a directory that is there, for everybody to see: returns when it is
 * mounted, a process in the background serves it until it is unmounted. */
int image_mount(const struct image_device_request *q, const char *dir,
		struct err *e) must_check;
#endif
