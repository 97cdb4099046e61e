/* fuzz.c: whole images: walk, verify, open, read at random, restore, salvage.
 *
 * Input: one byte of mode, then the image.  Checksums would stop every change
 * at once, so sums, hashes and the digest are made right again first (FIX), and
 * numbers and places in the index too (PLACES).  Encrypted images are sealed by what
 * encrypts nothing, for else no change would come behind the seal. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "imager/engine.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/record.h"
#include "imager/fmt/seal.h"
#include "imager/salvage.h"

enum { FIX = 1, PLACES = 2, AS_PIPE = 4 };
#define PLAIN_MAX (4u << 20)
#define RECORDS_MAX 256
#define DISK_MAX (8u << 20)       /* larger disks are not restored */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- instead of libsodium's: every passphrase fits, and nothing is hidden ---- */

int crypto_pwhash(unsigned char *out, unsigned long long len, const char *word, unsigned long long n,
		  const unsigned char *salt, unsigned long long ops, size_t mem, int alg)
{
	(void)word, (void)n, (void)salt, (void)ops, (void)mem, (void)alg;
	memset(out, 0, len);
	return 0;
}

int crypto_aead_xchacha20poly1305_ietf_encrypt(
	unsigned char *c, unsigned long long *c_len, const unsigned char *m, unsigned long long m_len,
	const unsigned char *ad, unsigned long long ad_len, const unsigned char *secret,
	const unsigned char *nonce, const unsigned char *key)
{
	(void)ad, (void)ad_len, (void)secret, (void)nonce, (void)key;
	memmove(c, m, m_len);
	memset(c + m_len, 0, SEAL_TAG);
	if (c_len)
		*c_len = m_len + SEAL_TAG;
	return 0;
}

int crypto_aead_xchacha20poly1305_ietf_decrypt(
	unsigned char *m, unsigned long long *m_len, unsigned char *secret, const unsigned char *c,
	unsigned long long c_len, const unsigned char *ad, unsigned long long ad_len,
	const unsigned char *nonce, const unsigned char *key)
{
	(void)ad, (void)ad_len, (void)secret, (void)nonce, (void)key;
	if (c_len < SEAL_TAG)
		return -1;
	memmove(m, c, c_len - SEAL_TAG);
	if (m_len)
		*m_len = c_len - SEAL_TAG;
	return 0;
}

static int passphrase(void *ctx, const char *name, char *buf, size_t size, struct err *e)
{
	(void)ctx, (void)name, (void)e;
	snprintf(buf, size, "x");
	return 0;
}

static const struct image_access access_all = { .passphrase = passphrase };

/* ---- what was changed is made right ---- */

struct seen {
	uint64_t off, aux;
	struct record_disk d;
};

struct fixer {
	uint8_t *image;
	size_t len;
	unsigned int mode;
	enum hash_alg alg;
	struct hasher *hasher;
	uint8_t *plain;
	struct seen seen[RECORDS_MAX];
	size_t n;
	uint8_t hashes[5][32];
};

static const struct seen *find(const struct fixer *f, unsigned int type,
			       uint64_t aux)
{
	for (size_t i = f->n; i--;)
		if (le16_get(f->seen[i].d.type) == type && f->seen[i].aux == aux)
			return &f->seen[i];
	return NULL;
}

static void fix_page(struct fixer *f, uint64_t number, uint8_t *body, uint32_t len)
{
	struct page_disk head;
	size_t at = sizeof head;

	if (len < sizeof head)
		return;
	memcpy(&head, body, sizeof head);
	for (uint32_t i = 0; i < le32_get(head.entries) &&
	     at + sizeof(struct entry_disk) <= len; i++, at += sizeof(struct entry_disk)) {
		struct entry_disk d;
		const struct seen *s;

		memcpy(&d, body + at, sizeof d);
		s = find(f, REC_CHUNK, number * PAGE_CHUNKS + le32_get(d.chunk));
		if (!s)
			continue;
		memcpy(d.hash, s->d.hash, 32);
		if (f->mode & PLACES) {
			d.offset = le64_make(s->off);
			d.body_len = s->d.body_len;
			d.plain_len = s->d.plain_len;
			d.map_count = s->d.map_count;
			d.codec = s->d.codec;
		}
		memcpy(body + at, &d, sizeof d);
	}
}

