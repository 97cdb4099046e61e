/* seal.c: see seal.h. */
#include "imager/fmt/seal.h"
#include <sodium.h>
#include <string.h>
#include "common/cleanup.h"
#include "imager/fmt/disk.h"

_Static_assert(SEAL_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
	       SEAL_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
	       SEAL_WRAPPED == SEAL_NONCE + 32 + SEAL_TAG, "FORMAT.md 6");
_Static_assert(sizeof ((struct image_params *)0)->salt == crypto_pwhash_SALTBYTES, "FORMAT.md 2.2");

/* FORMAT.md 6.2: the header as far as it is known before the record's place is. */
static void record_context(const struct record *r, uint8_t *out)
{
	struct record c = *r;

	c.seq = 0;
	c.body_sum = 0;
	record_put(&c, out);
	memset(out + offsetof(struct record_disk, head_sum), 0, 4);
}

void seal_body(const struct image_key *k, const struct record *r, uint8_t *body, size_t len)
{
	uint8_t context[IMAGE_HEAD_LEN];

	record_context(r, context);
	randombytes_buf(body, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(body + SEAL_NONCE, NULL, body + SEAL_NONCE, len,
						   context, sizeof context, NULL, body, k->data);
}

const char *unseal_body(const struct image_key *k, const struct record *r, uint8_t *body,
			uint8_t **ret, uint32_t *ret_len)
{
	uint8_t context[IMAGE_HEAD_LEN], *nonce = body, *at;
	uint32_t len = r->body_len - record_extra(r);

	if (r->type == REC_META)
		nonce += SEAL_WRAPPED;
	at = nonce + SEAL_NONCE;
	record_context(r, context);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, at, len + SEAL_TAG, context,
						       sizeof context, nonce, k->data))
		return "was changed after it was encrypted";
	*ret = at;
	*ret_len = len;
	return NULL;
}

/* ---- the key ---- */

static int key_of_passphrase(const struct image_params *p, const char *passphrase,
			     uint8_t *ret, struct err *e)
{
	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium could not be started");
	if (crypto_pwhash(ret, 32, passphrase, strlen(passphrase), p->salt, p->kdf_ops,
			  (size_t)p->kdf_mem_kib << 10, crypto_pwhash_ALG_ARGON2ID13))
		return err_set(e, ERR_NOMEM, "out of memory for the passphrase's key (%u KiB)",
			       p->kdf_mem_kib);
	return 0;
}

static void make_hash_key(struct image_key *k)
{
	crypto_kdf_derive_from_key(k->hash, sizeof k->hash, 1, "rhi-hash", k->data);
}

void seal_key(const uint8_t *data, struct image_key *ret)
{
	memcpy(ret->data, data, sizeof ret->data);
	make_hash_key(ret);
}

int image_seal_new(struct image_params *p, const char *passphrase,
		   struct image_seal *ret, struct err *e)
{
	uint8_t header[HEADER_LEN], outer[32];
	int r;

	randombytes_buf(p->salt, sizeof p->salt);
	randombytes_buf(ret->key.data, sizeof ret->key.data);
	p->must |= FEATURE_ENCRYPTED;
	p->kdf_ops = KDF_OPS;
	p->kdf_mem_kib = KDF_MEM;
	r = key_of_passphrase(p, passphrase, outer, e);
	if (r < 0)
		return r;
	header_put(p, header);
	randombytes_buf(ret->wrapped, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(ret->wrapped + SEAL_NONCE, NULL, ret->key.data, 32,
						   header, sizeof header, NULL, ret->wrapped, outer);
	explicit_bzero(outer, sizeof outer);
	make_hash_key(&ret->key);
	return 0;
}

static int unwrap(const struct image_params *p, const uint8_t *wrapped, const char *passphrase,
		  struct image_key *ret, struct err *e)
{
	uint8_t header[HEADER_LEN], outer[32];
	int r = key_of_passphrase(p, passphrase, outer, e);

	if (r < 0)
		return r;
	header_put(p, header);
	r = crypto_aead_xchacha20poly1305_ietf_decrypt(ret->data, NULL, NULL, wrapped + SEAL_NONCE,
						       32 + SEAL_TAG, header, sizeof header,
						       wrapped, outer);
	explicit_bzero(outer, sizeof outer);
	return r;
}

int seal_try(const struct image_params *p, const uint8_t *wrapped, const char *name,
	     const struct image_access *a, struct image_key *ret, struct err *e)
{
	char passphrase[IMAGE_PASSPHRASE_MAX];
	int r;

	if (!a || !a->passphrase)
		return err_set(e, ERR_SECRET, "%s is encrypted; its passphrase is needed", name);
	r = a->passphrase(a->ctx, name, passphrase, sizeof passphrase, e);
	if (r < 0)
		return r;
	r = unwrap(p, wrapped, passphrase, ret, e);
	explicit_bzero(passphrase, sizeof passphrase);
	if (r < 0)
		return r == ERR_NOMEM || r == ERR_INTERNAL ? r :
			err_set(e, ERR_SECRET, "%s can't be opened: the passphrase is wrong, or the image's header was changed",
				name);
	make_hash_key(ret);
	return 0;
}

int seal_open(const struct image_params *p, const uint8_t *meta, const char *name,
	      const struct image_access *a, struct image_key *ret, struct err *e)
{
	struct record head;

	if (record_get(meta, &head) || head.type != REC_META || !head.sealed)
		return err_set(e, ERR_CORRUPT, "%s: the meta record, which holds the key, is damaged", name);
	return seal_try(p, meta + IMAGE_HEAD_LEN, name, a, ret, e);
}
