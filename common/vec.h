/* vec.h: arrays that grow by doubling, so that n elements cost O(n) to add. */
#ifndef REHOST_VEC_H
#define REHOST_VEC_H
#include <stdlib.h>
#include "common/checked.h"

/* Room for one more element of `size` bytes behind the n of v, which has room for
 * *room of them; NULL and 0 to begin with.  Returns the array, which is the caller's
 * to free and may have moved; NULL if there is no memory, and then v and *room are
 * as before. */
static inline void *vec_room(void *v, size_t n, size_t *room, size_t size)
{
	size_t want = *room ? *room : 8, bytes;
	void *more;

	if (n < *room)
		return v;
	if (mul_overflows(want, 2, &want) || mul_overflows(want, size, &bytes))
		return NULL;
	more = realloc(v, bytes);
	if (more)
		*room = want;
	return more;
}
#endif
