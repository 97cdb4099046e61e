/* params.c: the bodies of HEADER and END (FORMAT.md 2.2, 2.3, 4.4), and the
 * root digest. */
#include <stdio.h>
#include <string.h>
#include "imager/fmt/disk.h"
#include "imager/fmt/record.h"

static const uint8_t header_ident[8] = "REHOST\0\1";
static const uint8_t end_ident[8] = "RHI-END\1";

static const char *const features[] = {
	[0] = "it is encrypted",
	"it holds only what changed since another image (base)",
	"it is split into volumes",
	"it stores equal chunks once (dedup)",
	"it uses feature 4",
};

int features_check(uint64_t must, struct err *e)
{
	unsigned int bit;

	must &= ~FEATURES_KNOWN;
	if (!must)
		return 0;
	bit = (unsigned int)__builtin_ctzll(must);
	if (bit < sizeof features / sizeof *features)
		return err_set(e, ERR_UNSUPPORTED,
			       "this version can't read the image: %s; use a newer version",
			       features[bit]);
	return err_set(e, ERR_UNSUPPORTED,
		       "this version can't read the image: it needs feature number %u; use a newer version",
		       bit);
}

uint64_t params_chunks(const struct image_params *p)
{
	return p->disk_size / p->chunk_size + (p->disk_size % p->chunk_size != 0);
}

void header_put(const struct image_params *p, uint8_t *out)
{
	struct header_disk d = {
		.version = le32_make(1), .chunk_size = le32_make(p->chunk_size),
		.must = le64_make(p->must), .may = le64_make(p->may),
		.disk_size = le64_make(p->disk_size),
		.sector_size = le32_make(p->sector_size),
		.hash_alg = le32_make(p->hash),
		.used_bytes = le64_make(p->used_bytes),
		.used_end = le64_make(p->used_end),
		.created = le64_make(p->created),
		.page_chunks = le32_make(PAGE_CHUNKS),
		.kdf_ops = le32_make(p->kdf_ops),
		.kdf_mem_kib = le32_make(p->kdf_mem_kib),
	};

	memcpy(d.salt, p->salt, sizeof d.salt);
	memcpy(d.ident, header_ident, sizeof d.ident);
	memcpy(out, &d, sizeof d);
}

static const char *params_wrong(const struct image_params *p,
				const struct header_disk *d)
{
	static const uint8_t zero[24];

	if (p->chunk_size < IMAGE_CHUNK_MIN || p->chunk_size > IMAGE_CHUNK_MAX ||
	    (p->chunk_size & (p->chunk_size - 1)))
		return "chunk size";
	if (p->sector_size != 512 && p->sector_size != 4096)
		return "sector size";
	if (!hash_name(p->hash))
		return "hash function";
	if (p->disk_size > INT64_MAX)
		return "disk size";
	if (p->used_end > p->disk_size || p->used_bytes > p->used_end ||
	    !p->used_bytes != !p->used_end)
		return "number of used bytes";
	if (le32_get(d->page_chunks) != PAGE_CHUNKS)
		return "number of chunks a page";
	if (le32_get(d->zero) || memcmp(d->zero2, zero, sizeof d->zero2))
		return "reserved field";
	if (!(p->must & FEATURE_ENCRYPTED) &&
	    (memcmp(d->salt, zero, sizeof d->salt) || le32_get(d->kdf_ops) ||
	     le32_get(d->kdf_mem_kib)))
		return "reserved field";
	if ((p->must & FEATURE_ENCRYPTED) &&
	    (!p->kdf_ops || p->kdf_ops > KDF_OPS_MAX ||
	     p->kdf_mem_kib < KDF_MEM_MIN || p->kdf_mem_kib > KDF_MEM_MAX))
		return "cost of trying a passphrase";
	return NULL;
}

int header_get(const uint8_t *in, const uint8_t *image_id,
	       struct image_params *ret, struct err *e)
{
	struct header_disk d;
	struct image_params p;
	const char *wrong;

	memcpy(&d, in, sizeof d);
	if (memcmp(d.ident, header_ident, sizeof d.ident))
		return err_set(e, ERR_CORRUPT, "the header isn't that of an image");
	if (le32_get(d.version) != 1)
		return err_set(e, ERR_UNSUPPORTED,
			       "the image is of format version %u; this program knows version 1; use a newer one",
			       le32_get(d.version));
	p = (struct image_params){
		.disk_size = le64_get(d.disk_size),
		.used_bytes = le64_get(d.used_bytes),
		.used_end = le64_get(d.used_end),
		.sector_size = le32_get(d.sector_size),
		.chunk_size = le32_get(d.chunk_size),
		.hash = (enum hash_alg)le32_get(d.hash_alg),
		.created = le64_get(d.created),
		.must = le64_get(d.must), .may = le64_get(d.may),
		.kdf_ops = le32_get(d.kdf_ops), .kdf_mem_kib = le32_get(d.kdf_mem_kib),
	};
	memcpy(p.salt, d.salt, sizeof p.salt);
	memcpy(p.image_id, image_id, sizeof p.image_id);
	wrong = params_wrong(&p, &d);
	if (wrong)
		return err_set(e, ERR_CORRUPT, "the header holds an impossible %s", wrong);
	*ret = p;
	return 0;
}

void end_put(const struct image_end *end, uint8_t *out)
{
	struct end_disk d = {
		.file_len = le64_make(end->file_len),
		.meta_off = le64_make(end->meta_off),
		.bad_off = le64_make(end->bad_off),
		.summary_off = le64_make(end->summary_off),
		.root_off = le64_make(end->root_off),
		.chunks = le64_make(end->chunks),
	};

	memcpy(d.ident, end_ident, sizeof d.ident);
	memcpy(d.digest, end->digest, sizeof d.digest);
	memcpy(out, &d, sizeof d);
}

const char *end_get(const uint8_t *in, struct image_end *ret)
{
	struct end_disk d;

	memcpy(&d, in, sizeof d);
	if (memcmp(d.ident, end_ident, sizeof d.ident))
		return "doesn't hold the mark of an image's end";
	if (le64_get(d.zero))
		return "has a nonzero reserved field";
	*ret = (struct image_end){
		.file_len = le64_get(d.file_len),
		.meta_off = le64_get(d.meta_off),
		.bad_off = le64_get(d.bad_off),
		.summary_off = le64_get(d.summary_off),
		.root_off = le64_get(d.root_off),
		.chunks = le64_get(d.chunks),
	};
	memcpy(ret->digest, d.digest, sizeof ret->digest);
	return NULL;
}

int root_digest(struct hasher *h, enum hash_alg a, const uint8_t hashes[5][32],
		uint8_t *ret, struct err *e)
{
	uint8_t buf[16 + 5 * 32] = "rehost-root-1\0\0\0";

	memcpy(buf + 16, hashes, 5 * 32);
	return hash_bytes(h, a, buf, sizeof buf, ret, e);
}
