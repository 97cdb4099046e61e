/* test-initrd.c: initramfs files as the kernel would see them: archives made by
 * our writer and by hand, joined and compressed here. */
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

static int new_file(void)
{
	int fd = memfd_create("initrd", 0);

	assert_true(fd >= 0);
	return fd;
}

static void add(int fd, const void *p, size_t n)
{
	assert_int_equal(lseek(fd, 0, SEEK_END) < 0, 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
}

static void pad4(int fd)
{
	add(fd, "\0\0\0", (size_t)(-lseek(fd, 0, SEEK_END) & 3));
}

/* An entry by hand: what our writer would not write. */
struct raw {
	const char *name;
	unsigned int mode, ino, nlink;
	const char *data;       /* NULL: none */
};

static void add_raw(int fd, const struct raw *v, size_t n, int trailer)
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

static void must(int r, const struct err *e)
{
	if (r)
		fail_msg("%d: %s", r, e->msg);
}

/* A small system as Debian's: lib is a link, two modules, an init. */
static void add_base(int fd, const char *init)
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

static struct initrd *open_it(int fd)
{
	struct initrd *i;
	struct err e;

	must(initrd_open_fd(fd, "test", &i, &e), &e);
	return i;
}

static void holds(struct initrd *i, const char *path, const char *want)
{
	struct err e;
	char *text;
	size_t len;

	must(initrd_read(i, path, 1000, &text, &len, &e), &e);
	assert_int_equal(len, strlen(want));
	assert_string_equal(text, want);
	free(text);
}

static void absent(struct initrd *i, const char *path)
{
	struct initrd_node n;
	struct err e;

	assert_int_equal(initrd_find(i, path, &n, NULL, &e), ERR_NOT_FOUND);
}

/* The file's bytes from `at`, packed by zlib, replace them. */
static void gzip_from(int fd, off_t at, int tail)
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

static void lz4_from(int fd, off_t at)
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

static void tree(void **state)
{
	struct initrd_node n;
	struct strv kernels;
	char path[PATH_MAX];
	int fd = new_file();
	struct initrd *i;
	struct err e;

	(void)state;
	add_base(fd, "#!/bin/sh\n");
	i = open_it(fd);
	holds(i, "/init", "#!/bin/sh\n");
	holds(i, "lib/modules/6.1.0-9/a.ko", "module a");
	must(initrd_find(i, "lib/modules/6.1.0-9/a.ko", &n, path, &e), &e);
	assert_string_equal(path, "usr/lib/modules/6.1.0-9/a.ko");
	assert_int_equal(n.size, 8);
	/* a path for what is to be added */
	assert_int_equal(initrd_find(i, "lib/modules/6.1.0-9/b.ko", &n, path, &e), ERR_NOT_FOUND);
	assert_string_equal(path, "usr/lib/modules/6.1.0-9/b.ko");
	assert_int_equal(initrd_find(i, "lib/none/b.ko", &n, path, &e), ERR_NOT_FOUND);
	assert_string_equal(path, "");
	must(initrd_find(i, "../lib/../lib/./modules", &n, path, &e), &e);
	assert_string_equal(path, "usr/lib/modules");
	must(initrd_kernels(i, &kernels, &e), &e);
	assert_int_equal(kernels.n, 2);
	assert_string_equal(kernels.v[0], "6.1.0-9");
	assert_string_equal(kernels.v[1], "6.1.0-10");
	strv_done(&kernels);
	initrd_close(i);
	close(fd);
}

/* Later archives over earlier ones, by the kernel's rules. */
static void overlay(void **state)
{
	static const struct raw more[] = {
		{ "./init", 0100755, 1, 1, "new" },             /* a file over a file */
		{ "usr/none/x", 0100644, 2, 1, "x" },           /* no such directory */
		{ "/lib/y", 0100644, 3, 1, "through the link" },
		{ "usr", 0100644, 4, 1, "x" },                  /* a directory with something in it stays */
		{ "usr", 0120777, 4, 1, "x" },
		{ "TRAILER!!!", 0, 0, 1, NULL },
		{ "one", 0100644, 7, 2, NULL },                 /* hard links, data with the last */
		{ "two", 0100644, 7, 2, "linked" },
		{ "TRAILER!!!", 0, 0, 1, NULL },
		{ "three", 0100644, 7, 2, "another" },          /* the trailer ends such sets */
		{ "empty", 040755, 8, 2, NULL },
		{ "empty", 0100644, 9, 1, "now a file" },
		{ "dangling", 0120777, 10, 1, "init" },
		{ "dangling", 0100644, 11, 1, "not through the link" },
		{ "self", 0120777, 12, 1, "self" },
		{ "self/x", 0100644, 13, 1, "x" },
	};
	static const struct raw broken[] = { { "lib", 040755, 1, 2, NULL } };
	struct initrd_node n;
	struct err e;
	int fd = new_file();
	struct initrd *i;

	(void)state;
	add_base(fd, "old init that is longer");
	add_raw(fd, more, sizeof more / sizeof *more, 1);
	i = open_it(fd);
	holds(i, "init", "new");
	holds(i, "usr/lib/y", "through the link");
	holds(i, "one", "linked");
	holds(i, "two", "linked");
	holds(i, "three", "another");
	holds(i, "empty", "now a file");
	holds(i, "dangling", "not through the link");
	absent(i, "usr/none/x");
	absent(i, "self/x");
	must(initrd_find(i, "usr", &n, NULL, &e), &e);
	assert_true(S_ISDIR(n.mode));
	assert_int_equal(initrd_find(i, "self", &n, NULL, &e), ERR_NOT_FOUND);
	initrd_close(i);

	/* what ADAPT warns of: lib as a directory destroys the link */
	add_raw(fd, broken, 1, 1);
	i = open_it(fd);
	must(initrd_find(i, "lib", &n, NULL, &e), &e);
	assert_true(S_ISDIR(n.mode));
	absent(i, "lib/y");
	holds(i, "usr/lib/y", "through the link");
	initrd_close(i);
	close(fd);
}

/* A second name whose first one was replaced in the meantime is dropped. */
static void hard_links(void **state)
{
	static const struct raw v[] = {
		{ "a", 0100644, 7, 3, "first" },
		{ "a", 0100644, 7, 3, "again" },        /* removed, then nothing to link to */
		{ "b", 0100644, 7, 3, "b" },
		{ "c", 0100644, 8, 2, "see" },
		{ "d", 0100644, 8, 2, NULL },
		{ "d", 0100644, 9, 1, "written to both" },
	};
	int fd = new_file();
	struct initrd *i;

	(void)state;
	add_raw(fd, v, 6, 1);
	i = open_it(fd);
	absent(i, "a");
	absent(i, "b");
	holds(i, "c", "written to both");
	holds(i, "d", "written to both");
	initrd_close(i);
	close(fd);
}

static const struct raw early[] = {
	{ ".", 040755, 1, 2, NULL },
	{ "kernel", 040755, 1, 2, NULL },
	{ "kernel/x86", 040755, 2, 2, NULL },
	{ "kernel/x86/microcode.bin", 0100644, 3, 1, "MICROCODE" },
};

static void segments(void **state)
{
	const struct initrd_segment *s;
	char reason[500];
	int fd = new_file();
	struct initrd *i;
	off_t end;

	(void)state;
	add_raw(fd, early, 4, 1);
	add(fd, (char[512]){ 0 }, 512);
	end = lseek(fd, 0, SEEK_END);
	add_base(fd, "#!/bin/nash\n");
	gzip_from(fd, end, 0);
	end = lseek(fd, 0, SEEK_END);
	add(fd, "\0\0\0\0\0\0", 6);
	i = open_it(fd);
	assert_int_equal(initrd_segments(i, &s), 2);
	assert_int_equal(s[0].offset, 0);
	assert_true(s[0].early);
	assert_int_equal(s[0].entries, 4);
	assert_int_equal(s[0].how, INITRD_NONE);
	assert_int_equal(s[1].how, INITRD_GZIP);
	assert_false(s[1].early);
	assert_int_equal(s[1].entries, 8);
	assert_int_equal(s[1].offset, s[0].length + 512);
	assert_int_equal(s[1].offset + s[1].length, end);
	assert_int_equal(initrd_how_to_append(i, "", reason, sizeof reason), INITRD_MAY_APPEND);
	assert_int_equal(initrd_append_offset(i), (end + 6 + 3) / 4 * 4);
	assert_int_equal(initrd_generator(i), GEN_NASH);
	holds(i, "lib/modules/6.1.0-9/a.ko", "module a");
	holds(i, "kernel/x86/microcode.bin", "MICROCODE");
	initrd_close(i);
	close(fd);
}

static void lz4(void **state)
{
	int fd = new_file(), out = new_file();
	struct err e;
	const struct initrd_segment *s;
	char reason[500];
	struct initrd *i;
	off_t end;

	(void)state;
	add_base(fd, "init");
	lz4_from(fd, 0);
	end = lseek(fd, 0, SEEK_END);
	i = open_it(fd);
	assert_int_equal(initrd_how_to_append(i, "5.12.99-x", reason, sizeof reason),
			 INITRD_MUST_REWRITE);
	assert_non_null(strstr(reason, "lz4"));
	assert_int_equal(initrd_how_to_append(i, "", reason, sizeof reason), INITRD_MUST_REWRITE);
	assert_int_equal(initrd_how_to_append(i, "5.13.0", reason, sizeof reason), INITRD_MAY_APPEND);
	assert_int_equal(initrd_how_to_append(i, "6.1.0-50-amd64", reason, sizeof reason),
			 INITRD_MAY_APPEND);
	/* a block size of 0 must stand behind it */
	assert_int_equal(initrd_append_offset(i), (end + 4 + 3) / 4 * 4);
	must(initrd_rewrite(i, out, &e), &e);
	initrd_close(i);
	assert_int_equal(lseek(out, 0, SEEK_END) % 4, 0);
	add_raw(out, (struct raw[]){ { "added", 0100644, 1, 1, "more" } }, 1, 1);
	i = open_it(out);
	assert_int_equal(initrd_segments(i, &s), 2);
	assert_int_equal(s[0].how, INITRD_GZIP);
	assert_int_equal(initrd_how_to_append(i, "", reason, sizeof reason), INITRD_MAY_APPEND);
	holds(i, "init", "init");
	holds(i, "lib/modules/6.1.0-9/a.ko", "module a");
	holds(i, "added", "more");
	initrd_close(i);
	close(fd);
	close(out);
}

static void refused(const char *what, int fd, const char *because)
{
	char reason[1100] = "";
	struct initrd *i = open_it(fd);

	if (initrd_how_to_append(i, "6.1", reason, sizeof reason) != INITRD_REFUSED ||
	    !strstr(reason, because))
		fail_msg("%s: not refused as '%s' but '%s'", what, because, reason);
	holds(i, "init", "init");
	initrd_close(i);
}

/* What is whole is read; nothing is appended where a kernel would not get to. */
static void damaged(void **state)
{
	static const struct raw more[] = { { "more", 0100644, 1, 1, "0123456789" } };
	int fd = new_file();
	off_t end;

	(void)state;
	add_base(fd, "init");
	end = lseek(fd, 0, SEEK_END);
	add(fd, "garbage", 7);
	refused("garbage", fd, "neither an archive nor");
	assert_int_equal(ftruncate(fd, end), 0);
	add(fd, "\0\0", 2);
	add_raw(fd, more, 1, 0);
	refused("misaligned", fd, "multiple of 4");
	assert_int_equal(ftruncate(fd, end), 0);
	add_raw(fd, more, 1, 0);
	assert_int_equal(ftruncate(fd, end + 125), 0);
	refused("cut", fd, "cut short");
	assert_int_equal(ftruncate(fd, end), 0);
	add_raw(fd, more, 1, 1);
	gzip_from(fd, end, 3);
	refused("gzip cut", fd, "cut short");
	assert_int_equal(ftruncate(fd, end), 0);
	add_raw(fd, more, 1, 0);
	assert_int_equal(ftruncate(fd, end + 124), 0);
	gzip_from(fd, end, 0);
	refused("stream cut", fd, "goes on behind the end");
	assert_int_equal(ftruncate(fd, end), 0);
	gzip_from(fd, 0, 0);
	add(fd, "x", 1);
	refused("garbage behind gzip", fd, "neither an archive nor");
	close(fd);
}

static void not_opened(const void *p, size_t n, int code, const char *because)
{
	int fd = new_file();
	struct initrd *i;
	struct err e;

	add(fd, p, n);
	assert_int_equal(initrd_open_fd(fd, "test", &i, &e), code);
	if (!strstr(e.msg, because))
		fail_msg("not '%s' but '%s'", because, e.msg);
	close(fd);
}

static void foreign(void **state)
{
	uint8_t b[2000] = { 'M', 'Z' };

	(void)state;
	not_opened("", 0, ERR_CORRUPT, "no archive");
	not_opened("\0\0\0\0", 4, ERR_CORRUPT, "no archive");
	not_opened("hello", 5, ERR_CORRUPT, "neither");
	not_opened("\x89LZO\0\r\n", 7, ERR_UNSUPPORTED, "lzo");
	not_opened("\x04\x22\x4d\x18", 4, ERR_UNSUPPORTED, "lz4 -l");
	not_opened("hsqs", 4, ERR_UNSUPPORTED, "squashfs");
	not_opened(b, 200, ERR_UNSUPPORTED, "a program");
	b[0x3c] = 0x80;
	memcpy(b + 0x80, "PE\0", 4);
	b[0x86] = 2;
	b[0x94] = 0x10;
	memcpy(b + 0x80 + 24 + 0x10 + 40, ".initrd", 8);
	not_opened(b, sizeof b, ERR_UNSUPPORTED, "unified kernel image");
	memset(b, 0, sizeof b);
	b[1080] = 0x53;
	b[1081] = 0xef;
	b[1024] = 1;
	not_opened(b, sizeof b, ERR_CORRUPT, "neither");
}

static int list(void *ctx, const char *path, const struct initrd_node *n)
{
	char *all = ctx;

	snprintf(all + strlen(all), 500 - strlen(all), "%s%s ", path, S_ISDIR(n->mode) ? "/" : "");
	return 0;
}

static void each_and_extract(void **state)
{
	static const char *const paths[] = { "init", "usr/lib/modules/6.1.0-9/a.ko", "big", "copy" };
	char dir[] = "/tmp/test-initrd-XXXXXX", all[500] = "", name[100];
	static char big[300000];
	int fd = new_file();
	char *names[4];
	struct cpio_out *c;
	struct initrd *i;
	struct err e;
	FILE *f;

	(void)state;
	for (size_t k = 0; k < sizeof big; k++)
		big[k] = (char)(k * k >> 7);
	add_base(fd, "init");
	lseek(fd, 0, SEEK_END);
	must(cpio_out_open(fd, &c, &e), &e);
	must(cpio_out_file(c, "big", 0644, big, sizeof big, &e), &e);
	must(cpio_out_link(c, "copy", "big", &e), &e);
	must(cpio_out_close(c, &e), &e);
	gzip_from(fd, 0, 0);
	i = open_it(fd);
	assert_int_equal(initrd_each(i, "", list, all), 0);
	assert_string_equal(all, "big copy init lib usr/ usr/lib/ usr/lib/modules/ "
			    "usr/lib/modules/6.1.0-10/ usr/lib/modules/6.1.0-9/ "
			    "usr/lib/modules/6.1.0-9/a.ko ");
	*all = 0;
	assert_int_equal(initrd_each(i, "lib/modules/6.1.0-9", list, all), 0);
	assert_string_equal(all, "usr/lib/modules/6.1.0-9/a.ko ");
	assert_non_null(mkdtemp(dir));
	must(initrd_extract(i, paths, 4, dir, names, &e), &e);
	assert_string_equal(names[1], "1-a.ko");
	for (size_t k = 0; k < 4; k++) {
		static char got[sizeof big + 1];
		size_t n;

		snprintf(name, sizeof name, "%s/%s", dir, names[k]);
		f = fopen(name, "r");
		assert_non_null(f);
		n = fread(got, 1, sizeof got, f);
		fclose(f);
		unlink(name);
		assert_int_equal(n, k > 1 ? sizeof big : k ? 8 : 4);
		assert_memory_equal(got, k > 1 ? big : k ? "module a" : "init", n);
		free(names[k]);
	}
	rmdir(dir);
	initrd_close(i);
	close(fd);
}

static void writer_refuses(void **state)
{
	static const char *const names[] = { "", "/a", "..", "a/../b", "a/..", "TRAILER!!!" };
	int fd = new_file();
	struct cpio_out *c;
	struct err e;

	(void)state;
	must(cpio_out_open(fd, &c, &e), &e);
	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		assert_int_equal(cpio_out_file(c, names[k], 0644, "", 0, &e), ERR_INTERNAL);
	must(cpio_out_file(c, "a..b", 0644, "", 0, &e), &e);
	/* the file behind fd has not what was said of it */
	assert_int_equal(cpio_out_fd(c, "x", 0644, fd, 5000, &e), ERR_IO);
	cpio_out_abort(c);
	add(fd, "x", 1);
	assert_int_equal(cpio_out_open(fd, &c, &e), ERR_INTERNAL);
	close(fd);
}

/* One entry over and over; what the name of it is does not matter. */
static void too_many(const struct raw *one, size_t times, const char *because)
{
	static char block[1 << 20];
	int fd = new_file(), all = new_file();
	struct initrd *i;
	struct err e;
	ssize_t len;
	size_t n = 0;

	add_raw(fd, one, 1, 0);
	len = pread(fd, block, sizeof block, 0);
	while ((n + 1) * (size_t)len <= sizeof block && n < times) {
		memmove(block + n * (size_t)len, block, (size_t)len);
		n++;
	}
	for (size_t k = 0; k < times; k += n)
		add(all, block, n * (size_t)len);
	assert_int_equal(initrd_open_fd(all, "test", &i, &e), ERR_UNSUPPORTED);
	if (!strstr(e.msg, because))
		fail_msg("not '%s' but '%s'", because, e.msg);
	close(fd);
	close(all);
}

static void limits(void **state)
{
	static char longest[4000], deep[200];
	const struct raw file = { "a", 0100644, 1, 1, NULL };
	const struct raw link = { "a", 0120777, 1, 1, longest };
	const struct raw end = { "TRAILER!!!", 0, 0, 1, NULL };
	struct raw two[2] = { file, end };
	int fd = new_file();
	struct initrd *i;
	struct err e;

	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	too_many(&file, 300001, "entries");
	too_many(&link, 17000, "of names");
	for (int k = 0; k < 1025; k++)
		add_raw(fd, two, 2, 0);
	assert_int_equal(initrd_open_fd(fd, "test", &i, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "one behind the other"));
	assert_int_equal(ftruncate(fd, 0), 0);
	for (int k = 0; k < 65; k++) {
		struct raw dir = { deep, 040755, 1, 1, NULL };

		strcat(deep, k ? "/d" : "d");
		add_raw(fd, &dir, 1, 0);
	}
	assert_int_equal(initrd_open_fd(fd, "test", &i, &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.msg, "deep"));
	close(fd);
}

/* Names and links that lead in circles or nowhere. */
static void hostile_names(void **state)
{
	static char longer[4200], component[300];
	const struct raw v[] = {
		{ "../../up", 0100644, 1, 1, "stays inside" },
		{ "loop1", 0120777, 2, 1, "loop2" },
		{ "loop2", 0120777, 3, 1, "/loop1" },
		{ "loop1/x", 0100644, 4, 1, "x" },
		{ longer, 0100644, 5, 1, "passed over" },
		{ component, 0100644, 6, 1, "passed over" },
		{ "out", 0120777, 7, 1, "/../../../etc" },
		{ "etc", 040755, 8, 1, NULL },
		{ "out/passwd", 0100644, 9, 1, "inside" },
		{ "dir", 040755, 10, 1, "a directory with data" },
		{ "/", 040700, 11, 1, NULL },
		{ "", 040700, 12, 1, NULL },
		{ "odd", 0, 13, 1, NULL },
		{ "nowhere", 0120777, 14, 1, NULL },
		{ "dev", 020644, 15, 1, NULL },
	};
	struct initrd_node n;
	char path[PATH_MAX], all[500] = "";
	int fd = new_file();
	struct initrd *i;
	struct err e;

	(void)state;
	memset(longer, 'l', sizeof longer - 1);
	memset(component, 'c', sizeof component - 1);
	add_raw(fd, v, sizeof v / sizeof *v, 1);
	i = open_it(fd);
	assert_int_equal(initrd_each(i, "", list, all), 0);
	assert_string_equal(all, "dev etc/ etc/passwd loop1 loop2 out up ");
	holds(i, "up", "stays inside");
	holds(i, "etc/passwd", "inside");
	absent(i, "loop1/x");
	assert_int_equal(initrd_find(i, "loop1", &n, path, &e), ERR_NOT_FOUND);
	assert_string_equal(path, "");
	must(initrd_find(i, "/", &n, path, &e), &e);
	assert_int_equal(n.mode, 040700);
	must(initrd_find(i, "dev", &n, path, &e), &e);
	assert_true(S_ISCHR(n.mode));
	initrd_close(i);
	close(fd);
}

static void in_a_root(void **state)
{
	char dir[] = "/tmp/test-initrd-XXXXXX", name[100], link[100];
	static const char magic[] = "\x28\xb5\x2f\xfd";
	struct root *root;
	struct initrd *i;
	struct err e;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof name, "%s/initrd-1", dir);
	snprintf(link, sizeof link, "%s/initrd", dir);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	assert_int_equal(symlink("/initrd-1", link), 0);
	add_base(fd, "init");
	must(root_open(dir, &root, &e), &e);
	must(initrd_open(root, "/initrd", &i, &e), &e);
	holds(i, "init", "init");
	initrd_close(i);
	/* a file with nothing but a magic number */
	assert_int_equal(ftruncate(fd, 0), 0);
	add(fd, magic, 4);
	assert_int_equal(initrd_open(root, "/initrd", &i, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "/initrd: the zstd stream at byte 0 is cut short"));
	assert_int_equal(initrd_open(root, "/none", &i, &e), ERR_NOT_FOUND);
	assert_int_equal(initrd_open(root, "/", &i, &e), ERR_UNSUPPORTED);
	root_close(root);
	close(fd);
	unlink(name);
	unlink(link);
	rmdir(dir);
}

