/* capture.c: the used bytes of a disk into an image; see engine.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "common/json.h"
#include "imager/capture-int.h"
#include "imager/resume.h"

/* The disk is told so far ahead what will be read: used bytes, and chunks where
 * little of each is used, so that it has many requests to choose from. */
#define AHEAD_BYTES (8u << 20)
#define AHEAD_CHUNKS 64

/* The log is written so often while nothing else makes it necessary. */
#define LOG_SECONDS 30

/* Chosen on real files (docs/BENCHMARKS.md).  balanced: zstd's level 1 with a
 * hash table of 128 KiB, matches from 6 bytes on and the whole chunk as window
 * makes up for the matches that chunks can't have with each other: as fast as a
 * long stream of level 1, and smaller.  small: level 9 with a hash table cut to
 * what a chunk can fill, and chunks twice as large, which have more to match. */
static const struct {
	struct packing packing;
	size_t bytes;             /* of memory that one worker needs, packed data included */
	uint32_t chunk_size;
} levels[] = {
	[LEVEL_FAST] = { { .level = -1 }, 1u << 20, IMAGE_CHUNK_DEFAULT },
	[LEVEL_BALANCED] = { { .level = 1, .hash_log = 15, .min_match = 6 }, 1u << 20,
			     IMAGE_CHUNK_DEFAULT },
	[LEVEL_SMALL] = { { .level = 9, .hash_log = 19 }, 15u << 18, 2 * IMAGE_CHUNK_DEFAULT },
};

/* ---- the pipeline's three parts ---- */

static void tell_ahead(struct capture *c)
{
	if (c->hold_hints) {
		if (--c->hold_hints)
			return;
		c->ahead = c->planner;
		c->n_ahead = 0;
		c->ahead_bytes = 0;
	}
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
	if (!c->hold_hints) {
		c->n_ahead--;
		c->ahead_bytes -= s->plan.plain_len;
	}
	putoff_meet(&c->room, &s->plan);
	r = capture_read(c, s, putoff_may(&c->room), e);
	if (r == 0 && s->put_off)
		r = putoff_add(&c->room, s->plan.number, s->why, e);
	return r < 0 ? r : 1;
}

static int pack_beside_base(struct capture *c, unsigned int worker, struct cap_slot *s,
			    const struct chunk_in *plain, struct err *e)
{
	struct codec *codec = c->codecs[worker];
	struct chunk_in with_hash = *plain, *in = &with_hash;
	uint8_t hash[HASH_LEN];
	struct base_hit hit;
	int r = chunk_hash(codec, in->plain, in->plain_len, hash, e);

	if (r == 0)
		r = base_look(c->base, worker, codec, in, hash, &hit, e);
	if (r < 0)
		return r;
	in->hash = hash;
	if (hit.found != BASE_EQUAL)
		return chunk_pack(codec, in, hit.found == BASE_OTHER ? &hit.prefix : NULL,
				  s->packed, &s->out, e);
	s->out = (struct chunk_out){
		.number = in->number, .codec = CODEC_REFERENCE, .flags = in->flags,
		.plain_len = in->plain_len, .map_count = in->map_count, .map = in->map,
		.ref = hit.equal,
	};
	memcpy(s->out.hash, hash, sizeof hash);
	return 0;
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

	if (s->put_off)
		return 0;
	plan_compact(&s->plan, s->wide, &in.plain);
	if (c->base && !all_zero(in.plain, in.plain_len))
		return pack_beside_base(c, worker, s, &in, e);
	return chunk_pack(c->codecs[worker], &in, NULL, s->packed, &s->out, e);
}

/* A warning, also in SUMMARY; off, len: of the disk. */
static void tell(struct capture *c, const char *code, uint64_t off, uint64_t len,
		 const char *text)
{
	job_warning(&c->job, code, off, len, "%s", text);
	if (json_object_array_length(c->warnings) < 1000)
		json_object_array_add(c->warnings, json_object_new_string(text));
}

