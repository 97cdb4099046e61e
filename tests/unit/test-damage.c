/* test-damage.c: damaged and cut images: verify names the place, and nothing
 * takes them for good. */
#include "tests/unit/engine.h"
#include "imager/fmt/chunk.h"

#define SIZE (3u << 20)
#define RECORDS_MAX 200

struct image_bytes {
	uint8_t *disk;
	struct mem_out *m;
	struct blkdev *d;
	size_t at[RECORDS_MAX + 1]; /* offsets of the records; the length */
	unsigned int type[RECORDS_MAX];
	size_t n;
};

static void find_records(struct image_bytes *im)
{
	size_t at = 0;

	for (im->n = 0; at < im->m->len; im->n++) {
		struct record r;

		assert_null(record_get(im->m->bytes + at, &r));
		im->at[im->n] = at;
		im->type[im->n] = r.type;
		at += IMAGE_HEAD_LEN + r.body_len;
	}
	im->at[im->n] = at;
}

static int setup(void **state)
{
	struct image_bytes *im = calloc(1, sizeof *im);
	struct capture_options opt = test_options(-1);
	uint64_t seed = 7;
	struct err e;

	opt.chunk_size = 65536;
	im->disk = malloc(SIZE);
	fill_disk(im->disk, SIZE, &seed);
	assert_ok(dev_mem(im->disk, SIZE, 0, &im->d, &e));
	im->m = capture_stripes(im->d, 24576, &opt);
	find_records(im);
	*state = im;
	return 0;
}

static int teardown(void **state)
{
	struct image_bytes *im = *state;

	mem_out_free(im->m);
	dev_close(im->d);
	free(im->disk);
	free(im);
	return 0;
}

/* ---- what verify says ---- */

struct said {
	size_t off;               /* the place that should be named */
	const char *record;
	int named, n;
};

static void bad(void *ctx, const struct verify_bad *b)
{
	struct said *s = ctx;

	s->n++;
	assert_true(strlen(b->text) > 20);
	if (b->offset == s->off && (!strcmp(b->record, s->record) || !strcmp(b->record, "record")))
		s->named = 1;
}

static void must_fail(uint8_t *image, size_t len, struct said *s)
{
	uint8_t *disk = malloc(SIZE);
	struct verify_options opt = { .job.workers = -1, .bad = bad, .bad_ctx = s };
	struct restore_options ro = { .job.workers = -1 };
	struct verify_result v = { 0 };
	struct restore_result res;
	struct err e;
	int r = verify_bytes(image, len, &opt, &v, &e);

	assert_false(v.ok);
	if (r == 0)
		assert_int_equal(v.bad, s->n);
	if (len && (r < 0 || !s->named))
		fail_msg("damage in the %s record at %zu isn't named (%d %s)",
			 s->record, s->off, r, r ? e.msg : "");
	for (int as_pipe = 0; as_pipe < 2; as_pipe++) {
		memset(disk, 0xA5, SIZE);
		r = restore_bytes(image, len, disk, SIZE, as_pipe, &ro, NULL, &res, &e);
		assert_true(r == ERR_CORRUPT || r == ERR_NOT_FOUND);
		/* not begun, or without the partition table */
		assert_true(disk[0] == 0xA5 || looks_empty(disk, 65536));
	}
	free(disk);
}

static void flip(struct image_bytes *im, size_t at, unsigned int bit)
{
	size_t i = im->n;
	struct said s = { 0 };

	while (im->at[i] > at)
		i--;
	s.off = im->at[i];
	s.record = record_name(im->type[i]);
	im->m->bytes[at] ^= (uint8_t)(1u << bit);
	must_fail(im->m->bytes, im->m->len, &s);
	im->m->bytes[at] ^= (uint8_t)(1u << bit);
}

static void random_flips(void **state)
{
	struct image_bytes *im = *state;
	uint64_t seed = 1;

	for (int i = 0; i < 100; i++)
		flip(im, rnd(&seed) % im->m->len, rnd(&seed) % 8);
}

/* Chunks are most of a file: each record, in its header and in its body. */
static void each_record(void **state)
{
	struct image_bytes *im = *state;
	uint64_t seed = 2;

	for (size_t i = 0; i < im->n; i++) {
		size_t body = im->at[i + 1] - im->at[i] - IMAGE_HEAD_LEN;

		flip(im, im->at[i] + rnd(&seed) % IMAGE_HEAD_LEN, rnd(&seed) % 8);
		if (body)
			flip(im, im->at[i] + IMAGE_HEAD_LEN + rnd(&seed) % body, rnd(&seed) % 8);
	}
}

