/* canvas.c: see canvas.h. */
#include "tui/canvas.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/text.h"

int canvas_init(struct canvas *c, int rows, int cols, struct err *e)
{
	if (rows < 1 || cols < 1 || rows > 1000 || cols > 2000)
		return err_set(e, ERR_USAGE, "A screen of %d x %d can't be drawn.",
			       cols, rows);
	c->c = calloc((size_t)rows * (size_t)cols, sizeof *c->c);
	if (!c->c)
		return err_set(e, ERR_NOMEM, "Not enough memory for the screen.");
	c->rows = rows;
	c->cols = cols;
	canvas_clear(c);
	return 0;
}

void canvas_done(struct canvas *c)
{
	free(c->c);
	c->c = NULL;
	c->rows = c->cols = 0;
}

void canvas_clear(struct canvas *c)
{
	for (int i = 0; i < c->rows * c->cols; i++)
		c->c[i] = (struct cell){ ' ', CELL_PLAIN };
	c->cy = -1;
	c->cx = 0;
}

static void put(struct canvas *c, int y, int x, int attr, uint32_t ch)
{
	if (y >= 0 && y < c->rows && x >= 0 && x < c->cols)
		c->c[y * c->cols + x] = (struct cell){ ch, (uint8_t)attr };
}

/* Draws at most width columns of the first len bytes of s. */
static int put_text(struct canvas *c, int y, int x, int width, int attr,
		    const char *s, size_t len)
{
	const char *end = s + len;
	int right = x + width;
	uint32_t ch;

	for (unsigned n; s < end && (n = utf8_get(s, &ch)); s += n) {
		int w = text_char_width(ch);

		if (!w && ch >= 0x80 && ch >= 0xa0)
			continue;       /* a combining mark */
		if (!w) {
			ch = '?';       /* a control character */
			w = 1;
		}
		if (x + w > right)
			break;
		put(c, y, x, attr, x + w > c->cols ? ' ' : ch);
		if (w == 2)
			put(c, y, x + 1, attr, 0);
		x += w;
	}
	return x;
}

int canvas_text(struct canvas *c, int y, int x, int attr, const char *s)
{
	return put_text(c, y, x, c->cols - x, attr, s, strlen(s));
}

int canvas_printf(struct canvas *c, int y, int x, int attr, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	return canvas_text(c, y, x, attr, buf);
}

int canvas_column(struct canvas *c, int y, int x, int width, int attr, const char *s)
{
	bool cut = text_width(s) > width;
	int at = put_text(c, y, x, width - (cut ? 1 : 0), attr, s, strlen(s));

	if (cut && width > 0)
		put(c, y, at++, attr, '~');
	canvas_fill(c, y, at, x + width - at, attr, ' ');
	return x + width;
}

void canvas_fill(struct canvas *c, int y, int x, int width, int attr, uint32_t ch)
{
	for (int i = 0; i < width; i++)
		put(c, y, x + i, attr, ch);
}

/* The bytes of s that one line of `width` columns takes (at least one
 * character); *ret_next is where the next line begins. */
static size_t line_length(const char *s, int width, const char **ret_next)
{
	const char *at = s, *blank = NULL;
	uint32_t ch;
	int w = 0;

	for (unsigned n; (n = utf8_get(at, &ch)); at += n) {
		int cw = text_char_width(ch);

		if (ch == '\n') {
			*ret_next = at + 1;
			return (size_t)(at - s);
		}
		if (ch == ' ')
			blank = at;
		if (w + cw > width && at > s) {
			if (blank && blank > s) {
				*ret_next = blank + 1;
				return (size_t)(blank - s);
			}
			break;
		}
		w += cw;
	}
	*ret_next = at;
	return (size_t)(at - s);
}

int canvas_wrap(struct canvas *c, int y, int x, int width, int last, int skip,
		int attr, const char *s)
{
	while (*s && y <= last) {
		const char *next;
		size_t len = line_length(s, width, &next);

		if (skip-- <= 0)
			put_text(c, y++, x, width, attr, s, len);
		s = next;
	}
	return y;
}

int canvas_wrapped_rows(int width, const char *s)
{
	int rows = 0;

	for (; *s; rows++)
		line_length(s, width, &s);
	return rows;
}
