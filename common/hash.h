/* hash.h: the cryptographic hashes that images use, 32 bytes of output. */
#ifndef REHOST_HASH_H
#define REHOST_HASH_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

/* The numbers are those of docs/FORMAT.md 2.2. */
enum hash_alg { HASH_SHA256 = 1, HASH_BLAKE2B = 2 };
#define HASH_LEN 32

/* "sha256", "blake2b"; NULL for what isn't one. */
const char *hash_name(enum hash_alg a);
/* SHA-256 where the processor has instructions for it, else BLAKE2b. */
enum hash_alg hash_best(void);

/* What hashing needs beside its input; one per thread. */
struct hasher;
int hasher_new(struct hasher **ret, struct err *e) must_check;
struct hasher *hasher_free(struct hasher *h);
/* From now on hash_bytes() is keyed: HMAC-SHA-256, BLAKE2b with a key; key: HASH_LEN
 * bytes, copied. */
void hasher_key(struct hasher *h, const uint8_t *key);
/* Without the key. */
int hash_plain(struct hasher *h, enum hash_alg a, const void *buf, size_t len,
	       uint8_t *ret, struct err *e) must_check;
/* ret: HASH_LEN bytes. */
int hash_bytes(struct hasher *h, enum hash_alg a, const void *buf, size_t len,
	       uint8_t *ret, struct err *e) must_check;

/* "0123..." in lower case; ret: 2*n + 1 bytes. */
void hex_encode(const uint8_t *bytes, size_t n, char *ret);
#endif
