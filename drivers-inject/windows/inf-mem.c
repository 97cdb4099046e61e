/* inf-mem.c: see inf-mem.h. */
#include "drivers-inject/windows/inf-mem.h"
#include <stdlib.h>

#define BLOCK 16384

struct inf_mem_block {
	struct inf_mem_block *next;
	max_align_t bytes[];
};

void *inf_mem_get(struct inf_mem *m, size_t n)
{
	struct inf_mem_block *b;
	void *p;

	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (!m->blocks || n > m->room - m->used) {
		size_t room = n > BLOCK ? n : BLOCK;

		b = calloc(1, sizeof *b + room);
		if (!b)
			return NULL;
		b->next = m->blocks;
		m->blocks = b;
		m->used = 0;
		m->room = room;
	}
	p = (char *)m->blocks->bytes + m->used;
	m->used += n;
	return p;
}

void inf_mem_done(struct inf_mem *m)
{
	while (m->blocks) {
		struct inf_mem_block *b = m->blocks;

		m->blocks = b->next;
		free(b);
	}
	m->used = m->room = 0;
}
