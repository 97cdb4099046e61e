/* imgfuse-fs.c: the files of an image as a FUSE file system. */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse.h>
#include <fuse_log.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "imager/imgdev.h"
#include "imager/imgfuse-int.h"
#include "imager/part/part.h"
#include "imager/partial.h"

#define FILES_MAX 129           /* the disk, and the partitions of a GPT     */
#define FOREVER 86400.0         /* s; nothing ever changes                   */

struct file {
	char name[32];
	uint64_t off, len;        /* bytes of the disk                         */
};

struct imgfs {
	struct fuse *fuse;
	struct image *im;
	struct file file[FILES_MAX];
	size_t n_files;
	uint64_t created;
	int error_fd;
	int mounted;
	char dir[4096];
};

static struct imgfs *self(void)
{
	return fuse_get_context()->private_data;
}

static const struct file *find(const struct imgfs *f, const char *path)
{
	for (size_t i = 0; i < f->n_files; i++)
		if (!strcmp(f->file[i].name, path + 1))
			return &f->file[i];
	return NULL;
}

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct imgfs *f = self();
	const struct file *file = find(f, path);

	(void)fi;
	st->st_uid = getuid();
	st->st_gid = getgid();
	st->st_mtime = st->st_ctime = st->st_atime = (time_t)f->created;
	st->st_nlink = 1;
	st->st_mode = S_IFREG | 0400;
	if (!strcmp(path, "/"))
		st->st_mode = S_IFDIR | 0500;
	else if (!file)
		return -ENOENT;
	else
		st->st_size = (off_t)file->len;
	return 0;
}

static int fs_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	const struct imgfs *f = self();

	(void)off, (void)fi, (void)flags;
	if (strcmp(path, "/"))
		return -ENOTDIR;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	for (size_t i = 0; i < f->n_files; i++)
		fill(buf, f->file[i].name, NULL, 0, 0);
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	if (!find(self(), path))
		return -ENOENT;
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	fi->keep_cache = 1;
	return 0;
}

static int fs_read(const char *path, char *buf, size_t len, off_t off, struct fuse_file_info *fi)
{
	struct imgfs *f = self();
	const struct file *file = find(f, path);
	struct err e;

	(void)fi;
	if (!file || off < 0)
		return -ENOENT;
	if ((uint64_t)off >= file->len)
		return 0;
	if (len > file->len - (uint64_t)off)
		len = (size_t)(file->len - (uint64_t)off);
	if (image_read(f->im, file->off + (uint64_t)off, buf, len, &e) == 0)
		return (int)len;
	if (f->error_fd >= 0 && write(f->error_fd, &e, sizeof e) == (ssize_t)sizeof e)
		f->error_fd = -1;
	return -EIO;
}

static void *fs_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	cfg->kernel_cache = 1;
	cfg->attr_timeout = cfg->entry_timeout = cfg->negative_timeout = FOREVER;
	cfg->nullpath_ok = 0;
	return self();
}

static const struct fuse_operations operations = {
	.init = fs_init, .getattr = fs_getattr, .readdir = fs_readdir,
	.open = fs_open, .read = fs_read,
};

/* What libfuse would print, for the error. */
static char said[300];

static void take_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	if (level > FUSE_LOG_ERR)
		return;
	vsnprintf(said, sizeof said, fmt, ap);
	said[strcspn(said, "\n")] = 0;
}

int imgfs_mount(const char *dir, struct imgfs **ret, struct err *e)
{
	char options[] = "ro,nosuid,nodev,default_permissions,fsname=rehost,subtype=image";
	char name[] = "rehost", o[] = "-o";
	char *argv[] = { name, o, options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct imgfs *f = calloc(1, sizeof *f);

	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	f->error_fd = -1;
	snprintf(f->dir, sizeof f->dir, "%s", dir);
	fuse_set_log_func(take_log);
	f->fuse = fuse_new(&args, &operations, sizeof operations, f);
	if (f->fuse && fuse_mount(f->fuse, dir) == 0) {
		f->mounted = 1;
		*ret = f;
		return 0;
	}
	imgfs_free(f);
	return err_set(e, ERR_IO, "%s: FUSE can't be mounted there%s%s", dir,
		       *said ? ": " : "", said);
}

static void add(struct imgfs *f, uint64_t off, uint64_t len, const char *fmt, unsigned int n)
{
	struct file *file = &f->file[f->n_files];

	if (f->n_files == FILES_MAX)
		return;
	if (n)
		snprintf(file->name, sizeof file->name, fmt, n);
	else
		snprintf(file->name, sizeof file->name, "%s", fmt);
	file->off = off;
	file->len = len;
	f->n_files++;
}

int imgfs_files(struct imgfs *f, struct image *im, const char *file_name, struct err *e)
{
	const struct image_params *p = image_params(im);
	struct part_table *t = NULL;
	struct part_choice has;
	struct blkdev *d;
	struct err ignored;

	partial_read(im, &has);
	f->im = im;
	f->created = p->created;
	add(f, 0, p->disk_size, "disk.img", 0);
	if (dev_image(im, file_name, &d, e))
		return e->code;
	/* a table that can't be trusted: the disk as a whole is there */
	if (part_read(d, &t, &ignored) == 0)
		for (size_t i = 0; i < t->n_parts; i++)
			if (!(t->parts[i].flags & PART_EXTENDED) && part_chosen(&has, t->parts[i].number))
				add(f, t->parts[i].start, t->parts[i].size, "part%u.img",
				    t->parts[i].number);
	part_free(t);
	dev_close(d);
	return 0;
}

void imgfs_serve(struct imgfs *f, const volatile sig_atomic_t *stop, int life_fd,
		 int error_fd)
{
	struct fuse_session *se = fuse_get_session(f->fuse);
	struct fuse_buf buf = { 0 };
	struct pollfd p[2] = { { .fd = fuse_session_fd(se), .events = POLLIN },
			       { .fd = life_fd, .events = POLLIN } };

	f->error_fd = error_fd;
	while (!fuse_session_exited(se) && !*stop) {
		int n = poll(p, 2, 1000);

		if (n > 0 && p[1].revents)
			break;
		/* POLLERR: it was unmounted */
		if (n <= 0 || !p[0].revents)
			continue;
		n = fuse_session_receive_buf(se, &buf);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			f->mounted = n != -ENODEV && n != 0;
			break;
		}
		fuse_session_process_buf(se, &buf);
	}
	free(buf.mem);
}

void imgfs_free(struct imgfs *f)
{
	if (!f)
		return;
	/* busy: it goes when the last user has gone, and reads fail till then */
	if (f->fuse && f->mounted && getuid() == 0)
		umount2(f->dir, MNT_DETACH | UMOUNT_NOFOLLOW);
	if (f->fuse && f->mounted)
		fuse_unmount(f->fuse);
	if (f->fuse)
		fuse_destroy(f->fuse);
	free(f);
}
