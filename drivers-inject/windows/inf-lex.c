/* inf-lex.c: the characters of an INF become names, keys and values.
 *
 * A ";" begins a comment, but not between quotes nor in a %strkey%.  Between quotes
 * everything stands for itself and "" for one quote; a quote that is not closed ends
 * with its line.  A "\" with only blanks or a comment behind it continues the entry
 * on the next line, whose leading blanks don't count.  A "=" before the first comma
 * ends the key. */
#include "drivers-inject/windows/inf-int.h"
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"

/* How far the end of a %strkey% is looked for; real ones have up to 60. */
#define STRKEY_MAX 256

struct lexer {
	const char *p, *end;
	unsigned line;
	struct inf *f;
	char *out;              /* the end of what is in f->text             */
	struct err *e;
};

static int blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static int at_eol(const struct lexer *x, const char *p)
{
	return p == x->end || *p == '\n' || *p == '\r';
}

static void skip_blanks(struct lexer *x)
{
	while (x->p < x->end && blank(*x->p))
		x->p++;
}

/* Over the rest of the line and its end: LF, CR LF or CR. */
static void skip_line(struct lexer *x)
{
	while (!at_eol(x, x->p))
		x->p++;
	if (x->p == x->end)
		return;
	if (*x->p == '\r' && x->p + 1 < x->end && x->p[1] == '\n')
		x->p++;
	x->p++;
	x->line++;
}

/* At a quote. */
static void quoted(struct lexer *x)
{
	x->p++;
	while (!at_eol(x, x->p)) {
		if (*x->p == '"') {
			x->p++;
			if (at_eol(x, x->p) || *x->p != '"')
				return;
		}
		*x->out++ = *x->p++;
	}
}

/* At a backslash.  1: the entry goes on, at x->p; 0: the backslashes and the blanks
 * behind them are taken as they are (all at once, else a long row of them would be
 * looked through again and again). */
static int continued(struct lexer *x, char **keep)
{
	const char *p = x->p;

	while (p < x->end && (*p == '\\' || blank(*p)))
		p++;
	if (at_eol(x, p) || *p == ';') {
		x->p = p;
		x->out = *keep;
		skip_line(x);
		skip_blanks(x);
		return 1;
	}
	while (x->p < p) {
		*x->out++ = *x->p++;
		if (x->out[-1] == '\\')
			*keep = x->out;
	}
	return 0;
}

/* At a "%": its length up to the closing one; 1 when this is no %strkey%. */
static size_t strkey(const struct lexer *x)
{
	for (size_t n = 1; n < STRKEY_MAX && !at_eol(x, x->p + n); n++) {
		char c = x->p[n];

		if (c == '%')
			return n + 1;
		if (blank(c) || c == '"' || c == ',' || c == '=')
			break;
	}
	return 1;
}

/* Text up to a comma, the end of the entry or, in a key, "="; its own end is there
 * then: ',', '=' or '\n'.  The token lies at the former x->out. */
static char token(struct lexer *x, int in_key)
{
	char *keep = x->out;    /* what is before it is not trimmed          */
	char end = '\n';

	skip_blanks(x);
	while (!at_eol(x, x->p) && *x->p != ';') {
		char c = *x->p;

		if (c == ',' || (c == '=' && in_key)) {
			end = c;
			break;
		}
		if (c == '"') {
			quoted(x);
			keep = x->out;
		} else if (c == '\\') {
			continued(x, &keep);
		} else if (blank(c)) {
			*x->out++ = c;
			x->p++;
		} else {
			size_t n = c == '%' ? strkey(x) : 1;

			memcpy(x->out, x->p, n);
			x->out += n;
			x->p += n;
			keep = x->out;
		}
	}
	if (end == '\n')
		skip_line(x);
	else
		x->p++;
	x->out = keep;
	*x->out++ = 0;
	return end;
}

static int add_value(struct lexer *x, const char *text)
{
	struct inf *f = x->f;
	uint32_t *v = vec_room(f->values, f->n_values, &f->room_values, sizeof *v);

	if (!v)
		return err_set(x->e, ERR_NOMEM, "out of memory for the values of %s", f->name);
	f->values = v;
	v[f->n_values++] = (uint32_t)(text - f->text);
	return 0;
}

