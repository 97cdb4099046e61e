/* textfile.h: a guest's text file, edited line by line; everything that is not
 * asked to change stays as it is, byte for byte: CRLF, a last line without an
 * end, lines with NUL bytes (which are never shown to the editor). */
#ifndef REHOST_TEXTFILE_H
#define REHOST_TEXTFILE_H
#include "drivers-inject/plan.h"

/* Bytes that grow; out of memory is remembered in `failed` until asked for. */
struct textbuf {
	char *s;                /* with a NUL behind; NULL when empty        */
	size_t n, room;
	int failed;
};
void textbuf_add(struct textbuf *b, const char *s, size_t n);
void textbuf_str(struct textbuf *b, const char *s);
void textbuf_done(struct textbuf *b);

struct textfile {
	struct plan *p;
	char *path;
	char *line;             /* the current one, without its end; may be cut
				 * up by strtok and the like                 */
	char *in;
	size_t len;
	size_t start, end, next;/* of the current line: text, its end, the next */
	int have;               /* there is a current line                   */
	int drop;
	struct textbuf repl;    /* its new text, when has_repl               */
	int has_repl;
	struct textbuf after;   /* lines to come behind it                   */
	struct textbuf out;
	int changed;
};

/* 1: opened; 0: not there, or not readable, which is then a warning of the
 * plan; <0: out of memory.  text_close in any case. */
int text_open(struct plan *p, const char *path, struct textfile *ret,
	      struct err *e) must_check;
/* 1: t->line is the next line */
int text_next(struct textfile *t);
void text_rewind(struct textfile *t); /* forgets all changes */
void text_set(struct textfile *t, const char *s);   /* the line's new text   */
/* bytes [at, at + n) of the line, as it was read, become `with` */
void text_splice(struct textfile *t, size_t at, size_t n, const char *with);
void text_drop(struct textfile *t);                 /* the line goes         */
void text_add(struct textfile *t, const char *s);   /* a line behind it, or at
						     * the end after text_next
						     * said 0                */
/* Puts the edit in the plan, if anything changed. */
int text_commit(struct textfile *t, struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 3, 4)));
void text_close(struct textfile *t);

/* A guest's file may give cause for a sentence in each of its lines; nobody reads
 * more than these, and comparing them all would take hours. */
#define TEXT_SENTENCES_MAX 500
static inline int text_said_enough(const struct plan *p)
{
	return p->warnings.n + p->notes.n + p->problems.n > TEXT_SENTENCES_MAX;
}

/* Length of the blanks at s, and of what is none. */
size_t text_blanks(const char *s);
size_t text_word(const char *s);
/* The value in a shell-like `KEY=value` line: blanks before KEY and `export`
 * are allowed, not around "=".  *ret_at, *ret_len: value with its quotes. */
int text_assignment(const char *line, const char *key, size_t *ret_at, size_t *ret_len);
/* The same value without quotes; 1 if there is one that fits. */
int text_value(const char *line, const char *key, char *ret, size_t size);
/* The last such value in a whole file; 0: none, ret is "". */
int text_file_value(struct plan *p, const char *path, const char *key,
		    char *ret, size_t size);
/* Calls fn with "DIR/NAME" for each regular file in dir whose name ends in suffix
 * ("": all). */
int text_each(struct plan *p, const char *dir, const char *suffix,
	      int (*fn)(void *ctx, const char *path, struct err *e), void *ctx,
	      struct err *e) must_check;
#endif
