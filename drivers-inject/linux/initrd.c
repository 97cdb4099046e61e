/* initrd.c: reads an initramfs file as the kernel's unpack_to_rootfs() does:
 * plain archives and compressed streams of them, NULs between. */
#include "drivers-inject/linux/initrd-int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drivers-inject/linux/unpack.h"

#define READ_SIZE (256u << 10)

const char *initrd_compression_name(enum initrd_compression c)
{
	static const char *const names[] = { "none", "gzip", "xz", "lzma", "bzip2", "lz4",
					     "zstd", "lzo" };

	return names[c];
}

/* ---- what is being read ---- */
struct reading {
	struct initrd *i;
	struct cpio_in in;
	struct cpio_sink sink;
	int stream;             /* index of the compressed segment, -1: plain */
	int open;               /* the last segment still grows              */
	int outside;            /* it has an entry that isn't microcode or ACPI */
	int complete;           /* an archive that isn't early was whole     */
	struct inode *file;     /* whose data comes                          */
	uint64_t unpacked;
	uint8_t head[2048];     /* of a compressed stream, to say what else it is */
	size_t head_len;
	uint8_t buf[READ_SIZE];
};

static struct initrd_segment *add_segment(struct initrd *i, uint64_t at,
					  enum initrd_compression how, struct err *e)
{
	struct initrd_segment *v = i->seg;

	if (i->n_seg == INITRD_SEGMENTS_MAX) {
		err_set(e, ERR_UNSUPPORTED, "%s: more than %d archives one behind the other "
			"are not read", i->name, INITRD_SEGMENTS_MAX);
		return NULL;
	}
	if (!(i->n_seg & (i->n_seg - 1)))
		v = realloc(v, (i->n_seg ? 2 * i->n_seg : 1) * sizeof *v);
	if (!v) {
		err_set(e, ERR_NOMEM, "out of memory for an initramfs");
		return NULL;
	}
	i->seg = v;
	v += i->n_seg++;
	*v = (struct initrd_segment){ .offset = at, .how = how };
	return v;
}

/* What must stay first: the kernel looks for these before it unpacks. */
static int is_early(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "early_cpio") ||
	       !strcmp(name, "kernel") || !strncmp(name, "kernel/", 7);
}

/* The plain archive ends behind its last entry's own padding. */
static void close_plain(struct reading *w)
{
	uint64_t size = w->i->size;
	struct initrd_segment *s;

	if (!w->open)
		return;
	s = &w->i->seg[w->i->n_seg - 1];
	s->length = (w->in.next < size ? w->in.next : size) - s->offset;
	s->early = !w->outside;
	w->open = 0;
}

static int keeps(const char *name, uint64_t size)
{
	const char *p = strrchr(name, '/'), *ko;

	p = p ? p + 1 : name;
	ko = strstr(p, ".ko");
	return size && size <= INITRD_KEEP && !(ko && (!ko[3] || ko[3] == '.')) &&
	       !strstr(name, "lib/firmware/") && strncmp(name, "kernel/", 7);
}

static int on_entry(void *ctx, const struct cpio_found *f, struct err *e)
{
	struct reading *w = ctx;
	struct tree *t = &w->i->tree;
	int r;

	if (w->stream < 0 && !w->open) {
		if (!add_segment(w->i, f->header_at, INITRD_NONE, e))
			return e->code;
		w->open = 1;
		w->outside = 0;
	}
	w->i->seg[w->i->n_seg - 1].entries++;
	w->outside |= !is_early(f->en.name);
	r = tree_apply(t, f, w->stream, &w->file, e);
	if (r || !w->file || !keeps(f->en.name, f->en.size) ||
	    t->kept + f->en.size > INITRD_KEEP_ALL)
		return r;
	w->file->text = malloc(f->en.size);
	return w->file->text ? 0 : err_set(e, ERR_NOMEM, "out of memory for an initramfs");
}

static int on_data(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
	struct reading *w = ctx;
	struct inode *f = w->file;

	(void)e;
	if (f && f->text) {
		memcpy(f->text + f->kept, p, n);
		f->kept += n;
		w->i->tree.kept += n;
	}
	return 0;
}

static int on_trailer(void *ctx, struct err *e)
{
	struct reading *w = ctx;

	(void)e;
	tree_trailer(&w->i->tree);
	w->complete |= w->open && w->outside;
	close_plain(w);
	return 0;
}

