/* argv.c: argument vectors: built, shown, freed (job.h). */
#include <stdlib.h>
#include <string.h>
#include "tui/job.h"

int argv_add(struct argv *a, const char *s, struct err *e)
{
	char **v = realloc(a->v, (a->n + 2) * sizeof *v);
	char *copy = v ? strdup(s) : NULL;

	if (v)
		a->v = v;
	if (!copy)
		return err_set(e, ERR_NOMEM, "Not enough memory.");
	a->v[a->n++] = copy;
	a->v[a->n] = NULL;
	return 0;
}

void argv_done(struct argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	a->v = NULL;
	a->n = 0;
}

static void put(char **at, const char *end, char c)
{
	if (*at < end)
		*(*at)++ = c;
}

/* One word, in single quotes if a shell would take it apart. */
static void put_word(char **at, const char *end, const char *w)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
	bool quote = !*w || w[strspn(w, plain)];

	if (quote)
		put(at, end, '\'');
	for (; *w; w++) {
		put(at, end, *w);
		if (*w == '\'')
			for (const char *s = "\\''"; *s; s++)
				put(at, end, *s);
	}
	if (quote)
		put(at, end, '\'');
}

void argv_line(const struct argv *a, char *out, size_t size)
{
	char *at = out;

	for (size_t i = 0; i < a->n; i++) {
		if (i)
			put(&at, out + size - 1, ' ');
		put_word(&at, out + size - 1, a->v[i]);
	}
	*at = 0;
}
