/* base.c: see base.h. */
#include "imager/base.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct base_worker {
	uint8_t *body, *plain;
	struct chunk_map *map;
	struct chunk_refs *refs;
	struct codec *codec;      /* the base's                                  */
	struct image_chunk entry; /* map: into this worker's                     */
};

struct base {
	struct image *im;
	pthread_mutex_t lock;     /* im is used by one worker at a time          */
	int same_hash;            /* 1: equal content has equal hashes in both   */
	struct base_worker *w;
	unsigned int n;
};

size_t base_worker_bytes(uint32_t chunk_size)
{
	return refs_bytes(chunk_size) + chunk_packed_max(chunk_size) + chunk_size + UNPACK_BYTES;
}

static int worker_new(struct base *b, struct base_worker *w, struct err *e)
{
	uint32_t size = image_params(b->im)->chunk_size;
	int r = refs_new(size, &w->refs, e);

	if (r == 0)
		r = image_codec(b->im, &w->codec, e);
	if (r < 0)
		return r;
	w->body = malloc(chunk_packed_max(size));
	w->plain = malloc(size);
	w->map = malloc(size / REC_UNIT * sizeof *w->map);
	return w->body && w->plain && w->map ? 0 :
		err_set(e, ERR_NOMEM, "out of memory for reading the base image");
}

int base_new(struct image *im, unsigned int n_workers, int own_key, struct base **ret,
	     struct err *e)
{
	struct base *b = calloc(1, sizeof *b);
	int r = 0;

	if (b)
		b->w = calloc(n_workers, sizeof *b->w);
	if (!b || !b->w) {
		free(b);
		return err_set(e, ERR_NOMEM, "out of memory for reading the base image");
	}
	b->im = im;
	b->n = n_workers;
	b->same_hash = !own_key && !image_key(im);
	pthread_mutex_init(&b->lock, NULL);
	for (unsigned int i = 0; i < n_workers && r == 0; i++)
		r = worker_new(b, &b->w[i], e);
	if (r < 0)
		base_free(b);
	else
		*ret = b;
	return r;
}

struct base *base_free(struct base *b)
{
	if (!b)
		return NULL;
	for (unsigned int i = 0; i < b->n; i++) {
		struct base_worker *w = &b->w[i];

		free(w->body);
		free(w->plain);
		free(w->map);
		refs_free(w->refs);
		codec_free(w->codec);
	}
	pthread_mutex_destroy(&b->lock);
	free(b->w);
	free(b);
	return NULL;
}

/* 1: w->entry is the base's entry of that chunk. */
static int find(struct base *b, struct base_worker *w, uint64_t number, struct err *e)
{
	int r = image_find(b->im, number, &w->entry, e);

	if (r <= 0)
		return r;
	memcpy(w->map, w->entry.map, w->entry.map_count * sizeof *w->map);
	w->entry.map = w->map;
	return 1;
}

/* b->lock is held. */
static int equal(struct base *b, struct base_worker *w, const uint8_t *hash,
		 struct base_hit *ret, struct err *e)
{
	int r = chunk_ref_of(b->im, &w->entry, w->body, &ret->equal, e);

	ret->found = BASE_EQUAL;
	ret->equal.file++;        /* the base is the new image's first file      */
	memcpy(ret->equal.hash, hash, sizeof ret->equal.hash);
	return r;
}

/* What the chunk was, for a patch: of a record that has its content itself.  The lock
 * is given back as soon as all is read. */
static int other(struct base *b, struct base_worker *w, struct codec *codec,
		 struct base_hit *ret, struct err *e)
{
	struct chunk_prefix *p = &ret->prefix;
	int refers = w->entry.codec == CODEC_REFERENCE || w->entry.codec == CODEC_PATCH;
	struct chunk_map *map;
	int r = chunk_fetch(b->im, &w->entry, w->body, w->refs, e);

