/* sidevol-ntfs.c: a file put onto an NTFS volume that is not the guest's own, by
 * libntfs-3g over a device that keeps the writes. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/windows/sidevol.h"
#include "imager/fs/ntfsput.h"
#include "imager/fs/ntfsstate.h"

/* Makes the directories above path that are missing. */
static int make_parents(ntfs_volume *vol, const char *path, struct err *e)
{
	char dir[NTFSFILE_PATH_MAX];
	struct ntfsfile_stat st;
	int r = 0;

	for (const char *s = path + 1; !r && (s = strchr(s, '/')); s++) {
		snprintf(dir, sizeof dir, "%.*s", (int)(s - path), path);
		r = ntfsfile_stat(vol, dir, &st, e);
		if (r == ERR_NOT_FOUND)
			r = ntfsput_dir(vol, dir, NTFS_PUBLIC, e);
	}
	return r;
}

static int put(ntfs_volume *vol, const char *path, int fd, struct err *e)
{
	struct ntfsfile_stat st;
	int r = ntfs_may_write(vol, 0, e);

	if (!r)
		r = ntfsfile_stat(vol, path, &st, e);
	if (!r)
		r = ntfsput_may_write(vol, path, e);
	else if (r == ERR_NOT_FOUND)
		r = ntfsput_may_make(vol, path, e);
	if (!r)
		r = make_parents(vol, path, e);
	return r ? r : ntfsput_file(vol, path, fd, NTFS_PUBLIC, NULL, 0, e);
}

int sidevol_ntfs_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		     struct err *e)
{
	cleanup_close int fd = memfd_create("file", MFD_CLOEXEC);
	ntfs_volume *vol;
	struct err other;
	int n = fd < 0 ? errno : io_write_all(fd, bytes, len);
	int r = n ? err_sys(e, n, "memory for %s", path) : 0;

	if (!r)
		r = ntfsio_mount_rw(s->dev, &vol, e);
	if (r)
		return r;
	if (ntfs_set_ignore_case(vol))
		r = err_set(e, ERR_NOMEM, "out of memory for the names of a volume");
	if (!r)
		r = put(vol, path, fd, e);
	n = ntfsio_finish(vol, r ? &other : e);
	return r ? r : n;
}
