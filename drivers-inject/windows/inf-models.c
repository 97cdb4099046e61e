/* inf-models.c: see inf-models.h.
 *
 * Rules: Microsoft, "INF Manufacturer Section" and "Combining Platform Extensions
 * with Operating System Versions":
 * - a version suits every Windows of that version or later; the highest wins; a
 *   version goes before product type and suite;
 * - the product type must be the same, all bits of the suite must be there;
 * - the build is looked at only when the version is the Windows' own; builds before
 *   14310 don't know a fifth number and take the whole decoration for an unknown one;
 * - without an architecture it is for x86 alone since Server 2003 SP1, for every one
 *   before.  Of NT5 on other processors only Itanium's is older: amd64 began with it;
 * - Windows 2000 knows no decorations and takes the plain section.
 * Between what is equal in version the documents name no order; ours: build, product
 * type, number of suite bits, architecture, place in the line. */
#include "drivers-inject/windows/inf-models.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/inf-build.h"

#define FIRST_BUILD 14310

int inf_decoration_parse(const char *s, struct inf_decoration *ret)
{
	struct inf_decoration d = { -1, -1, -1, -1, -1, -1 };
	int64_t *const fields[] = { &d.major, &d.minor, &d.product, &d.suite, &d.build };
	size_t n = strcspn(s, ".");

	if (n < 2 || strncasecmp(s, "nt", 2))
		return -1;
	if (n > 2) {
		d.arch = inf_arch_parse(s + 2, n - 2);
		if (d.arch < 0)
			return -1;
	}
	s += n;
	for (size_t i = 0; *s; i++) {
		char text[16];
		uint64_t v;

		n = strcspn(++s, ".");
		if (i == 5 || n >= sizeof text)
			return -1;
		memcpy(text, s, n);
		text[n] = 0;
		if (n && (inf_number(text, &v) || v > UINT32_MAX))
			return -1;
		*fields[i] = n ? (int64_t)v : -1;
		s += n;
	}
	*ret = d;
	return 0;
}

static int suits_arch(const struct inf_decoration *d, const struct inf_target *t)
{
	if (d->arch >= 0)
		return d->arch == (int)t->arch;
	return t->arch == INF_X86 || (t->arch == INF_IA64 && t->major == 5);
}

/* <0: d is for an older Windows than t; 0: for t's own version. */
static int compare_version(const struct inf_decoration *d, const struct inf_target *t)
{
	int64_t minor = d->minor < 0 ? 0 : d->minor;

	if (d->major < 0)
		return -1;
	if (d->major != t->major)
		return d->major < t->major ? -1 : 1;
	return minor < t->minor ? -1 : minor > t->minor;
}

static int suits_build(const struct inf_decoration *d, const struct inf_target *t, int version)
{
	if (d->build < 0)
		return 1;
	if (t->major < 10 || (t->major == 10 && t->build < FIRST_BUILD))
		return 0;
	return version < 0 || d->build <= t->build;
}

int inf_decoration_suits(const struct inf_decoration *d, const struct inf_target *t)
{
	int version = compare_version(d, t);

	return suits_arch(d, t) && version <= 0 && suits_build(d, t, version) &&
	       (d->product < 0 || d->product == t->product) &&
	       (d->suite < 0 || ((uint64_t)d->suite & t->suite) == (uint64_t)d->suite);
}

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

int inf_decoration_compare(const struct inf_decoration *a, const struct inf_decoration *b)
{
	int bits_a = a->suite < 0 ? -1 : __builtin_popcountll((uint64_t)a->suite);
	int bits_b = b->suite < 0 ? -1 : __builtin_popcountll((uint64_t)b->suite);
	const int64_t pairs[][2] = {
		{ a->major, b->major }, { a->minor, b->minor }, { a->build, b->build },
		{ a->product >= 0, b->product >= 0 }, { bits_a, bits_b },
		{ a->arch >= 0, b->arch >= 0 },
	};
	int d = 0;

	for (size_t i = 0; !d && i < sizeof pairs / sizeof *pairs; i++)
		d = order(pairs[i][0], pairs[i][1]);
	return d;
}

struct reader {
	struct inf_build b;
	const struct inf *f;
	const struct inf_target *t;
	struct inf_models *m;
};

