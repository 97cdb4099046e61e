/* drivers-index.c: hashes of device ids and the packages that have them: 16 bytes a
 * pair, so that 8000 INFs need not stay in memory.  Two ids of one hash only make a
 * package be read in vain. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "common/cleanup.h"
#include "common/vec.h"
#include "drivers-inject/windows/drivers-int.h"

/* Entries looked at in one INF; the largest known has 20,000, some of them are in
 * eight models sections. */
#define STEPS_MAX 1000000

struct pair {
	uint64_t hash;
	uint32_t package;
};
struct drivers_index {
	struct pair *v;
	size_t n, room;
	int sorted;
};

struct drivers_index *drivers_index_new(void)
{
	return calloc(1, sizeof(struct drivers_index));
}

void drivers_index_free(struct drivers_index *x)
{
	if (x)
		free(x->v);
	free(x);
}

static uint64_t hash(const char *id)
{
	char small[INF_FIELD_MAX];
	size_t n = strnlen(id, sizeof small);

	for (size_t i = 0; i < n; i++)
		small[i] = id[i] >= 'A' && id[i] <= 'Z' ? (char)(id[i] + 'a' - 'A') : id[i];
	return XXH3_64bits(small, n);
}

static int by_hash(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->hash != q->hash)
		return p->hash < q->hash ? -1 : 1;
	return p->package < q->package ? -1 : p->package > q->package;
}

/* One INF's ids while they are collected. */
struct collect {
	struct drivers_index *x;
	const struct inf *f;
	uint32_t package;
	size_t steps;
	char *text;             /* INF_FIELD_MAX bytes */
	char *section;          /* the same            */
	int rc;
	struct err *e;
};

static int step(struct collect *c)
{
	if (!c->rc && c->steps++ == STEPS_MAX)
		c->rc = err_set(c->e, ERR_UNSUPPORTED, "%s: more than %d entries to look at for its devices",
				inf_name(c->f), STEPS_MAX);
	return !c->rc;
}

static void add_id(struct collect *c, const char *id)
{
	struct drivers_index *x = c->x;
	struct pair *v;

	if (x->n == DRIVERS_IDS_MAX) {
		c->rc = err_set(c->e, ERR_UNSUPPORTED, "%s: more than %u device ids in all the packages",
				inf_name(c->f), DRIVERS_IDS_MAX);
		return;
	}
	v = vec_room(x->v, x->n, &x->room, sizeof *v);
	if (!v) {
		c->rc = err_set(c->e, ERR_NOMEM, "out of memory for the ids of %s", inf_name(c->f));
		return;
	}
	x->v = v;
	x->v[x->n++] = (struct pair){ hash(id), c->package };
}

/* The value i of l, expanded, in c->text; one that is too long is left out. */
static int value(struct collect *c, const struct inf_line *l, size_t i)
{
	struct err e;

	return step(c) && !inf_expand(c->f, inf_raw(c->f, l, i), NULL, c->text, &e) && *c->text;
}

static void models_section(struct collect *c, const char *name)
{
	const struct inf_section *s = inf_section(c->f, name);

	for (const struct inf_line *l = s ? s->first : NULL; l && step(c); l = l->next)
		for (size_t i = 1; i < l->n && !c->rc; i++)
			if (value(c, l, i))
				add_id(c, c->text);
}

/* "base, decoration, decoration": the section of each, and the plain one. */
static void manufacturer(struct collect *c, const struct inf_line *l)
{
	size_t n;

	if (!value(c, l, 0))
		return;
	strcpy(c->section, c->text);
	models_section(c, c->section);
	n = strlen(c->section);
	for (size_t i = 1; i < l->n && !c->rc; i++) {
		if (!value(c, l, i) || n + 1 + strlen(c->text) >= INF_FIELD_MAX)
			continue;
		c->section[n] = '.';
		strcpy(c->section + n + 1, c->text);
		models_section(c, c->section);
	}
}

/* Pairs from `from` on, sorted and each once. */
static void tidy(struct drivers_index *x, size_t from)
{
	size_t n = from;

	if (x->n > from)
		qsort(x->v + from, x->n - from, sizeof *x->v, by_hash);
	for (size_t i = from; i < x->n; i++)
		if (n == from || by_hash(&x->v[n - 1], &x->v[i]))
			x->v[n++] = x->v[i];
	x->n = n;
}

int drivers_index_add(struct drivers_index *x, const struct inf *f, uint32_t p, size_t *ret_n,
		      struct err *e)
{
	cleanup_free char *text = malloc(INF_FIELD_MAX), *section = malloc(INF_FIELD_MAX);
	const struct inf_section *s = inf_section(f, "Manufacturer");
	struct collect c = { .x = x, .f = f, .package = p, .text = text, .section = section, .e = e };
	size_t before = x->n;

	if (!text || !section)
		return err_set(e, ERR_NOMEM, "out of memory for %s", inf_name(f));
	for (const struct inf_line *l = s ? s->first : NULL; l && step(&c); l = l->next)
		manufacturer(&c, l);
	if (c.rc) {
		x->n = before;
		return c.rc;
	}
	tidy(x, before);
	*ret_n = x->n - before;
	x->sorted = x->sorted && !*ret_n;
	return 0;
}

/* The first pair of that hash, or where it would be. */
static size_t lower_bound(const struct drivers_index *x, uint64_t h)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (x->v[middle].hash < h)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int by_number(const void *a, const void *b)
{
	uint32_t p = *(const uint32_t *)a, q = *(const uint32_t *)b;

	return p < q ? -1 : p > q;
}

struct found {
	uint32_t *v;
	size_t n, max;
};

static void find_ids(const struct drivers_index *x, const char *const *ids, size_t n, struct found *f)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t h = hash(ids[i]);

		for (size_t k = lower_bound(x, h); k < x->n && x->v[k].hash == h; k++) {
			size_t seen = 0;

			while (seen < f->n && f->v[seen] != x->v[k].package)
				seen++;
			if (seen == f->n && f->n < f->max)
				f->v[f->n++] = x->v[k].package;
		}
	}
}

int drivers_index_find(struct drivers_index *x, const struct inf_device *device, size_t max,
		       uint32_t **ret, size_t *ret_n, struct err *e)
{
	struct found f = { .max = max, .v = malloc(max * sizeof *f.v) };

	if (!f.v)
		return err_set(e, ERR_NOMEM, "out of memory for the packages of a device");
	if (!x->sorted)
		tidy(x, 0);
	x->sorted = 1;
	/* the most specific ids first: they are not what is left out beyond max */
	find_ids(x, device->hardware_ids, device->n_hardware_ids, &f);
	find_ids(x, device->compatible_ids, device->n_compatible_ids, &f);
	qsort(f.v, f.n, sizeof *f.v, by_number);
	*ret = f.v;
	*ret_n = f.n;
	return 0;
}
