/* salvage.c: see salvage.h: the new image. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "common/hash.h"
#include "common/json.h"
#include "imager/salvage-int.h"
#include "imager/volumes.h"

/* What is packed again: as level balanced does. */
static const struct packing packing = { .level = 3 };
#define WARNINGS_MAX 1000     /* ranges named in SUMMARY                     */

struct copy {
	struct salvage *s;
	const struct salvage_options *opt;
	struct image_params params; /* the new image's                            */
	struct image_seal seal;
	struct image_writer *w;
	struct codec *codec;      /* the new image's                             */
	uint8_t *packed, *zeros;
	size_t late;              /* s->late that are done                       */
	size_t bad;               /* s->bad that end in front of what is done    */
	struct lost_cursor lost;
	struct image_chunk next_lost;
	int have_lost;
	uint64_t next;            /* as in looking                               */
	uint64_t bytes;
};

/* ---- texts ---- */

static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;
	struct err ignored;

	if (!text || json_parse(text, strlen(text), &o, &ignored) < 0 ||
	    !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = json_object_new_object();
	}
	return o;
}

/* META is lost, but it had a part of the disk only: which one nobody knows (FORMAT.md
 * 2.3, 2.4). */
static void put_unknown_part(struct json_object *o, const struct image_params *p)
{
	struct json_object *map = json_object_new_array(), *r = json_object_new_object();

	json_put_u64(r, "start", 0);
	json_put_u64(r, "size", p->disk_size);
	json_put_str(r, "what", "whatever isn't in this image");
	json_put_u64(r, "used", 0);
	json_put_bool(r, "left_out", 1);
	json_object_array_add(map, r);
	json_put(o, "only", json_object_new_array());
	json_put(o, "map", map);
}

static char *meta_text(struct copy *c, struct err *e)
{
	const struct salvage_found *f = &c->s->found;
	cleanup_json struct json_object *o = parse(torn_meta(c->s->torn));
	struct json_object *of = json_object_new_object();
	char id[33], *text;

	hex_encode(torn_params(c->s->torn)->image_id, 16, id);
	json_put_str(of, "from", c->opt->from);
	json_put_str(of, "image_id", id);
	json_put_str(of, "tool", "rehost " REHOST_VERSION);
	json_put_u64(of, "lost", f->lost);
	if (f->missing_known)
		json_put_u64(of, "missing", f->missing);
	json_put(o, "salvaged", of);
	if (f->meta_lost && (c->params.must & FEATURE_PARTIAL))
		put_unknown_part(o, &c->params);
	/* what it took from there is in it now */
	json_object_object_del(o, "bases");
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	if (!text)
		err_set(e, ERR_NOMEM, "out of memory for the image's description");
	return text;
}

static void warn(struct json_object *a, const struct byte_range *v, size_t n, const char *what)
{
	char text[200];

	for (size_t i = 0; i < n && i < WARNINGS_MAX; i++) {
		snprintf(text, sizeof text, "salvaged: of the disk's bytes %llu to %llu %s",
			 (unsigned long long)v[i].off, (unsigned long long)(v[i].off + v[i].len - 1), what);
		json_object_array_add(a, json_text(text));
	}
}

static char *summary_text(struct copy *c, struct err *e)
{
	const struct salvage_found *f = &c->s->found;
	cleanup_json struct json_object *o = parse(c->s->summary);
	struct json_object *a = json_get_array(o, "warnings");
	char *text;

	if (!a)
		json_put(o, "warnings", a = json_object_new_array());
	warn(a, f->lost_range, f->n_lost, "what was used is lost");
	warn(a, f->unknown_range, f->n_unknown, "it isn't known what was used");
	text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	if (!text)
		err_set(e, ERR_NOMEM, "out of memory for the image's summary");
	return text;
}

/* ---- chunks ---- */

static int is_bad(struct copy *c, uint64_t number)
{
	const struct ranges *bad = &c->s->bad;
	uint64_t at = number * c->params.chunk_size;

	while (c->bad < bad->n && bad->v[c->bad].end <= at)
		c->bad++;
	return c->bad < bad->n && bad->v[c->bad].start < at + c->params.chunk_size;
}

