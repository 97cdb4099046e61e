/* capture-meta.c: see capture-meta.h. */
#include "imager/capture-meta.h"
#include <string.h>
#include <time.h>
#include "imager/disks-json.h"

static int is_left_out(const struct disk_map *m, uint64_t number)
{
	for (size_t i = 0; i < m->n_regions; i++)
		if (m->regions[i].left_out && m->regions[i].part->number == number)
			return 1;
	return 0;
}

/* Without the systems whose partition isn't in the image. */
static void drop_systems(struct json_object *disk, const struct disk_map *m)
{
	struct json_object *a = json_get_array(disk, "systems");

	for (size_t i = a ? json_object_array_length(a) : 0; i--;)
		if (is_left_out(m, json_get_u64(json_object_array_get_idx(a, i), "partition", 0)))
			json_object_array_del_idx(a, i, 1);
}

/* What describes this minute and not the disk has no place in an image. */
static struct json_object *lasting(struct json_object *disk, const struct disk_map *m)
{
	static const char *const passing[] = { "in_use", "boot_medium", "error", NULL };
	struct json_object *copy = NULL, *parts, *p;

	if (json_object_deep_copy(disk, &copy, NULL) < 0)
		return NULL;
	for (const char *const *k = passing; *k; k++)
		json_object_object_del(copy, *k);
	parts = json_get_array(copy, "partitions");
	for (size_t i = 0; parts && i < json_object_array_length(parts); i++) {
		p = json_object_array_get_idx(parts, i);
		json_object_object_del(p, "mounted");
	}
	if ((p = json_get_object(copy, "filesystem")))
		json_object_object_del(p, "mounted");
	drop_systems(copy, m);
	return copy;
}

static void add_left_out(void *ctx, const struct map_region *r, unsigned int depth)
{
	char text[600];

	(void)depth;
	if (!r->note || r->whole_by_doubt || (!r->left_out && !strstr(r->note, "left out")))
		return;
	snprintf(text, sizeof text, "%s: %s", r->what,
		 r->left_out ? "not among the chosen partitions" : r->note);
	json_object_array_add(ctx, json_text(text));
}

static struct json_object *left_out(const struct disk_map *m)
{
	struct json_object *a = json_object_new_array();

	map_each(m, add_left_out, a);
	return a;
}

/* The numbers of the chosen partitions; NULL: all are in it. */
static struct json_object *only(const struct disk_map *m)
{
	struct json_object *a = json_object_new_array();
	int partial = 0;

	for (size_t i = 0; i < m->n_regions; i++) {
		const struct map_region *r = &m->regions[i];

		partial |= r->left_out;
		if (r->part && !r->left_out)
			json_object_array_add(a, json_object_new_int64(r->part->number));
	}
	if (partial)
		return a;
	json_object_put(a);
	return NULL;
}

/* --unlock opened it. */
static void add_unlocked(void *ctx, const struct map_region *r, unsigned int depth)
{
	(void)depth;
	if (!strcmp(r->reader, "luks") || !strcmp(r->reader, "bitlocker"))
		json_object_array_add(ctx, json_text(r->what));
}

static struct json_object *unlocked(const struct disk_map *m)
{
	struct json_object *a = json_object_new_array();

	map_each(m, add_unlocked, a);
	return a;
}

int capture_meta(struct json_object *disk, struct json_object *hardware,
		 const struct disk_map *m, enum image_level level, int page_files,
		 struct json_object **ret, struct err *e)
{
	struct json_object *o = json_object_new_object(), *chosen = only(m);
	time_t t = time(NULL);
	char text[32];
	struct tm tm;

	if (!o)
		return err_set(e, ERR_NOMEM, "out of memory for the image's description");
	if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_put_str(o, "created", text);
	json_put_str(o, "tool", "rehost " REHOST_VERSION);
	json_put_str(o, "level", image_level_name(level));
	json_put(o, "disk", lasting(disk, m));
	json_put(o, "hardware", json_object_get(hardware));
	json_put(o, "map", map_regions_json(m));
	json_put(o, "left_out", left_out(m));
	json_put_bool(o, "page_files", page_files);
	json_put(o, "unlocked", unlocked(m));
	if (chosen)
		json_put(o, "only", chosen);
	*ret = o;
	return 0;
}

static int same_text(struct json_object *a, struct json_object *b, const char *key)
{
	return !strcmp(json_get_str(a, key, ""), json_get_str(b, key, ""));
}

int capture_meta_same(const char *meta, struct json_object *entry, const char *image,
		      struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	struct json_object *disk;

	if (json_parse(meta, strlen(meta), &o, e) < 0)
		return err_prefix(e, "%s", image);
	disk = json_get_object(o, "disk");
	if (same_text(disk, entry, "serial") && same_text(disk, entry, "wwn") &&
	    same_text(disk, entry, "model") &&
	    json_get_u64(disk, "size", 0) == json_get_u64(entry, "size", 1))
		return 0;
	return err_set(e, ERR_REFUSED, "%s is of another disk (%s %s, %llu bytes); name another image, or leave out --resume",
		       image, json_get_str(disk, "model", "no model"),
		       json_get_str(disk, "serial", "without a serial number"),
		       (unsigned long long)json_get_u64(disk, "size", 0));
}

/* "1,3" of the list under key; "" if there is none. */
static void join(struct json_object *o, const char *key, char *ret, size_t size)
{
	struct json_object *a = json_get_array(o, key);
	size_t n = 0;

	*ret = 0;
	for (size_t i = 0; a && i < json_object_array_length(a) && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? "," : "",
				      json_object_get_string(json_object_array_get_idx(a, i)));
}

/* list: what the option was given or did. */
static int begun_with(const char *image, const char *option, const char *list, struct err *e)
{
	return err_set(e, ERR_REFUSED, "%s was begun with %s%s; go on with it the same way",
		       image, option, list);
}

static int begun_without(const char *image, const char *option, struct err *e)
{
	return err_set(e, ERR_REFUSED, "%s was begun without %s; go on with it the same way",
		       image, option);
}

int capture_meta_options(const char *meta, struct json_object *now, const char *image,
			 struct err *e)
{
	static const struct { const char *key, *option, *did; } lists[] = {
		{ "only", "--only", " " }, { "unlocked", "--unlock", ", which opened " },
	};
	cleanup_json struct json_object *o = NULL;
	char was[600], is[600], text[700];

	if (json_parse(meta, strlen(meta), &o, e) < 0)
		return err_prefix(e, "%s", image);
	if (json_get_bool(o, "page_files", 0) != json_get_bool(now, "page_files", 0))
		return json_get_bool(o, "page_files", 0) ? begun_with(image, "--page-files", "", e) :
			begun_without(image, "--page-files", e);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		join(o, lists[i].key, was, sizeof was);
		join(now, lists[i].key, is, sizeof is);
		if (!strcmp(was, is))
			continue;
		snprintf(text, sizeof text, "%s%s", lists[i].did, was);
		return *was ? begun_with(image, lists[i].option, text, e) :
			begun_without(image, lists[i].option, e);
	}
	return 0;
}
