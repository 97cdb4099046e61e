/* chunk.c: see chunk.h. */
#include "imager/fmt/chunk.h"
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "imager/fmt/disk.h"

struct codec {
	enum hash_alg alg;
	struct hasher *hasher;
	ZSTD_CCtx *cctx, *patcher; /* patcher: NULL until it is needed */
	struct packing packing;    /* cctx' */
	ZSTD_DCtx *dctx;
	int seals;
	struct image_key key;
	uint8_t image_id[16];
	uint32_t zero_len;         /* zero_hash is of this many zero bytes */
	uint8_t zero_hash[32];
};

static int set_packing(ZSTD_CCtx *c, const struct packing *p)
{
	size_t bad = 0;

	/* a frame that didn't fit is unfinished: until then it takes no parameters */
	ZSTD_CCtx_reset(c, ZSTD_reset_session_only);
	bad |= ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, p->level));
	/* 0: what the level has */
	bad |= ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_hashLog, p->hash_log));
	/* all of the largest chunk; zstd takes less for smaller ones */
	bad |= ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, p->hash_log ? 22 : 0));
	bad |= ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_minMatch, p->min_match));
	return bad ? -1 : 0;
}

int codec_new(enum hash_alg a, const struct packing *p, struct codec **ret,
	      struct err *e)
{
	struct codec *c = calloc(1, sizeof *c);

	if (!c || hasher_new(&c->hasher, e) < 0)
		goto nomem;
	c->alg = a;
	c->cctx = ZSTD_createCCtx();
	c->dctx = ZSTD_createDCtx();
	if (!c->cctx || !c->dctx)
		goto nomem;
	if (set_packing(c->cctx, p) < 0)
		goto nomem;
	c->packing = *p;
	*ret = c;
	return 0;
nomem:
	codec_free(c);
	return err_set(e, ERR_NOMEM, "out of memory for compression");
}

struct codec *codec_free(struct codec *c)
{
	if (!c)
		return NULL;
	hasher_free(c->hasher);
	ZSTD_freeCCtx(c->cctx);
	ZSTD_freeCCtx(c->patcher);
	ZSTD_freeDCtx(c->dctx);
	explicit_bzero(&c->key, sizeof c->key);
	free(c);
	return NULL;
}

void codec_key(struct codec *c, const struct image_key *k, const uint8_t *image_id)
{
	c->seals = 1;
	c->key = *k;
	memcpy(c->image_id, image_id, sizeof c->image_id);
	hasher_key(c->hasher, k->hash);
	c->zero_len = 0;
}

int codec_seals(const struct codec *c)
{
	return c->seals;
}

struct hasher *codec_hasher(struct codec *c)
{
	return c->hasher;
}

size_t chunk_room(uint32_t chunk_size)
{
	/* a map can't have more entries than every second unit */
	size_t n = IMAGE_HEAD_LEN + SEAL_NONCE + chunk_size / REC_UNIT / 2 * sizeof(struct map_disk);

	return (n + 4095) & ~(size_t)4095;
}

size_t chunk_packed_max(uint32_t chunk_size)
{
	return chunk_room(chunk_size) + chunk_size + CHUNK_TAIL;
}

int all_zero(const uint8_t *p, size_t len)
{
	/* equal to itself shifted by 16, and the first 16 are zero */
	static const uint8_t zero[16];

	if (len <= sizeof zero)
		return !memcmp(p, zero, len);
	return !memcmp(p, zero, sizeof zero) && !memcmp(p, p + 16, len - 16);
}

/* The hash of len zero bytes; chunks of zeros mostly have the same length. */
static int hash_zeros(struct codec *c, const uint8_t *zeros, uint32_t len,
		      uint8_t *ret, struct err *e)
{
	int r;

	if (c->zero_len != len) {
		c->zero_len = 0;
		r = hash_bytes(c->hasher, c->alg, zeros, len, c->zero_hash, e);
		if (r < 0)
			return r;
		c->zero_len = len;
	}
	memcpy(ret, c->zero_hash, 32);
	return 0;
}

