/* test-restore.c: restores that write only what differs, that go on after an
 * interruption at any write, and that discard or zero what isn't used. */
#include "tests/unit/engine.h"
#include "tests/unit/cutdev.h"

#define SIZE (2u << 20)
#define CHUNK 65536u
#define STRIPE 40960u      /* used, then as much that isn't */
/* Cuts are made at each EVERY-th write; with sanitizers each takes ten times as long. */
#ifdef __SANITIZE_ADDRESS__
#define EVERY 9
#else
#define EVERY 4
#endif

struct fixture {
	uint8_t *source, *old, *whole; /* whole: what a restore makes of old */
	struct mem_out *m;
};

static int is_used(uint64_t off)
{
	return off / STRIPE % 2 == 0;
}

/* With marks after every chunk. */
static int restore_to(struct fixture *k, struct blkdev *t, enum restore_how how, int workers,
		      struct restore_result *ret, struct err *e)
{
	struct restore_options opt = { .job.workers = workers, .how = how, .mark_bytes = 1 };
	struct blkdev *f;
	struct store_in *in;
	int r;

	assert_ok_(dev_mem(k->m->bytes, k->m->len, 0, &f, e));
	assert_ok_(store_open_dev(f, 0, &in, e));
	r = restore_run(in, t, &opt, NULL, ret, e);
	store_close(in);
	dev_close(f);
	return r;
}

static int setup(void **state)
{
	struct fixture *k = calloc(1, sizeof *k);
	struct capture_options opt = test_options(-1);
	uint64_t seed = 77;
	struct restore_result res;
	struct blkdev *d;
	struct err e;

	opt.chunk_size = CHUNK;
	k->source = malloc(SIZE);
	k->old = malloc(SIZE);
	k->whole = malloc(SIZE);
	fill_disk(k->source, SIZE, &seed);
	for (size_t i = 0; i < SIZE; i++)
		k->old[i] = (uint8_t)rnd(&seed);
	assert_ok(dev_mem(k->source, SIZE, 0, &d, &e));
	k->m = capture_stripes(d, STRIPE, &opt);
	dev_close(d);
	memcpy(k->whole, k->old, SIZE);
	assert_ok(dev_mem(k->whole, SIZE, 1, &d, &e));
	assert_ok(restore_to(k, d, RESTORE_ALL, 2, &res, &e));
	dev_close(d);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *k = *state;

	mem_out_free(k->m);
	free(k->source);
	free(k->old);
	free(k->whole);
	free(k);
	return 0;
}

static void used_is_equal(const struct fixture *k, const uint8_t *disk)
{
	for (uint64_t i = 0; i < SIZE; i++)
		if (is_used(i) && disk[i] != k->source[i])
			fail_msg("byte %llu is 0x%02x, not 0x%02x", (unsigned long long)i,
				 disk[i], k->source[i]);
}

/* ---- delta ---- */

static void unchanged(void **state)
{
	struct fixture *k = *state;
	struct restore_result res;
	struct cutdev c;
	struct err e;

	cut_new(&c, SIZE);
	for (int workers = -1; workers < 4; workers++) {
		cut_begin(&c, k->whole, CUT_NEVER, 0);
		assert_ok(restore_to(k, &c.d, RESTORE_DELTA, workers, &res, &e));
		assert_int_equal(c.writes, 0);
		assert_false(res.began);
		assert_int_equal(res.changed, 0);
		/* nor what it doesn't use, old signatures included */
		cut_begin(&c, k->source, CUT_NEVER, 0);
		assert_ok(restore_to(k, &c.d, RESTORE_DELTA, workers, &res, &e));
		assert_int_equal(c.writes, 0);
	}
	cut_free(&c);
}

