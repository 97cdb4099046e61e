/* disks-windows.c: see disks-windows.h. */
#include "drivers-inject/disks-windows.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "drivers-inject/search.h"
#include "imager/fs/ntfsrw.h"
#include "imager/part/part.h"

/* The disk and its partitions by the table alone; a disk without one is one volume. */
static int read_volumes(struct blkdev *dev, const char *path, struct volumes *v, struct err *e)
{
	struct part_table *t = NULL;
	int rc = part_read(dev, &t, e);

	if (rc < 0)
		return rc;
	v->n_disks = 1;
	snprintf(v->disk[0].path, sizeof v->disk[0].path, "%.255s", path);
	v->disk[0].size = dev->size;
	v->disk[0].sector_size = dev->sector_size;
	v->v = calloc((t ? t->n_parts : 0) + 1, sizeof *v->v);
	if (!v->v) {
		part_free(t);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (!t)
		return 0;
	snprintf(v->disk[0].table, sizeof v->disk[0].table, "%s",
		 strcmp(t->kind, "gpt") ? "dos" : "gpt");
	snprintf(v->disk[0].id, sizeof v->disk[0].id, "%s", t->id);
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];
		struct volume *x = &v->v[v->n];

		if (p->flags & PART_EXTENDED)
			continue;
		*x = (struct volume){ .part = (int)p->number, .parent = -1, .size = p->size,
				      .start = p->start };
		snprintf(x->partuuid, sizeof x->partuuid, "%s", p->uuid);
		v->n++;
	}
	part_free(t);
	return 0;
}

static int one_system(struct session *s, struct blkdev *dev, const struct volumes *v,
		      struct json_object *found, int apply, FILE *people, struct err *e)
{
	struct session_volume x = {
		.dir = json_get_str(found, "directory", ""), .name = json_get_str(found, "root", ""),
		.volumes = v, .volume = -1,
	};
	int part = (int)json_get_u64(found, "partition", 0), rc;
	struct blkdev *window = NULL;

	for (size_t i = 0; i < v->n; i++)
		if (part && v->v[i].part == part)
			x.volume = (int)i;
	if (x.volume < 0) {
		x.dev = dev;
		x.volumes = NULL;
		return session_windows(s, &x, apply, people, e);
	}
	rc = dev_window(dev, v->v[x.volume].start, v->v[x.volume].size, &window, e);
	x.dev = window;
	if (!rc)
		rc = session_windows(s, &x, apply, people, e);
	dev_close(window);
	return rc;
}

/* Edits that were interrupted, before anybody reads the file systems. */
static int finish_edits(struct blkdev *dev, const struct volumes *v, struct err *e)
{
	int rc = v->n ? 0 : ntfsrw_finish(dev, e);

	for (size_t i = 0; !rc && i < v->n; i++) {
		struct blkdev *window = NULL;

		/* a partition that the disk doesn't have is told by others */
		if (dev_window(dev, v->v[i].start, v->v[i].size, &window, NULL))
			continue;
		rc = ntfsrw_finish(window, e);
		dev_close(window);
	}
	return rc;
}

int disk_windows(struct session *s, struct blkdev *dev, const char *path, const char *shown,
		 int apply, FILE *people, struct disk_systems *ret, struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	struct volumes v = { 0 };
	struct json_object *list;
	int incomplete, rc = read_volumes(dev, path, &v, e);

	if (!rc)
		rc = finish_edits(dev, &v, e);
	if (!rc)
		rc = search_disk(dev, shown, &doc, &incomplete, e);
	list = rc ? NULL : json_get_array(doc, "systems");
	for (size_t i = 0; !rc && list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		ret->n_linux += !strcmp(json_get_str(o, "kind", ""), "linux");
		if (strcmp(json_get_str(o, "kind", ""), "windows"))
			continue;
		ret->n_windows++;
		rc = one_system(s, dev, &v, o, apply, people, e);
	}
	volumes_done(&v);
	return rc;
}
