/* test-ntfsio: libntfs-3g on a blkdev.  The volumes are made by mkntfs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "imager/fs/ntfsio.h"
#include <ntfs-3g/device.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>

#define FS_SIZE (4u << 20)

static char path[] = "test-ntfsio-XXXXXX";

static struct blkdev *make(const char *opts)
{
	char cmd[300];
	struct blkdev *d;
	struct err e;

	snprintf(cmd, sizeof cmd,
		 "PATH=$PATH:/sbin:/usr/sbin; rm -f %s; truncate -s %u %s && "
		 "mkntfs -q -F %s %s >/dev/null 2>&1",
		 path, FS_SIZE, path, opts, path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(dev_open_ro(path, &d, &e), 0);
	return d;
}

static void mounts(const char *opts, unsigned int cluster)
{
	struct blkdev *d = make(opts);
	ntfs_volume *vol;
	ntfs_inode *ni;
	struct err e = { 0 };

	if (ntfsio_mount(d, &vol, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(vol->cluster_size, cluster);
	assert_string_equal(vol->vol_name, "Box");
	assert_true(NVolReadOnly(vol));
	ni = ntfs_pathname_to_inode(vol, NULL, "/$Extend/$Quota");
	assert_non_null(ni);
	assert_int_equal(ntfs_inode_close(ni), 0);
	errno = 0;
	assert_int_equal(ntfs_pwrite(vol->dev, 0, 1, "x"), -1);
	assert_int_equal(errno, EROFS);
	errno = 0; /* nor below the library's own check */
	assert_int_equal(vol->dev->d_ops->pwrite(vol->dev, "x", 1, 0), -1);
	assert_int_equal(errno, EROFS);
	assert_null(ntfsio_umount(vol));
	dev_close(d);
}

static void test_clusters(void **state)
{
	(void)state;
	mounts("-L Box", 4096);
	mounts("-L Box -c 512", 512);
	mounts("-L Box -c 65536", 65536);
}

/* For writing only what can be written; then the library's writes arrive, and
 * its flush. */
static int flushes;
static int (*write_below)(struct blkdev *d, uint64_t off, const void *buf, size_t len,
			  struct err *e);

static int count_flush(struct blkdev *d, struct err *e)
{
	(void)d, (void)e;
	flushes++;
	return 0;
}

static int some_write_fails(struct blkdev *d, uint64_t off, const void *buf, size_t len,
			    struct err *e)
{
	return off == 8192 ? err_set(e, ERR_IO, "the disk says no") :
			     write_below(d, off, buf, len, e);
}

static void test_for_writing(void **state)
{
	static unsigned char bytes[FS_SIZE];
	struct blkdev *d = make("-L Box"), *m;
	struct blkdev_ops ops;
	ntfs_volume *vol = (void *)1;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(ntfsio_mount_rw(d, &vol, &e), ERR_REFUSED);
	assert_ptr_equal(vol, (void *)1);
	assert_int_equal(dev_read(d, 0, bytes, FS_SIZE, &e), 0);
	dev_close(d);
	assert_int_equal(dev_mem(bytes, FS_SIZE, 1, &m, &e), 0);
	ops = *m->ops;
	write_below = ops.write;
	ops.write = some_write_fails;
	ops.flush = count_flush;
	m->ops = &ops;
	if (ntfsio_mount_rw(m, &vol, &e))
		fail_msg("%s", e.msg);
	assert_false(NVolReadOnly(vol));
	assert_int_equal(ntfs_pwrite(vol->dev, 12288, 5, "hello"), 5);
	assert_memory_equal(bytes + 12288, "hello", 5);
	errno = 0;
	assert_int_equal(vol->dev->d_ops->pwrite(vol->dev, "x", 1, 8192), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(ntfsio_err(vol, errno, &e, "test"), ERR_IO);
	assert_non_null(strstr(e.msg, "the disk says no"));
	assert_int_equal(ntfsio_finish(vol, &e), 0);
	assert_true(flushes > 0);
	dev_close(m);
}

static void test_not_ntfs(void **state)
{
	static unsigned char zeros[4096];
	struct blkdev *d;
	ntfs_volume *vol = (void *)1;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(dev_mem(zeros, sizeof zeros, 0, &d, &e), 0);
	assert_int_equal(ntfsio_mount(d, &vol, &e), ERR_NOT_FOUND);
	memcpy(zeros + 3, "NTFS    ", 8);
	assert_int_equal(ntfsio_mount(d, &vol, &e), ERR_CORRUPT);
	assert_ptr_equal(vol, (void *)1);
	dev_close(d);
	assert_int_equal(dev_mem(zeros, 100, 0, &d, &e), 0);
	assert_int_equal(ntfsio_mount(d, &vol, &e), ERR_NOT_FOUND);
	dev_close(d);
}

static void test_device_error_is_told(void **state)
{
	struct blkdev *d = make("-L Box"), *bad;
	ntfs_volume *vol;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(dev_fault(d, 4096, FS_SIZE - 4096, &bad, &e), 0);
	assert_int_equal(ntfsio_mount(bad, &vol, &e), ERR_IO);
	dev_close(bad);
	/* cut off inside the $MFT, which begins at 16384 */
	assert_int_equal(dev_window(d, 0, 20480, &bad, &e), 0);
	assert_int_equal(ntfsio_mount(bad, &vol, &e), ERR_CORRUPT);
	dev_close(bad);
	dev_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_for_writing),
		cmocka_unit_test(test_not_ntfs),
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
