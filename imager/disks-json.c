/* disks-json.c: see disks-json.h. */
#include "imager/disks-json.h"
#include <string.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/run.h"
#include "imager/restore-mark.h"
#include "imager/smart.h"

#define SYSTEMS_TIMEOUT_S 60   /* a big Windows disk on a slow bus takes 10 */
#define SYSTEMS_OUT_MAX (4u << 20)

struct json_object *disk_json_identity(const struct kernel_view *k, const struct disk *d)
{
	struct json_object *o = json_object_new_object();
	char why[1024];

	json_put_str(o, "path", d->path);
	json_put_str(o, "kind", d->kind);
	json_put_u64(o, "size", d->size);
	json_put_u64(o, "sector_size", d->sector_size);
	json_put_u64(o, "physical_sector_size", d->phys_size);
	json_put_str_if(o, "vendor", d->vendor);
	json_put_str_if(o, "model", d->model);
	json_put_str_if(o, "serial", d->serial);
	json_put_str_if(o, "wwn", d->wwn);
	json_put_str_if(o, "transport", d->transport);
	if (strcmp(d->kind, "file")) {
		json_put_bool(o, "removable", d->removable);
		json_put_bool(o, "read_only", d->read_only);
		json_put_bool(o, "rotational", d->rotational);
	}
	blkuse_why(k, d, why, sizeof why);
	json_put_str(o, "in_use", *why ? why : NULL);
	json_put_bool(o, "boot_medium", blkuse_is_boot_medium(k, d));
	return o;
}

/* The sysfs directory of the disk's partition `number`; 0, or -1 if the kernel
 * has no device for it. */
static int part_dir(const struct disk *d, unsigned int number, char *dir, size_t size)
{
	cleanup_names char **names = *d->sysdir ? sysfs_names("%s", d->sysdir) : NULL;

	for (char **p = names; p && *p; p++) {
		if (sysfs_u64(0, "%s/%s/partition", d->sysdir, *p) != number)
			continue;
		snprintf(dir, size, "%s/%.200s", d->sysdir, *p);
		return 0;
	}
	return -1;
}

static void put_mounted(const struct kernel_view *k, struct blkdev_id id,
			struct json_object *o)
{
	char where[16][256];
	size_t n = blkuse_mounts(k, id, where, 16);
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_text(where[i]));
	json_put(o, "mounted", list);
}

static void put_fs(const struct map_region *r, int used, struct json_object *o)
{
	struct json_object *list;

	json_put_str(o, "fs", *r->fs.type ? r->fs.type : NULL);
	json_put_str_if(o, "label", r->fs.label);
	json_put_str_if(o, "uuid", r->fs.uuid);
	json_put_str_if(o, "reader", r->reader);
	if (used)
		json_put_u64(o, "used", r->used);
	json_put_str(o, "note", r->note);
	json_put_str_if(o, "holds", r->holds);
	if (!r->n_inside)
		return;
	list = json_object_new_array();
	for (size_t i = 0; i < r->n_inside; i++) {
		struct json_object *v = json_object_new_object();

		json_put_str(v, "what", r->inside[i].what);
		json_put_u64(v, "size", r->inside[i].size);
		put_fs(&r->inside[i], used, v);
		json_object_array_add(list, v);
	}
	json_put(o, "volumes", list);
}

static struct json_object *part_flags(const struct partition *p)
{
	static const struct { unsigned int bit; const char *word; } table[] = {
		{ PART_ACTIVE, "boot" }, { PART_LOGICAL, "logical" },
		{ PART_EXTENDED, "extended" }, { PART_ESP, "esp" },
		{ PART_BIOS_BOOT, "bios_boot" },
	};
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (p->flags & table[i].bit)
			json_object_array_add(a, json_text(table[i].word));
	return a;
}

static struct json_object *part_json(const struct kernel_view *k, const struct disk *d,
				     const struct disk_map *m, const struct partition *p,
				     int used)
{
	struct json_object *o = json_object_new_object();
	struct blkdev_id id;
	char dir[PATH_MAX + 256], text[PATH_MAX];

	json_put_u64(o, "number", p->number);
	if (part_dir(d, p->number, dir, sizeof dir) == 0) {
		snprintf(text, sizeof text, "%s/%s", k->dev, strrchr(dir, '/') + 1);
		json_put_str(o, "path", text);
		if (sysfs_text(text, sizeof text, "%s/dev", dir) > 0 &&
		    sscanf(text, "%u:%u", &id.major, &id.minor) == 2)
			put_mounted(k, id, o);
	}
	json_put_u64(o, "start", p->start);
	json_put_u64(o, "size", p->size);
	json_put_str(o, "type", p->type);
	json_put_str_if(o, "name", p->name);
	json_put_str_if(o, "partuuid", p->uuid);
	json_put(o, "flags", part_flags(p));
	for (size_t i = 0; i < m->n_regions; i++)
		if (m->regions[i].part && m->regions[i].part->number == p->number &&
		    !(p->flags & PART_EXTENDED)) {
			put_fs(&m->regions[i], used, o);
			break;
		}
	return o;
}

