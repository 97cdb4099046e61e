/* store.c: what all stores share, and which one a path means. */
#include "imager/store/store.h"
#include <stdlib.h>
#include "imager/store/impl.h"

int store_create(const char *path, int replace, struct store_out **ret,
		 struct err *e)
{
	if (path[0] == '-' && !path[1])
		return store_create_fd(1, "standard output", ret, e);
	return file_create(path, replace, ret, e);
}

int store_append(struct store_out *s, const void *buf, size_t len,
		 struct err *e)
{
	int r = s->ops->append(s, buf, len, e);

	if (r == 0)
		s->written += len;
	return r;
}

static void out_free(struct store_out *s)
{
	free(s->name);
	free(s);
}

int store_commit(struct store_out *s, struct err *e)
{
	int r = s->ops->commit(s, e);

	if (r == 0)
		out_free(s);
	return r;
}

int store_resume(const char *path, int replace, struct store_out **ret, struct err *e)
{
	if (path[0] == '-' && !path[1])
		return err_set(e, ERR_USAGE, "standard output can't be gone on with");
	return file_resume(path, replace, ret, e);
}

int store_keep(struct store_out *s, unsigned int volume, uint64_t len, struct err *e)
{
	return file_keep(s, volume, len, e);
}

int store_next(struct store_out *s, struct err *e)
{
	if (!s->ops->next)
		return err_set(e, ERR_USAGE, "%s can't be split into volumes", s->name);
	return s->ops->next(s, e);
}

int store_can_sync(const struct store_out *s)
{
	return s->ops->sync != NULL;
}

int store_sync(struct store_out *s, struct err *e)
{
	return s->ops->sync(s, e);
}

void store_leave(struct store_out *s)
{
	(s->ops->leave ? s->ops->leave : s->ops->undo)(s);
	out_free(s);
}

struct store_out *store_abort(struct store_out *s)
{
	if (!s)
		return NULL;
	if (s->whole) {
		store_leave(s);
		return NULL;
	}
	s->ops->undo(s);
	out_free(s);
	return NULL;
}

int store_open(const char *path, struct store_in **ret, struct err *e)
{
	struct blkdev *d = NULL;
	int r;

	if (path[0] == '-' && !path[1])
		return store_open_fd(0, "standard input", ret, e);
	r = dev_open_ro(path, &d, e);
	if (r < 0)
		return r;
	r = store_open_dev(d, 0, ret, e);
	if (r < 0)
		dev_close(d);
	else
		(*ret)->owns_dev = 1;
	return r;
}

int store_read(struct store_in *s, void *buf, size_t len, size_t *ret_got,
	       struct err *e)
{
	int r = s->read(s, buf, len, ret_got, e);

	if (r == 0)
		s->pos += *ret_got;
	return r;
}

struct store_in *store_close(struct store_in *s)
{
	if (!s)
		return NULL;
	if (s->owns_dev)
		dev_close(s->dev);
	free(s->name);
	free(s);
	return NULL;
}
