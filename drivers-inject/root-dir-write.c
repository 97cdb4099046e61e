/* root-dir-write.c: changing files below a directory.  See root-dir.h. */
#include "drivers-inject/root-dir.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"

#define XATTR_MAX 65536         /* bytes of all names or of one value (Linux' limit) */
#define NEW_NAME ".rehost-new"  /* beside the file until it takes its place  */

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

/* ---- what a file has beside its content ---- */

/* proc: "/proc/self/fd/N" of an O_PATH descriptor, which f*xattr refuse */
static int get_xattrs(const char *proc, const char *path, struct file_meta *m, struct err *e)
{
	cleanup_free char *names = malloc(XATTR_MAX), *value = malloc(XATTR_MAX),
			  *hex = malloc(2 * XATTR_MAX + 1);
	ssize_t len, n;

	if (!names || !value || !hex)
		return no_memory(e);
	len = listxattr(proc, names, XATTR_MAX);
	if (len < 0)
		return errno == ENOTSUP ? 0 : err_sys(e, errno, "%s: reading its attributes", path);
	for (char *p = names; p < names + len; p += strlen(p) + 1) {
		n = getxattr(proc, p, value, XATTR_MAX);
		if (n < 0)
			return err_sys(e, errno, "%s: reading attribute %s", path, p);
		hex_encode((uint8_t *)value, (size_t)n, hex);
		if (strv_add(&m->xattr_names, p) || strv_add(&m->xattr_values, hex))
			return no_memory(e);
	}
	return 0;
}

int root_dir_meta_get(struct root *r, const char *path, struct file_meta *ret, struct err *e)
{
	struct file_meta m = { 0 };
	cleanup_close int fd = -1;
	char proc[64];
	struct stat st;
	int rc = root_dir_fd(r, path, O_PATH | O_NOFOLLOW, 0, &fd, e);

	if (rc)
		return rc;
	if (fstat(fd, &st))
		return err_sys(e, errno, "%s", path);
	m.mode = st.st_mode & 07777;
	m.uid = st.st_uid;
	m.gid = st.st_gid;
	m.mtime = st.st_mtim;
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	if (!S_ISLNK(st.st_mode) && (rc = get_xattrs(proc, path, &m, e))) {
		file_meta_done(&m);
		return rc;
	}
	*ret = m;
	return 0;
}

static int set_xattrs(int fd, const char *path, const struct file_meta *m, struct err *e)
{
	cleanup_free uint8_t *value = malloc(XATTR_MAX);

	if (!value)
		return no_memory(e);
	for (size_t i = 0; i < m->xattr_names.n && i < m->xattr_values.n; i++) {
		const char *hex = m->xattr_values.v[i];
		size_t n = strlen(hex) / 2;

		for (size_t k = 0; k < n && k < XATTR_MAX; k++)
			if (sscanf(hex + 2 * k, "%2hhx", &value[k]) != 1)
				return err_set(e, ERR_CORRUPT, "%s: attribute %s is not hexadecimal",
					       path, m->xattr_names.v[i]);
		if (fsetxattr(fd, m->xattr_names.v[i], value, n, 0))
			return err_sys(e, errno, "%s: setting attribute %s", path,
				       m->xattr_names.v[i]);
	}
	return 0;
}

/* A FAT file system has neither owners nor modes: EPERM there is no failure.
 * Without root (trees in tests) files stay the user's own. */
static int set_owner_mode(int fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
			  struct err *e)
{
	if (fchown(fd, uid, gid) && errno != EPERM)
		return err_sys(e, errno, "%s: setting its owner", path);
	if (fchmod(fd, mode) && errno != EPERM)
		return err_sys(e, errno, "%s: setting its permissions", path);
	return 0;
}

/* ---- files of the guest ---- */

/* "/etc/fstab" -> "/etc" */
static void parent(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	snprintf(ret, PATH_MAX, "%.*s", slash > path ? (int)(slash - path) : 1,
		 slash > path ? path : "/");
}

/* The directory of path, open, and its last component; nothing is followed
 * any more from there on. */
static int open_parent(struct root *r, const char *path, int *ret_fd, const char **ret_name,
		       struct err *e)
{
	char dir[PATH_MAX];

	parent(path, dir);
	*ret_name = strrchr(path, '/') + 1;
	return root_dir_fd(r, dir, O_RDONLY | O_DIRECTORY, 0, ret_fd, e);
}

