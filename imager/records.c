/* records.c: see records.h. */
#include "imager/records.h"
#include <stdlib.h>
#include <string.h>

/* Buffers larger than a chunk's (`keep`) are given back after their record:
 * META, large index pages. */
static int grow(uint8_t **buf, size_t *room, size_t want, size_t keep,
		struct err *e)
{
	if (*room >= want && (*room <= keep || want > keep))
		return 0;
	free(*buf);
	*room = 0;
	*buf = aligned_alloc(4096, (want + 4095) & ~(size_t)4095);
	if (!*buf)
		return err_set(e, ERR_NOMEM, "out of memory for a record of %zu bytes", want);
	*room = want;
	return 0;
}

static int slot_room(struct records *r, struct rec_slot *s, struct err *e)
{
	const struct record *h = &s->rec.r;
	size_t plain = h->plain_len, chunk = chunk_packed_max(r->params.chunk_size);
	int ret;

	/* one size for all chunks, so that buffers are made once */
	if (h->type == REC_CHUNK)
		plain = r->params.chunk_size;
	ret = grow(&s->body, &s->body_room,
		   h->type == REC_CHUNK ? chunk : (size_t)h->body_len + 1, chunk, e);
	if (ret == 0)
		ret = grow(&s->plain, &s->plain_room, plain + 1, chunk, e);
	if (ret < 0 || s->map_room >= h->map_count)
		return ret;
	free(s->map);
	s->map_room = 0;
	s->map = malloc(h->map_count * sizeof *s->map);
	if (!s->map)
		return err_set(e, ERR_NOMEM, "out of memory for a record's map");
	s->map_room = h->map_count;
	return 0;
}

/* ---- a medium that fails ---- */

/* What a failing medium is asked for at once, bytes.  The longer it has given nothing, the
 * more is passed over before it is asked again: it may be gone, and the end must be reached. */
#define PIECE 4096u
#define PASS_OVER 16u  /* a part of what it hasn't given so far */

/* Where in the file the stream's next byte is. */
static uint64_t file_pos(const struct records *r)
{
	return r->in->pos - (r->stream.back_len - r->stream.back_at);
}

/* 1: something of [start, end) of the file, which is what was read last, is missing. */
static int is_unread(const struct records *r, uint64_t start, uint64_t end)
{
	for (size_t i = r->unread.n; i-- && r->unread.v[i].end > start;)
		if (r->unread.v[i].start < end)
			return 1;
	return 0;
}

/* Where it is asked again after a read at `at` failed. */
static uint64_t ask_again(const struct records *r, uint64_t at)
{
	const struct range *last = r->unread.n ? &r->unread.v[r->unread.n - 1] : NULL;
	uint64_t n = last && last->end == at ? (last->end - last->start) / PASS_OVER : 0;

	return (at + (n < PIECE ? PIECE : n)) / PIECE * PIECE;
}

/* As store_read; what can't be read is zeros, and known. */
static int read_pieces(struct records *r, uint8_t *buf, size_t len, size_t *ret_got, struct err *e)
{
	struct blkdev *d = r->in->dev;
	uint64_t at = r->in->pos, end = d->size - at < len ? d->size : at + len;
	int ret = 0;

	*ret_got = (size_t)(end - at);
	while (at < end && ret == 0) {
		uint64_t stop = at < r->again ? r->again : at / PIECE * PIECE + PIECE;
		size_t n = (size_t)((stop < end ? stop : end) - at);

		if (job_cancelled(r->job))
			return err_set(e, ERR_CANCELLED, "stopped");
		ret = at < r->again ? ERR_IO : dev_read(d, at, buf, n, e);
		if (ret == ERR_IO) {
			r->again = at < r->again ? r->again : ask_again(r, at);
			memset(buf, 0, n);
			ret = ranges_add(&r->unread, at, at + n, e);
		}
		at += n;
		buf += n;
	}
	r->in->pos = ret == 0 ? at : r->in->pos;
	return ret;
}

static int stream_read(void *ctx, void *buf, size_t len, size_t *ret_got, struct err *e)
{
	struct records *r = ctx;
	int ret = r->in->pos < r->again ? ERR_IO : store_read(r->in, buf, len, ret_got, e);

	return ret == ERR_IO && r->go_on && r->in->dev ? read_pieces(r, buf, len, ret_got, e) : ret;
}

/* ---- the pipeline's parts ---- */

/* Passes over a body that can't be used. */
static int skip_body(struct records *r, uint32_t len, struct err *e)
{
	uint8_t buf[4096];
	int whole = 1, ret = 0;

	while (len && whole && ret == 0) {
		uint32_t n = len < sizeof buf ? len : (uint32_t)sizeof buf;

		ret = stream_body(&r->stream, buf, n, &whole, e);
		len -= n;
	}
	return ret;
}