static int too_long(struct lexer *x, const char *text, unsigned line)
{
	if (x->out - text <= INF_FIELD_MAX)
		return 0;
	return err_set(x->e, ERR_UNSUPPORTED,
		       "%s line %u: a value of %zu bytes, Windows takes 4096 characters",
		       x->f->name, line, (size_t)(x->out - text - 1));
}

static int add_line(struct lexer *x, const struct inf_line *l)
{
	struct inf *f = x->f;
	struct inf_line *v;

	if (f->n_lines == INF_LINES_MAX)
		return err_set(x->e, ERR_UNSUPPORTED, "%s line %u: more than %u entries",
			       f->name, l->line, INF_LINES_MAX);
	v = vec_room(f->lines, f->n_lines, &f->room_lines, sizeof *v);
	if (!v)
		return err_set(x->e, ERR_NOMEM, "out of memory for the entries of %s", f->name);
	f->lines = v;
	v[f->n_lines++] = *l;
	return 0;
}

static int entry(struct lexer *x)
{
	struct inf *f = x->f;
	struct inf_line l = { .first = (uint32_t)f->n_values, .line = x->line };
	char *text = x->out, *all = text;
	size_t n_values = f->n_values;
	char end = token(x, 1);
	int rc = too_long(x, text, l.line);

	if (!rc && end == '=') {
		l.key = text;
		end = ',';
	} else if (!rc) {
		rc = add_value(x, text);
	}
	while (!rc && end == ',') {
		text = x->out;
		end = token(x, 0);
		rc = too_long(x, text, l.line);
		rc = rc ? rc : add_value(x, text);
	}
	if (rc)
		return rc;
	l.n = (uint32_t)(f->n_values - n_values);
	if (!l.key && l.n == 1)
		l.key = all;
	if (f->n_heads) {
		l.section = (uint32_t)(f->n_heads - 1);
		return add_line(x, &l);
	}
	/* before the first section: signed drivers have rules of "*" there */
	f->n_values = n_values;
	x->out = all;
	return 0;
}

/* At a "[". */
static int head(struct lexer *x)
{
	struct inf *f = x->f;
	const char *p = x->p + 1, *end = p;
	struct inf_head *v;

	while (!at_eol(x, end) && *end != ']')
		end++;
	if (at_eol(x, end))
		return err_set(x->e, ERR_CORRUPT, "%s line %u: the section's name has no closing ]",
			       f->name, x->line);
	while (p < end && blank(*p))
		p++;
	x->p = end;
	while (end > p && blank(end[-1]))
		end--;
	if (end - p > INF_NAME_MAX)
		return err_set(x->e, ERR_UNSUPPORTED,
			       "%s line %u: a section's name of %zu bytes, Windows takes 255 characters",
			       f->name, x->line, (size_t)(end - p));
	v = vec_room(f->heads, f->n_heads, &f->room_heads, sizeof *v);
	if (!v)
		return err_set(x->e, ERR_NOMEM, "out of memory for the sections of %s", f->name);
	f->heads = v;
	v[f->n_heads++] = (struct inf_head){ .name = x->out, .line = x->line };
	memcpy(x->out, p, (size_t)(end - p));
	x->out += end - p;
	*x->out++ = 0;
	skip_line(x);
	return 0;
}

int inf_lex(struct inf *f, const char *text, size_t n, struct err *e)
{
	struct lexer x = { .p = text, .end = text + n, .line = 1, .f = f, .e = e };
	/* Control-Z ends a text file of DOS */
	const char *eof = memchr(text, 0x1a, n);
	int rc = 0;

	if (eof)
		x.end = eof;
	/* each NUL takes the place of a separator, but for the last */
	f->text = x.out = malloc(n + 2);
	if (!x.out)
		return err_set(e, ERR_NOMEM, "out of memory for the text of %s", f->name);
	while (!rc && x.p < x.end) {
		skip_blanks(&x);
		if (at_eol(&x, x.p) || *x.p == ';')
			skip_line(&x);
		else if (*x.p == '[')
			rc = head(&x);
		else
			rc = entry(&x);
	}
	return rc;
}
