/* volumes.c: see volumes.h. */
#include "imager/volumes.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- writing ---- */

static int out_begin(void *ctx, uint64_t len, struct err *e)
{
	struct volume_out *v = ctx;
	uint8_t head[VOLUME_LEN];
	int r;

	if (!v->size || v->in_volume + len <= v->size)
		return 0;
	if (len + VOLUME_LEN > v->size)
		return err_set(e, ERR_USAGE, "%s: a volume of %llu bytes is too small for a record of %llu",
			       v->out->name, (unsigned long long)v->size, (unsigned long long)len);
	r = store_next(v->out, e);
	if (r == 0)
		r = volume_put(v->params, v->volume + 1, v->logical, head, e);
	if (r == 0)
		r = store_append(v->out, head, sizeof head, e);
	if (r < 0)
		return r;
	v->volume++;
	v->in_volume = sizeof head;
	return 0;
}

static int out_append(void *ctx, const void *buf, size_t len, struct err *e)
{
	struct volume_out *v = ctx;
	int r = store_append(v->out, buf, len, e);

	if (r < 0)
		return r;
	v->logical += len;
	v->in_volume += len;
	return 0;
}

struct image_sink volume_sink(struct volume_out *v)
{
	return (struct image_sink){ .append = out_append, .begin = out_begin, .ctx = v };
}

/* ---- reading ---- */

struct volume {
	struct blkdev *file;
	uint64_t start;           /* logical, of its first byte behind skip       */
	uint32_t skip;            /* bytes of its VOLUME record                   */
};

struct dev_volumes {
	struct blkdev d;
	struct volume *v;
	unsigned int n;
};

