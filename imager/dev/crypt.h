/* crypt.h: the plain bytes of an encrypted device.  They are only looked at, to find
 * out what is used: images keep what is on the disk.
 * Source: Linux' Documentation/admin-guide/device-mapper/dm-crypt.rst. */
#ifndef REHOST_DEV_CRYPT_H
#define REHOST_DEV_CRYPT_H
#include "imager/dev/dev.h"

#define CRYPT_KEY_MAX 64

/* AES; the start value is the sector's number, in little-endian; ESSIV: encrypted by
 * the SHA-256 of the key.  EBOIV: the sector's byte, encrypted by the key. */
enum crypt_mode { CRYPT_XTS, CRYPT_CBC_PLAIN, CRYPT_CBC_ESSIV, CRYPT_CBC_EBOIV };

struct crypt_spec {
	enum crypt_mode mode;
	uint32_t sector;          /* bytes that are encrypted together: 512 to 4096 */
	uint64_t first;           /* number of the first sector, of 512 bytes always */
	size_t key_len;           /* bytes */
	uint8_t key[CRYPT_KEY_MAX]; /* whoever has a copy wipes it               */
};

int crypt_spec_known(const struct crypt_spec *s);
/* below stays the caller's and must outlive *ret. */
int dev_crypt(struct blkdev *below, const struct crypt_spec *s, struct blkdev **ret,
	      struct err *e) must_check;
#endif
