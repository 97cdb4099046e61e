/* fsread.h: a file-system reader answers one question: which bytes of this
 * window are in use?  It never opens paths, prints, or knows the image.  In
 * doubt (dirty, unknown feature bit, inconsistent) it refuses with an error
 * that says why, and the caller takes the window whole and says so. */
#ifndef REHOST_FSREAD_H
#define REHOST_FSREAD_H
#include "imager/dev/dev.h"

/* Receives ranges; nonzero stops the walk and is returned by it. */
struct extent_sink {
	int (*used)(void *ctx, uint64_t off, uint64_t len);
	void *ctx;
};

struct fs_ident {
	char type[24];        /* "ext4", "ntfs", "vfat", "swap", ... as blkid names it */
	char label[64];       /* UTF-8, "" if none       */
	char uuid[40];        /* as blkid prints it, ""  */
	uint64_t fs_size;     /* bytes the file system says it has; 0 unknown */
	uint64_t used;        /* bytes in use by its own count; 0 unknown     */
};

/* A fact for the user about this window: "dirty journal", "page file left out". */
struct fs_notes {
	void (*add)(void *ctx, const char *text);
	void *ctx;
};

/* What the caller wants left out or kept. */
struct fs_options {
	int keep_page_files;  /* --page-files: Windows' page, swap and
	                       * hibernation files are kept               */
	struct fs_notes notes;
};

enum { FS_NOT_MINE = 1 };

struct fs_reader {            /* const, immutable, no globals behind it */
	const char *name;     /* the word written in the image */
	/* 0 mine, *ret filled; FS_NOT_MINE try the next; <0 error, e says why
	 * (it is mine, but damaged).  Reads only. */
	int (*probe)(struct blkdev *d, struct fs_ident *ret, struct err *e);
	/* Ascending, non-overlapping, window-relative used ranges, inside
	 * [0, d->size).  <0: refused; what was sent before is void. */
	int (*walk)(struct blkdev *d, const struct fs_ident *id,
		    const struct fs_options *opt,
		    const struct extent_sink *out, struct err *e);
};

/* In probing order, NULL at the end.  raw is not in it: the caller's fallback. */
extern const struct fs_reader *const fs_readers[];

#endif
