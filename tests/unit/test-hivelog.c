/* test-hivelog: a dirty registry hive and its transaction logs: which are used,
 * and of those with entries what is applied, in which order, where it stops.
 * test-hivelog-old: those with a bitmap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "drivers-inject/hive.h"
#include "hivelog-make.h"

/* The test vectors of dotnet/corefx, MarvinTests.cs. */
static void test_marvin32(void **state)
{
	static const uint64_t seed = 0x004fb61a001bdbcc;

	(void)state;
	assert_true(marvin32(seed, "", 0) == 0x30ed35c100cd3c7d);
	assert_true(marvin32(seed, "\xaf", 1) == 0x48e73fc77d75ddc1);
	assert_true(marvin32(seed, "\xe7\x0f", 2) == 0xb5f6e1fc485dbff8);
	assert_true(marvin32(seed, "\x37\xf4\x95", 3) == 0xf0b07c789b8cf7e8);
	assert_true(marvin32(seed, "\x86\x42\xdc\x59", 4) == 0x7008f2e87e9cf556);
	assert_true(marvin32(seed, "\x15\x3f\xb7\x98\x26", 5) ==
		    0xe6c08c6da2afa997);
}

/* Sets value "v" of the hive in bytes, and puts there what is saved. */
static size_t set_and_save(uint8_t *bytes, size_t n, size_t room)
{
	struct err e = { 0 };
	struct hive *h;
	ssize_t got;
	int fd;

	if (hive_open_bytes(bytes, n, "hive", 1, &h, &e))
		fail_msg("%s", e.msg);
	assert_false(hive_dirty(h));
	if (hive_set_dword(h, "", "v", 7, &e) || hive_save(h, &fd, &e))
		fail_msg("%s", e.msg);
	got = pread(fd, bytes, room, 0);
	close(fd);
	hive_close(h);
	assert_true(got > 0 && (size_t)got < room);
	return (size_t)got;
}

static size_t small_hive(uint8_t *bytes, size_t room)
{
	const char *top = getenv("REHOST_TOP");
	char path[300];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/tests/fuzz/hive-edit/corpus/small", top ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(bytes, 1, room, f);
	fclose(f);
	return set_and_save(bytes, n, room); /* now there is room in its bins */
}

/* Checksums that the format excludes, and libhivex knows nothing of: such a hive opens, and
 * has the right one when it is saved. */
static void test_excluded_checksums(void **state)
{
	static const uint32_t wants[] = { 0, UINT32_MAX };
	static uint8_t bytes[1 << 16];
	size_t n = small_hive(bytes, sizeof bytes);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct regf_base_disk b;
		le32 word;

		memcpy(&b, bytes, sizeof b);
		memcpy(&word, b.more, sizeof word);
		word = le32_make(le32_get(word) ^ regf_xor(&b) ^ wants[i]);
		memcpy(b.more, &word, sizeof word);
		b.checksum = le32_make(regf_checksum(&b));
		memcpy(bytes, &b, sizeof b);
		assert_int_equal(set_and_save(bytes, n, sizeof bytes), n);
		memcpy(&b, bytes, sizeof b);
		assert_int_equal(regf_xor(&b), wants[i]);
		assert_true(regf_valid(&b));
	}
}

static void test_checksum(void **state)
{
	struct regf_base_disk b = { 0 };

	(void)state;
	assert_int_equal(regf_checksum(&b), 1);
	b.seq1 = le32_make(UINT32_MAX);
	assert_int_equal(regf_checksum(&b), UINT32_MAX - 1);
	b.seq2 = le32_make(5);
	assert_int_equal(regf_checksum(&b), UINT32_MAX - 5);
	assert_true(regf_seq_before(4, 5) && !regf_seq_before(5, 5) &&
		    !regf_seq_before(5, 4));
	assert_true(regf_seq_before(UINT32_MAX, 0) &&
		    !regf_seq_before(0, UINT32_MAX));
}

/* Of a clean hive stale logs mean nothing, nor does a lock. */
static void test_clean(void **state)
{
	struct run r = { .hive = make_hive(9, 9, 2), .log = { make_log(9, 2) } };

	(void)state;
	make_entry(&r.log[0], 9, 2, 0, 1, "new");
	made_base(&r.hive)->flags = le32_make(REGF_KTM_LOCKED);
	made_sum(&r.hive);
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.len, r.hive.len);
	assert_memory_equal(r.out, r.hive.p, r.len);
	assert_int_equal(r.res.dirty, 0);
	assert_int_equal(r.res.replayed, 0);
	assert_int_equal(r.res.ktm_locked, 1);
	assert_int_equal(r.res.notes.n, 0);
	run_free(&r);
}

