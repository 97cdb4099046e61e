/* cmd-capture-dest.c: see cmd-capture-dest.h. */
#include "imager/cmd-capture-dest.h"
#include <errno.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include "common/units.h"

void dest_name(const struct disk *d, char *ret, size_t size)
{
	size_t n;

	_Static_assert(sizeof d->name + sizeof d->serial + sizeof ".rhi.part" < NAME_MAX,
		       "a file's name");
	snprintf(ret, size, "%s%s%s", d->name, *d->serial ? "-" : "", d->serial);
	for (n = 0; ret[n]; n++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", ret[n]))
			ret[n] = '_';
	snprintf(ret + n, size - n, ".rhi");
}

int dest_make_dir(const char *path, const char *shown, struct err *e)
{
	struct stat st;

	if (mkdir(path, 0755) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_sys(e, errno == EEXIST ? ENOTDIR : errno, "%s: the directory can't be made", shown);
}

#define FAT_FILE_MAX 0xffffffffu /* bytes */
/* Only hints: nobody knows how well the bytes compress. */
void dest_tell_space(const char *path, const char *shown, uint64_t used, int split)
{
	char dir[PATH_MAX];
	struct statvfs v;
	struct statfs fs;
	uint64_t free_bytes;

	snprintf(dir, sizeof dir, "%s", path);
	dirname(dir);
	if (!strcmp(path, "-") || statvfs(dir, &v) < 0)
		return;
	free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	if (free_bytes < used)
		fprintf(stderr, "note: %s may be too small: %s are free, and the %s to capture must be compressed to that\n",
			shown, units_bytes(free_bytes).s, units_bytes(used).s);
	if (used > FAT_FILE_MAX && !split && statfs(dir, &fs) == 0 && fs.f_type == MSDOS_SUPER_MAGIC)
		fprintf(stderr, "note: %s is on a FAT file system, which holds no file of 4 GiB or more: give --split 4095M\n",
			shown);
}
