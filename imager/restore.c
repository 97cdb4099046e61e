/* restore.c: an image onto a disk; see engine.h. */
#include <stdlib.h>
#include <string.h>
#include "imager/fit.h"
#include "imager/records.h"
#include "imager/part/gpt-move.h"
#include "imager/readback.h"
#include "imager/spread.h"

#define WIPE_EACH_END (1u << 20)   /* bytes of the target, engine.h */

struct restore {
	struct job job;
	struct records rs;
	struct walk *walk;
	struct blkdev *target;
	const struct restore_options *opt;
	const char *image_name;
	struct err found;         /* the first bad record */
	/* chunk 0, kept until all else is on the disk */
	uint8_t *head;            /* its used units at their places, else zero */
	struct spread head_spread;
	struct chunk_map *head_map;
	uint64_t bytes, seen;     /* bytes: written; seen: chunk 0 included */
	int began;                /* something was written */
	struct gpt_move gpt;      /* tail NULL: the table stays as it is */
	uint64_t limit;           /* fit_limit(): nothing is written from there on */
};

/* ---- wiping ---- */

static int wipe_range(struct blkdev *t, uint64_t off, uint64_t len,
		      const uint8_t *zeros, struct err *e)
{
	if (off > t->size)
		return 0;
	if (len > t->size - off)
		len = t->size - off;
	while (len) {
		size_t n = len < WIPE_EACH_END ? (size_t)len : WIPE_EACH_END;
		int r = dev_write(t, off, zeros, n, e);

		if (r < 0)
			return r;
		off += n;
		len -= n;
	}
	return 0;
}

static int wipe(struct restore *re, struct err *e)
{
	struct blkdev *t = re->target;
	uint8_t *zeros = calloc(1, WIPE_EACH_END);
	int r;

	if (!zeros)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	r = wipe_range(t, 0, WIPE_EACH_END, zeros, e);
	if (r == 0 && t->size > WIPE_EACH_END)
		r = wipe_range(t, t->size - WIPE_EACH_END, WIPE_EACH_END, zeros, e);
	for (size_t i = 0; r == 0 && i < re->opt->n_wipe; i++)
		r = wipe_range(t, re->opt->wipe[i].off, re->opt->wipe[i].len, zeros, e);
	free(zeros);
	return r;
}

/* ---- the copy ---- */

static void restore_found(void *ctx, const struct walk_bad *b)
{
	struct restore *re = ctx;

	if (!re->found.code)
		err_set(&re->found, ERR_CORRUPT,
			"%s: the %s record at offset %llu %s",
			re->image_name, b->type ? record_name(b->type) : "unknown",
			(unsigned long long)b->offset, b->text);
}

/* In a worker. */
static int restore_ready(void *ctx, struct rec_slot *s, struct err *e)
{
	struct restore *re = ctx;
	const struct walk_rec *rec = &s->rec;

	(void)e;
	if (rec->r.type != REC_CHUNK)
		return 0;
	spread_make(&s->spread, &re->rs.params, rec->r.aux, rec->map,
		    rec->r.map_count, rec->plain, s->plain);
	s->spread.zeros = rec->r.codec == CODEC_ZEROS;
	return 0;
}

