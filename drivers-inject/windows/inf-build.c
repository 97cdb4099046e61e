/* inf-build.c: see inf-build.h and inf-notes.h. */
#include "drivers-inject/windows/inf-build.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int inf_no_memory(struct inf_build *b)
{
	if (!b->rc)
		b->rc = err_set(b->e, ERR_NOMEM, "out of memory for what an INF expands to");
	return b->rc;
}

void *inf_get(struct inf_build *b, size_t n)
{
	void *p;

	b->bytes += n + sizeof(max_align_t);
	if (!b->rc && b->bytes > INF_BYTES_MAX)
		b->rc = err_set(b->e, ERR_UNSUPPORTED,
				"an INF expands to more than %u MB", INF_BYTES_MAX >> 20);
	p = b->rc ? NULL : inf_mem_get(b->mem, n);
	if (!p)
		inf_no_memory(b);
	return p;
}

static const char *kept(struct inf_build *b, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = inf_get(b, n);

	return p ? memcpy(p, s, n) : "";
}

int inf_step(struct inf_build *b, const struct inf *f, const struct inf_line *l)
{
	if (!b->rc && ++b->steps > INF_STEPS_MAX)
		b->rc = err_set(b->e, ERR_UNSUPPORTED,
				"%s line %u: more than %u entries belong to one device",
				inf_name(f), l->line, INF_STEPS_MAX);
	return !b->rc;
}

const char *inf_expanded(struct inf_build *b, const struct inf *f, const struct inf_line *l,
			 const char *raw)
{
	char text[INF_FIELD_MAX];

	if (b->rc)
		return "";
	if (inf_expand(f, raw, b->dirs, text, b->e)) {
		b->rc = err_prefix(b->e, "%s line %u", inf_name(f), l->line);
		return "";
	}
	return kept(b, text);
}

const char *inf_value(struct inf_build *b, const struct inf *f, const struct inf_line *l, size_t i)
{
	return inf_expanded(b, f, l, inf_raw(f, l, i));
}

int inf_value_number(struct inf_build *b, const struct inf *f, const struct inf_line *l,
		     size_t i, uint64_t otherwise, uint64_t *ret)
{
	const char *s = inf_value(b, f, l, i);

	*ret = *s ? 0 : otherwise;
	if (!*s || !inf_number(s, ret))
		return 0;
	inf_note(b, INF_BROKEN, f, l, "number", s);
	return -1;
}

const char *inf_printed(struct inf_build *b, const char *fmt, ...)
{
	char *text = NULL;
	const char *s = "";
	va_list ap;

	va_start(ap, fmt);
	if (!b->rc && vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		s = kept(b, text);
	else
		inf_no_memory(b);
	free(text);
	return s;
}

void *inf_append(struct inf_build *b, void **v, size_t *n, size_t size)
{
	/* powers of two are full */
	if (!b->rc && (*n & (*n - 1)) == 0) {
		void *more = reallocarray(*v, *n ? 2 * *n : 1, size);

		if (!more)
			inf_no_memory(b);
		else
			*v = more;
	}
	if (b->rc)
		return NULL;
	return memset((char *)*v + (*n)++ * size, 0, size);
}

void inf_note(struct inf_build *b, enum inf_note_kind kind, const struct inf *f,
	      const struct inf_line *l, const char *what, const char *name)
{
	struct inf_note *n = inf_append(b, (void **)&b->notes->v, &b->notes->n, sizeof *n);

	if (n)
		*n = (struct inf_note){ kind, what, name, inf_name(f), l ? l->line : 0 };
}

const char *inf_note_kind_name(enum inf_note_kind kind)
{
	static const char *const names[] = { "not-done", "broken", "absent" };

	return names[kind];
}

char *inf_note_text(const struct inf_note *n, char *out, size_t room)
{
	static const char *const says[] = {
		[INF_NOT_DONE] = "is understood but not done",
		[INF_BROKEN] = "is missing or not as it must be: Windows skips or refuses it",
		[INF_ABSENT] = "is in an INF that is not here: not done",
	};

	char line[24] = "";

	if (n->line)
		snprintf(line, sizeof line, " line %u", n->line);
	snprintf(out, room, "%s%s: %s \"%.200s\" %s", n->file, line, n->what, n->name,
		 says[n->kind]);
	return out;
}