static int put_packed(struct copy *c, struct chunk_in *in, struct err *e)
{
	struct chunk_out out;
	int r = chunk_pack(c->codec, in, NULL, c->packed, &out, e);

	c->bytes += in->plain_len;
	return r < 0 ? r : image_writer_chunk(c->w, &out, e);
}

/* As it is stored, where that can be. */
static int put_good(struct copy *c, const struct torn_rec *rec, struct err *e)
{
	const struct record *r = &rec->r;
	struct chunk_out out = {
		.number = r->aux, .codec = r->codec, .flags = (uint8_t)is_bad(c, r->aux),
		.plain_len = r->plain_len, .map_count = r->map_count, .map = rec->map,
		.body_sum = r->body_sum, .body_len = r->body_len,
		.record = rec->stored - IMAGE_HEAD_LEN,
	};

	if (r->sealed || r->codec > CODEC_ZEROS)
		return put_packed(c, &(struct chunk_in){
			.number = r->aux, .flags = out.flags, .plain_len = r->plain_len,
			.map_count = r->map_count, .map = rec->map, .plain = rec->plain }, e);
	memcpy(out.hash, r->hash, sizeof out.hash);
	c->bytes += r->plain_len;
	return image_writer_chunk(c->w, &out, e);
}

static int put_at(struct copy *c, uint64_t at, struct err *e)
{
	struct torn_rec rec;
	int r = torn_at(c->s->torn, at, &rec, e);

	if (r == 0 && rec.wrong)
		r = err_set(e, ERR_IO, "%s: the chunk at offset %llu was good before; now it %s", c->s->file->name,
			    (unsigned long long)at, rec.wrong);
	return r < 0 ? r : put_good(c, &rec, e);
}

static int look_for_lost(struct copy *c, struct err *e)
{
	c->have_lost = salvage_next_lost(c->s, &c->lost, &c->next_lost, e);
	return c->have_lost < 0 ? c->have_lost : 0;
}

static int put_lost(struct copy *c, struct err *e)
{
	const struct image_chunk *l = &c->next_lost;
	int r = put_packed(c, &(struct chunk_in){
		.number = l->number, .flags = 1, .plain_len = l->plain_len, .map_count = l->map_count,
		.map = l->map, .plain = c->zeros + chunk_room(c->params.chunk_size) }, e);

	return r < 0 ? r : look_for_lost(c, e);
}

/* All late and lost chunks below `end`.  *ret_read: 1: others were read meanwhile. */
static int put_below(struct copy *c, uint64_t end, int *ret_read, struct err *e)
{
	const struct salvage *s = c->s;
	int r = 0;

	while (r == 0) {
		uint64_t late = c->late < s->n_late ? s->late[c->late].number : UINT64_MAX;
		uint64_t lost = c->have_lost ? c->next_lost.number : UINT64_MAX;

		if ((late < lost ? late : lost) >= end)
			break;
		*ret_read = 1;
		r = late < lost ? put_at(c, s->late[c->late++].at, e) : put_lost(c, e);
	}
	return r;
}

static int put_all(struct copy *c, struct err *e)
{
	struct salvage *s = c->s;
	struct torn_rec rec;
	int r = look_for_lost(c, e), ignored;

	torn_rewind(s->torn);
	while (r == 0 && (r = torn_next(s->torn, &rec, e)) > 0) {
		uint64_t number = rec.r.aux;
		int other = 0;

		r = 0;
		if (job_cancelled(&s->job))
			return err_set(e, ERR_CANCELLED, "stopped");
		if (rec.r.type != REC_CHUNK || number >= params_chunks(torn_params(s->torn)) || number < c->next)
			continue;
		c->next = number + 1;
		/* one that is hit may come again, good, out of order */
		if (rec.wrong)
			continue;
		r = put_below(c, number, &other, e);
		if (r == 0)
			r = other ? put_at(c, rec.at, e) : put_good(c, &rec, e);
		job_progress(&s->job, c->bytes, c->params.used_bytes, image_writer_len(c->w));
	}
	if (r == 0)
		r = put_below(c, UINT64_MAX, &ignored, e);
	if (r < 0 || c->bytes == c->params.used_bytes)
		return r;
	err_set(e, ERR_IO, "%s isn't as it was before: %llu of %llu bytes that were good aren't any more", s->file->name,
		(unsigned long long)(c->params.used_bytes - c->bytes), (unsigned long long)c->params.used_bytes);
	return salvage_why(s, e);
}

