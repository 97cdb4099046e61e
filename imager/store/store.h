/* store.h: where image files live: a place to write one (append only), and a
 * place to read one from front to back.  A file (local, or on a mounted share)
 * or a pipe.  Used by one thread at a time. */
#ifndef REHOST_STORE_H
#define REHOST_STORE_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "imager/dev/dev.h"

/* ---- writing ---- */

struct store_out;
struct store_out_ops {
	int (*append)(struct store_out *s, const void *buf, size_t len,
		      struct err *e);
	/* Makes all of it durable and gives it its final name. */
	int (*commit)(struct store_out *s, struct err *e);
	/* Takes back what was written, as far as that can be done. */
	void (*undo)(struct store_out *s);
	/* Makes what was written so far durable; NULL: that's of no use here.  When it or
	 * commit fails, what was written since it was last done may be lost: it is cut off. */
	int (*sync)(struct store_out *s, struct err *e);
	/* Leaves it unfinished, to be gone on with; NULL: as undo. */
	void (*leave)(struct store_out *s);
	/* Begins the next volume; NULL: there are none. */
	int (*next)(struct store_out *s, struct err *e);
};
struct store_out {
	const struct store_out_ops *ops;
	char *name;               /* for messages: the final path, or "standard output" */
	uint64_t written;         /* bytes */
	int whole;                /* 1: all of it is durable, only its name is missing */
};

/* Writes to PATH.part, which commit renames to PATH (fsync before, fsync of
 * the directory after).  PATH "-": standard output.  An existing PATH is
 * refused (ERR_REFUSED) unless replace is 1, and replaced only at commit; a
 * PATH.part left by a dead process is overwritten, one in use is refused. */
int store_create(const char *path, int replace, struct store_out **ret,
		 struct err *e) must_check;
/* An open descriptor, for example a pipe's; the caller's, not closed. */
int store_create_fd(int fd, const char *name, struct store_out **ret,
		    struct err *e) must_check;
int store_append(struct store_out *s, const void *buf, size_t len,
		 struct err *e) must_check;
/* What an interrupted store_create(PATH) left, to go on with it after store_keep().
 * ERR_NOT_FOUND: there is no PATH.part. */
int store_resume(const char *path, int replace, struct store_out **ret,
		 struct err *e) must_check;
/* Cuts what was left to the first len bytes of that volume and all of those before;
 * the next append goes behind them. */
int store_keep(struct store_out *s, unsigned int volume, uint64_t len,
	       struct err *e) must_check;
/* What follows goes into the next volume: PATH.001, PATH.002 ...  ERR_USAGE where there
 * are none (a pipe). */
int store_next(struct store_out *s, struct err *e) must_check;
#define STORE_VOLUME_FMT ".%03u"
/* 1: store_sync() makes it durable, and store_leave() leaves it for store_resume(). */
int store_can_sync(const struct store_out *s);
int store_sync(struct store_out *s, struct err *e) must_check;
/* Frees s; what is in PATH.part stays there.  Where that can't be, as store_abort. */
void store_leave(struct store_out *s);
/* Frees s on 0.  When it fails, PATH isn't there (or is still the old one), and what is in
 * PATH.part is the caller's to keep (store_leave) or not (store_abort). */
int store_commit(struct store_out *s, struct err *e) must_check;
/* Frees s and removes PATH.part, unless all of it is durable and it only got no name: then
 * the error of store_commit said where it is.  Takes NULL; returns NULL. */
struct store_out *store_abort(struct store_out *s);

/* ---- reading ---- */

struct image_access;
struct store_in {
	int (*read)(struct store_in *s, void *buf, size_t len, size_t *ret_got,
		    struct err *e);
	char *name;               /* for messages */
	/* What opening the image may need; the caller's.  Stores know nothing of it. */
	const struct image_access *access;
	/* the same file for reading at random; NULL for a pipe */
	struct blkdev *dev;
	int owns_dev;             /* 1: store_close closes dev */
	uint64_t pos;             /* bytes read so far */
};

/* PATH "-": standard input. */
int store_open(const char *path, struct store_in **ret, struct err *e) must_check;
int store_open_fd(int fd, const char *name, struct store_in **ret,
		  struct err *e) must_check;        /* not closed */
/* Any device as a file (tests); stays the caller's.  as_pipe: 1 hides that it
 * can be read at random. */
int store_open_dev(struct blkdev *d, int as_pipe, struct store_in **ret,
		   struct err *e) must_check;
/* Up to len bytes; *ret_got is less than len only at the end. */
int store_read(struct store_in *s, void *buf, size_t len, size_t *ret_got,
	       struct err *e) must_check;
struct store_in *store_close(struct store_in *s); /* takes NULL, returns NULL */

#endif
