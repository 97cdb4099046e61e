/* blkuse.c: see blkuse.h. */
#include "imager/blkuse.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "imager/mounts.h"

static int same(struct blkdev_id a, struct blkdev_id b)
{
	return a.major == b.major && a.minor == b.minor;
}

static int id_of_dir(const char *dir, struct blkdev_id *ret)
{
	char text[32];

	return sysfs_text(text, sizeof text, "%s/dev", dir) > 0 &&
	       sscanf(text, "%u:%u", &ret->major, &ret->minor) == 2 ? 0 : -1;
}

struct stack {
	const struct kernel_view *k;
	struct blkdev_id *ids;
	size_t n;
};

static void push(struct stack *s, struct blkdev_id id)
{
	for (size_t i = 0; i < s->n; i++)
		if (same(s->ids[i], id))
			return;
	if (s->n < BLKUSE_STACK_MAX)
		s->ids[s->n++] = id;
}

/* What the device in sysfs directory dir stands on directly. */
static void push_below(struct stack *s, char *dir)
{
	char text[PATH_MAX + 256];
	cleanup_names char **slaves = sysfs_names("%s/slaves", dir);
	struct blkdev_id id;
	char *slash;

	for (char **p = slaves; p && *p; p++) {
		snprintf(text, sizeof text, "%s/slaves/%.200s", dir, *p);
		if (id_of_dir(text, &id) == 0)
			push(s, id);
	}
	if (sysfs_text(text, sizeof text, "%s/loop/backing_file", dir) > 0 &&
	    (mounts_device(s->k, text, &id) == 0 || blkuse_of_file(s->k, text, &id) == 0))
		push(s, id);
	if (sysfs_exists("%s/partition", dir) && (slash = strrchr(dir, '/'))) {
		*slash = 0;
		if (id_of_dir(dir, &id) == 0)
			push(s, id);
	}
}

size_t blkuse_stack(const struct kernel_view *k, struct blkdev_id dev,
		    struct blkdev_id *ret)
{
	struct stack s = { k ? k : &kernel_view_real, ret, 0 };
	char dir[PATH_MAX];

	push(&s, dev);
	for (size_t i = 0; i < s.n; i++)
		if (sysfs_real(dir, "%s/dev/block/%u:%u", s.k->sys,
			       ret[i].major, ret[i].minor) == 0)
			push_below(&s, dir);
	return s.n;
}

static int lies_on(const struct kernel_view *k, struct blkdev_id a, struct blkdev_id b)
{
	struct blkdev_id stack[BLKUSE_STACK_MAX];
	size_t n = blkuse_stack(k, a, stack);

	for (size_t i = 0; i < n; i++)
		if (same(stack[i], b))
			return 1;
	return 0;
}

int blkuse_overlap(const struct kernel_view *k, struct blkdev_id user,
		   struct blkdev_id d)
{
	struct blkdev_id parent;
	char dir[PATH_MAX];

	if (!k)
		k = &kernel_view_real;
	if (lies_on(k, user, d))
		return 1;
	if (sysfs_real(dir, "%s/dev/block/%u:%u", k->sys, d.major, d.minor) < 0 ||
	    !sysfs_exists("%s/partition", dir))
		return 0;
	*strrchr(dir, '/') = 0;
	return id_of_dir(dir, &parent) == 0 && same(parent, user);
}

int blkuse_backed_by(const struct kernel_view *k, struct blkdev_id dev,
		     const char *path)
{
	struct blkdev_id stack[BLKUSE_STACK_MAX];
	size_t n = blkuse_stack(k, dev, stack);
	struct stat want, st;
	char file[PATH_MAX];

	if (!k)
		k = &kernel_view_real;
	if (stat(path, &want) < 0 || !S_ISREG(want.st_mode))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (sysfs_text(file, sizeof file, "%s/dev/block/%u:%u/loop/backing_file",
			       k->sys, stack[i].major, stack[i].minor) > 0 &&
		    stat(file, &st) == 0 && st.st_dev == want.st_dev && st.st_ino == want.st_ino)
			return 1;
	return 0;
}

struct file_search {
	const char *real;         /* the file's real path */
	struct blkdev_id st_dev, found;
	size_t best;              /* length of the best mount point */
	int any;
};

