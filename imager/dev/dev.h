/* dev.h: bytes at offsets.  The lowest layer: a file, a block device, memory,
 * a window of another device, pieces of another device, several devices as one, an
 * image, a device that fails on purpose. */
#ifndef REHOST_DEV_H
#define REHOST_DEV_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

struct blkdev;

/* Offsets and lengths in bytes, inside [0, size).  read and write move exactly
 * len bytes or fail; a failed read names the first bad offset in *e. */
struct blkdev_ops {
	int (*read)(struct blkdev *d, uint64_t off, void *buf, size_t len,
		    struct err *e);
	/* NULL: the device can't be written */
	int (*write)(struct blkdev *d, uint64_t off, const void *buf,
		     size_t len, struct err *e);
	/* Makes bytes read as zeros without being handed them.  0: done; 1: not
	 * possible here, write them; may be NULL */
	int (*zero)(struct blkdev *d, uint64_t off, uint64_t len);
	/* What isn't used any more.  discard: the bytes may be anything
	 * afterwards; erase: they read as zeros, on disks too, however long it
	 * takes.  Whole pages of 4096 bytes.  0: done; 1: not possible here; may
	 * be NULL */
	int (*discard)(struct blkdev *d, uint64_t off, uint64_t len);
	int (*erase)(struct blkdev *d, uint64_t off, uint64_t len);
	int (*flush)(struct blkdev *d, struct err *e);          /* may be NULL */
	/* read ahead; a hint, never fails; may be NULL */
	void (*will_need)(struct blkdev *d, uint64_t off, uint64_t len);
	/* drop what is cached of it, so that a read comes from the medium; a
	 * hint, never fails; may be NULL */
	void (*forget)(struct blkdev *d);
	/* 1: what follows are reads of damaged places, to come from the medium as
	 * they are, without cache or reading ahead; 0: no longer.  A hint, never
	 * fails; may be NULL */
	void (*careful)(struct blkdev *d, int on);
	void (*close)(struct blkdev *d);
};

struct blkdev {
	const struct blkdev_ops *ops;
	uint64_t size;          /* bytes                                       */
	uint32_t sector_size;   /* logical, bytes: 512 or 4096                  */
	uint32_t phys_size;     /* physical sector, bytes                       */
	char *name;             /* for messages: path, or path + window         */
};

/* Opens a block device or regular file read-only (O_RDONLY: the kernel itself
 * refuses a write).  A regular file has sectors of 512 bytes; its holes are
 * looked up once and not read, so nobody else may write to it meanwhile. */
int dev_open_ro(const char *path, struct blkdev **ret, struct err *e) must_check;

/* What permits opening a disk for writing.  Only guard.c makes one, after its
 * checks and the person's confirmation; the fields are the guard's evidence. */
struct write_token {
	const char *path;
	/* stat of what was confirmed: st_rdev of a block device, st_dev of a
	 * file; st_ino */
	uint64_t dev, ino;
};
int dev_open_rw(const struct write_token *t, struct blkdev **ret,
		struct err *e) must_check;

/* The same of a disk whose file systems this process has mounted itself, for
 * bytes outside of them (boot code): not exclusive. */
int dev_open_rw_shared(const struct write_token *t, struct blkdev **ret,
		       struct err *e) must_check;

/* Memory; not copied, stays the caller's.  writable: 0 or 1. */
int dev_mem(void *bytes, size_t len, int writable, struct blkdev **ret,
	    struct err *e) must_check;

/* [off, off+len) of parent.  parent stays the caller's and must outlive it. */
int dev_window(struct blkdev *parent, uint64_t off, uint64_t len,
	       struct blkdev **ret, struct err *e) must_check;

/* A run of bytes of one device that is a part of another, mapped one: byte x of it
 * is that one's byte at + x / chunk * stride + x % chunk.  In one piece: chunk and
 * stride are len; one of n stripes: stride is n * chunk.  None of them 0. */
struct dev_piece {
	uint64_t off, len;      /* of the device below                       */
	uint64_t at;            /* where byte `off` is in the mapped device  */
	uint64_t chunk, stride; /* bytes                                     */
};
#define DEV_PIECE_ZEROS UINT64_MAX /* off: the piece is nowhere and reads as zeros */
/* How many bytes of the piece lie before byte `at` of the mapped device. */
uint64_t dev_piece_before(const struct dev_piece *p, uint64_t at);
/* A device of `size` bytes made of pieces of parent, read-only.  They may be in any
 * order, but must leave no byte out.  They are copied; parent stays the caller's and
 * must outlive it. */
int dev_map(struct blkdev *parent, const struct dev_piece *pieces, size_t n, uint64_t size,
	    struct blkdev **ret, struct err *e) must_check;

/* Devices one behind the other, the first one at byte 0, as one, read-only; n is not 0.
 * They stay the caller's and must outlive it. */
int dev_join(struct blkdev *const *v, size_t n, struct blkdev **ret, struct err *e) must_check;

/* A device over parent that fails as told (tests); takes no ownership.
 * Reads that touch [bad_off, bad_off+bad_len) fail with ERR_IO. */
int dev_fault(struct blkdev *parent, uint64_t bad_off, uint64_t bad_len,
	      struct blkdev **ret, struct err *e) must_check;

/* The same by a plan, which must outlive the device. */
struct fault_range {
	uint64_t off, len;
	unsigned int times;       /* good after so many failures; 0: never good */
};
struct fault_plan {
	const struct fault_range *ranges;
	size_t n;
	unsigned int slow_us;     /* a failed read takes so long                */
	/* reads from this one on fail, so many of them; 0: none, or for good */
	uint64_t vanish_at, vanish_for;
	/* hears of every read, before it is done; may be NULL */
	void (*seen)(void *ctx, uint64_t off, size_t len, int fails);
	void *ctx;
};
int dev_faults(struct blkdev *parent, const struct fault_plan *plan,
	       struct blkdev **ret, struct err *e) must_check;

int dev_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
	     struct err *e) must_check;
int dev_write(struct blkdev *d, uint64_t off, const void *buf, size_t len,
	      struct err *e) must_check;
/* As the op: 0 done, 1 write them. */
int dev_zero(struct blkdev *d, uint64_t off, uint64_t len) must_check;
int dev_discard(struct blkdev *d, uint64_t off, uint64_t len) must_check;
int dev_erase(struct blkdev *d, uint64_t off, uint64_t len) must_check;
int dev_flush(struct blkdev *d, struct err *e) must_check;
void dev_will_need(struct blkdev *d, uint64_t off, uint64_t len);
void dev_forget(struct blkdev *d); /* after dev_flush */
void dev_careful(struct blkdev *d, int on);
/* Takes NULL; returns NULL. */
struct blkdev *dev_close(struct blkdev *d);

/* Used by the implementations: a blkdev-first object of obj_size zeroed bytes
 * with ops, size, sector sizes and name filled; NULL with e filled. */
void *dev_new(size_t obj_size, const struct blkdev_ops *ops, uint64_t size,
	      struct err *e, const char *name_fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
