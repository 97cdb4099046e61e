/* names.c: see names.h. */
#include "drivers-inject/fstab.h"
#include "drivers-inject/linux/names.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PARTUUID of an MBR: the disk's signature and the partition's number, both in
 * hexadecimal; a disk whose signature changed is known by the old one here. */
static int mbr_partuuid(const char *name, struct volume_hwname *ret)
{
	static const char *const forms[] = { "PARTUUID=", "/dev/disk/by-partuuid/" };

	for (size_t i = 0; i < 2; i++) {
		const char *id = name + strlen(forms[i]);
		char *end;

		if (strncmp(name, forms[i], strlen(forms[i])))
			continue;
		id += *id == '"';
		if (strspn(id, "0123456789abcdefABCDEF") != 8 || id[8] != '-' ||
		    strspn(id + 9, "0123456789abcdefABCDEF") != 2)
			return 0;
		ret->part = (int)strtol(id + 9, &end, 16);
		ret->index = -1;
		snprintf(ret->disk, sizeof ret->disk, "PARTUUID=%.8s", id);
		for (char *s = ret->disk; *s; s++)
			*s = (char)tolower((unsigned char)*s);
		return ret->part > 0 && (!*end || (*end == '"' && !end[1]));
	}
	return 0;
}

static int hwname(const struct lin_names *n, const char *name, struct volume_hwname *ret)
{
	if (volume_hwname(name, ret))
		return 1;
	return mbr_partuuid(name, ret) && !volume_find(n->l->volumes, name, NULL);
}

/* "sda" and "hda": one disk under two drivers, of which a file knew the older.
 * Names that stand side by side in fstab mean two disks. */
static int same_disk(const struct lin_names *n, size_t i, const struct volume_hwname *h)
{
	const char *a = n->anchor[i].disk;

	if (!strcmp(a, h->disk))
		return 1;
	return h->index >= 0 && n->anchor[i].index == h->index &&
	       strncmp(a, h->disk, 2) && !strv_has(&n->disks, h->disk);
}

static int anchored(const struct lin_names *n, const struct volume_hwname *h)
{
	for (size_t i = 0; i < n->n_anchors; i++)
		if (same_disk(n, i, h))
			return n->anchor[i].is;
	return -1;
}

void lin_names_anchor(struct lin_names *n, const char *name, const struct volume *v)
{
	struct volume_hwname h;

	if (!v || v->disk < 0 || !hwname(n, name, &h) || h.part != v->part ||
	    n->n_anchors == NAMES_ANCHORS_MAX || anchored(n, &h) >= 0)
		return;
	snprintf(n->anchor[n->n_anchors].disk, sizeof n->anchor->disk, "%s", h.disk);
	n->anchor[n->n_anchors].index = h.index;
	n->anchor[n->n_anchors++].is = v->disk;
}

static int is_used(const struct lin_names *n, const struct volume *v)
{
	for (size_t i = 0; i < n->n_used; i++)
		if (n->used[i] == v)
			return 1;
	return 0;
}

static int mark_used(struct lin_names *n, const struct volume *v, struct err *e)
{
	const struct volume **u;

	if (is_used(n, v))
		return 0;
	u = reallocarray(n->used, n->n_used + 1, sizeof *u);
	if (!u)
		return err_set(e, ERR_NOMEM, "out of memory");
	n->used = u;
	u[n->n_used++] = v;
	return 0;
}

/* What stands at a mount point here and now, by this tree itself. */
static const struct volume *mounted_at(const struct lin *l, const char *dir)
{
	if (!strcmp(dir, "/"))
		return l->root_volume;
	for (size_t i = 0; i < l->volumes->n; i++)
		if (!strcmp(l->volumes->v[i].mounted, dir))
			return &l->volumes->v[i];
	return NULL;
}