static int file_mount(void *ctx, const struct mount_entry *m)
{
	struct file_search *f = ctx;
	size_t n = strlen(m->where);

	if (n == 1)
		n = 0; /* "/" */
	if (strncmp(f->real, m->where, n) || (f->real[n] && f->real[n] != '/'))
		return 0;
	if (!f->any || n >= f->best) { /* a later mount hides an earlier one */
		f->any = 1;
		f->best = n;
		f->found = m->dev;
	}
	return 0;
}

int blkuse_of_file(const struct kernel_view *k, const char *path,
		   struct blkdev_id *ret)
{
	char real[PATH_MAX];
	struct file_search f = { .real = real };
	struct stat st;

	if (!k)
		k = &kernel_view_real;
	if (stat(path, &st) < 0 || !realpath(path, real))
		return -1;
	if (major(st.st_dev) && sysfs_exists("%s/dev/block/%u:%u", k->sys,
					     major(st.st_dev), minor(st.st_dev))) {
		ret->major = major(st.st_dev);
		ret->minor = minor(st.st_dev);
		return 0;
	}
	mounts_each(k, file_mount, &f);
	if (!f.any || (!f.found.major && !f.found.minor))
		return -1;
	*ret = f.found;
	return 0;
}

/* ---- who uses a device ---- */

struct use_search {
	const struct kernel_view *k;
	const struct disk *d;
	enum blkuse_kind kind;
	char *text;
	size_t size;
};

static void found(struct use_search *u, enum blkuse_kind kind, const char *text)
{
	/* the first is told, but a read-only mount only if there is no other */
	if (u->kind != BLKUSE_NONE &&
	    (u->kind != BLKUSE_MOUNTED_RO || kind == BLKUSE_MOUNTED_RO))
		return;
	u->kind = kind;
	if (u->text)
		snprintf(u->text, u->size, "%s", text);
}

static int use_mount(void *ctx, const struct mount_entry *m)
{
	struct use_search *u = ctx;
	char text[PATH_MAX * 3 + 100];

	if ((!m->dev.major && !m->dev.minor) ||
	    !blkuse_overlap(u->k, m->dev, blkuse_id(u->d)))
		return 0;
	if (!strcmp(m->fstype, "swap")) {
		snprintf(text, sizeof text, "%s is in use as swap; run `swapoff %s` first",
			 m->source, m->source);
		found(u, BLKUSE_SWAP, text);
		return 0;
	}
	if (!strcmp(m->where, "/"))
		snprintf(text, sizeof text, "%s holds the running system", m->source);
	else
		snprintf(text, sizeof text, "%s is mounted on %s (%s); run `umount %s` first",
			 m->source, m->where, m->read_only ? "read-only" : "read-write", m->where);
	found(u, m->read_only ? BLKUSE_MOUNTED_RO : BLKUSE_MOUNTED_RW, text);
	return 0;
}

/* device-mapper and md devices that stand on dir's device */
static void use_holders(struct use_search *u, const char *dir, const char *name)
{
	cleanup_names char **holders = sysfs_names("%s/holders", dir);
	char text[400], dm[128];

	for (char **p = holders; p && *p; p++) {
		int is_dm = sysfs_text(dm, sizeof dm, "%s/block/%s/dm/name", u->k->sys, *p) > 0;

		snprintf(text, sizeof text, "%s/%s is part of the %s device %s; %s", u->k->dev,
			 name, is_dm ? "device-mapper (LVM, encryption)" : "RAID",
			 is_dm ? dm : *p,
			 is_dm ? "deactivate it first (`vgchange -an`, `cryptsetup close`, `dmsetup remove`)" :
				 "stop it first (`mdadm --stop`)");
		found(u, BLKUSE_HELD, text);
	}
}

/* The file d is attached to this loop device: what is mounted from it. */
static void use_loop_mounts(struct use_search *u, const char *name)
{
	struct disk loop = { .kind = "disk" };
	struct use_search mounts = { u->k, &loop, BLKUSE_NONE, u->text, u->size };
	char text[32];

	if (strcmp(u->d->kind, "file") ||
	    sysfs_text(text, sizeof text, "%s/block/%s/dev", u->k->sys, name) <= 0 ||
	    sscanf(text, "%u:%u", &loop.major, &loop.minor) != 2)
		return;
	mounts_each(u->k, use_mount, &mounts);
	swaps_each(u->k, use_mount, &mounts);
	if (mounts.kind != BLKUSE_NONE)
		u->kind = mounts.kind;
}