void disk_json_map(const struct kernel_view *k, const struct disk *d,
		   const struct disk_map *m, int used, struct json_object *o)
{
	struct json_object *a, *fs;

	if (!k)
		k = &kernel_view_real;
	json_put_str(o, "table", m->table ? m->table->kind : NULL);
	json_put_str_if(o, "table_id", m->table ? m->table->id : NULL);
	json_put_str_if(o, "table_note", m->table ? m->table->note : NULL);
	a = json_object_new_array();
	for (size_t i = 0; m->table && i < m->table->n_parts; i++)
		json_object_array_add(a, part_json(k, d, m, &m->table->parts[i], used));
	json_put(o, "partitions", a);
	if (!m->table && m->n_regions == 1 && *m->regions[0].fs.type) {
		fs = json_object_new_object();
		put_fs(&m->regions[0], used, fs);
		if (strcmp(d->kind, "file"))
			put_mounted(k, blkuse_id(d), fs);
		json_put(o, "filesystem", fs);
	} else {
		json_put(o, "filesystem", NULL);
	}
}

void disk_json_systems(const struct disk *d, const volatile sig_atomic_t *cancel,
		       struct json_object *o)
{
	char prog[PATH_MAX];
	const char *argv[] = { run_find("rehost-adapt", prog, sizeof prog),
			       "--detect", "--json", d->path, NULL };
	struct run_spec spec = { .argv = argv, .timeout_s = SYSTEMS_TIMEOUT_S,
				 .out_max = SYSTEMS_OUT_MAX, .cancel = cancel };
	struct run_result r;
	struct json_object *doc = NULL, *list = NULL;
	struct err e = { 0 };

	if (run_program(&spec, &r, &e) < 0) {
		json_put_str(o, "systems_note", e.msg);
		return;
	}
	if (r.timed_out)
		err_set(&e, ERR_IO, "looking for operating systems took more than %d s",
			SYSTEMS_TIMEOUT_S);
	else if (!r.out_len)
		err_set(&e, ERR_IO, "looking for operating systems failed: %s", r.err);
	else if (json_parse(r.out, r.out_len, &doc, &e) == 0)
		list = json_get_array(doc, "systems");
	if (list)
		json_put(o, "systems", json_object_get(list));
	else
		json_put_str(o, "systems_note", e.msg);
	json_object_put(doc);
	run_result_done(&r);
}

static void put_interrupted(struct blkdev *dev, struct json_object *o)
{
	struct json_object *m;
	struct restore_mark mark;
	char text[400];

	if (!mark_read(dev, &mark))
		return;
	m = json_object_new_object();
	json_put_str_if(m, "image", mark.name);
	hex_encode(mark.image_id, sizeof mark.image_id, text);
	json_put_str(m, "image_id", text);
	hex_encode(mark.digest, sizeof mark.digest, text);
	json_put_str(m, "digest", mark.has_digest ? text : NULL);
	json_put_u64(m, "bytes_done", mark.done);
	json_put_u64(m, "bytes_total", mark.total);
	mark_text(&mark, text, sizeof text);
	json_put_str(m, "text", text);
	json_put(o, "interrupted", m);
}

int disk_json(const struct kernel_view *k, const struct disk *d,
	      const struct disk_json_options *opt, struct json_object **ret,
	      struct err *e)
{
	struct map_options mo = { .probe_only = !opt->used };
	struct blkdev *dev = NULL;
	struct disk_map *m = NULL;
	struct json_object *o, *smart;
	struct err why;

	if (!k)
		k = &kernel_view_real;
	o = disk_json_identity(k, d);
	if (!o)
		return err_set(e, ERR_NOMEM, "out of memory for the list of disks");
	smart = smart_read(d, opt->cancel); /* a dying disk is asked before it is read */
	if (smart)
		json_put(o, "smart", smart);
	if (dev_open_ro(d->path, &dev, &why) < 0 || map_build(dev, &mo, &m, &why) < 0)
		json_put_str(o, "error", why.msg);
	else
		disk_json_map(k, d, m, opt->used, o);
	if (dev)
		put_interrupted(dev, o);
	map_free(m);
	dev_close(dev);
	if (opt->systems && !json_get_str(o, "error", NULL))
		disk_json_systems(d, opt->cancel, o);
	*ret = o;
	return 0;
}

static struct json_object *regions_json(const struct map_region *v, size_t n, int of_disk);

static struct json_object *region_json(const struct map_region *r, int of_disk)
{
	struct json_object *o = json_object_new_object();

	if (of_disk)
		json_put_u64(o, "start", r->start);
	json_put_u64(o, "size", r->size);
	json_put_str(o, "what", r->what);
	json_put_str(o, "reader", r->reader);
	json_put_str(o, "fs", *r->fs.type ? r->fs.type : NULL);
	json_put_str_if(o, "label", r->fs.label);
	json_put_str_if(o, "uuid", r->fs.uuid);
	json_put_u64(o, "used", r->used);
	json_put_str(o, "note", r->note);
	if (r->whole_by_doubt)
		json_put_bool(o, "whole_by_doubt", 1);
	if (r->left_out)
		json_put_bool(o, "left_out", 1);
	json_put_str_if(o, "holds", r->holds);
	if (r->n_inside)
		json_put(o, "volumes", regions_json(r->inside, r->n_inside, 0));
	if (r->spans)
		json_put_bool(o, "spans", 1);
	return o;
}

static struct json_object *regions_json(const struct map_region *v, size_t n, int of_disk)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(a, region_json(&v[i], of_disk));
	return a;
}

struct json_object *map_regions_json(const struct disk_map *m)
{
	return regions_json(m->regions, m->n_regions, 1);
}