static void fix_root(struct fixer *f, uint8_t *body, uint32_t len)
{
	for (size_t at = sizeof(struct root_disk);
	     at + sizeof(struct root_page_disk) <= len; at += sizeof(struct root_page_disk)) {
		struct root_page_disk d;
		const struct seen *s;

		memcpy(&d, body + at, sizeof d);
		s = find(f, REC_PAGE, le64_get(d.page));
		if (!s)
			continue;
		memcpy(d.hash, s->d.hash, 32);
		if (f->mode & PLACES) {
			d.offset = le64_make(s->off);
			d.body_len = s->d.body_len;
			d.plain_len = s->d.plain_len;
		}
		memcpy(body + at, &d, sizeof d);
	}
}

static void fix_end(struct fixer *f, uint64_t off, uint8_t *body, uint32_t len)
{
	static const unsigned int type[4] = { REC_META, REC_BAD, REC_SUMMARY, REC_ROOT };
	struct end_disk d;
	le64 *place[4] = { &d.meta_off, &d.bad_off, &d.summary_off, &d.root_off };

	if (len != sizeof d || root_digest(f->hasher, f->alg, f->hashes,
					   body + offsetof(struct end_disk, digest), NULL) < 0)
		return;
	memcpy(&d, body, sizeof d);
	for (int i = 0; i < 4; i++) {
		const struct seen *s = find(f, type[i], 0);

		if (s && (f->mode & PLACES))
			*place[i] = le64_make(s->off);
	}
	if (f->mode & PLACES)
		d.file_len = le64_make(off + IMAGE_HEAD_LEN + len);
	memcpy(body, &d, sizeof d);
}

static void fix_hash(struct fixer *f, struct record_disk *d, const uint8_t *body,
		     uint32_t len)
{
	uint32_t map = le16_get(d->type) == REC_CHUNK ? 4 * le32_get(d->map_count) : 0;
	uint32_t plain_len = le32_get(d->plain_len);
	const uint8_t *plain = f->plain;

	if (map > len || plain_len > PLAIN_MAX)
		return;
	if (d->codec == CODEC_NONE) {
		plain = body + map;
		plain_len = len - map;
	} else if (d->codec == CODEC_ZSTD) {
		if (ZSTD_isError(ZSTD_decompress(f->plain, plain_len, body + map, len - map)))
			return;
	} else {
		memset(f->plain, 0, plain_len);
	}
	if ((d->sealed ? hash_bytes : hash_plain)(f->hasher, f->alg, plain, plain_len, d->hash, NULL) < 0)
		abort();
}

static void keep(struct fixer *f, const struct record_disk *d, uint64_t at)
{
	static const unsigned char place[16] = {
		[REC_HEADER] = 1, [REC_META] = 2, [REC_BAD] = 3, [REC_SUMMARY] = 4,
		[REC_ROOT] = 5,
	};
	unsigned int i = place[le16_get(d->type) & 15];

	if (i)
		memcpy(f->hashes[i - 1], d->hash, 32);
	f->seen[f->n++] = (struct seen){ at, le64_get(d->aux), *d };
}

/* How much a sealed body has in front of what was sealed. */
static uint32_t sealed(struct fixer *f, const struct record_disk *d, const uint8_t *body, uint32_t len)
{
	uint32_t front = SEAL_NONCE + (le16_get(d->type) == REC_META ? SEAL_WRAPPED : 0);
	struct image_key key;

	if (!d->sealed || len < front + SEAL_TAG)
		return 0;
	if (le16_get(d->type) == REC_META) {
		seal_key(body + SEAL_NONCE, &key);
		hasher_key(f->hasher, key.hash);
	}
	return front;
}

static void fix_body(struct fixer *f, struct record_disk *d, uint64_t at, uint8_t *body, uint32_t len)
{
	if (le16_get(d->type) == REC_PAGE && d->codec == CODEC_NONE)
		fix_page(f, le64_get(d->aux), body, len);
	if (le16_get(d->type) == REC_ROOT)
		fix_root(f, body, len);
	if (le16_get(d->type) == REC_END)
		fix_end(f, at, body, len);
	fix_hash(f, d, body, len);
}

