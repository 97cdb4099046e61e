/* test-root-ntfs: plans on an NTFS volume that is not mounted: made, made again
 * (nothing to do), taken back.  ntfsresize, ntfsfix, ntfscat, ntfsls, ntfsinfo,
 * ntfssecaudit and 7-Zip judge. */
#include "tests/unit/ntfsvol.h"

static struct cutdev cut;
static struct root *root;

static void open_root(void)
{
	struct err e = { 0 };

	if (root_ntfs_open(&cut.d, 0, &root, &e))
		fail_msg("%s", e.msg);
}

static void make(const char *options)
{
	vol_make(&cut, options);
	open_root();
}

static int setup(void **state)
{
	(void)state;
	make("");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	root = root_close(root);
	cut_free(&cut);
	return 0;
}

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

static char *text_of(size_t len, char c)
{
	char *s = malloc(len + 1);

	memset(s, c, len);
	s[len] = 0;
	return s;
}

static void plan_text(struct plan *p, const char *path, size_t len, char c)
{
	struct err e = { 0 };
	char *s = text_of(len, c);

	if (plan_write(p, path, s, len, &e, "Because."))
		fail_msg("%s", e.msg);
	free(s);
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

static void apply(struct plan *p)
{
	struct err e = { 0 };

	if (plan_apply(p, NULL, &e))
		fail_msg("%s", e.msg);
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
		make(options[i]);
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

/* ---- what is refused ---- */

static void special(ntfs_volume *vol)
{
	static const uint8_t wof[] = { 0x17, 0, 0, 0x80, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
				       1, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t junction[] = { 3, 0, 0, 0xa0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					    0, 0, 0, 0 };
	ntfschar stream[] = { const_cpu_to_le16('z') };
	ntfs_attr_search_ctx *ctx;
	ntfs_inode *ni;

	vol_put(vol, "/wof.sys", 9000, 1);
	ni = vol_inode(vol, "/wof.sys");
	assert_int_equal(ntfs_attr_add(ni, AT_REPARSE_POINT, AT_UNNAMED, 0, (u8 *)wof, sizeof wof), 0);
	ntfs_inode_close(ni);
	vol_flags(vol, "/wof.sys", FILE_ATTR_REPARSE_POINT);
	vol_dir(vol, "/junction");
	ni = vol_inode(vol, "/junction");
	assert_int_equal(ntfs_attr_add(ni, AT_REPARSE_POINT, AT_UNNAMED, 0, (u8 *)junction,
				       sizeof junction), 0);
	ntfs_inode_close(ni);
	vol_flags(vol, "/junction", FILE_ATTR_REPARSE_POINT);
	vol_put(vol, "/secret.txt", 9000, 1);
	ni = vol_inode(vol, "/secret.txt");
	ctx = ntfs_attr_get_search_ctx(ni, NULL);
	assert_int_equal(ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, ctx), 0);
	ctx->attr->flags |= ATTR_IS_ENCRYPTED;
	ntfs_inode_mark_dirty(ctx->ntfs_ino);
	ntfs_attr_put_search_ctx(ctx);
	ntfs_inode_close(ni);
	vol_flags(vol, "/secret.txt", FILE_ATTR_ENCRYPTED);
	vol_put(vol, "/streams.txt", 100, 1);
	ni = vol_inode(vol, "/streams.txt");
	assert_int_equal(ntfs_attr_add(ni, AT_DATA, stream, 1, (u8 *)"x", 1), 0);
	ntfs_inode_close(ni);
	vol_put(vol, "/sparse", 10, 1);
	ni = vol_inode(vol, "/sparse");
	{
		ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);

		assert_int_equal(ntfs_attr_pwrite(na, 300000, 5, "hello"), 5);
		ntfs_attr_close(na);
	}
	assert_true(ni->flags & FILE_ATTR_SPARSE_FILE);
	ntfs_inode_close(ni);
}

static void refused(const char *path, int remove, const char *why)
{
	struct plan *p = plan_new(root);
	struct err e = { 0 };
	int rc = remove ? plan_remove(p, path, &e, "No.") : plan_write(p, path, "x", 1, &e, "Yes.");

	if (!rc)
		rc = plan_apply(p, NULL, &e);
	if (rc != ERR_UNSUPPORTED || !strstr(e.msg, why))
		fail_msg("%s: not '%s' but %d: %s", path, why, rc, e.msg);
	plan_free(p);
}

static void test_refused_files(void **state)
{
	struct err e = { 0 };
	struct plan *p;
	struct edit *d;
	uint64_t writes;
	char *text;

	(void)state;
	root_close(root);
	vol_change(&cut.d, special);
	open_root();
	writes = cut.writes;
	refused("/wof.sys", 0, "CompactOS");
	refused("/junction/x", 0, "junction");
	refused("/secret.txt", 0, "EFS");
	refused("/secret.txt", 1, "EFS");
	refused("/sparse", 0, "sparse");
	refused("/streams.txt", 1, "other streams");
	refused("/Windows", 0, "a directory");
	refused("/$MFT", 0, "own files");
	refused("/con", 0, "no name for Windows");
	refused("/what?", 0, "no name for Windows");
	assert_true(root_has_file(root, "/wof.sys"));
	assert_int_equal(root_read(root, "/wof.sys", 10000, &text, NULL, &e), ERR_UNSUPPORTED);
	p = plan_new(root);
	assert_int_equal(plan_link(p, "/link", "boot.ini", &e, "Link."), 0);
	assert_int_equal(plan_apply(p, NULL, &e), ERR_UNSUPPORTED);
	plan_free(p);
	p = plan_new(root);
	d = plan_add(p, EDIT_APPEND, "/boot.ini", "Append.");
	assert_non_null(d);
	assert_int_equal(plan_apply(p, NULL, &e), ERR_UNSUPPORTED);
	plan_free(p);
	/* before anything was written */
	assert_int_equal(cut.writes, writes);
	assert_false(root_exists(root, "/rehost-adapt"));
	/* streams stay when a file is written in place */
	p = plan_new(root);
	plan_text(p, "/streams.txt", 5000, 'n');
	apply(p);
	plan_free(p);
	vol_store(cut.now);
	sh("[ $(ntfscat -n z %s streams.txt) = x ]", vol_path);
}

static void refuses_volume(const char *why)
{
	uint64_t writes = cut.writes;
	struct err e = { 0 };
	struct root *r;

	assert_int_equal(root_ntfs_open(&cut.d, 0, &r, &e), ERR_REFUSED);
	if (!strstr(e.msg, why))
		fail_msg("not '%s' but: %s", why, e.msg);
	assert_int_equal(cut.writes, writes);
}

static void hibernate(ntfs_volume *vol)
{
	int fd = memfd_create("hiber", MFD_CLOEXEC);
	struct err e;

	assert_int_equal(write(fd, "HIBR", 4), 4);
	assert_int_equal(ftruncate(fd, 20000), 0);
	assert_int_equal(ntfsput_file(vol, "/hiberfil.sys", fd, NTFS_PRIVATE, NULL, 0, &e), 0);
	close(fd);
}

static void set_dirty(ntfs_volume *vol)
{
	assert_int_equal(ntfs_volume_write_flags(vol, vol->flags | VOLUME_IS_DIRTY), 0);
}

static void set_unknown(ntfs_volume *vol)
{
	assert_int_equal(ntfs_volume_write_flags(vol, (vol->flags & ~VOLUME_IS_DIRTY) |
						 VOLUME_UPGRADE_ON_MOUNT), 0);
}

static void test_hibernated(void **state)
{
	struct err e = { 0 };

	(void)state;
	root = root_close(root);
	vol_change(&cut.d, hibernate);
	refuses_volume("shutdown /s /t 0");
	assert_int_equal(root_ntfs_forget_hibernation(&cut.d, &e), 0);
	open_root();
	assert_false(root_exists(root, "/hiberfil.sys"));
	assert_true(root_exists(root, "/boot.ini"));
	vol_judge(cut.now);
}

static void test_dirty(void **state)
{
	struct err e = { 0 };
	struct plan *p;
	ntfs_volume *vol;

	(void)state;
	root = root_close(root);
	vol_change(&cut.d, set_dirty);
	refuses_volume("chkdsk /f");
	/* with consent it is written to, and stays dirty */
	assert_int_equal(root_ntfs_open(&cut.d, ROOT_NTFS_EVEN_DIRTY, &root, &e), 0);
	p = plan_new(root);
	plan_text(p, "/boot.ini", 10, 'b');
	apply(p);
	plan_free(p);
	root = root_close(root);
	assert_int_equal(ntfsio_mount(&cut.d, &vol, &e), 0);
	assert_true(vol->flags & VOLUME_IS_DIRTY);
	ntfsio_umount(vol);
	vol_change(&cut.d, set_unknown);
	refuses_volume("unfinished");
}

/* Writes at the place of $LogFile: where ntfsinfo says it begins. */
static uint64_t log_at(void)
{
	struct err e = { 0 };
	ntfs_volume *vol;
	ntfs_inode *ni;
	ntfs_attr *na;
	uint64_t at;

	assert_int_equal(ntfsio_mount(&cut.d, &vol, &e), 0);
	ni = ntfs_inode_open(vol, FILE_LogFile);
	na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	assert_int_equal(ntfs_attr_map_whole_runlist(na), 0);
	at = (uint64_t)na->rl->lcn * vol->cluster_size;
	ntfs_attr_close(na);
	ntfs_inode_close(ni);
	ntfsio_umount(vol);
	return at;
}

/* A restart page as Windows leaves it.  flags 2: unmounted cleanly; client: 0
 * while it is mounted, else 0xffff. */
static void restart_page(uint8_t *p, unsigned int major, unsigned int client, unsigned int flags)
{
	uint8_t *area = p + 0x30, *record = area + 0x40;

	memset(p, 0, 4096);
	memcpy(p, "RSTR", 4);
	p[4] = 0x1e;            /* update sequence array: 9 times 0          */
	p[6] = 9;
	p[0x11] = 0x10;         /* pages of 4096                             */
	p[0x15] = 0x10;
	p[0x18] = 0x30;         /* where the area begins                     */
	p[0x1a] = major == 2 ? 0 : 1;
	p[0x1c] = (uint8_t)major;
	area[0x08] = 1;         /* one client; none is free                  */
	area[0x0a] = area[0x0b] = 0xff;
	area[0x0c] = area[0x0d] = (uint8_t)client;
	area[0x0e] = (uint8_t)flags;
	area[0x10] = 67 - 23;   /* for a log of 4 MiB                        */
	area[0x14] = 0xe0;
	area[0x16] = 0x40;
	area[0x1a] = 0x40;
	area[0x24] = 0x30;
	area[0x26] = 0x40;
	memset(record + 0x10, 0xff, 4); /* no client before or after it      */
}

static void log_of(uint64_t at, unsigned int major, unsigned int client, unsigned int flags)
{
	restart_page(cut.now + at, major, client, flags);
	restart_page(cut.now + at + 4096, major, client, flags);
}

static void test_unclean_log(void **state)
{
	uint64_t at;

	(void)state;
	root = root_close(root);
	at = log_at();
	/* neither empty nor a log at all */
	memset(cut.now + at, 0x41, 8192);
	refuses_volume("not shut down cleanly");
	log_of(at, 1, 0, 0);
	refuses_volume("ntfsrecover");
	log_of(at, 2, 0xff, 2);
	refuses_volume("fast startup");
	log_of(at, 1, 0xff, 2);
	open_root();
}

static void test_locked(void **state)
{
	struct err e = { 0 };
	struct root *r;

	(void)state;
	root = root_close(root);
	memcpy(cut.now + 3, "-FVE-FS-", 8);
	refuses_volume("BitLocker");
	memcpy(cut.now + 3, "MSDOS5.0", 8);
	assert_int_equal(root_ntfs_open(&cut.d, 0, &r, &e), ERR_NOT_FOUND);
}

/* The mark of an interrupted edit needs a sector that is nobody's. */
static void test_no_place(void **state)
{
	(void)state;
	root = root_close(root);
	cut.now[8000] = 1;
	open_root(); /* the other place */
	root = root_close(root);
	memset(cut.now + VOL_SIZE - 4096, 1, 4096 - 512);
	{
		struct err e = { 0 };

		assert_int_equal(root_ntfs_open(&cut.d, 0, &root, &e), ERR_UNSUPPORTED);
		root = NULL;
	}
}

/* A device that can't be written: everything can be read, in any state, nothing
 * is written, and all changes are refused. */
static void test_read_only(void **state)
{
	int fd = vol_content(10, 1);
	struct err e = { 0 };
	struct plan *p;
	char *picture, *text;
	uint64_t writes;

	(void)state;
	root = root_close(root);
	vol_change(&cut.d, hibernate);
	vol_change(&cut.d, set_dirty);
	picture = vol_picture(&(struct cutdev){ .d = { .ops = &cut_ro_ops, .size = VOL_SIZE,
		.sector_size = 512, .phys_size = 512, .name = (char *)"ro" }, .now = cut.now }.d);
	assert_non_null(strstr(picture, "hiberfil.sys"));
	free(picture);
	memcpy(cut.disk, cut.now, VOL_SIZE);
	writes = cut.writes;
	cut.d.ops = &cut_ro_ops;
	open_root();
	assert_int_equal(root_read(root, "/BOOT.ini", 1000, &text, NULL, &e), 0);
	free(text);
	p = make_plan();
	assert_int_equal(plan_apply(p, NULL, &e), ERR_REFUSED);
	plan_free(p);
	assert_int_equal(root_put(root, "/new", fd, 0644, NULL, &e), ERR_REFUSED);
	assert_int_equal(root_remove(root, "/boot.ini", &e), ERR_REFUSED);
	assert_int_equal(root_make_parents(root, "/a/b", NULL, &e), ERR_REFUSED);
	root_remove_dir(root, "/Ünïcode");
	assert_int_equal(root_ntfs_forget_hibernation(&cut.d, &e), ERR_REFUSED);
	/* and a device that could be written isn't, as long as only is read */
	cut.d.ops = &cut_ops;
	close(fd);
	assert_int_equal(cut.writes, writes);
	assert_memory_equal(cut.disk, cut.now, VOL_SIZE);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_clusters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hibernated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unclean_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
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
