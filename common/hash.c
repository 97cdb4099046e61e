/* hash.c: see hash.h.  SHA-256 by OpenSSL, BLAKE2b by libsodium. */
#include "common/hash.h"
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	int keyed;
	uint8_t key[HASH_LEN];
};

const char *hash_name(enum hash_alg a)
{
	return a == HASH_SHA256 ? "sha256" : a == HASH_BLAKE2B ? "blake2b" : NULL;
}

static int cpu_has_sha(void)
{
#if defined(__x86_64__) || defined(__i386__)
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
	return 0;
#endif
}

enum hash_alg hash_best(void)
{
	return cpu_has_sha() ? HASH_SHA256 : HASH_BLAKE2B;
}

int hasher_new(struct hasher **ret, struct err *e)
{
	struct hasher *h;

	if (sodium_init() < 0)
		return err_set(e, ERR_INTERNAL, "libsodium could not be started");
	h = calloc(1, sizeof *h);
	if (h) {
		h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
		h->ctx = EVP_MD_CTX_new();
	}
	if (!h || !h->md || !h->ctx) {
		hasher_free(h);
		return err_set(e, ERR_NOMEM, "out of memory for hashing");
	}
	*ret = h;
	return 0;
}

struct hasher *hasher_free(struct hasher *h)
{
	if (!h)
		return NULL;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	explicit_bzero(h->key, sizeof h->key);
	free(h);
	return NULL;
}

void hasher_key(struct hasher *h, const uint8_t *key)
{
	h->keyed = 1;
	memcpy(h->key, key, sizeof h->key);
}

int hash_bytes(struct hasher *h, enum hash_alg a, const void *buf, size_t len,
	       uint8_t *ret, struct err *e)
{
	if (!h->keyed)
		return hash_plain(h, a, buf, len, ret, e);
	if (a == HASH_BLAKE2B) {
		crypto_generichash(ret, HASH_LEN, buf, len, h->key, sizeof h->key);
		return 0;
	}
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, h->key, sizeof h->key, buf, len,
		       ret, HASH_LEN, NULL))
		return err_set(e, ERR_INTERNAL, "libcrypto could not make an HMAC");
	return 0;
}

int hash_plain(struct hasher *h, enum hash_alg a, const void *buf, size_t len,
	       uint8_t *ret, struct err *e)
{
	if (a == HASH_BLAKE2B) {
		crypto_generichash(ret, HASH_LEN, buf, len, NULL, 0);
		return 0;
	}
	if (!EVP_DigestInit_ex(h->ctx, h->md, NULL) ||
	    !EVP_DigestUpdate(h->ctx, buf, len) ||
	    !EVP_DigestFinal_ex(h->ctx, ret, NULL))
		return err_set(e, ERR_INTERNAL, "libcrypto could not make a SHA-256");
	return 0;
}

void hex_encode(const uint8_t *bytes, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * n] = 0;
}
