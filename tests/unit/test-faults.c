/* test-faults.c: what goes wrong around an image: the process is killed, the
 * store is full, the source can't be read, the job is stopped, the target is
 * the wrong one. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/unit/engine.h"
#include "imager/fmt/chunk.h"

#define SIZE (4u << 20)
#define CHUNK 65536u

struct disk {
	uint8_t *bytes;
	struct blkdev *d;
	struct extents *all;
	struct mem_out *m;        /* captured without faults */
};

static struct capture_options options(int workers)
{
	struct capture_options opt = test_options(workers);

	opt.chunk_size = CHUNK;
	return opt;
}

static int setup(void **state)
{
	struct disk *k = calloc(1, sizeof *k);
	struct capture_options opt = options(-1);
	uint64_t seed = 11;
	struct err e;

	k->bytes = malloc(SIZE);
	fill_disk(k->bytes, SIZE, &seed);
	for (int i = 0; i < 4096; i++) /* no chunk is all zero */
		k->bytes[i * (SIZE / 4096)] |= 1;
	assert_ok(dev_mem(k->bytes, SIZE, 0, &k->d, &e));
	assert_ok(extents_new(SIZE, 512, 1 << 20, &k->all, &e));
	assert_ok(extents_add(k->all, 0, SIZE, &e));
	k->m = capture_stripes(k->d, SIZE, &opt);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct disk *k = *state;

	mem_out_free(k->m);
	extents_free(k->all);
	dev_close(k->d);
	free(k->bytes);
	free(k);
	return 0;
}

/* ---- killed ---- */

/* A file of which only the first `left` bytes get written before the end. */
struct deadly {
	struct store_out s;
	struct store_out *file;
	size_t left;
};

static int deadly_append(struct store_out *s, const void *buf, size_t len,
			 struct err *e)
{
	struct deadly *k = (struct deadly *)s;

	if (len < k->left) {
		k->left -= len;
		return store_append(k->file, buf, len, e);
	}
	if (store_append(k->file, buf, k->left, e) == 0)
		raise(SIGKILL);
	return ERR_INTERNAL;
}

static const struct store_out_ops deadly_ops = { .append = deadly_append };

static void capture_and_die(struct disk *k, const char *path, size_t at)
{
	struct deadly dead = { .s.ops = &deadly_ops, .left = at };
	struct capture_options opt = options(2);
	struct capture_result res;
	struct err e;

	if (store_create(path, 0, &dead.file, &e) == 0 &&
	    capture_run(k->d, k->all, &opt, &dead.s, NULL, &res, &e) == 0)
		_exit(1);
	_exit(2);
}

static void is_not_complete(const char *part)
{
	struct image_ident id;
	struct blkdev *d;
	struct err e;

	assert_ok(dev_open_ro(part, &d, &e));
	if (image_identify(d, &id, &e) == 0)
		assert_false(id.complete);
	dev_close(d);
}

static void killed(void **state)
{
	struct disk *k = *state;
	char path[100], part[110];
	uint64_t seed = 5;

	snprintf(path, sizeof path, "%s/killed-%d.rhi", getenv("T") ? getenv("T") : "/tmp", getpid());
	snprintf(part, sizeof part, "%s.part", path);
	for (int i = 0; i < 50; i++) {
		size_t at = i == 0 ? k->m->len - 1 : rnd(&seed) % k->m->len;
		pid_t pid = fork();
		int status;

		if (pid == 0)
			capture_and_die(k, path, at);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(access(path, F_OK), -1);
		is_not_complete(part);
	}
	/* the next one isn't hindered by what the dead left */
	{
		struct capture_options opt = options(2);
		struct capture_result res;
		struct store_out *out;
		struct image_ident id;
		struct blkdev *d;
		struct err e;

		assert_ok(store_create(path, 0, &out, &e));
		assert_ok(capture_run(k->d, k->all, &opt, out, NULL, &res, &e));
		assert_ok(store_commit(out, &e));
		assert_int_equal(access(part, F_OK), -1);
		assert_ok(dev_open_ro(path, &d, &e));
		assert_ok(image_identify(d, &id, &e));
		assert_true(id.complete);
		dev_close(d);
	}
	unlink(path);
}

