/* guard.c: see guard.h. */
#include "imager/guard.h"
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "imager/blkuse.h"

/* What a `-` means. */
#define STDOUT_PATH "/proc/self/fd/1"

static int is_file(const struct disk *d)
{
	return !strcmp(d->kind, "file");
}

/* 1 if path and the regular file d are one file, by whatever name. */
static int same_file(const struct disk *d, const char *path)
{
	struct stat st;

	return is_file(d) && stat(path, &st) == 0 && st.st_ino == d->ino &&
	       major(st.st_dev) == d->major && minor(st.st_dev) == d->minor;
}

/* A disk that is attached by two paths is two disks to the kernel.  Only where
 * that is usual: USB bridges share made-up names. */
static int is_other_path(const struct disk *a, const struct disk *b)
{
	static const char *const shared[] = { "fc", "sas", "iscsi", NULL };
	const char *const *t = shared;

	while (*t && strcmp(*t, a->transport))
		t++;
	return *t && *a->wwn && !strcmp(a->wwn, b->wwn) && !strcmp(a->serial, b->serial) &&
	       (a->major != b->major || a->minor != b->minor);
}

/* Calls `is` for the other paths to d, until it says 1; a copy of that one. */
static int any_other_path(const struct kernel_view *k, const struct disk *d, const void *ctx,
			  int (*is)(const struct kernel_view *, const struct disk *, const void *),
			  struct disk *ret)
{
	struct disk *list = NULL;
	struct err ignored;
	size_t n = 0;
	int r = 0;

	if (is_file(d) || disks_list(k, &list, &n, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < n && !r; i++) {
		r = is_other_path(d, &list[i]) && is(k, &list[i], ctx);
		if (r && ret)
			*ret = list[i];
	}
	free(list);
	return r;
}

static int is_used(const struct kernel_view *k, const struct disk *d, const void *ctx)
{
	(void)ctx;
	return blkuse_why(k, d, NULL, 0) != BLKUSE_NONE;
}

/* 1 if path names d itself by another name, or something that lies on it. */
static int lies_on_path(const struct kernel_view *k, const struct disk *d, const void *name)
{
	const char *path = name;
	struct blkdev_id id;
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	if (!is_file(d) && blkuse_backed_by(k, blkuse_id(d), path))
		return 1;
	if (S_ISBLK(st.st_mode))
		id = (struct blkdev_id){ major(st.st_rdev), minor(st.st_rdev) };
	else if (blkuse_of_file(k, path, &id) < 0)
		return 0;
	return is_file(d) ? blkuse_backed_by(k, id, d->path) :
		blkuse_overlap(k, id, blkuse_id(d));
}

static int lies_on_disk(const struct kernel_view *k, const struct disk *d, const char *path)
{
	return lies_on_path(k, d, path) || any_other_path(k, d, path, lies_on_path, NULL);
}

int guard_same_disk(const struct kernel_view *k, const struct disk *a, const struct disk *b)
{
	if (!k)
		k = &kernel_view_real;
	if (is_file(a) || is_file(b))
		return is_file(a) == is_file(b) && a->ino == b->ino && a->major == b->major &&
			a->minor == b->minor;
	return blkuse_overlap(k, blkuse_id(a), blkuse_id(b)) ||
		blkuse_overlap(k, blkuse_id(b), blkuse_id(a)) || is_other_path(a, b);
}

int guard_target_disk(const struct kernel_view *k, const struct disk *target,
		      const char *image_path, struct err *e)
{
	char why[1024];
	struct disk other;

	if (!k)
		k = &kernel_view_real;
	if (!strcmp(target->kind, "cdrom"))
		return err_set(e, ERR_REFUSED, "%s is a CD or DVD drive, which can't be written",
			       target->path);
	if (blkuse_is_boot_medium(k, target))
		return err_set(e, ERR_REFUSED,
			       "%s holds the medium that this system runs from; boot with `toram` to use it as a target",
			       target->path);
	if (image_path && same_file(target, image_path))
		return err_set(e, ERR_REFUSED, "%s is the image itself; it can't be the target",
			       target->path);
	if (image_path && lies_on_disk(k, target, image_path))
		return err_set(e, ERR_REFUSED,
			       "the image %s lies on %s; it would be overwritten while it is read",
			       image_path, target->path);
	if (blkuse_why(k, target, why, sizeof why) != BLKUSE_NONE)
		return err_set(e, ERR_REFUSED, "%s is in use: %s", target->path, why);
	if (any_other_path(k, target, NULL, is_used, &other)) {
		blkuse_why(k, &other, why, sizeof why);
		return err_set(e, ERR_REFUSED,
			       "%s is the same disk as %s by another path (WWN %s), which is in use: %s",
			       target->path, other.path, target->wwn, why);
	}
	if (target->read_only)
		return err_set(e, ERR_REFUSED,
			       "%s is read-only; look for a write-protect switch, or run `blockdev --setrw %s`",
			       target->path, target->path);
	return 0;
}

int guard_serial(const struct disk *target, const char *serial, struct err *e)
{
	if (*serial && (!strcmp(serial, target->serial) || !strcmp(serial, target->wwn)))
		return 0;
	return err_set(e, ERR_REFUSED,
		       "%s is not the disk that was meant: its serial number is \"%s\" and its WWN \"%s\", neither is \"%s\"; `rehost disks` lists the disks",
		       target->path, target->serial, target->wwn, serial);
}

int guard_kind(const struct disk *target, const char *kind, int has_table,
	       struct err *e)
{
	int from_part = !strcmp(kind, "part");

