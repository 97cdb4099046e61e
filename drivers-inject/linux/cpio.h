/* cpio.h: newc (070701) and crc (070702) archives as the kernel reads them:
 * Documentation/driver-api/early-userspace/buffer-format.rst. */
#ifndef REHOST_CPIO_H
#define REHOST_CPIO_H
#include <stdint.h>
#include <sys/types.h>
#include "common/err.h"

struct cpio_entry {
	const char *name;       /* as stored, without a leading "/" or "./"  */
	uint32_t ino, mode, uid, gid, nlink, mtime, rdev_major, rdev_minor;
	uint64_t size;          /* bytes of data that follow                 */
};

/* ---- writing; every archive begins at a multiple of 4 of its file ---- */
struct cpio_out;
/* fd: written at its current offset, which must be a multiple of 4; stays the
 * caller's. */
int cpio_out_open(int fd, struct cpio_out **ret, struct err *e) must_check;
/* Directories before what is in them: the kernel makes no parents. */
int cpio_out_dir(struct cpio_out *c, const char *name, mode_t mode, struct err *e) must_check;
int cpio_out_file(struct cpio_out *c, const char *name, mode_t mode,
		  const void *data, size_t len, struct err *e) must_check;
/* from fd's current offset to its end; size must be what it has */
int cpio_out_fd(struct cpio_out *c, const char *name, mode_t mode, int fd,
		uint64_t size, struct err *e) must_check;
int cpio_out_link(struct cpio_out *c, const char *name, const char *target, struct err *e) must_check;
/* Writes the trailer, frees c in any case. */
int cpio_out_close(struct cpio_out *c, struct err *e) must_check;
struct cpio_out *cpio_out_abort(struct cpio_out *c);
#endif
