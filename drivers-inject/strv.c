/* strv.c: see strv.h. */
#include "drivers-inject/strv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int strv_add(struct strv *l, const char *s)
{
	char **v = reallocarray(l->v, l->n + 1, sizeof *v);

	if (!v)
		return -1;
	l->v = v;
	v[l->n] = strdup(s);
	if (!v[l->n])
		return -1;
	l->n++;
	return 0;
}

int strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->v[i], s))
			return 1;
	return 0;
}

void strv_vaddf(struct strv *l, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	if (!strv_has(l, text) && strv_add(l, text)) {
		/* lost */
	}
	free(text);
}

void strv_addf(struct strv *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(l, fmt, ap);
	va_end(ap);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, by_bytes);
}

void strv_sort_versions(struct strv *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, by_version);
}

void strv_done(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
