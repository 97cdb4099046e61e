/* record.c: see record.h. */
#include "imager/fmt/record.h"
#include <string.h>
#include <xxhash.h>
#include "imager/fmt/disk.h"
#include "imager/fmt/refs.h"

static const char *const names[] = {
	[REC_HEADER] = "header", [REC_META] = "meta", [REC_CHUNK] = "chunk",
	[REC_PAGE] = "page", [REC_COMMIT] = "commit", [REC_BAD] = "bad",
	[REC_SUMMARY] = "summary", [REC_ROOT] = "root", [REC_END] = "end",
	[REC_VOLUME] = "volume",
};

const char *record_name(unsigned int type)
{
	return type >= REC_HEADER && type <= REC_VOLUME ? names[type] : "record";
}

uint32_t body_sum(const void *body, size_t len)
{
	return (uint32_t)XXH3_64bits(body, len);
}

void record_put(const struct record *r, uint8_t *out)
{
	struct record_disk d = {
		.type = le16_make(r->type), .codec = r->codec, .sealed = r->sealed,
		.body_len = le32_make(r->body_len),
		.plain_len = le32_make(r->plain_len),
		.map_count = le32_make(r->map_count),
		.seq = le64_make(r->seq), .aux = le64_make(r->aux),
		.body_sum = le32_make(r->body_sum),
	};

	memcpy(d.magic, RECORD_MAGIC, sizeof d.magic);
	memcpy(d.image_id, r->image_id, sizeof d.image_id);
	memcpy(d.hash, r->hash, sizeof d.hash);
	d.head_sum = le32_make(body_sum(&d, offsetof(struct record_disk, head_sum)));
	memcpy(out, &d, sizeof d);
}

int record_sealable(unsigned int type)
{
	return type != REC_HEADER && type != REC_END && type != REC_VOLUME;
}

uint32_t record_extra(const struct record *r)
{
	return !r->sealed ? 0 : SEAL_NONCE + SEAL_TAG + (r->type == REC_META ? SEAL_WRAPPED : 0);
}

/* FORMAT.md 2.1: the fields that must be zero, and the limits. */
static const char *fields_wrong(const struct record *r)
{
	int is_chunk = r->type == REC_CHUNK;

	if (r->sealed > 1 || (r->sealed && !record_sealable(r->type)))
		return "is encrypted, which it must not be";
	if (r->body_len < record_extra(r))
		return "is too short";
	if (r->codec > CODEC_PATCH || (r->codec > CODEC_ZSTD && !is_chunk))
		return "has an unknown codec";
	if (r->body_len > REC_BODY_MAX || r->plain_len > REC_PLAIN_MAX)
		return "is longer than the format permits";
	if (!is_chunk && r->map_count)
		return "has a map but isn't a chunk";
	if (r->aux && !is_chunk && r->type != REC_PAGE &&
	    r->type != REC_COMMIT && r->type != REC_VOLUME)
		return "has a nonzero reserved field";
	if (!is_chunk && r->codec == CODEC_NONE && r->body_len - record_extra(r) != r->plain_len)
		return "has two different lengths";
	return NULL;
}

const char *record_get(const uint8_t *in, struct record *ret)
{
	struct record_disk d;
	struct record r;
	unsigned int type;
	const char *wrong;

	memcpy(&d, in, sizeof d);
	if (memcmp(d.magic, RECORD_MAGIC, sizeof d.magic))
		return "doesn't begin with the mark of a record";
	if (le32_get(d.head_sum) != body_sum(&d, offsetof(struct record_disk, head_sum)))
		return "has a header whose checksum is wrong";
	type = le16_get(d.type);
	if (type < REC_HEADER || type > REC_VOLUME)
		return "is of an unknown type";
	r = (struct record){
		.type = (uint8_t)type, .codec = d.codec, .sealed = d.sealed,
		.body_len = le32_get(d.body_len),
		.plain_len = le32_get(d.plain_len),
		.map_count = le32_get(d.map_count),
		.seq = le64_get(d.seq), .aux = le64_get(d.aux),
		.body_sum = le32_get(d.body_sum),
	};
	memcpy(r.image_id, d.image_id, sizeof r.image_id);
	memcpy(r.hash, d.hash, sizeof r.hash);
	wrong = fields_wrong(&r);
	if (!wrong)
		*ret = r;
	return wrong;
}

static const char *chunk_wrong(const struct record *r,
			       const struct image_params *p)
{
	uint32_t map_len, len = r->body_len - record_extra(r);

	if (r->aux >= params_chunks(p))
		return "is for a place behind the disk's end";
	if (!r->map_count || r->map_count > p->chunk_size / REC_UNIT)
		return "has an impossible number of map entries";
	map_len = 4 * r->map_count;
	if (!r->plain_len || r->plain_len > p->chunk_size)
		return "holds more than a chunk, or nothing";
	if (refs_needed(r) && !(p->must & FEATURES_REFER))
		return "refers to another chunk in an image without such references";
	if (refs_needed(r) && (len < map_len + REF_LEN ||
			       (r->codec == CODEC_REFERENCE) != (len == map_len + REF_LEN)))
		return "refers to another chunk in a way that isn't known";
	if (r->body_len < record_extra(r) || len < map_len || len - map_len > r->plain_len)
		return "has a body longer than its content, or shorter than its map";
	if (r->codec == CODEC_ZEROS && len != map_len)
		return "holds data though it says that all is zero";
	if (r->codec == CODEC_NONE && len - map_len != r->plain_len)
		return "has two different lengths";
	return NULL;
}

const char *record_fits(const struct record *r, const struct image_params *p)
{
	/* each entry needs its 64 bytes, and each unit at most half a map entry */
	uint64_t page_max = 8 + (uint64_t)PAGE_CHUNKS *
		(sizeof(struct entry_disk) + p->chunk_size / REC_UNIT / 2 * 4);
	uint32_t len = r->body_len - record_extra(r);

	if (r->sealed != (record_sealable(r->type) && (p->must & FEATURE_ENCRYPTED)))
		return r->sealed ? "is encrypted in an image that isn't" :
				   "isn't encrypted in an image that is";
	switch (r->type) {
	case REC_HEADER:
		return r->codec || r->body_len != HEADER_LEN ? "has a wrong length" : NULL;
	case REC_META:
	case REC_SUMMARY:
		return r->plain_len > REC_JSON_MAX ? "is longer than the format permits" : NULL;
	case REC_CHUNK:
		return chunk_wrong(r, p);
	case REC_PAGE:
		return r->plain_len > page_max ? "is longer than the format permits" : NULL;
	case REC_COMMIT:
		return r->codec || len < sizeof(struct commit_disk) ||
		       (len - sizeof(struct commit_disk)) % sizeof(struct bad_disk) ?
			"has a wrong length" : NULL;
	case REC_BAD:
		return r->plain_len % sizeof(struct bad_disk) ? "has a wrong length" : NULL;
	case REC_ROOT:
		return r->codec ? "is compressed, which it must not be" : NULL;
	case REC_END:
		return r->codec || r->body_len != END_LEN ? "has a wrong length" : NULL;
	default:
		return "doesn't belong here";
	}
}
