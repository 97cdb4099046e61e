/* record.h: the record, the only thing an image file consists of (FORMAT.md 2):
 * header fields in memory, the rules that one record keeps by itself, and the
 * HEADER's and END's bodies. */
#ifndef REHOST_FMT_RECORD_H
#define REHOST_FMT_RECORD_H
#include "imager/fmt/image.h"

enum rec_type {
	REC_HEADER = 1, REC_META, REC_CHUNK, REC_PAGE, REC_COMMIT, REC_BAD,
	REC_SUMMARY, REC_ROOT, REC_END, REC_VOLUME,
};
enum rec_codec { CODEC_NONE, CODEC_ZSTD, CODEC_ZEROS, CODEC_REFERENCE, CODEC_PATCH };

#define REC_UNIT 512u
#define REC_BODY_MAX (40u << 20)   /* FORMAT.md 2.1 */
#define REC_PLAIN_MAX (32u << 20)
#define REC_JSON_MAX (16u << 20)   /* FORMAT.md 2.4 */
#define HEADER_LEN 128u
#define END_LEN 96u
#define PAGE_CHUNKS 1024u
#define SEAL_NONCE 24u             /* FORMAT.md 6.2: in front of a sealed body, */
#define SEAL_TAG 16u               /* and behind it                          */
#define SEAL_WRAPPED 72u           /* 6.1: META's body begins with it         */
#define FEATURES_KNOWN ((uint64_t)FEATURE_ENCRYPTED | FEATURE_BASE | FEATURE_SPLIT | \
		       FEATURE_DEDUP | FEATURE_PARTIAL)
/* FORMAT.md 6.1: a hostile header shall not take all memory, or a day. */
#define KDF_OPS_MAX 16u
#define KDF_MEM_MIN 8u             /* KiB */
#define KDF_MEM_MAX (1u << 20)
#define RECORD_MAGIC "\x89RHIr\r\n\x1a"

struct record {
	uint8_t type, codec, sealed;
	uint32_t body_len, plain_len, map_count;
	uint64_t seq, aux;
	uint8_t image_id[16], hash[32];
	uint32_t body_sum;
};

/* "chunk", "page", ...; "record" for a number that isn't a type. */
const char *record_name(unsigned int type);
/* out: IMAGE_HEAD_LEN bytes; fills head_sum. */
void record_put(const struct record *r, uint8_t *out);
/* NULL and *ret filled, or what is wrong, a sentence's end ("has a bad ...").
 * Checks magic, sum, types, lengths and zero fields. */
const char *record_get(const uint8_t *in, struct record *ret);
/* What a record of its type may hold in an image with these parameters. */
const char *record_fits(const struct record *r, const struct image_params *p);
/* Bytes of the body as stored that encryption adds. */
uint32_t record_extra(const struct record *r);
/* 1 if a record of this type is sealed in an encrypted image. */
int record_sealable(unsigned int type);
uint32_t body_sum(const void *body, size_t len);

void header_put(const struct image_params *p, uint8_t *out);
/* ERR_CORRUPT, or ERR_UNSUPPORTED for another version; features are left to
 * features_check.  image_id comes from the record's header. */
int header_get(const uint8_t *in, const uint8_t *image_id,
	       struct image_params *ret, struct err *e) must_check;
/* ERR_UNSUPPORTED, naming it, if `must` has a feature that isn't implemented. */
int features_check(uint64_t must, struct err *e) must_check;

/* Number of chunks of the disk, the last maybe partial. */
uint64_t params_chunks(const struct image_params *p);

struct image_end {
	uint64_t file_len, meta_off, bad_off, summary_off, root_off, chunks;
	uint8_t digest[32];
};
void end_put(const struct image_end *end, uint8_t *out);
const char *end_get(const uint8_t *in, struct image_end *ret);

/* BAD's body.  NULL and *ret filled (malloc'd, the caller's), or what is wrong. */
const char *bad_decode(const uint8_t *body, uint32_t len,
		       const struct image_params *p, struct byte_range **ret,
		       size_t *ret_n);

/* FORMAT.md 4.4; the hashes of HEADER, META, BAD, SUMMARY, ROOT, in this order. */
int root_digest(struct hasher *h, enum hash_alg a, const uint8_t hashes[5][32],
		uint8_t *ret, struct err *e) must_check;
#endif
