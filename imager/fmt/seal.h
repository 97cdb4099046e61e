/* seal.h: encryption of records (FORMAT.md 6).  XChaCha20-Poly1305 and Argon2id by
 * libsodium. */
#ifndef REHOST_FMT_SEAL_H
#define REHOST_FMT_SEAL_H
#include "imager/fmt/record.h"

#define KDF_OPS 3u                 /* of images that are written             */
#define KDF_MEM (64u << 10)        /* KiB                                    */

/* The sealed body of r, whose fields but seq, body_sum and head_sum are filled:
 * body has len bytes at SEAL_NONCE, which are replaced, and SEAL_TAG bytes of room
 * behind them. */
void seal_body(const struct image_key *k, const struct record *r, uint8_t *body, size_t len);
/* Decrypts in place: *ret points to what was sealed, *ret_len bytes.  NULL, or what is
 * wrong. */
const char *unseal_body(const struct image_key *k, const struct record *r, uint8_t *body,
			uint8_t **ret, uint32_t *ret_len);
/* All of a key from what a list of bases has of it. */
void seal_key(const uint8_t *data, struct image_key *ret);
/* The key of an image that is read.  meta: its META record's first SEAL_META bytes;
 * name: for messages. */
#define SEAL_META (IMAGE_HEAD_LEN + SEAL_WRAPPED)
int seal_open(const struct image_params *p, const uint8_t *meta, const char *name,
	      const struct image_access *a, struct image_key *ret, struct err *e) must_check;
/* The same from the wrapped key alone, SEAL_WRAPPED bytes, whatever the record around it
 * looks like. */
int seal_try(const struct image_params *p, const uint8_t *wrapped, const char *name,
	     const struct image_access *a, struct image_key *ret, struct err *e) must_check;
#endif
