/* root.c: what all kinds of root share.  See root.h; root-ops.h is the seam. */
#include "drivers-inject/root.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/root-ops.h"

void *root_new_object(size_t size, const struct root_ops *ops, const char *name, struct err *e)
{
	struct root *r = calloc(1, size);

	if (!r || !(r->name = strdup(name))) {
		free(r);
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r->ops = ops;
	return r;
}

struct root *root_close(struct root *r)
{
	if (r) {
		r->ops->close(r);
		free(r->name);
		free(r);
	}
	return NULL;
}

const char *root_dir(const struct root *r)
{
	return r->name;
}

const char *root_journal_dir(const struct root *r)
{
	return r->ops->journal_dir;
}

int root_fd(struct root *r, const char *path, int flags, unsigned int mode,
	    int *ret, struct err *e)
{
	return r->ops->fd(r, path, flags, mode, ret, e);
}

int root_stat(struct root *r, const char *path, struct stat *ret, struct err *e)
{
	return r->ops->stat(r, path, 1, ret, e);
}

int root_lstat(struct root *r, const char *path, struct stat *ret, struct err *e)
{
	return r->ops->stat(r, path, 0, ret, e);
}

int root_list(struct root *r, const char *path, struct strv *ret, struct err *e)
{
	return r->ops->list(r, path, ret, e);
}

int root_readlink(struct root *r, const char *path, char ret[PATH_MAX], struct err *e)
{
	return r->ops->readlink(r, path, ret, e);
}

int root_resolve(struct root *r, const char *path, char ret[PATH_MAX], struct err *e)
{
	return r->ops->resolve(r, path, ret, e);
}

int root_spell(struct root *r, char path[PATH_MAX], struct err *e)
{
	return r->ops->spell ? r->ops->spell(r, path, e) : 0;
}

int root_has_file(struct root *r, const char *path)
{
	struct stat st;

	return !root_stat(r, path, &st, NULL) && S_ISREG(st.st_mode);
}

int root_has_dir(struct root *r, const char *path)
{
	struct stat st;

	return !root_stat(r, path, &st, NULL) && S_ISDIR(st.st_mode);
}

int root_exists(struct root *r, const char *path)
{
	struct stat st;

	return !root_lstat(r, path, &st, NULL);
}

int root_read(struct root *r, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *e)
{
	cleanup_close int fd = -1;
	cleanup_free char *buf = NULL;
	struct stat st;
	size_t len = 0;
	int rc;

	/* a FIFO or a device of the guest is never opened for reading */
	rc = root_stat(r, path, &st, e);
	if (rc)
		return rc;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: not a regular file in the guest", path);
	if ((uint64_t)st.st_size > max)
		return err_set(e, ERR_UNSUPPORTED, "%s: %lld bytes in the guest, the limit is %zu",
			       path, (long long)st.st_size, max);
	rc = root_fd(r, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);
	if (rc)
		return rc;
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "reading %s in the guest at offset %zu", path, len);
		if (!n)
			break;
		len += (size_t)n;
	}
	buf[len] = 0;
	*ret = buf;
	buf = NULL;
	if (ret_len)
		*ret_len = len;
	return 0;
}
