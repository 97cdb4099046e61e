/* test-root-ntfs: plans on an NTFS volume that is not mounted: made, made again
 * (nothing to do), taken back.  ntfsresize, ntfsfix, ntfscat, ntfsls, ntfsinfo,
 * ntfssecaudit and 7-Zip judge. */
#include "tests/unit/ntfsroot.h"
#include "imager/fs/ntfsroom.h"

/* What a file is beside content and times: its MFT record, its descriptor. */
static uint64_t record(const char *path)
{
	struct err e = { 0 };
	struct stat st;

	if (root_stat(root, path, &st, &e))
		fail_msg("%s", e.msg);
	return st.st_ino;
}

static uint32_t security_id(const char *path)
{
	struct err e = { 0 };
	ntfs_volume *vol;
	ntfs_inode *ni;
	uint32_t id;

	if (ntfsfile_mount(&cut.d, &vol, &e))
		fail_msg("%s", e.msg);
	ni = vol_inode(vol, path);
	id = le32_to_cpu(ni->security_id);
	ntfs_inode_close(ni);
	ntfsio_umount(vol);
	return id;
}

/* Bytes that the clusters of a compressed file hold; 0: it isn't compressed. */
static uint64_t compressed(const char *path)
{
	struct err e = { 0 };
	ntfs_volume *vol;
	ntfs_inode *ni;
	ntfs_attr *na;
	uint64_t n = 0;

	if (ntfsfile_mount(&cut.d, &vol, &e))
		fail_msg("%s", e.msg);
	ni = vol_inode(vol, path);
	na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	if (na->data_flags & ATTR_IS_COMPRESSED)
		n = (uint64_t)na->compressed_size;
	ntfs_attr_close(na);
	ntfs_inode_close(ni);
	ntfsio_umount(vol);
	return n;
}

