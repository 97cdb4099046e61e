/* disks.c: see disks.h.  Two passes: the first looks at read-only devices and
 * shows the plan; after the confirmation the disks are put together again for
 * writing, and everything is read and planned anew. */
#include "drivers-inject/disks.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "drivers-inject/disks-windows.h"
#include "drivers-inject/linux/nvram.h"
#include "drivers-inject/mount/assemble.h"
#include "imager/guard.h"
#include "imager/imgfuse.h"

struct job {
	struct session *s;
	FILE *people;
	const char **disk;      /* what is put together: disks, or an image's file */
	size_t n;
	struct guard_permit *permit;
	struct write_token *token; /* one a disk once permitted, else NULL     */
	struct blkdev **open;   /* for boot code; NULL not yet                */
	struct image_mount **image; /* one a disk; NULL: disks                */
	const char **old_name;  /* an image's disk, on its old machine; or NULL */
	struct json_object **meta; /* the image's                             */
};

/* ---- what apply needs of the disks ---- */

static int host_disk(void *ctx, const char *path, struct blkdev **ret, struct err *e)
{
	struct job *j = ctx;

	for (size_t i = 0; i < j->n; i++) {
		int rc = 0;

		/* an undo may find the one disk under another name */
		if (j->n > 1 && strcmp(j->disk[i], path))
			continue;
		if (!j->open[i])
			rc = dev_open_rw_shared(&j->token[i], &j->open[i], e);
		if (!rc)
			*ret = j->open[i];
		return rc;
	}
	return err_set(e, ERR_REFUSED, "%s: not one of the disks that were named", path);
}

static int host_undo_action(void *ctx, const char *data, struct err *e)
{
	(void)ctx;
	return lin_nvram_undo(data, e);
}

static void host_step(void *ctx, const char *text)
{
	struct job *j = ctx;

	events_step(j->s->events, "apply", text);
}

/* ---- one pass ---- */

static void put_notes(struct job *j, const struct assembly *a)
{
	for (size_t i = 0; i < a->notes.n; i++) {
		json_object_array_add(j->s->notes, json_text(a->notes.v[i]));
		if (j->people)
			fprintf(j->people, "note: %s\n", a->notes.v[i]);
	}
	for (size_t i = 0; i < a->warnings.n; i++) {
		json_object_array_add(j->s->notes, json_text(a->warnings.v[i]));
		if (j->people)
			fprintf(j->people, "warning: %s\n", a->warnings.v[i]);
		events_warning(j->s->events, "adapt", a->warnings.v[i], 0, 0);
		j->s->trouble = 1;
	}
	for (size_t i = 0; i < a->locked.n; i++)
		json_object_array_add(j->s->locked, json_text(a->locked.v[i]));
}

/* "/dev/sda2", "vg/root", "partition 2 of disk.img" */
static void root_name(const struct job *j, const struct assembled_root *r, char *ret, size_t size)
{
	const struct volume *v = &r->volumes.v[r->volume];
	const char *disk = v->disk >= 0 ? j->s->o->disks[v->disk] : "";

	if (*v->name)
		snprintf(ret, size, "%s", v->name);
	else if (v->part > 0)
		snprintf(ret, size, "partition %d of %s", v->part, disk);
	else
		snprintf(ret, size, "%s", *disk ? disk : v->node);
	if (*r->subvol)
		snprintf(ret + strlen(ret), size - strlen(ret), ", subvolume %s", r->subvol);
}

static int pass(struct job *j, int apply, struct err *e)
{
	struct assemble_request q = {
		.disk = j->disk, .n_disks = j->n, .token = j->token, .luks_key = j->s->o->luks_key,
		.shown = (const char *const *)j->s->o->disks, .old_name = j->image ? j->old_name : NULL,
	};
	struct assembly *a;
	int rc;

	events_step(j->s->events, "open", "Opening the file systems");
	rc = guest_assemble(&q, &a, e);
	if (rc)
		return rc;
	put_notes(j, a);
	if (!a->n_roots)
		rc = err_set(e, ERR_NOT_FOUND, "%s: no system was found that could be adapted%s%s",
			     j->s->o->disks[0], a->warnings.n ? "; " : "",
			     a->warnings.n ? a->warnings.v[0] : "");
	for (size_t i = 0; !rc && i < a->n_roots; i++) {
		char name[700];

		root_name(j, &a->root[i], name, sizeof name);
		rc = session_linux(j->s, a->root[i].dir, &a->root[i].volumes, name, apply, j->people,
				   e);
	}
	for (size_t i = 0; i < j->n; i++)
		j->open[i] = dev_close(j->open[i]);
	if (rc) {
		struct err ignored;

		if (assembly_close(&a, &ignored))
			fprintf(stderr, "rehost-adapt: %s\n", ignored.msg);
		return rc;
	}
	return assembly_close(&a, e);
}

/* A Windows is edited without being mounted.  *ret counts what was found. */
static int windows_pass(struct job *j, int apply, struct disk_systems *ret, struct err *e)
{
	int write = apply || j->s->o->mode == MODE_UNDO, rc = 0;

	for (size_t i = 0; !rc && i < j->n; i++) {
		rc = write ? dev_open_rw(&j->token[i], &j->open[i], e) :
			     dev_open_ro(j->disk[i], &j->open[i], e);
		if (!rc)
			rc = disk_windows(j->s, j->open[i], j->disk[i], j->s->o->disks[i], apply,
					  j->people, ret, e);
		j->open[i] = dev_close(j->open[i]);
	}
	return rc;
}

