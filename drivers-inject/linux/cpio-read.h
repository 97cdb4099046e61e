/* cpio-read.h: takes newc and crc archives apart as the kernel's
 * init/initramfs.c does: fed with bytes as they come. */
#ifndef REHOST_CPIO_READ_H
#define REHOST_CPIO_READ_H
#include <limits.h>
#include <stddef.h>
#include "drivers-inject/linux/cpio.h"

#define CPIO_HEADER 110u           /* bytes: magic and 13 fields of 8 hex digits */
#define CPIO_ALIGN 4u
#define CPIO_TRAILER "TRAILER!!!"

struct cpio_found {
	struct cpio_entry en;
	uint32_t dev_major, dev_minor;  /* with ino: which names are one file */
	uint64_t header_at, data_at;    /* in the stream                     */
	const char *target;             /* of a symbolic link, else NULL      */
};

/* What is told of an archive; each may end the reading with a code. */
struct cpio_sink {
	int (*entry)(void *ctx, const struct cpio_found *f, struct err *e);
	/* of the regular file that entry() was called for last */
	int (*data)(void *ctx, const uint8_t *p, size_t n, struct err *e);
	int (*trailer)(void *ctx, struct err *e);
	void *ctx;
};

enum cpio_state { CPIO_BETWEEN, CPIO_IN_HEADER, CPIO_IN_NAME, CPIO_IN_TARGET,
		  CPIO_IN_DATA, CPIO_IN_SKIP };

struct cpio_in {
	const struct cpio_sink *sink;
	enum cpio_state state;
	uint64_t pos;           /* of the next byte in the stream            */
	uint64_t next;          /* where the next header is due              */
	uint64_t body;          /* where this entry's data begins            */
	uint32_t name_len;      /* with its NUL                              */
	uint32_t check, sum;    /* of crc archives: as told, as found        */
	int crc;
	size_t have;            /* bytes collected of header, name or target */
	struct cpio_found f;
	char head[CPIO_HEADER];
	char name[PATH_MAX], target[PATH_MAX + 1];
};

/* at: the stream's own offset, a multiple of 4 (0 inside a compressed one). */
void cpio_in_start(struct cpio_in *c, const struct cpio_sink *sink, uint64_t at);
/* Takes n bytes.  Stops early, with *ret_used < n, where behind an entry comes
 * what is neither NUL nor an aligned header: in a compressed stream that is
 * junk, in the file it may be another stream.  Errors name offsets in the stream. */
int cpio_in_feed(struct cpio_in *c, const uint8_t *p, size_t n, size_t *ret_used,
		 struct err *e) must_check;
/* 1: an entry's header, name or data goes on behind what was fed. */
int cpio_in_cut(const struct cpio_in *c);
#endif
