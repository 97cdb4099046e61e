/* cabinet.c: see cabinet.h.  libmspack calls for its input and output: the input is a
 * file of the guest, the output a piece of memory. */
#include "drivers-inject/windows/cabinet.h"
#include <mspack.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What we call the two; libmspack only hands the names back. */
static const char input[] = "in", output[] = "out";

/* mspack first: libmspack gives a pointer to it back. */
struct reading {
	struct mspack_system mspack;
	struct tree *tree;
	struct tree_node node;
	uint8_t *out;
	size_t out_n, out_size;
	struct err why;         /* of a read that failed                     */
};

struct handle {
	struct reading *r;
	int writing;
	off_t at;
};

static struct mspack_file *open_file(struct mspack_system *self, const char *name, int mode)
{
	struct handle *h = calloc(1, sizeof *h);

	if (h)
		*h = (struct handle){ .r = (struct reading *)self, .writing = mode == MSPACK_SYS_OPEN_WRITE };
	(void)name;
	return (struct mspack_file *)h;
}

static void close_file(struct mspack_file *f)
{
	free(f);
}

static int read_file(struct mspack_file *f, void *buf, int n)
{
	struct handle *h = (struct handle *)f;
	uint64_t left = h->r->node.size - (uint64_t)h->at;
	size_t len = n < 0 ? 0 : (uint64_t)n < left ? (size_t)n : (size_t)left;

	if (h->writing || n < 0 || tree_read(h->r->tree, &h->r->node, (uint64_t)h->at, buf, len, &h->r->why))
		return -1;
	h->at += (off_t)len;
	return (int)len;
}

static int write_file(struct mspack_file *f, void *buf, int n)
{
	struct handle *h = (struct handle *)f;
	struct reading *r = h->r;

	if (!h->writing || n < 0 || (size_t)n > r->out_size - r->out_n)
		return -1;
	memcpy(r->out + r->out_n, buf, (size_t)n);
	r->out_n += (size_t)n;
	return n;
}

static int seek_file(struct mspack_file *f, off_t offset, int mode)
{
	struct handle *h = (struct handle *)f;
	off_t size = (off_t)h->r->node.size;
	off_t from = mode == MSPACK_SYS_SEEK_START ? 0 : mode == MSPACK_SYS_SEEK_CUR ? h->at : size;

	if (h->writing || offset < -from || offset > size - from)
		return -1;
	h->at = from + offset;
	return 0;
}

static off_t tell_file(struct mspack_file *f)
{
	return ((struct handle *)f)->at;
}

static void no_message(struct mspack_file *f, const char *format, ...)
{
	(void)f, (void)format;
}

static void *allocate(struct mspack_system *self, size_t n)
{
	(void)self;
	return malloc(n);
}

static void copy(void *from, void *to, size_t n)
{
	memcpy(to, from, n);
}

static const struct mspack_system callbacks = {
	.open = open_file, .close = close_file, .read = read_file, .write = write_file,
	.seek = seek_file, .tell = tell_file, .message = no_message, .alloc = allocate,
	.free = free, .copy = copy,
};

static const char *without_directories(const char *name)
{
	const char *slash = strrchr(name, '\\');

	return slash ? slash + 1 : name;
}

static int unpack(struct reading *r, struct mscab_decompressor *d, struct mscabd_file *f,
		  const char *path, struct err *e)
{
	int rc;

	if (f->length > CABINET_FILE_MAX || f->offset > CABINET_BEFORE_MAX)
		return err_set(e, ERR_CORRUPT, "%s: %.100s is said to have %u bytes behind %u others, which "
			       "no file of Windows' own has", path, f->filename, f->length, f->offset);
	r->out = malloc(f->length + 1);
	if (!r->out)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	r->out_size = f->length;
	rc = d->extract(d, f, output);
	if (rc == MSPACK_ERR_NOMEMORY)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	if (rc || r->out_n != r->out_size)
		return err_set(e, ERR_CORRUPT, "%s: %.100s can't be unpacked (libmspack's error %d)%s%s",
			       path, f->filename, rc, r->why.code ? ": " : "", r->why.msg);
	return 0;
}

static int find_and_unpack(struct reading *r, struct mscab_decompressor *d, const char *path,
			   const char *name, struct err *e)
{
	struct mscabd_cabinet *cab = d->open(d, input);
	struct mscabd_file *f;
	int rc;

	if (!cab)
		return err_set(e, ERR_CORRUPT, "%s: no cabinet that can be read (libmspack's error %d)%s%s",
			       path, d->last_error(d), r->why.code ? ": " : "", r->why.msg);
	for (f = cab->files; f; f = f->next)
		if (!strcasecmp(without_directories(f->filename), name))
			break;
	rc = f ? unpack(r, d, f, path, e) : err_set(e, ERR_NOT_FOUND, "%s: there is no %s in it", path, name);
	d->close(d, cab);
	return rc;
}

int cabinet_read(struct tree *t, const char *path, const char *name, uint8_t **ret, size_t *ret_n,
		 struct err *e)
{
	struct reading r = { .mspack = callbacks, .tree = t };
	struct mscab_decompressor *d;
	int rc = tree_find(t, path, &r.node, e);

	if (rc)
		return rc;
	if (r.node.type != TREE_FILE)
		return err_set(e, ERR_NOT_FOUND, "%s: not a file", path);
	d = mspack_create_cab_decompressor(&r.mspack);
	if (!d)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	rc = find_and_unpack(&r, d, path, name, e);
	mspack_destroy_cab_decompressor(d);
	if (rc) {
		free(r.out);
		return rc;
	}
	*ret = r.out;
	*ret_n = r.out_n;
	return 0;
}