/* Reading at random gives the right bytes or an error, never wrong ones. */
static void random_reads(void **state)
{
	struct image_bytes *im = *state;
	uint8_t *buf = malloc(SIZE);
	uint64_t seed = 3;
	int failed = 0;

	for (int i = 0; i < 100; i++) {
		size_t at = rnd(&seed) % im->m->len;
		uint8_t mask = (uint8_t)(1u << rnd(&seed) % 8);
		struct image *f = NULL;
		struct blkdev *d;
		struct err e;

		im->m->bytes[at] ^= mask;
		assert_ok(dev_mem(im->m->bytes, im->m->len, 0, &d, &e));
		failed += image_open(d, NULL, &f, &e) < 0;
		for (uint32_t off = 0; f && off < SIZE; off += 8192) {
			if (image_read(f, off, buf, 8192, &e) < 0)
				failed++;
			else if (off / 24576 % 2 == 0)
				assert_memory_equal(buf, im->disk + off, 8192);
		}
		image_close(f);
		dev_close(d);
		im->m->bytes[at] ^= mask;
	}
	assert_true(failed > 50);
	free(buf);
}

/* ---- cut off ---- */

static void cut(struct image_bytes *im, size_t len)
{
	struct said s = { .record = "record" };
	uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees its end */
	struct image_ident id;
	struct image *f;
	struct blkdev *d;
	struct err e;
	size_t i = 0;

	while (im->at[i + 1] <= len)
		i++;
	/* at a border END is missing there; else the record in the middle */
	s.off = im->at[i];
	s.record = im->at[i] == len ? "end" : record_name(im->type[i]);
	memcpy(copy, im->m->bytes, len);
	assert_ok(dev_mem(copy, len, 0, &d, &e));
	if (image_identify(d, &id, &e) == 0)
		assert_false(id.complete);
	assert_true(image_open(d, NULL, &f, &e) < 0);
	dev_close(d);
	if (len >= IMAGE_HEAD_LEN + HEADER_LEN)
		must_fail(copy, len, &s);
	free(copy);
}

static void truncations(void **state)
{
	struct image_bytes *im = *state;
	uint64_t seed = 4;

	for (size_t i = 0; i < im->n; i++)
		cut(im, im->at[i]);
	for (int i = 0; i < 60; i++)
		cut(im, rnd(&seed) % im->m->len);
	for (size_t i = 1; i < 200; i += 7)
		cut(im, im->m->len - i);
}

/* Bytes behind END are no image's. */
static void tail(void **state)
{
	struct image_bytes *im = *state;
	struct said s;
	size_t len = im->m->len;

	for (size_t more = 1; more < 400; more += 99) {
		s = (struct said){ .off = len, .record = "record" };
		memset(im->m->bytes + len, 0, more);
		must_fail(im->m->bytes, len + more, &s);
	}
	/* a second image behind the first one */
	s = (struct said){ .off = len, .record = "header" };
	memcpy(im->m->bytes + len, im->m->bytes, 2000);
	must_fail(im->m->bytes, len + 2000, &s);
}

/* ---- an image inside an image ---- */

static void only_chunks(void *ctx, const struct verify_bad *b)
{
	struct said *s = ctx;

	s->n++;
	assert_string_equal(b->record, "chunk");
	assert_true(b->has_disk_range);
}

static void nested(void **state)
{
	struct image_bytes *im = *state;
	struct image_bytes out = { .disk = im->m->bytes };
	struct capture_options opt = test_options(2);
	struct said s = { 0 };
	struct verify_options vo = { .job.workers = 2, .bad = only_chunks, .bad_ctx = &s };
	struct verify_result v;
	struct err e;

	opt.chunk_size = 65536;
	opt.image_id = (const uint8_t *)"the outer image!";
	assert_ok(dev_mem(im->m->bytes, im->m->len, 0, &out.d, &e));
	out.m = capture_stripes(out.d, im->m->len, &opt);
	find_records(&out);
	assert_ok(verify_bytes(out.m->bytes, out.m->len, &vo, &v, &e));
	assert_true(v.ok);
	for (size_t i = 2; out.type[i] == REC_CHUNK; i++) {
		out.m->bytes[out.at[i] + 20] ^= 1; /* the search finds the inner records */
		s.n = 0;
		assert_ok(verify_bytes(out.m->bytes, out.m->len, &vo, &v, &e));
		assert_false(v.ok);
		assert_int_equal(s.n, 1);
		out.m->bytes[out.at[i] + 20] ^= 1;
	}
	mem_out_free(out.m);
	dev_close(out.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_flips),
		cmocka_unit_test(each_record),
		cmocka_unit_test(random_reads),
		cmocka_unit_test(truncations),
		cmocka_unit_test(tail),
		cmocka_unit_test(nested),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
