/* test-root-ntfs-cut: a plan is made on an NTFS volume, and cut off at each of its
 * writes: by an error of the disk, by the end of the process, by the end of the
 * power.  The volume opens again, and an undo leaves every file as it was. */
#include "tests/unit/ntfsvol.h"

#define HIVE_OLD 70001u         /* bytes of SYSTEM, by ntfsvol.h              */
#define HIVE_NEW 72000u         /* takes all of the old one's clusters, if it may */

/* With sanitizers, which take eight times as long, at each fourteenth write only. */
#ifdef __SANITIZE_ADDRESS__
#define EVERY 14
#else
#define EVERY 1
#endif

static struct cutdev cut;
static uint8_t *start;
static char *before;
static int size_of_plan;

static struct plan *small_plan(struct root *r)
{
	struct plan *p = plan_new(r);
	struct err e = { 0 };
	char text[3000], hive[HIVE_NEW];

	memset(text, 'n', sizeof text);
	memset(hive, 'n', sizeof hive);
	if (plan_write(p, "/Windows/System32/config/SYSTEM", hive, sizeof hive, &e, "Hive.") ||
	    plan_write(p, "/Windows/System32/drivers/some driver number 99.sys", text, 2000, &e,
		       "Driver.") ||
	    plan_write(p, "/Windows/System32/drivers/viostor.sys", text, sizeof text, &e, "Driver.") ||
	    plan_remove(p, "/boot.ini", &e, "Not wanted."))
		fail_msg("%s", e.msg);
	return p;
}

static int setup(void **state)
{
	(void)state;
	vol_make(&cut, "");
	/* the directory's index is split by one more name */
	vol_change(&cut.d, vol_crowd);
	start = malloc(VOL_SIZE);
	memcpy(start, cut.now, VOL_SIZE);
	before = vol_picture(&cut.d);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cut_free(&cut);
	free(start);
	free(before);
	return 0;
}

static int run(enum cut_how how, uint64_t at, struct err *e)
{
	struct root *r;
	struct plan *p;
	int rc;

	cut_begin(&cut, start, how, at);
	rc = root_ntfs_open(&cut.d, 0, &r, e);
	if (rc)
		return rc;
	p = small_plan(r);
	size_of_plan = (int)p->n;
	rc = plan_apply(p, NULL, e);
	plan_free(p);
	root_close(r);
	return rc;
}

static void undo_all(uint64_t k)
{
	struct undo_result u;
	struct err e = { 0 };
	struct root *r;
	char *after;

	if (root_ntfs_open(&cut.d, 0, &r, &e))
		fail_msg("after write %llu: %s", (unsigned long long)k, e.msg);
	if (adapt_undo(r, NULL, &u, &e))
		fail_msg("after write %llu: %s", (unsigned long long)k, e.msg);
	if (u.kept.n)
		fail_msg("after write %llu: %s", (unsigned long long)k, u.kept.v[0]);
	assert_false(root_exists(r, "/rehost-adapt"));
	root_close(r);
	after = vol_picture(&cut.d);
	if (strcmp(before, after))
		fprintf(stderr, "after write %llu the files are not as they were\n",
			(unsigned long long)k);
	vol_same(before, after);
	free(after);
}

/* Each file is the old or the new one at any moment, never half of it. */
static void check_whole(uint64_t k)
{
	struct err e = { 0 };
	struct root *r;
	char *text;
	size_t len;

	if (root_ntfs_open(&cut.d, 0, &r, &e) ||
	    root_read(r, "/Windows/System32/config/SYSTEM", 1 << 20, &text, &len, &e))
		fail_msg("after write %llu: %s", (unsigned long long)k, e.msg);
	if (len == HIVE_NEW)
		assert_int_equal(strspn(text, "n"), HIVE_NEW);
	else
		assert_int_equal(len, HIVE_OLD);
	free(text);
	root_close(r);
}

/* What is read by who knows nothing of marks: the hive's bytes; -1: the volume or the
 * file's record is not to be read until the edit is finished. */
static ssize_t hive_as_found(char *buf, size_t room)
{
	int fd = memfd_create("hive", MFD_CLOEXEC);
	struct err e = { 0 };
	ntfs_volume *vol;
	ssize_t n = -1;

	assert_true(fd >= 0);
	if (!ntfsfile_mount(&cut.d, &vol, &e)) {
		if (!ntfsfile_copy(vol, "/Windows/System32/config/SYSTEM", fd, &e))
			n = pread(fd, buf, room, 0);
		ntfsio_umount(vol);
	}
	close(fd);
	return n;
}

/* The hive is whole even before anybody has finished an edit.  1: it was read. */
static int whole_as_found(const char *old, uint64_t k)
{
	static char now[80000];
	ssize_t n = hive_as_found(now, sizeof now);

	if (n == HIVE_NEW)
		assert_int_equal(strspn(now, "n"), HIVE_NEW);
	else if (n >= 0 && (n != HIVE_OLD || memcmp(now, old, HIVE_OLD)))
		fail_msg("after write %llu the hive is neither the old nor the new one",
			 (unsigned long long)k);
	return n >= 0;
}

