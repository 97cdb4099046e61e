/* inf-build.h: what the parts of the INF compiler share while they make a result:
 * its memory, its notes, and the first failure, after which nothing more is done. */
#ifndef REHOST_INF_BUILD_H
#define REHOST_INF_BUILD_H
#include "drivers-inject/windows/inf-mem.h"
#include "drivers-inject/windows/inf-notes.h"

struct inf_build {
	struct inf_mem *mem;
	struct inf_notes *notes;
	const struct inf_dirs *dirs;    /* NULL: %12% stays in texts         */
	size_t steps, bytes;
	int rc;
	struct err *e;
};

/* Entries looked at for one result.  The largest real section has some 2000; but one
 * line can name a section a million times. */
#define INF_STEPS_MAX 500000
/* Bytes that one result may take: ten times what the largest INF known takes. */
#define INF_BYTES_MAX (64u << 20)
/* Counts an entry; 1: go on. */
int inf_step(struct inf_build *b, const struct inf *f, const struct inf_line *l);

/* The value i with its %strings%, in b->mem; "" after a failure. */
const char *inf_value(struct inf_build *b, const struct inf *f, const struct inf_line *l, size_t i);
/* The same of any text of l. */
const char *inf_expanded(struct inf_build *b, const struct inf *f, const struct inf_line *l,
			 const char *raw);
/* A number, or `otherwise` when the value isn't there; one that is no number: a note
 * "broken", 0 and -1. */
int inf_value_number(struct inf_build *b, const struct inf *f, const struct inf_line *l,
		     size_t i, uint64_t otherwise, uint64_t *ret);
/* A printed text in b->mem. */
const char *inf_printed(struct inf_build *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void *inf_get(struct inf_build *b, size_t n);   /* NULL after a failure */
int inf_no_memory(struct inf_build *b);

/* what, name: kept as they are; l may be NULL. */
void inf_note(struct inf_build *b, enum inf_note_kind kind, const struct inf *f,
	      const struct inf_line *l, const char *what, const char *name);

/* One more element of *v, all 0; NULL: b->rc is set. */
void *inf_append(struct inf_build *b, void **v, size_t *n, size_t size);

#endif
