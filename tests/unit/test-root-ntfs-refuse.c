/* test-root-ntfs-refuse: what is not written on an NTFS volume that isn't mounted:
 * files that can't be, volumes in a state that forbids it, devices that are only
 * read.  Each is refused before the first write, with a sentence. */
#include "tests/unit/ntfsroot.h"

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
	/* a device that could be written isn't, as long as only is read */
	writes = cut.writes;
	free(vol_picture(&cut.d));
	assert_int_equal(root_read(root, "/Boot.ini", 1000, &text, NULL, &e), 0);
	free(text);
	root = root_close(root);
	assert_int_equal(cut.writes, writes);
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
	p = plan_new(root);
	plan_text(p, "/BOOT.INI", 3000, 'b');
	assert_int_equal(plan_apply(p, NULL, &e), ERR_REFUSED);
	plan_free(p);
	assert_int_equal(root_put(root, "/new", fd, 0644, NULL, &e), ERR_REFUSED);
	assert_int_equal(root_remove(root, "/boot.ini", &e), ERR_REFUSED);
	assert_int_equal(root_make_parents(root, "/a/b", NULL, &e), ERR_REFUSED);
	root_remove_dir(root, "/Ünïcode");
	assert_int_equal(root_ntfs_forget_hibernation(&cut.d, &e), ERR_REFUSED);
	cut.d.ops = &cut_ops;
	close(fd);
	assert_int_equal(cut.writes, writes);
	assert_memory_equal(cut.disk, cut.now, VOL_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hibernated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unclean_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
	};
	int fd = mkstemp(vol_path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(vol_path);
	return r;
}
