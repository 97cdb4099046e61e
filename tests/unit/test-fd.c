/* test-fd.c: files as devices: holes are seen, and made. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/engine.h"
#include "imager/dev/dev.h"

#define SIZE (4u << 20)

static char path[] = "fd-test-XXXXXX";

static uint64_t allocated(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* Data at 1 MiB + 8 KiB (one page), 2 MiB (64 KiB) and 3 MiB - 4 KiB (8 KiB). */
static uint8_t *make_file(void)
{
	static const uint32_t at[][2] = {
		{ 1056768, 4096 }, { 2097152, 65536 }, { 3141632, 8192 } };
	uint8_t *want = calloc(1, SIZE);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	for (size_t i = 0; i < 3; i++) {
		memset(want + at[i][0], 0x5A, at[i][1]);
		assert_int_equal(pwrite(fd, want + at[i][0], at[i][1], at[i][0]), at[i][1]);
	}
	close(fd);
	return want;
}

static void holes_read_as_zeros(void **state)
{
	uint8_t *want = make_file(), *buf = malloc(SIZE);
	uint64_t seed = 1;
	struct blkdev *d;
	struct err e;

	(void)state;
	assert_ok(dev_open_ro(path, &d, &e));
	for (int i = 0; i < 3000; i++) {
		uint64_t off = rnd(&seed) % SIZE, len = rnd(&seed) % (1u << rnd(&seed) % 22);

		if (i % 3 == 0) /* around the edges of the data */
			off = 4096 * (rnd(&seed) % (SIZE / 4096)) - (off % 3 && off > 4096 ? 512 : 0);
		off %= SIZE;
		if (len > SIZE - off)
			len = SIZE - off;
		memset(buf, 0xA5, SIZE);
		if (i % 5 == 0)
			dev_will_need(d, off, len);
		assert_ok(dev_read(d, off, buf, len, &e));
		assert_memory_equal(buf, want + off, len);
		if (len < SIZE)
			assert_int_equal(buf[len], 0xA5);
	}
	dev_close(d);
	free(want);
	free(buf);
	unlink(path);
}

/* What is written after a look at the hole is read, from a device for writing. */
static void written_is_read(void **state)
{
	uint8_t *want = make_file(), buf[4096];
	struct stat st;
	struct write_token t = { .path = path };
	struct blkdev *d;
	struct err e;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	assert_ok(dev_open_rw(&t, &d, &e));
	assert_ok(dev_read(d, 8192, buf, sizeof buf, &e));
	assert_int_equal(buf[7], 0);
	memset(buf, 0x77, sizeof buf);
	assert_ok(dev_write(d, 8192, buf, sizeof buf, &e));
	memset(buf, 0, sizeof buf);
	assert_ok(dev_read(d, 8192, buf, sizeof buf, &e));
	assert_int_equal(buf[7], 0x77);
	dev_close(d);
	free(want);
	unlink(path);
}

static void zeros_take_no_room(void **state)
{
	uint8_t *want = make_file(), *buf = malloc(SIZE);
	struct stat st;
	struct write_token t = { .path = path };
	uint64_t before = allocated();
	struct blkdev *d;
	struct err e;
	int r;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	assert_ok(dev_open_rw(&t, &d, &e));
	/* half of the second piece and a bit that isn't a whole page */
	r = dev_zero(d, 2097152 + 512, 32768);
	if (r == 0) {
		memset(want + 2097152 + 512, 0, 32768);
		assert_true(allocated() < before);
	}
	assert_ok(dev_read(d, 0, buf, SIZE, &e));
	assert_memory_equal(buf, want, SIZE);
	assert_int_equal(dev_zero(d, SIZE - 512, 1024), 1); /* past the end */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	dev_close(d);
	free(want);
	free(buf);
	unlink(path);
	if (r)
		skip(); /* this file system can't make holes */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_read_as_zeros),
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(zeros_take_no_room),
	};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	unlink(path);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
