/* btrfs.c: which subvolume of a Btrfs an installed Linux runs from. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include "common/cleanup.h"
#include "drivers-inject/fstab.h"
#include "drivers-inject/mount/int.h"

#define TOP_LEVEL 5             /* BTRFS_FS_TREE_OBJECTID                    */

/* The id of the subvolume that a directory lies in; 0: it is no Btrfs. */
static uint64_t tree_id(struct root *r, const char *path)
{
	struct btrfs_ioctl_ino_lookup_args args = { .objectid = BTRFS_FIRST_FREE_OBJECTID };
	cleanup_close int fd = -1;

	if (root_fd(r, path, O_RDONLY | O_DIRECTORY, 0, &fd, NULL) ||
	    ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
		return 0;
	return args.treeid;
}

static int is_subvolume(struct root *r, const char *path)
{
	struct stat st;

	return !root_lstat(r, path, &st, NULL) && S_ISDIR(st.st_mode) &&
	       st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

/* Directories that snapper, Timeshift and others keep copies in. */
static int is_snapshot_name(const char *name)
{
	return strcasestr(name, "snapshot") || strcasestr(name, "timeshift") ||
	       strcasestr(name, "backup") || *name == '.';
}

/* What the fstab below dir says of its root: a subvolume's id, 0: it says
 * nothing, or names none that is there. */
static uint64_t named_by_fstab(struct root *top, struct root *r, const char *dir)
{
	char path[SUBVOL_PATH + 16], value[SUBVOL_PATH];
	cleanup_free char *text = NULL;
	struct fstab_line l;
	size_t pos = 0;

	snprintf(path, sizeof path, "%s/etc/fstab", dir);
	if (root_read(r, path, ROOT_TEXT_MAX, &text, NULL, NULL))
		return 0;
	while (fstab_next(text, &pos, &l)) {
		if (strcmp(l.field[FSTAB_DIR], "/"))
			continue;
		if (fstab_value(l.field[FSTAB_OPTIONS], "subvolid", value, sizeof value))
			return strtoull(value, NULL, 10);
		if (fstab_value(l.field[FSTAB_OPTIONS], "subvol", value, sizeof value))
			return tree_id(top, *value ? value : "/");
	}
	return 0;
}

/* The same from the kernel's command line, as the boot loader's files in it
 * have it: rootflags=subvol=NAME. */
static uint64_t named_by_cmdline(struct root *top, struct root *r, const char *dir)
{
	static const char *const files[] = {
		"/etc/kernel/cmdline", "/etc/default/grub", "/boot/grub/grub.cfg",
		"/boot/grub2/grub.cfg",
	};
	static const char word[] = "rootflags=subvol=";

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[SUBVOL_PATH + 64], name[SUBVOL_PATH];
		cleanup_free char *text = NULL;
		const char *at;
		size_t n;

		snprintf(path, sizeof path, "%s%s", dir, files[i]);
		if (root_read(r, path, ROOT_TEXT_MAX, &text, NULL, NULL) ||
		    !(at = strstr(text, word)))
			continue;
		at += sizeof word - 1;
		n = strcspn(at, " \t\r\n\"',");
		if (n && n < sizeof name) {
			snprintf(name, sizeof name, "%.*s", (int)n, at);
			return tree_id(top, name);
		}
	}
	return 0;
}

struct found {
	struct candidate c[ASSEMBLE_ROOTS_MAX];
	int own[ASSEMBLE_ROOTS_MAX];    /* 1: names itself as its root, 0: says
					 * nothing, -1: names another         */
	size_t n;
};

/* A Linux below dir of r, which is subvolume `tree`. */
static void consider(struct found *f, struct root *top, struct root *r, const char *dir,
		     uint64_t tree, const char *name)
{
	uint64_t named;

	if (f->n == ASSEMBLE_ROOTS_MAX || !root_is_linux(r, dir))
		return;
	for (size_t i = 0; i < f->n; i++)
		if (f->c[i].tree == tree)
			return;
	named = named_by_fstab(top, r, dir);
	if (!named)
		named = named_by_cmdline(top, r, dir);
	f->c[f->n].tree = tree;
	snprintf(f->c[f->n].subvol, sizeof f->c->subvol, "%s", name);
	f->own[f->n++] = !named ? 0 : named == tree ? 1 : -1;
}

static int look_top(struct found *f, struct root *top, struct err *e)
{
	struct strv names;
	int r = root_list(top, "/", &names, e);

	if (r)
		return r;
	for (size_t i = 0; i < names.n; i++) {
		char path[SUBVOL_PATH];

		if (is_snapshot_name(names.v[i]) || strlen(names.v[i]) + 2 > sizeof path)
			continue;
		snprintf(path, sizeof path, "/%.254s", names.v[i]);
		if (is_subvolume(top, path))
			consider(f, top, top, path, tree_id(top, path), names.v[i]);
	}
	strv_done(&names);
	return 0;
}

/* The default subvolume first, then those at the top. */
static int look(struct assembly *a, size_t volume, const char *top_dir, const char *dflt_dir,
		struct found *f, struct err *e)
{
	struct root *top = NULL, *dflt = NULL;
	int dirty = 0, r = fs_mount(a, volume, top_dir, 0, "subvolid=5", &dirty, e);

	if (r)
		return r;
	if (undo_add(a->in->undo, UNDO_UMOUNT, e, "%s", top_dir) ||
	    fs_mount(a, volume, dflt_dir, 0, NULL, &dirty, e) ||
	    undo_add(a->in->undo, UNDO_UMOUNT, e, "%s", dflt_dir))
		return e->code;
	r = root_open(top_dir, &top, e);
	if (r == 0)
		r = root_open(dflt_dir, &dflt, e);
	if (r == 0) {
		consider(f, top, dflt, "", tree_id(dflt, "/"), "");
		r = look_top(f, top, e);
	}
	root_close(dflt);
	root_close(top);
	for (size_t i = 0; i < f->n; i++) {
		f->c[i].dirty = dirty;
		f->c[i].volume = volume;
	}
	return r;
}

/* Those that name themselves; else the default one; else all that don't name
 * another, for a copy of a root names the root it was copied from. */
static int is_chosen(const struct found *f, size_t i)
{
	int any = 0, dflt = -1;

	for (size_t k = 0; k < f->n; k++) {
		any |= f->own[k] == 1;
		if (!*f->c[k].subvol && f->own[k] == 0)
			dflt = (int)k;
	}
	if (any)
		return f->own[i] == 1;
	return dflt >= 0 ? (int)i == dflt : f->own[i] == 0;
}

int btrfs_candidates(struct assembly *a, size_t volume, struct candidate *list,
		     size_t max, size_t *n, struct err *e)
{
	char top_dir[PATH_MAX], dflt_dir[PATH_MAX];
	size_t mark = undo_mark(a->in->undo);
	struct found *f = calloc(1, sizeof *f);
	struct err late;
	int r, k;

	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = assembly_dir(a, top_dir, e);
	if (r == 0)
		r = assembly_dir(a, dflt_dir, e);
	if (r == 0)
		r = look(a, volume, top_dir, dflt_dir, f, e);
	k = undo_to(a->in->undo, mark, r ? &late : e);
	for (size_t i = 0; r == 0 && i < f->n && *n < max; i++)
		if (is_chosen(f, i))
			list[(*n)++] = f->c[i];
	free(f);
	return r ? r : k;
}
