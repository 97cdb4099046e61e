/* test-unreadable.c: images on a medium that doesn't give all of them: verify names what
 * isn't there and goes on behind it, salvage takes all the rest. */
#include "tests/unit/engine.h"
#include "imager/salvage.h"

#define SIZE (12u << 20)
#define CHUNK 65536u
#define BLOCK 4096u       /* what is asked for at once */
#define RECORDS_MAX 300
#define BAD_MAX 600

struct image_bytes {
	uint8_t *disk;
	struct mem_out *m;
	struct blkdev *d, *file;
	size_t n;
	struct place { uint64_t at, end; struct record r; } rec[RECORDS_MAX];
};

static int setup(void **state)
{
	struct image_bytes *im = calloc(1, sizeof *im);
	struct capture_options opt = test_options(-1);
	uint64_t seed = 4;
	struct err e;

	opt.chunk_size = CHUNK;
	im->disk = malloc(SIZE);
	fill_disk(im->disk, SIZE, &seed);
	assert_ok(dev_mem(im->disk, SIZE, 0, &im->d, &e));
	im->m = capture_stripes(im->d, 24576, &opt);
	for (size_t at = 0; at < im->m->len; im->n++) {
		struct place *p = &im->rec[im->n];

		assert_null(record_get(im->m->bytes + at, &p->r));
		p->at = at;
		at += IMAGE_HEAD_LEN + p->r.body_len;
		p->end = at;
	}
	assert_true(im->m->len > 2u << 20);
	assert_ok(dev_mem(im->m->bytes, im->m->len, 0, &im->file, &e));
	*state = im;
	return 0;
}

static int teardown(void **state)
{
	struct image_bytes *im = *state;

	dev_close(im->file);
	mem_out_free(im->m);
	dev_close(im->d);
	free(im->disk);
	free(im);
	return 0;
}

/* ---- what can't be read ---- */

struct holes {
	struct fault_range v[4];
	size_t n;
	uint64_t reads;
};

static void count(void *ctx, uint64_t off, size_t len, int fails)
{
	(void)off;
	(void)len;
	(void)fails;
	++*(uint64_t *)ctx;
}

/* The blocks that [at, at + len) touches. */
static struct fault_range blocks(uint64_t at, uint64_t len)
{
	uint64_t first = at / BLOCK * BLOCK;

	return (struct fault_range){ first, (at + len + BLOCK - 1) / BLOCK * BLOCK - first, 0 };
}

/* Is something of [a, b) not given? */
static int touched(const struct holes *h, uint64_t a, uint64_t b)
{
	for (size_t i = 0; i < h->n; i++)
		if (a < h->v[i].off + h->v[i].len && b > h->v[i].off)
			return 1;
	return 0;
}

static struct blkdev *failing(struct image_bytes *im, struct holes *h, struct fault_plan *plan)
{
	struct blkdev *d;
	struct err e;

	*plan = (struct fault_plan){ .ranges = h->v, .n = h->n, .seen = count, .ctx = &h->reads };
	assert_ok(dev_faults(im->file, plan, &d, &e));
	return d;
}

/* ---- verify ---- */

struct said {
	size_t n;
	struct verify_bad v[BAD_MAX];
	int unread[BAD_MAX];      /* its text says so */
};

static void bad(void *ctx, const struct verify_bad *b)
{
	struct said *s = ctx;

	assert_true(s->n < BAD_MAX);
	s->unread[s->n] = strstr(b->text, "can't be read") != NULL;
	s->v[s->n++] = *b;
}

static int verify(struct image_bytes *im, struct holes *h, int workers, struct said *s,
		  struct verify_result *ret, struct err *e)
{
	struct verify_options opt = { .job.workers = workers, .bad = bad, .bad_ctx = s };
	struct fault_plan plan;
	struct blkdev *d = failing(im, h, &plan);
	struct store_in *in;
	int r;

	s->n = 0;
	assert_ok_(store_open_dev(d, 0, &in, e));
	r = verify_run(in, &opt, NULL, ret, e);
	store_close(in);
	dev_close(d);
	return r;
}

static const struct verify_bad *named(const struct said *s, uint64_t at, int *ret_unread)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].offset == at) {
			*ret_unread = s->unread[i];
			return &s->v[i];
		}
	return NULL;
}

/* Each chunk that isn't given is named with its place on the disk, and no other one. */
static void check_said(const struct image_bytes *im, const struct holes *h, const struct said *s)
{
	for (size_t i = 0; i < im->n; i++) {
		const struct place *p = &im->rec[i];
		int unread = 0, body = touched(h, p->at + IMAGE_HEAD_LEN, p->end);
		const struct verify_bad *b = named(s, p->at, &unread);

		if (p->r.type == REC_CHUNK && !touched(h, p->at, p->end) && b)
			fail_msg("the good chunk at %zu is called bad: %s", (size_t)p->at, b->text);
		if (touched(h, p->at, p->at + IMAGE_HEAD_LEN))
			continue; /* what it was only the index may tell */
		if (body && (!b || !unread || strcmp(b->record, record_name(p->r.type))))
			fail_msg("the %s record at %zu isn't named", record_name(p->r.type), (size_t)p->at);
		if (body && p->r.type == REC_CHUNK)
			assert_true(b->has_disk_range && b->disk_offset == p->r.aux * CHUNK && b->disk_len == CHUNK);
	}
}

