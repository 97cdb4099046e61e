/* pipe.c: an open descriptor (a pipe, a socket, standard output), and any
 * device as a file to read from. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>
#include "common/io.h"
#include "imager/store/store.h"

struct pipe_out {
	struct store_out s;
	int fd;
};

static int pipe_append(struct store_out *s, const void *buf, size_t len,
		       struct err *e)
{
	int n = io_write_all(((struct pipe_out *)s)->fd, buf, len);

	return n ? err_sys(e, n, "%s: writing the image at offset %llu", s->name,
			   (unsigned long long)s->written) : 0;
}

static int pipe_commit(struct store_out *s, struct err *e)
{
	struct stat st;
	int fd = ((struct pipe_out *)s)->fd;

	/* standard output may be a file */
	if (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) &&
	    fsync(fd) < 0)
		return err_sys(e, errno, "%s: the image could not be made durable", s->name);
	return 0;
}

static void pipe_abort(struct store_out *s)
{
	(void)s; /* what went into a pipe is gone; the missing END tells */
}

static const struct store_out_ops ops = {
	.append = pipe_append, .commit = pipe_commit, .undo = pipe_abort,
};

int store_create_fd(int fd, const char *name, struct store_out **ret,
		    struct err *e)
{
	struct pipe_out *p = calloc(1, sizeof *p);

	if (!p || !(p->s.name = strdup(name))) {
		free(p);
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	}
	p->s.ops = &ops;
	p->fd = fd;
	*ret = &p->s;
	return 0;
}

struct pipe_in {
	struct store_in s;
	int fd;
	struct blkdev *from;
};

static int pipe_read(struct store_in *s, void *buf, size_t len,
		     size_t *ret_got, struct err *e)
{
	int n = io_read_full(((struct pipe_in *)s)->fd, buf, len, ret_got);

	return n ? err_sys(e, n, "%s: reading the image at offset %llu", s->name,
			   (unsigned long long)s->pos) : 0;
}

static int dev_as_file_read(struct store_in *s, void *buf, size_t len,
			    size_t *ret_got, struct err *e)
{
	struct blkdev *d = ((struct pipe_in *)s)->from;
	uint64_t left = d->size - s->pos;
	size_t n = len < left ? len : (size_t)left;
	int r = dev_read(d, s->pos, buf, n, e);

	if (r == 0)
		*ret_got = n;
	return r;
}

static int open_in(const char *name, struct pipe_in **ret, struct err *e)
{
	struct pipe_in *p = calloc(1, sizeof *p);

	if (!p || !(p->s.name = strdup(name))) {
		free(p);
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	}
	*ret = p;
	return 0;
}

int store_open_fd(int fd, const char *name, struct store_in **ret,
		  struct err *e)
{
	struct pipe_in *p = NULL;
	int r = open_in(name, &p, e);

	if (r < 0)
		return r;
	p->s.read = pipe_read;
	p->fd = fd;
	*ret = &p->s;
	return 0;
}

int store_open_dev(struct blkdev *d, int as_pipe, struct store_in **ret,
		   struct err *e)
{
	struct pipe_in *p = NULL;
	int r = open_in(d->name, &p, e);

	if (r < 0)
		return r;
	p->s.read = dev_as_file_read;
	p->from = d;
	if (!as_pipe)
		p->s.dev = d;
	*ret = &p->s;
	return 0;
}
