/* cryptset.c: see cryptset.h. */
#include "imager/container/cryptset.h"
#include <errno.h>
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"

#define COPY_MAX (32u << 20)
#define PIECE 4096u            /* bytes that are left out together */

int cryptset_copy(struct blkdev *d, int *ret, struct err *e)
{
	int fd = memfd_create("header", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)d->size) < 0) {
		err_sys(e, errno, "memory for the header of an encrypted volume");
		if (fd >= 0)
			close(fd);
		return e ? e->code : ERR_IO;
	}
	*ret = fd;
	return 0;
}

int cryptset_add(struct blkdev *d, int fd, uint64_t off, uint64_t len, struct err *e)
{
	cleanup_free uint8_t *buf = len <= COPY_MAX ? malloc((size_t)len) : NULL;
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for the header of an encrypted volume");
	r = dev_read(d, off, buf, (size_t)len, e);
	if (r < 0)
		return r;
	if (pwrite(fd, buf, (size_t)len, (off_t)off) != (ssize_t)len)
		return err_sys(e, errno, "memory for the header of an encrypted volume");
	return 0;
}

int cryptset_add_readable(struct blkdev *d, int fd, uint64_t off, uint64_t len,
			  uint64_t *lost, struct err *e)
{
	uint64_t half = (len / 2 + PIECE - 1) / PIECE * PIECE;
	struct err why = { 0 };
	int r = cryptset_add(d, fd, off, len, &why);

	if (r != ERR_IO)
		return r < 0 ? err_set(e, r, "%s", why.msg) : 0;
	if (len <= PIECE) {
		*lost += len;
		return 0;
	}
	r = cryptset_add_readable(d, fd, off, half, lost, e);
	return r ? r : cryptset_add_readable(d, fd, off + half, len - half, lost, e);
}

int cryptset_load(int fd, const char *type, struct crypt_device **ret, struct err *e)
{
	struct crypt_device *cd;
	char path[64];
	int r;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	r = crypt_init(&cd, path);
	if (r < 0)
		return err_set(e, ERR_IO, "libcryptsetup doesn't start: %s", strerror(-r));
	crypt_metadata_locking(cd, 0); /* nobody else knows this copy */
	r = crypt_load(cd, type, NULL);
	if (r < 0) {
		crypt_free(cd);
		return err_set(e, ERR_CORRUPT,
			       "the header of the encrypted volume is damaged, or of a kind that isn't known here");
	}
	*ret = cd;
	return 0;
}

static int read_spec(struct crypt_device *cd, struct crypt_spec *ret, struct err *e)
{
	static const struct { const char *mode; enum crypt_mode is; } modes[] = {
		{ "xts-plain64", CRYPT_XTS }, { "cbc-plain64", CRYPT_CBC_PLAIN },
		{ "cbc-essiv:sha256", CRYPT_CBC_ESSIV }, { "cbc-eboiv", CRYPT_CBC_EBOIV },
	};
	const char *cipher = crypt_get_cipher(cd), *mode = crypt_get_cipher_mode(cd);
	size_t i = 0;

	while (i < 4 && mode && strcmp(modes[i].mode, mode))
		i++;
	if (!cipher || !mode || strcmp(cipher, "aes") || i == 4)
		return err_set(e, ERR_UNSUPPORTED, "its cipher isn't known here");
	ret->mode = modes[i].is;
	ret->key_len = (size_t)crypt_get_volume_key_size(cd);
	ret->sector = (uint32_t)crypt_get_sector_size(cd);
	if (!crypt_spec_known(ret))
		return err_set(e, ERR_UNSUPPORTED, "its cipher isn't known here");
	return 0;
}

/* The volume's key by the first of ours that fits. */
static int find_key(struct crypt_device *cd, const struct cont_keys *keys,
		    struct crypt_spec *ret, struct err *e)
{
	for (size_t i = 0; i < keys->n; i++) {
		size_t n = sizeof ret->key;
		int r = crypt_volume_key_get(cd, CRYPT_ANY_SLOT, (char *)ret->key, &n,
					     (const char *)keys->v[i].bytes, keys->v[i].len);

		if (r >= 0 && n == ret->key_len)
			return 0;
		if (r == -ENOMEM)
			return err_set(e, ERR_UNSUPPORTED, "there is too little memory to try the keys");
	}
	return err_set(e, ERR_UNSUPPORTED, "none of the keys opens it");
}

int cryptset_unlock(struct crypt_device *cd, const struct cont_keys *keys,
		    struct crypt_spec *ret, struct err *e)
{
	int r = read_spec(cd, ret, e);

	return r ? r : find_key(cd, keys, ret, e);
}