	pthread_mutex_unlock(&b->lock);
	if (r < 0)
		return r;
	ret->found = BASE_OTHER;
	if (!refers) {
		map = malloc(w->entry.map_count * sizeof *map);
		if (!map)
			return err_set(e, ERR_NOMEM, "out of memory for reading the base image");
		r = chunk_unpack(b->im, w->codec, &w->entry, w->body, NULL, w->plain, &p->plain, map, e);
		free(map);
		p->ref = (struct chunk_ref){ .file = 1, .offset = w->entry.offset,
					     .plain_len = w->entry.plain_len };
	} else {
		const char *wrong = refs_full(w->codec, w->refs, w->plain, &p->plain);

		if (wrong)
			return err_set(e, ERR_CORRUPT, "the base image: what the chunk record at offset %llu refers to %s",
				       (unsigned long long)w->entry.offset, wrong);
		p->ref = w->refs->full_ref;
		p->ref.file++;
		p->ref.plain_len = w->refs->full.plain_len;
	}
	return r < 0 ? r : chunk_hash(codec, p->plain, p->ref.plain_len, p->ref.hash, e);
}

int base_look(struct base *b, unsigned int worker, struct codec *codec,
	      const struct chunk_in *in, const uint8_t *hash, struct base_hit *ret,
	      struct err *e)
{
	struct base_worker *w = &b->w[worker];
	uint8_t theirs[HASH_LEN];
	int r = 0;

	ret->found = BASE_NONE;
	memcpy(theirs, hash, sizeof theirs);
	if (!b->same_hash)
		r = chunk_hash(w->codec, in->plain, in->plain_len, theirs, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&b->lock);
	r = find(b, w, in->number, e);
	if (r == 1 && w->entry.codec != CODEC_ZEROS) {
		if (w->entry.plain_len != in->plain_len || memcmp(w->entry.hash, theirs, sizeof theirs))
			return other(b, w, codec, ret, e);
		r = equal(b, w, hash, ret, e);
	}
	pthread_mutex_unlock(&b->lock);
	return r < 0 ? r : 0;
}

/* ---- this image's own chunks ---- */

struct dedup_entry {
	uint8_t hash[HASH_LEN];
	uint64_t offset;
	uint32_t plain_len;       /* 0: empty                                    */
};

#define DEDUP_WAYS 4u             /* places that an entry may have               */

struct dedup { struct dedup_entry v[DEDUP_CHUNKS]; };

int dedup_new(struct dedup **ret, struct err *e)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : err_set(e, ERR_NOMEM, "out of memory for finding equal chunks");
}

struct dedup *dedup_free(struct dedup *d)
{
	free(d);
	return NULL;
}

static size_t place(const uint8_t *hash)
{
	uint32_t n;

	memcpy(&n, hash, sizeof n);
	return n % (DEDUP_CHUNKS / DEDUP_WAYS) * DEDUP_WAYS;
}

int dedup_find(const struct dedup *d, const struct chunk_out *c, struct chunk_ref *ret)
{
	const struct dedup_entry *v = &d->v[place(c->hash)];

	for (unsigned int i = 0; i < DEDUP_WAYS; i++)
		if (v[i].plain_len == c->plain_len && !memcmp(v[i].hash, c->hash, HASH_LEN)) {
			*ret = (struct chunk_ref){ .plain_len = c->plain_len, .offset = v[i].offset };
			memcpy(ret->hash, c->hash, sizeof ret->hash);
			return 1;
		}
	return 0;
}

void dedup_add(struct dedup *d, const struct chunk_out *c, uint64_t offset)
{
	struct dedup_entry *v = &d->v[place(c->hash)];

	memmove(v + 1, v, (DEDUP_WAYS - 1) * sizeof *v);
	*v = (struct dedup_entry){ .offset = offset, .plain_len = c->plain_len };
	memcpy(v->hash, c->hash, sizeof v->hash);
}
