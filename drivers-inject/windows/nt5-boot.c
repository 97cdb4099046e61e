/* nt5-boot.c: see nt5-boot.h. */
#include "drivers-inject/windows/nt5-boot.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"

#define EXTENDED_SEEN_MAX 1048576u      /* the kernel shows only its first sectors, bytes */

/* ---- the partition's number ---- */

/* Of the primary partitions only an extended one has logical ones in it. */
static int is_extended(const struct volumes *v, const struct volume *x)
{
	for (size_t i = 0; i < v->n && !*x->type; i++) {
		const struct volume *l = &v->v[i];

		if (l->disk == x->disk && l->part > 4 && l->start > x->start &&
		    (x->size <= EXTENDED_SEEN_MAX || l->start - x->start < x->size))
			return 1;
	}
	return 0;
}

/* Knowledge Base 102873: primary partitions have the first numbers, then come the
 * logical ones; an extended partition and an empty entry have none. */
unsigned nt5_partition(const struct volumes *v, int volume)
{
	const struct volume *mine;
	unsigned n = 0;

	if (!v || volume < 0 || (size_t)volume >= v->n)
		return 0;
	mine = &v->v[volume];
	if (mine->part < 1 || mine->disk < 0 || strcmp(v->disk[mine->disk].table, "dos"))
		return 0;
	for (size_t i = 0; i < v->n; i++) {
		const struct volume *o = &v->v[i];

		if (o->disk == mine->disk && o->part > 0 && o->part <= mine->part &&
		    (o->part > 4 || !is_extended(v, o)))
			n++;
	}
	return n;
}

/* ---- which lines are ours ---- */

/* 1: the entry's path leads to this Windows' directory, on whatever partition. */
static int names_dir(const struct win *w, const struct bootini_entry *it, struct bootini_arc *arc)
{
	return bootini_arc(it->path, arc) && *arc->dir && !strcasecmp(arc->dir + 1, w->dir + 1);
}

static int fits(const struct win *w, const struct bootini_entry *it, unsigned number)
{
	struct bootini_arc arc;

	return names_dir(w, it, &arc) && (!number || (arc.bios && arc.partition == number));
}

/* The default if it fits, else the first that does; -1: none. */
static int find_entry(const struct win *w, const struct bootini *ini, unsigned number)
{
	int at = bootini_default(ini);

	if (at >= 0 && fits(w, &ini->entry[at], number))
		return at;
	for (size_t i = 0; i < ini->n; i++)
		if (fits(w, &ini->entry[i], number))
			return (int)i;
	return -1;
}

/* The one path by which entries name our directory; NULL: none, or several. */
static const char *only_path(const struct win *w, const struct bootini *ini)
{
	const char *path = NULL;
	struct bootini_arc arc;

	for (size_t i = 0; i < ini->n; i++) {
		if (!names_dir(w, &ini->entry[i], &arc))
			continue;
		if (path && strcasecmp(path, ini->entry[i].path))
			return NULL;
		path = ini->entry[i].path;
	}
	return path;
}

static int set_paths(struct bootini *ini, const char *old, const char *new, struct err *e)
{
	int rc = 0;

	if (ini->dflt && !strcasecmp(ini->dflt, old))
		rc = bootini_set_default(ini, new, e);
	for (size_t i = 0; !rc && i < ini->n; i++)
		if (!strcasecmp(ini->entry[i].path, old))
			rc = bootini_set_path(ini, i, new, e);
	return rc;
}

/* No entry fits: those that name the directory get the partition's number. */
static int correct(struct win *w, struct plan *p, struct bootini *ini, unsigned number, struct err *e)
{
	const char *path = only_path(w, ini);
	cleanup_free char *old = path ? strdup(path) : NULL;
	struct bootini_arc arc;
	char new[512];

	if (!path) {
		plan_warn(p, "boot.ini has no line, or several different ones, for %s: none was changed; "
			  "it must name partition(%u)", w->dir + 1, number);
		return 0;
	}
	if (!old)
		return err_set(e, ERR_NOMEM, "out of memory for boot.ini");
	bootini_arc(old, &arc);
	if (!arc.bios && w->volumes->n_disks != 1) {
		plan_warn(p, "boot.ini names %s by its old controller (%s), and of several disks nobody "
			  "knows which will be the first: make it multi(0)disk(0)rdisk(N)partition(%u)",
			  w->dir + 1, old, number);
		return 0;
	}
	if (!arc.bios) /* \ntbootdd.sys would have to drive the new controller */
		arc.adapter = arc.disk = arc.rdisk = 0;
	snprintf(new, sizeof new, "multi(%u)disk(%u)rdisk(%u)partition(%u)%.300s", arc.adapter, arc.disk,
		 arc.rdisk, number, arc.dir);
	return set_paths(ini, old, new, e);
}