static const struct volume *find(const struct dev_volumes *s, uint64_t off)
{
	unsigned int lo = 0, hi = s->n;

	while (hi - lo > 1) {
		unsigned int mid = (lo + hi) / 2;

		if (s->v[mid].start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return &s->v[lo];
}

static int volumes_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct dev_volumes *s = (struct dev_volumes *)d;
	uint8_t *to = buf;

	while (len) {
		const struct volume *v = find(s, off);
		uint64_t left = v->file->size - v->skip - (off - v->start);
		size_t n = len < left ? len : (size_t)left;
		int r = dev_read(v->file, off - v->start + v->skip, to, n, e);

		if (r < 0)
			return r;
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}

static void volumes_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	const struct volume *v = find((struct dev_volumes *)d, off);
	uint64_t at = off - v->start + v->skip, left = v->file->size - at;

	dev_will_need(v->file, at, len < left ? len : left);
}

static void volumes_close(struct blkdev *d)
{
	struct dev_volumes *s = (struct dev_volumes *)d;

	for (unsigned int i = 0; i < s->n; i++)
		dev_close(s->v[i].file);
	free(s->v);
}

static const struct blkdev_ops volumes_ops = {
	.read = volumes_read, .will_need = volumes_will_need, .close = volumes_close,
};

static int is_part(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && !strcmp(path + n - 5, ".part");
}

static int volume_path(const char *path, unsigned int number, char *ret, size_t size,
		       struct err *e)
{
	const char *part = is_part(path) ? ".part" : "";

	if (snprintf(ret, size, "%.*s" STORE_VOLUME_FMT "%s", (int)(strlen(path) - strlen(part)), path,
		     number, part) >= (int)size)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	return 0;
}

/* Takes file in any case. */
static int add(struct dev_volumes *s, struct blkdev *file, uint32_t skip, struct err *e)
{
	struct volume *v = realloc(s->v, (s->n + 1) * sizeof *v);

	if (!v) {
		dev_close(file);
		return err_set(e, ERR_NOMEM, "out of memory for the image's volumes");
	}
	s->v = v;
	v[s->n++] = (struct volume){ file, s->d.size, skip };
	s->d.size += file->size - skip;
	return 0;
}

/* 1: it was added; 0: there is none of that number, or what an interrupted capture left
 * ends before it. */
static int add_next(struct dev_volumes *s, const char *path, const struct image_params *p,
		    struct err *e)
{
	uint8_t head[VOLUME_LEN];
	char name[PATH_MAX];
	struct blkdev *file;
	uint64_t logical;
	const char *wrong = "is too short";
	int r = volume_path(path, s->n, name, sizeof name, e);

	if (r < 0 || (access(name, F_OK) < 0 && errno == ENOENT))
		return r;
	r = dev_open_ro(name, &file, e);
	if (r < 0)
		return r;
	if (file->size >= sizeof head) {
		r = dev_read(file, 0, head, sizeof head, e);
		wrong = r ? NULL : volume_get(head, p, s->n, &logical);
	}
	if (!r && !wrong && logical != s->d.size)
		wrong = "doesn't follow the volume before it, which was cut off or is too long";
	if (wrong && is_part(path)) { /* begun when the capture was interrupted */
		dev_close(file);
		return 0;
	}
	if (wrong)
		r = err_set(e, ERR_CORRUPT, "%s %s", name, wrong);
	if (r < 0) {
		dev_close(file);
		return r;
	}
	r = add(s, file, VOLUME_LEN, e);
	return r < 0 ? r : 1;
}

int volumes_open(const char *path, struct blkdev *first, const struct image_params *p,
		 struct blkdev **ret, struct err *e)
{
	struct dev_volumes *s = dev_new(sizeof *s, &volumes_ops, 0, e, "%s", path);
	int r;

	if (!s)
		return ERR_NOMEM;
	s->d.sector_size = s->d.phys_size = first->sector_size;
	r = add(s, first, 0, e);
	while (r >= 0 && (r = add_next(s, path, p, e)) > 0)
		;
	if (r < 0) {
		if (s->n) /* first stays the caller's */
			s->v[0].file = NULL;
		dev_close(&s->d);
		return r;
	}
	*ret = &s->d;
	return 0;
}

/* One of the volumes may be missing; behind so many in a row nothing is looked for. */
#define MISSING_MAX 100u

int volumes_open_torn(const char *path, struct blkdev **ret, unsigned int *ret_missing,
		      struct err *e)
{
	struct dev_volumes *s = dev_new(sizeof *s, &volumes_ops, 0, e, "%s", path);
	unsigned int missing = 0, last = 0;
	char name[PATH_MAX];
	struct blkdev *file;
	int r = 0;

	if (!s)
		return ERR_NOMEM;
	for (unsigned int k = 0; r == 0 && k - last <= MISSING_MAX; k++) {
		if (k)
			r = volume_path(path, k, name, sizeof name, e);
		else
			snprintf(name, sizeof name, "%s", path);
		if (r < 0 || (access(name, F_OK) < 0 && errno == ENOENT))
			continue;
		r = dev_open_ro(name, &file, e);
		if (r == 0)
			r = add(s, file, 0, e);
		missing = k + 1 - s->n;
		last = k;
	}
	if (r == 0 && !s->n)
		r = err_set(e, ERR_NOT_FOUND, "%s isn't there", path);
	if (r < 0) {
		dev_close(&s->d);
		return r;
	}
	s->d.sector_size = s->d.phys_size = 512;
	*ret_missing = missing;
	*ret = &s->d;
	return 0;
}

void volumes_place(const struct blkdev *d, uint64_t logical, unsigned int *ret_volume,
		   uint64_t *ret_off)
{
	const struct dev_volumes *s = (const struct dev_volumes *)d;

	*ret_volume = 0;
	*ret_off = logical;
	if (d->ops != &volumes_ops)
		return;
	for (unsigned int i = 1; i < s->n && s->v[i].start < logical; i++) {
		*ret_volume = i;
		*ret_off = logical - s->v[i].start + s->v[i].skip;
	}
}
