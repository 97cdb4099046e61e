/* root-dir.c: a guest's tree that is mounted at a directory: openat2(2) with
 * RESOLVE_IN_ROOT, so that no link leads out.  Reading; root-dir-write.c changes. */
#include "drivers-inject/root-dir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "common/cleanup.h"

#define LINKS_MAX 40 /* as Linux */

int root_open(const char *dir, struct root **ret, struct err *e)
{
	struct root_dir *r;
	int n, fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		n = errno;
		if (n == ENOENT || n == ENOTDIR)
			return err_set(e, ERR_USAGE, "%s: not a directory", dir);
		return err_sys(e, n, "%s", dir);
	}
	r = root_new_object(sizeof *r, &root_dir_ops, dir, e);
	if (!r) {
		close(fd);
		return ERR_NOMEM;
	}
	r->fd = fd;
	*ret = &r->r;
	return 0;
}

static void dir_close(struct root *r)
{
	close(((struct root_dir *)r)->fd);
}

static int fail(struct root *r, const char *path, int n, struct err *e)
{
	if (n == ENOENT || n == ENOTDIR)
		return err_set(e, ERR_NOT_FOUND, "%s: no such file in the guest", path);
	if (n == ELOOP)
		return err_set(e, ERR_CORRUPT, "%s: too many symbolic links in the guest", path);
	return err_sys(e, n, "%s in the guest at %s", path, r->name);
}

int root_dir_fd(struct root *r, const char *path, int flags, unsigned int mode,
		int *ret, struct err *e)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: something was renamed in the tree meanwhile */
	for (int i = 0; i < 100; i++) {
		fd = syscall(SYS_openat2, ((struct root_dir *)r)->fd, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0)
		return fail(r, path, errno, e);
	*ret = (int)fd;
	return 0;
}

static int dir_stat(struct root *r, const char *path, int follow, struct stat *ret,
		    struct err *e)
{
	cleanup_close int fd = -1;
	int rc = root_dir_fd(r, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0, &fd, e);

	if (rc)
		return rc;
	if (fstat(fd, ret))
		return fail(r, path, errno, e);
	return 0;
}

static int dir_list(struct root *r, const char *path, struct strv *ret, struct err *e)
{
	struct strv names = { 0 };
	struct dirent *d;
	DIR *dir;
	int fd, rc = root_dir_fd(r, path, O_RDONLY | O_DIRECTORY, 0, &fd, e);

	if (rc)
		return rc;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	for (errno = 0; !rc && (d = readdir(dir)); errno = 0) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (names.n >= ROOT_LIST_MAX)
			rc = err_set(e, ERR_UNSUPPORTED, "%s: more than %d names in the guest",
				     path, ROOT_LIST_MAX);
		else if (strv_add(&names, d->d_name))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	}
	if (!rc && errno)
		rc = err_sys(e, errno, "listing %s in the guest", path);
	closedir(dir);
	if (rc) {
		strv_done(&names);
		return rc;
	}
	strv_sort(&names);
	*ret = names;
	return 0;
}

static int dir_readlink(struct root *r, const char *path, char ret[PATH_MAX],
			struct err *e)
{
	cleanup_close int fd = -1;
	char target[PATH_MAX];
	ssize_t n;
	int rc = root_dir_fd(r, path, O_PATH | O_NOFOLLOW, 0, &fd, e);

	if (rc)
		return rc;
	n = readlinkat(fd, "", target, sizeof target);
	if (n < 0 || n >= PATH_MAX)
		return err_set(e, ERR_NOT_FOUND, "%s: not a symbolic link in the guest", path);
	memcpy(ret, target, (size_t)n);
	ret[n] = 0;
	return 0;
}

/* The path without links so far, and what is still to be walked. */
struct resolve {
	struct root *r;
	char done[PATH_MAX];    /* "" or "/usr/lib"; no links in it          */
	char rest[PATH_MAX];
	int links;
};

static int too_long(const char *path, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%.200s...: a path that is too long", path);
}

/* `name` below done is a link to target: rest becomes target/rest. */
static int follow(struct resolve *w, const char *target, struct err *e)
{
	char rest[PATH_MAX];

	if (++w->links > LINKS_MAX)
		return err_set(e, ERR_CORRUPT, "%s: too many symbolic links in the guest", w->done);
	if (snprintf(rest, sizeof rest, "%s/%s", target, w->rest) >= PATH_MAX)
		return too_long(target, e);
	strcpy(w->rest, rest);
	if (*target == '/')
		*w->done = 0;
	return 0;
}

/* One component; last: nothing follows it, so it need not be there. */
static int resolve_step(struct resolve *w, const char *name, int last, struct err *e)
{
	char path[PATH_MAX], target[PATH_MAX];
	struct stat st;
	int rc;

	if (!*name || !strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		char *slash = strrchr(w->done, '/');

		if (slash)
			*slash = 0;
		return 0;
	}
	if (snprintf(path, sizeof path, "%s/%s", w->done, name) >= PATH_MAX)
		return too_long(w->done, e);
	rc = root_lstat(w->r, path, &st, e);
	if (rc && !(rc == ERR_NOT_FOUND && last))
		return rc;
	if (!rc && S_ISLNK(st.st_mode)) {
		rc = root_readlink(w->r, path, target, e);
		return rc ? rc : follow(w, target, e);
	}
	strcpy(w->done, path);
	return 0;
}

static int dir_resolve(struct root *r, const char *path, char ret[PATH_MAX], struct err *e)
{
	struct resolve w = { .r = r };
	char name[PATH_MAX];
	struct stat st;

	if (snprintf(w.rest, sizeof w.rest, "%s", path) >= PATH_MAX)
		return too_long(path, e);
	while (*w.rest) {
		size_t n = strcspn(w.rest, "/"), skip = n + strspn(w.rest + n, "/");
		int rc;

		memcpy(name, w.rest, n);
		name[n] = 0;
		memmove(w.rest, w.rest + skip, strlen(w.rest + skip) + 1);
		rc = resolve_step(&w, name, !*w.rest, e);
		if (rc)
			return rc;
	}
	/* a last component that is missing must have a directory */
	if (root_lstat(r, *w.done ? w.done : "/", &st, NULL)) {
		char *slash = strrchr(w.done, '/');
		int rc;

		*slash = 0;
		rc = root_stat(r, *w.done ? w.done : "/", &st, e);
		*slash = '/';
		if (rc)
			return rc;
		if (!S_ISDIR(st.st_mode))
			return fail(r, w.done, ENOTDIR, e);
	}
	strcpy(ret, *w.done ? w.done : "/");
	return 0;
}

const struct root_ops root_dir_ops = {
	.journal_dir = "/var/lib/rehost/adapt",
	.fd = root_dir_fd,
	.stat = dir_stat,
	.list = dir_list,
	.readlink = dir_readlink,
	.resolve = dir_resolve,
	.close = dir_close,
	.meta_get = root_dir_meta_get,
	.may = root_dir_may,
	.put = root_dir_put,
	.put_link = root_dir_put_link,
	.new = root_dir_new,
	.new_done = root_dir_new_done,
	.remove = root_dir_remove,
	.mkdir = root_dir_mkdir,
	.rmdir = root_dir_rmdir,
};
