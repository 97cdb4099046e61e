/* cmd-map.c: rehost map: the used extents of a disk, and who said so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/units.h"
#include "imager/cmd.h"
#include "imager/disks-json.h"

/* The list of extents can be long: it is printed, not built. */
static int print_json(const char *path, const struct blkdev *dev,
		      const struct disk_map *m, struct err *e)
{
	cleanup_json struct json_object *o = json_object_new_object();
	struct extents_cursor c;
	uint64_t off, len;
	const char *s, *sep = "";

	json_put_str(o, "path", path);
	json_put_u64(o, "size", dev->size);
	json_put_u64(o, "used", extents_bytes(m->used));
	json_put_u64(o, "used_end", extents_end(m->used));
	json_put_u64(o, "padded", extents_padded(m->used));
	json_put(o, "regions", map_regions_json(m));
	s = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory for the map");
	printf("%.*s,\n\"extents\":[", (int)strlen(s) - 1, s);
	extents_begin(m->used, &c);
	for (; extents_next(&c, &off, &len); sep = ",\n")
		printf("%s[%llu,%llu]", sep, (unsigned long long)off, (unsigned long long)len);
	printf("]}\n");
	return fflush(stdout) ? err_sys(e, errno, "writing to stdout") : 0;
}

/* A volume has no one place; it is set in under what it lies in. */
static void print_region(void *ctx, const struct map_region *r, unsigned int depth)
{
	(void)ctx;
	if (depth)
		printf("%16s ", "");
	else
		printf("%16llu ", (unsigned long long)r->start);
	printf("%16llu %16llu  %-8s %*s%s%s%s%s%s\n", (unsigned long long)r->size,
	       (unsigned long long)r->used, r->reader, (int)(2 * depth), "", r->what,
	       *r->fs.type ? ", " : "", r->fs.type, *r->holds ? ", " : "", r->holds);
	if (r->note)
		printf("%52s  %*s! %s\n", "", (int)(2 * depth), "", r->note);
}

static int print_text(const char *path, const struct blkdev *dev,
		      const struct disk_map *m, struct err *e)
{
	printf("%s: %s, of which %s in %llu extents are used\n", path, units_bytes(dev->size).s,
	       units_bytes(extents_bytes(m->used)).s, (unsigned long long)extents_count(m->used));
	printf("%16s %16s %16s  %-8s %s\n", "start", "size", "used", "reader", "what");
	map_each(m, print_region, NULL);
	return fflush(stdout) ? err_sys(e, errno, "writing to stdout") : 0;
}

/* v: of n_args, the first is the disk that is asked for. */
static int open_all(const struct cmd_opts *o, struct blkdev **v, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < o->n_args && !rc; i++)
		rc = dev_open_ro(o->args[i], &v[i], e);
	return rc;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct cont_keys keys = { 0 };
	struct blkdev **v = calloc((size_t)o->n_args, sizeof(struct blkdev *)), *dev;
	struct map_options mo = { .keep_page_files = o->page_files, .keys = &keys,
				  .others = v + 1, .n_others = (size_t)o->n_args - 1 };
	const char *const names[] = { o->args[0] };
	struct disk_map *m = NULL;
	int rc;

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");

	mo.only = cmd_only(o, o->args[0], 0);
	rc = cmd_only_check(o, names, 1, e);
	if (rc == 0)
		rc = unlock_read(o->unlock, o->n_unlock, &keys, e);
	if (rc == 0)
		rc = open_all(o, v, e);
	dev = v[0];
	if (rc == 0)
		rc = map_build(dev, &mo, &m, e);
	if (rc == 0)
		rc = o->json ? print_json(o->args[0], dev, m, e) : print_text(o->args[0], dev, m, e);
	unlock_done(&keys);
	map_free(m);
	for (int i = 0; i < o->n_args; i++)
		dev_close(v[i]);
	free(v);
	return rc;
}

const struct cmd cmd_map = {
	.name = "map", .args = "DISK [WITH...]", .summary = "What of a disk is in use",
	.options = OPT_JSON | OPT_PAGE_FILES | OPT_ONLY | OPT_UNLOCK,
	.min_args = 1, .max_args = -1, .run = run,
	.text = "The ranges that `capture` would store, and which reader found them. A file\n"
		"system that is not known, or is damaged, is in use as a whole.\n"
		"WITH: other disks of the machine; volumes that lie on several disks are looked into\n"
		"when all of these are given, as when they are captured together.\n"
		"With --unlock, the free space of encrypted volumes is found, too; keys stay in memory.\n",
};
