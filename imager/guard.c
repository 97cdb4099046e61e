/* guard.c: see guard.h. */
#include "imager/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "common/cleanup.h"
#include "common/prompt.h"
#include "common/units.h"
#include "imager/blkuse.h"
#include "imager/disks-json.h"

/* What a `-` means. */
#define STDIN_PATH "/proc/self/fd/0"
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

/* ---- asking ---- */

static int show_loss(const struct guard_request *r, const struct disk *d, struct err *e)
{
	struct disk_json_options opt = { .systems = !r->yes, .cancel = r->cancel };
	cleanup_json struct json_object *o = NULL;

	if (disk_json(NULL, d, &opt, &o, e) < 0)
		return e->code;
	fprintf(r->people, "The target, %s:\n",
		r->becomes ? r->becomes : "all of which will be overwritten");
	disk_text(r->people, o, 2);
	return 0;
}

/* What is to be done to a disk, in the two forms of a question. */
struct act { const char *would, *verb; };

static int ask(const struct act *act, const char *target, int stdin_busy, const struct disk *d,
	       struct err *e)
{
	char text[300], answer[PATH_MAX];

	if (!prompt_possible(stdin_busy))
		return err_set(e, ERR_REFUSED,
			       "%s would be %s; there is no terminal to ask for confirmation on: give --yes if you are sure",
			       d->path, act->would);
	snprintf(text, sizeof text, "Type the target's name (%s) to %s it: ", d->name, act->verb);
	if (prompt_line(text, 0, stdin_busy, answer, sizeof answer, e) < 0)
		return e->code;
	if (strcmp(answer, d->name) && strcmp(answer, d->path) && strcmp(answer, target))
		return err_set(e, ERR_REFUSED,
			       "\"%s\" is not the target's name; nothing was written", answer);
	return 0;
}

/* What is at the path now must be what was shown. */
static int check_unchanged(const struct disk *before, const char *path,
			   const char *image_path, struct err *e)
{
	struct disk d;

	if (disk_by_path(NULL, path, &d, e) < 0)
		return err_prefix(e, "the target is gone");
	if (d.major != before->major || d.minor != before->minor || d.ino != before->ino ||
	    d.size != before->size || strcmp(d.serial, before->serial) || strcmp(d.wwn, before->wwn))
		return err_set(e, ERR_REFUSED,
			       "%s is another disk now than the one that was shown; nothing was written", path);
	return guard_target_disk(NULL, &d, image_path, e);
}

static int check_fit(const struct guard_request *r, const struct disk *d, struct err *e)
{
	struct blkdev *dev;
	int rc;

	if (dev_open_ro(d->path, &dev, e) < 0)
		return e->code;
	if (is_file(d))
		dev->sector_size = r->fit->sector_size;
	rc = fit_check(r->fit, dev, e);
	dev_close(dev);
	return rc;
}

/* A file of the image's size, without blocks. */
static int make_file(const struct guard_request *r, struct guard_permit *ret,
		     struct err *e)
{
	cleanup_close int fd = -1;
	struct stat st;
	int made = access(r->target, F_OK) < 0;

	fd = open(r->target, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s: can't be made", r->target);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size)
		return err_set(e, ERR_REFUSED, "%s was made by somebody else meanwhile", r->target);
	if (ftruncate(fd, (off_t)r->fit->disk_size) < 0) {
		err_sys(e, errno, "%s: can't be made %llu bytes long (does its file system allow files of that size?)",
			r->target, (unsigned long long)r->fit->disk_size);
		if (made)
			unlink(r->target);
		return e->code;
	}
	ret->created = made;
	ret->token = (struct write_token){ .path = ret->path, .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

/* A misspelt disk, however its directory is written, must not become a file in
 * memory that looks like a success. */
static int is_in_dev(const char *path)
{
	char copy[PATH_MAX], real[PATH_MAX];

	snprintf(copy, sizeof copy, "%s", path);
	if (!realpath(dirname(copy), real))
		return !strncmp(path, "/dev/", 5);
	return !strcmp(real, "/dev") ||
	       (!strncmp(real, "/dev/", 5) && strncmp(real, "/dev/shm", 8));
}

/* The evidence that dev_open_rw() and assemble look at. */
static int make_token(const char *target, struct guard_permit *ret, struct err *e)
{
	struct stat st;

	if (stat(target, &st) < 0)
		return err_sys(e, errno, "%s", target);
	ret->token = (struct write_token){
		.path = ret->path,
		.dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev,
		.ino = st.st_ino,
	};
	return 0;
}

int guard_permit_write(const struct guard_request *r, struct guard_permit *ret,
		       struct err *e)
{
	static const struct act act = { "overwritten", "overwrite" };
	const char *image = r->image_path ? r->image_path : STDIN_PATH;
	struct disk d;
	struct stat st;
	int there = stat(r->target, &st) == 0;

	ret->created = 0;
	if (strlen(r->target) >= sizeof ret->path)
		return err_set(e, ERR_USAGE, "the path of the target is too long");
	snprintf(ret->path, sizeof ret->path, "%s", r->target);
	if (!there && is_in_dev(r->target))
		return err_set(e, ERR_NOT_FOUND,
			       "%s: there is no such disk; `rehost disks` lists the disks", r->target);
	if (r->expect_serial && !there)
		return err_set(e, ERR_REFUSED, "%s: there is no such disk, so none with the serial number \"%s\"",
			       r->target, r->expect_serial);
	if (!there || (S_ISREG(st.st_mode) && !st.st_size && !r->expect_serial))
		return make_file(r, ret, e);
	if (disk_by_path(NULL, r->target, &d, e) < 0 ||
	    (r->expect_serial && guard_serial(&d, r->expect_serial, e) < 0) ||
	    guard_target_disk(NULL, &d, image, e) < 0 ||
	    guard_kind(&d, r->image_kind, r->fit->has_table, e) < 0 ||
	    check_fit(r, &d, e) < 0 || show_loss(r, &d, e) < 0 ||
	    (!r->yes && ask(&act, r->target, !r->image_path, &d, e) < 0) ||
	    check_unchanged(&d, r->target, image, e) < 0)
		return e->code;
	return make_token(r->target, ret, e);
}

int guard_permit_edit(const char *target, int yes, struct guard_permit *ret, struct err *e)
{
	static const struct act act = { "changed", "change" };
	struct disk d;

	ret->created = 0;
	if (strlen(target) >= sizeof ret->path)
		return err_set(e, ERR_USAGE, "the path of the disk is too long");
	snprintf(ret->path, sizeof ret->path, "%s", target);
	if (disk_by_path(NULL, target, &d, e) < 0 || guard_target_disk(NULL, &d, NULL, e) < 0 ||
	    (!yes && ask(&act, target, 0, &d, e) < 0) ||
	    check_unchanged(&d, target, NULL, e) < 0)
		return e->code;
	return make_token(target, ret, e);
}