static uint64_t count(void)
{
	struct err e = { 0 };

	if (run(CUT_NEVER, 0, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(size_of_plan, 4);
	return cut.writes;
}

static void cut_everywhere(enum cut_how how)
{
	static char old[80000];
	uint64_t n = count(), readable = 0;

	assert_true(n > 100);
	vol_judge(cut.now);
	undo_all(0);
	assert_int_equal(hive_as_found(old, sizeof old), HIVE_OLD);
	for (uint64_t k = 1; k <= n; k += EVERY) {
		struct err e = { 0 };
		int rc = run(how, k, &e);

		if (!rc)
			fail_msg("write %llu failed, and nobody said so", (unsigned long long)k);
		cut_restart(&cut);
		readable += (uint64_t)whole_as_found(old, k);
		check_whole(k);
		if (k % (50 * EVERY) == 1) /* foreign tools agree that it is sound */
			vol_judge(cut.now);
		undo_all(k);
	}
	assert_true(readable > n / EVERY / 2);
	vol_judge(cut.now);
}

static void test_killed(void **state)
{
	(void)state;
	cut_everywhere(CUT_KILL);
}

static void test_power_off(void **state)
{
	(void)state;
	cut_everywhere(CUT_POWER);
}

/* One error: the program itself puts everything back. */
static void test_failing_write(void **state)
{
	uint64_t n = count();

	(void)state;
	for (uint64_t k = 1; k <= n; k += EVERY) {
		struct err e = { 0 };
		char *after;

		if (!run(CUT_FAIL_ONCE, k, &e))
			fail_msg("write %llu failed, and nobody said so", (unsigned long long)k);
		assert_int_equal(e.code, ERR_IO);
		after = vol_picture(&cut.d);
		if (!strstr(after, "/rehost-adapt"))
			vol_same(before, after);
		free(after);
		cut_restart(&cut);
		undo_all(k);
	}
}

/* An undo that is cut off can be made again. */
static void test_killed_undo(void **state)
{
	struct undo_result u;
	struct err e = { 0 };
	struct root *r;
	uint8_t *done = malloc(VOL_SIZE);

	(void)state;
	count();
	memcpy(done, cut.now, VOL_SIZE);
	for (uint64_t k = 1;; k += 7 * EVERY) {
		int rc;

		cut_begin(&cut, done, CUT_KILL, k);
		if (root_ntfs_open(&cut.d, 0, &r, &e))
			fail_msg("%s", e.msg);
		rc = adapt_undo(r, NULL, &u, &e);
		if (!rc)
			strv_done(&u.kept);
		root_close(r);
		if (!cut.off)
			break;
		cut_restart(&cut);
		undo_all(k);
		assert_true(k < 5000);
	}
	free(done);
}

/* While an edit's writes are being made the volume is marked dirty, so that a
 * Windows that starts then checks it; before and after it isn't. */
static void test_dirty_meanwhile(void **state)
{
	uint64_t n = count(), dirty = 0, last = 0;

	(void)state;
	for (uint64_t k = 1; k <= n; k += 3 * EVERY) {
		ntfs_volume *vol;
		struct err e = { 0 };

		(void)!run(CUT_KILL, k, &e);
		/* between the two copies of the flags the library can't open it */
		if (ntfsio_mount(&cut.d, &vol, &e))
			continue;
		last = vol->flags & VOLUME_IS_DIRTY;
		dirty += last != 0;
		ntfsio_umount(vol);
	}
	assert_true(dirty > n / EVERY / 20);
	(void)!run(CUT_NEVER, 0, NULL);
	{
		ntfs_volume *vol;
		struct err e = { 0 };

		assert_int_equal(ntfsio_mount(&cut.d, &vol, &e), 0);
		assert_false(vol->flags & VOLUME_IS_DIRTY);
		ntfsio_umount(vol);
	}
}

/* Interrupted behind its mark, then read by somebody who can't write: refused, with
 * the way out; nothing is guessed from a half-written volume. */
static void test_pending_read_only(void **state)
{
	uint64_t n = count(), refused = 0;

	(void)state;
	for (uint64_t k = 1; k <= n; k += 5) {
		struct err e = { 0 };
		struct root *r;
		int rc;

		(void)!run(CUT_KILL, k, &e);
		cut.d.ops = &cut_ro_ops;
		rc = root_ntfs_open(&cut.d, 0, &r, &e);
		cut.d.ops = &cut_ops;
		if (rc) {
			assert_int_equal(rc, ERR_REFUSED);
			assert_non_null(strstr(e.msg, "--undo"));
			refused++;
		} else {
			root_close(r);
		}
	}
	assert_true(refused > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_power_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failing_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_undo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dirty_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pending_read_only, setup, teardown),
	};
	int fd = mkstemp(vol_path), r;

	if (fd < 0)
		return 1;
	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(vol_path);
	return r;
}