int nt5_boot_open(struct win *w, struct plan *p, struct nt5_boot *ret, struct err *e)
{
	unsigned number = nt5_partition(w->volumes, w->volume);
	struct nt5_boot b = { .path = "/boot.ini" };
	cleanup_free char *text = NULL;
	size_t n;
	int rc = plan_read(p, b.path, &text, &n, e);

	if (!rc)
		rc = bootini_parse(text, n, b.path, &b.ini, e);
	if (rc)
		return rc;
	b.entry = find_entry(w, &b.ini, number);
	if (b.entry < 0 && number) {
		rc = correct(w, p, &b.ini, number, e);
		b.entry = find_entry(w, &b.ini, number);
	}
	if (rc)
		nt5_boot_done(&b);
	else
		*ret = b;
	return rc;
}

void nt5_boot_done(struct nt5_boot *b)
{
	bootini_done(&b->ini);
}

int nt5_boot_save(struct nt5_boot *b, struct plan *p, const char *reason, struct err *e)
{
	cleanup_free char *text = NULL;
	size_t n;
	int rc = bootini_bytes(&b->ini, &text, &n, e);

	return rc ? rc : plan_write(p, b->path, text, n, e, "%s", reason);
}

/* ---- another line ---- */

/* The options of the entry, with these files. */
static int make_options(const struct bootini_entry *it, const char *hal, const char *kernel,
			char **ret, struct err *e)
{
	cleanup_free char *one = NULL, *two = NULL;
	int rc = bootini_without(it->options, "HAL", &one, e);

	if (!rc)
		rc = bootini_without(one, "KERNEL", &two, e);
	if (!rc && asprintf(ret, "%s%s/HAL=%s%s%s", two, *two ? " " : "", hal, kernel ? " /KERNEL=" : "",
			    kernel ? kernel : "") < 0)
		rc = err_set(e, ERR_NOMEM, "out of memory for boot.ini");
	return rc;
}

static int make_default(struct nt5_boot *b, struct plan *p, struct err *e)
{
	const char *path = b->ini.entry[b->entry].path;
	int at = bootini_default(&b->ini);

	if (at == b->entry)
		return 0;
	if (at < 0)
		return bootini_set_default(&b->ini, path, e);
	if (strcasecmp(b->ini.entry[at].path, path))
		plan_note(p, "What boot.ini starts by itself is not this Windows, and stays so: choose "
			  "the new line in its menu");
	return 0;
}

int nt5_boot_add(struct nt5_boot *b, struct plan *p, const char *hal, const char *kernel,
		 struct err *e)
{
	struct bootini_entry *it = &b->ini.entry[b->entry];
	cleanup_free char *options = NULL, *title = NULL;
	char was[64];
	int rc = make_options(it, hal, kernel, &options, e);

	if (rc)
		return rc;
	if (bootini_option(it->options, "HAL", was, sizeof was) && !strcasecmp(was, hal))
		return bootini_set_options(&b->ini, (size_t)b->entry, options, e);
	if (asprintf(&title, "%s (Rehost)", it->title) < 0) {
		title = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for boot.ini");
	}
	rc = bootini_add(&b->ini, (size_t)b->entry, title, options, e);
	if (!rc)
		rc = make_default(b, p, e);
	if (!rc && b->ini.timeout != -1 && b->ini.timeout < NT5_TIMEOUT_MIN)
		rc = bootini_set_timeout(&b->ini, NT5_TIMEOUT_MIN, e);
	return rc;
}