static void test_no_logs(void **state)
{
	struct run r = dirty(5, 4, 2);

	(void)state;
	assert_int_equal(hivelog_recover("H", r.hive.p, r.hive.len, NULL, 0,
					 NULL, &r.out, &r.len, &r.res, &r.e),
			 ERR_REFUSED);
	assert_non_null(strstr(r.e.msg, "there are none"));
	refuses(&r, ERR_REFUSED, "5 and 4");
	r = dirty(5, 4, 2);
	r.log[0].len = 0;
	r.log[0].p = calloc(1, 1);
	made_room(&r.log[1], 65536);
	refuses(&r, ERR_REFUSED, "LOG2: it is empty");
}

static void test_no_hive(void **state)
{
	struct run r = dirty(5, 4, 2);

	(void)state;
	memcpy(r.hive.p, "MZxx", 4);
	refuses(&r, ERR_CORRUPT, "not a registry hive");
	r = dirty(5, 4, 2);
	r.hive.len = REGF_SIZE_MIN - 1;
	refuses(&r, ERR_CORRUPT, "no size of a registry hive");
	r = dirty(5, 4, 2);
	r.opt.size_max = 2 * PAGE_SIZE;
	refuses(&r, ERR_NOMEM, "no size of a registry hive");
}

/* --- logs with entries */

static void test_new(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 4, 3, 0, 2, "a");
	make_entry(&r.log[0], 5, 3, 1, 1, "b");
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.kind, HIVELOG_NEW);
	assert_int_equal(r.res.entries, 2);
	assert_int_equal(r.res.pages, 3);
	assert_int_equal(r.res.cut, 0);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "abd", 6);
	/* Windows 10: the hive's own numbers are long past */
	r = dirty(5, 4, 3);
	r.log[0] = make_log(400, 3);
	make_entry(&r.log[0], 400, 3, 2, 1, "a");
	recovers(&r, "dda", 401);
	/* zeros and older entries behind the last */
	r = dirty(5, 4, 3);
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 4, 3, 0, 1, "a");
	make_entry(&r.log[0], 3, 3, 1, 1, "b");
	made_room(&r.log[0], 20000);
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.cut, 0);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "add", 5);
	/* numbers that wrap around */
	r = dirty(UINT32_MAX, UINT32_MAX - 1, 3);
	r.log[0] = make_log(UINT32_MAX, 3);
	make_entry(&r.log[0], UINT32_MAX, 3, 0, 1, "a");
	make_entry(&r.log[0], 0, 3, 1, 1, "b");
	recovers(&r, "abd", 1);
}

static void test_new_grows(void **state)
{
	struct run r = dirty(5, 4, 2);

	(void)state;
	r.log[0] = make_log(4, 2);
	make_entry(&r.log[0], 4, 2, 0, 1, "a");
	make_entry(&r.log[0], 5, 4, 2, 2, "b");
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.len, 5 * PAGE_SIZE);
	assert_int_equal(r.res.bins_before, 2 * PAGE_SIZE);
	assert_int_equal(r.res.bins_after, 4 * PAGE_SIZE);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "adbb", 6);
	/* and shrinks again */
	r = dirty(5, 4, 2);
	r.log[0] = make_log(4, 2);
	make_entry(&r.log[0], 4, 4, 2, 2, "a");
	make_entry(&r.log[0], 5, 3, 0, 1, "b");
	recovers(&r, "bda", 6);
	/* with a hole: refused */
	r = dirty(5, 4, 2);
	r.log[0] = make_log(4, 2);
	make_entry(&r.log[0], 4, 4, 3, 1, "a");
	refuses(&r, ERR_CORRUPT, "no bin at byte 12288");
	/* more than there may be */
	r = dirty(5, 4, 2);
	r.opt.size_max = 4 * PAGE_SIZE;
	r.log[0] = make_log(4, 2);
	make_entry(&r.log[0], 4, 4, 2, 2, "a");
	refuses(&r, ERR_NOMEM, "may be used");
}