static void fix(struct fixer *f)
{
	size_t at = 0;

	while (f->len - at >= IMAGE_HEAD_LEN && f->n < RECORDS_MAX) {
		uint8_t *body = f->image + at + IMAGE_HEAD_LEN;
		struct record_disk d;
		uint32_t len, seal;

		memcpy(&d, f->image + at, sizeof d);
		len = le32_get(d.body_len);
		if (len > f->len - at - IMAGE_HEAD_LEN)
			break;
		if (f->mode & PLACES) {
			memcpy(d.magic, RECORD_MAGIC, 8);
			memcpy(d.image_id, f->image + offsetof(struct record_disk, image_id), 16);
			d.seq = le64_make(f->n);
		}
		seal = sealed(f, &d, body, len);
		fix_body(f, &d, at, body + seal, seal ? len - seal - SEAL_TAG : len);
		d.body_sum = le32_make(body_sum(body, len));
		d.head_sum = le32_make(body_sum(&d, offsetof(struct record_disk, head_sum)));
		memcpy(f->image + at, &d, sizeof d);
		keep(f, &d, at);
		at += IMAGE_HEAD_LEN + len;
	}
}

static void make_right(uint8_t *image, size_t len, unsigned int mode)
{
	struct fixer *f = calloc(1, sizeof *f);

	if (!f || hasher_new(&f->hasher, NULL) < 0 || !(f->plain = malloc(PLAIN_MAX)))
		abort();
	f->image = image;
	f->len = len;
	f->mode = mode;
	f->alg = len > 0x90 && image[0x8c] == HASH_BLAKE2B ? HASH_BLAKE2B : HASH_SHA256;
	fix(f);
	hasher_free(f->hasher);
	free(f->plain);
	free(f);
}

/* ---- what is tested ---- */

static void bad(void *ctx, const struct verify_bad *b)
{
	(void)ctx;
	if (!b->record || !b->text)
		abort();
}

static int verify(struct blkdev *d, int as_pipe, struct verify_result *ret)
{
	struct verify_options opt = { .job.workers = -1, .bad = bad };
	struct store_in *in;
	struct err e;
	int r = store_open_dev(d, as_pipe, &in, &e);

	if (r == 0) {
		in->access = &access_all;
		r = verify_run(in, &opt, NULL, ret, &e);
	}
	store_close(in);
	return r;
}

static int sum(void *ctx, uint64_t off, uint64_t len)
{
	(void)off;
	*(uint64_t *)ctx += len;
	return 0;
}

/* Everything that can be read.  Returns how often something failed. */
static int read_all(struct image *im, uint8_t *disk)
{
	const struct image_params *p = image_params(im);
	uint64_t used = 0, step = p->disk_size / 64 + 1;
	uint8_t buf[3000];
	struct err e;
	int failed = image_extents(im, sum, &used, &e) != 0;

	if (!failed && used != p->used_bytes)
		abort();
	if (disk)
		return failed + (image_read(im, 0, disk, p->disk_size, &e) != 0);
	for (uint64_t at = 0; at < p->disk_size; at += step) {
		size_t n = sizeof buf < p->disk_size - at ? sizeof buf : p->disk_size - at;

		failed += image_read(im, at, buf, n, &e) != 0;
	}
	return failed;
}

static int restore(struct blkdev *f, const struct image_params *p, int as_pipe,
		   uint8_t *disk)
{
	struct restore_options opt = { .job.workers = -1, .verify = !as_pipe,
				       .keep_gpt = 1 };
	struct restore_result res;
	struct store_in *in;
	struct blkdev *t;
	struct err e;
	int r;

	if (dev_mem(disk, p->disk_size, 1, &t, &e) < 0 ||
	    store_open_dev(f, as_pipe, &in, &e) < 0)
		abort();
	in->access = &access_all;
	t->sector_size = p->sector_size;
	r = restore_run(in, t, &opt, NULL, &res, &e);
	store_close(in);
	if (store_open_dev(f, 0, &in, &e) < 0)
		abort();
	in->access = &access_all;
	/* what is there already isn't written again; of a bad one nothing is asked */
	opt.how = RESTORE_DELTA;
	opt.verify = 0;
	if (restore_run(in, t, &opt, NULL, &res, &e) < 0 ? r == 0 : r == 0 && res.began)
		abort();
	store_close(in);
	dev_close(t);
	return r;
}

static int to_nothing(void *ctx, const void *buf, size_t len, struct err *e)
{
	(void)ctx;
	(void)buf;
	(void)len;
	(void)e;
	return 0;
}