void body_seal(struct codec *c, struct record *r, uint8_t *buf, uint32_t prefix)
{
	uint32_t len = r->body_len;

	if (!c->seals)
		return;
	r->sealed = 1;
	r->body_len += record_extra(r);
	memcpy(r->image_id, c->image_id, sizeof r->image_id);
	seal_body(&c->key, r, buf, len);
	r->body_sum = body_sum(buf - prefix, r->body_len);
}

static void seal_chunk(struct codec *c, struct chunk_out *o)
{
	struct record r = {
		.type = REC_CHUNK, .codec = o->codec, .body_len = o->body_len,
		.plain_len = o->plain_len, .map_count = o->map_count, .aux = o->number,
	};

	memcpy(r.hash, o->hash, sizeof r.hash);
	body_seal(c, &r, o->record + IMAGE_HEAD_LEN, 0);
	o->body_len = r.body_len;
	o->body_sum = r.body_sum;
}

int chunk_hash(struct codec *c, const uint8_t *plain, uint32_t len, uint8_t *ret,
	       struct err *e)
{
	return hash_bytes(c->hasher, c->alg, plain, len, ret, e);
}

/* Tables for a chunk and one before it: so that matches in the prefix are found. */
static const struct packing patch_packing = { .level = 1, .hash_log = 18, .min_match = 6 };

/* The frame at `at` that makes in of prefix: its length; 0: it isn't worth it, or there
 * is no memory for it. */
static size_t pack_patch(struct codec *c, const struct chunk_in *in,
			 const struct chunk_prefix *prefix, uint8_t *at)
{
	size_t n;

	if (!c->patcher) {
		c->patcher = ZSTD_createCCtx();
		if (!c->patcher || set_packing(c->patcher, &patch_packing) < 0 ||
		    ZSTD_isError(ZSTD_CCtx_setParameter(c->patcher, ZSTD_c_windowLog, 23)))
			return 0;
	}
	/* one that wasn't worth it has left its frame unfinished */
	ZSTD_CCtx_reset(c->patcher, ZSTD_reset_session_only);
	if (ZSTD_isError(ZSTD_CCtx_refPrefix(c->patcher, prefix->plain, prefix->ref.plain_len)))
		return 0;
	n = ZSTD_compress2(c->patcher, at, in->plain_len - REF_LEN, in->plain, in->plain_len);
	return ZSTD_isError(n) ? 0 : n;
}

/* Media, archives and encrypted files fill chunks of which no part can be compressed:
 * so many pieces of this size tell, without the rest.  What such a chunk may still have
 * are long pieces that come twice; level 3 finds them by a second table, of 8 bytes each, and
 * better than higher levels do, at 2.4 GB/s. */
#define SAMPLES 16u
#define SAMPLE_LEN 4096u
static const struct packing repeats_packing = { .level = 3, .hash_log = 15 };

/* 1: no sample gets smaller by a hundredth. */
static int looks_packed(struct codec *c, const struct chunk_in *in, uint8_t *scratch)
{
	uint32_t step = in->plain_len / SAMPLES;

	if (step < 4 * SAMPLE_LEN)
		return 0;
	for (uint32_t i = 0; i < SAMPLES; i++) {
		const uint8_t *from = in->plain + i * step + step / 2;

		if (!ZSTD_isError(ZSTD_compress2(c->cctx, scratch, SAMPLE_LEN - SAMPLE_LEN / 100,
						 from, SAMPLE_LEN)))
			return 0;
	}
	return 1;
}

/* As ZSTD_compress2(); an error where that gains less than a hundredth. */
static size_t pack_repeats(struct codec *c, const struct chunk_in *in, uint8_t *at)
{
	size_t n;

	if (set_packing(c->cctx, &repeats_packing) < 0)
		return (size_t)-1;
	n = ZSTD_compress2(c->cctx, at, in->plain_len - in->plain_len / 100, in->plain,
			   in->plain_len);
	/* can't fail: it could be set before */
	(void)!set_packing(c->cctx, &c->packing);
	return n;
}

