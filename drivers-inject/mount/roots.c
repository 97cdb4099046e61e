/* roots.c: which volumes a Linux is installed on, and mounting it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/mount/int.h"

int root_is_linux(struct root *r, const char *dir)
{
	/* links too: /usr may be a file system of its own, not yet mounted */
	static const char *const release[] = {
		"os-release", "debian_version", "redhat-release", "SuSE-release",
		"arch-release", "gentoo-release", "slackware-version", "alpine-release",
	};
	char path[SUBVOL_PATH + 64];

	for (size_t i = 0; i < sizeof release / sizeof *release; i++) {
		snprintf(path, sizeof path, "%s/etc/%s", dir, release[i]);
		if (root_exists(r, path))
			return 1;
	}
	/* image based systems have no more than this */
	snprintf(path, sizeof path, "%s/usr/lib/os-release", dir);
	return root_exists(r, path);
}

/* Is there a Linux, and does it sleep?  dir is mounted. */
static int look_into(struct assembly *a, const char *dir, int *ret_linux, struct err *e)
{
	struct root *r;
	int rc = root_open(dir, &r, e);

	if (rc)
		return rc;
	*ret_linux = root_is_linux(r, "");
	if (*ret_linux && swapfile_asleep(r)) {
		if (for_writing(a))
			rc = err_set(e, ERR_REFUSED, "the system is hibernated to a swap file; changed now, its file systems would be damaged when it wakes up. Start it where it was hibernated and shut it down");
		else
			assembly_note(a, "a hibernated system is stored in a swap file");
	}
	root_close(r);
	return rc;
}

static int plain_candidate(struct assembly *a, size_t i, struct candidate *list, size_t max,
			   size_t *n, struct err *e)
{
	size_t mark = undo_mark(a->in->undo);
	char dir[PATH_MAX];
	int found = 0, dirty = 0, r, k;
	struct err late;

	if (assembly_dir(a, dir, e))
		return e->code;
	r = fs_mount(a, i, dir, 0, NULL, &dirty, e);
	if (r == 0)
		r = undo_add(a->in->undo, UNDO_UMOUNT, e, "%s", dir);
	if (r == 0)
		r = look_into(a, dir, &found, e);
	k = undo_to(a->in->undo, mark, r ? &late : e);
	if (r == 0 && k == 0 && found && *n < max)
		list[(*n)++] = (struct candidate){ .volume = i, .dirty = dirty };
	return r ? r : k;
}

/* 1: a volume before it is another device of the same Btrfs. */
static int seen_before(const struct volumes *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(v->v[i].type, "btrfs") && !strcmp(v->v[k].type, "btrfs") &&
		    !strcmp(v->v[k].uuid, v->v[i].uuid))
			return 1;
	return 0;
}

/* A file system that can't be looked into is told, and is no reason to stop. */
static int find(struct assembly *a, struct candidate *list, size_t *n, struct err *e)
{
	for (size_t i = 0; i < a->volumes.n; i++) {
		const char *type = a->volumes.v[i].type;
		int r;

		if (!fs_may_be_root(type) || seen_before(&a->volumes, i))
			continue;
		if (!strcmp(type, "btrfs"))
			r = btrfs_candidates(a, i, list, ASSEMBLE_ROOTS_MAX, n, e);
		else
			r = plain_candidate(a, i, list, ASSEMBLE_ROOTS_MAX, n, e);
		if (r == ERR_REFUSED || r == ERR_NOMEM || r == ERR_CANCELLED)
			return r;
		if (r)
			assembly_warn(a, "%s", e->msg);
	}
	return 0;
}

/* A copy of all volumes, in which fstab_mount() marks those that it mounts. */
static int copy_volumes(const struct volumes *from, struct volumes *ret, struct err *e)
{
	struct volume *v = malloc((from->n ? from->n : 1) * sizeof *v);

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	memcpy(v, from->v, from->n * sizeof *v);
	*ret = *from;
	ret->v = v;
	return 0;
}

static void tell_journal(struct assembly *a, size_t volume)
{
	char text[400];

	volume_text(a, volume, text, sizeof text);
	if (for_writing(a))
		assembly_note(a, "%s was not unmounted cleanly; its journal was replayed", text);
	else
		assembly_note(a, "%s was not unmounted cleanly; its journal is to be replayed before anything is changed, and what was read may be older than that",
			      text);
}

static int mount_root(struct assembly *a, const struct candidate *c, struct err *e)
{
	struct assembled_root *r = &a->root[a->n_roots];
	char subvol[SUBVOL_PATH];
	struct root *root;
	int rc;

	snprintf(subvol, sizeof subvol, "subvolid=%llu", (unsigned long long)c->tree);
	if (assembly_dir(a, r->dir, e) || copy_volumes(&a->volumes, &r->volumes, e))
		return e->code;
	a->n_roots++;
	r->volume = (int)c->volume;
	snprintf(r->subvol, sizeof r->subvol, "%s", c->subvol);
	if (c->dirty)
		tell_journal(a, c->volume);
	if (fs_mount(a, c->volume, r->dir, for_writing(a), c->tree ? subvol : NULL, NULL, e) ||
	    undo_add(a->in->undo, UNDO_UMOUNT, e, "%s", r->dir))
		return e->code;
	snprintf(r->volumes.v[c->volume].mounted, sizeof r->volumes.v->mounted, "/");
	rc = root_open(r->dir, &root, e);
	if (rc)
		return rc;
	crypttab_names(a, root, &r->volumes);
	root_close(root);
	return fstab_mount(a, r, e);
}

int roots_mount(struct assembly *a, struct err *e)
{
	struct candidate *list = calloc(ASSEMBLE_ROOTS_MAX, sizeof *list);
	size_t n = 0;
	int r;

	if (!list)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = find(a, list, &n, e);
	if (r == 0 && n && for_writing(a))
		r = md_make_writable(a, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = mount_root(a, &list[i], e);
	free(list);
	return r;
}