	if (!strcmp(target->kind, "part") && has_table && !from_part)
		return err_set(e, ERR_REFUSED,
			       "%s is a partition and the image is that of a whole disk, whose own partitions nobody would find there; restore it to a whole disk, or to a file",
			       target->path);
	/* what is made of disks or files isn't in the list of disks */
	if (from_part && !strcmp(target->kind, "disk") && disks_lists(target->name))
		return err_set(e, ERR_REFUSED,
			       "%s is a whole disk and the image is that of one partition: the disk would have no partition table; make a partition of at least that size and restore to it, or to a file",
			       target->path);
	return 0;
}

int guard_source_disk(const struct kernel_view *k, const struct disk *source,
		      int even_mounted, char *ret_warning, size_t size,
		      struct err *e)
{
	char why[1024];
	enum blkuse_kind kind = blkuse_why(k, source, why, sizeof why);

	*ret_warning = 0;
	/* busy: nobody knows how, perhaps mounted in another mount namespace */
	if (kind != BLKUSE_MOUNTED_RW && kind != BLKUSE_SWAP && kind != BLKUSE_BUSY)
		return 0;
	if (!even_mounted)
		return err_set(e, ERR_REFUSED,
			       "%s changes while it would be read, so that its image would not be consistent: %s; or give --yes to capture it all the same",
			       source->path, why);
	snprintf(ret_warning, size,
		 "%s was in use while it was captured (%s); files that were being written may be damaged in the image",
		 source->path, why);
	return 0;
}

int guard_image_path(const struct kernel_view *k, const struct disk *source,
		     const char *path, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;

	if (!strcmp(path, "-")) {
		if (same_file(source, STDOUT_PATH) || lies_on_disk(k, source, STDOUT_PATH))
			return err_set(e, ERR_REFUSED,
				       "standard output is %s or lies on it, which is to be captured",
				       source->path);
		return 0;
	}
	snprintf(dir, sizeof dir, "%s", path);
	if (strlen(path) >= sizeof dir)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	if (same_file(source, path))
		return err_set(e, ERR_REFUSED, "%s is the source; the image can't be written there", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED,
			       "%s is not a regular file; an image is a file (use `-` for a pipe)", path);
	if (lies_on_disk(k, source, path) || lies_on_disk(k, source, dirname(dir)))
		return err_set(e, ERR_REFUSED,
			       "%s lies on %s, which is to be captured; choose another disk or a share for the image",
			       path, source->path);
	return 0;
}

int guard_place_device(const struct kernel_view *k, const struct disk *source,
		       const char *device, struct err *e)
{
	if (!lies_on_disk(k, source, device))
		return 0;
	return err_set(e, ERR_REFUSED,
		       "%s lies on %s, which is to be captured; choose another disk or a share for the image",
		       device, source->path);
}