/* ---- no room ---- */

static void full(void **state)
{
	struct disk *k = *state;
	struct capture_result res;
	struct store_out *out;
	uint64_t seed = 6;
	struct err e;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < 40; i++) {
		struct capture_options opt = options((int)(rnd(&seed) % 4) - 1);
		struct mem_out *m = mem_out_new(i == 0 ? k->m->len - 1 : rnd(&seed) % k->m->len);

		e.msg[0] = 0;
		assert_int_equal(capture_run(k->d, k->all, &opt, &m->s, NULL, &res, &e),
				 ERR_NOSPACE);
		assert_non_null(strstr(e.msg, "No space left"));
		mem_out_free(m);
	}
	assert_true(fd >= 0);
	assert_ok(store_create_fd(fd, "full", &out, &e));
	{
		struct capture_options opt = options(2);

		assert_int_equal(capture_run(k->d, k->all, &opt, out, NULL, &res, &e),
				 ERR_NOSPACE);
	}
	store_abort(out);
	close(fd);
}

/* ---- unreadable ---- */

struct heard {
	uint64_t off[8], len[8];
	int n, progress, stop_after;
};

static void warning(void *ctx, const char *code, const char *text,
		    uint64_t off, uint64_t len)
{
	struct heard *h = ctx;

	assert_string_equal(code, "unreadable");
	assert_non_null(strstr(text, "could not be read"));
	assert_true(h->n < 8);
	h->off[h->n] = off;
	h->len[h->n++] = len;
}

/* Counts reads on their way to the device below. */
struct counting {
	struct blkdev d;
	struct blkdev *below;
	unsigned int reads;
};

static int counted_read(struct blkdev *d, uint64_t off, void *buf, size_t len,
			struct err *e)
{
	struct counting *c = (struct counting *)d;

	c->reads++;
	return dev_read(c->below, off, buf, len, e);
}

static const struct blkdev_ops counting_ops = { .read = counted_read };

struct fault { uint64_t off, len, lost_off, lost_len; };

static void check_faults(struct disk *k, uint32_t sector, const struct fault *f,
			 size_t n, unsigned int reads_max)
{
	struct capture_options opt = options(2);
	struct heard h = { 0 };
	struct job_events ev = { .warning = warning, .ctx = &h };
	struct mem_out *m = mem_out_new(2 * SIZE);
	struct blkdev *d[4] = { k->d }, *im_d;
	struct counting c = { .d = { .ops = &counting_ops, .size = SIZE, .name = (char *)"c" } };
	struct capture_result res;
	struct restore_options ro = { .job.workers = 2, .verify = 1 };
	struct restore_result rr;
	uint8_t *want = malloc(SIZE), *back = malloc(SIZE);
	const struct byte_range *bad;
	struct image *im;
	uint64_t lost = 0;
	size_t n_bad;
	struct err e;

	memcpy(want, k->bytes, SIZE);
	for (size_t i = 0; i < n; i++) {
		assert_ok(dev_fault(d[i], f[i].off, f[i].len, &d[i + 1], &e));
		memset(want + f[i].lost_off, 0, f[i].lost_len);
		lost += f[i].lost_len;
	}
	c.below = d[n];
	c.d.sector_size = sector;
	assert_ok(capture_run(&c.d, k->all, &opt, &m->s, &ev, &res, &e));
	assert_true(c.reads <= reads_max);
	assert_int_equal(res.bad_bytes, lost);
	assert_int_equal(res.bad_ranges, n);
	assert_int_equal(res.warnings, n);
	assert_int_equal(h.n, n);
	assert_ok(dev_mem(m->bytes, m->len, 0, &im_d, &e));
	assert_ok(image_open(im_d, NULL, &im, &e));
	bad = image_bad(im, &n_bad);
	assert_int_equal(n_bad, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(bad[i].off, f[i].lost_off);
		assert_int_equal(bad[i].len, f[i].lost_len);
		assert_int_equal(h.off[i], f[i].lost_off);
		assert_int_equal(h.len[i], f[i].lost_len);
	}
	assert_non_null(strstr(image_summary(im), "could not be read"));
	image_close(im);
	dev_close(im_d);
	h.n = 0;
	if (sector == 512) { /* restore tells it again */
		assert_ok(restore_bytes(m->bytes, m->len, back, SIZE, 0, &ro, &ev, &rr, &e));
		assert_int_equal(rr.bad_ranges, n);
		assert_int_equal(h.n, n);
		assert_memory_equal(want, back, SIZE);
	}
	while (n)
		dev_close(d[n--]);
	mem_out_free(m);
	free(want);
	free(back);
}

