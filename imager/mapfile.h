/* mapfile.h: what is known of a disk's bytes, in the text form of GNU ddrescue's map
 * files (its manual, "Mapfile structure"), to be exchanged with it. */
#ifndef REHOST_MAPFILE_H
#define REHOST_MAPFILE_H
#include "imager/extents.h"
#include "imager/plan.h"
#include "imager/putoff.h"

/* The status characters. */
enum {
	MAP_UNTRIED = '?', MAP_UNTRIMMED = '*', MAP_UNSCRAPED = '/', MAP_BAD = '-',
	MAP_GOOD = '+',
};

/* Failed blocks of a file: those that are good or weren't tried aren't kept. */
struct map_mark {
	uint64_t off, len;
	char status;
};
struct mapfile {
	struct map_mark *mark;    /* ascending, not overlapping                  */
	size_t n;
	int ours;                 /* 1: a capture wrote it; else it may tell what
				   * another program has got, and is its         */
};
/* ERR_NOT_FOUND: there is no such file.  ERR_CORRUPT: it is none, or of another
 * disk. */
int mapfile_read(const char *path, uint64_t disk_size, struct mapfile *ret,
		 struct err *e) must_check;
void mapfile_done(struct mapfile *m);

/* How far a capture is.  What isn't used wasn't tried. */
struct mapfile_view {
	const struct extents *used;
	uint64_t disk_size, done_to;  /* bytes; done_to: all below was met        */
	uint32_t chunk_size;
	/* chunks put off: by `todo` from chunk number `turn` on, below it by `next` */
	const struct putoff *todo, *next;
	uint64_t turn;
	const struct bad_list *bad, *unscraped;
	const struct mapfile *known;  /* holds for what wasn't tried; may be NULL */
	int finished;
};
/* path gets it all at once (another name first, then renamed). */
int mapfile_write(const char *path, const struct mapfile_view *v, struct err *e) must_check;
#endif
