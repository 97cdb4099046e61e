/* initrd-read.c: looking into an initramfs's tree, and its files' contents. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/io.h"
#include "drivers-inject/linux/initrd-int.h"
#include "drivers-inject/linux/unpack.h"

static void tell(const struct inode *n, struct initrd_node *ret)
{
	*ret = (struct initrd_node){ n->mode, n->size, S_ISLNK(n->mode) ? n->text : NULL };
}

static int not_there(const struct initrd *i, const char *path, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "%s has no %s", i->name, path);
}

int initrd_find(const struct initrd *i, const char *path, struct initrd_node *ret,
		char *ret_path, struct err *e)
{
	const struct inode *n = tree_walk(&i->tree, path, 1, ret_path);

	if (!n)
		return not_there(i, path, e);
	tell(n, ret);
	return 0;
}

/* ---- all names ---- */
struct each {
	int (*fn)(void *ctx, const char *path, const struct initrd_node *n);
	void *ctx;
	int r;
	char path[PATH_MAX];
};

static void each_below(struct each *w, const struct inode *dir);

static void each_dent(const void *at, VISIT v, void *ctx)
{
	const struct dent *d = *(struct dent *const *)at;
	struct each *w = ctx;
	size_t len = strlen(w->path);
	struct initrd_node n;

	if ((v != postorder && v != leaf) || w->r)
		return;
	if (snprintf(w->path + len, sizeof w->path - len, "%s%s", len ? "/" : "", d->name) >=
	    (int)(sizeof w->path - len)) {
		w->path[len] = 0; /* longer than any path of Linux: can't be opened */
		return;
	}
	tell(d->node, &n);
	w->r = w->fn(w->ctx, w->path, &n);
	if (S_ISDIR(d->node->mode) && !w->r)
		each_below(w, d->node);
	w->path[len] = 0;
}

/* Not deeper than INITRD_DEPTH_MAX. */
static void each_below(struct each *w, const struct inode *dir)
{
	twalk_r(dir->names, each_dent, w);
}

int initrd_each(struct initrd *i, const char *dir,
		int (*fn)(void *ctx, const char *path, const struct initrd_node *n), void *ctx)
{
	struct each *w = calloc(1, sizeof *w);
	const struct inode *n;
	int r;

	if (!w)
		return ERR_NOMEM;
	w->fn = fn;
	w->ctx = ctx;
	n = tree_walk(&i->tree, dir, 1, w->path);
	if (n && S_ISDIR(n->mode))
		each_below(w, n);
	r = n ? w->r : ERR_NOT_FOUND;
	free(w);
	return r;
}

struct kernels {
	size_t base;            /* bytes of "usr/lib/modules/"               */
	struct strv l;
};

static int add_kernel(void *ctx, const char *path, const struct initrd_node *n)
{
	struct kernels *k = ctx;

	return S_ISDIR(n->mode) && !strchr(path + k->base, '/') &&
	       strv_add(&k->l, path + k->base) ? ERR_NOMEM : 0;
}

int initrd_kernels(const struct initrd *i, struct strv *ret, struct err *e)
{
	struct initrd *all = (struct initrd *)i; /* initrd_each only reads, too */
	struct kernels k = { 0 };
	char path[PATH_MAX];
	int r;

	tree_walk(&i->tree, "lib/modules", 1, path);
	k.base = strlen(path) + 1;
	r = initrd_each(all, "lib/modules", add_kernel, &k);
	if (r && r != ERR_NOT_FOUND) {
		strv_done(&k.l);
		return err_set(e, r, "out of memory for an initramfs");
	}
	strv_sort_versions(&k.l);
	*ret = k.l;
	return 0;
}