static void generators(void **state)
{
	static const struct { enum initrd_generator g; const char *names[6]; const char *init; } t[] = {
		{ GEN_INITRAMFS_TOOLS, { "scripts", "conf", "scripts/functions", "conf/initramfs.conf" }, "" },
		{ GEN_DRACUT, { "usr", "usr/lib", "usr/lib/dracut-lib.sh" }, "" },
		{ GEN_DRACUT_SYSTEMD, { "usr", "usr/lib", "usr/lib/dracut-lib.sh", "usr/lib/systemd/",
			"usr/lib/systemd/systemd" }, "usr/lib/systemd/systemd" },
		{ GEN_MKINITCPIO, { "config", "init_functions", "buildconfig" }, "" },
		{ GEN_BOOSTER, { "etc", "etc/booster.init.yaml" }, "" },
		{ GEN_UNKNOWN, { "sbin" }, "" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
		struct raw v[8] = { { 0 } };
		size_t n = 0;
		int fd = new_file();
		struct initrd *i;

		for (; n < 6 && t[k].names[n]; n++) {
			const char *p = strrchr(t[k].names[n], '/');
			int file = strchr(p ? p : t[k].names[n], '.') != NULL ||
				   (p && (!strcmp(p, "/functions") || !strcmp(p, "/systemd"))) ||
				   strstr(t[k].names[n], "config") || strstr(t[k].names[n], "_func");

			v[n] = (struct raw){ t[k].names[n], file ? 0100644 : 040755, 1, 1, NULL };
		}
		if (*t[k].init)
			v[n++] = (struct raw){ "init", 0120777, 1, 1, t[k].init };
		v[n++] = (struct raw){ "x", 0100644, 1, 1, NULL };
		add_raw(fd, (struct raw[]){ { "lib", 0120777, 1, 1, "usr/lib" } }, 1, 1);
		add_raw(fd, v, n, 1);
		i = open_it(fd);
		assert_string_equal(initrd_generator_name(initrd_generator(i)),
				    initrd_generator_name(t[k].g));
		initrd_close(i);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree), cmocka_unit_test(overlay), cmocka_unit_test(hard_links),
		cmocka_unit_test(segments), cmocka_unit_test(lz4), cmocka_unit_test(damaged),
		cmocka_unit_test(foreign), cmocka_unit_test(each_and_extract),
		cmocka_unit_test(writer_refuses), cmocka_unit_test(limits),
		cmocka_unit_test(hostile_names), cmocka_unit_test(in_a_root),
		 cmocka_unit_test(generators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
