/* test-redo: writes that are all on the device or none of them, whatever
 * happens when. */
#include "tests/unit/engine.h"
#include "imager/dev/redo.h"
#include "tests/unit/cutdev.h"

#define SIZE 200704u            /* 49 granules                               */
#define MARK (SIZE - 512)
#define DATA (64u * 1024)       /* writes go below, logs above               */

static struct cutdev cut;
static uint8_t before[SIZE], after[SIZE];

static void fill(uint64_t seed)
{
	cut_new(&cut, SIZE);
	for (uint32_t i = 0; i < SIZE; i++)
		before[i] = i < DATA ? (uint8_t)rnd(&seed) : 0;
}

static int setup(void **state)
{
	(void)state;
	fill(3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cut_free(&cut);
	return 0;
}

/* The same writes each time; `after` is what they make of `before`. */
static struct blkdev *write_some(int first)
{
	uint8_t buf[9000];
	struct blkdev *d;
	uint64_t seed = 11;
	struct err e;

	memcpy(after, before, SIZE);
	assert_ok(dev_redo(&cut.d, &d, &e));
	for (int i = 0; i < 12; i++) {
		uint64_t len = 1 + rnd(&seed) % sizeof buf, off = rnd(&seed) % (DATA - len);

		memset(buf, i + 1, sizeof buf);
		memcpy(after + off, buf, len);
		assert_ok(dev_write(d, off, buf, len, &e));
	}
	if (first) {
		dev_redo_first_begin(d);
		assert_ok(dev_write(d, 5000, "meanwhile", 9, &e));
		assert_ok(dev_redo_first_end(d, &e));
		assert_ok(dev_write(d, 5000, after + 5000, 9, &e));
	}
	return d;
}

static int commit(struct blkdev *d, int *marked)
{
	/* in pieces, so that a granule of the log lies in two of them */
	uint64_t need = dev_redo_log_size(d);
	struct redo_extent room[] = { { DATA, 6144 }, { DATA + 8192, need - 6144 } };
	struct err e;

	assert_true(DATA + 8192 + need < MARK);
	return dev_redo_commit(d, MARK, room, 2, marked, &e);
}

static void only_below(const uint8_t *want)
{
	assert_memory_equal(cut.now, want, DATA);
}

static void test_reads_and_commits(void **state)
{
	static uint8_t got[DATA];
	enum redo_found found;
	struct blkdev *d;
	struct err e;
	int marked;

	(void)state;
	cut_begin(&cut, before, CUT_NEVER, 0);
	d = write_some(1);
	assert_int_equal(cut.writes, 0);
	assert_ok(dev_read(d, 0, got, DATA, &e));
	assert_memory_equal(got, after, DATA);
	dev_redo_below(d, 1);
	assert_ok(dev_read(d, 0, got, DATA, &e));
	assert_memory_equal(got, before, DATA);
	dev_redo_below(d, 0);
	assert_ok(commit(d, &marked));
	assert_false(marked);
	only_below(after);
	assert_int_equal(dev_redo_log_size(d), 0);
	assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
	assert_int_equal(found, REDO_NONE);
	dev_close(d);
}

static void test_discard(void **state)
{
	struct blkdev *d;
	struct err e;
	int marked;

	(void)state;
	cut_begin(&cut, before, CUT_NEVER, 0);
	d = write_some(0);
	dev_redo_discard(d);
	assert_ok(dev_redo_commit(d, MARK, NULL, 0, &marked, &e));
	only_below(before);
	assert_int_equal(cut.writes, 0);
	dev_close(d);
}

/* Cut off at write k: afterwards it is before or after, and recovering twice is
 * as recovering once; a cut in the recovery, too.  Returns 0 when k was too late. */
static int cut_at(enum cut_how how, uint64_t k, int *was_after)
{
	enum redo_found found;
	struct blkdev *d;
	struct err e;
	int marked, rc;

	cut_begin(&cut, before, how, k);
	d = write_some(1);
	rc = commit(d, &marked);
	dev_close(d);
	if (!rc)
		return 0;
	cut_restart(&cut);
	assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
	assert_int_not_equal(found, REDO_STALE);
	*was_after = !memcmp(cut.now, after, DATA);
	if (!*was_after)
		only_below(before);
	if (!marked)
		only_below(before);
	assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
	assert_int_equal(found, REDO_NONE);
	return 1;
}

static void test_cut_at_every_write(void **state)
{
	(void)state;
	for (enum cut_how how = CUT_FAIL_ONCE; how <= CUT_POWER; how++) {
		for (cut.luck = 0; cut.luck < (how == CUT_POWER ? 20 : 1); cut.luck++) {
			int seen = 0, last = 0;
			uint64_t k = 1;

			while (cut_at(how, k, &last)) {
				seen |= 1 << last;
				k++;
			}
			assert_true(k > 20);
			assert_int_equal(seen, 3); /* both ends were met */
		}
	}
}

/* Half of the writes' places were nobody's. */
static int nobodys(void *ctx, uint64_t off, uint32_t len, int *ret, struct err *e)
{
	(void)ctx;
	(void)e;
	*ret = off + len <= DATA / 2;
	return 0;
}

/* Has a sector in [from, to) that which it shall not have? */
static int differs(const uint8_t *want, uint32_t from, uint32_t to)
{
	return memcmp(cut.now + from, want + from, to - from) != 0;
}

/* No write to what was somebody's reaches the disk before all of the others did. */
static void test_early(void **state)
{
	const uint32_t dirty = REDO_GRANULE, behind = 2 * REDO_GRANULE;
	int seen = 0, rc = 1;

	(void)state;
	for (uint64_t k = 1; rc; k++) {
		for (cut.luck = 0; cut.luck < 20; cut.luck++) {
			struct blkdev *d;
			struct err e;
			int marked;

			cut_begin(&cut, before, CUT_POWER, k);
			d = write_some(1);
			assert_ok(dev_redo_early(d, nobodys, NULL, &e));
			rc = commit(d, &marked);
			dev_close(d);
			cut_restart(&cut);
			if (!differs(before, DATA / 2, DATA))
				continue;
			seen += rc != 0;
			assert_false(differs(after, 0, dirty));
			assert_false(differs(after, behind, DATA / 2));
		}
	}
	assert_true(seen > 20);
	only_below(after);
}

/* The recovery itself is cut off at every write, then made again. */
static void test_cut_recovery(void **state)
{
	static uint8_t half[SIZE];
	struct blkdev *d;
	enum redo_found found;
	struct err e;
	int marked;
	uint64_t at;

	(void)state;
	cut_begin(&cut, before, CUT_NEVER, 0);
	d = write_some(1);
	assert_ok(commit(d, &marked));
	at = cut.writes - 4; /* some writes before the mark is cleared */
	dev_close(d);
	cut_begin(&cut, before, CUT_KILL, at);
	d = write_some(1);
	assert_int_not_equal(commit(d, &marked), 0);
	assert_true(marked);
	dev_close(d);
	memcpy(half, cut.now, SIZE);
	for (uint64_t k = 1;; k++) {
		int rc;

		cut_begin(&cut, half, CUT_POWER, k);
		rc = dev_redo_recover(&cut.d, MARK, &found, &e);
		if (!rc)
			break;
		cut_restart(&cut);
		assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
		only_below(after);
		assert_true(k < 1000);
	}
	only_below(after);
}

/* Somebody wrote there meanwhile (Windows was started): nothing is made of it. */
static void test_stale(void **state)
{
	static uint8_t now[DATA];
	enum redo_found found;
	struct blkdev *d;
	struct err e;
	int marked, pending;

	(void)state;
	cut_begin(&cut, before, CUT_NEVER, 0);
	d = write_some(1);
	assert_ok(commit(d, &marked));
	dev_close(d);
	cut_begin(&cut, before, CUT_KILL, cut.writes - 2);
	d = write_some(1);
	assert_int_not_equal(commit(d, &marked), 0);
	dev_close(d);
	cut_restart(&cut);
	assert_ok(dev_redo_pending(&cut.d, MARK, &pending, &e));
	assert_true(pending);
	for (uint32_t i = 0; i < DATA; i++)
		if (after[i] != before[i]) {
			cut.now[i] = (uint8_t)~after[i];
			break;
		}
	memcpy(now, cut.now, DATA);
	assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
	assert_int_equal(found, REDO_STALE);
	assert_memory_equal(cut.now, now, DATA);
	assert_ok(dev_redo_pending(&cut.d, MARK, &pending, &e));
	assert_false(pending);
}

/* A damaged mark, and a damaged log, are none. */
static void test_damaged(void **state)
{
	static uint8_t good[SIZE];
	enum redo_found found;
	struct blkdev *d;
	uint64_t seed = 5;
	struct err e;
	int marked;

	(void)state;
	cut_begin(&cut, before, CUT_NEVER, 0);
	d = write_some(1);
	assert_ok(commit(d, &marked));
	dev_close(d);
	cut_begin(&cut, before, CUT_KILL, cut.writes - 10);
	d = write_some(1);
	assert_int_not_equal(commit(d, &marked), 0);
	dev_close(d);
	memcpy(good, cut.now, SIZE);
	for (int i = 0; i < 300; i++) {
		uint64_t off = i % 2 ? MARK + rnd(&seed) % 512 : DATA + rnd(&seed) % 2048;

		cut_begin(&cut, good, CUT_NEVER, 0);
		cut.now[off] ^= (uint8_t)(1 + rnd(&seed) % 255);
		assert_ok(dev_redo_recover(&cut.d, MARK, &found, &e));
		if (found == REDO_DONE)
			only_below(after); /* a byte that nothing depends on */
		else
			assert_memory_equal(cut.now, good, DATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_and_commits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_discard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_at_every_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_recovery, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