/* ---- the image ---- */

static int new_params(struct copy *c, struct err *e)
{
	const struct salvage *s = c->s;
	struct image_params *p = &c->params;

	*p = *torn_params(s->torn);
	p->must &= FEATURE_ENCRYPTED | FEATURE_PARTIAL;
	p->must |= c->opt->split ? FEATURE_SPLIT : 0;
	p->may = 0;
	p->used_bytes = s->found.bytes + s->found.lost;
	p->used_end = s->used_end;
	if (!p->created)
		p->created = (uint64_t)time(NULL);
	if (c->opt->image_id)
		memcpy(p->image_id, c->opt->image_id, sizeof p->image_id);
	else if (getrandom(p->image_id, sizeof p->image_id, 0) != sizeof p->image_id)
		return err_set(e, ERR_INTERNAL, "there are no random numbers for the image's id");
	if (!(p->must & FEATURE_ENCRYPTED))
		return 0;
	return c->opt->passphrase ? image_seal_new(p, c->opt->passphrase, &c->seal, e) :
		err_set(e, ERR_SECRET, "%s is encrypted; its passphrase is needed", s->file->name);
}

static int prepare(struct copy *c, const struct image_sink *sink, struct err *e)
{
	int sealed = !!(c->params.must & FEATURE_ENCRYPTED);
	char *meta = meta_text(c, e);
	int r = meta ? 0 : e->code;

	c->packed = malloc(chunk_packed_max(c->params.chunk_size));
	c->zeros = calloc(1, chunk_packed_max(c->params.chunk_size));
	if (r == 0 && (!c->packed || !c->zeros))
		r = err_set(e, ERR_NOMEM, "out of memory for the new image");
	if (r == 0)
		r = codec_new(c->params.hash, &packing, &c->codec, e);
	if (r == 0 && sealed)
		codec_key(c->codec, &c->seal.key, c->params.image_id);
	if (r == 0)
		r = image_writer_new(&c->params, meta, sealed ? &c->seal : NULL, sink, &c->w, e);
	free(meta);
	return r;
}

static int finish(struct copy *c, uint8_t *ret_digest, struct err *e)
{
	const struct ranges *bad = &c->s->bad;
	struct byte_range *v = malloc(bad->n * sizeof *v + 1);
	char *summary = summary_text(c, e);
	int r = summary ? 0 : e->code;

	for (size_t i = 0; v && i < bad->n; i++)
		v[i] = (struct byte_range){ bad->v[i].start, bad->v[i].end - bad->v[i].start };
	if (r == 0)
		r = v ? image_writer_finish(c->w, v, bad->n, summary, ret_digest, e) :
			err_set(e, ERR_NOMEM, "out of memory for what is lost");
	free(v);
	free(summary);
	return r;
}

int salvage_write(struct salvage *s, const struct salvage_options *opt, struct store_out *out,
		  uint8_t *ret_digest, struct err *e)
{
	struct copy c = { .s = s, .opt = opt };
	struct volume_out volumes = { .out = out, .params = &c.params, .size = opt->split };
	struct image_sink sink = volume_sink(&volumes);
	int r;

	job_step(&s->job, "copy", "copying what is good");
	r = new_params(&c, e);
	if (r == 0)
		r = prepare(&c, &sink, e);
	if (r == 0)
		r = put_all(&c, e);
	if (r == 0)
		r = finish(&c, ret_digest, e);
	image_writer_free(c.w);
	codec_free(c.codec);
	free(c.packed);
	free(c.zeros);
	explicit_bzero(&c.seal, sizeof c.seal);
	return r;
}
