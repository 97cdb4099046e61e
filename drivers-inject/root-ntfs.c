/* root-ntfs.c: see root-ntfs.h.  Reading is done on the volume as it stands; each
 * change is one edit of ntfsrw.c: whole on the disk or not there. */
#include "imager/fs/ntfsrw.h"
#include "drivers-inject/root-ntfs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "drivers-inject/root-ops.h"
#include "imager/fs/ntfsput.h"

/* In the volume's root: there may be several Windows directories or none.  What
 * is in it only SYSTEM and administrators may read: copies of registry hives. */
#define JOURNAL "/rehost-adapt"

struct root_ntfs {
	struct root r;
	struct ntfsrw *rw;
};

static struct ntfsrw *rw_of(struct root *r)
{
	return ((struct root_ntfs *)r)->rw;
}

static void nt_close(struct root *r)
{
	ntfsrw_close(rw_of(r));
}

/* ---- reading ---- */

static int nt_fd(struct root *r, const char *path, int flags, unsigned int mode, int *ret,
		 struct err *e)
{
	ntfs_volume *vol;
	int fd, rc;

	(void)mode;
	if (flags & ~(O_RDONLY | O_NONBLOCK | O_NOFOLLOW))
		return err_set(e, ERR_UNSUPPORTED, "%s: on an NTFS volume that isn't mounted a file can be "
			       "read as a whole, not opened", path);
	rc = ntfsrw_view(rw_of(r), &vol, e);
	if (rc)
		return rc;
	fd = memfd_create("ntfs", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "%s: room for a copy", path);
	rc = ntfsfile_copy(vol, path, fd, e);
	if (!rc && lseek(fd, 0, SEEK_SET) < 0)
		rc = err_sys(e, errno, "%s", path);
	if (rc)
		close(fd);
	else
		*ret = fd;
	return rc;
}

static int nt_stat(struct root *r, const char *path, int follow, struct stat *ret, struct err *e)
{
	static const mode_t modes[] = {
		[NTFSFILE_DIR] = S_IFDIR | 0755, [NTFSFILE_FILE] = S_IFREG | 0644,
		[NTFSFILE_LINK] = S_IFLNK | 0777,
	};
	struct ntfsfile_stat s;
	ntfs_volume *vol;
	int rc = ntfsrw_view(rw_of(r), &vol, e);

	if (!rc)
		rc = ntfsfile_stat(vol, path, &s, e);
	if (!rc && follow && s.type == NTFSFILE_LINK)
		rc = err_set(e, ERR_UNSUPPORTED, "%s: a junction or link, which is not followed", path);
	if (rc)
		return rc;
	*ret = (struct stat){
		.st_mode = modes[s.type], .st_ino = s.id, .st_size = (off_t)s.size, .st_nlink = 1,
		.st_mtim = { s.mtime, s.mtime_ns },
	};
	return 0;
}

struct lister {
	struct strv names;
	int no_memory, full;
};

static int list_one(void *ctx, const char *name)
{
	struct lister *l = ctx;

	l->full = l->names.n >= ROOT_LIST_MAX;
	l->no_memory = !l->full && strv_add(&l->names, name);
	return l->full || l->no_memory;
}

static int nt_list(struct root *r, const char *path, struct strv *ret, struct err *e)
{
	struct lister l = { 0 };
	ntfs_volume *vol;
	int rc = ntfsrw_view(rw_of(r), &vol, e);

	if (!rc)
		rc = ntfsfile_list(vol, path, list_one, &l, e);
	if (!rc && l.full)
		rc = err_set(e, ERR_UNSUPPORTED, "%s: more than %d names in the guest", path, ROOT_LIST_MAX);
	if (!rc && l.no_memory)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	if (rc) {
		strv_done(&l.names);
		return rc;
	}
	strv_sort(&l.names);
	*ret = l.names;
	return 0;
}

