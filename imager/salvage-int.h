/* salvage-int.h: between salvage.c and salvage-look.c only. */
#ifndef REHOST_SALVAGE_INT_H
#define REHOST_SALVAGE_INT_H
#include "imager/fs/ranges.h"
#include "imager/job.h"
#include "imager/salvage.h"

/* What is known of 1024 chunks. */
struct salvage_page {
	uint64_t number;
	uint64_t index_at;        /* the newest PAGE that is good; 0: none       */
	uint32_t index_last;      /* its last entry                              */
	uint64_t hit_bytes;       /* of those that are only hit                  */
	uint8_t have[PAGE_CHUNKS / 8]; /* good                                    */
	uint8_t hit[PAGE_CHUNKS / 8];  /* known by a header, content damaged      */
};

struct salvage {
	struct job job;
	struct torn *torn;
	struct blkdev *file;
	struct salvage_found found;
	uint64_t used_end;        /* of the new image                            */
	struct salvage_page *page; /* ascending                                   */
	size_t n_pages, room_pages;
	struct salvage_late { uint64_t number, at; } *late; /* sorted after looking */
	size_t n_late, room_late;
	uint64_t next;            /* above all chunks that came in order         */
	uint64_t seq;             /* that is due                                 */
	int hole;                 /* records are missing since chunk `next` was due */
	struct ranges holes;      /* of chunks                                   */
	struct byte_range *old_bad; /* the old image's own unreadable places      */
	size_t n_old_bad;
	int bad_final;            /* from BAD, not from a COMMIT                 */
	int flagged;              /* the index tells of such places              */
	char *summary;            /* or NULL                                     */
	struct ranges lost;       /* bytes of the disk                           */
	struct ranges bad;        /* the new image's list: these and old ones    */
	struct chunk_map whole;
	struct page *index;       /* the page that was read last:                */
	size_t index_of;          /*   of page[]; SIZE_MAX: none                 */
};

/* Chunks that are known to be lost, ascending.  Zero to begin. */
struct lost_cursor { size_t page; uint32_t bit; };
/* 1: *ret has number, plain_len and map (until the next call); 0: there is no more. */
int salvage_next_lost(struct salvage *s, struct lost_cursor *c, struct image_chunk *ret,
		      struct err *e) must_check;
static inline int bit_get(const uint8_t *bits, uint64_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}
/* Adds to e, which is set, why the file couldn't be read, if so.  Returns its code. */
int salvage_why(const struct salvage *s, struct err *e);
#endif