static void check_text(const char *path, size_t len, char c)
{
	struct err e = { 0 };
	char *s, *want = text_of(len, c);
	size_t got;

	if (root_read(root, path, 1 << 20, &s, &got, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(got, len);
	assert_string_equal(s, want);
	free(s);
	free(want);
}

/* In other cases than the volume has. */
static struct plan *make_plan(void)
{
	struct plan *p = plan_new(root);
	struct err e = { 0 };

	plan_text(p, "/WINDOWS/system32/CONFIG/system", 90000, 's');
	plan_text(p, "/BOOT.INI", 3000, 'b');
	plan_text(p, "/üNÏCODE/STRAßE UND öKONOMIE.TXT", 50, 'u');
	plan_text(p, "/Empty", 1, 'e');
	plan_text(p, "/windows/system32/drivers/viostor.sys", 40000, 'v');
	plan_text(p, "/Windows/New Directory/Länger als acht.inf", 300, 'l');
	plan_text(p, "/packed/big", 100000, 'p');
	plan_text(p, "/packed/SMALL", 10000, 'q');
	plan_text(p, "/pieces", 60000, 'x');
	plan_text(p, "/other pieces", 7, 'y');
	if (plan_remove(p, "/windows/system32/drivers/OLD DRIVER.sys", &e, "Not wanted."))
		fail_msg("%s", e.msg);
	return p;
}

static void undo(size_t runs, size_t files)
{
	struct undo_result u;
	struct err e = { 0 };

	if (adapt_undo(root, NULL, &u, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(u.runs, runs);
	assert_int_equal(u.files, files);
	if (u.kept.n)
		fail_msg("%s", u.kept.v[0]);
}

/* Content, names and the names' kind, as others read them. */
static void judge_made(int usual)
{
	vol_judge(cut.now);
	sh("v=%s; is() { [ \"$(ntfscat $v \"$1\" | wc -c)\" = $2 ] && "
	   "[ \"$(ntfscat $v \"$1\" | tr -d $3 | wc -c)\" = 0 ]; }; "
	   "is Windows/System32/config/SYSTEM 90000 s && is Packed/big 100000 p && "
	   "is Packed/small 10000 q && is boot.ini 3000 b && is pieces 60000 x && "
	   "is 'Windows/New Directory/Länger als acht.inf' 300 l && "
	   "ntfsls -p /Windows/System32/drivers $v | grep -qx viostor.sys && "
	   "! ntfsls -p /Windows/System32/drivers $v | grep -q 'Old Driver' && "
	   "ntfsinfo -F Windows/System32/drivers/viostor.sys $v | grep -q 'Win32 & DOS'", vol_path);
	/* 7-Zip knows the usual sizes of clusters and sectors only */
	if (usual)
		sh("! command -v 7zz >/dev/null || { 7zz l %s >7z.log && "
		   "grep -q 'Länger als acht.inf' 7z.log && grep -q viostor.sys 7z.log; }", vol_path);
}

/* The two descriptors, as the foreign tool dumps them. */
static void judge_access(void)
{
	sh("dump() { ntfssecaudit -v %s \"$1\" 2>&1 | sed -n 's/^ *[0-9a-f]\\{6\\}  //p' | tr -d ' \\n'; }; "
	   "full=00001400ff011f0001010000000000051200000000001800ff011f0001020000000000052000000020020000; "
	   "read=00001800a900120001020000000000052000000021020000; "
	   "dump Windows/System32/drivers/viostor.sys >sec.log; dump rehost-adapt/0001/journal.json >sec2.log; "
	   "grep -q $full$read sec.log && grep -q $full sec2.log && ! grep -q $read sec2.log || "
	   "{ cat sec.log sec2.log; exit 1; }", vol_path);
}

static void round_trip(int usual)
{
	int packed = compressed("/Packed/big") > 0;
	char *before = vol_picture(&cut.d), *after;
	static const char *const kept[] = { CONFIG "/SYSTEM", "/boot.ini", "/Packed/big", "/pieces" };
	uint64_t was[4];
	uint32_t sd[4];
	struct plan *p = make_plan();

	for (int i = 0; i < 4; i++) {
		was[i] = record(kept[i]);
		sd[i] = security_id(kept[i]);
	}
	assert_int_equal(p->n, 11);
	assert_string_equal(p->v[0].path, CONFIG "/SYSTEM");
	apply(p);
	plan_free(p);
	check_text(CONFIG "/SYSTEM", 90000, 's');
	check_text("/Ünïcode/Straße und Ökonomie.txt", 50, 'u');
	check_text("/Windows/System32/drivers/viostor.sys", 40000, 'v');
	assert_false(root_exists(root, "/Windows/System32/drivers/Old Driver.sys"));
	for (int i = 0; i < 4; i++) {
		assert_int_equal(record(kept[i]), was[i]);
		assert_int_equal(security_id(kept[i]), sd[i]);
	}
	/* 100000 times the same letter */
	if (packed)
		assert_in_range(compressed("/Packed/big"), 1, 40000);
	judge_made(usual);
	judge_access();
	p = make_plan();
	assert_int_equal(p->n, 0);
	plan_free(p);
	/* and from a fresh start */
	root_close(root);
	open_root();
	undo(1, 11);
	for (int i = 0; i < 4; i++)
		assert_int_equal(record(kept[i]), was[i]);
	after = vol_picture(&cut.d);
	vol_same(before, after);
	assert_false(root_exists(root, "/rehost-adapt"));
	vol_judge(cut.now);
	undo(0, 0);
	free(before);
	free(after);
}

static void test_round_trip(void **state)
{
	(void)state;
	assert_true(compressed("/Packed/big") > 0);
	round_trip(1);
	assert_true(compressed("/Packed/big") > 0);
}

static void test_other_clusters(void **state)
{
	static const char *const options[] = { "-c 512", "-c 65536", "-c 1024 -s 1024" };

	for (int i = 0; i < 3; i++) {
		teardown(state);
		make_root(options[i]);
		/* the library compresses up to 4096 only; the flag is the directory's */
		round_trip(0);
	}
}

/* What is written in place keeps hidden, read-only and its like. */
static void test_attributes(void **state)
{
	struct plan *p = plan_new(root);
	struct file_meta a, b;
	struct err e;

	(void)state;
	assert_int_equal(file_meta_get(root, "/Windows/System32/drivers/Old Driver.sys", &a, &e), 0);
	plan_text(p, "/Windows/System32/drivers/old driver.SYS", 20000, 'o');
	apply(p);
	plan_free(p);
	assert_int_equal(file_meta_get(root, "/Windows/System32/drivers/Old Driver.sys", &b, &e), 0);
	assert_string_equal(a.xattr_names.v[0], "system.ntfs_attrib");
	assert_string_equal(a.xattr_values.v[0], b.xattr_values.v[0]);
	assert_string_equal(a.xattr_values.v[2], b.xattr_values.v[2]);
	/* but it was written now */
	assert_string_not_equal(a.xattr_values.v[1], b.xattr_values.v[1]);
	file_meta_done(&a);
	file_meta_done(&b);
}

/* Byte for byte what Windows makes of the two SDDL strings (as laid out by it:
 * owner, group, DACL). */
static void test_descriptor(void **state)
{
	static const char public_sd[] =
		"01000480" "14000000" "20000000" "00000000" "2c000000"
		"010100000000000512000000" "010100000000000512000000"
		"02004c0003000000"
		"00001400ff011f00" "010100000000000512000000"
		"00001800ff011f00" "01020000000000052000000020020000"
		"00001800a9001200" "01020000000000052000000021020000";
	static const char private_sd[] =
		"01000490" "14000000" "20000000" "00000000" "2c000000"
		"010100000000000512000000" "010100000000000512000000"
		"0200340002000000"
		"00001400ff011f00" "010100000000000512000000"
		"00001800ff011f00" "01020000000000052000000020020000";
	int fd = vol_content(10, 1);
	struct file_meta m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(root_put(root, "/new.txt", fd, 0644, NULL, &e), 0);
	assert_int_equal(file_meta_get(root, "/new.txt", &m, &e), 0);
	assert_string_equal(m.xattr_values.v[2], public_sd);
	file_meta_done(&m);
	assert_int_equal(root_put(root, "/secret", fd, 0600, NULL, &e), 0);
	assert_int_equal(file_meta_get(root, "/secret", &m, &e), 0);
	assert_string_equal(m.xattr_values.v[2], private_sd);
	file_meta_done(&m);
	close(fd);
	/* inherited in a directory: OICI */
	assert_int_equal(root_make_parents(root, "/Sub/x", NULL, &e), 0);
	assert_int_equal(file_meta_get(root, "/Sub", &m, &e), 0);
	assert_non_null(strstr(m.xattr_values.v[2], "00031800a9001200"));
	file_meta_done(&m);
	vol_judge(cut.now);
}

/* ---- room for the log ---- */

static struct blkdev *room_redo;
static uint8_t *bits_before;

static uint8_t *bits(ntfs_volume *vol)
{
	uint64_t len = ((uint64_t)vol->nr_clusters + 7) / 8;
	uint8_t *b = calloc(1, len + 1);

	assert_int_equal(ntfs_attr_pread(vol->lcnbmp_na, 0, (s64)len, b), len);
	return b;
}

static int taken(const uint8_t *b, uint64_t c)
{
	return b[c / 8] >> c % 8 & 1;
}

/* All clusters in these bytes are free before and after. */
static int both_free(const uint8_t *after, uint64_t cs, uint64_t off, uint64_t len)
{
	for (uint64_t c = off / cs; c < (off + len) / cs; c++)
		if (taken(bits_before, c) || taken(after, c))
			return 0;
	return 1;
}

/* Exactly what is free before and after an edit, and not a cluster more: but for pieces
 * of what is written at once (REDO_GRANULE). */
static void use_room(ntfs_volume *vol)
{
	int fd = vol_content(50000, 9);
	struct redo_extent v[REDO_EXTENTS_MAX];
	uint64_t cs = vol->cluster_size, unit = cs > REDO_GRANULE ? cs : REDO_GRANULE;
	uint64_t end = (uint64_t)vol->nr_clusters * cs / unit * unit, both = 0, sum = 0;
	struct err e = { 0 };
	uint8_t *after;
	size_t n;

	bits_before = bits(vol);
	if (ntfsput_file(vol, "/taken", fd, NTFS_PUBLIC, NULL, 0, &e) ||
	    ntfsput_remove(vol, CONFIG "/SYSTEM", &e))
		fail_msg("%s", e.msg);
	close(fd);
	after = bits(vol);
	for (uint64_t at = 0; at < end; at += unit)
		both += both_free(after, cs, at, unit) ? unit : 0;
	if (ntfs_room(vol, room_redo, both, v, &n, &e))
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].off % unit + v[i].len % unit, 0);
		assert_true(both_free(after, cs, v[i].off, v[i].len));
		sum += v[i].len;
	}
	assert_int_equal(sum, both);
	assert_int_equal(ntfs_room(vol, room_redo, both + 1, v, &n, &e), ERR_NOSPACE);
	/* the highest ones when few are needed */
	assert_int_equal(ntfs_room(vol, room_redo, cs, v, &n, &e), 0);
	assert_int_equal(n, 1);
	for (uint64_t at = v[0].off + unit; at < end; at += unit)
		assert_false(both_free(after, cs, at, unit));
	free(after);
	free(bits_before);
}

static void test_room(void **state)
{
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(dev_redo(&cut.d, &room_redo, &e), 0);
		vol_change(room_redo, use_room);
		dev_close(room_redo);
		teardown(state);
		make_root("-c 512");
	}
}

