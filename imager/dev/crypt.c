/* crypt.c: the plain bytes of an encrypted device, sector by sector; read-only. */
#include "imager/dev/crypt.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "common/le.h"

#define ROOM 65536u             /* bytes that are decrypted at once */

struct dev_crypt {
	struct blkdev d;
	struct blkdev *below;
	struct crypt_spec spec;
	EVP_CIPHER_CTX *data;
	EVP_CIPHER_CTX *iv;     /* NULL: the number itself is the start value */
	uint8_t buf[ROOM];
};

struct cipher { enum crypt_mode mode; size_t key_len; const EVP_CIPHER *(*evp)(void); };

static const struct cipher ciphers[] = {
	{ CRYPT_XTS, 32, EVP_aes_128_xts }, { CRYPT_XTS, 64, EVP_aes_256_xts },
	{ CRYPT_CBC_PLAIN, 16, EVP_aes_128_cbc }, { CRYPT_CBC_PLAIN, 32, EVP_aes_256_cbc },
	{ CRYPT_CBC_ESSIV, 16, EVP_aes_128_cbc }, { CRYPT_CBC_ESSIV, 32, EVP_aes_256_cbc },
	{ CRYPT_CBC_EBOIV, 16, EVP_aes_128_cbc }, { CRYPT_CBC_EBOIV, 32, EVP_aes_256_cbc },
};

static const struct cipher *find_cipher(const struct crypt_spec *s)
{
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
		if (ciphers[i].mode == s->mode && ciphers[i].key_len == s->key_len)
			return &ciphers[i];
	return NULL;
}

static int failed(const struct dev_crypt *c, struct err *e)
{
	return err_set(e, ERR_INTERNAL, "%s: decryption failed", c->d.name);
}

/* One sector in place; n: its number, of 512 bytes. */
static int decrypt(struct dev_crypt *c, uint8_t *p, uint64_t n)
{
	uint8_t iv[16] = { 0 };
	le64 v = le64_make(c->spec.mode == CRYPT_CBC_EBOIV ? n * 512 : n);
	int len;

	memcpy(iv, &v, 8);
	if (c->iv && EVP_EncryptUpdate(c->iv, iv, &len, iv, 16) != 1)
		return -1;
	if (EVP_DecryptInit_ex(c->data, NULL, NULL, NULL, iv) != 1)
		return -1;
	return EVP_DecryptUpdate(c->data, p, &len, p, (int)c->spec.sector) == 1 ? 0 : -1;
}

static int crypt_read(struct blkdev *d, uint64_t off, void *buf, size_t len, struct err *e)
{
	struct dev_crypt *c = (struct dev_crypt *)d;
	uint32_t sector = c->spec.sector;
	uint8_t *out = buf;

	while (len) {
		uint64_t start = off / sector * sector;
		size_t skip = (size_t)(off - start), want = len < ROOM - skip ? len : ROOM - skip;
		size_t whole = (skip + want + sector - 1) / sector * sector;
		int r = dev_read(c->below, start, c->buf, whole, e);

		if (r < 0)
			return r;
		for (size_t i = 0; i < whole; i += sector)
			if (decrypt(c, c->buf + i, c->spec.first + (start + i) / 512) < 0)
				return failed(c, e);
		memcpy(out, c->buf + skip, want);
		out += want;
		off += want;
		len -= want;
	}
	return 0;
}

static void crypt_will_need(struct blkdev *d, uint64_t off, uint64_t len)
{
	dev_will_need(((struct dev_crypt *)d)->below, off, len);
}

static void crypt_close(struct blkdev *d)
{
	struct dev_crypt *c = (struct dev_crypt *)d;

	EVP_CIPHER_CTX_free(c->data);
	EVP_CIPHER_CTX_free(c->iv);
	explicit_bzero(&c->spec, sizeof c->spec);
}

static const struct blkdev_ops ops = {
	.read = crypt_read, .will_need = crypt_will_need, .close = crypt_close,
};

/* What encrypts start values: a cipher whose key is the hash of the volume's, or that. */
static int init_iv(struct dev_crypt *c)
{
	int essiv = c->spec.mode == CRYPT_CBC_ESSIV, ok;
	uint8_t hash[32];

	c->iv = EVP_CIPHER_CTX_new();
	ok = c->iv && EVP_Digest(c->spec.key, c->spec.key_len, hash, NULL, EVP_sha256(), NULL) == 1 &&
	     EVP_EncryptInit_ex(c->iv, essiv || c->spec.key_len == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb(),
				NULL, essiv ? hash : c->spec.key, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(c->iv, 0) == 1;
	explicit_bzero(hash, sizeof hash);
	return ok;
}

int crypt_spec_known(const struct crypt_spec *s)
{
	return find_cipher(s) && s->sector >= 512 && s->sector <= 4096 && !(s->sector & (s->sector - 1));
}

int dev_crypt(struct blkdev *below, const struct crypt_spec *s, struct blkdev **ret, struct err *e)
{
	struct dev_crypt *c;
	int ok;

	if (!crypt_spec_known(s))
		return err_set(e, ERR_INTERNAL, "%s: a cipher that isn't known", below->name);
	c = dev_new(sizeof *c, &ops, below->size / s->sector * s->sector, e, "%s, decrypted", below->name);
	if (!c)
		return ERR_NOMEM;
	c->below = below;
	c->spec = *s;
	c->d.sector_size = s->sector > below->sector_size ? s->sector : below->sector_size;
	c->d.phys_size = below->phys_size > c->d.sector_size ? below->phys_size : c->d.sector_size;
	c->data = EVP_CIPHER_CTX_new();
	ok = c->data && EVP_DecryptInit_ex(c->data, find_cipher(s)->evp(), NULL, s->key, NULL) == 1 &&
	     EVP_CIPHER_CTX_set_padding(c->data, 0) == 1 &&
	     (s->mode == CRYPT_XTS || s->mode == CRYPT_CBC_PLAIN || init_iv(c));
	if (!ok) {
		failed(c, e);
		dev_close(&c->d);
		return ERR_INTERNAL;
	}
	*ret = &c->d;
	return 0;
}