/* ---- contents ---- */
static int by_place(const void *a, const void *b)
{
	const struct inode *x = ((const struct want *)a)->node, *y = ((const struct want *)b)->node;

	if (x->stream != y->stream)
		return x->stream < y->stream ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int give(struct want *w, const void *p, size_t n, struct err *e)
{
	int r = 0;

	if (w->buf)
		memcpy(w->buf + w->done, p, n);
	else
		r = io_write_all(w->fd, p, n);
	w->done += n;
	return r ? err_sys(e, r, "a file of the initramfs can't be written") : 0;
}

/* One unpacked stream on its way past the files wanted from it. */
struct pass {
	struct want *w;
	size_t n;               /* those of this stream                      */
	size_t first;           /* the first that isn't complete             */
	uint64_t pos;           /* of what comes next, in the stream         */
};

#define PASS_DONE 1             /* all are complete: no need to go on        */

static int pass_put(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
	struct pass *s = ctx;
	int r = 0;

	for (size_t k = s->first; k < s->n && s->w[k].node->at < s->pos + n && !r; k++) {
		struct want *w = &s->w[k];
		uint64_t from = w->node->at + w->done - s->pos;
		uint64_t len = w->node->size - w->done;

		if (len > n - from)
			len = n - from;
		r = give(w, p + from, (size_t)len, e);
	}
	while (s->first < s->n && s->w[s->first].done == s->w[s->first].node->size)
		s->first++;
	s->pos += n;
	return r ? r : s->first == s->n ? PASS_DONE : 0;
}

/* From the file itself, where nothing is compressed. */
static int from_file(struct initrd *i, struct want *w, struct err *e)
{
	char buf[16384];

	while (w->done < w->node->size) {
		uint64_t left = w->node->size - w->done;
		ssize_t n = pread(i->fd, buf, left < sizeof buf ? (size_t)left : sizeof buf,
				  (off_t)(w->node->at + w->done));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s", i->name);
		if (!n)
			return err_set(e, ERR_CORRUPT, "%s ends inside a file", i->name);
		r = give(w, buf, (size_t)n, e);
		if (r)
			return r;
	}
	return 0;
}

static int from_stream(struct initrd *i, struct want *w, size_t n, struct err *e)
{
	const struct initrd_segment *seg = &i->seg[w->node->stream];
	struct pass s = { .w = w, .n = n };
	uint64_t end;
	int r = unpack_stream(i->fd, i->name, seg->offset, seg->how, pass_put, &s, &end, e);

	if (r == PASS_DONE || (!r && s.first == s.n))
		return 0;
	return r ? r : err_set(e, ERR_CORRUPT, "%s ends inside a file", i->name);
}

int read_wanted(struct initrd *i, struct want *w, size_t n, struct err *e)
{
	size_t k, end;
	int r = 0;

	qsort(w, n, sizeof *w, by_place);
	for (k = 0; k < n && !r; k = end) {
		const struct inode *f = w[k].node;

		end = k + 1;
		if (f->text || !f->size) {
			if (f->kept < f->size) /* its archive is cut there */
				r = err_set(e, ERR_CORRUPT, "%s ends inside a file", i->name);
			else if (f->size)
				r = give(&w[k], f->text, f->size, e);
			continue;
		}
		if (f->stream < 0) {
			r = from_file(i, &w[k], e);
			continue;
		}
		while (end < n && w[end].node->stream == f->stream && !w[end].node->text)
			end++;
		r = from_stream(i, w + k, end - k, e);
	}
	return r;
}

static int find_file(struct initrd *i, const char *path, const struct inode **ret, struct err *e)
{
	const struct inode *f = tree_walk(&i->tree, path, 1, NULL);

	if (!f)
		return not_there(i, path, e);
	if (!S_ISREG(f->mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: %s is no regular file", i->name, path);
	*ret = f;
	return 0;
}

int initrd_read(struct initrd *i, const char *path, size_t max, char **ret,
		size_t *ret_len, struct err *e)
{
	struct want w = { .fd = -1 };
	int r = find_file(i, path, &w.node, e);

	if (r)
		return r;
	if (w.node->size > max)
		return err_set(e, ERR_UNSUPPORTED, "%s: %s has %llu bytes, more than the %zu "
			       "that are read", i->name, path,
			       (unsigned long long)w.node->size, max);
	w.buf = malloc(w.node->size + 1);
	if (!w.buf)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	r = read_wanted(i, &w, 1, e);
	if (r) {
		free(w.buf);
		return r;
	}
	w.buf[w.node->size] = 0;
	*ret = w.buf;
	if (ret_len)
		*ret_len = w.node->size;
	return 0;
}

static int make_file(const char *out_dir, const char *path, size_t k, struct want *w,
		     char **ret_name, struct err *e)
{
	const char *p = strrchr(path, '/');
	char full[2 * PATH_MAX];
	char *name;

	if (asprintf(&name, "%zu-%s", k, p ? p + 1 : path) < 0)
		return err_set(e, ERR_NOMEM, "out of memory for names");
	*ret_name = name;
	if (snprintf(full, sizeof full, "%s/%s", out_dir, name) >= (int)sizeof full)
		return err_set(e, ERR_UNSUPPORTED, "%s: too long a path", out_dir);
	w->fd = open(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return w->fd < 0 ? err_sys(e, errno, "%s can't be made", full) : 0;
}

int initrd_extract(struct initrd *i, const char *const *paths, size_t n,
		   const char *out_dir, char **ret_names, struct err *e)
{
	struct want *w = calloc(n + 1, sizeof *w);
	char **names = calloc(n + 1, sizeof *names);
	size_t k, made = 0;
	int r = w && names ? 0 : err_set(e, ERR_NOMEM, "out of memory for %zu files", n);

	for (k = 0; k < n && !r; k++) {
		r = find_file(i, paths[k], &w[k].node, e);
		if (!r)
			r = make_file(out_dir, paths[k], k, &w[k], &names[k], e);
		made = k + 1;
	}
	if (!r)
		r = read_wanted(i, w, n, e);
	for (k = 0; k < made; k++) {
		if (w[k].node && w[k].fd >= 0 && close(w[k].fd) && !r)
			r = err_sys(e, errno, "%s: a file can't be written", out_dir);
		if (r)
			free(names[k]);
	}
	if (!r)
		memcpy(ret_names, names, n * sizeof *names);
	free(names);
	free(w);
	return r;
}