/* Some bytes changed: the blocks around them are written, and the head. */
static void differences(void **state)
{
	struct fixture *k = *state;
	uint8_t *before = malloc(SIZE);
	struct restore_result res;
	struct cutdev c;
	uint64_t seed = 3;
	struct err e;

	cut_new(&c, SIZE);
	for (int round = 0; round < 60; round++) {
		uint64_t n = 1 + rnd(&seed) % 5, used = 0;

		memcpy(before, k->whole, SIZE);
		for (uint64_t i = 0; i < n; i++) {
			uint64_t at = rnd(&seed) % SIZE;

			before[at] ^= 0x10;
			used += is_used(at);
		}
		cut_begin(&c, before, CUT_NEVER, 0);
		assert_ok(restore_to(k, &c.d, RESTORE_DELTA, round % 4 - 1, &res, &e));
		used_is_equal(k, c.now);
		assert_int_equal(res.began, used != 0);
		assert_true(used || !c.writes);
		assert_true(res.changed <= used * 4096 + CHUNK);
	}
	free(before);
	cut_free(&c);
}

/* Another disk altogether, and one whose beginning alone differs. */
static void other_disk(void **state)
{
	struct fixture *k = *state;
	struct restore_result res;
	struct cutdev c;
	struct err e;

	cut_new(&c, SIZE);
	for (int workers = -1; workers < 4; workers++) {
		cut_begin(&c, k->old, CUT_NEVER, 0);
		assert_ok(restore_to(k, &c.d, RESTORE_DELTA, workers, &res, &e));
		used_is_equal(k, c.now);
		/* the ends, where old signatures may stand */
		for (size_t i = 0; i < SIZE; i++)
			if (!is_used(i) && c.now[i] && (i < 1 << 20 || i >= SIZE - (1 << 20)))
				fail_msg("an old signature may stand at %zu", i);
		memcpy(c.now + 512, k->old, 512);
		c.writes = 0;
		assert_ok(restore_to(k, &c.d, RESTORE_DELTA, workers, &res, &e));
		used_is_equal(k, c.now);
		assert_true(c.writes && res.changed <= CHUNK);
	}
	cut_free(&c);
}

/* Sectors that can't be read are written. */
static int half_deaf(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct cutdev *c = (struct cutdev *)d;

	if (off < 3 * CHUNK + 5000 && off + len > 3 * CHUNK + 4000 && !c->unflushed[off / 512])
		return err_set(e, ERR_IO, "%s: reading: Input/output error", d->name);
	return cut_read(d, off, buf, len, e);
}

static void unreadable_target(void **state)
{
	static const struct blkdev_ops ops = { .read = half_deaf, .write = cut_write,
					       .flush = cut_flush };
	struct fixture *k = *state;
	struct restore_result res;
	struct cutdev c;
	struct err e;

	cut_new(&c, SIZE);
	cut_begin(&c, k->whole, CUT_NEVER, 0);
	memset(c.now + 3 * CHUNK + 3584, 0x33, 1536);
	c.d.ops = &ops;
	assert_ok(restore_to(k, &c.d, RESTORE_DELTA, 2, &res, &e));
	used_is_equal(k, c.now);
	assert_true(res.began && res.changed <= 8192 + CHUNK);
	cut_free(&c);
}

/* ---- interrupted ---- */

/* Is it the whole restore, or does it at least look like none?  head: bytes that
 * are written at once, at first. */
static void check_cut(const struct fixture *k, const uint8_t *disk, size_t head)
{
	struct restore_mark m;
	int done = 1;

	for (uint64_t i = 0; i < SIZE && done; i++)
		done = !is_used(i) || disk[i] == k->source[i];
	/* what was there before doesn't stand over what is new */
	if (!memcmp(disk, k->old, 512))
		assert_memory_equal(disk + head, k->old + head, SIZE - head);
	else if (!done && !mark_get(disk, &m))
		assert_true(all_zero(disk, 512));
}

/* Goes on as a person would, perhaps interrupted again at write `again`. */
static void go_on(struct fixture *k, struct cutdev *c, uint64_t again)
{
	enum restore_how how = RESTORE_RESUME;
	struct restore_result res;
	int r = -1;
	struct err e;

	for (int i = 0; r < 0 && i < 3; i++) {
		uint8_t *before = malloc(SIZE);

		memcpy(before, c->now, SIZE);
		cut_begin(c, before, i ? CUT_NEVER : c->how, i ? 0 : again);
		r = restore_to(k, &c->d, how, -1, &res, &e);
		if (r == ERR_REFUSED) {
			/* it was so before the first write, or after the last */
			assert_int_equal(c->writes, 0);
			how = RESTORE_DELTA;
		} else if (r < 0) {
			assert_int_equal(r, ERR_IO);
		}
		cut_restart(c);
		free(before);
	}
	assert_int_equal(r, 0);
	used_is_equal(k, c->now);
}

