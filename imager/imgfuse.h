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

/* In a private directory, in a mount namespace of this process's own; it ends
 * with the process and what it started.  image: a path or URL of a place, whose
 * credentials come from the environment or a prompt, and so does the passphrase.  Needs root.
 * *ret_path: of disk.img; lives as long as *ret.  As image_open(): ERR_NOT_FOUND:
 * not an image. */
struct image_mount;
int image_mount(const char *image, struct image_mount **ret, const char **ret_path,
		struct err *e) must_check;
/* The image's description (docs/INTERFACES.md, info): the disk's old name, the
 * machine's hardware. */
const char *image_mount_meta(const struct image_mount *m);
/* Where the image is on this machine: in its mounted place, or as it was given. */
const char *image_mount_source(const struct image_mount *m);
/* 1: a read failed; e says why (a damaged chunk).  The reader has only seen an
 * I/O error. */
int image_mount_failed(struct image_mount *m, struct err *e);
/* Takes NULL, returns NULL.  Close what lies on it first. */
struct image_mount *image_unmount(struct image_mount *m);

/* *ret 1: path is an image or the URL of a place, 0: a disk or another file. */
int image_is(const char *path, int *ret, struct err *e) must_check;

struct image_at {
	const char *image;        /* path or URL of a place; no pipe           */
	const char *credentials;  /* as place_creds_get(): a file, or NULL     */
	const char *passphrase;   /* a file, or NULL: $REHOST_PASSPHRASE, or asked */
	const volatile sig_atomic_t *cancel; /* may be NULL */
};
/* At dir, a directory that is there, for everybody to see: returns when it is
 * mounted, a process in the background serves it until it is unmounted. */
int image_mount_at(const struct image_at *q, const char *dir, struct err *e) must_check;
#endif
