/* test-initrd-bad.c: initramfs files that are damaged, foreign or hostile. */
#include "tests/unit/initrd-make.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged), cmocka_unit_test(foreign), cmocka_unit_test(limits),
		cmocka_unit_test(hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