static int nt_readlink(struct root *r, const char *path, char ret[PATH_MAX], struct err *e)
{
	struct stat st;
	int rc = nt_stat(r, path, 0, &st, e);

	(void)ret;
	if (!rc && S_ISLNK(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: a junction or link, which is not followed", path);
	return rc ? rc : err_set(e, ERR_NOT_FOUND, "%s: not a symbolic link in the guest", path);
}

static int nt_resolve(struct root *r, const char *path, char ret[PATH_MAX], struct err *e)
{
	ntfs_volume *vol;
	int rc = ntfsrw_view(rw_of(r), &vol, e);

	_Static_assert(NTFSFILE_PATH_MAX <= PATH_MAX, "ret is that long");
	return rc ? rc : ntfsfile_real(vol, path, ret, e);
}

static int nt_spell(struct root *r, char path[PATH_MAX], struct err *e)
{
	char real[PATH_MAX];
	int rc = nt_resolve(r, path, real, e);

	/* a directory that is missing is made by apply */
	if (!rc)
		strcpy(path, real);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* ---- what a file has beside its content, as xattrs ---- */

static int add_meta(struct file_meta *m, const char *name, const void *bytes, size_t len)
{
	cleanup_free char *hex = malloc(2 * len + 1);

	if (!hex)
		return ERR_NOMEM;
	hex_encode(bytes, len, hex);
	return strv_add(&m->xattr_names, name) || strv_add(&m->xattr_values, hex) ? ERR_NOMEM : 0;
}

static int nt_meta_get(struct root *r, const char *path, struct file_meta *ret, struct err *e)
{
	struct file_meta m = { .mode = 0644 };
	struct ntfs_meta nm;
	ntfs_volume *vol;
	struct stat st;
	int rc = nt_stat(r, path, 0, &st, e);

	if (!rc)
		rc = ntfsrw_view(rw_of(r), &vol, e);
	if (!rc)
		rc = ntfs_meta_get(vol, path, &nm, e);
	if (rc)
		return rc;
	m.mtime = st.st_mtim;
	if (add_meta(&m, "system.ntfs_attrib", &nm.attributes, sizeof nm.attributes) ||
	    add_meta(&m, "system.ntfs_times", nm.times, sizeof nm.times) ||
	    add_meta(&m, "system.ntfs_acl", nm.sd, nm.sd_len) ||
	    (*nm.dos_name &&
	     add_meta(&m, "system.ntfs_dos_name", nm.dos_name, strlen(nm.dos_name))))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	ntfs_meta_done(&nm);
	if (rc)
		file_meta_done(&m);
	else
		*ret = m;
	return rc;
}

/* The bytes of one of them; -1: it isn't there, longer than max, or no bytes. */
static ssize_t get_meta(const struct file_meta *m, const char *name, void *ret, size_t max)
{
	uint8_t *p = ret;

	for (size_t i = 0; i < m->xattr_names.n && i < m->xattr_values.n; i++) {
		const char *hex = m->xattr_values.v[i];
		size_t n = strlen(hex) / 2;

		if (strcmp(m->xattr_names.v[i], name))
			continue;
		for (size_t k = 0; k < n && n <= max; k++)
			if (sscanf(hex + 2 * k, "%2hhx", &p[k]) != 1)
				return -1;
		return n <= max ? (ssize_t)n : -1;
	}
	return -1;
}

static int to_ntfs(const struct file_meta *m, const char *path, struct ntfs_meta *ret,
		   struct err *e)
{
	struct ntfs_meta nm = { .sd = malloc(NTFS_SD_MAX) };
	ssize_t sd = nm.sd ? get_meta(m, "system.ntfs_acl", nm.sd, NTFS_SD_MAX) : -1;

	if (!nm.sd)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (sd <= 0 ||
	    get_meta(m, "system.ntfs_attrib", &nm.attributes, sizeof nm.attributes) !=
		    sizeof nm.attributes ||
	    get_meta(m, "system.ntfs_times", nm.times, sizeof nm.times) != sizeof nm.times) {
		free(nm.sd);
		return err_set(e, ERR_CORRUPT, "%s: the journal lacks its attributes", path);
	}
	nm.sd_len = (size_t)sd;
	(void)!get_meta(m, "system.ntfs_dos_name", nm.dos_name, sizeof nm.dos_name - 1);
	*ret = nm;
	return 0;
}

/* ---- changing ---- */

/* One edit, and what it needs. */
struct edit_args {
	const char *path;
	int fd;
	enum ntfs_access access;
	const struct ntfs_meta *meta;
	int times;
};

static int edit_put(ntfs_volume *vol, void *ctx, struct err *e)
{
	const struct edit_args *a = ctx;

	return ntfsput_file(vol, a->path, a->fd, a->access, a->meta, a->times, e);
}

static int edit_mkdir(ntfs_volume *vol, void *ctx, struct err *e)
{
	const struct edit_args *a = ctx;

	return ntfsput_dir(vol, a->path, a->access, e);
}

static int edit_remove(ntfs_volume *vol, void *ctx, struct err *e)
{
	return ntfsput_remove(vol, ((const struct edit_args *)ctx)->path, e);
}

static int nt_may(struct root *r, const char *path, enum root_change c, struct err *e)
{
	ntfs_volume *vol;
	struct stat st;
	int missing, rc = nt_stat(r, path, 0, &st, e);

	if (c == ROOT_APPEND || c == ROOT_LINK)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s on NTFS, which is not done here", path,
			       c == ROOT_LINK ? "a symbolic link" : "a part that is added to a file");
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	missing = rc == ERR_NOT_FOUND;
	rc = ntfsrw_view(rw_of(r), &vol, e);
	if (rc)
		return rc;
	if (missing)
		return ntfsput_may_make(vol, path, e);
	return c == ROOT_REMOVE ? ntfsput_may_remove(vol, path, e) : ntfsput_may_write(vol, path, e);
}

static enum ntfs_access access_of(mode_t mode)
{
	return mode & 0004 ? NTFS_PUBLIC : NTFS_PRIVATE;
}

static int nt_put(struct root *r, const char *path, int from, mode_t mode,
		  const struct file_meta *meta, struct err *e)
{
	struct edit_args a = { .path = path, .fd = from, .access = access_of(mode) };
	struct ntfs_meta nm = { 0 };
	int rc = meta ? to_ntfs(meta, path, &nm, e) : 0;

	if (rc)
		return rc;
	a.meta = meta ? &nm : NULL;
	a.times = meta && meta->mtime.tv_sec;
	rc = ntfsrw_edit(rw_of(r), edit_put, &a, e);
	free(nm.sd);
	return rc;
}

static int nt_put_link(struct root *r, const char *path, const char *target,
		       const struct file_meta *meta, struct err *e)
{
	(void)target, (void)meta;
	return nt_may(r, path, ROOT_LINK, e);
}

static int nt_new(struct root *r, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	int fd = memfd_create("new", MFD_CLOEXEC);

	(void)r, (void)mode;
	if (fd < 0)
		return err_sys(e, errno, "%s: room for it in memory", path);
	*ret_fd = fd;
	return 0;
}

static int nt_new_done(struct root *r, const char *path, mode_t mode, int fd, struct err *e)
{
	return nt_put(r, path, fd, mode, NULL, e);
}

static int nt_remove(struct root *r, const char *path, struct err *e)
{
	struct edit_args a = { .path = path };
	struct stat st;

	/* nothing to do is no edit */
	if (nt_stat(r, path, 0, &st, NULL) == ERR_NOT_FOUND)
		return 0;
	return ntfsrw_edit(rw_of(r), edit_remove, &a, e);
}

static int nt_mkdir(struct root *r, const char *path, struct err *e)
{
	struct edit_args a = { .path = path };

	a.access = strncmp(path, JOURNAL, strlen(JOURNAL)) ? NTFS_PUBLIC : NTFS_PRIVATE;
	return ntfsrw_edit(rw_of(r), edit_mkdir, &a, e);
}

static int one_is_enough(void *ctx, const char *name)
{
	(void)name;
	*(int *)ctx = 1;
	return 1;
}

static void nt_rmdir(struct root *r, const char *path)
{
	ntfs_volume *vol;
	int full = 0;

	if (!ntfsrw_view(rw_of(r), &vol, NULL) &&
	    !ntfsfile_list(vol, path, one_is_enough, &full, NULL) && !full)
		(void)!nt_remove(r, path, NULL);
}

static const struct root_ops root_ntfs_ops = {
	.journal_dir = JOURNAL,
	.fd = nt_fd,
	.stat = nt_stat,
	.list = nt_list,
	.readlink = nt_readlink,
	.resolve = nt_resolve,
	.spell = nt_spell,
	.close = nt_close,
	.meta_get = nt_meta_get,
	.may = nt_may,
	.put = nt_put,
	.put_link = nt_put_link,
	.new = nt_new,
	.new_done = nt_new_done,
	.remove = nt_remove,
	.mkdir = nt_mkdir,
	.rmdir = nt_rmdir,
};

int root_ntfs_open(struct blkdev *d, unsigned int flags, struct root **ret, struct err *e)
{
	struct root_ntfs *r = root_new_object(sizeof *r, &root_ntfs_ops, d->name, e);
	int rc;

	if (!r)
		return ERR_NOMEM;
	rc = ntfsrw_open(d, flags & ROOT_NTFS_EVEN_DIRTY ? NTFS_EVEN_DIRTY : 0, &r->rw, e);
	if (rc)
		root_close(&r->r);
	else
		*ret = &r->r;
	return rc;
}

int root_ntfs_forget_hibernation(struct blkdev *d, struct err *e)
{
	return ntfsrw_forget_hibernation(d, e);
}