static size_t pack_plain(struct codec *c, const struct chunk_in *in, uint8_t *at,
			 uint8_t *ret_codec)
{
	size_t n;

	*ret_codec = CODEC_NONE;
	if (looks_packed(c, in, at))
		n = pack_repeats(c, in, at);
	else
		n = ZSTD_compress2(c->cctx, at, in->plain_len - 1, in->plain, in->plain_len);
	if (ZSTD_isError(n)) /* it isn't smaller */
		return in->plain_len;
	*ret_codec = CODEC_ZSTD;
	return n;
}

/* in's content at `at`, in the way that is shortest: codec, and bytes. */
static size_t pack_content(struct codec *c, const struct chunk_in *in,
			   const struct chunk_prefix *prefix, uint8_t *at, uint8_t *ret_codec)
{
	size_t n = 0, patch = prefix ? pack_patch(c, in, prefix, at + REF_LEN) : 0;

	/* a patch that is half as long as the whole has little to gain by another way */
	if (!patch || patch > in->plain_len / 2) {
		n = pack_plain(c, in, at, ret_codec);
		if (!patch || patch + REF_LEN >= n - n / 8)
			return n;
		patch = pack_patch(c, in, prefix, at + REF_LEN);
	}
	ref_put(&prefix->ref, at);
	*ret_codec = CODEC_PATCH;
	return REF_LEN + patch;
}

int chunk_pack(struct codec *c, const struct chunk_in *in,
	       const struct chunk_prefix *prefix, uint8_t *packed,
	       struct chunk_out *ret, struct err *e)
{
	size_t lead = IMAGE_HEAD_LEN + (c->seals ? SEAL_NONCE : 0);
	size_t map_len = in->map_count * sizeof(struct map_disk), n = 0;
	int r;

	*ret = (struct chunk_out){
		.number = in->number, .flags = in->flags,
		.plain_len = in->plain_len, .map_count = in->map_count,
		.map = in->map, .record = packed,
	};
	if (all_zero(in->plain, in->plain_len)) {
		ret->codec = CODEC_ZEROS;
		r = hash_zeros(c, in->plain, in->plain_len, ret->hash, e);
	} else {
		r = in->hash ? 0 : chunk_hash(c, in->plain, in->plain_len, ret->hash, e);
		if (in->hash)
			memcpy(ret->hash, in->hash, sizeof ret->hash);
		n = pack_content(c, in, prefix, packed + lead + map_len, &ret->codec);
	}
	if (r < 0)
		return r;
	if (ret->codec == CODEC_NONE)
		ret->record = in->plain - map_len - lead;
	map_put(in->map, in->map_count, ret->record + lead);
	ret->body_len = (uint32_t)(map_len + n);
	if (c->seals) {
		seal_chunk(c, ret);
		return 0;
	}
	ret->body_sum = body_sum(ret->record + IMAGE_HEAD_LEN, ret->body_len);
	return 0;
}

int body_pack(struct codec *c, const void *plain, uint32_t plain_len,
	      uint8_t *packed, struct record *ret, const uint8_t **ret_body,
	      struct err *e)
{
	size_t n;
	int r = hash_bytes(c->hasher, c->alg, plain, plain_len, ret->hash, e);

	if (r < 0)
		return r;
	ret->codec = CODEC_NONE;
	ret->plain_len = ret->body_len = plain_len;
	*ret_body = plain;
	if (plain_len > 64) {
		n = ZSTD_compress2(c->cctx, packed, plain_len - 1, plain, plain_len);
		if (!ZSTD_isError(n)) {
			ret->codec = CODEC_ZSTD;
			ret->body_len = (uint32_t)n;
			*ret_body = packed;
		}
	}
	ret->body_sum = body_sum(*ret_body, ret->body_len);
	return 0;
}

