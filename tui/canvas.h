/* canvas.h: a screen as an array of cells, drawn without any terminal; term.c
 * puts it on one.  Only ASCII is used for lines and marks, and what matters is
 * said by characters, so that a serial line in black and white shows all. */
#ifndef REHOST_TUI_CANVAS_H
#define REHOST_TUI_CANVAS_H
#include <stdint.h>
#include "common/err.h"

enum { CELL_PLAIN = 0, CELL_BOLD = 1, CELL_REVERSE = 2, CELL_UNDERLINE = 4 };

struct cell {
	uint32_t ch;      /* 0: the right half of a wide character */
	uint8_t attr;
};

struct canvas {
	int rows, cols;
	int cy, cx;       /* the terminal's cursor; cy -1: hidden */
	struct cell *c;
};

int canvas_init(struct canvas *c, int rows, int cols, struct err *e) must_check;
void canvas_done(struct canvas *c);
void canvas_clear(struct canvas *c);

/* All of these cut what lies outside.  They return the column after the last
 * cell drawn, or for _wrap the row after the last one. */
int canvas_text(struct canvas *c, int y, int x, int attr, const char *s);
int canvas_printf(struct canvas *c, int y, int x, int attr, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* s in exactly `width` columns: cut (with '~' at the end) or padded. */
int canvas_column(struct canvas *c, int y, int x, int width, int attr, const char *s);
/* Fills a row with ch from x on. */
void canvas_fill(struct canvas *c, int y, int x, int width, int attr, uint32_t ch);
/* Words of s in lines of `width` columns from row y to row last; lines of s
 * end at '\n'.  The first `skip` lines are not drawn. */
int canvas_wrap(struct canvas *c, int y, int x, int width, int last, int skip,
		int attr, const char *s);
/* Rows that canvas_wrap would need. */
int canvas_wrapped_rows(int width, const char *s);

struct wiz;
/* Draws the wizard as it is now. */
void wiz_draw(const struct wiz *w, struct canvas *c);
#define CANVAS_MIN_ROWS 24
#define CANVAS_MIN_COLS 80
#endif
