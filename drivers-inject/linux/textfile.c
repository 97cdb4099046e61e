/* textfile.c: see textfile.h. */
#include "drivers-inject/linux/textfile.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

void textbuf_add(struct textbuf *b, const char *s, size_t n)
{
	if (b->failed)
		return;
	if (b->room - b->n <= n) {
		size_t room = (b->n + n + 64) * 2;
		char *v = realloc(b->s, room);

		if (!v) {
			b->failed = 1;
			return;
		}
		b->s = v;
		b->room = room;
	}
	memcpy(b->s + b->n, s, n);
	b->n += n;
	b->s[b->n] = 0;
}

void textbuf_str(struct textbuf *b, const char *s)
{
	textbuf_add(b, s, strlen(s));
}

void textbuf_done(struct textbuf *b)
{
	free(b->s);
	*b = (struct textbuf){ 0 };
}

int text_open(struct plan *p, const char *path, struct textfile *ret, struct err *e)
{
	struct err why = { 0 };
	int r;

	*ret = (struct textfile){ .p = p };
	r = plan_read(p, path, &ret->in, &ret->len, &why);
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == ERR_NOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r) {
		plan_warn(p, "%s was not looked at: %s", path, why.msg);
		return 0;
	}
	ret->path = strdup(path);
	/* one buffer for every line: the longest is the whole file */
	ret->line = malloc(ret->len + 1);
	if (!ret->path || !ret->line)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	return 1;
}

/* What became of the current line goes to out. */
static void flush(struct textfile *t)
{
	size_t eol = t->next - t->end;

	if (t->have && t->drop) {
		t->changed = 1;
	} else if (t->have) {
		if (t->has_repl)
			textbuf_add(&t->out, t->repl.s ? t->repl.s : "", t->repl.n);
		else
			textbuf_add(&t->out, t->in + t->start, t->end - t->start);
		if (!eol && t->after.n)
			textbuf_str(&t->out, "\n");
		textbuf_add(&t->out, t->in + t->end, eol);
	}
	if (t->after.n)
		textbuf_add(&t->out, t->after.s, t->after.n);
	t->out.failed |= t->repl.failed | t->after.failed;
	t->repl.n = t->after.n = 0;
	t->has_repl = t->drop = t->have = 0;
}

int text_next(struct textfile *t)
{
	for (;;) {
		const char *nl;

		flush(t);
		t->start = t->end = t->next;
		if (t->start >= t->len)
			return 0;
		t->have = 1;
		nl = memchr(t->in + t->start, '\n', t->len - t->start);
		t->end = nl ? (size_t)(nl - t->in) : t->len;
		t->next = nl ? t->end + 1 : t->len;
		if (nl && t->end > t->start && t->in[t->end - 1] == '\r')
			t->end--;
		if (memchr(t->in + t->start, 0, t->end - t->start))
			continue;
		memcpy(t->line, t->in + t->start, t->end - t->start);
		t->line[t->end - t->start] = 0;
		return 1;
	}
}

void text_rewind(struct textfile *t)
{
	flush(t);
	t->out.n = 0;
	t->start = t->end = t->next = 0;
	t->changed = 0;
}

void text_set(struct textfile *t, const char *s)
{
	size_t n = strlen(s);

	if (n == t->end - t->start && !memcmp(s, t->in + t->start, n)) {
		t->has_repl = 0;
		return;
	}
	t->repl.n = 0;
	textbuf_add(&t->repl, s, n);
	t->has_repl = t->changed = 1;
}

void text_splice(struct textfile *t, size_t at, size_t n, const char *with)
{
	struct textbuf b = { 0 };
	const char *line = t->in + t->start;

	textbuf_add(&b, line, at);
	textbuf_str(&b, with);
	textbuf_add(&b, line + at + n, t->end - t->start - at - n);
	if (b.failed)
		t->out.failed = 1;
	else
		text_set(t, b.s);
	textbuf_done(&b);
}

void text_drop(struct textfile *t)
{
	t->drop = 1;
}

