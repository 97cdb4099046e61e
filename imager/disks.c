/* disks.c: see disks.h. */
#include "imager/disks.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "common/cleanup.h"

/* "%s/%s" of k->dev and the name of the device that sysfs has in dir. */
static void device_path(const struct kernel_view *k, const char *dir, char ret[PATH_MAX])
{
	size_t n = strlen(k->dev) + 1;

	snprintf(ret, PATH_MAX, "%s/%s", k->dev, strrchr(dir, '/') + 1);
	for (char *p = ret + n; *p; p++)
		if (*p == '!') /* sysfs's way to write cciss/c0d0 */
			*p = '/';
}

void disk_whole_path(const struct kernel_view *k, const struct disk *d, char ret[PATH_MAX])
{
	char dir[PATH_MAX];

	snprintf(ret, PATH_MAX, "%s", d->path);
	if (strcmp(d->kind, "part"))
		return;
	snprintf(dir, sizeof dir, "%s", d->sysdir);
	*strrchr(dir, '/') = 0;
	device_path(k ? k : &kernel_view_real, dir, ret);
}

/* Fills what every block device has.  d->sysdir is set. */
static int read_block(const struct kernel_view *k, struct disk *d, struct err *e)
{
	char dir[PATH_MAX], text[96];
	int part = sysfs_exists("%s/partition", d->sysdir);

	snprintf(dir, sizeof dir, "%s", d->sysdir);
	if (part)
		*strrchr(dir, '/') = 0;
	if (sysfs_text(text, sizeof text, "%s/dev", d->sysdir) < 0 ||
	    sscanf(text, "%u:%u", &d->major, &d->minor) != 2)
		return err_set(e, ERR_IO, "%s/dev: not a device number: \"%s\"",
			       d->sysdir, text);
	device_path(k, d->sysdir, d->path);
	snprintf(d->name, sizeof d->name, "%s", d->path + strlen(k->dev) + 1);
	d->size = 512 * sysfs_u64(0, "%s/size", d->sysdir);
	d->sector_size = (uint32_t)sysfs_u64(512, "%s/queue/logical_block_size", dir);
	d->phys_size = (uint32_t)sysfs_u64(d->sector_size, "%s/queue/physical_block_size", dir);
	d->removable = sysfs_u64(0, "%s/removable", dir) != 0;
	d->read_only = sysfs_u64(0, "%s/ro", d->sysdir) != 0;
	d->rotational = sysfs_u64(0, "%s/queue/rotational", dir) != 0;
	snprintf(d->kind, sizeof d->kind, "%s", part ? "part" :
		 sysfs_u64(0, "%s/device/type", dir) == 5 ? "cdrom" : "disk");
	disk_identify(dir, d);
	return 0;
}

/* sysfs tells a made-up size of a drive without a disc.  Asked without opening
 * it for reading, which would draw in an open tray. */
static int has_no_disc(const struct kernel_view *k, const char *name)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	int status;

	if (strncmp(name, "sr", 2))
		return 0;
	snprintf(path, sizeof path, "%s/%.60s", k->dev, name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	status = fd < 0 ? CDS_NO_INFO : ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT);
	return status == CDS_NO_DISC || status == CDS_TRAY_OPEN;
}

int disks_lists(const char *name)
{
	static const char *const not_disks[] = { "loop", "ram", "zram", "dm-", "md", "fd" };

	for (size_t i = 0; i < sizeof not_disks / sizeof *not_disks; i++)
		if (!strncmp(name, not_disks[i], strlen(not_disks[i])))
			return 0;
	/* an eMMC's boot and replay-protected areas */
	return strncmp(name, "mmcblk", 6) || (!strstr(name, "boot") && !strstr(name, "rpmb"));
}

/* Is this name in /sys/block something that a person calls a disk? */
static int is_disk(const struct kernel_view *k, const char *name)
{
	size_t len = strlen(name);

	if (!disks_lists(name))
		return 0;
	/* one path of a multipath NVMe namespace, which is listed by itself */
	if (sysfs_u64(0, "%s/block/%s/hidden", k->sys, name))
		return 0;
	/* a card reader without a card, a drive without a disc */
	return len < sizeof ((struct disk *)0)->name && !has_no_disc(k, name) &&
	       sysfs_u64(0, "%s/block/%s/size", k->sys, name) > 0;
}

int disks_list(const struct kernel_view *k, struct disk **ret, size_t *ret_n,
	       struct err *e)
{
	char **names;
	struct disk *list = NULL, *more;
	struct err ignored;
	size_t n = 0;

	if (!k)
		k = &kernel_view_real;
	names = sysfs_names("%s/block", k->sys);
	if (!names)
		return err_set(e, ERR_IO, "%s/block can't be read; is sysfs mounted?", k->sys);
	for (char **p = names; *p; p++) {
		if (!is_disk(k, *p))
			continue;
		more = realloc(list, (n + 1) * sizeof *list);
		if (!more) {
			free(list);
			sysfs_names_free(names);
			return err_set(e, ERR_NOMEM, "out of memory for the list of disks");
		}
		list = more;
		memset(&list[n], 0, sizeof *list);
		/* one that was pulled out meanwhile is not there any more */
		if (sysfs_real(list[n].sysdir, "%s/block/%s", k->sys, *p) == 0 &&
		    read_block(k, &list[n], &ignored) == 0)
			n++;
	}
	sysfs_names_free(names);
	*ret = list;
	*ret_n = n;
	return 0;
}

static int file_disk(const char *path, const struct stat *st, struct disk *d,
		     struct err *e)
{
	const char *slash;

	if (!realpath(path, d->path))
		return err_sys(e, errno, "%s", path);
	slash = strrchr(d->path, '/');
	snprintf(d->name, sizeof d->name, "%.60s", slash[1] ? slash + 1 : slash);
	snprintf(d->kind, sizeof d->kind, "file");
	d->major = major(st->st_dev);
	d->minor = minor(st->st_dev);
	d->ino = st->st_ino;
	d->size = (uint64_t)st->st_size;
	d->sector_size = d->phys_size = 512;
	return 0;
}

int disk_by_path(const struct kernel_view *k, const char *path,
		 struct disk *ret, struct err *e)
{
	struct stat st;
	struct disk d = { 0 };
	int r;

	if (!k)
		k = &kernel_view_real;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return err_set(e, ERR_NOT_FOUND,
				       "%s: there is no such disk or file; `rehost disks` lists the disks", path);
		return err_sys(e, errno, "%s", path);
	}
	if (S_ISREG(st.st_mode)) {
		r = file_disk(path, &st, &d, e);
	} else if (S_ISBLK(st.st_mode)) {
		if (sysfs_real(d.sysdir, "%s/dev/block/%u:%u", k->sys,
			       major(st.st_rdev), minor(st.st_rdev)) < 0)
			return err_set(e, ERR_IO, "%s: the kernel has no such device (%u:%u)",
				       path, major(st.st_rdev), minor(st.st_rdev));
		r = read_block(k, &d, e);
	} else {
		return err_set(e, ERR_USAGE,
			       "%s is neither a block device nor a regular file", path);
	}
	if (r == 0)
		*ret = d;
	return r;
}
