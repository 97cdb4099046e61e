/* verify.c: reads an image front to back and tells every bad record; see
 * engine.h. */
#include <stdio.h>
#include <string.h>
#include "imager/records.h"

struct verify {
	struct job job;
	struct records rs;
	struct walk *walk;
	const struct verify_options *opt;
	uint64_t bad;
};

static void verify_tell(void *ctx, const struct walk_bad *b)
{
	struct verify *v = ctx;
	char text[300];
	struct verify_bad out = {
		.record = record_name(b->type), .offset = b->offset, .text = text,
	};
	uint32_t size = v->rs.params.chunk_size;

	snprintf(text, sizeof text, "the %s record at offset %llu %s",
		 b->type ? out.record : "unknown", (unsigned long long)b->offset, b->text);
	if (b->has_chunk && b->chunk < params_chunks(&v->rs.params)) {
		uint64_t left;

		out.has_disk_range = 1;
		out.disk_offset = b->chunk * size;
		left = v->rs.params.disk_size - out.disk_offset;
		out.disk_len = left < size ? left : size;
	}
	v->bad++;
	if (v->opt->bad)
		v->opt->bad(v->opt->bad_ctx, &out);
}

static int verify_take(void *ctx, struct rec_slot *s, struct err *e)
{
	struct verify *v = ctx;
	int r = walk_record(v->walk, &s->rec, e);

	if (r < 0)
		return r;
	if (s->rec.known && s->rec.r.type == REC_CHUNK)
		job_progress(&v->job, walk_bytes(v->walk),
			     v->rs.params.used_bytes, s->rec.off);
	return 0;
}

static int verify_records(struct verify *v, struct err *e)
{
	int r;

	if (!v->rs.have_params) {
		struct walk_bad b = { .type = REC_HEADER, .text =
			"is damaged; without it nothing else can be checked" };

		verify_tell(v, &b);
		return 0;
	}
	v->rs.go_on = 1;
	v->rs.take = verify_take;
	v->rs.ctx = v;
	r = records_run(&v->rs, e);
	if (r == 0)
		r = walk_finish(v->walk, v->rs.stream.pos, e);
	return r;
}

int verify_run(struct store_in *in, const struct verify_options *opt,
	       const struct job_events *ev, struct verify_result *ret,
	       struct err *e)
{
	struct verify v = { .opt = opt };
	int r;

	job_begin(&v.job, ev);
	job_step(&v.job, "verify", "reading and checking the whole image");
	r = records_begin(&v.rs, &v.job, &opt->job, in, e);
	if (r == 0)
		r = walk_new(&v.rs.params, records_key(&v.rs), verify_tell, &v, &v.walk, e);
	if (r == 0)
		r = verify_records(&v, e);
	if (r == 0) {
		*ret = (struct verify_result){
			.ok = walk_complete(v.walk) && !v.bad,
			.params = v.rs.params, .bytes = walk_bytes(v.walk),
			.chunks = walk_chunks(v.walk), .bad = v.bad,
			.image_bytes = v.rs.stream.pos,
			.seconds = job_seconds(&v.job),
		};
		if (ret->ok)
			memcpy(ret->digest, walk_digest(v.walk), 32);
	}
	walk_free(v.walk);
	records_done(&v.rs);
	return r;
}