/* Every REHOST_SWEEP-th write; `make crash-sweep`: every one. */
static uint64_t step(void)
{
	const char *text = getenv("REHOST_SWEEP");
	uint64_t n = text ? strtoull(text, NULL, 10) : EVERY;

	return n ? n : 1;
}

/* 0: there are fewer than n writes.  Else 1, or 2 if much was done already. */
static int cut_at(struct fixture *k, struct cutdev *c, enum restore_how how, enum cut_how cut,
		  uint64_t n)
{
	struct restore_result res;
	struct restore_mark m;
	struct err e;
	int much;

	cut_begin(c, k->old, cut, n);
	if (restore_to(k, &c->d, how, -1, &res, &e) == 0) {
		assert_true(cut != CUT_POWER || all_zero(c->unflushed, SIZE / 512));
		return 0;
	}
	cut_restart(c);
	check_cut(k, c->now, how == RESTORE_ALL ? 1 << 20 : CHUNK);
	much = mark_get(c->now, &m) && m.next_chunk > 2;
	c->how = cut;
	go_on(k, c, n % 7 + 1);
	if (how == RESTORE_ALL && n > 3)
		assert_memory_equal(c->now + (1 << 19), k->whole + (1 << 19), SIZE - (1 << 19));
	return 1 + much;
}

static void sweep(struct fixture *k, enum restore_how how)
{
	static const enum cut_how hows[] = { CUT_FAIL_ONCE, CUT_KILL, CUT_POWER };
	struct cutdev c;

	cut_new(&c, SIZE);
	for (size_t h = 0; h < 3; h++) {
		unsigned int much = 0;
		int r = 1;

		for (uint64_t n = 1 + h; r; n += step()) {
			c.luck = n;
			r = cut_at(k, &c, how, hows[h], n);
			much += r == 2;
		}
		assert_true(much > 5);
	}
	/* before the first mark much depends on which sectors got through */
	for (c.luck = 0; c.luck < 12; c.luck++)
		assert_int_not_equal(cut_at(k, &c, how, CUT_POWER, 1 + c.luck % 4), 0);
	cut_free(&c);
}

static void cut_restore(void **state)
{
	struct fixture *k = *state;

	sweep(k, RESTORE_ALL);
}

/* Nothing is written behind a mark that a power cut could still undo. */
static int after_mark(struct blkdev *d, uint64_t off, const void *buf, size_t len, struct err *e)
{
	struct cutdev *c = (struct cutdev *)d;
	struct restore_mark m;

	assert_true(!off || !c->unflushed[0] || !mark_get(c->now, &m));
	return cut_write(d, off, buf, len, e);
}

static void marks_last(void **state)
{
	static const struct blkdev_ops ops = { .read = cut_read, .write = after_mark,
					       .flush = cut_flush };
	static const enum restore_how hows[] = { RESTORE_ALL, RESTORE_DELTA };
	struct fixture *k = *state;
	struct restore_result res;
	struct cutdev c;
	struct err e;

	cut_new(&c, SIZE);
	c.d.ops = &ops;
	for (size_t i = 0; i < 2; i++) {
		cut_begin(&c, k->old, CUT_POWER, UINT64_MAX);
		assert_ok(restore_to(k, &c.d, hows[i], -1, &res, &e));
		assert_true(c.writes > 10);
		used_is_equal(k, c.now);
	}
	cut_free(&c);
}

static void cut_delta(void **state)
{
	struct fixture *k = *state;

	sweep(k, RESTORE_DELTA);
}