/* Every record: a sector of its body, a byte of its header; three of them at once. */
static void each_record(void **state)
{
	struct image_bytes *im = *state;
	struct said *s = malloc(sizeof *s);
	struct verify_result v;
	struct err e;

	for (size_t i = 1; i < im->n; i++) {
		struct place *p = &im->rec[i];
		uint64_t body = p->end - p->at - IMAGE_HEAD_LEN;
		struct holes h = { .n = 1 };
		int unread = 0;

		if (p->at / BLOCK == 0)
			continue; /* the HEADER is there */
		h.v[0] = blocks(p->at + IMAGE_HEAD_LEN + body / 2, 1);
		if (body > 3 * BLOCK) {
			assert_ok(verify(im, &h, (int)(i % 3) - 1, s, &v, &e));
			assert_false(v.ok);
			assert_int_equal(s->n, 1);
			check_said(im, &h, s);
		}
		h.v[0] = blocks(p->at + 20, 1);
		assert_ok(verify(im, &h, -1, s, &v, &e));
		assert_false(v.ok);
		check_said(im, &h, s);
		/* which chunk it was the index says, if that is there */
		if (p->r.type == REC_CHUNK && !touched(&h, im->rec[im->n - 7].at, im->m->len)) {
			const struct verify_bad *b = named(s, p->at, &unread);

			assert_true(b && b->has_disk_range && b->disk_offset == p->r.aux * CHUNK);
		}
	}
	free(s);
}

static void many_places(void **state)
{
	struct image_bytes *im = *state;
	struct said *s = malloc(sizeof *s);
	struct verify_result v;
	uint64_t seed = 9;
	struct err e;

	for (int k = 0; k < 40; k++) {
		struct holes h = { .n = 4 };

		for (size_t i = 0; i < h.n; i++)
			h.v[i] = blocks(BLOCK + rnd(&seed) % (im->m->len - BLOCK), 1 + rnd(&seed) % 20000);
		assert_ok(verify(im, &h, k % 3 - 1, s, &v, &e));
		assert_false(v.ok);
		assert_true(s->n >= 1);
		check_said(im, &h, s);
	}
	free(s);
}

/* Bytes that would be right as zeros can't be read either. */
static void zeros(void **state)
{
	struct image_bytes *im = *state;
	struct said *s = malloc(sizeof *s);
	struct verify_result v;
	size_t n = 0;
	struct err e;

	for (size_t i = 2; i < im->n && n < 5; i++) {
		uint64_t at = (im->rec[i].at + IMAGE_HEAD_LEN + BLOCK - 1) / BLOCK * BLOCK;
		struct holes h = { .n = 1 };
		uint8_t kept[BLOCK];

		if (im->rec[i].r.type != REC_CHUNK || at + BLOCK > im->rec[i].end)
			continue;
		memcpy(kept, im->m->bytes + at, BLOCK);
		if (!all_zero(kept, BLOCK))
			continue;
		h.v[0] = blocks(at, 1);
		n++;
		assert_ok(verify(im, &h, -1, s, &v, &e));
		assert_false(v.ok);
		check_said(im, &h, s);
	}
	free(s);
}

/* One that is gone from some place on: the end is reached, without asking for each block. */
static void gone(void **state)
{
	struct image_bytes *im = *state;
	struct said *s = malloc(sizeof *s);
	struct holes h = { .n = 1 };
	struct verify_result v;
	struct err e;

	h.v[0] = (struct fault_range){ im->m->len / 8, UINT64_MAX / 2, 0 };
	assert_ok(verify(im, &h, -1, s, &v, &e));
	assert_false(v.ok);
	assert_true(s->n >= 2);
	assert_true(h.reads < 40 + im->n + im->m->len / BLOCK / 4);
	/* all of it: there is nothing that could be named */
	h.v[0].off = 0;
	assert_int_equal(verify(im, &h, -1, s, &v, &e), ERR_IO);
	free(s);
}

/* ---- salvage ---- */

static void salvaged(void **state)
{
	struct image_bytes *im = *state;
	uint8_t digest[32], *disk = malloc(SIZE);
	uint64_t seed = 11;
	struct err e;

	for (int k = 0; k < 8; k++) {
		struct mem_out *out = mem_out_new(2 * SIZE);
		struct salvage_options so = { .from = "old.rhi", .image_id = test_id };
		struct restore_options ro = { .job.workers = -1 };
		struct restore_result res;
		struct fault_plan plan;
		struct salvage *s;
		struct holes h = { .n = 4 };
		uint64_t lost = 0;

		for (size_t i = 0; i < h.n; i++) /* the HEADER's, too */
			h.v[i] = blocks(k == 1 && !i ? 0 : rnd(&seed) % (im->m->len - BLOCK), 1 + rnd(&seed) % 20000);
		struct blkdev *d = failing(im, &h, &plan);

		assert_ok(salvage_look(&(struct salvage_source){ .file = d }, NULL, &s, &e));
		assert_ok(salvage_write(s, &so, &out->s, digest, &e));
		memset(disk, 0xA5, SIZE);
		assert_ok(restore_bytes(out->bytes, out->len, disk, SIZE, 0, &ro, NULL, &res, &e));
		for (size_t i = 0; i < im->n; i++) {
			const struct place *p = &im->rec[i];

			if (p->r.type != REC_CHUNK)
				continue;
			lost += touched(&h, p->at, p->end);
			for (uint64_t at = p->r.aux * CHUNK; at < (p->r.aux + 1) * CHUNK; at += 8192)
				if (at / 24576 % 2 == 0 && !touched(&h, p->at, p->end))
					assert_memory_equal(disk + at, im->disk + at, 8192);
		}
		assert_true(lost && salvage_found(s)->lost + salvage_found(s)->missing > 0);
		salvage_free(s);
		mem_out_free(out);
		dev_close(d);
	}
	free(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record),
		cmocka_unit_test(many_places),
		cmocka_unit_test(zeros),
		cmocka_unit_test(gone),
		cmocka_unit_test(salvaged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
