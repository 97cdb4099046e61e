/* torn-look.c: see torn-int.h: whose records these are, and their parameters: by the
 * HEADER, or what follows without one (FORMAT.md 8). */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/refs.h"
#include "imager/fmt/torn-int.h"

#define FIRST_LEN (IMAGE_HEAD_LEN + HEADER_LEN)
/* Other images than the one may stand in it (on a disk that holds images). */
#define IDS_MAX 16

struct seen {
	uint8_t id[16];
	uint64_t count;           /* of good headers                             */
	int has_header;
	struct image_params params; /* then                                       */
	int sealed, refers;
	uint64_t sample;          /* a record whose hash tells the function      */
	int has_sample, has_chunk;
	uint64_t last;            /* the highest chunk, and the end of its map   */
	uint32_t last_end, largest_end;
};

/* A HEADER with good sums; hash tells of HEADERs what no 64 bits of sums do. */
static int header_of(const uint8_t *buf, struct image_params *ret)
{
	struct image_params p;
	struct hasher *h = NULL;
	struct record r;
	uint8_t hash[HASH_LEN];
	int good = !record_get(buf, &r) && r.type == REC_HEADER && !r.seq && !r.codec &&
		   r.body_len == HEADER_LEN &&
		   r.body_sum == body_sum(buf + IMAGE_HEAD_LEN, HEADER_LEN) &&
		   header_get(buf + IMAGE_HEAD_LEN, r.image_id, &p, NULL) == 0;

	good = good && hasher_new(&h, NULL) == 0 &&
	       hash_plain(h, p.hash, buf + IMAGE_HEAD_LEN, HEADER_LEN, hash, NULL) == 0 &&
	       !memcmp(hash, r.hash, sizeof hash);
	hasher_free(h);
	if (good)
		*ret = p;
	return good;
}

/* One wrong bit is found by trying all: nothing else in an image has no copy and no
 * replacement, and an encrypted one is lost without. */
