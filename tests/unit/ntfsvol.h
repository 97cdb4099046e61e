/* ntfsvol.h: an NTFS volume made by mkntfs, in memory, with what a Windows has;
 * pictures of it; foreign tools' word on it. */
#ifndef REHOST_TEST_NTFSVOL_H
#define REHOST_TEST_NTFSVOL_H
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "imager/fs/ntfsio.h"
#include "drivers-inject/apply.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/root-write.h"
#include "imager/fs/ntfsput.h"
#include "tests/unit/cutdev.h"
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/security.h>

#define VOL_SIZE (6u << 20)
#define CONFIG "/Windows/System32/config"

static char vol_path[] = "ntfsvol-XXXXXX";

__attribute__((format(printf, 1, 2))) static inline void sh(const char *fmt, ...)
{
	char cmd[4096] = "PATH=$PATH:/sbin:/usr/sbin; ";
	size_t n = strlen(cmd);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof cmd - n, fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail_msg("%s", cmd);
}

static inline void vol_load(uint8_t *bytes)
{
	FILE *f = fopen(vol_path, "r");

	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, VOL_SIZE, f), VOL_SIZE);
	fclose(f);
}

static inline void vol_store(const uint8_t *bytes)
{
	FILE *f = fopen(vol_path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, VOL_SIZE, f), VOL_SIZE);
	assert_int_equal(fclose(f), 0);
}

/* len bytes of a pattern that belongs to seed. */
static inline int vol_content(size_t len, unsigned int seed)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t i = 0; i < len; i += 4) {
		seed = seed * 1664525 + 1013904223;
		assert_int_equal(write(fd, &seed, len - i < 4 ? len - i : 4),
				 len - i < 4 ? len - i : 4);
	}
	return fd;
}

static inline void vol_put_as(ntfs_volume *vol, const char *path, size_t len, unsigned int seed,
			      enum ntfs_access access)
{
	/* of 2001; FILETIME of 126285123456789012 */
	struct ntfs_meta m = { 0x20, { 126285123456789012, 126285123456789013, 126285123456789014,
				       126285123456789015 }, NULL, 0, "" };
	struct err e = { 0 };
	int fd = vol_content(len, seed);

	if (ntfsput_file(vol, path, fd, access, NULL, 0, &e) || ntfs_meta_get(vol, path, &m, &e))
		fail_msg("%s", e.msg);
	m.times[0] = m.times[1] = m.times[2] = m.times[3] = 126285123456789012 + len;
	if (ntfsput_file(vol, path, fd, access, &m, 1, &e))
		fail_msg("%s", e.msg);
	ntfs_meta_done(&m);
	close(fd);
}

static inline void vol_put(ntfs_volume *vol, const char *path, size_t len, unsigned int seed)
{
	vol_put_as(vol, path, len, seed, NTFS_PUBLIC);
}

static inline void vol_dir(ntfs_volume *vol, const char *path)
{
	struct err e = { 0 };

	if (ntfsput_dir(vol, path, NTFS_PUBLIC, &e))
		fail_msg("%s", e.msg);
}

static inline ntfs_inode *vol_inode(ntfs_volume *vol, const char *path)
{
	struct err e = { 0 };
	ntfs_inode *ni;

	if (ntfsfile_open(vol, path, &ni, &e))
		fail_msg("%s", e.msg);
	return ni;
}

static inline void vol_flags(ntfs_volume *vol, const char *path, le32 flags)
{
	ntfs_inode *ni = vol_inode(vol, path);

	ni->flags |= flags;
	NInoFileNameSetDirty(ni);
	NInoSetDirty(ni);
	assert_int_equal(ntfs_inode_close(ni), 0);
}

