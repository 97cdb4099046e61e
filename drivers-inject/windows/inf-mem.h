/* inf-mem.h: memory that is given back all at once: what an INF's sections expand to
 * is many small texts with one owner. */
#ifndef REHOST_INF_MEM_H
#define REHOST_INF_MEM_H
#include <stddef.h>

struct inf_mem {
	struct inf_mem_block *blocks;
	size_t used, room;      /* of the first block */
};

/* n bytes, all 0 and fit for any type; NULL: out of memory. */
void *inf_mem_get(struct inf_mem *m, size_t n);
void inf_mem_done(struct inf_mem *m);

#endif
