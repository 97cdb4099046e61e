/* bases.c: META's list of bases (FORMAT.md 4.3), and opening them. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "imager/fmt/image-int.h"
#include "imager/fmt/refs.h"

/* A chain of more backups than a day for three years; each needs its table open. */
#define BASES_MAX 1000u

static int hex_bytes(const char *text, uint8_t *ret, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	if (!text || strlen(text) != 2 * n)
		return -1;
	for (size_t i = 0; i < 2 * n; i++) {
		const char *digit = memchr(digits, text[i], 16);

		if (!digit)
			return -1;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (digit - digits));
	}
	return 0;
}

static int one_base(struct json_object *o, struct image_base *ret)
{
	const char *key = json_get_str(o, "key", NULL), *name = json_get_str(o, "name", "");

	if (hex_bytes(json_get_str(o, "image_id", NULL), ret->image_id, sizeof ret->image_id) < 0 ||
	    hex_bytes(json_get_str(o, "digest", NULL), ret->digest, sizeof ret->digest) < 0 ||
	    strlen(name) >= sizeof ret->name || strchr(name, '/'))
		return -1;
	strcpy(ret->name, name);
	ret->has_key = key != NULL;
	return key ? hex_bytes(key, ret->key, sizeof ret->key) : 0;
}

/* Into im->listed. */
static int read_list(struct image *im, struct err *e)
{
	cleanup_json struct json_object *meta = NULL;
	struct json_object *a;
	size_t n;

	if (json_parse(im->meta, strlen(im->meta), &meta, e) < 0)
		return err_prefix(e, "%s: its description", im->file->name);
	a = json_get_array(meta, "bases");
	n = a ? json_object_array_length(a) : 0;
	if (!n || n > BASES_MAX)
		return err_set(e, ERR_CORRUPT, "%s: it needs base images, but lists %zu", im->file->name, n);
	im->listed = calloc(n, sizeof *im->listed);
	if (!im->listed)
		return err_set(e, ERR_NOMEM, "out of memory for the list of base images");
	for (; im->n_listed < n; im->n_listed++)
		if (one_base(json_object_array_get_idx(a, im->n_listed), &im->listed[im->n_listed]) < 0)
			return err_set(e, ERR_CORRUPT, "%s: base image %zu isn't named as it must be",
				       im->file->name, im->n_listed + 1);
	return 0;
}

static int open_one(struct image *im, const struct image_base *b, const struct image_access *a,
		    struct err *e)
{
	struct blkdev *file;
	struct image *base;
	int r = a->base(a->ctx, b, &file, e);

	if (r < 0)
		return err_prefix(e, "%s", im->file->name);
	r = image_open_base(file, b, a, &base, e);
	if (r < 0) {
		dev_close(file);
		err_prefix(e, "%s: its base", im->file->name);
		return r == ERR_CORRUPT ? err_set(e, ERR_REFUSED, "%s", strdupa(e->msg)) : r;
	}
	base->owns_file = 1;
	im->bases[im->n_bases++] = base;
	if (memcmp(base->params.image_id, b->image_id, sizeof b->image_id) ||
	    memcmp(base->end.digest, b->digest, sizeof b->digest))
		return err_set(e, ERR_REFUSED, "%s: its base %s isn't the one that it was made with: its digest is another one",
			       im->file->name, file->name);
	return 0;
}

int bases_open(struct image *im, const struct image_access *a, struct err *e)
{
	int r;

	if (!(im->params.must & FEATURE_BASE))
		return 0;
	r = read_list(im, e);
	if (r < 0 || !a || !a->base || im->is_base)
		return r;
	im->bases = calloc(im->n_listed, sizeof *im->bases);
	if (!im->bases)
		return err_set(e, ERR_NOMEM, "out of memory for base images");
	for (size_t i = 0; i < im->n_listed && r == 0; i++)
		r = open_one(im, &im->listed[i], a, e);
	return r;
}

int bases_open_some(struct image *im, const struct image_access *a,
		    void (*tell)(void *ctx, const char *text), void *ctx, struct err *e)
{
	struct err why;

	if (!(im->params.must & FEATURE_BASE) || !im->meta || !a || !a->base)
		return 0;
	if (read_list(im, &why) < 0) {
		tell(ctx, why.msg);
		return 0;
	}
	im->bases = calloc(im->n_listed, sizeof *im->bases);
	if (!im->bases)
		return err_set(e, ERR_NOMEM, "out of memory for base images");
	for (size_t i = 0; i < im->n_listed; i++) {
		size_t before = im->n_bases;

		if (open_one(im, &im->listed[i], a, &why) == 0)
			continue;
		if (im->n_bases > before)
			image_close(im->bases[--im->n_bases]);
		tell(ctx, why.msg);
	}
	return 0;
}

void bases_close(struct image *im)
{
	for (size_t i = 0; i < im->n_bases; i++)
		image_close(im->bases[i]);
	free(im->bases);
	if (im->listed)
		explicit_bzero(im->listed, im->n_listed * sizeof *im->listed);
	free(im->listed);
}

const struct image_base *image_bases(const struct image *im, size_t *ret_n)
{
	*ret_n = im->n_listed;
	return im->listed;
}