/* A volume without room for the log: refused, and nothing has changed. */
static void fill_up(ntfs_volume *vol)
{
	struct err e = { 0 };
	int fd = memfd_create("full", MFD_CLOEXEC);

	assert_true(ntfs_volume_get_free_space(vol) == 0);
	assert_int_equal(ftruncate(fd, (off_t)(vol->free_clusters - 8) * vol->cluster_size), 0);
	if (ntfsput_file(vol, "/filler", fd, NTFS_PUBLIC, NULL, 0, &e))
		fail_msg("%s", e.msg);
	close(fd);
}

/* The clusters of the old content are not there for the new. */
static void write_over(ntfs_volume *vol)
{
	struct err e = { 0 };
	int fd = vol_content(60000, 9);

	assert_true(8 * vol->cluster_size < 60000);
	assert_int_not_equal(ntfsput_file(vol, CONFIG "/SYSTEM", fd, NTFS_PUBLIC, NULL, 0, &e), 0);
	assert_non_null(strstr(e.msg, "No space left"));
	close(fd);
}

static void test_full(void **state)
{
	struct plan *p;
	struct err e = { 0 };
	char *before, *after;

	(void)state;
	root = root_close(root);
	vol_change(&cut.d, fill_up);
	assert_int_equal(dev_redo(&cut.d, &room_redo, &e), 0);
	vol_change(room_redo, write_over);
	dev_close(room_redo);
	before = vol_picture(&cut.d);
	open_root();
	p = plan_new(root);
	plan_text(p, "/boot.ini", 3000, 'b');
	assert_int_equal(plan_apply(p, NULL, &e), ERR_NOSPACE);
	assert_non_null(strstr(e.msg, "too little free room"));
	plan_free(p);
	after = vol_picture(&cut.d);
	vol_same(before, after);
	free(before);
	free(after);
}