static int mended(uint8_t *buf, struct image_params *ret)
{
	for (size_t i = 0; i < 8 * FIRST_LEN; i++) {
		buf[i / 8] ^= (uint8_t)(1u << i % 8);
		if (header_of(buf, ret))
			return 1;
		buf[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	return 0;
}

static struct seen *seen_of(struct seen *v, size_t *n, const uint8_t *id)
{
	for (size_t i = 0; i < *n; i++)
		if (!memcmp(v[i].id, id, sizeof v[i].id))
			return &v[i];
	if (*n == IDS_MAX)
		return NULL;
	memcpy(v[*n].id, id, sizeof v[*n].id);
	return &v[(*n)++];
}

static void note_chunk(struct seen *s, const struct record *r, const uint8_t *body)
{
	size_t at = (r->map_count - 1) * sizeof(struct map_disk);
	struct chunk_map m;
	uint32_t end;

	if (r->sealed || !r->map_count || at + sizeof(struct map_disk) > r->body_len)
		return;
	map_get(body + at, 1, &m);
	end = (uint32_t)m.start + m.count;
	if (end > s->largest_end)
		s->largest_end = end;
	if (!s->has_chunk || r->aux >= s->last) {
		s->last = r->aux;
		s->last_end = end;
	}
	s->has_chunk = 1;
	s->refers |= refs_needed(r);
}

/* All records of all images there are. */
static int look_at_all(struct torn *t, struct seen *v, size_t *n, struct err *e)
{
	struct record r;
	uint64_t at;
	int rc;

	while ((rc = torn_head(t, NULL, &r, &at, e)) > 0) {
		struct seen *s = seen_of(v, n, r.image_id);
		int good = torn_body(t, &r, at, e);

		if (good < 0)
			return good;
		t->pos = at + IMAGE_HEAD_LEN + (good ? r.body_len : 0);
		if (!s)
			continue;
		s->count++;
		s->sealed |= r.sealed;
		if (good && r.type == REC_HEADER && r.body_len == HEADER_LEN) {
			record_put(&r, t->body);
			s->has_header |= header_of(t->body, &s->params);
		}
		if (good && r.type == REC_CHUNK)
			note_chunk(s, &r, t->body + IMAGE_HEAD_LEN);
		if (good && !s->has_sample && r.codec <= CODEC_ZSTD && r.type != REC_VOLUME) {
			s->has_sample = 1;
			s->sample = at;
		}
	}
	return rc;
}

/* disk_size, sector_size, PARTIAL, from META; 0 if that isn't there. */
static void ask_meta(struct torn *t, struct image_params *p, struct err *e)
{
	cleanup_json struct json_object *meta = NULL;
	struct json_object *disk;
	struct torn_rec rec;
	struct record r;
	uint64_t at;

	torn_rewind(t);
	while (torn_head(t, p->image_id, &r, &at, e) > 0 && r.type != REC_CHUNK) {
		t->pos = at + IMAGE_HEAD_LEN;
		if (r.type != REC_META || torn_take(t, &r, at, &rec, e) < 0 || rec.wrong ||
		    json_parse((const char *)rec.plain, r.plain_len, &meta, e) < 0)
			continue;
		disk = json_get_object(meta, "disk");
		p->disk_size = json_get_u64(disk, "size", 0);
		if (json_get_u64(disk, "sector_size", 0) == 4096)
			p->sector_size = 4096;
		if (json_get_array(meta, "only"))
			p->must |= FEATURE_PARTIAL;
		if (!json_get_array(meta, "bases"))
			p->must &= ~(uint64_t)FEATURE_BASE;
		return;
	}
}

/* The function that makes the sample's hash. */
static int find_hash(struct torn *t, const struct seen *s, struct err *e)
{
	static const enum hash_alg all[] = { HASH_SHA256, HASH_BLAKE2B };
	uint8_t head[IMAGE_HEAD_LEN];
	struct torn_rec rec;
	struct record r;
	int rc = torn_read(t, s->sample, head, sizeof head, e);

	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++) {
		if (record_get(head, &r))
			break;
		t->im->codec = codec_free(t->im->codec);
		t->im->params.hash = all[i];
		rc = codec_new(all[i], &(struct packing){ .level = 3 }, &t->im->codec, e);
		if (rc == 0)
			rc = torn_take(t, &r, s->sample, &rec, e);
		if (rc == 0 && !rec.wrong)
			return 0;
	}
	return rc < 0 ? rc : err_set(e, ERR_CORRUPT, "%s: its header is lost, and with it what its records were made with",
				     t->file->name);
}

static int guess(struct torn *t, const struct seen *s, struct err *e)
{
	struct image_params *p = &t->im->params;
	uint64_t size;

	if (s->sealed)
		return err_set(e, ERR_CORRUPT, "%s is encrypted, and its header, which the key depends on, is damaged: nothing of it can be read",
			       t->file->name);
	if (!s->has_sample || !s->has_chunk || s->last > INT64_MAX / IMAGE_CHUNK_MAX - 1)
		return err_set(e, ERR_CORRUPT, "%s: its header is lost, and no good chunk is in it", t->file->name);
	*p = (struct image_params){ .chunk_size = IMAGE_CHUNK_MIN, .sector_size = 512,
				    .disk_size = INT64_MAX, .must = FEATURE_SPLIT };
	memcpy(p->image_id, s->id, sizeof p->image_id);
	if (s->refers)
		p->must |= FEATURES_REFER;
	while (p->chunk_size < (uint64_t)s->largest_end * REC_UNIT && p->chunk_size < IMAGE_CHUNK_MAX)
		p->chunk_size *= 2;
	if (find_hash(t, s, e) < 0)
		return e->code;
	ask_meta(t, p, e);
	/* the last unit of such a disk may be short */
	size = s->last * p->chunk_size + (uint64_t)s->last_end * REC_UNIT;
	if (p->disk_size == INT64_MAX || p->disk_size + REC_UNIT <= size || p->disk_size > INT64_MAX)
		p->disk_size = (size + p->sector_size - 1) / p->sector_size * p->sector_size;
	p->used_end = p->disk_size;
	return 0;
}

/* The image that most records are of. */
static int choose(struct torn *t, struct err *e)
{
	struct seen *v = calloc(IDS_MAX, sizeof *v), *most = v;
	size_t n = 0;
	int r;

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for reading the image");
	r = look_at_all(t, v, &n, e);
	for (size_t i = 1; i < n; i++)
		if (v[i].count > most->count)
			most = &v[i];
	if (r == 0 && !n) {
		r = err_set(e, ERR_NOT_FOUND, "%s: no record of a .rhi image is in it", t->file->name);
	} else if (r == 0 && most->has_header) {
		t->im->params = most->params;
	} else if (r == 0) {
		t->header_lost = 1;
		r = guess(t, most, e);
	}
	free(v);
	return r;
}

int torn_look(struct torn *t, struct err *e)
{
	uint8_t buf[FIRST_LEN] = { 0 };
	size_t n = t->file->size < sizeof buf ? (size_t)t->file->size : sizeof buf;
	int r = torn_read(t, 0, buf, n, e);

	if (r == 0 && !header_of(buf, &t->im->params) && !mended(buf, &t->im->params))
		r = choose(t, e);
	if (r == 0 && features_check(t->im->params.must, e) < 0)
		r = err_prefix(e, "%s", t->file->name);
	return r;
}
