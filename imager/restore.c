/* restore.c: an image onto a disk: the order of things; see engine.h for what it
 * does and restore-int.h for its parts. */
#include <stdlib.h>
#include <string.h>
#include "imager/fit.h"
#include "imager/readback.h"
#include "imager/restore-int.h"

/* ---- before the first write ---- */

/* What needs an image that can be read at random. */
static int check_pipe(const struct restore *re, struct err *e)
{
	static const char *const why[] = {
		[RESTORE_DELTA] = "so what differs on the disk can't be looked up in it; give --delta an image file",
		[RESTORE_RESUME] = "so an interrupted restore can't go on in the middle of it; give --resume an image file, or restore again",
	};
	const struct restore_options *o = re->opt;

	if (re->in->dev)
		return 0;
	if (o->how != RESTORE_ALL)
		return err_set(e, ERR_USAGE, "%s can only be read from front to back, %s",
			       re->in->name, why[o->how]);
	if (o->unused != UNUSED_KEEP)
		return err_set(e, ERR_USAGE, "%s can't be read twice, so what isn't used can't be told from it; discard or zero it with an image file",
			       re->in->name);
	if (o->verify)
		return err_set(e, ERR_USAGE, "%s can't be read twice, so the disk can't be compared with it; use verification with an image file",
			       re->in->name);
	return 0;
}

/* What lies in the places of partitions that were left out is somebody's. */
static int check_partial(const struct restore *re, struct err *e)
{
	if (re->opt->unused == UNUSED_KEEP || !(re->params.must & FEATURE_PARTIAL))
		return 0;
	return err_set(e, ERR_REFUSED, "%s: partitions were left out of this image, so what isn't used on the disk can't be told from it; restore without discarding or zeroing",
		       re->in->name);
}

/* What must fit, and what of the image is copied then. */
static int measure(struct restore *re, struct err *e)
{
	const struct image_params *p = &re->params;
	struct fit f;
	int r = 0;

	if (!re->im)
		fit_pipe(p, &f);
	else if (re->opt->keep_gpt || re->target->size >= p->disk_size)
		fit_whole(p, "the partition table is to stay as it is", &f);
	else
		r = fit_image(re->im, re->in->name, &f, e);
	if (r < 0)
		return r;
	re->limit = fit_limit(&f, re->target->size);
	return fit_check(&f, re->target, e);
}

static int check_first(struct restore *re, struct err *e)
{
	int r = 0;

	if (re->opt->how == RESTORE_ALL)
		r = stream_begin(re, e);
	if (r == 0)
		r = check_pipe(re, e);
	if (r == 0 && re->opt->how == RESTORE_ALL && !re->rs.have_params)
		r = err_set(e, ERR_CORRUPT, "%s: the header record is damaged; nothing was written", re->in->name);
	if (r == 0 && re->in->dev)
		r = image_open(re->in->dev, re->in->access, &re->im, e);
	if (r == 0 && re->im)
		re->params = *image_params(re->im);
	if (r == 0)
		r = check_partial(re, e);
	if (r == 0)
		r = measure(re, e);
	if (r == 0 && re->opt->how == RESTORE_RESUME)
		r = mark_matches(re->target, re->im, &re->mark, e);
	return r;
}

/* ---- the way ---- */

static size_t head_len(const struct restore *re)
{
	uint64_t n = WIPE_EACH_END;

	/* the second chunk was perhaps found equal already */
	if (re->opt->how != RESTORE_ALL && n > re->params.chunk_size)
		n = re->params.chunk_size;
	if (re->opt->n_keep && re->opt->keep->off < n)
		n = re->opt->keep->off;
	return (size_t)(n < re->target->size ? n : re->target->size);
}

static int copy(struct restore *re, struct err *e)
{
	int r = 0;

	switch (re->opt->how) {
	case RESTORE_ALL:
		r = head_begin(re, 0, e);
		if (r == 0)
			r = unused_wipe_all(re, e);
		return r < 0 ? r : stream_copy(re, e);
	case RESTORE_RESUME:
		re->began = 1;
		re->marked_at = job_seconds(&re->job);
		return index_copy(re, e);
	case RESTORE_DELTA:
		r = index_copy(re, e);
	}
	return r;
}