static void use_loops(struct use_search *u)
{
	cleanup_names char **names = sysfs_names("%s/block", u->k->sys);
	char file[PATH_MAX], text[PATH_MAX + 100];
	struct blkdev_id id;
	struct stat st;

	for (char **p = names; p && *p; p++) {
		if (strncmp(*p, "loop", 4) ||
		    sysfs_text(file, sizeof file, "%s/block/%s/loop/backing_file", u->k->sys, *p) <= 0)
			continue;
		if (!strcmp(u->d->kind, "file") ?
		    stat(file, &st) < 0 || st.st_ino != u->d->ino ||
		    major(st.st_dev) != u->d->major || minor(st.st_dev) != u->d->minor :
		    mounts_device(u->k, file, &id) < 0 ||
		    !blkuse_overlap(u->k, id, blkuse_id(u->d)))
			continue;
		if (u->kind == BLKUSE_NONE)
			use_loop_mounts(u, *p);
		snprintf(text, sizeof text, "%s is in use by %s/%s; run `losetup -d %s/%s` first",
			 file, u->k->dev, *p, u->k->dev, *p);
		found(u, BLKUSE_LOOP, text);
	}
}

/* The kernel's own answer catches what the rest doesn't know (bcache, drbd,
 * ZFS): an exclusive open fails while anybody holds the disk or a partition. */
static void use_busy(struct use_search *u)
{
	cleanup_close int fd = open(u->d->path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	char text[PATH_MAX + 100];

	if (fd >= 0 || errno != EBUSY || u->k != &kernel_view_real)
		return;
	snprintf(text, sizeof text, "the kernel says that %s is in use", u->d->path);
	found(u, BLKUSE_BUSY, text);
}

enum blkuse_kind blkuse_why(const struct kernel_view *k, const struct disk *d,
			    char *text, size_t size)
{
	struct use_search u = { k ? k : &kernel_view_real, d, BLKUSE_NONE, text, size };
	cleanup_names char **names = NULL;
	char dir[PATH_MAX + 256];

	if (text)
		*text = 0;
	if (strcmp(d->kind, "file")) {
		mounts_each(u.k, use_mount, &u);
		swaps_each(u.k, use_mount, &u);
		use_holders(&u, d->sysdir, d->name);
		names = sysfs_names("%s", d->sysdir);
		for (char **p = names; p && *p; p++) {
			if (!sysfs_exists("%s/%s/partition", d->sysdir, *p))
				continue;
			snprintf(dir, sizeof dir, "%s/%.200s", d->sysdir, *p);
			use_holders(&u, dir, *p);
		}
	}
	use_loops(&u);
	if (u.kind == BLKUSE_NONE && strcmp(d->kind, "file"))
		use_busy(&u);
	return u.kind;
}

struct mount_list {
	struct blkdev_id dev;
	char (*ret)[256];
	size_t n, max;
};

static int list_mount(void *ctx, const struct mount_entry *m)
{
	struct mount_list *l = ctx;

	if (same(m->dev, l->dev) && l->n < l->max)
		snprintf(l->ret[l->n++], sizeof *l->ret, "%.255s", m->where);
	return 0;
}

size_t blkuse_mounts(const struct kernel_view *k, struct blkdev_id dev,
		     char ret[][256], size_t max)
{
	struct mount_list l = { dev, ret, 0, max };

	if (!k)
		k = &kernel_view_real;
	mounts_each(k, list_mount, &l);
	swaps_each(k, list_mount, &l);
	return l.n;
}

struct medium_search { const struct kernel_view *k; const struct disk *d; };

static int medium_mount(void *ctx, const struct mount_entry *m)
{
	struct medium_search *s = ctx;

	return !strcmp(m->where, BOOT_MEDIUM) && (m->dev.major || m->dev.minor) &&
	       blkuse_overlap(s->k, m->dev, blkuse_id(s->d));
}

int blkuse_is_boot_medium(const struct kernel_view *k, const struct disk *d)
{
	struct medium_search s = { k ? k : &kernel_view_real, d };

	return strcmp(d->kind, "file") && mounts_each(s.k, medium_mount, &s);
}
