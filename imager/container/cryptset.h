/* cryptset.h: headers of encrypted volumes, read by libcryptsetup.
 *
 * It wants a file, and the window may lie deep inside of others: so it gets a copy in
 * memory, as long as the window, of which only the header is filled.  It makes the
 * volume's key of one of ours; the sectors are decrypted by dev/crypt.c, since no device
 * mapper is needed then. */
#ifndef REHOST_CRYPTSET_H
#define REHOST_CRYPTSET_H
#include "imager/container/container.h"

struct crypt_device;

/* *ret: a descriptor of the empty copy; close() it. */
int cryptset_copy(struct blkdev *d, int *ret, struct err *e) must_check;
/* Fills [off, off + len) of it, at most 32 MiB. */
int cryptset_add(struct blkdev *d, int fd, uint64_t off, uint64_t len, struct err *e) must_check;
/* What can't be read stays zeros, and *lost grows by its bytes: it may lie behind the
 * header, and a header that is wrong opens with no key. */
int cryptset_add_readable(struct blkdev *d, int fd, uint64_t off, uint64_t len,
			  uint64_t *lost, struct err *e) must_check;
/* type: CRYPT_LUKS, CRYPT_BITLK.  *ret: crypt_free() it. */
int cryptset_load(int fd, const char *type, struct crypt_device **ret, struct err *e) must_check;
/* The cipher, and its key by the first of ours that fits. */
int cryptset_unlock(struct crypt_device *cd, const struct cont_keys *keys,
		    struct crypt_spec *ret, struct err *e) must_check;
#endif