static void unreadable(void **state)
{
	static const struct fault one[] = { { 300000, 1, 299520, 512 } };
	static const struct fault some[] = {
		{ 0, 512, 0, 512 },
		{ 3 * CHUNK - 700, 1400, 3 * CHUNK - 1024, 2048 }, /* two chunks, one range */
		{ SIZE - 1, 1, SIZE - 512, 512 },
	};
	static const struct fault large[] = { { 4096 * 9 + 100, 4096, 4096 * 9, 8192 } };
	const unsigned int chunks = SIZE / CHUNK;

	/* a failed chunk is read once more, then its sectors, those that failed twice;
	 * and each time a chunk was skipped there is one more read */
	check_faults(*state, 512, one, 1, chunks + 1 + 128 + 1);
	check_faults(*state, 512, some, 3, chunks + 4 * (1 + 128 + 2));
	check_faults(*state, 4096, large, 1, chunks + 1 + 16 + 2);
}

/* A disk that is gone ends the job in bounded time. */
static void gone(void **state)
{
	const uint64_t size = 256u << 20;
	struct capture_options opt = options(2);
	uint8_t *bytes = calloc(1, size);
	struct mem_out *m = mem_out_new(8 << 20);
	struct capture_result res;
	struct blkdev *d, *bad;
	struct extents *all;
	struct counting c = { .d = { .ops = &counting_ops, .size = size, .name = (char *)"c",
				     .sector_size = 4096 } };
	struct fault_plan plan = { .vanish_at = 3 }; /* as long as bad */
	struct err e;

	(void)state;
	assert_ok(dev_mem(bytes, size, 0, &d, &e));
	assert_ok(dev_faults(d, &plan, &bad, &e));
	assert_ok(extents_new(size, 512, 1 << 20, &all, &e));
	assert_ok(extents_add(all, 0, size, &e));
	c.below = bad;
	assert_int_equal(capture_run(&c.d, all, &opt, &m->s, NULL, &res, &e), ERR_IO);
	assert_non_null(strstr(e.msg, "still connected"));
	assert_true(c.reads < 100);
	extents_free(all);
	dev_close(bad);
	dev_close(d);
	mem_out_free(m);
	free(bytes);
}

/* ---- stopped ---- */

static void progress(void *ctx, const char *step, uint64_t done, uint64_t total,
		     uint64_t written)
{
	(void)step;
	(void)written;
	assert_true(done <= total);
	((struct heard *)ctx)->progress++;
}

static int cancelled(void *ctx)
{
	struct heard *h = ctx;

	return h->progress >= h->stop_after;
}

