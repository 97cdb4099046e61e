/* bitlocker.h: where the parts of a BitLocker volume are, by its own metadata; needs no
 * key. */
#ifndef REHOST_BITLOCKER_H
#define REHOST_BITLOCKER_H
#include "imager/container/container.h"

#define BITLK_COPIES 3
#define BITLK_META_SIZE 65536u /* bytes of each copy of the metadata */

/* Bytes of the window. */
struct bitlk {
	uint64_t meta[BITLK_COPIES];
	uint64_t header, header_size; /* where the volume's first sectors are    */
	uint64_t size;            /* that are encrypted; what follows isn't the volume's */
};

int bitlk_read(struct blkdev *d, struct bitlk *ret, struct err *e) must_check;
/* The pieces of the volume, and what is used whatever is in it; start: of the window in
 * the parent. */
int bitlk_lay_out(const struct bitlk *b, uint64_t start, struct cont_volume *v,
		  struct ranges *meta, struct err *e) must_check;
#endif