/* With RESTORE_DELTA perhaps only the partition table differs. */
static int compare_head(struct restore *re, struct err *e)
{
	struct err differs;
	int r;

	if (re->began)
		return 0;
	r = head_is_there(re, &differs);
	if (r < 0)
		*e = differs;
	if (r != 0)
		return r < 0 ? r : 0;
	return head_begin(re, params_chunks(&re->params), e);
}

/* All but the head, which isn't there yet; of a disk that was equal also the head, which
 * was there before what isn't used was cleared. */
static int verify(struct restore *re, struct err *e)
{
	struct err ignored;
	int r;

	if (!re->began && re->opt->unused == UNUSED_KEEP)
		return 0;
	r = readback_run(&re->job, &re->opt->job,
			 &(struct readback){ re->in, re->target, re->limit }, e);
	if (r == 0 && !re->began && head_is_there(re, e) != 1)
		r = e->code;
	if (r == 0 || r == ERR_CANCELLED || re->began)
		return r;
	/* it must not look complete any more */
	re->bytes = 0;
	re->unsure = head_begin(re, 0, &ignored) < 0;
	return r;
}

static int finish(struct restore *re, struct err *e)
{
	int r;

	job_step(&re->job, "flush", "waiting until the disk has written everything");
	r = head_mark(re, params_chunks(&re->params), 1, e);
	if (r == 0 && re->began)
		r = dev_flush(re->target, e);
	if (r == 0)
		r = head_fit(re, e);
	if (r == 0)
		r = compare_head(re, e);
	if (r == 0 && re->began && re->im)
		r = unused_wipe(re, e);
	if (r == 0)
		r = unused_clear(re, e);
	if (r == 0 && re->opt->verify)
		r = verify(re, e);
	return r < 0 || !re->began ? r : head_write(re, e);
}

static void tell_unreadable(struct restore *re)
{
	for (size_t i = 0; i < re->n_bad; i++)
		job_warning(&re->job, "unreadable", re->bad[i].off, re->bad[i].len,
			    "%llu bytes at offset %llu could not be read when the disk was captured; zeros were written there",
			    (unsigned long long)re->bad[i].len, (unsigned long long)re->bad[i].off);
}

static int run(struct restore *re, struct err *e)
{
	int r = check_first(re, e);

	if (r < 0)
		return r;
	re->head = calloc(1, re->params.chunk_size);
	if (!re->head)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	re->head_len = head_len(re);
	r = copy(re, e);
	/* who stops it may want to go on later */
	if (r == ERR_CANCELLED && head_mark(re, re->reached, 1, NULL) < 0)
		return r;
	if (r == 0)
		r = finish(re, e);
	if (r == 0)
		tell_unreadable(re);
	return r;
}

int restore_run(struct store_in *in, struct blkdev *target,
		const struct restore_options *opt, const struct job_events *ev,
		struct restore_result *ret, struct err *e)
{
	struct restore re = { .in = in, .target = target, .opt = opt };
	struct restore_result res = { 0 };
	struct err local;
	int r;

	if (!e)
		e = &local;
	job_begin(&re.job, ev);
	r = run(&re, e);
	if (r == 0) {
		memcpy(res.digest, re.digest, sizeof res.digest);
		res.bytes = re.bytes;
		res.changed = re.changed;
		res.image_bytes = re.image_bytes;
		res.bad_ranges = re.n_bad;
		res.warnings = re.job.warnings;
		res.gpt_moved = re.gpt.tail != NULL;
		res.seconds = job_seconds(&re.job);
		*ret = res;
	}
	ret->began = re.began;
	ret->unsure = re.unsure;
	ret->can_resume = re.began && re.im != NULL && !re.unsure && target->size >= MARK_LEN;
	stream_end(&re);
	head_done(&re);
	image_close(re.im);
	return r;
}