/* Resumes begin behind what the mark says, and read no more of the image. */
static void resume_skips(void **state)
{
	struct fixture *k = *state;
	struct restore_result res;
	struct restore_mark m;
	struct cutdev c;
	uint64_t all;
	struct err e;

	cut_new(&c, SIZE);
	cut_begin(&c, k->old, CUT_NEVER, 0);
	assert_ok(restore_to(k, &c.d, RESTORE_ALL, -1, &res, &e));
	all = c.writes;
	cut_begin(&c, k->old, CUT_KILL, all * 3 / 4);
	assert_int_equal(restore_to(k, &c.d, RESTORE_ALL, -1, &res, &e), ERR_IO);
	assert_true(res.began && res.can_resume);
	cut_restart(&c);
	assert_true(mark_get(c.now, &m));
	assert_true(m.next_chunk > SIZE / CHUNK / 2 && m.wiped);
	/* what is before it isn't looked at */
	c.now[2 * STRIPE + CHUNK] ^= 1;
	for (int workers = 0; workers < 3; workers++) {
		uint8_t *before = malloc(SIZE);

		memcpy(before, c.now, SIZE);
		c.writes = 0;
		assert_ok(restore_to(k, &c.d, RESTORE_RESUME, workers, &res, &e));
		assert_true(c.writes < all / 2);
		assert_int_equal(c.now[2 * STRIPE + CHUNK], before[2 * STRIPE + CHUNK]);
		assert_true(res.changed < SIZE / 4);
		memcpy(c.now, before, SIZE);
		free(before);
	}
	c.now[2 * STRIPE + CHUNK] ^= 1;
	assert_ok(restore_to(k, &c.d, RESTORE_RESUME, 2, &res, &e));
	assert_memory_equal(c.now, k->whole, SIZE);
	cut_free(&c);
}

static void resume_refused(void **state)
{
	struct fixture *k = *state;
	struct restore_options ro = { .job.workers = 1 };
	struct restore_mark m = { .has_digest = 1, .target_size = SIZE, .next_chunk = 9 };
	struct image *im;
	struct blkdev *f;
	struct restore_result res;
	struct cutdev c;
	struct err e;

	assert_ok(dev_mem(k->m->bytes, k->m->len, 0, &f, &e));
	assert_ok(image_open(f, NULL, &im, &e));
	cut_new(&c, SIZE);
	for (int i = 0; i < 5; i++) {
		static const char *const want[] = { "no interrupted restore", "another image",
						    "another image", "another size", "a pipe" };

		cut_begin(&c, k->old, CUT_NEVER, 0);
		memcpy(m.digest, image_digest(im), 32);
		memcpy(m.image_id, image_params(im)->image_id, 16);
		m.digest[3] ^= i == 1;
		m.image_id[3] ^= i == 2;
		m.target_size = SIZE - (i == 3);
		m.has_digest = i != 4;
		mark_put(&m, c.now);
		c.now[0x60] ^= i == 0; /* its sum is wrong */
		e.msg[0] = 0;
		assert_int_equal(restore_to(k, &c.d, RESTORE_RESUME, 1, &res, &e), ERR_REFUSED);
		assert_non_null(strstr(e.msg, want[i]));
		assert_non_null(strstr(e.msg, "--delta"));
		assert_int_equal(c.writes, 0);
	}
	image_close(im);
	dev_close(f);
	for (int i = 0; i < 3; i++) {
		ro.how = i == 0 ? RESTORE_DELTA : i == 1 ? RESTORE_RESUME : RESTORE_ALL;
		ro.unused = i == 2 ? UNUSED_ZERO : UNUSED_KEEP;
		assert_int_equal(restore_bytes(k->m->bytes, k->m->len, c.now, SIZE, 1, &ro, NULL,
					       &res, &e), ERR_USAGE);
	}
	cut_free(&c);
}

/* ---- what isn't used ---- */

static int poison(struct blkdev *d, uint64_t off, uint64_t len)
{
	assert_int_equal(off % 4096, 0);
	assert_int_equal(len % 4096, 0);
	memset(((struct cutdev *)d)->now + off, 0xDD, len);
	return 0;
}

static int nulls(struct blkdev *d, uint64_t off, uint64_t len)
{
	assert_int_equal(off % 4096, 0);
	assert_int_equal(len % 4096, 0);
	memset(((struct cutdev *)d)->now + off, 0, len);
	return 0;
}

static int cant(struct blkdev *d, uint64_t off, uint64_t len)
{
	(void)d;
	(void)off;
	(void)len;
	return 1;
}

