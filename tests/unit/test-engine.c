/* test-engine.c: disks of all shapes into an image and back. */
#include "tests/unit/engine.h"

struct shape {
	const char *name;
	uint64_t size;
	uint32_t sector, chunk;
	int what;                 /* how ranges are chosen: enum below */
	int workers;
	uint64_t seed;
};
enum { RANDOM, EMPTY, FULL, FRAGMENTS, LAST_UNIT, CHUNK_EDGES };

static void add(struct extents *x, uint64_t off, uint64_t len)
{
	struct err e;

	assert_ok(extents_add(x, off, len, &e));
}

static void make_ranges(const struct shape *s, struct extents *x, uint64_t *seed)
{
	uint64_t off = 0;

	switch (s->what) {
	case FULL:
		add(x, 0, s->size);
		break;
	case FRAGMENTS: /* as many ranges in a chunk as there can be */
		for (; off < s->size; off += 1024)
			add(x, off, 512);
		break;
	case LAST_UNIT:
		add(x, (s->size - 1) / 512 * 512, 512);
		break;
	case CHUNK_EDGES:
		for (off = s->chunk; off + 1024 < s->size; off += s->chunk)
			add(x, off - 512, off % (2 * s->chunk) ? 512 : 1024);
		break;
	case RANDOM:
		while (off < s->size) {
			uint64_t len = 512ull * (1 + rnd(seed) % (1u << rnd(seed) % 13));

			add(x, off, len);
			off += len + 512ull * (rnd(seed) % (1u << rnd(seed) % 13));
		}
		break;
	}
}

static struct mem_out *capture(struct blkdev *d, const struct extents *x,
			       const struct shape *s, int workers)
{
	struct capture_options opt = test_options(workers);
	struct mem_out *m = mem_out_new(2 * s->size + (1u << 20));
	struct capture_result res;
	struct err e;

	opt.chunk_size = s->chunk;
	assert_ok(capture_run(d, x, &opt, &m->s, NULL, &res, &e));
	assert_int_equal(res.image_bytes, m->len);
	assert_int_equal(res.bytes, extents_bytes(x));
	return m;
}

/* Used ranges equal, all else as `other` says. */
static void same_ranges(const struct extents *x, const uint8_t *a,
			const uint8_t *b)
{
	struct extents_cursor c;
	uint64_t off, len;

	extents_begin(x, &c);
	while (extents_next(&c, &off, &len))
		assert_memory_equal(a + off, b + off, len);
}

static void restore(const struct mem_out *m, const struct shape *s,
		    const struct extents *x, const uint8_t *disk, int as_pipe)
{
	uint64_t size = s->size + (as_pipe ? 3 * 512 : 0);
	uint8_t *back = malloc(size);
	struct restore_options opt = { .job.workers = s->workers, .verify = !as_pipe };
	struct restore_result res;
	struct blkdev *f, *t;
	struct store_in *in;
	struct err e;

	memset(back, 0xA5, size);
	assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
	assert_ok(dev_mem(back, size, 1, &t, &e));
	t->sector_size = s->sector;
	assert_ok(store_open_dev(f, as_pipe, &in, &e));
	assert_ok(restore_run(in, t, &opt, NULL, &res, &e));
	assert_int_equal(res.bytes, extents_bytes(x));
	same_ranges(x, disk, back);
	store_close(in);
	dev_close(f);
	dev_close(t);
	free(back);
}

static void verify_well(const struct mem_out *m, const struct extents *x)
{
	struct verify_options opt = { .job.workers = 2 };
	struct verify_result res;
	struct blkdev *f;
	struct store_in *in;
	struct err e;

	assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
	assert_ok(store_open_dev(f, 1, &in, &e));
	assert_ok(verify_run(in, &opt, NULL, &res, &e));
	assert_true(res.ok);
	assert_int_equal(res.bytes, extents_bytes(x));
	assert_int_equal(res.image_bytes, m->len);
	store_close(in);
	dev_close(f);
}

struct compare { struct extents_cursor c; };

static int next_is(void *ctx, uint64_t off, uint64_t len)
{
	struct compare *c = ctx;
	uint64_t o, l;

	assert_int_equal(extents_next(&c->c, &o, &l), 1);
	assert_int_equal(o, off);
	assert_int_equal(l, len);
	return 0;
}

