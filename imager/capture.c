/* capture.c: the used bytes of a disk into an image; see engine.h. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "imager/engine.h"
#include "imager/fmt/chunk.h"
#include "imager/job.h"
#include "imager/plan.h"
#include "imager/resume.h"
#include "imager/volumes.h"

/* The disk is told so far ahead what will be read: used bytes, and chunks where
 * little of each is used, so that it has many requests to choose from. */
#define AHEAD_BYTES (8u << 20)
#define AHEAD_CHUNKS 64

struct cap_slot {
	struct plan plan;
	struct chunk_out out;
	struct bad_list bad;
	uint8_t *wide, *packed;   /* wide: chunk_room bytes in front are ours too */
	uint8_t *mem;
};

struct capture {
	struct job job;
	struct image_params params;
	struct planner planner, ahead;
	struct plan ahead_plan;
	unsigned int n_ahead;     /* chunks that `ahead` is in front */
	uint64_t ahead_bytes;     /* and their used bytes            */
	struct chunk_reader reader;
	struct codec *codecs[JOB_WORKERS_MAX + 1];
	unsigned int n_workers, n_slots;
	struct cap_slot *slots;
	struct image_writer *writer;
	struct bad_list bad;
	size_t told;              /* of bad, by warnings */
	uint64_t bytes, resumed;
	struct store_out *out;
	struct volume_out volumes;
	int commit_seconds;       /* below 0: after every chunk */
	double committed;         /* when, by the job's clock   */
	uint64_t commits;
	json_object *warnings;    /* SUMMARY's */
};

/* Chosen on real files (docs/BENCHMARKS.md).  balanced: zstd's level 1 with a
 * hash table of 128 KiB, matches from 6 bytes on and the whole chunk as window
 * makes up for the matches that chunks can't have with each other: as fast as a
 * long stream of level 1, and smaller.  small: level 9 with tables cut to
 * what a chunk can fill. */
static const struct {
	struct packing packing;
	size_t bytes;             /* of memory that one worker needs */
} levels[] = {
	[LEVEL_FAST] = { { .level = -1 }, 768u << 10 },
	[LEVEL_BALANCED] = { { .level = 1, .hash_log = 15, .min_match = 6 }, 1u << 20 },
	[LEVEL_SMALL] = { { .level = 9, .hash_log = 18 }, 5u << 19 },
};

/* ---- the pipeline's three parts ---- */

static void tell_ahead(struct capture *c)
{
	while (c->n_ahead < AHEAD_CHUNKS && c->ahead_bytes < AHEAD_BYTES &&
	       planner_next(&c->ahead, &c->ahead_plan)) {
		chunk_will_need(&c->reader, &c->ahead_plan);
		c->n_ahead++;
		c->ahead_bytes += c->ahead_plan.plain_len;
	}
}

static int cap_fill(void *ctx, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	int r;

	tell_ahead(c);
	if (!planner_next(&c->planner, &s->plan))
		return 0;
	c->n_ahead--;
	c->ahead_bytes -= s->plan.plain_len;
	s->bad.n = 0;
	r = chunk_read(&c->reader, &s->plan, s->wide, &s->bad, e);
	return r < 0 ? r : 1;
}

static int cap_work(void *ctx, unsigned int worker, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	struct chunk_in in = {
		.number = s->plan.number, .flags = s->bad.n != 0,
		.plain_len = s->plan.plain_len, .map_count = s->plan.map_count,
		.map = s->plan.map,
	};

	plan_compact(&s->plan, s->wide, &in.plain);
	return chunk_pack(c->codecs[worker], &in, s->packed, &s->out, e);
}

/* Tells the unreadable ranges that can't grow any more. */
static void tell_bad(struct capture *c, int all)
{
	for (; c->told + !all < c->bad.n; c->told++) {
		const struct byte_range *b = &c->bad.range[c->told];
		char text[200];

		snprintf(text, sizeof text, "%llu bytes at offset %llu could not be read; the image holds zeros there",
			 (unsigned long long)b->len, (unsigned long long)b->off);
		job_warning(&c->job, "unreadable", b->off, b->len, "%s", text);
		if (c->told < 1000) /* BAD has them all */
			json_object_array_add(c->warnings, json_object_new_string(text));
	}
}

/* A point to go on from, if it is time for one. */
static int commit(struct capture *c, struct err *e)
{
	double now = job_seconds(&c->job);
	int r;

	if (!store_can_sync(c->out) || now - c->committed < c->commit_seconds)
		return 0;
	r = image_writer_commit(c->writer, c->bad.range, c->bad.n, e);
	if (r == 0)
		r = store_sync(c->out, e);
	if (r < 0)
		return r;
	c->commits++;
	c->committed = job_seconds(&c->job);
	return 0;
}