/* Directly on the bytes, without ntfsrw: for what tests begin with. */
static inline void vol_change(struct blkdev *d, void (*change)(ntfs_volume *vol))
{
	struct err e = { 0 };
	ntfs_volume *vol;

	if (ntfsio_mount_rw(d, &vol, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(ntfs_set_ignore_case(vol), 0);
	NVolSetCompression(vol);
	change(vol);
	if (ntfsio_finish(vol, &e))
		fail_msg("%s", e.msg);
}

/* Two files that grow by turns: each lies in many pieces. */
static inline void vol_fragmented(ntfs_volume *vol, const char *a, const char *b)
{
	const char *paths[2] = { a, b };
	ntfs_inode *ni[2];
	ntfs_attr *na[2];
	char buf[5000];

	memset(buf, 'f', sizeof buf);
	for (int k = 0; k < 2; k++) {
		vol_put(vol, paths[k], 0, 0);
		ni[k] = vol_inode(vol, paths[k]);
		na[k] = ntfs_attr_open(ni[k], AT_DATA, AT_UNNAMED, 0);
	}
	for (int i = 0; i < 40; i++)
		assert_int_equal(ntfs_attr_pwrite(na[i % 2], i / 2 * 5000, 5000, buf), 5000);
	for (int k = 0; k < 2; k++) {
		ntfs_attr_close(na[k]);
		ntfs_inode_update_times(ni[k], NTFS_UPDATE_MTIME);
		assert_int_equal(ntfs_inode_close(ni[k]), 0);
	}
}

static inline void vol_windows(ntfs_volume *vol)
{
	vol_dir(vol, "/Windows");
	vol_dir(vol, "/Windows/System32");
	vol_dir(vol, CONFIG);
	vol_dir(vol, "/Windows/System32/drivers");
	vol_put_as(vol, CONFIG "/SYSTEM", 70001, 1, NTFS_PRIVATE);
	vol_put(vol, "/boot.ini", 200, 2);
	vol_put_as(vol, "/Windows/System32/drivers/Old Driver.sys", 9000, 3, NTFS_PRIVATE);
	vol_flags(vol, "/Windows/System32/drivers/Old Driver.sys", FILE_ATTR_READONLY | FILE_ATTR_HIDDEN);
	vol_dir(vol, "/Ünïcode");
	vol_put(vol, "/Ünïcode/Straße und Ökonomie.txt", 5000, 4);
	vol_put(vol, "/empty", 0, 0);
	vol_dir(vol, "/Packed");
	vol_flags(vol, "/Packed", FILE_ATTR_COMPRESSED);
	vol_put(vol, "/Packed/small", 100, 5);
	vol_put(vol, "/Packed/big", 150000, 6);
	vol_fragmented(vol, "/pieces", "/other pieces");
}

/* Enough for a directory with an index of its own, near a split of it. */
static inline void vol_crowd(ntfs_volume *vol)
{
	char path[200];

	for (int i = 0; i < 36; i++) {
		snprintf(path, sizeof path, "/Windows/System32/drivers/some driver number %02d.sys", i);
		vol_put(vol, path, 10, (unsigned int)i);
	}
}

static inline void vol_make(struct cutdev *c, const char *options)
{
	cut_new(c, VOL_SIZE);
	sh("rm -f %s; truncate -s %u %s && mkntfs -q -F %s %s >/dev/null 2>&1", vol_path, VOL_SIZE,
	   vol_path, options, vol_path);
	vol_load(c->now);
	vol_change(&c->d, vol_windows);
}

/* ---- pictures ---- */

struct picture {
	FILE *f;
	char *text;
	size_t len;
};

static inline void picture_add(struct root *r, const char *path, FILE *f)
{
	struct file_meta m = { 0 };
	struct err e = { 0 };
	char *data, digest[65];
	struct stat st;
	size_t len;

	if (root_lstat(r, path, &st, &e) || file_meta_get(r, path, &m, &e))
		fail_msg("%s", e.msg);
	fprintf(f, "%s %o %lld", path, st.st_mode, (long long)st.st_size);
	for (size_t i = 0; i < m.xattr_names.n; i++)
		/* what is made in a directory changes its times */
		if (!S_ISDIR(st.st_mode) || strcmp(m.xattr_names.v[i], "system.ntfs_times"))
			fprintf(f, " %s", m.xattr_values.v[i]);
	file_meta_done(&m);
	if (S_ISREG(st.st_mode)) {
		if (root_read(r, path, VOL_SIZE, &data, &len, &e) ||
		    bytes_digest(data, len, digest, &e))
			fail_msg("%s", e.msg);
		fprintf(f, " %s", digest);
		free(data);
	}
	fputc('\n', f);
}

static inline void picture_dir(struct root *r, const char *dir, FILE *f)
{
	struct err e = { 0 };
	struct strv names;
	char path[PATH_MAX];
	struct stat st;

	if (root_list(r, *dir ? dir : "/", &names, &e))
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < names.n; i++) {
		if (snprintf(path, sizeof path, "%s/%s", dir, names.v[i]) >= (int)sizeof path)
			fail_msg("%s: too long", names.v[i]);
		picture_add(r, path, f);
		if (!root_lstat(r, path, &st, NULL) && S_ISDIR(st.st_mode))
			picture_dir(r, path, f);
	}
	strv_done(&names);
}

/* Every file: name, size, times, attributes, descriptor, short name, content. */
static inline char *vol_picture(struct blkdev *d)
{
	struct err e = { 0 };
	struct root *r;
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (root_ntfs_open(d, 0, &r, &e))
		fail_msg("%s", e.msg);
	picture_dir(r, "", f);
	fclose(f);
	root_close(r);
	return text;
}

static inline void vol_same(const char *before, const char *after)
{
	const char *const text[] = { before, after };

	if (!strcmp(before, after))
		return;
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(i ? "after.txt" : "before.txt", "w");

		fputs(text[i], f);
		fclose(f);
	}
	sh("diff before.txt after.txt");
}

/* ---- foreign tools ---- */

static inline void vol_judge(const uint8_t *bytes)
{
	vol_store(bytes);
	sh("ntfsresize -f -i %s >judge.log 2>&1 || { cat judge.log; exit 1; }; "
	   "ntfsfix -n %s >>judge.log 2>&1 || { cat judge.log; exit 1; }; "
	   "grep -q 'processed successfully' judge.log", vol_path, vol_path);
}
#endif
