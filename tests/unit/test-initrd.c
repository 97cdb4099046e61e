/* test-initrd.c: initramfs files as the kernel would see them. */
#include "tests/unit/initrd-make.h"

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
		cmocka_unit_test(segments), cmocka_unit_test(lz4), cmocka_unit_test(each_and_extract),
		cmocka_unit_test(writer_refuses), cmocka_unit_test(in_a_root),
		cmocka_unit_test(generators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