static void stopped(void **state)
{
	struct disk *k = *state;
	uint8_t *back = malloc(SIZE);

	for (int workers = -1; workers < 5; workers += 2)
		for (int after = 0; after < 40; after += 13) {
			struct capture_options opt = options(workers);
			struct verify_options vo = { .job.workers = workers };
			struct restore_options ro = { .job.workers = workers };
			struct heard h = { .stop_after = after };
			struct job_events ev = { .progress = progress, .cancelled = cancelled,
						 .ctx = &h };
			struct mem_out *m = mem_out_new(2 * SIZE);
			struct capture_result res;
			struct verify_result vr;
			struct restore_result rr;
			struct blkdev *f;
			struct store_in *in;
			struct err e;

			assert_int_equal(capture_run(k->d, k->all, &opt, &m->s, &ev, &res, &e),
					 ERR_CANCELLED);
			h.progress = 0;
			assert_int_equal(restore_bytes(k->m->bytes, k->m->len, back, SIZE, 1, &ro,
						       &ev, &rr, &e), ERR_CANCELLED);
			assert_true(looks_empty(back, CHUNK));
			h.progress = 0;
			assert_ok(dev_mem(k->m->bytes, k->m->len, 0, &f, &e));
			assert_ok(store_open_dev(f, 0, &in, &e));
			assert_int_equal(verify_run(in, &vo, &ev, &vr, &e), ERR_CANCELLED);
			store_close(in);
			dev_close(f);
			mem_out_free(m);
		}
	free(back);
}

/* ---- refused ---- */

static void wrong_target(void **state)
{
	struct disk *k = *state;
	uint8_t *back = malloc(SIZE);
	struct restore_options ro = { .job.workers = 1 }, verify = { .verify = 1 };
	struct restore_result rr;
	struct blkdev *f, *t;
	struct store_in *in;
	struct err e;

	memset(back, 0xA5, SIZE);
	for (int as_pipe = 0; as_pipe < 2; as_pipe++) {
		assert_int_equal(restore_bytes(k->m->bytes, k->m->len, back, SIZE - 512, as_pipe,
					       &ro, NULL, &rr, &e), ERR_REFUSED);
		assert_non_null(strstr(e.msg, "too small"));
		assert_non_null(strstr(e.msg, "4194304"));
	}
	/* another sector size */
	assert_ok(dev_mem(k->m->bytes, k->m->len, 0, &f, &e));
	assert_ok(dev_mem(back, SIZE, 1, &t, &e));
	assert_ok(store_open_dev(f, 0, &in, &e));
	t->sector_size = 4096;
	assert_int_equal(restore_run(in, t, &ro, NULL, &rr, &e), ERR_REFUSED);
	assert_non_null(strstr(e.msg, "sectors of 4096"));
	store_close(in);
	dev_close(f);
	dev_close(t);
	/* a pipe can't be compared with afterwards */
	assert_int_equal(restore_bytes(k->m->bytes, k->m->len, back, SIZE, 1, &verify, NULL,
				       &rr, &e), ERR_USAGE);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(back[i], 0xA5);
	free(back);
}

/* A pipe whose writer dies. */
static void short_pipe(void **state)
{
	struct disk *k = *state;
	uint8_t *back = malloc(SIZE);
	const size_t cuts[] = { 0, 50, 223, 224, 1000, 60000 };

	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct restore_options ro = { .job.workers = 1 };
		struct restore_result rr;
		struct blkdev *t;
		struct store_in *in;
		struct err e;
		int p[2];

		memset(back, 0xA5, SIZE);
		assert_int_equal(pipe(p), 0);
		assert_int_equal(write(p[1], k->m->bytes, cuts[i]), cuts[i]);
		close(p[1]);
		assert_ok(store_open_fd(p[0], "a pipe", &in, &e));
		assert_ok(dev_mem(back, SIZE, 1, &t, &e));
		assert_int_equal(restore_run(in, t, &ro, NULL, &rr, &e),
				 cuts[i] < 224 ? ERR_NOT_FOUND : ERR_CORRUPT);
		assert_non_null(strstr(e.msg, "a pipe"));
		assert_true(looks_empty(back, CHUNK) || back[0] == 0xA5);
		store_close(in);
		dev_close(t);
		close(p[0]);
	}
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed),
		cmocka_unit_test(full),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(gone),
		cmocka_unit_test(stopped),
		cmocka_unit_test(wrong_target),
		cmocka_unit_test(short_pipe),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