/* The hashes, the numbers and what they cover. */
static void test_new_damaged(void **state)
{
	static const struct {
		size_t at;              /* of the second entry               */
		uint32_t value;
		int hash;               /* its hashes are made again         */
		const char *why;
	} bad[] = {
		{ 200, 1, 0, "hash of its pages" },
		{ 24, 1, 0, "hash of its header" },
		{ 12, 77, 0, "hash of its header" },
		{ 12, 7, 1, "entries before it are missing" },
		{ 16, 4097, 1, "no multiple of 4096" },
		{ 16, 0, 1, "no multiple of 4096" },
		{ 40, 3 * PAGE_SIZE, 1, "outside the hive" },
		{ 40, 0xfffff000, 1, "outside the hive" },
		{ 44, 0xffffffff, 1, "outside the hive" },
		{ 44, 2 * PAGE_SIZE, 1, "too small for its pages" },
		{ 20, 0xffffffff, 1, "too small for its list" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct run r = dirty(5, 4, 3);
		size_t off;
		int said = 0;

		r.log[0] = make_log(4, 3);
		make_entry(&r.log[0], 4, 3, 0, 1, "a");
		off = make_entry(&r.log[0], 5, 3, 1, 1, "b");
		make_entry(&r.log[0], 6, 3, 2, 1, "c");
		put32(&r.log[0], off + bad[i].at, bad[i].value);
		if (bad[i].hash)
			hash_entry(&r.log[0], off);
		assert_int_equal(recover(&r), 0);
		assert_int_equal(r.res.cut, 1);
		assert_int_equal(r.res.entries, 1);
		for (size_t k = 0; k < r.res.notes.n; k++)
			said |= strstr(r.res.notes.v[k], bad[i].why) != NULL;
		if (!said)
			fail_msg("%zu: nothing says '%s'", i, bad[i].why);
		free(r.out);
		hivelog_result_done(&r.res);
		recovers(&r, "add", 5);
	}
}

/* Sizes of an entry that lie, hashes made to fit. */
static void test_new_sizes(void **state)
{
	static const uint32_t sizes[] = { 0, 40, 511, 4100, 5120, 0xfffffe00 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct run r = dirty(5, 4, 3);
		le64 h;

		r.log[0] = make_log(4, 3);
		make_entry(&r.log[0], 4, 3, 0, 1, "a");
		put32(&r.log[0], 512 + 4, sizes[i]);
		h = le64_make(marvin32(HIVELOG_SEED, r.log[0].p + 512, 32));
		memcpy(r.log[0].p + 512 + 32, &h, 8);
		refuses(&r, ERR_REFUSED, "its first entry can't be used");
	}
	/* all is right but the size itself */
	struct run odd = dirty(5, 4, 3);

	odd.log[0] = make_log(4, 3);
	make_entry(&odd.log[0], 4, 3, 0, 1, "a");
	made_room(&odd.log[0], odd.log[0].len + 512);
	put32(&odd.log[0], 512 + 4, 4612);
	hash_entry(&odd.log[0], 512);
	refuses(&odd, ERR_REFUSED, "no multiple of 512");
	/* cut at every sector */
	for (size_t cut = 512; cut < 5120; cut += 512) {
		struct run r = dirty(5, 4, 3);

		r.log[0] = make_log(4, 3);
		make_entry(&r.log[0], 4, 3, 0, 1, "a");
		r.log[0].len = cut;
		refuses(&r, ERR_REFUSED, cut == 512 ? "there is none" :
			"the log ends inside it");
	}
}

static void test_new_two(void **state)
{
	(void)state;
	/* the earlier entries are in LOG1, then in LOG2 */
	for (int swap = 0; swap < 2; swap++) {
		struct run r = dirty(5, 4, 3);
		struct made *one = &r.log[swap], *two = &r.log[!swap];

		*one = make_log(4, 3);
		make_entry(one, 4, 3, 0, 2, "a");
		make_entry(one, 5, 3, 1, 1, "b");
		*two = make_log(6, 3);
		make_entry(two, 6, 3, 0, 1, "c");
		recovers(&r, "cbd", 7);
	}
	/* one is older than the hive */
	for (int swap = 0; swap < 2; swap++) {
		struct run r = dirty(7, 6, 3);
		struct made *one = &r.log[swap], *two = &r.log[!swap];

		*one = make_log(4, 3);
		make_entry(one, 4, 3, 0, 3, "a");
		make_entry(one, 5, 3, 0, 3, "b");
		*two = make_log(6, 3);
		make_entry(two, 6, 3, 0, 1, "c");
		recovers(&r, "cdd", 7);
	}
}

static void test_new_gap(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	/* entry 5 is missing between the logs: the later one is not used */
	r.log[1] = make_log(4, 3);
	make_entry(&r.log[1], 4, 3, 0, 1, "a");
	r.log[0] = make_log(6, 3);
	make_entry(&r.log[0], 6, 3, 1, 1, "b");
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.cut, 1);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "add", 5);
	/* so it is when the earlier log's only entry is damaged */
	r = dirty(5, 4, 3);
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 4, 3, 0, 1, "a");
	r.log[0].p[600] ^= 1;
	r.log[1] = make_log(5, 3);
	make_entry(&r.log[1], 5, 3, 1, 1, "b");
	refuses(&r, ERR_REFUSED, "4 must come next");
	/* the first entry has not the log's number */
	r = dirty(5, 4, 3);
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 5, 3, 0, 1, "a");
	refuses(&r, ERR_REFUSED, "entries before it are missing");
}