static int keep_head(struct restore *re, const struct rec_slot *s, struct err *e)
{
	const struct spread *sp = &s->spread;
	uint32_t first = sp->map[0].start * REC_UNIT;

	free(re->head_map); /* it comes twice: seen at its page of the index */
	re->head_map = malloc(sp->map_count * sizeof *sp->map);
	if (!re->head_map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	memcpy(re->head_map, sp->map, sp->map_count * sizeof *sp->map);
	for (uint32_t i = 0; i < sp->map_count; i++) {
		uint32_t at = sp->map[i].start * REC_UNIT;

		memcpy(re->head + at, sp->bytes + (at - first),
		       map_bytes(&re->rs.params, 0, &sp->map[i]));
	}
	re->head_spread = *sp;
	re->head_spread.map = re->head_map;
	re->head_spread.bytes = re->head + first;
	re->head_spread.zeros = 0; /* its end may change yet */
	return 0;
}

/* The first finding ends it. */
static int stop_at(const struct restore *re, const struct rec_slot *s,
		   struct err *e)
{
	if (re->found.code) {
		*e = re->found;
		return e->code;
	}
	return err_set(e, ERR_CORRUPT, "%s: the record at offset %llu %s",
		       re->image_name, (unsigned long long)s->rec.off,
		       s->rec.fault ? s->rec.fault : "is damaged");
}

static int restore_take(void *ctx, struct rec_slot *s, struct err *e)
{
	struct restore *re = ctx;
	int r = walk_record(re->walk, &s->rec, e);

	if (r < 0)
		return r;
	/* before any of it is written */
	if (walk_found(re->walk) || !s->rec.known || s->rec.fault)
		return stop_at(re, s, e);
	if (s->rec.r.type != REC_CHUNK)
		return 0;
	if (s->rec.r.aux == 0)
		r = keep_head(re, s, e);
	else
		r = spread_write(&s->spread, re->target, re->limit, e);
	if (r < 0)
		return r;
	re->bytes += s->rec.r.plain_len;
	job_progress(&re->job, re->bytes, re->rs.params.used_bytes,
		     s->rec.off + IMAGE_HEAD_LEN + s->rec.r.body_len);
	return 0;
}

static int copy(struct restore *re, struct err *e)
{
	int r;

	job_step(&re->job, "copy", "writing the disk's used blocks");
	re->rs.ready = restore_ready;
	re->rs.take = restore_take;
	re->rs.ctx = re;
	r = records_run(&re->rs, e);
	if (r == 0)
		r = walk_finish(re->walk, re->rs.stream.pos, e);
	if (r < 0)
		return r;
	if (re->found.code) {
		*e = re->found;
		return e->code;
	}
	return 0;
}

/* ---- the end ---- */

/* Makes the partition table fit a target of another size: edits the first chunk, which
 * isn't written yet, and writes the backup to the new end.  So the disk never
 * shows a table whose halves don't fit. */
static int move_gpt(struct restore *re, struct err *e)
{
	const struct image_params *p = &re->rs.params;
	struct gpt_head head = { re->head, p->chunk_size };
	struct gpt_sizes sizes = { p->disk_size, re->target->size, p->sector_size };
	struct err why;
	int r;

	if (re->opt->keep_gpt)
		return 0;
	r = gpt_move_make(re->target, &head, &sizes, &re->gpt, &why);
	if ((r == 0 || r == ERR_CORRUPT) && re->limit != UINT64_MAX)
		return err_set(e, ERR_CORRUPT, "%s: the partition table isn't the one that was looked at before; did the image change meanwhile?",
			       re->image_name);
	if (r == ERR_CORRUPT) {
		job_warning(&re->job, "gpt", 0, 0, "%s: %s", re->target->name, why.msg);
		return 0;
	}
	if (r < 0 && e)
		*e = why;
	if (r <= 0)
		return r;
	/* on a tiny disk both lie in the first chunk */
	if (re->gpt.off < head.len)
		memcpy(re->head + re->gpt.off, re->gpt.tail,
		       re->gpt.len < head.len - re->gpt.off ?
		       re->gpt.len : head.len - re->gpt.off);
	r = dev_write(re->target, re->gpt.off, re->gpt.tail, re->gpt.len, e);
	return r < 0 ? r : dev_flush(re->target, e);
}

static int same_back(struct restore *re, uint64_t off, const uint8_t *want,
		     size_t len, struct err *e)
{
	uint8_t *buf = malloc(len);
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	r = dev_read(re->target, off, buf, len, e);
	if (r == 0 && memcmp(buf, want, len))
		r = readback_differs(re->target, off, len, e);
	free(buf);
	return r;
}

/* Compares what was written last: the first chunk, and a moved backup GPT. */
static int head_back(struct restore *re, struct err *e)
{
	const struct spread *sp = &re->head_spread;
	int r = 0;

	dev_forget(re->target);
	for (uint32_t i = 0; i < sp->map_count && r == 0; i++) {
		uint32_t at = sp->map[i].start * REC_UNIT;
		uint32_t n = map_bytes(&re->rs.params, 0, &sp->map[i]);

		if (at >= re->limit)
			break;
		r = same_back(re, at, re->head + at,
			      n < re->limit - at ? n : (size_t)(re->limit - at), e);
	}
	if (r == 0 && re->gpt.tail)
		r = same_back(re, re->gpt.off, re->gpt.tail, re->gpt.len, e);
	return r;
}

static int finish(struct restore *re, struct store_in *in, struct err *e)
{
	int r;

	job_step(&re->job, "flush", "waiting until the disk has written everything");
	r = dev_flush(re->target, e);
	records_release(&re->rs);
	if (r == 0 && re->opt->verify)
		r = readback_run(&re->job, &re->opt->job,
				 &(struct readback){ in, re->target, re->limit }, e);
	if (r < 0 || !re->head_map)
		return r;
	r = move_gpt(re, e);
	if (r == 0)
		r = spread_write(&re->head_spread, re->target, re->limit, e);
	if (r == 0)
		r = dev_flush(re->target, e);
	if (r < 0 || !re->opt->verify)
		return r;
	return head_back(re, e);
}

static void tell_unreadable(struct restore *re)
{
	size_t n;
	const struct byte_range *b = walk_unreadable(re->walk, &n);

	for (size_t i = 0; i < n; i++)
		job_warning(&re->job, "unreadable", b[i].off, b[i].len,
			    "%llu bytes at offset %llu could not be read when the disk was captured; zeros were written there",
			    (unsigned long long)b[i].len, (unsigned long long)b[i].off);
}

/* What must fit, and what of the image is copied then. */
static int measure(struct restore *re, struct image *im, struct err *e)
{
	const struct image_params *p = &re->rs.params;
	struct fit f;
	int r = 0;

	if (!im)
		fit_pipe(p, &f);
	else if (re->opt->keep_gpt || re->target->size >= p->disk_size)
		fit_whole(p, "the partition table is to stay as it is", &f);
	else
		r = fit_image(im, re->image_name, &f, e);
	if (r < 0)
		return r;
	re->limit = fit_limit(&f, re->target->size);
	return fit_check(&f, re->target, e);
}

/* What can be known before the first write. */
static int check_first(struct restore *re, struct store_in *in, struct err *e)
{
	struct image *im = NULL;
	int r = 0;

	if (re->opt->verify && !in->dev)
		return err_set(e, ERR_USAGE, "%s can't be read twice, so the disk can't be compared with it; use verification with an image file",
			       in->name);
	if (!re->rs.have_params)
		return err_set(e, ERR_CORRUPT, "%s: the header record is damaged; nothing was written", in->name);
	if (in->dev)
		r = image_open(in->dev, in->access, &im, e);
	if (r == 0)
		r = measure(re, im, e);
	image_close(im);
	return r;
}

static int run(struct restore *re, struct store_in *in, struct err *e)
{
	int r = records_begin(&re->rs, &re->job, &re->opt->job, in, e);

	if (r == 0)
		r = check_first(re, in, e);
	if (r == 0)
		r = walk_new(&re->rs.params, records_key(&re->rs), restore_found, re, &re->walk, e);
	if (r < 0)
		return r;
	re->head = calloc(1, re->rs.params.chunk_size);
	if (!re->head)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	re->began = 1;
	r = wipe(re, e);
	if (r == 0)
		r = copy(re, e);
	if (r == 0)
		r = finish(re, in, e);
	if (r == 0)
		tell_unreadable(re);
	return r;
}

int restore_run(struct store_in *in, struct blkdev *target,
		const struct restore_options *opt, const struct job_events *ev,
		struct restore_result *ret, struct err *e)
{
	struct restore re = { .target = target, .opt = opt, .image_name = in->name };
	struct restore_result res = { 0 };
	struct err local;
	int r;

	if (!e)
		e = &local;
	job_begin(&re.job, ev);
	r = run(&re, in, e);
	if (r == 0) {
		memcpy(res.digest, walk_digest(re.walk), 32);
		res.bytes = re.bytes;
		res.image_bytes = re.rs.stream.pos;
		walk_unreadable(re.walk, &res.bad_ranges);
		res.warnings = re.job.warnings;
		res.gpt_moved = re.gpt.tail != NULL;
		res.seconds = job_seconds(&re.job);
		*ret = res;
	}
	ret->began = re.began;
	walk_free(re.walk);
	records_done(&re.rs);
	free(re.head);
	free(re.head_map);
	gpt_move_done(&re.gpt);
	return r;
}