/* The decoration of the line that is taken; "": the plain section; NULL: none suits. */
static const char *choose(struct reader *r, const struct inf_line *l)
{
	struct inf_decoration best, d;
	const char *chosen = NULL;

	for (size_t i = 1; i < l->n && inf_step(&r->b, r->f, l); i++) {
		const char *s = inf_value(&r->b, r->f, l, i);

		if (!*s)
			continue;
		if (inf_decoration_parse(s, &d)) {
			inf_note(&r->b, INF_BROKEN, r->f, l, "decoration", s);
			continue;
		}
		if ((r->t->major == 5 && !r->t->minor) || !inf_decoration_suits(&d, r->t) ||
		    (chosen && inf_decoration_compare(&d, &best) <= 0))
			continue;
		best = d;
		chosen = s;
	}
	if (chosen)
		return chosen;
	best = (struct inf_decoration){ -1, -1, -1, -1, -1, -1 };
	return suits_arch(&best, r->t) ? "" : NULL;
}

static void add_model(struct reader *r, const struct inf_line *l, const struct inf_model *like)
{
	struct inf_models *m = r->m;
	size_t n = l->n > 1 ? l->n - 1 : 1;
	const char **ids = inf_get(&r->b, n * sizeof *ids);
	struct inf_model *v;

	if (ids && m->n == INF_MODELS_MAX)
		r->b.rc = err_set(r->b.e, ERR_UNSUPPORTED, "%s line %u: more than %u devices",
				  inf_name(r->f), l->line, INF_MODELS_MAX);
	v = ids ? inf_append(&r->b, (void **)&m->v, &m->n, sizeof *v) : NULL;
	if (!v)
		return;
	*v = *like;
	v->description_raw = l->key;
	v->description = inf_expanded(&r->b, r->f, l, l->key);
	v->install = inf_value(&r->b, r->f, l, 0);
	v->ids = ids;
	v->line = l->line;
	for (size_t i = 0; i < n; i++) {
		const char *id = inf_value(&r->b, r->f, l, i + 1);

		/* trailing commas; an empty hardware id counts */
		if (*id || !i)
			ids[v->n_ids++] = id;
	}
}

static void models_section(struct reader *r, const struct inf_line *l,
			   const struct inf_model *like, int optional)
{
	const struct inf_section *s = inf_section(r->f, like->section);

	if (!s) {
		/* decorations alone, none of which suits: not for this Windows */
		if (!optional)
			inf_note(&r->b, INF_BROKEN, r->f, l, "models section", like->section);
		return;
	}
	for (l = s->first; l && inf_step(&r->b, r->f, l); l = l->next) {
		if (l->key && l->n && *inf_raw(r->f, l, 0) && inf_raw(r->f, l, 0) != l->key)
			add_model(r, l, like);
		else
			inf_note(&r->b, INF_BROKEN, r->f, l, "model",
				 l->key ? l->key : inf_raw(r->f, l, 0));
	}
}

static void manufacturer(struct reader *r, const struct inf_line *l)
{
	/* "name" alone is manufacturer and models section in one */
	const char *raw = l->key ? l->key : inf_raw(r->f, l, 0);
	const char *base = inf_value(&r->b, r->f, l, 0);
	const char *decoration = choose(r, l);
	struct inf_model like = { .manufacturer_raw = raw };

	if (!decoration || !*base)
		return;
	like.manufacturer = inf_expanded(&r->b, r->f, l, raw);
	like.section = *decoration ? inf_printed(&r->b, "%s.%s", base, decoration) : base;
	models_section(r, l, &like, !*decoration && l->n > 1);
}

int inf_models_get(const struct inf *f, const struct inf_target *t, struct inf_models *ret,
		   struct err *e)
{
	struct inf_models m = { 0 };
	struct reader r = { .b = { .mem = &m.mem, .notes = &m.notes, .e = e },
			    .f = f, .t = t, .m = &m };
	const struct inf_section *s = inf_section(f, "Manufacturer");

	for (const struct inf_line *l = s ? s->first : NULL; l && inf_step(&r.b, f, l); l = l->next)
		manufacturer(&r, l);
	if (r.b.rc)
		inf_models_done(&m);
	else
		*ret = m;
	return r.b.rc;
}

void inf_models_done(struct inf_models *m)
{
	free(m->v);
	free(m->notes.v);
	inf_mem_done(&m->mem);
	*m = (struct inf_models){ 0 };
}