static int read_body(struct records *r, struct rec_slot *s, struct err *e)
{
	struct walk_rec *rec = &s->rec;
	int ret, whole;

	rec->known = 1;
	if (rec->r.seq != r->stream.seq) {
		rec->fault = "doesn't have the number that is due: something is missing before it";
		if (!r->go_on)
			return 0;
	}
	r->stream.seq = rec->r.seq + 1;
	if (!rec->fault)
		rec->fault = record_fits(&rec->r, &r->params);
	if (rec->fault)
		return skip_body(r, rec->r.body_len, e);
	ret = slot_room(r, s, e);
	if (ret == 0)
		ret = stream_body(&r->stream, s->body, rec->r.body_len, &whole, e);
	if (ret == 0 && !whole)
		rec->fault = "is cut off: the file ends inside it";
	rec->unread = is_unread(r, r->begin, file_pos(r));
	if (rec->unread)
		rec->fault = "can't be read: the medium gives an error";
	if (ret < 0 || rec->fault || rec->r.type != REC_CHUNK || !refs_needed(&rec->r))
		return ret;
	if (!r->refers) {
		rec->fault = r->unread_refers ?
			"refers to another chunk, which can't be found as the image's end or index can't be read" :
			"refers to another chunk, which can't be found as the image's end or index is damaged";
		return 0;
	}
	ret = refs_fetch(r->refers, &rec->r, s->body, s->refs, &rec->fault, e);
	if (ret != ERR_IO || !r->go_on)
		return ret;
	rec->fault = "refers to a chunk that can't be read";
	return 0;
}

/* Volumes that were joined again to come through a pipe: 1 and the record is passed
 * over, which no offset counts. */
static int pass_volume(struct records *r, const struct walk_rec *rec, struct err *e)
{
	int ret;

	if (rec->fault || rec->r.type != REC_VOLUME || !r->have_params ||
	    !(r->params.must & FEATURE_SPLIT))
		return 0;
	ret = skip_body(r, rec->r.body_len, e);
	if (ret < 0)
		return ret;
	r->stream.pos = rec->off;
	return 1;
}

static int rec_fill(void *ctx, void *slot, struct err *e)
{
	struct records *r = ctx;
	struct rec_slot *s = slot;
	int ret;

	if (r->ended)
		return 0;
	if (r->resync) {
		ret = stream_resync(&r->stream, e);
		if (ret <= 0)
			return ret;
	}
	do {
		memset(&s->rec, 0, sizeof s->rec);
		r->begin = file_pos(r);
		ret = stream_head(&r->stream, &s->rec.r, &s->rec.off, &s->rec.fault, e);
		if (ret <= 0)
			return ret;
		ret = pass_volume(r, &s->rec, e);
		if (ret < 0)
			return ret;
	} while (ret);
	if (s->rec.fault) {
		s->rec.unread = is_unread(r, r->begin, r->begin + IMAGE_HEAD_LEN);
		r->resync = 1;
		r->ended = !r->go_on;
		return 1;
	}
	if (r->resync) /* what is missing was told */
		r->stream.seq = s->rec.r.seq;
	r->resync = 0;
	ret = read_body(r, s, e);
	r->ended = s->rec.fault && !r->go_on;
	return ret < 0 ? ret : 1;
}

static int rec_work(void *ctx, unsigned int worker, void *slot, struct err *e)
{
	struct records *r = ctx;
	struct rec_slot *s = slot;
	struct walk_rec *rec = &s->rec;

	if (!rec->known || rec->fault)
		return 0;
	rec->map = s->map;
	rec->fault = body_unpack(r->codecs[worker], &rec->r, &r->params,
				 s->body, rec->r.type == REC_CHUNK && refs_needed(&rec->r) ? s->refs : NULL,
				 s->plain, &rec->plain, s->map);
	if (rec->fault || !r->ready)
		return 0;
	return r->ready(r->ctx, s, e);
}

static int rec_empty(void *ctx, void *slot, struct err *e)
{
	struct records *r = ctx;

	return r->take(r->ctx, slot, e);
}

static int rec_cancelled(void *ctx)
{
	return job_cancelled(((struct records *)ctx)->job);
}

int records_run(struct records *r, struct err *e)
{
	void *slots[JOB_SLOTS_MAX];
	struct pipeline p = {
		.fill = rec_fill, .work = rec_work, .empty = rec_empty,
		.cancelled = rec_cancelled, .ctx = r, .slots = slots,
		.n_slots = r->n_slots, .n_workers = r->n_workers,
	};

	for (unsigned int i = 0; i < r->n_slots; i++)
		slots[i] = &r->slots[i];
	return pipeline_run(&p, e);
}

/* ---- beginning and end ---- */

#define FIRST_LEN (IMAGE_HEAD_LEN + HEADER_LEN)