int root_dir_put(struct root *r, const char *path, int from, mode_t mode,
		 const struct file_meta *meta, struct err *e)
{
	cleanup_close int dir = -1, fd = -1;
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
	const char *name;
	int rc = open_parent(r, path, &dir, &name, e);

	if (rc)
		return rc;
	if (unlinkat(dir, NEW_NAME, 0) && errno != ENOENT)
		return err_sys(e, errno, "%s: removing an old %s beside it", path, NEW_NAME);
	fd = openat(dir, NEW_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s: making the new file beside it", path);
	rc = lseek(from, 0, SEEK_SET) < 0 ? err_sys(e, errno, "%s", path)
					  : file_copy(from, fd, NULL, e);
	if (rc)
		err_prefix(e, "%s", path);
	if (!rc)
		rc = set_owner_mode(fd, path, meta ? meta->mode : mode, meta ? meta->uid : 0,
				    meta ? meta->gid : 0, e);
	if (!rc && meta)
		rc = set_xattrs(fd, path, meta, e);
	if (!rc && meta && meta->mtime.tv_sec) {
		times[1] = meta->mtime;
		if (futimens(fd, times))
			rc = err_sys(e, errno, "%s: setting its time", path);
	}
	if (!rc && fsync(fd))
		rc = err_sys(e, errno, "%s: writing it out", path);
	if (!rc && renameat(dir, NEW_NAME, dir, name))
		rc = err_sys(e, errno, "%s: putting the new file in its place", path);
	if (rc) {
		unlinkat(dir, NEW_NAME, 0);
		return rc;
	}
	if (fsync(dir))
		return err_sys(e, errno, "%s: writing its directory out", path);
	return 0;
}

int root_dir_put_link(struct root *r, const char *path, const char *target,
		      const struct file_meta *meta, struct err *e)
{
	cleanup_close int dir = -1;
	struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } };
	const char *name;
	int rc = open_parent(r, path, &dir, &name, e);

	if (rc)
		return rc;
	if (unlinkat(dir, NEW_NAME, 0) && errno != ENOENT)
		return err_sys(e, errno, "%s: removing an old %s beside it", path, NEW_NAME);
	if (symlinkat(target, dir, NEW_NAME))
		return err_sys(e, errno, "%s: making the link", path);
	if (meta && fchownat(dir, NEW_NAME, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) &&
	    errno != EPERM)
		rc = err_sys(e, errno, "%s: setting its owner", path);
	if (!rc && meta && meta->mtime.tv_sec) {
		times[1] = meta->mtime;
		(void)utimensat(dir, NEW_NAME, times, AT_SYMLINK_NOFOLLOW);
	}
	if (!rc && renameat(dir, NEW_NAME, dir, name))
		rc = err_sys(e, errno, "%s: putting the link in its place", path);
	if (rc) {
		unlinkat(dir, NEW_NAME, 0);
		return rc;
	}
	return fsync(dir) ? err_sys(e, errno, "%s: writing its directory out", path) : 0;
}

int root_dir_remove(struct root *r, const char *path, struct err *e)
{
	cleanup_close int dir = -1;
	const char *name;
	int rc = open_parent(r, path, &dir, &name, e);

	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return err_sys(e, errno, "%s: removing it", path);
	return fsync(dir) ? err_sys(e, errno, "%s: writing its directory out", path) : 0;
}

int root_dir_mkdir(struct root *r, const char *path, struct err *e)
{
	cleanup_close int up = -1;
	const char *name;
	int rc = open_parent(r, path, &up, &name, e);

	if (rc)
		return rc;
	if (mkdirat(up, name, 0755))
		return err_sys(e, errno, "%s: making the directory", path);
	return fsync(up) ? err_sys(e, errno, "%s: writing its directory out", path) : 0;
}

void root_dir_rmdir(struct root *r, const char *path)
{
	cleanup_close int dir = -1;
	const char *name;

	if (!open_parent(r, path, &dir, &name, NULL))
		(void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* Whatever is a file or a link here can be changed and put back. */
int root_dir_may(struct root *r, const char *path, enum root_change c, struct err *e)
{
	(void)r, (void)path, (void)c, (void)e;
	return 0;
}

int root_dir_new(struct root *r, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	return root_dir_fd(r, path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode, ret_fd, e);
}

int root_dir_new_done(struct root *r, const char *path, mode_t mode, int fd, struct err *e)
{
	(void)r, (void)mode;
	return fsync(fd) ? err_sys(e, errno, "%s: writing it out", path) : 0;
}
