/* test-extio: libext2fs on a blkdev.  The file systems are made by mke2fs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "imager/fs/extio.h"

#define FS_SIZE (8u << 20)
#define FS_AT 4096u /* the file system's place in the image: not at 0 */

static char path[] = "test-extio-XXXXXX";

/* An image with a file system of blocks of `bs` bytes at FS_AT. */
static struct blkdev *make(unsigned int bs, struct blkdev **whole)
{
	char cmd[400];
	struct blkdev *w;
	struct err e;

	snprintf(cmd, sizeof cmd,
		 "PATH=$PATH:/sbin:/usr/sbin; rm -f %s; truncate -s %u %s && "
		 "mke2fs -q -F -t ext4 -b %u -E offset=%u %s %uk 2>/dev/null",
		 path, FS_AT + FS_SIZE, path, bs, FS_AT, path, FS_SIZE / 1024);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(dev_open_ro(path, whole, &e), 0);
	assert_int_equal(dev_window(*whole, FS_AT, FS_SIZE, &w, &e), 0);
	return w;
}

static void reads_inodes_and_bitmaps(unsigned int bs)
{
	struct blkdev *whole, *w = make(bs, &whole);
	ext2_filsys fs;
	ext2_ino_t ino;
	struct err e = { 0 };

	if (extio_open(w, 0, 0, 0, &fs, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(fs->blocksize, bs);
	assert_int_equal(ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO,
				      "/lost+found", &ino), 0);
	assert_int_equal(ino, 11);
	assert_int_equal(ext2fs_read_block_bitmap(fs), 0);
	assert_int_equal(io_channel_write_blk64(fs->io, 0, 1, e.msg),
			 EXT2_ET_RO_FILSYS);
	assert_null(extio_close(fs));
	dev_close(w);
	dev_close(whole);
}

static void test_block_sizes(void **state)
{
	(void)state;
	reads_inodes_and_bitmaps(1024);
	reads_inodes_and_bitmaps(2048);
	reads_inodes_and_bitmaps(4096);
}

static void test_backup_superblock(void **state)
{
	struct blkdev *whole, *w;
	ext2_filsys fs;
	struct err e = { 0 };

	(void)state;
	/* 8 MB of 1 KB blocks have one group: the backup needs a second */
	w = make(1024, &whole);
	assert_int_equal(extio_open(w, EXT2_FLAG_SUPER_ONLY, 8193, 1024, &fs,
				    &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "block 8193 of 1024 bytes lies beyond"));
	dev_close(w);
	dev_close(whole);
}

static void test_not_ext(void **state)
{
	static unsigned char zeros[64 << 10];
	struct blkdev *d;
	ext2_filsys fs = (void *)1;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(dev_mem(zeros, sizeof zeros, 0, &d, &e), 0);
	assert_int_equal(extio_open(d, 0, 0, 0, &fs, &e), ERR_NOT_FOUND);
	assert_ptr_equal(fs, (void *)1);
	assert_int_equal(extio_open(d, EXT2_FLAG_RW, 0, 0, &fs, &e),
			 ERR_INTERNAL);
	dev_close(d);
	assert_int_equal(dev_mem(zeros, 700, 0, &d, &e), 0);
	assert_int_equal(extio_open(d, 0, 0, 0, &fs, &e), ERR_CORRUPT);
	dev_close(d);
}

static void test_too_many_groups(void **state)
{
	static unsigned char bytes[64 << 10];
	struct ext2_super_block *sb = (void *)(bytes + 1024);
	struct blkdev *d;
	ext2_filsys fs;
	struct err e = { 0 };

	(void)state;
	sb->s_magic = ext2fs_cpu_to_le16(EXT2_SUPER_MAGIC);
	sb->s_blocks_count = ext2fs_cpu_to_le32(UINT32_MAX);
	sb->s_blocks_count_hi = ext2fs_cpu_to_le32(7);
	sb->s_feature_incompat =
		ext2fs_cpu_to_le32(EXT4_FEATURE_INCOMPAT_64BIT);
	sb->s_blocks_per_group = ext2fs_cpu_to_le32(8);
	assert_int_equal(dev_mem(bytes, sizeof bytes, 0, &d, &e), 0);
	assert_int_equal(extio_open(d, 0, 0, 0, &fs, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "block groups"));
	dev_close(d);
}

static void test_device_error_is_told(void **state)
{
	struct blkdev *whole, *w = make(4096, &whole), *bad;
	ext2_filsys fs;
	ext2_ino_t ino;
	errcode_t rc;
	struct err e = { 0 };

	(void)state;
	/* all but the superblock and the group descriptors */
	assert_int_equal(dev_fault(w, 16384, FS_SIZE - 16384, &bad, &e), 0);
	assert_int_equal(extio_open(bad, EXT2_FLAG_SUPER_ONLY, 0, 0, &fs, &e),
			 0);
	extio_close(fs);
	assert_int_equal(extio_open(bad, 0, 0, 0, &fs, &e), 0);
	rc = ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, "/a", &ino);
	assert_int_not_equal(rc, 0);
	assert_int_equal(extio_err(fs, rc, &e, "looking for /a"), ERR_IO);
	assert_non_null(strstr(e.msg, "looking for /a"));
	extio_close(fs);
	dev_close(bad);
	dev_close(w);
	dev_close(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_sizes),
		cmocka_unit_test(test_backup_superblock),
		cmocka_unit_test(test_not_ext),
		cmocka_unit_test(test_too_many_groups),
		cmocka_unit_test(test_device_error_is_told),
	};
	int fd = mkstemp(path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return r;
}