static int count_unpacked(struct reading *w, size_t n, struct err *e)
{
	w->unpacked += n;
	if (w->unpacked > INITRD_UNPACKED_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: more than %llu MiB unpacked are not "
			       "read", w->i->name, INITRD_UNPACKED_MAX >> 20);
	return 0;
}

/* ---- streams ---- */
/* Output of a compressed stream. */
static int feed(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
	struct reading *w = ctx;
	size_t used, k = sizeof w->head - w->head_len;
	int r = count_unpacked(w, n, e);

	if (r)
		return r;
	if (k > n)
		k = n;
	memcpy(w->head + w->head_len, p, k);
	w->head_len += k;
	r = cpio_in_feed(&w->in, p, n, &used, e);
	if (!r && used < n)
		r = err_set(e, ERR_CORRUPT, "there is something else than an archive at "
			    "byte %llu of what is unpacked", (unsigned long long)w->in.pos);
	return r;
}

static int read_stream(struct reading *w, uint64_t at, enum initrd_compression how,
		       uint64_t *ret_end, struct err *e)
{
	struct initrd *i = w->i;
	uint64_t end = at;
	const char *what;
	int r;

	if (!add_segment(i, at, how, e))
		return e->code;
	w->stream = (int)i->n_seg - 1;
	w->head_len = 0;
	cpio_in_start(&w->in, &w->sink, 0);
	r = unpack_stream(i->fd, i->name, at, how, feed, w, &end, e);
	what = r == ERR_CORRUPT && w->in.state == CPIO_BETWEEN ?
		initrd_foreign(w->head, w->head_len) : NULL;
	if (what)
		r = err_set(e, ERR_UNSUPPORTED, "%s holds %s", i->name, what);
	else if (!r && w->in.state != CPIO_BETWEEN)
		r = err_set(e, ERR_CORRUPT, "%s: the archive goes on behind the end of the %s "
			    "stream at byte %llu; the kernel does not", i->name,
			    initrd_compression_name(how), (unsigned long long)at);
	w->stream = -1;
	w->complete |= !r && i->seg[i->n_seg - 1].entries;
	i->seg[i->n_seg - 1].length = end - at;
	*ret_end = end;
	return r;
}