static int cap_empty(void *ctx, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	int r = image_writer_chunk(c->writer, &s->out, e);

	for (size_t i = 0; i < s->bad.n && r == 0; i++)
		r = bad_add(&c->bad, s->bad.range[i].off, s->bad.range[i].len, e);
	if (r < 0)
		return r;
	tell_bad(c, 0);
	c->bytes += s->plan.plain_len;
	job_progress(&c->job, c->bytes, c->params.used_bytes,
		     image_writer_len(c->writer));
	return commit(c, e);
}

static int cap_cancelled(void *ctx)
{
	return job_cancelled(&((struct capture *)ctx)->job);
}

static int copy(struct capture *c, struct err *e)
{
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = cap_fill, .work = cap_work, .empty = cap_empty,
		.cancelled = cap_cancelled, .ctx = c, .slots = slots,
		.n_slots = c->n_slots, .n_workers = c->n_workers,
	};

	for (unsigned int i = 0; i < c->n_slots; i++)
		slots[i] = &c->slots[i];
	return pipeline_run(&p, e);
}

/* ---- setting up ---- */

static int make_slots(struct capture *c, struct err *e)
{
	uint32_t size = c->params.chunk_size;
	size_t room = chunk_room(size), map = size / 1024 * sizeof(struct chunk_map);

	c->slots = calloc(c->n_slots, sizeof *c->slots);
	c->ahead_plan.map = malloc(map);
	if (!c->slots || !c->ahead_plan.map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	for (unsigned int i = 0; i < c->n_slots; i++) {
		struct cap_slot *s = &c->slots[i];

		s->plan.map = malloc(map);
		s->mem = aligned_alloc(4096, room + size + 4096); /* CHUNK_TAIL */
		s->packed = malloc(chunk_packed_max(size));
		if (!s->mem || !s->packed || !s->plan.map)
			return err_set(e, ERR_NOMEM, "out of memory for buffers (%u of %u bytes)",
				       c->n_slots, size);
		s->wide = s->mem + room;
	}
	return 0;
}

static void capture_done(struct capture *c)
{
	for (unsigned int i = 0; c->slots && i < c->n_slots; i++) {
		free(c->slots[i].plan.map);
		free(c->slots[i].mem);
		free(c->slots[i].packed);
		bad_done(&c->slots[i].bad);
	}
	free(c->slots);
	free(c->ahead_plan.map);
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		codec_free(c->codecs[i]);
	image_writer_free(c->writer);
	bad_done(&c->bad);
	json_object_put(c->warnings);
}

static int fill_params(struct image_params *p, const struct blkdev *src,
		       const struct extents *used,
		       const struct capture_options *opt, struct err *e)
{
	*p = (struct image_params){
		.disk_size = src->size, .used_bytes = extents_bytes(used),
		.used_end = extents_end(used), .sector_size = src->sector_size,
		.chunk_size = opt->chunk_size ? opt->chunk_size : IMAGE_CHUNK_DEFAULT,
		.hash = opt->hash ? opt->hash : hash_best(),
		.created = opt->created ? opt->created : (uint64_t)time(NULL),
		.must = (opt->partial ? FEATURE_PARTIAL : 0) | (opt->split ? FEATURE_SPLIT : 0),
	};
	if (p->used_end > p->disk_size)
		return err_set(e, ERR_INTERNAL, "the used map goes past the disk's end");
	if (opt->resume) {
		const struct image_params *had = image_params(opt->resume);

		if (had->disk_size != p->disk_size || had->used_bytes != p->used_bytes ||
		    had->used_end != p->used_end || had->sector_size != p->sector_size)
			return resume_changed(src, e);
		*p = *had;
		return 0;
	}
	if (opt->image_id)
		memcpy(p->image_id, opt->image_id, sizeof p->image_id);
	else if (getrandom(p->image_id, sizeof p->image_id, 0) != sizeof p->image_id)
		return err_set(e, ERR_INTERNAL, "the kernel gives no random numbers");
	return 0;
}

static int no_missing(void *ctx, uint64_t number, struct err *e)
{
	struct capture *c = ctx;

	(void)number;
	return resume_changed(c->reader.src, e);
}

/* What an interrupted capture left: compared with the disk, and taken over. */
static int go_on(struct capture *c, const struct capture_options *opt,
		 const struct image_sink *sink, struct err *e)
{
	struct resume_check check = {
		.image = opt->resume, .reader = &c->reader, .codec = c->codecs[0],
		.at = opt->check, .n_at = opt->n_check, .slot = &c->slots[0].plan,
		.wide = c->slots[0].wide,
	};
	const struct byte_range *bad;
	size_t n;
	int r;

	check.missing = no_missing;
	check.ctx = c;
	r = resume_check(&check, &c->planner, &c->bytes, e);

	bad = image_bad(opt->resume, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = bad_add(&c->bad, bad[i].off, bad[i].len, e);
	if (r < 0)
		return r;
	c->resumed = c->bytes;
	c->params = *image_params(opt->resume);
	return image_writer_resume(opt->resume, sink, &c->writer, e);
}

static int setup(struct capture *c, struct blkdev *src,
		 const struct extents *used, const struct capture_options *opt,
		 struct store_out *out, struct err *e)
{
	struct image_sink sink = volume_sink(&c->volumes);
	const struct image_key *key = NULL;
	struct image_seal seal = { 0 };
	struct job_shape shape;
	int r = fill_params(&c->params, src, used, opt, e);

	if (r == 0 && opt->passphrase)
		r = image_seal_new(&c->params, opt->passphrase, &seal, e);
	if (r < 0)
		return r;
	if (c->params.must & FEATURE_ENCRYPTED)
		key = opt->resume ? image_key(opt->resume) : &seal.key;
	c->out = out;
	c->volumes = (struct volume_out){
		.out = out, .params = &c->params, .size = opt->split,
		.volume = opt->resume_volume, .in_volume = opt->resume_in_volume,
		.logical = opt->resume ? image_file_len(opt->resume) : 0 };
	c->commit_seconds = opt->commit_seconds ? opt->commit_seconds : CAPTURE_COMMIT_DEFAULT;
	c->warnings = json_object_new_array();
	c->reader = (struct chunk_reader){
		.src = src, .disk_size = src->size, .chunk_size = c->params.chunk_size };
	planner_begin(&c->planner, used, src->size, c->params.chunk_size);
	shape = job_shape(&opt->job, levels[opt->level].bytes,
			  chunk_packed_max(c->params.chunk_size) +
			  chunk_room(c->params.chunk_size) + c->params.chunk_size);
	c->n_workers = shape.workers;
	c->n_slots = shape.slots;
	for (unsigned int i = 0; r == 0 && (!i || i < c->n_workers); i++)
		r = codec_new(c->params.hash, &levels[opt->level].packing,
			      &c->codecs[i], e);
	for (unsigned int i = 0; r == 0 && key && (!i || i < c->n_workers); i++)
		codec_key(c->codecs[i], key, c->params.image_id);
	if (r == 0)
		r = make_slots(c, e);
	if (r == 0 && opt->resume)
		r = go_on(c, opt, &sink, e);
	else if (r == 0)
		r = image_writer_new(&c->params, opt->meta_json,
				     opt->passphrase ? &seal : NULL, &sink, &c->writer, e);
	explicit_bzero(&seal, sizeof seal);
	c->ahead = c->planner;
	return r;
}

static int finish(struct capture *c, const struct capture_options *opt,
		  uint8_t *ret_digest, struct err *e)
{
	json_object *sum = json_object_new_object();
	int r;

	tell_bad(c, 1);
	json_object_object_add(sum, "warnings", json_object_get(c->warnings));
	if (!opt->plain_summary)
		json_object_object_add(sum, "seconds", json_object_new_double(
			(double)(int64_t)(job_seconds(&c->job) * 10) / 10));
	json_object_object_add(sum, "bytes_read", json_object_new_int64((int64_t)c->bytes));
	r = image_writer_finish(c->writer, c->bad.range, c->bad.n,
				json_object_to_json_string_ext(sum, JSON_C_TO_STRING_PLAIN),
				ret_digest, e);
	json_object_put(sum);
	return r;
}

int capture_run(struct blkdev *src, const struct extents *used,
		const struct capture_options *opt, struct store_out *out,
		const struct job_events *ev, struct capture_result *ret,
		struct err *e)
{
	struct capture c = { 0 };
	struct capture_result res = { 0 };
	int r;

	job_begin(&c.job, ev);
	job_step(&c.job, "copy", "copying the disk's used blocks");
	r = setup(&c, src, used, opt, out, e);
	if (r == 0)
		r = copy(&c, e);
	if (r == 0)
		r = finish(&c, opt, res.digest, e);
	if (r == 0) {
		for (size_t i = 0; i < c.bad.n; i++)
			res.bad_bytes += c.bad.range[i].len;
		res.bad_ranges = c.bad.n;
		res.bytes = c.bytes;
		res.image_bytes = image_writer_len(c.writer);
		res.warnings = c.job.warnings;
		res.resumed = c.resumed;
		res.seconds = job_seconds(&c.job);
		*ret = res;
	}
	ret->commits = c.commits;
	capture_done(&c);
	return r;
}