/* The index gives the same used map, and random reads the same bytes. */
static void read_at_random(const struct mem_out *m, const struct shape *s,
			   const struct extents *x, const uint8_t *disk,
			   uint64_t *seed)
{
	uint8_t *want = calloc(1, s->size), *buf = malloc(s->size);
	struct compare c;
	struct extents_cursor cur;
	struct blkdev *f;
	struct image *im;
	uint64_t off, len;
	struct err e;

	extents_begin(x, &cur);
	while (extents_next(&cur, &off, &len))
		memcpy(want + off, disk + off, len);
	assert_ok(dev_mem(m->bytes, m->len, 0, &f, &e));
	assert_ok(image_open(f, NULL, &im, &e));
	assert_string_equal(image_meta(im), "{\"tool\":\"test\"}");
	extents_begin(x, &c.c);
	assert_ok(image_extents(im, next_is, &c, &e));
	assert_int_equal(extents_next(&c.c, &off, &len), 0);
	assert_ok(image_read(im, 0, buf, s->size, &e));
	assert_memory_equal(buf, want, s->size);
	for (int i = 0; i < 200; i++) {
		off = rnd(seed) % s->size;
		len = rnd(seed) % (1u << rnd(seed) % 20);
		if (len > s->size - off)
			len = s->size - off;
		assert_ok(image_read(im, off, buf, len, &e));
		assert_memory_equal(buf, want + off, len);
	}
	assert_int_equal(image_read(im, s->size, buf, 1, &e), ERR_IO);
	image_close(im);
	dev_close(f);
	free(want);
	free(buf);
}

static void round_trip(void **state)
{
	const struct shape *s = *state;
	uint64_t seed = s->size + (uint64_t)s->what * 1000 + s->seed;
	uint8_t *disk = malloc(s->size);
	struct blkdev *d;
	struct extents *x;
	struct mem_out *plain, *threads;
	struct err e;

	fill_disk(disk, s->size, &seed);
	assert_ok(dev_mem(disk, s->size, 0, &d, &e));
	d->sector_size = s->sector;
	assert_ok(extents_new(s->size, 512, 1 << 20, &x, &e));
	make_ranges(s, x, &seed);
	plain = capture(d, x, s, -1);
	threads = capture(d, x, s, s->workers);
	/* the workers change nothing */
	assert_int_equal(plain->len, threads->len);
	assert_memory_equal(plain->bytes, threads->bytes, plain->len);
	restore(plain, s, x, disk, 0);
	restore(plain, s, x, disk, 1);
	verify_well(plain, x);
	read_at_random(plain, s, x, disk, &seed);
	mem_out_free(plain);
	mem_out_free(threads);
	extents_free(x);
	dev_close(d);
	free(disk);
}

/* Disks of any size up to 40 chunks, whole units or not, with any map. */
static void random_shapes(void **state)
{
	uint64_t seed = 20;

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct shape s = {
			.size = 1 + rnd(&seed) % (1u << (9 + rnd(&seed) % 13)),
			.sector = rnd(&seed) % 2 ? 512 : 4096,
			.chunk = 65536u << rnd(&seed) % 3, .what = RANDOM,
			.workers = (int)(rnd(&seed) % 4) - 1, .seed = seed,
		};
		void *arg = &s;

		round_trip(&arg);
	}
}

static struct shape shapes[] = {
	{ "random, 64 KiB chunks", 20 << 20, 512, 65536, RANDOM, 3, 0 },
	{ "random, default chunks", 24 << 20, 512, 1 << 20, RANDOM, 2, 0 },
	{ "random, 4 MiB chunks", 30 << 20, 512, 4 << 20, RANDOM, 2, 0 },
	{ "more than one page of index", 90 << 20, 512, 65536, RANDOM, 2, 0 },
	{ "sectors of 4096", 16 << 20, 4096, 1 << 20, RANDOM, 1, 0 },
	{ "size not of whole units", (9 << 20) + 77, 512, 1 << 20, FULL, 2, 0 },
	{ "one byte", 1, 512, 1 << 20, FULL, 1, 0 },
	{ "last unit only, short", (5 << 20) + 511, 512, 65536, LAST_UNIT, 2, 0 },
	{ "size of whole chunks", 8 << 20, 512, 1 << 20, FULL, 4, 0 },
	{ "nothing used", 8 << 20, 512, 1 << 20, EMPTY, 2, 0 },
	{ "1024 fragments a chunk", 6 << 20, 512, 1 << 20, FRAGMENTS, 2, 0 },
	{ "4096 fragments a chunk", 9 << 20, 512, 4 << 20, FRAGMENTS, 2, 0 },
	{ "around chunk borders", 3 << 20, 512, 65536, CHUNK_EDGES, 16, 0 },
};

int main(void)
{
	enum { N = sizeof shapes / sizeof *shapes };
	struct CMUnitTest tests[N + 1] = { [N] = cmocka_unit_test(random_shapes) };

	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){
			.name = shapes[i].name, .test_func = round_trip,
			.initial_state = &shapes[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