/* As it was at its last COMMIT, and written on from there. */
static void try_cut(struct blkdev *f)
{
	struct image_sink sink = { .append = to_nothing };
	struct image_writer *w;
	struct image *im;
	uint64_t used = 0;
	struct err e;

	if (image_open_cut(f, &access_all, &im, &e) < 0)
		return;
	if (image_extents(im, sum, &used, &e) == 0 && image_file_len(im) <= f->size &&
	    image_writer_resume(im, &sink, &w, &e) == 0) {
		if (image_writer_len(w) != image_file_len(im) ||
		    image_writer_commit(w, NULL, 0, &e) < 0)
			abort();
		image_writer_free(w);
	}
	image_close(im);
}

/* ---- salvage ---- */

#define SALVAGED_MAX (16u << 20)  /* a damaged image can name much that is lost */

struct kept {
	struct store_out s;
	uint8_t *bytes;
	size_t len;
};

static int kept_append(struct store_out *s, const void *buf, size_t len, struct err *e)
{
	struct kept *k = (struct kept *)s;

	if (len > SALVAGED_MAX - k->len)
		return err_set(e, ERR_NOSPACE, "too long for a test");
	memcpy(k->bytes + k->len, buf, len);
	k->len += len;
	return 0;
}

static const struct store_out_ops kept_ops = { .append = kept_append };

/* What was salvaged is an image without fault. */
static void check_salvaged(struct kept *k, const uint8_t *digest, const struct salvage_found *f)
{
	struct verify_result v = { 0 };
	struct blkdev *d;

	if (dev_mem(k->bytes, k->len, 0, &d, NULL) < 0)
		abort();
	if (verify(d, 0, &v) < 0 || !v.ok || memcmp(v.digest, digest, sizeof v.digest) ||
	    v.bytes != f->bytes + f->lost)
		abort();
	dev_close(d);
}

/* good: verify said so; then all of it must come back. */
static void try_salvage(struct blkdev *f, int good)
{
	struct salvage_source src = { .file = f, .access = &access_all };
	struct salvage_options opt = { .from = "fuzz" };
	struct kept k = { .s = { .ops = &kept_ops, .name = (char *)"memory" } };
	const struct salvage_found *found;
	struct salvage *s = NULL;
	uint8_t digest[32];
	struct err e;
	int r = salvage_look(&src, NULL, &s, &e);

	if (r < 0) {
		if (good)
			abort();
		return;
	}
	found = salvage_found(s);
	if (good && (found->lost || found->missing || found->n_unknown || found->bad_records))
		abort();
	if (found->params.must & FEATURE_ENCRYPTED)
		opt.passphrase = "x";
	k.bytes = malloc(SALVAGED_MAX);
	if (!k.bytes)
		abort();
	r = salvage_write(s, &opt, &k.s, digest, &e);
	/* there is no reason to fail but the test's own limits */
	if (r == 0)
		check_salvaged(&k, digest, found);
	else if (r != ERR_NOSPACE && r != ERR_SECRET && r != ERR_UNSUPPORTED && r != ERR_NOMEM)
		abort();
	free(k.bytes);
	salvage_free(s);
}

/* What verify calls good, every reader must be able to read, and the same. */
static void try(struct blkdev *f, unsigned int mode)
{
	struct verify_result v = { 0 };
	uint8_t *disk = NULL, *back = NULL;
	struct image_ident id;
	struct image *im = NULL;
	struct err e;
	int good = verify(f, mode & AS_PIPE, &v) == 0 && v.ok, failed;
	uint64_t size = 0;

	if (image_identify(f, &id, &e) < 0 && good)
		abort();
	failed = image_open(f, &access_all, &im, &e);
	if (im && image_params(im)->disk_size && image_params(im)->disk_size <= DISK_MAX) {
		size = image_params(im)->disk_size;
		disk = malloc(size);
		back = calloc(1, size);
	}
	if (im)
		failed = read_all(im, disk);
	if (good && failed)
		abort();
	if (im && size) {
		int r = restore(f, image_params(im), mode & AS_PIPE, back);

		if (!!r == good || (good && memcmp(disk, back, size)))
			abort();
	}
	image_close(im);
	free(disk);
	free(back);
	try_salvage(f, good && failed == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *image;
	struct blkdev *d;
	struct err e;

	if (size < 2 || size > 1u << 20)
		return 0;
	image = malloc(size - 1);
	if (!image)
		return 0;
	memcpy(image, data + 1, size - 1);
	if (data[0] & FIX)
		make_right(image, size - 1, data[0]);
	if (dev_mem(image, size - 1, 0, &d, &e) == 0) {
		try(d, data[0]);
		try_cut(d);
		dev_close(d);
	}
	free(image);
	return 0;
}
