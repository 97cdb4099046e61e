/* search.c: from a disk to its volumes, and to the systems on them. */
#include "drivers-inject/search.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "common/cleanup.h"
#include "drivers-inject/adapter.h"
#include "drivers-inject/budget.h"
#include "drivers-inject/isolate.h"
#include "drivers-inject/report.h"
#include "drivers-inject/signature.h"
#include "drivers-inject/tree.h"
#include "imager/part/part.h"

#define VOLUMES_MAX 256         /* a GPT of the usual size has 128          */
#define VOLUME_SECONDS 20       /* one that takes longer is damaged         */
#define DISK_SECONDS 45         /* `rehost disks` waits for 60              */
#define VOLUME_BYTES (1ull << 30) /* two of the largest hives               */
#define VOLUME_READS 300000     /* of a few KB each                         */

struct search {
	struct blkdev *disk;
	const char *path;
	struct json_object *systems, *notes;
	int incomplete;
	time_t begun;           /* monotonic seconds */
};

/* One place where a file system may be. */
struct volume {
	struct blkdev *dev;
	unsigned int number;    /* of the partition; 0: the whole disk */
	uint64_t start;
};

static void note(struct json_object *notes, const struct volume *v,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void note(struct json_object *notes, const struct volume *v,
		 const char *fmt, ...)
{
	cleanup_free char *text = NULL, *all = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	if (v && v->number)
		n = asprintf(&all, "partition %u: %s", v->number, text);
	else
		n = asprintf(&all, "%s", text);
	if (n < 0)
		all = NULL;
	else
		json_object_array_add(notes, report_text(all));
}

static int detect_all(struct tree *t, struct guest_list *found, struct err *e)
{
	for (int i = 0; guest_adapters[i]; i++) {
		int r = guest_adapters[i]->detect(t, found, e);

		if (r)
			return r;
	}
	return 0;
}

/* In the child: looks into the volume; a document with "systems", "notes" and
 * "incomplete". */
static char *look(void *ctx)
{
	const struct volume *v = ctx;
	struct json_object *o = json_object_new_object();
	struct json_object *systems = json_object_new_array();
	struct json_object *notes = json_object_new_array();
	struct guest_list found = { 0 };
	struct blkdev *d;
	struct tree *t = NULL;
	struct err e = { 0 };
	int r = budget_open(v->dev, VOLUME_BYTES, VOLUME_READS, &d, &e);

	if (!r)
		r = tree_open(d, &t, &e);
	if (!r)
		r = detect_all(t, &found, &e);
	for (size_t i = 0; i < found.n; i++)
		json_object_array_add(systems, report_guest(found.v[i]));
	if (r == ERR_NOT_FOUND && !t)
		r = signature_tell(v->dev, &e);
	if (r)
		note(notes, v, "%s", e.msg);
	json_object_object_add(o, "systems", systems);
	json_object_object_add(o, "notes", notes);
	json_object_object_add(o, "incomplete", json_object_new_boolean(
			r && r != ERR_UNSUPPORTED));
	return strdup(json_object_to_json_string(o));
}

/* "/dev/sda2", or where in a file or on a disk without partitions. */
static struct json_object *root_name(const struct search *s,
				     const struct volume *v)
{
	cleanup_free char *name = NULL;
	size_t len = strlen(s->path);
	struct stat st;
	int n, block = !stat(s->path, &st) && S_ISBLK(st.st_mode);

	if (!v->number)
		n = asprintf(&name, "%s", s->path);
	else if (block)
		n = asprintf(&name, "%s%s%u", s->path,
			     isdigit((unsigned char)s->path[len - 1]) ? "p" : "",
			     v->number);
	else
		n = asprintf(&name, "partition %u at offset %llu", v->number,
			     (unsigned long long)v->start);
	if (n < 0) {
		name = NULL;
		return NULL;
	}
	return report_text(name);
}

static void move_all(struct json_object *to, struct json_object *from)
{
	size_t n = from ? json_object_array_length(from) : 0;

	for (size_t i = 0; i < n; i++)
		json_object_array_add(to, json_object_get(
				json_object_array_get_idx(from, i)));
}

static void take_systems(struct search *s, const struct volume *v,
			 struct json_object *list)
{
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *g = json_object_array_get_idx(list, i);

		json_object_object_add(g, "partition", v->number ?
				json_object_new_int64(v->number) : NULL);
		json_object_object_add(g, "root", root_name(s, v));
	}
	move_all(s->systems, list);
}

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void search_volume(struct search *s, struct volume *v)
{
	time_t left = s->begun + DISK_SECONDS - seconds();
	cleanup_free char *text = NULL;
	struct json_object *o;
	struct err e = { 0 };

	if (left > VOLUME_SECONDS)
		left = VOLUME_SECONDS;
	if (left <= 0)
		err_set(&e, ERR_CANCELLED, "the partitions before it took "
			"%d seconds", DISK_SECONDS);
	if (left <= 0 || isolate(look, v, (unsigned int)left, &text, &e)) {
		note(s->notes, v, "it could not be searched: %s", e.msg);
		s->incomplete = 1;
		return;
	}
	o = json_tokener_parse(text);
	take_systems(s, v, json_object_object_get(o, "systems"));
	move_all(s->notes, json_object_object_get(o, "notes"));
	s->incomplete |= json_object_get_boolean(
				json_object_object_get(o, "incomplete"));
	json_object_put(o);
}

static int search_partitions(struct search *s, const struct part_table *t,
			     struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];
		struct volume v = { .number = p->number, .start = p->start };
		int r;

		if (p->flags & PART_EXTENDED)
			continue;
		if (n++ == VOLUMES_MAX) {
			note(s->notes, NULL, "Only the first %d partitions "
			     "were searched.", VOLUMES_MAX);
			s->incomplete = 1;
			break;
		}
		r = dev_window(s->disk, p->start, p->size, &v.dev, e);
		if (r)
			return r;
		search_volume(s, &v);
		dev_close(v.dev);
	}
	if (t->note)
		note(s->notes, NULL, "%s", t->note);
	return 0;
}

int search_disk(struct blkdev *d, const char *path, struct json_object **ret,
		int *ret_incomplete, struct err *e)
{
	struct search s = { .disk = d, .path = path, .begun = seconds() };
	struct volume whole = { .dev = d };
	struct part_table *table = NULL;
	struct json_object *doc;
	int r = part_read(d, &table, e);

	if (r < 0)
		return r;
	doc = json_object_new_object();
	s.systems = json_object_new_array();
	s.notes = json_object_new_array();
	json_object_object_add(doc, "systems", s.systems);
	json_object_object_add(doc, "notes", s.notes);
	if (r == PART_NONE) {
		search_volume(&s, &whole);
		r = 0;
	} else {
		r = search_partitions(&s, table, e);
	}
	part_free(table);
	if (r) {
		json_object_put(doc);
		return r;
	}
	*ret = doc;
	*ret_incomplete = s.incomplete;
	return 0;
}