static int read_at(struct reading *w, uint64_t at, size_t *ret_n, struct err *e)
{
	size_t got = 0;

	while (got < sizeof w->buf) {
		ssize_t n = pread(w->i->fd, w->buf + got, sizeof w->buf - got,
				  (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s, at byte %llu", w->i->name,
				       (unsigned long long)(at + got));
		if (!n)
			break;
		got += (size_t)n;
	}
	*ret_n = got;
	return 0;
}

/* Something that is neither padding nor a plain archive stands at `at`. */
static int read_other(struct reading *w, uint64_t at, size_t n, uint64_t *ret_end,
		      struct err *e)
{
	enum initrd_compression how = unpack_guess(w->buf, n);
	const char *what = initrd_foreign(w->buf, n);

	if (how != INITRD_NONE)
		return read_stream(w, at, how, ret_end, e);
	if (what && !w->complete)
		return err_set(e, ERR_UNSUPPORTED, "%s is %s", w->i->name, what);
	return err_set(e, ERR_CORRUPT, "%s: at byte %llu begins what is neither an archive nor "
		       "compressed in a way the kernel knows%s", w->i->name,
		       (unsigned long long)at,
		       *w->buf == '0' ? " (an archive must begin at a multiple of 4)" : "");
}

/* Archives in the file from `at` on; *ret_at: where something else comes. */
static int read_plain(struct reading *w, uint64_t *at, size_t *ret_n, struct err *e)
{
	size_t used;
	int r;

	/* alignment counts from the begin of the file */
	cpio_in_start(&w->in, &w->sink, *at);
	for (;;) {
		r = read_at(w, *at, ret_n, e);
		if (r || !*ret_n)
			break;
		r = cpio_in_feed(&w->in, w->buf, *ret_n, &used, e);
		if (!r)
			r = count_unpacked(w, used, e);
		else
			err_prefix(e, "%s", w->i->name);
		if (r || !used)
			break;
		*at += used;
	}
	close_plain(w);
	return r;
}

static int read_all(struct reading *w, struct err *e)
{
	struct initrd *i = w->i;
	uint64_t at = 0;
	size_t n = 0;
	int r;

	do {
		r = read_plain(w, &at, &n, e);
		if (!r && n)
			r = read_other(w, at, n, &at, e);
	} while (!r && n);
	if (!r && cpio_in_cut(&w->in))
		r = err_set(e, ERR_CORRUPT, "%s: the archive entry at byte %llu is cut short "
			    "by the end of the file", i->name,
			    (unsigned long long)w->in.f.header_at);
	if (!r && !i->n_seg)
		r = err_set(e, ERR_CORRUPT, "%s holds no archive", i->name);
	if (r != ERR_CORRUPT || !w->complete)
		return r;
	/* the kernel uses what it has unpacked so far, and so do we */
	i->broken = 1;
	i->why = *e;
	return 0;
}

static int fill(struct initrd *i, struct err *e)
{
	struct reading *w = calloc(1, sizeof *w);
	int r;

	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	w->i = i;
	w->stream = -1;
	w->sink = (struct cpio_sink){ on_entry, on_data, on_trailer, w };
	r = tree_start(&i->tree, e);
	if (!r)
		r = read_all(w, e);
	tree_trailer(&i->tree);
	free(w);
	return r;
}

int initrd_open_fd(int fd, const char *name, struct initrd **ret, struct err *e)
{
	struct initrd *i = calloc(1, sizeof *i);
	struct stat st;
	struct err own;         /* NULL is allowed for e */
	int r;

	if (!i)
		return err_set(e, ERR_NOMEM, "out of memory for an initramfs");
	i->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	i->name = strdup(name);
	if (!i->name || i->fd < 0 || fstat(i->fd, &st)) {
		r = err_sys(e, errno, "%s", name);
	} else if (!S_ISREG(st.st_mode)) {
		r = err_set(e, ERR_UNSUPPORTED, "%s is no regular file", name);
	} else {
		i->size = (uint64_t)st.st_size;
		r = fill(i, e ? e : &own);
	}
	if (r) {
		initrd_close(i);
		return r;
	}
	i->generator = generator_find(i);
	*ret = i;
	return 0;
}

int initrd_open(struct root *r, const char *path, struct initrd **ret, struct err *e)
{
	int fd, n = root_fd(r, path, O_RDONLY | O_NONBLOCK, 0, &fd, e);

	if (n)
		return n;
	n = initrd_open_fd(fd, path, ret, e);
	close(fd);
	return n;
}

struct initrd *initrd_close(struct initrd *i)
{
	if (!i)
		return NULL;
	tree_done(&i->tree);
	if (i->fd >= 0)
		close(i->fd);
	free(i->seg);
	free(i->name);
	free(i);
	return NULL;
}

/* ---- what is known of it ---- */
size_t initrd_segments(const struct initrd *i, const struct initrd_segment **ret)
{
	*ret = i->seg;
	return i->n_seg;
}

uint64_t initrd_file_size(const struct initrd *i)
{
	return i->size;
}

enum initrd_generator initrd_generator(const struct initrd *i)
{
	return i->generator;
}

uint64_t initrd_append_offset(const struct initrd *i)
{
	const struct initrd_segment *s = &i->seg[i->n_seg - 1];
	uint64_t at = i->size, end = s->offset + s->length;

	/* the end of lz4 is a block size of 0 */
	if (s->how == INITRD_LZ4 && at < end + 4)
		at = end + 4;
	return (at + CPIO_ALIGN - 1) / CPIO_ALIGN * CPIO_ALIGN;
}

/* Kernels from 5.13 on know padding behind lz4 (Linux 2c484419efc0); some older
 * stable ones too, but their version text needn't tell. */
static int reads_on_behind_lz4(const char *kernel)
{
	int major, minor;

	return sscanf(kernel, "%d.%d", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 13));
}

enum initrd_append initrd_how_to_append(const struct initrd *i, const char *kernel,
					char *ret_reason, size_t size)
{
	snprintf(ret_reason, size, "%s", "");
	if (i->broken) {
		snprintf(ret_reason, size, "%s, so the kernel would not get to what is "
			 "appended", i->why.msg);
		return INITRD_REFUSED;
	}
	for (size_t k = 0; k < i->n_seg; k++)
		if (i->seg[k].how == INITRD_LZ4 && !reads_on_behind_lz4(kernel)) {
			snprintf(ret_reason, size, "%s is compressed with lz4, behind which "
				 "kernels before 5.13 don't read on", i->name);
			return INITRD_MUST_REWRITE;
		}
	return INITRD_MAY_APPEND;
}