void text_add(struct textfile *t, const char *s)
{
	int crlf = t->next >= 2 && t->in[t->next - 1] == '\n' && t->in[t->next - 2] == '\r';

	if (!t->have && !t->after.n && t->out.n && t->out.s[t->out.n - 1] != '\n')
		textbuf_str(&t->out, "\n");
	textbuf_str(&t->after, s);
	textbuf_str(&t->after, crlf ? "\r\n" : "\n");
	t->changed = 1;
}

int text_commit(struct textfile *t, struct err *e, const char *reason, ...)
{
	cleanup_free char *why = NULL;
	va_list ap;
	int n;

	while (text_next(t))
		;
	if (t->out.failed)
		return err_set(e, ERR_NOMEM, "out of memory for %s", t->path);
	if (!t->changed)
		return 0;
	va_start(ap, reason);
	n = vasprintf(&why, reason, ap);
	va_end(ap);
	if (n < 0) {
		why = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for %s", t->path);
	}
	return plan_write(t->p, t->path, t->out.s ? t->out.s : "", t->out.n, e, "%s", why);
}

void text_close(struct textfile *t)
{
	free(t->path);
	free(t->line);
	free(t->in);
	textbuf_done(&t->repl);
	textbuf_done(&t->after);
	textbuf_done(&t->out);
	*t = (struct textfile){ 0 };
}

/* ---- small parts of lines ---- */

size_t text_blanks(const char *s)
{
	return strspn(s, " \t");
}

size_t text_word(const char *s)
{
	return strcspn(s, " \t");
}

int text_assignment(const char *line, const char *key, size_t *ret_at, size_t *ret_len)
{
	const char *s = line + text_blanks(line), *v, *end;
	size_t n = strlen(key);

	if (!strncmp(s, "export", 6) && text_blanks(s + 6))
		s += 6 + text_blanks(s + 6);
	if (strncmp(s, key, n) || s[n] != '=')
		return 0;
	v = s + n + 1;
	if (*v == '"' || *v == '\'') {
		for (end = v + 1; *end && *end != *v; end++)
			if (*end == '\\' && *v == '"' && end[1])
				end++;
		end += *end != 0;
	} else {
		end = v + strcspn(v, " \t;#");
	}
	*ret_at = (size_t)(v - line);
	*ret_len = (size_t)(end - v);
	return 1;
}

int text_value(const char *line, const char *key, char *ret, size_t size)
{
	size_t at, len;

	if (!text_assignment(line, key, &at, &len))
		return 0;
	if (len >= 1 && (line[at] == '"' || line[at] == '\'')) {
		len -= len > 1 && line[at + len - 1] == line[at] ? 2 : 1;
		at++;
	}
	if (len >= size)
		return 0;
	memcpy(ret, line + at, len);
	ret[len] = 0;
	return 1;
}

int text_file_value(struct plan *p, const char *path, const char *key,
		    char *ret, size_t size)
{
	struct textfile t;
	int found = 0;

	*ret = 0;
	if (text_open(p, path, &t, NULL) == 1)
		while (text_next(&t))
			found |= text_value(t.line, key, ret, size);
	text_close(&t);
	return found;
}

int text_each(struct plan *p, const char *dir, const char *suffix,
	      int (*fn)(void *ctx, const char *path, struct err *e), void *ctx,
	      struct err *e)
{
	struct strv names = { 0 };
	struct err why = { 0 };
	int r = root_list(p->root, dir, &names, &why);

	if (r == ERR_NOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r && r != ERR_NOT_FOUND)
		plan_warn(p, "%s was not looked at: %s", dir, why.msg);
	r = 0;
	for (size_t i = 0; i < names.n && !r; i++) {
		size_t n = strlen(names.v[i]), k = strlen(suffix);
		cleanup_free char *path = NULL;

		if (n < k || strcmp(names.v[i] + n - k, suffix))
			continue;
		if (asprintf(&path, "%s/%s", dir, names.v[i]) < 0) {
			path = NULL;
			r = err_set(e, ERR_NOMEM, "out of memory");
		} else if (plan_has(p, path)) {
			r = fn(ctx, path, e);
		}
	}
	strv_done(&names);
	return r;
}