static void unused(void **state)
{
	static const struct blkdev_ops ops[] = {
		{ .read = cut_read, .write = cut_write, .flush = cut_flush, .discard = poison, .erase = nulls },
		{ .read = cut_read, .write = cut_write, .flush = cut_flush, .discard = cant, .erase = cant },
		{ .read = cut_read, .write = cut_write, .flush = cut_flush },
	};
	/* not a multiple of 4096, so that there are odd ends; small and large gaps */
	static const uint64_t stripes[] = { 512 * 7, 512 * 301 };
	struct fixture *k = *state;
	struct capture_options co = test_options(-1);
	struct cutdev c;
	struct err e;

	co.chunk_size = CHUNK;
	cut_new(&c, SIZE);
	for (int i = 0; i < 36; i++) {
		uint64_t stripe = stripes[i % 2];
		struct restore_options ro = { .job.workers = 1, .verify = 1,
			.how = i / 2 % 2 ? RESTORE_DELTA : RESTORE_ALL,
			.unused = i / 4 % 3 };
		struct restore_result res;
		struct blkdev *d, *f;
		struct store_in *in;
		struct mem_out *m;

		assert_ok(dev_mem(k->source, SIZE, 0, &d, &e));
		m = capture_stripes(d, stripe, &co);
		dev_close(d);
		assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
		assert_ok(store_open_dev(f, 0, &in, &e));
		cut_begin(&c, i % 5 ? k->old : k->source, CUT_NEVER, 0);
		c.d.ops = &ops[i / 12];
		assert_ok(restore_run(in, &c.d, &ro, NULL, &res, &e));
		assert_int_equal(res.warnings, ro.unused == UNUSED_DISCARD && i >= 12 && stripe > CHUNK);
		for (uint64_t at = 0; at < SIZE; at++) {
			int want = -1;

			if (at / stripe % 2 == 0)
				want = k->source[at];
			else if (ro.unused == UNUSED_ZERO)
				want = 0;
			else if (ro.unused == UNUSED_DISCARD && i < 12 && stripe > CHUNK &&
				 at % stripe >= 4096 && at % stripe < stripe - 4096 && at >= CHUNK * 16)
				want = 0xDD;
			if (want >= 0 && c.now[at] != want)
				fail_msg("%d: byte %llu is 0x%02x, not 0x%02x", i,
					 (unsigned long long)at, c.now[at], (unsigned int)want);
		}
		store_close(in);
		dev_close(f);
		mem_out_free(m);
	}
	cut_free(&c);
}

/* Nobody takes the mark for anything: test by foreign tools in t-resume.sh. */
static void mark_fields(void **state)
{
	struct restore_mark m = { .image_id = "abc", .has_digest = 1, .digest = "def", .target_size = 1ull << 40,
				  .next_chunk = 1ull << 33, .done = 25, .total = 50, .wiped = 1,
				  .name = "pc\x1b[31m17.rhi" }, back;
	uint8_t b[MARK_LEN];
	char text[300];

	(void)state;
	mark_put(&m, b);
	assert_int_equal(mark_get(b, &back), 1);
	assert_memory_equal(m.image_id, back.image_id, 16);
	assert_memory_equal(m.digest, back.digest, 32);
	assert_true(back.target_size == m.target_size && back.next_chunk == m.next_chunk &&
		    back.done == 25 && back.total == 50 && back.wiped && back.has_digest);
	mark_text(&back, text, sizeof text);
	assert_non_null(strstr(text, "50 % done"));
	assert_null(strchr(text, 0x1b));
	assert_non_null(strstr(text, "17.rhi"));
	for (size_t i = 0; i < 0x1f4; i++) {
		b[i] ^= 4;
		assert_int_equal(mark_get(b, &back), 0);
		b[i] ^= 4;
	}
	assert_true(b[510] == 0 && b[511] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unchanged),
		cmocka_unit_test(differences),
		cmocka_unit_test(other_disk),
		cmocka_unit_test(unreadable_target),
		cmocka_unit_test(cut_restore),
		cmocka_unit_test(marks_last),
		cmocka_unit_test(cut_delta),
		cmocka_unit_test(resume_skips),
		cmocka_unit_test(resume_refused),
		cmocka_unit_test(unused),
		cmocka_unit_test(mark_fields),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
