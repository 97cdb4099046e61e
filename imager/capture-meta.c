/* capture-meta.c: see capture-meta.h. */
#include "imager/capture-meta.h"
#include <string.h>
#include <time.h>
#include "imager/disks-json.h"

/* What describes this minute and not the disk has no place in an image. */
static struct json_object *lasting(struct json_object *disk)
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
	return copy;
}

static struct json_object *left_out(const struct disk_map *m)
{
	struct json_object *a = json_object_new_array();
	char text[600];

	for (size_t i = 0; i < m->n_regions; i++) {
		const struct map_region *r = &m->regions[i];

		if (!r->note || r->whole_by_doubt || !strstr(r->note, "left out"))
			continue;
		snprintf(text, sizeof text, "%s: %s", r->what, r->note);
		json_object_array_add(a, json_text(text));
	}
	return a;
}

int capture_meta(struct json_object *disk, struct json_object *hardware,
		 const struct disk_map *m, enum image_level level,
		 struct json_object **ret, struct err *e)
{
	struct json_object *o = json_object_new_object();
	time_t t = time(NULL);
	char text[32];
	struct tm tm;

	if (!o)
		return err_set(e, ERR_NOMEM, "out of memory for the image's description");
	if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_put_str(o, "created", text);
	json_put_str(o, "tool", "rehost " REHOST_VERSION);
	json_put_str(o, "level", image_level_name(level));
	json_put(o, "disk", lasting(disk));
	json_put(o, "hardware", json_object_get(hardware));
	json_put(o, "map", map_regions_json(m));
	json_put(o, "left_out", left_out(m));
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
