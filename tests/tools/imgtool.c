/* imgtool.c: the engine for tests, without guards: a disk file and its used
 * ranges as text ("offset length" a line) to an image and back.
 *
 *	imgtool capture DISK RANGES IMAGE [workers [chunk-size [hash [level [sector-size]]]]]
 *	imgtool restore IMAGE DISK [workers [verify [keep-gpt [sector-size
 *	                   [how [mark-bytes]]]]]]    how: 0 all, 1 delta, 2 resume
 *	imgtool verify IMAGE [workers]
 *	imgtool read IMAGE OFFSET LENGTH          to standard output
 *	imgtool identify IMAGE                    "complete" or "incomplete"
 *
 * IMGTOOL_FIXED=1 in the environment: equal input gives equal images.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "imager/engine.h"
#include "imager/fmt/image.h"

static int arg(int argc, char **argv, int i, int def)
{
	return i < argc ? atoi(argv[i]) : def;
}

static void warning(void *ctx, const char *code, const char *text,
		    uint64_t off, uint64_t len)
{
	(void)ctx;
	fprintf(stderr, "warning %s %" PRIu64 " %" PRIu64 ": %s\n", code, off, len, text);
}

static const struct job_events events = { .warning = warning };

static int read_ranges(const char *path, uint64_t size, struct extents **ret,
		       struct err *e)
{
	FILE *f = fopen(path, "r");
	uint64_t off, len;
	int r = extents_new(size, 512, EXTENTS_LIMIT_DEFAULT, ret, e);

	if (!f)
		return err_set(e, ERR_IO, "%s can't be opened", path);
	while (r == 0 && fscanf(f, "%" SCNu64 " %" SCNu64, &off, &len) == 2)
		r = extents_add(*ret, off, len, e);
	fclose(f);
	return r;
}

static int do_capture(int argc, char **argv, struct err *e)
{
	struct capture_options opt = {
		.job.workers = arg(argc, argv, 5, 0),
		.chunk_size = (uint32_t)arg(argc, argv, 6, 0),
		.hash = (enum hash_alg)arg(argc, argv, 7, 0),
		.level = (enum image_level)arg(argc, argv, 8, LEVEL_BALANCED),
		.meta_json = "{\"tool\":\"imgtool\"}",
	};
	struct capture_result res;
	struct blkdev *d;
	struct extents *x;
	struct store_out *out;
	int r = dev_open_ro(argv[2], &d, e);

	if (getenv("IMGTOOL_FIXED")) {
		opt.created = 1700000000;
		opt.image_id = (const uint8_t *)"a fixed image id";
		opt.plain_summary = 1;
	}
	if (r == 0) {
		d->sector_size = (uint32_t)arg(argc, argv, 9, 512);
		r = read_ranges(argv[3], d->size, &x, e);
	}
	if (r == 0)
		r = store_create(argv[4], 1, &out, e);
	if (r < 0)
		return r;
	r = capture_run(d, x, &opt, out, &events, &res, e);
	if (r == 0)
		r = store_commit(out, e);
	if (r < 0)
		store_abort(out);
	else
		fprintf(stderr, "%" PRIu64 " bytes, image %" PRIu64 ", %.2f s\n",
			res.bytes, res.image_bytes, res.seconds);
	extents_free(x);
	dev_close(d);
	return r;
}

static int do_restore(int argc, char **argv, struct err *e)
{
	struct restore_options opt = {
		.job.workers = arg(argc, argv, 4, 0),
		.verify = arg(argc, argv, 5, 0),
		.keep_gpt = arg(argc, argv, 6, 0),
		.how = (enum restore_how)arg(argc, argv, 8, RESTORE_ALL),
		.mark_bytes = (uint64_t)arg(argc, argv, 9, 0),
	};
	struct restore_result res;
	struct store_in *in;
	struct blkdev *d;
	struct stat st;
	struct write_token t = { .path = argv[3] };
	int r = store_open(argv[2], &in, e);

	if (r < 0)
		return r;
	if (stat(argv[3], &st) < 0)
		return err_set(e, ERR_IO, "%s: no such disk", argv[3]);
	t.dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	t.ino = st.st_ino;
	r = dev_open_rw(&t, &d, e);
	if (r == 0) {
		d->sector_size = (uint32_t)arg(argc, argv, 7, 512);
		r = restore_run(in, d, &opt, &events, &res, e);
		dev_close(d);
	}
	store_close(in);
	if (r == 0)
		fprintf(stderr, "%" PRIu64 " bytes, %.2f s%s\n", res.bytes, res.seconds,
			res.gpt_moved ? ", backup GPT moved" : "");
	return r;
}

static void bad(void *ctx, const struct verify_bad *b)
{
	(void)ctx;
	printf("bad %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %s\n", b->record,
	       b->offset, b->disk_offset, b->disk_len, b->text);
}

static int do_verify(int argc, char **argv, struct err *e)
{
	struct verify_options opt = { .job.workers = arg(argc, argv, 3, 0), .bad = bad };
	struct verify_result res;
	struct store_in *in;
	int r = store_open(argv[2], &in, e);

	if (r < 0)
		return r;
	r = verify_run(in, &opt, &events, &res, e);
	store_close(in);
	if (r == 0)
		printf("%s %" PRIu64 " bytes, %.2f s\n", res.ok ? "ok" : "damaged",
		       res.bytes, res.seconds);
	return r < 0 ? r : res.ok ? 0 : err_set(e, ERR_CORRUPT, "damaged");
}

static int do_read(char **argv, struct err *e)
{
	size_t len = (size_t)strtoull(argv[4], NULL, 10);
	uint8_t *buf = malloc(len + 1);
	struct blkdev *d = NULL;
	struct image *im;
	int r = dev_open_ro(argv[2], &d, e);

	if (r == 0)
		r = image_open(d, NULL, &im, e);
	if (r == 0)
		r = image_read(im, strtoull(argv[3], NULL, 10), buf, len, e);
	if (r == 0)
		fwrite(buf, 1, len, stdout);
	if (r == 0)
		image_close(im);
	dev_close(d);
	free(buf);
	return r;
}

static int do_identify(const char *path, struct err *e)
{
	struct image_ident id;
	struct blkdev *d;
	int r = dev_open_ro(path, &d, e);

	if (r < 0)
		return r;
	r = image_identify(d, &id, e);
	if (r == 0)
		puts(id.complete ? "complete" : "incomplete");
	dev_close(d);
	return r;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	const char *what = argc > 1 ? argv[1] : "";
	int r = ERR_USAGE;

	if (!strcmp(what, "capture") && argc >= 5)
		r = do_capture(argc, argv, &e);
	else if (!strcmp(what, "restore") && argc >= 4)
		r = do_restore(argc, argv, &e);
	else if (!strcmp(what, "verify") && argc >= 3)
		r = do_verify(argc, argv, &e);
	else if (!strcmp(what, "read") && argc == 5)
		r = do_read(argv, &e);
	else if (!strcmp(what, "identify") && argc == 3)
		r = do_identify(argv[2], &e);
	if (r < 0)
		fprintf(stderr, "imgtool: %s\n", e.msg);
	return err_exit_status(r);
}