static void test_new_stale(void **state)
{
	struct run r = dirty(9, 8, 3);

	(void)state;
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 4, 3, 0, 1, "a");
	r.log[1] = make_log(5, 3);
	make_entry(&r.log[1], 5, 3, 0, 1, "b");
	refuses(&r, ERR_REFUSED, "from 5 on, are older than the hive");
	r = dirty(9, 8, 3);
	r.log[0] = make_log(4, 3);
	refuses(&r, ERR_REFUSED, "9 and 8");
}

/* No base block: only the log with the latest entries, and its base block. */
static void test_new_base(void **state)
{
	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		struct run r = dirty(5, 4, 3);
		struct made *one = &r.log[swap], *two = &r.log[!swap];

		r.hive.p[508] ^= 1;
		*one = make_log(4, 3);
		make_entry(one, 4, 3, 0, 2, "a");
		*two = make_log(5, 3);
		make_entry(two, 5, 3, 1, 1, "b");
		assert_int_equal(recover(&r), 0);
		assert_int_equal(r.res.base_from_log, 1);
		free(r.out);
		hivelog_result_done(&r.res);
		recovers(&r, "dbd", 6);
	}
	/* the later log has no entry that can be used */
	struct run r = dirty(5, 4, 3);

	memset(r.hive.p, 0, 512);
	r.log[0] = make_log(4, 3);
	make_entry(&r.log[0], 4, 3, 0, 2, "a");
	r.log[1] = make_log(9, 3);
	recovers(&r, "aad", 5);
}

static void locked_entry(struct made *log, uint32_t seq, uint32_t flags)
{
	size_t off = make_entry(log, seq, 3, 0, 1, "a");

	put32(log, off + 8, flags);
	hash_entry(log, off);
}

/* Pending transactions: what the last entry says counts. */
static void test_ktm(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	r.log[0] = make_log(4, 3);
	locked_entry(&r.log[0], 4, REGF_KTM_LOCKED);
	refuses(&r, ERR_REFUSED, "locked for transactions");
	r = dirty(5, 4, 3);
	r.log[0] = make_log(4, 3);
	locked_entry(&r.log[0], 4, REGF_KTM_LOCKED);
	r.opt.accept_ktm = 1;
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.ktm_locked, 1);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "add", 5);
	/* the lock is taken off, other flags stay */
	r = dirty(5, 4, 3);
	made_base(&r.hive)->flags = le32_make(REGF_KTM_LOCKED | 2);
	made_sum(&r.hive);
	r.log[0] = make_log(4, 3);
	locked_entry(&r.log[0], 4, REGF_KTM_LOCKED);
	locked_entry(&r.log[0], 5, 0);
	assert_int_equal(recover(&r), 0);
	assert_int_equal(le32_get(((struct regf_base_disk *)r.out)->flags), 2);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "add", 6);
	/* old logs: the hive's own flags, if they are flags at all */
	r = dirty(5, 4, 3);
	made_base(&r.hive)->flags = le32_make(REGF_KTM_LOCKED);
	made_sum(&r.hive);
	r.log[0] = make_old_log(5, 3, 1, "new");
	refuses(&r, ERR_REFUSED, "locked for transactions");
	r = dirty(5, 4, 3);
	made_base(&r.hive)->flags = le32_make(REGF_KTM_LOCKED);
	memset(made_base(&r.hive)->rmtm, 0, 4);
	made_sum(&r.hive);
	r.log[0] = make_old_log(5, 3, 1, "new");
	recovers(&r, "ndd", 6);
}

/* A log that Windows 7 left behind, of a hive that Windows 10 writes now. */
static void test_both_kinds(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	r.log[0] = make_old_log(5, 3, 7, "old");
	r.log[1] = make_log(4, 3);
	make_entry(&r.log[1], 4, 3, 0, 1, "new");
	recovers(&r, "ndd", 5);
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 7, "old");
	r.log[1] = make_log(3, 3);
	make_entry(&r.log[1], 3, 3, 0, 1, "new");
	refuses(&r, ERR_REFUSED, "of an older Windows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marvin32),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_excluded_checksums),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_no_logs),
		cmocka_unit_test(test_no_hive),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_new_grows),
		cmocka_unit_test(test_new_damaged),
		cmocka_unit_test(test_new_sizes),
		cmocka_unit_test(test_new_two),
		cmocka_unit_test(test_new_gap),
		cmocka_unit_test(test_new_stale),
		cmocka_unit_test(test_new_base),
		cmocka_unit_test(test_ktm),
		cmocka_unit_test(test_both_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