/* Looks at the first record and gives it back to the stream. */
static int look_at_header(struct records *r, struct err *e)
{
	uint8_t buf[IMAGE_HEAD_LEN + HEADER_LEN + SEAL_META];
	size_t got, more = 0;
	struct record head;
	const char *wrong;
	int ret = store_read(r->in, buf, FIRST_LEN, &got, e);

	if (ret < 0)
		return ret;
	r->stream.back = malloc(STREAM_WINDOW + IMAGE_HEAD_LEN);
	if (!r->stream.back)
		return err_set(e, ERR_NOMEM, "out of memory for reading the image");
	memcpy(r->stream.back, buf, got);
	r->stream.back_len = got;
	/* either mark is enough to call it an image, if a damaged one */
	if (got < FIRST_LEN || (memcmp(buf, RECORD_MAGIC, 8) &&
				 memcmp(buf + IMAGE_HEAD_LEN, "REHOST\0\1", 8)))
		return err_set(e, ERR_NOT_FOUND, "%s isn't a .rhi image", r->in->name);
	wrong = record_get(buf, &head);
	if (wrong || head.type != REC_HEADER || head.body_len != HEADER_LEN ||
	    head.body_sum != body_sum(buf + IMAGE_HEAD_LEN, HEADER_LEN))
		return 0;
	ret = header_get(buf + IMAGE_HEAD_LEN, head.image_id, &r->params, e);
	if (ret == 0)
		ret = features_check(r->params.must, e);
	if (ret < 0)
		return err_prefix(e, "%s", r->in->name);
	if (r->params.must & FEATURE_ENCRYPTED) {
		ret = store_read(r->in, buf + FIRST_LEN, SEAL_META, &more, e);
		if (ret < 0)
			return ret;
		memcpy(r->stream.back + FIRST_LEN, buf + FIRST_LEN, more);
		r->stream.back_len += more;
		ret = more < SEAL_META ?
			err_set(e, ERR_CORRUPT, "%s ends before its key", r->in->name) :
			seal_open(&r->params, buf + FIRST_LEN, r->in->name, r->in->access, &r->key, e);
		r->sealed = ret == 0;
	}
	r->have_params = ret == 0;
	return ret;
}

/* Verification goes on without it; its bases must be there. */
static int open_refers(struct records *r, struct store_in *in, struct err *e)
{
	int ret;

	if (!in->dev)
		return err_set(e, ERR_UNSUPPORTED, "%s: chunks of this image refer to others, which can't be looked up in a pipe; give it as a file",
			       in->name);
	ret = image_open(in->dev, in->access, &r->refers, e);
	r->unread_refers = ret == ERR_IO;
	/* its own damage is for whoever reads the records to tell */
	return ret == ERR_CORRUPT || ret == ERR_IO ? 0 : ret;
}

int records_begin(struct records *r, struct job *job,
		  const struct job_options *opt, struct store_in *in,
		  struct err *e)
{
	struct job_shape shape;
	size_t slot;
	int ret;

	*r = (struct records){ .job = job, .in = in };
	r->stream.read = stream_read;
	r->stream.ctx = r;
	ret = look_at_header(r, e);
	if (ret < 0)
		return ret;
	slot = chunk_packed_max(r->params.chunk_size) + r->params.chunk_size;
	if (r->have_params && (r->params.must & FEATURES_REFER)) {
		ret = open_refers(r, in, e);
		slot += refs_bytes(r->params.chunk_size);
	}
	if (ret < 0)
		return ret;
	shape = job_shape(opt, UNPACK_BYTES, slot);
	r->n_workers = shape.workers;
	r->n_slots = shape.slots;
	r->slots = calloc(r->n_slots, sizeof *r->slots);
	if (!r->slots)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	for (unsigned int i = 0; ret == 0 && (!i || i < r->n_workers); i++)
		ret = codec_new(r->have_params ? r->params.hash : HASH_SHA256,
				&(struct packing){ 0 }, &r->codecs[i], e);
	for (unsigned int i = 0; ret == 0 && r->refers && i < r->n_slots; i++)
		ret = refs_new(r->params.chunk_size, &r->slots[i].refs, e);
	for (unsigned int i = 0; ret == 0 && r->sealed && (!i || i < r->n_workers); i++)
		codec_key(r->codecs[i], &r->key, r->params.image_id);
	return ret;
}

void records_release(struct records *r)
{
	for (unsigned int i = 0; r->slots && i < r->n_slots; i++) {
		free(r->slots[i].body);
		free(r->slots[i].plain);
		free(r->slots[i].map);
		refs_free(r->slots[i].refs);
	}
	free(r->slots);
	r->slots = NULL;
	for (unsigned int i = 0; i <= JOB_WORKERS_MAX; i++)
		r->codecs[i] = codec_free(r->codecs[i]);
	r->refers = image_close(r->refers);
}

void records_done(struct records *r)
{
	records_release(r);
	explicit_bzero(&r->key, sizeof r->key);
	ranges_done(&r->unread);
	stream_done(&r->stream);
}
