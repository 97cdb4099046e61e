/* inf-int.h: what inf.c, which keeps an INF, and inf-lex.c, which reads it, share. */
#ifndef REHOST_INF_INT_H
#define REHOST_INF_INT_H
#include "drivers-inject/windows/inf.h"

struct inf_head {               /* a [name] of the file */
	const char *name;
	unsigned line;
	uint32_t section;       /* which of the merged ones it is            */
};

struct inf {
	char *name;
	char *text;             /* every name and value, each with its NUL   */
	uint32_t *values;       /* where in text each value begins           */
	size_t n_values, room_values;
	struct inf_line *lines; /* in the file's order                       */
	size_t n_lines, room_lines;
	struct inf_head *heads;
	size_t n_heads, room_heads;
	struct inf_section *sections;   /* by name                           */
	size_t n_sections;
	const struct inf_line **keys;   /* lines with a key, by section, key
					 * and order                         */
	size_t n_keys;
	const struct inf_section *strings[2];   /* the language's, the plain */
};

/* Fills text, values, lines (their section is the number of the head), heads. */
int inf_lex(struct inf *f, const char *text, size_t n, struct err *e) must_check;
/* Orders ASCII letters alike whatever their case; the first n bytes of a. */
int inf_compare(const char *a, size_t n, const char *b);

#endif