/* As a program does it: the guard's token, a partition of a disk. */
static void test_by_token(void **state)
{
	struct write_token t = { .path = vol_path };
	struct blkdev *d, *part;
	struct plan *p;
	struct stat st;
	struct err e = { 0 };
	FILE *f;

	(void)state;
	root = root_close(root);
	f = fopen(vol_path, "w");
	assert_int_equal(fseek(f, 1 << 20, SEEK_SET), 0);
	assert_int_equal(fwrite(cut.now, 1, VOL_SIZE, f), VOL_SIZE);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(stat(vol_path, &st), 0);
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	assert_int_equal(dev_open_rw(&t, &d, &e), 0);
	assert_int_equal(dev_window(d, 1 << 20, VOL_SIZE, &part, &e), 0);
	assert_int_equal(root_ntfs_open(part, 0, &root, &e), 0);
	p = make_plan();
	apply(p);
	plan_free(p);
	undo(1, 11);
	root = root_close(root);
	dev_close(part);
	dev_close(d);
	f = fopen(vol_path, "r");
	assert_int_equal(fseek(f, 1 << 20, SEEK_SET), 0);
	assert_int_equal(fread(cut.now, 1, VOL_SIZE, f), VOL_SIZE);
	fclose(f);
	vol_judge(cut.now);
}

/* A volume that wasn't made here (fixtures): 512-byte clusters, a log of its own. */
static void test_real(void **state)
{
	static uint8_t bytes[2 << 20];
	const char *dir = getenv("REHOST_FIXTURES");
	char cmd[PATH_MAX], *before, *after;
	struct blkdev *d;
	struct err e = { 0 };
	struct plan *p;
	FILE *f;

	(void)state;
	snprintf(cmd, sizeof cmd, "%s/disks/ntfs/colinfinck-testfs1.raw.xz", dir ? dir : "");
	if (access(cmd, R_OK))
		skip();
	snprintf(cmd, sizeof cmd, "xz -dc %s/disks/ntfs/colinfinck-testfs1.raw.xz", dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
	pclose(f);
	root = root_close(root);
	assert_int_equal(dev_mem(bytes, sizeof bytes, 1, &d, &e), 0);
	before = vol_picture(d);
	if (root_ntfs_open(d, 0, &root, &e))
		fail_msg("%s", e.msg);
	p = plan_new(root);
	plan_text(p, "/1000-BYTES-file", 20000, 'a');
	plan_text(p, "/New/file", 100, 'b');
	assert_int_equal(plan_remove(p, "/file-with-12345", &e, "No."), 0);
	apply(p);
	plan_free(p);
	check_text("/1000-bytes-file", 20000, 'a');
	undo(1, 3);
	root = root_close(root);
	after = vol_picture(d);
	vol_same(before, after);
	free(before);
	free(after);
	dev_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_clusters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_real, setup, teardown),
		cmocka_unit_test_setup_teardown(test_by_token, setup, teardown),
	};
	int fd = mkstemp(vol_path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(vol_path);
	return r;
}