static int learn(struct lin_names *n, const char *name, const char *dir, struct err *e)
{
	struct volume_hwname h;
	const struct volume *v;

	if (!hwname(n, name, &h)) {
		v = volume_find(n->l->volumes, name, NULL);
		return v ? mark_used(n, v, e) : 0;
	}
	lin_names_anchor(n, name, mounted_at(n->l, dir));
	if (n->disks.n == NAMES_DISKS_MAX || strv_has(&n->disks, h.disk))
		return 0;
	return strv_add(&n->disks, h.disk) ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

int lin_names_load(const struct lin *l, struct plan *p, struct lin_names *ret,
		   struct err *e)
{
	static const char *const files[] = { "/etc/fstab", "/etc/crypttab" };
	struct lin_names n = { .l = l };
	int r = 0;

	for (size_t i = 0; i < 2 && !r; i++) {
		char *text, *line, *rest;
		struct fstab_line f;

		/* as the guest has them, not as the plan makes them: the names
		 * there are what is to be learned */
		r = root_read(p->root, files[i], ROOT_TEXT_MAX, &text, NULL, e);
		if (r) {
			r = r == ERR_NOMEM ? r : 0;
			continue;
		}
		rest = text;
		while (!r && (line = strsep(&rest, "\n")))
			if (fstab_parse(line, &f) && !fstab_is_removable(&f))
				r = i ? learn(&n, f.field[1], "", e) :
					learn(&n, f.field[0], f.field[1], e);
		free(text);
	}
	if (r)
		lin_names_done(&n);
	else
		*ret = n;
	return r;
}

void lin_names_done(struct lin_names *n)
{
	free(n->used);
	strv_done(&n->disks);
	*n = (struct lin_names){ 0 };
}

/* ---- types of file systems ---- */

/* Names of one file system's drivers, blkid's word first. */
static const char *const families[][6] = {
	{ "ext4", "ext3", "ext2", "ext4dev", NULL }, { "ext3", "ext4", "ext2", NULL },
	{ "ext2", "ext3", "ext4", NULL }, { "vfat", "msdos", "fat", "umsdos", NULL },
	{ "ntfs", "ntfs-3g", "ntfs3", "fuseblk", NULL }, { "swsuspend", "swap", NULL },
};

static int is_type(const char *have, const char *want, size_t n)
{
	if (strlen(have) == n && !strncmp(have, want, n))
		return 1;
	for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
		if (strcmp(families[f][0], have))
			continue;
		for (size_t i = 1; families[f][i]; i++)
			if (strlen(families[f][i]) == n && !strncmp(families[f][i], want, n))
				return 1;
	}
	return 0;
}

/* 1: sure; 0: may be; -1: it is not. */
static int fits(const struct volume *v, const char *type)
{
	if (!type || !*type || !strcmp(type, "auto") || !*v->type)
		return 0;
	while (*type) {
		size_t n = strcspn(type, ",");

		if (is_type(v->type, type, n))
			return 1;
		type += n + (type[n] != 0);
	}
	return -1;
}

static int has_anchor_of_kind(const struct lin_names *n, const struct volume_hwname *h)
{
	for (size_t i = 0; i < n->n_anchors; i++)
		if ((n->anchor[i].index < 0) == (h->index < 0))
			return 1;
	return 0;
}

static int is_anchor_disk(const struct lin_names *n, int disk)
{
	for (size_t i = 0; i < n->n_anchors; i++)
		if (n->anchor[i].is == disk)
			return 1;
	return 0;
}

/* Where a wrong guess destroys nothing: a swap area is a swap area, and a wrong
 * LUKS volume won't open. */
static int may_guess(const struct volume *v)
{
	return !strcmp(v->type, "swap") || !strcmp(v->type, "swsuspend") ||
	       !strcmp(v->type, "crypto_LUKS");
}