/* Both kinds; a disk on which neither is seen may hold a Linux in a container. */
static int both_passes(struct job *j, int apply, struct err *e)
{
	struct disk_systems found = { 0 };
	int rc = windows_pass(j, apply, &found, e);

	return rc || (found.n_windows && !found.n_linux) ? rc : pass(j, apply, e);
}

/* ---- the whole ---- */

static int permit(struct job *j, struct err *e)
{
	j->permit = calloc(j->n, sizeof *j->permit);
	j->token = calloc(j->n, sizeof *j->token);
	if (!j->permit || !j->token)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < j->n; i++) {
		int rc = guard_permit_edit(j->s->o->disks[i], j->s->o->yes, &j->permit[i], e);

		if (rc)
			return rc;
		j->token[i] = j->permit[i].token;
	}
	return 0;
}

static int run(struct job *j, struct err *e)
{
	const struct options *o = j->s->o;
	int rc = 0;

	if (o->mode != MODE_UNDO) {
		rc = both_passes(j, 0, e);
		/* whoever reads the document may know the passphrase */
		if (rc == ERR_NOT_FOUND && o->mode == MODE_DRY_RUN && o->json &&
		    json_object_array_length(j->s->locked))
			return 0;
		if (rc || o->mode != MODE_APPLY || !j->s->edits)
			return rc;
	}
	if (j->image)
		return err_set(e, ERR_REFUSED, "%s is an image, which is never changed: restore it, then "
			       "adapt the disk; --dry-run shows the plan", o->disks[0]);
	rc = permit(j, e);
	session_reset(j->s);
	return rc ? rc : both_passes(j, o->mode == MODE_APPLY, e);
}

/* An image knows the machine that it was taken from. */
static void old_machine(struct job *j, size_t i)
{
	const char *meta = image_mount_meta(j->image[i]), *path;
	struct json_object *h;
	struct session *s = j->s;

	if (!meta || json_parse(meta, strlen(meta), &j->meta[i], NULL))
		return;
	path = json_get_str(json_get_object(j->meta[i], "disk"), "path", NULL);
	if (path && !strncmp(path, "/dev/", 5))
		j->old_name[i] = path + 5;
	if (s->have_old)
		return;
	h = json_get_object(j->meta[i], "hardware");
	s->have_old = h && !hw_from_json(h, "the old machine", NULL, &s->old, NULL);
	s->wishes.old = s->have_old ? &s->old : NULL;
}

/* The images of one machine, if the first is one: then all must be. */
static int mount_images(struct job *j, struct err *e)
{
	const struct options *o = j->s->o;
	int is_image = 0, rc = image_is(o->disks[0], &is_image, e);

	if (rc || !is_image)
		return rc;
	j->image = calloc(j->n, sizeof *j->image);
	j->old_name = calloc(j->n, sizeof *j->old_name);
	j->meta = calloc(j->n, sizeof *j->meta);
	if (!j->image || !j->old_name || !j->meta)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < j->n; i++) {
		rc = image_is(o->disks[i], &is_image, e);
		if (!rc && !is_image)
			rc = err_set(e, ERR_USAGE, "%s is an image, %s is not: give disks or images",
				     o->disks[0], o->disks[i]);
		if (!rc)
			rc = image_mount(o->disks[i], &j->image[i], &j->disk[i], e);
		if (rc)
			return rc;
		old_machine(j, i);
	}
	return 0;
}

/* A damaged chunk is only an I/O error to those who read the files: the true reason
 * takes the place of rc. */
static int unmount_images(struct job *j, int rc, struct err *e)
{
	struct err why;

	for (size_t i = 0; j->image && i < j->n; i++) {
		if (j->image[i] && image_mount_failed(j->image[i], &why))
			rc = err_set(e, why.code, "%s", why.msg);
		image_unmount(j->image[i]);
		if (j->meta)
			json_object_put(j->meta[i]);
	}
	free(j->image);
	free(j->old_name);
	free(j->meta);
	return rc;
}

int disks_mode(struct session *s, struct err *e)
{
	const struct options *o = s->o;
	struct job j = { .s = s, .people = o->json ? NULL : stdout, .n = (size_t)o->n_disks };
	struct apply_host host = { host_disk, host_undo_action, host_step, &j };
	struct strv paths = { 0 };
	int rc;

	j.disk = calloc(j.n, sizeof *j.disk);
	j.open = calloc(j.n, sizeof *j.open);
	if (!j.disk || !j.open)
		return err_set(e, ERR_NOMEM, "out of memory");
	/* whole paths: the journal names the disk that boot code was put on */
	for (size_t i = 0; i < j.n; i++) {
		char *real = realpath(o->disks[i], NULL);

		j.disk[i] = o->disks[i];
		if (real && strv_add(&paths, real))
			return err_set(e, ERR_NOMEM, "out of memory");
		if (real)
			j.disk[i] = paths.v[paths.n - 1];
		free(real);
	}
	rc = mount_images(&j, e);
	if (!rc && o->mode != MODE_UNDO)
		rc = session_drivers(s, j.image ? image_mount_source(j.image[0]) : NULL, o->disks[0],
				     j.people, e);
	s->host = &host;
	if (!rc)
		rc = run(&j, e);
	s->host = NULL;
	rc = unmount_images(&j, rc, e);
	free(j.disk);
	strv_done(&paths);
	free(j.open);
	free(j.permit);
	free(j.token);
	return rc;
}