static void tell_bad(struct capture *c)
{
	char text[200];

	for (size_t i = 0; i < c->bad.n; i++) {
		const struct byte_range *b = &c->bad.range[i];

		snprintf(text, sizeof text, "%llu bytes at offset %llu could not be read; the image holds zeros there",
			 (unsigned long long)b->len, (unsigned long long)b->off);
		tell(c, "unreadable", b->off, b->len, text);
	}
	if (c->rescuer.out_of_time && c->bad.n) {
		snprintf(text, sizeof text, "the time for places that are hard to read ended after %.0f s; more of them may be readable",
			 c->rescuer.seconds);
		tell(c, "unreadable", 0, 0, text);
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

static int take_put_off(struct capture *c, const struct cap_slot *s, struct err *e)
{
	int r = c->round ? 0 : image_writer_put_off(c->writer, s->plan.number, e);

	return r < 0 ? r : putoff_add(c->round ? &c->next : &c->todo, s->plan.number, s->why, e);
}

/* Puts a reference in place of what this image has already. */
static int put_chunk(struct capture *c, struct chunk_out *o, struct err *e)
{
	int own = o->codec == CODEC_NONE || o->codec == CODEC_ZSTD, r;

	if (c->dedup && (own || o->codec == CODEC_PATCH) && dedup_find(c->dedup, o, &o->ref)) {
		o->codec = CODEC_REFERENCE;
		own = 0;
	}
	if (o->codec == CODEC_REFERENCE)
		c->same += o->plain_len;
	r = image_writer_chunk(c->writer, o, e);
	if (r == 0 && c->dedup && own)
		dedup_add(c->dedup, o, image_writer_last(c->writer));
	return r;
}

static int take_chunk(struct capture *c, struct cap_slot *s, struct err *e)
{
	int r = put_chunk(c, &s->out, e);

	for (size_t i = 0; i < s->bad.n && r == 0; i++)
		r = bad_add(&c->bad, s->bad.range[i].off, s->bad.range[i].len, e);
	for (size_t i = 0; i < s->unscraped.n && r == 0; i++)
		r = bad_add(&c->unscraped, s->unscraped.range[i].off, s->unscraped.range[i].len, e);
	c->bytes += s->plan.plain_len;
	return r;
}

static int cap_empty(void *ctx, void *slot, struct err *e)
{
	struct capture *c = ctx;
	struct cap_slot *s = slot;
	int r = s->put_off ? take_put_off(c, s, e) : take_chunk(c, s, e);

	if (r == 0) {
		*(c->round ? &c->turn : &c->done_to) = (s->plan.number + 1) *
			(c->round ? 1 : c->params.chunk_size);
		job_progress(&c->job, c->bytes, c->params.used_bytes,
			     image_writer_len(c->writer));
		r = commit(c, e);
	}
	if (job_seconds(&c->job) - c->logged >= LOG_SECONDS)
		capture_log(c, 0);
	if (r < 0)
		atomic_store(&c->stop, 1);
	return r;
}

static int cap_cancelled(void *ctx)
{
	struct capture *c = ctx;
	int r = job_cancelled(&c->job);

	if (r)
		atomic_store(&c->stop, 1);
	return r;
}

int capture_pass(struct capture *c, int (*fill)(void *ctx, void *slot, struct err *e),
		 struct err *e)
{
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = fill, .work = cap_work, .empty = cap_empty,
		.cancelled = cap_cancelled, .ctx = c, .slots = slots,
		.n_slots = c->n_slots, .n_workers = c->n_workers,
	};

	for (unsigned int i = 0; i < c->n_slots; i++)
		slots[i] = &c->slots[i];
	return pipeline_run(&p, e);
}

/* ---- setting up ---- */

int capture_make_buffer(struct capture *c, struct plan *plan, uint8_t **mem,
			uint8_t **wide, struct err *e)
{
	uint32_t size = c->params.chunk_size;
	size_t room = chunk_room(size);

	plan->map = malloc(size / 1024 * sizeof *plan->map);
	*mem = aligned_alloc(4096, room + size + 4096); /* CHUNK_TAIL */
	if (!*mem || !plan->map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers (%u of %u bytes)",
			       c->n_slots, size);
	*wide = *mem + room;
	return 0;
}

static int make_slots(struct capture *c, struct err *e)
{
	uint32_t size = c->params.chunk_size;
	int r = 0;

	c->slots = calloc(c->n_slots, sizeof *c->slots);
	c->ahead_plan.map = malloc(size / 1024 * sizeof(struct chunk_map));
	if (!c->slots || !c->ahead_plan.map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	for (unsigned int i = 0; i < c->n_slots && r == 0; i++) {
		struct cap_slot *s = &c->slots[i];

		r = capture_make_buffer(c, &s->plan, &s->mem, &s->wide, e);
		s->packed = malloc(chunk_packed_max(size));
		if (r == 0 && !s->packed)
			r = err_set(e, ERR_NOMEM, "out of memory for buffers");
	}
	return r;
}

static void capture_done(struct capture *c)
{
	for (unsigned int i = 0; c->slots && i < c->n_slots; i++) {
		free(c->slots[i].plan.map);
		free(c->slots[i].mem);
		free(c->slots[i].packed);
		bad_done(&c->slots[i].bad);
		bad_done(&c->slots[i].unscraped);
	}
	free(c->slots);
	free(c->ahead_plan.map);
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		codec_free(c->codecs[i]);
	image_writer_free(c->writer);
	base_free(c->base);
	dedup_free(c->dedup);
	bad_done(&c->bad);
	json_object_put(c->warnings);
	json_object_put(c->files);
	capture_late_done(c);
}

static int fill_params(struct image_params *p, const struct blkdev *src,
		       const struct extents *used,
		       const struct capture_options *opt, struct err *e)
{
	*p = (struct image_params){
		.disk_size = src->size, .used_bytes = extents_bytes(used),
		.used_end = extents_end(used), .sector_size = src->sector_size,
		.chunk_size = opt->base ? image_params(opt->base)->chunk_size :
			      opt->chunk_size ? opt->chunk_size : levels[opt->level].chunk_size,
		.hash = opt->base ? image_params(opt->base)->hash :
			opt->hash ? opt->hash : hash_best(),
		.created = opt->created ? opt->created : (uint64_t)time(NULL),
		.must = (opt->partial ? FEATURE_PARTIAL : 0) | (opt->split ? FEATURE_SPLIT : 0) |
			(opt->base ? FEATURE_BASE : 0) | (opt->dedup ? FEATURE_DEDUP : 0),
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

/* A chunk that was put off when the capture was interrupted. */
static int missing(void *ctx, uint64_t number, struct err *e)
{
	struct capture *c = ctx;

	putoff_meet(&c->room, &c->slots[0].plan);
	if (putoff_add(&c->room, number, PUTOFF_SKIPPED, e) < 0)
		return ERR_NOMEM;
	return putoff_add(&c->todo, number, PUTOFF_SKIPPED, e);
}

static int take_over(struct capture *c, struct err *e)
{
	const struct byte_range *bad;
	size_t n;
	int r = 0;

	bad = image_bad(c->opt->resume, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = bad_add(&c->bad, bad[i].off, bad[i].len, e);
	for (size_t i = 0; i < c->todo.n; i++)
		for (uint64_t k = 0; r == 0 && k < c->todo.run[i].n; k++)
			r = image_writer_missing(c->writer, c->opt->resume,
						 c->todo.run[i].first + k, e);
	return r;
}

/* What an interrupted capture left: compared with the disk, and taken over. */
static int go_on(struct capture *c, const struct capture_options *opt,
		 const struct image_sink *sink, struct err *e)
{
	struct resume_check check = {
		.image = opt->resume, .reader = &c->reader, .codec = c->codecs[0],
		.at = opt->check, .n_at = opt->n_check, .slot = &c->slots[0].plan,
		.wide = c->slots[0].wide, .missing = missing, .ctx = c,
	};
	int r = resume_check(&check, &c->planner, &c->bytes, e);

	/* until here nothing is lost */
	if (r == 0)
		r = store_keep(c->out, opt->resume_volume, opt->resume_in_volume, e);
	if (r < 0)
		return r;
	c->resumed = c->bytes;
	c->done_to = image_next(opt->resume) * c->params.chunk_size;
	c->params = *image_params(opt->resume);
	r = image_writer_resume(opt->resume, sink, &c->writer, e);
	return r < 0 ? r : take_over(c, e);
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
	c->opt = opt;
	c->used = used;
	c->out = out;
	c->volumes = (struct volume_out){
		.out = out, .params = &c->params, .size = opt->split,
		.volume = opt->resume_volume, .in_volume = opt->resume_in_volume,
		.logical = opt->resume ? image_file_len(opt->resume) : 0 };
	capture_late_begin(c);
	c->commit_seconds = opt->commit_seconds ? opt->commit_seconds : CAPTURE_COMMIT_DEFAULT;
	c->warnings = json_object_new_array();
	c->reader = (struct chunk_reader){
		.src = src, .disk_size = src->size, .chunk_size = c->params.chunk_size };
	planner_begin(&c->planner, used, src->size, c->params.chunk_size);
	shape = job_shape(&opt->job, levels[opt->level].bytes +
			  (opt->base ? base_worker_bytes(c->params.chunk_size) + PATCHER_BYTES : 0),
			  chunk_packed_max(c->params.chunk_size) +
			  chunk_room(c->params.chunk_size) + c->params.chunk_size);
	c->n_workers = shape.workers;
	c->n_slots = shape.slots;
	for (unsigned int i = 0; r == 0 && (!i || i < c->n_workers); i++)
		r = codec_new(c->params.hash, &levels[opt->level].packing,
			      &c->codecs[i], e);
	for (unsigned int i = 0; r == 0 && key && (!i || i < c->n_workers); i++)
		codec_key(c->codecs[i], key, c->params.image_id);
	if (r == 0 && opt->base)
		r = base_new(opt->base, c->n_workers ? c->n_workers : 1, key != NULL, &c->base, e);
	if (r == 0 && opt->dedup)
		r = dedup_new(&c->dedup, e);
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

/* ---- the end ---- */

static void say_file(void *ctx, const struct lost_file *f)
{
	struct capture *c = ctx;
	json_object *o = json_object_new_object();
	char text[1000];

	if (f->path)
		snprintf(text, sizeof text, "%s (%s) has unreadable bytes at offset %llu of the disk",
			 f->path, f->where, (unsigned long long)f->off);
	else
		snprintf(text, sizeof text, "the unreadable bytes at offset %llu belong to %s (%s)",
			 (unsigned long long)f->off, f->what, f->where);
	tell(c, "unreadable-file", f->off, f->len, text);
	if (!c->files)
		c->files = json_object_new_array();
	if (f->path)
		json_object_object_add(o, "path", json_text(f->path));
	json_object_object_add(o, "what", json_text(f->what));
	json_object_object_add(o, "where", json_text(f->where));
	json_object_object_add(o, "offset", json_object_new_int64((int64_t)f->off));
	json_object_object_add(o, "length", json_object_new_int64((int64_t)f->len));
	json_object_array_add(c->files, o);
}

static void name_files(struct capture *c)
{
	if (c->bad.n && c->opt->name_bad)
		c->opt->name_bad(c->opt->name_ctx, c->bad.range, c->bad.n, say_file, c);
}

static int finish(struct capture *c, const struct capture_options *opt,
		  uint8_t *ret_digest, struct err *e)
{
	json_object *sum = json_object_new_object();
	json_object *passes = capture_passes(c);
	int r;

	tell_bad(c);
	name_files(c);
	if (passes)
		json_object_object_add(sum, "passes", passes);
	if (c->files)
		json_object_object_add(sum, "unreadable_files", json_object_get(c->files));
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
		r = capture_pass(&c, cap_fill, e);
	if (r == 0) {
		c.done_to = c.params.disk_size;
		r = capture_late(&c, e);
	}
	if (c.writer)
		capture_log(&c, r == 0);
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
		res.same = c.same;
		res.workers = c.n_workers;
		res.seconds = job_seconds(&c.job);
		*ret = res;
	}
	ret->commits = c.commits;
	capture_done(&c);
	return r;
}