const struct volume *lin_names_find(const struct lin_names *n, const char *name,
				    const char *type)
{
	const struct volumes *all = n->l->volumes;
	const struct volume *v;
	struct volume_hwname h;
	int guess = 0, disk, fit;

	if (!hwname(n, name, &h))
		return volume_find(all, name, NULL);
	disk = anchored(n, &h);
	if (disk >= 0) {
		v = volume_on_disk(all, disk, h.part);
		return v && fits(v, type) >= 0 ? v : NULL;
	}
	if (h.index < 0 && mbr_partuuid(name, &h)) {
		guess = 1;
		v = all->n_disks == 1 ? volume_on_disk(all, 0, h.part) : NULL;
	} else {
		v = volume_find(all, name, &guess);
	}
	if (!v)
		return NULL;
	/* names of the same kind tell disks apart: this is another one */
	if ((has_anchor_of_kind(n, &h) && is_anchor_disk(n, v->disk)) ||
	    (n->each_once && is_used(n, v)))
		return NULL;
	fit = fits(v, type);
	/* "sdb" of a guest with one disk may have been a disk that isn't here,
	 * even when the disk was called so where it was captured */
	if (guess || (all->n_disks == 1 && h.index != 0))
		return fit > 0 && n->disks.n <= 1 && may_guess(v) ? v : NULL;
	return fit < 0 ? NULL : v;
}

int lin_names_stable(const struct lin_names *n, const struct volume *v, int by_part,
		     char ret[80])
{
	char text[80];

	if (!by_part && !volume_stable_name(v, text, sizeof text, NULL)) {
		const struct volume *found = volume_find(n->l->volumes, text, NULL);

		if (found == v || (found && !strcmp(found->uuid, v->uuid))) {
			strcpy(ret, text);
			return 1;
		}
	}
	if (!*v->partuuid || v->partuuid[strspn(v->partuuid, "0123456789abcdefABCDEF-")])
		return 0;
	snprintf(text, sizeof text, "PARTUUID=%s", v->partuuid);
	if (volume_find(n->l->volumes, text, NULL) != v)
		return 0;
	strcpy(ret, text);
	return 1;
}

static int starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

int lin_names_partuuid_gone(const struct lin_names *n, const char *name)
{
	return (starts(name, "PARTUUID=") || starts(name, "/dev/disk/by-partuuid/")) &&
	       !strchr(name + 9, '$') && !strstr(name, "/PARTNROFF=") &&
	       n->l->volumes->n && !volume_find(n->l->volumes, name, NULL);
}

/* "/dev/VG/LV" and "/dev/mapper/VG-LV" of a group that is there */
static int names_group(const struct lin_names *n, const char *name)
{
	const struct volumes *all = n->l->volumes;

	for (size_t i = 0; i < all->n; i++) {
		const char *slash = strchr(all->v[i].name, '/');
		size_t len = slash ? (size_t)(slash - all->v[i].name) : 0;

		if (len && starts(name, "/dev/") && !strncmp(name + 5, all->v[i].name, len) &&
		    name[5 + len] == '/')
			return 1;
		if (len && starts(name, "/dev/mapper/") && !memchr(all->v[i].name, '-', len) &&
		    !strncmp(name + 12, all->v[i].name, len) && name[12 + len] == '-')
			return 1;
	}
	return 0;
}

/* Another volume with that id: ambiguous, but there. */
static int is_somewhere(const struct volumes *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		struct volumes one = { .v = &all->v[i], .n = 1 };

		if (volume_find(&one, name, NULL))
			return 1;
	}
	return 0;
}

int lin_names_gone(const struct lin_names *n, const char *name)
{
	const struct volumes *all = n->l->volumes;
	int known_form = starts(name, "UUID=") || starts(name, "LABEL=") ||
		starts(name, "PARTUUID=") || starts(name, "PARTLABEL=") ||
		starts(name, "/dev/disk/by-uuid/") || starts(name, "/dev/disk/by-label/") ||
		starts(name, "/dev/disk/by-partuuid/") ||
		starts(name, "/dev/disk/by-partlabel/") || names_group(n, name);

	return known_form && !strchr(name, '$') && !strstr(name, "/PARTNROFF=") &&
	       volumes_complete(all) && !is_somewhere(all, name);
}
