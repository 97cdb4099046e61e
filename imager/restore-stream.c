/* restore-stream.c: the copy of a whole image, its records front to back; see
 * restore-int.h. */
#include <string.h>
#include "imager/restore-int.h"

static void stream_found(void *ctx, const struct walk_bad *b)
{
	struct restore *re = ctx;

	if (!re->found.code)
		err_set(&re->found, ERR_CORRUPT,
			"%s: the %s record at offset %llu %s",
			re->in->name, b->type ? record_name(b->type) : "unknown",
			(unsigned long long)b->offset, b->text);
}

/* In a worker. */
static int stream_ready(void *ctx, struct rec_slot *s, struct err *e)
{
	struct restore *re = ctx;
	const struct walk_rec *rec = &s->rec;

	(void)e;
	if (rec->r.type != REC_CHUNK)
		return 0;
	spread_make(&s->spread, &re->params, rec->r.aux, rec->map,
		    rec->r.map_count, rec->plain, s->plain);
	s->spread.zeros = rec->r.codec == CODEC_ZEROS;
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
		       re->in->name, (unsigned long long)s->rec.off,
		       s->rec.fault ? s->rec.fault : "is damaged");
}

/* Marks say that all below is written: not so behind the first chunk that comes
 * late (FORMAT.md 1). */
static int mark_progress(struct restore *re, uint64_t number, struct err *e)
{
	struct image_chunk due;
	int r;

	if (re->gap || !re->im)
		return 0;
	r = image_next_chunk(re->im, &re->order, &due, e);
	if (r < 0)
		return r;
	re->gap = !r || due.number != number;
	return re->gap ? 0 : head_mark(re, number + 1, 0, e);
}

static int stream_take(void *ctx, struct rec_slot *s, struct err *e)
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
		r = head_keep(re, &s->spread, e);
	else
		r = spread_write(&s->spread, re->target, re->limit, e);
	if (r < 0)
		return r;
	re->bytes += s->rec.r.plain_len;
	re->changed = re->bytes;
	job_progress(&re->job, re->bytes, re->params.used_bytes,
		     s->rec.off + IMAGE_HEAD_LEN + s->rec.r.body_len);
	return mark_progress(re, s->rec.r.aux, e);
}

int stream_begin(struct restore *re, struct err *e)
{
	int r = records_begin(&re->rs, &re->job, &re->opt->job, re->in, e);

	re->params = re->rs.params;
	return r;
}

int stream_copy(struct restore *re, struct err *e)
{
	int r = walk_new(&re->params, records_key(&re->rs), stream_found, re, &re->walk, e);

	job_step(&re->job, "copy", "writing the disk's used blocks");
	re->rs.ready = stream_ready;
	re->rs.take = stream_take;
	re->rs.ctx = re;
	if (r == 0)
		r = records_run(&re->rs, e);
	if (r == 0)
		r = walk_finish(re->walk, re->rs.stream.pos, e);
	if (r < 0)
		return r;
	if (re->found.code) {
		*e = re->found;
		return e->code;
	}
	memcpy(re->digest, walk_digest(re->walk), sizeof re->digest);
	re->bad = walk_unreadable(re->walk, &re->n_bad);
	re->image_bytes = re->rs.stream.pos;
	records_release(&re->rs);
	return 0;
}

void stream_end(struct restore *re)
{
	walk_free(re->walk);
	records_done(&re->rs);
}
