/* test-restore-wrong.c: restores with verification to a disk whose beginning reads back
 * wrong, or that clears more than it is told to. */
#include "tests/unit/engine.h"
#include "tests/unit/cutdev.h"

#define SIZE (1u << 20)

/* A disk of which one byte reads wrong, unless it is 0. */
struct liar {
	struct cutdev c;
	uint64_t at;
	int keeps_first;          /* 1: the first sector, once written, stays   */
};

static int liar_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	const struct liar *l = (struct liar *)d;
	uint8_t *b = buf;

	if (cut_read(d, off, buf, len, e) == 0 && l->at >= off && l->at - off < len && b[l->at - off])
		b[l->at - off] ^= 1;
	return 0;
}

static int liar_write(struct blkdev *d, uint64_t off, const void *buf, size_t len, struct err *e)
{
	struct liar *l = (struct liar *)d;
	struct restore_mark m;

	if (!off && l->keeps_first && !mark_get(l->c.now, &m) && memcmp(l->c.now, "old", 3))
		return 0;
	return cut_write(d, off, buf, len, e);
}

static int restore_to(struct mem_out *m, struct blkdev *t, enum restore_how how,
		      struct restore_result *ret, struct err *e)
{
	struct restore_options opt = { .job.workers = 1, .how = how, .verify = 1 };
	struct blkdev *f;
	struct store_in *in;
	int r;

	assert_ok_(dev_mem(m->bytes, m->len, 0, &f, e));
	assert_ok_(store_open_dev(f, 0, &in, e));
	r = restore_run(in, t, &opt, NULL, ret, e);
	store_close(in);
	dev_close(f);
	return r;
}

/* It doesn't look complete, and isn't called so.  `at` reads wrong; keeps_first: and the
 * first sector can't be taken away again. */
static void wrong_head(struct mem_out *m, const uint8_t *source, const uint8_t *old,
		       enum restore_how how, uint64_t at, int keeps_first)
{
	static const struct blkdev_ops ops = { .read = liar_read, .write = liar_write,
					       .flush = cut_flush };
	struct restore_result res = { 0 };
	struct restore_mark mark;
	struct liar l = { .at = at, .keeps_first = keeps_first };
	struct err e;

	cut_new(&l.c, SIZE);
	cut_begin(&l.c, old, CUT_NEVER, 0);
	l.c.d.ops = &ops;
	assert_int_equal(restore_to(m, &l.c.d, how, &res, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "isn't what was written"));
	assert_true(res.began);
	assert_int_equal(res.unsure, keeps_first);
	assert_int_equal(res.can_resume, !keeps_first);
	assert_int_equal(mark_get(l.c.now, &mark), !keeps_first);
	l.c.d.ops = &cut_ops;
	assert_ok(restore_to(m, &l.c.d, keeps_first ? RESTORE_ALL : RESTORE_RESUME, &res, &e));
	assert_false(res.unsure);
	assert_memory_equal(l.c.now, source, SIZE);
	cut_free(&l.c);
}

static void wrong_heads(void **state)
{
	struct capture_options opt = test_options(-1);
	uint8_t *source = malloc(SIZE), *old = malloc(SIZE);
	struct mem_out *m;
	struct blkdev *d;
	struct err e;

	(void)state;
	opt.chunk_size = 65536;
	for (size_t i = 0; i < SIZE; i++) {
		source[i] = (uint8_t)(1 + i % 255);
		old[i] = (uint8_t)(255 - i % 251);
	}
	memcpy(old, "old", 3);
	assert_ok(dev_mem(source, SIZE, 0, &d, &e));
	m = capture_stripes(d, SIZE, &opt);
	dev_close(d);
	for (enum restore_how how = RESTORE_ALL; how <= RESTORE_DELTA; how++) {
		wrong_head(m, source, old, how, 330, 0); /* the mark has zeros there */
		wrong_head(m, source, old, how, 700, 0);
		wrong_head(m, source, old, how, 330, 1);
	}
	mem_out_free(m);
	free(source);
	free(old);
}

/* A disk that clears a byte more than it is told to, in front. */
static int clears_too_much(struct blkdev *d, uint64_t off, uint64_t len)
{
	memset(((struct cutdev *)d)->now + off - 1, 0, len + 1);
	return 0;
}

/* Nothing differs, so nothing is written; but what isn't used is cleared. */
static void cleared(uint64_t stripe, enum restore_unused unused)
{
	static const struct blkdev_ops ops = {
		.read = cut_read, .write = cut_write, .flush = cut_flush,
		.discard = clears_too_much, .erase = clears_too_much };
	struct capture_options co = test_options(-1);
	struct restore_options opt = { .job.workers = 1, .how = RESTORE_DELTA, .verify = 1,
				       .unused = unused };
	struct restore_result res = { 0 };
	struct restore_mark mark;
	struct mem_out *m;
	struct blkdev *f;
	struct store_in *in;
	struct cutdev c;
	uint8_t *source = malloc(SIZE);
	struct err e;

	co.chunk_size = 65536;
	memset(source, 7, SIZE);
	cut_new(&c, SIZE);
	cut_begin(&c, source, CUT_NEVER, 0);
	m = capture_stripes(&c.d, stripe, &co);
	c.d.ops = &ops;
	assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
	assert_ok(store_open_dev(f, 0, &in, &e));
	assert_int_equal(restore_run(in, &c.d, &opt, NULL, &res, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "isn't what was written"));
	assert_true(res.can_resume);
	assert_true(mark_get(c.now, &mark));
	store_close(in);
	dev_close(f);
	c.d.ops = &cut_ops;
	assert_ok(restore_to(m, &c.d, RESTORE_RESUME, &res, &e));
	for (uint64_t i = 0; i < SIZE; i++)
		if (i / stripe % 2 == 0 && c.now[i] != 7)
			fail_msg("byte %llu is 0x%02x", (unsigned long long)i, c.now[i]);
	mem_out_free(m);
	cut_free(&c);
	free(source);
}

static void cleared_too_much(void **state)
{
	(void)state;
	cleared(131072, UNUSED_DISCARD);
	cleared(4096, UNUSED_ZERO);
	cleared(SIZE / 2, UNUSED_ZERO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_heads),
		cmocka_unit_test(cleared_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