/* All three: one frame, with its size, and nothing behind it. */
static const char *unzstd(struct codec *c, const uint8_t *data, size_t len,
			  uint8_t *plain, uint32_t plain_len)
{
	if (ZSTD_getFrameContentSize(data, len) != plain_len ||
	    ZSTD_findFrameCompressedSize(data, len) != len ||
	    ZSTD_decompressDCtx(c->dctx, plain, plain_len, data, len) != plain_len)
		return "can't be decompressed";
	return NULL;
}

static const char *content(struct codec *c, unsigned int codec, const uint8_t *data, uint32_t len,
			   uint8_t *plain, uint32_t plain_len, const uint8_t **ret_plain)
{
	*ret_plain = plain;
	if (codec == CODEC_ZEROS) {
		memset(plain, 0, plain_len);
	} else if (codec == CODEC_NONE) {
		*ret_plain = data;
	} else {
		return unzstd(c, data, len, plain, plain_len);
	}
	return NULL;
}

const char *refs_full(struct codec *c, const struct chunk_refs *f, uint8_t *plain,
		      const uint8_t **ret_plain)
{
	return content(c, f->full.codec, f->data, f->data_len, plain, f->full.plain_len, ret_plain);
}

static const char *refs_content(struct codec *c, const struct chunk_refs *f, uint8_t *plain,
				uint32_t plain_len, const uint8_t **ret_plain)
{
	const uint8_t *prefix;
	const char *wrong;

	if (!f->frame)
		return refs_full(c, f, plain, ret_plain);
	wrong = refs_full(c, f, f->plain, &prefix);
	*ret_plain = plain;
	ZSTD_DCtx_reset(c->dctx, ZSTD_reset_session_only);
	if (!wrong && ZSTD_isError(ZSTD_DCtx_refPrefix(c->dctx, prefix, f->full.plain_len)))
		wrong = "can't be decompressed";
	return wrong ? wrong : unzstd(c, f->frame, f->frame_len, plain, plain_len);
}

static int body_hash(struct codec *c, const struct record *r, const uint8_t *plain, uint8_t *ret)
{
	if (r->codec == CODEC_ZEROS)
		return hash_zeros(c, plain, r->plain_len, ret, NULL);
	if (!record_sealable(r->type))
		return hash_plain(c->hasher, c->alg, plain, r->plain_len, ret, NULL);
	return hash_bytes(c->hasher, c->alg, plain, r->plain_len, ret, NULL);
}

const char *body_open(struct codec *c, const struct record *r, uint8_t *body,
		      uint8_t **ret_inner)
{
	uint32_t len;

	*ret_inner = body;
	if (body_sum(body, r->body_len) != r->body_sum)
		return "has a body whose checksum is wrong";
	return r->sealed ? unseal_body(&c->key, r, body, ret_inner, &len) : NULL;
}

const char *body_unpack(struct codec *c, const struct record *r,
			const struct image_params *p, uint8_t *body,
			const struct chunk_refs *refs, uint8_t *plain,
			const uint8_t **ret_plain, struct chunk_map *map)
{
	size_t map_len = r->map_count * sizeof(struct map_disk);
	uint8_t *opened = NULL;
	const uint8_t *inner;
	const char *wrong = NULL;
	uint8_t hash[32];

	if (!refs)
		wrong = body_open(c, r, body, &opened);
	if (wrong)
		return wrong;
	inner = refs ? refs->inner : opened;
	if (r->type == REC_CHUNK) {
		map_get(inner, r->map_count, map);
		wrong = map_wrong(p, r->aux, map, r->map_count, r->plain_len);
	}
	if (!wrong && refs)
		wrong = refs_content(c, refs, plain, r->plain_len, ret_plain);
	else if (!wrong)
		wrong = content(c, r->codec, inner + map_len,
				r->body_len - record_extra(r) - (uint32_t)map_len,
				plain, r->plain_len, ret_plain);
	if (wrong)
		return wrong;
	if (body_hash(c, r, *ret_plain, hash) < 0)
		return "can't be hashed";
	return memcmp(hash, r->hash, 32) ? "has content that doesn't match its hash" : NULL;
}
