/* initrd-make.h: initramfs files for the unit tests, made by our writer and by
 * hand, joined and compressed. */
#ifndef REHOST_TEST_INITRD_MAKE_H
#define REHOST_TEST_INITRD_MAKE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include "drivers-inject/linux/cpio.h"
#include "drivers-inject/linux/initrd.h"

static inline int new_file(void)
{
	int fd = memfd_create("initrd", 0);

	assert_true(fd >= 0);
	return fd;
}

static inline void add(int fd, const void *p, size_t n)
{
	assert_int_equal(lseek(fd, 0, SEEK_END) < 0, 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
}

static inline void pad4(int fd)
{
	add(fd, "\0\0\0", (size_t)(-lseek(fd, 0, SEEK_END) & 3));
}

/* An entry by hand: what our writer would not write. */
struct raw {
	const char *name;
	unsigned int mode, ino, nlink;
	const char *data;       /* NULL: none */
};

static inline void add_raw(int fd, const struct raw *v, size_t n, int trailer)
{
	static const struct raw last = { "TRAILER!!!", 0, 0, 1, NULL };
	char h[120];

	for (size_t i = 0; i < n + (size_t)trailer; i++) {
		const struct raw *r = i == n ? &last : &v[i];
		size_t len = r->data ? strlen(r->data) : 0;

		snprintf(h, sizeof h, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			 r->ino, r->mode, 0u, 0u, r->nlink, 0u, (unsigned int)len, 8u, 1u, 0u, 0u,
			 (unsigned int)strlen(r->name) + 1, 0u);
		add(fd, h, 110);
		add(fd, r->name, strlen(r->name) + 1);
		pad4(fd);
		add(fd, r->data ? r->data : "", len);
		pad4(fd);
	}
}

static inline void must(int r, const struct err *e)
{
	if (r)
		fail_msg("%d: %s", r, e->msg);
}

/* A small system as Debian's: lib is a link, two modules, an init. */
static inline void add_base(int fd, const char *init)
{
	struct cpio_out *c;
	struct err e;

	lseek(fd, 0, SEEK_END);
	must(cpio_out_open(fd, &c, &e), &e);
	must(cpio_out_dir(c, "usr", 0755, &e), &e);
	must(cpio_out_dir(c, "usr/lib", 0755, &e), &e);
	must(cpio_out_link(c, "lib", "usr/lib", &e), &e);
	must(cpio_out_dir(c, "usr/lib/modules", 0755, &e), &e);
	must(cpio_out_dir(c, "usr/lib/modules/6.1.0-9", 0755, &e), &e);
	must(cpio_out_dir(c, "usr/lib/modules/6.1.0-10", 0755, &e), &e);
	must(cpio_out_file(c, "usr/lib/modules/6.1.0-9/a.ko", 0644, "module a", 8, &e), &e);
	must(cpio_out_file(c, "init", 0755, init, strlen(init), &e), &e);
	must(cpio_out_close(c, &e), &e);
}

static inline struct initrd *open_it(int fd)
{
	struct initrd *i;
	struct err e;

	must(initrd_open_fd(fd, "test", &i, &e), &e);
	return i;
}

static inline void holds(struct initrd *i, const char *path, const char *want)
{
	struct err e;
	char *text;
	size_t len;

	must(initrd_read(i, path, 1000, &text, &len, &e), &e);
	assert_int_equal(len, strlen(want));
	assert_string_equal(text, want);
	free(text);
}

static inline void absent(struct initrd *i, const char *path)
{
	struct initrd_node n;
	struct err e;

	assert_int_equal(initrd_find(i, path, &n, NULL, &e), ERR_NOT_FOUND);
}

/* The file's bytes from `at`, packed by zlib, replace them. */
static inline void gzip_from(int fd, off_t at, int tail)
{
	static uint8_t in[1 << 20], out[1 << 20];
	ssize_t n = pread(fd, in, sizeof in, at);
	z_stream z = { .next_in = in, .avail_in = (uInt)n, .next_out = out, .avail_out = sizeof out };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(ftruncate(fd, at), 0);
	add(fd, out, z.total_out - (size_t)tail);
	deflateEnd(&z);
}

static inline void lz4_from(int fd, off_t at)
{
	static char in[1 << 20], out[1 << 20];
	ssize_t n = pread(fd, in, sizeof in, at);
	int len = LZ4_compress_default(in, out, (int)n, sizeof out);
	uint8_t head[8] = { 2, 0x21, 0x4c, 0x18, (uint8_t)len, (uint8_t)(len >> 8),
			    (uint8_t)(len >> 16), 0 };

	assert_true(len > 0);
	assert_int_equal(ftruncate(fd, at), 0);
	add(fd, head, 8);
	add(fd, out, (size_t)len);
}

/* Adds "path " (directories "path/ ") to the 500 bytes at ctx. */
static inline int list(void *ctx, const char *path, const struct initrd_node *n)
{
	char *all = ctx;

	snprintf(all + strlen(all), 500 - strlen(all), "%s%s ", path, S_ISDIR(n->mode) ? "/" : "");
	return 0;
}
#endif
