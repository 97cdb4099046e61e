/* deep.c: see deep.h. */
#include "imager/deep.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/imgdev.h"
#include "imager/map.h"

struct deep {
	const struct disk_map *m; /* as the readers see the image                */
	struct json_object *findings, *not_checked;
	struct gap {              /* one for each of m's regions                 */
		uint64_t first, bytes; /* used, but not in the image             */
		int known;        /* 1: why is told already                      */
	} *gap;
	/* the walk along both maps */
	struct extents_cursor c;
	uint64_t at, end;         /* of the readers' range; equal: none is left  */
	size_t region;
	uint64_t in_image, missing;
	int has_bad;              /* 1: the source had unreadable places         */
	int alone;                /* 1: without the machine's other disks        */
};

static void find(struct deep *d, const struct map_region *r, uint64_t off, uint64_t bytes,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* r: NULL: of no region. */
static void find(struct deep *d, const struct map_region *r, uint64_t off, uint64_t bytes,
		 const char *fmt, ...)
{
	struct json_object *o = json_object_new_object();
	char text[1500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (r) {
		json_put_str(o, "what", r->what);
		json_put_str_if(o, "fs", r->fs.type);
	}
	if (bytes) {
		json_put_u64(o, "offset", off);
		json_put_u64(o, "bytes", bytes);
	}
	json_put_str(o, "text", text);
	json_object_array_add(d->findings, o);
}

/* ---- the regions, as they were and as they are ---- */

static int was_raw(struct json_object *old)
{
	const char *reader = json_get_str(old, "reader", "raw");

	return !strcmp(reader, "raw") || !strcmp(reader, "none");
}

/* What was taken whole, here and inside of it: whatever is in there is used, but nobody
 * looked whether it fits together. */
static void tell_whole(struct deep *d, const struct map_region *r)
{
	char text[1500];

	for (size_t i = 0; i < r->n_inside; i++)
		tell_whole(d, &r->inside[i]);
	if (strcmp(r->reader, "raw"))
		return;
	snprintf(text, sizeof text, "%s%s%s%s: no structure in it is looked at. %s", r->what,
		 *r->fs.type ? " (" : "", r->fs.type, *r->fs.type ? ")" : "", r->note ? r->note : "Taken whole.");
	json_object_array_add(d->not_checked, json_text(text));
}

static int compare(struct deep *d, const struct map_region *r, struct json_object *old);

/* Unreadable places are zeros in the image, where something was that is no more seen;
 * they are told by themselves. */
static int compare_bytes(struct deep *d, const struct map_region *r, struct json_object *old)
{
	uint64_t used = json_get_u64(old, "used", 0);

	if (r->used >= used || d->has_bad)
		return 0;
	find(d, r, 0, 0, "%s%s%s uses %" PRIu64 " bytes; when it was captured these were %" PRIu64, r->what,
	     *r->fs.type ? ", " : "", r->fs.type, r->used, used);
	return 1;
}

static int compare_inside(struct deep *d, const struct map_region *r, struct json_object *old)
{
	struct json_object *a = json_get_array(old, "volumes");
	size_t n = a ? json_object_array_length(a) : 0;
	int known = 0;

	if (n != r->n_inside) {
		find(d, r, 0, 0, "%s holds %zu volumes; when it was captured there were %zu", r->what, r->n_inside, n);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		known |= compare(d, &r->inside[i], json_object_array_get_idx(a, i));
	return known;
}

/* 1: what is said of r explains whatever is missing of it. */
static int compare(struct deep *d, const struct map_region *r, struct json_object *old)
{
	char text[700];

	if (r->left_out)
		return 0;
	if (d->alone && json_get_bool(old, "spans", 0)) {
		snprintf(text, sizeof text, "%s: its volumes lie on other disks, too: verify the machine's directory", r->what);
		json_object_array_add(d->not_checked, json_text(text));
		return 1;
	}
	if (!r->part && r->note && strcmp(r->note, json_get_str(old, "note", "")) && strcmp(r->reader, "raw")) {
		find(d, r, 0, 0, "%s: %s This wasn't so when it was captured", r->what, r->note);
		return 1;
	}
	if (was_raw(old)) {
		tell_whole(d, r);
		return 0;
	}
	if (strcmp(r->reader, "raw"))
		return compare_inside(d, r, old) || compare_bytes(d, r, old);
	/* only a locked volume is taken whole without a doubt, and was not then */
	if (!r->whole_by_doubt && json_get_array(old, "volumes")) {
		snprintf(text, sizeof text, "%s (%s): encrypted; it was unlocked when it was captured, and can be looked into with --unlock",
			 r->what, r->fs.type);
		json_object_array_add(d->not_checked, json_text(text));
		return 1;
	}
	find(d, r, 0, 0, "%s was read as %s when it was captured, and can't be now: %s", r->what,
	     json_get_str(old, "fs", json_get_str(old, "reader", "?")),
	     r->note ? r->note : "nothing is recognised");
	return 1;
}

static struct json_object *region_at(struct json_object *map, uint64_t start)
{
	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		struct json_object *o = json_object_array_get_idx(map, i);

		if (json_get_u64(o, "start", UINT64_MAX) == start)
			return o;
	}
	return NULL;
}

static void compare_all(struct deep *d, struct json_object *meta)
{
	struct json_object *map = json_get_array(meta, "map"), *old;

	if (!map) {
		json_object_array_add(d->not_checked, json_text("what was found when it was captured: the image doesn't tell"));
		for (size_t i = 0; i < d->m->n_regions; i++)
			tell_whole(d, &d->m->regions[i]);
		return;
	}
	for (size_t i = 0; i < d->m->n_regions; i++) {
		const struct map_region *r = &d->m->regions[i];

		old = region_at(map, r->start);
		if (old && json_get_u64(old, "size", 0) == r->size)
			d->gap[i].known = compare(d, r, old);
		else
			find(d, r, 0, 0, "%s at offset %" PRIu64 " wasn't there when it was captured", r->what, r->start);
	}
}

/* ---- the used maps ---- */

static void next_range(struct deep *d)
{
	uint64_t len = 0;

	d->at = d->end = 0;
	if (extents_next(&d->c, &d->at, &len))
		d->end = d->at + len;
}

/* [at, end) is used, but not in the image. */
static void add_missing(struct deep *d, uint64_t at, uint64_t end)
{
	const struct map_region *r;

	d->missing += end - at;
	while (at < end && d->region < d->m->n_regions) {
		uint64_t stop;

		r = &d->m->regions[d->region];
		stop = r->start + r->size < end ? r->start + r->size : end;
		if (at < stop) {
			struct gap *g = &d->gap[d->region];

			if (!g->bytes)
				g->first = at;
			g->bytes += stop - at;
			at = stop;
		}
		if (at < end)
			d->region++;
	}
}

/* The next range of the image. */
static int on_image(void *ctx, uint64_t off, uint64_t len)
{
	struct deep *d = ctx;
	uint64_t end = off + len;

	d->in_image += len;
	while (d->at < d->end && d->at < end) {
		uint64_t stop = d->end < off ? d->end : off;

		if (d->at < off)
			add_missing(d, d->at, stop);
		d->at = d->end < end ? d->end : end;
		if (d->at == d->end)
			next_range(d);
	}
	return 0;
}

static int compare_used(struct deep *d, struct image *im, struct err *e)
{
	int r;

	extents_begin(d->m->used, &d->c);
	next_range(d);
	r = image_extents(im, on_image, d, e);
	for (; r == 0 && d->at < d->end; next_range(d))
		add_missing(d, d->at, d->end);
	for (size_t i = 0; r == 0 && i < d->m->n_regions; i++) {
		const struct map_region *g = &d->m->regions[i];

		if (d->gap[i].bytes && !d->gap[i].known)
			find(d, g, d->gap[i].first, d->gap[i].bytes,
			     "%s%s%s: %" PRIu64 " bytes are used but not in the image, the first at offset %" PRIu64 " of the disk",
			     g->what, *g->fs.type ? ", " : "", g->fs.type, d->gap[i].bytes, d->gap[i].first);
	}
	return r;
}

/* ---- all of it ---- */

/* "1,3" of META's [1,3]; malloc'd.  NULL: all partitions are in the image. */
static int chosen(struct json_object *meta, const struct image *im, char **ret, struct err *e)
{
	struct json_object *a = json_get_array(meta, "only");
	size_t n = a ? json_object_array_length(a) : 0, size = 24 * n + 1, at = 0;

	*ret = NULL;
	if (!(image_params(im)->must & FEATURE_PARTIAL))
		return 0;
	if (!n)
		return err_set(e, ERR_UNSUPPORTED, "it isn't known which partitions the image has, so nothing can be compared");
	*ret = malloc(size);
	if (!*ret)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(*ret + at, size - at, "%s%" PRId64, i ? "," : "",
				       json_object_get_int64(json_object_array_get_idx(a, i)));
	return 0;
}

static void forget(struct deep *d)
{
	map_free((struct disk_map *)d->m);
	free(d->gap);
	json_object_put(d->findings);
	json_object_put(d->not_checked);
}

static int walk(struct deep *d, struct image *im, struct blkdev *dev, const struct map_options *mo,
		struct json_object *meta, struct err *e)
{
	struct disk_map *m;
	size_t n_bad;
	int r = map_build(dev, mo, &m, e);

	if (r == ERR_USAGE) /* the chosen partitions aren't in the table */
		return err_set(e, ERR_CORRUPT, "what the image says of its partitions doesn't fit its table: %s", strdupa(e->msg));
	if (r < 0)
		return r;
	image_bad(im, &n_bad);
	*d = (struct deep){ .m = m, .findings = json_object_new_array(),
			    .not_checked = json_object_new_array(), .has_bad = n_bad > 0,
			    .alone = !mo->n_others };
	d->gap = calloc(m->n_regions + 1, sizeof *d->gap);
	if (!d->gap)
		return err_set(e, ERR_NOMEM, "out of memory");
	compare_all(d, meta);
	return compare_used(d, im, e);
}

static uint64_t extra(const struct deep *d)
{
	uint64_t common = extents_bytes(d->m->used) - d->missing;

	return d->in_image > common ? d->in_image - common : 0;
}

static struct json_object *document(const struct deep *d)
{
	struct json_object *o = json_object_new_object();

	json_put_u64(o, "regions", d->m->n_regions);
	json_put_u64(o, "extra", extra(d));
	json_put_bool(o, "partly", json_object_array_length(d->not_checked) > 0);
	json_put(o, "findings", json_object_get(d->findings));
	json_put(o, "not_checked", json_object_get(d->not_checked));
	return o;
}

int deep_spans(const struct image *im)
{
	cleanup_json struct json_object *meta = NULL;
	struct json_object *map;
	int spans = 0;

	if (json_parse(image_meta(im), strlen(image_meta(im)), &meta, NULL) < 0)
		return 0;
	map = json_get_array(meta, "map");
	for (size_t i = 0; map && i < json_object_array_length(map); i++)
		spans |= json_get_bool(json_object_array_get_idx(map, i), "spans", 0);
	return spans;
}

int deep_check(struct image *im, const char *name, const struct cont_keys *keys,
	       struct blkdev *const *others, size_t n_others,
	       struct deep_result *ret, struct err *e)
{
	cleanup_json struct json_object *meta = NULL;
	struct deep d = { 0 };
	struct map_options mo = { .keys = keys, .others = others, .n_others = n_others };
	struct blkdev *dev = NULL;
	char *only = NULL;
	int r = json_parse(image_meta(im), strlen(image_meta(im)), &meta, e);

	if (r == 0)
		r = chosen(meta, im, &only, e);
	mo.only = only;
	mo.keep_page_files = json_get_bool(meta, "page_files", 0);
	if (r == 0)
		r = dev_image(im, name, &dev, e);
	if (r == 0)
		r = walk(&d, im, dev, &mo, meta, e);
	if (r == 0)
		r = dev_image_unread(dev, e);
	for (size_t i = 0; r == 0 && i < n_others; i++)
		r = dev_image_unread(others[i], e);
	if (r == 0)
		*ret = (struct deep_result){ .ok = !json_object_array_length(d.findings), .doc = document(&d) };
	forget(&d);
	dev_close(dev);
	free(only);
	return r;
}
