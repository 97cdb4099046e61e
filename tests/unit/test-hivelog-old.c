/* test-hivelog-old: a dirty registry hive and logs of Windows up to 8, with a
 * bitmap of its pages: what is applied, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "hivelog-make.h"

static void test_old(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	r.log[0] = make_old_log(5, 3, 5, "new");
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.kind, HIVELOG_OLD);
	assert_int_equal(r.res.pages, 16);
	assert_int_equal(r.res.seq1, 5);
	assert_int_equal(r.res.seq2, 4);
	assert_int_equal(r.res.base_from_log, 0);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "ndn", 6);
	/* XP: the log's number is the hive's second */
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(4, 3, 2, "new");
	recovers(&r, "dnd", 6);
	/* the hive grew */
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 4, 8, "new");
	recovers(&r, "dddn", 6);
	/* Windows 2000 */
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 1, "new");
	made_base(&r.log[0])->type = le32_make(REGF_LOG_2000);
	made_sum(&r.log[0]);
	recovers(&r, "ndd", 6);
}

/* A page of 512 bytes alone: the bits are taken singly. */
static void test_old_bits(void **state)
{
	struct run r = dirty(5, 4, 3);
	struct made log = make_old_log(5, 3, 1, "new");

	(void)state;
	log.p[516] = 0;
	log.p[517] = 4;         /* page 1, its third piece */
	log.len = 1536;
	r.log[0] = log;
	assert_int_equal(recover(&r), 0);
	assert_string_equal((char *)r.out + 2 * PAGE_SIZE + 1024 + 100, "new");
	assert_string_equal(page_text(r.out, 1), "disk");
	assert_int_equal(r.res.pages, 1);
	run_free(&r);
}

/* Sectors of 4096 bytes: everything in the log begins at multiples of them. */
static void test_old_sectors(void **state)
{
	struct run r = dirty(5, 4, 3);
	struct made small = make_old_log(5, 3, 2, "new"), *log = &r.log[0];

	(void)state;
	make_base(log, REGF_LOG, 5, 5, 3);
	made_base(log)->clustering = le32_make(8);
	made_sum(log);
	made_room(log, 3 * PAGE_SIZE);
	memcpy(log->p + PAGE_SIZE, small.p + 512, 100);
	memcpy(log->p + 2 * PAGE_SIZE, small.p + 1024, PAGE_SIZE);
	made_free(&small);
	recovers(&r, "dnd", 6);
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 2, "new");
	made_base(&r.log[0])->clustering = le32_make(9);
	made_sum(&r.log[0]);
	refuses(&r, ERR_REFUSED, "size that no disk has");
}

static void test_old_other_time(void **state)
{
	struct run r = dirty(5, 4, 2);

	(void)state;
	r.log[0] = make_old_log(5, 2, 1, "new");
	made_base(&r.log[0])->written = le64_make(MADE_TIME + 1);
	made_sum(&r.log[0]);
	refuses(&r, ERR_REFUSED, "another time");
	/* LOG2 fits */
	r = dirty(5, 4, 2);
	r.log[0] = make_old_log(5, 2, 1, "1");
	made_base(&r.log[0])->written = le64_make(MADE_TIME - 1);
	made_sum(&r.log[0]);
	r.log[1] = make_old_log(5, 2, 2, "2");
	recovers(&r, "d2", 6);
	/* both fit: LOG1 */
	r = dirty(5, 4, 2);
	r.log[0] = make_old_log(5, 2, 1, "1");
	r.log[1] = make_old_log(5, 2, 2, "2");
	recovers(&r, "1d", 6);
	/* the time is right, but not the number */
	r = dirty(5, 4, 2);
	r.log[0] = make_old_log(3, 2, 1, "new");
	refuses(&r, ERR_REFUSED, "number 3 is older");
}

static void test_old_damaged(void **state)
{
	struct run r = dirty(5, 4, 3);

	(void)state;
	r.log[0] = make_old_log(5, 3, 3, "new");
	r.log[0].len -= 1;
	refuses(&r, ERR_REFUSED, "before the last of its pages");
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 3, "new");
	r.log[0].len = 518;
	refuses(&r, ERR_REFUSED, "before its list of pages");
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 3, "new");
	r.log[0].p[512] = 'X';
	refuses(&r, ERR_REFUSED, "no list of pages");
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 3, "new");
	r.log[0].p[100] ^= 1;
	refuses(&r, ERR_REFUSED, "checksum is wrong");
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 3, "new");
	made_base(&r.log[0])->seq1 = le32_make(6);
	made_sum(&r.log[0]);
	refuses(&r, ERR_REFUSED, "6 and 5");
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 3, 3, "new");
	made_base(&r.log[0])->type = le32_make(REGF_HIVE);
	made_sum(&r.log[0]);
	refuses(&r, ERR_REFUSED, "no transaction log");
	/* a hole in the bins */
	r = dirty(5, 4, 3);
	r.log[0] = make_old_log(5, 5, 8, "new");
	refuses(&r, ERR_CORRUPT, "no bin at byte 20480");
	/* a bin's magic number, offset, size */
	for (size_t at = 0; at < 12; at += 4) {
		r = dirty(5, 4, 3);
		r.log[0] = make_old_log(5, 3, 2, "new");
		put32(&r.log[0], 1024 + at, 3 * PAGE_SIZE);
		refuses(&r, ERR_CORRUPT, "no bin at byte 8192");
	}
	/* it wants too much memory */
	r = dirty(5, 4, 3);
	r.opt.size_max = 4 * PAGE_SIZE;
	r.log[0] = make_old_log(5, 4, 8, "new");
	refuses(&r, ERR_NOMEM, "may be used");
}

/* The hive's base block is torn: the log's becomes it. */
static void test_old_base(void **state)
{
	struct run r = dirty(5, 4, 2);

	(void)state;
	memset(r.hive.p, 0, 300);
	r.log[0] = make_old_log(7, 3, 4, "new");
	made_base(&r.log[0])->minor = le32_make(3);
	made_sum(&r.log[0]);
	assert_int_equal(recover(&r), 0);
	assert_int_equal(r.res.base_from_log, 1);
	assert_int_equal(le32_get(((struct regf_base_disk *)r.out)->minor), 3);
	free(r.out);
	hivelog_result_done(&r.res);
	recovers(&r, "ddn", 8);
	/* the newer of two */
	r = dirty(5, 4, 2);
	r.hive.p[508] ^= 1;
	r.log[0] = make_old_log(7, 2, 1, "1");
	r.log[1] = make_old_log(7, 2, 2, "2");
	made_base(&r.log[1])->written = le64_make(MADE_TIME + 1);
	made_sum(&r.log[1]);
	recovers(&r, "d2", 8);
	/* older than the first bin */
	r = dirty(5, 4, 2);
	r.hive.p[508] ^= 1;
	((struct regf_bin_disk *)(r.hive.p + PAGE_SIZE))->written =
		le64_make(MADE_TIME + 1);
	r.log[0] = make_old_log(7, 2, 1, "1");
	refuses(&r, ERR_REFUSED, "invalid base block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_old_bits),
		cmocka_unit_test(test_old_sectors),
		cmocka_unit_test(test_old_other_time),
		cmocka_unit_test(test_old_damaged),
		cmocka_unit_test(test_old_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
