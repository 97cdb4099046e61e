/* unpack.h: small fuzz inputs for large disks.
 *
 * An input is records { le16 sector; u8 n; n * 512 bytes }: n sectors of a disk
 * of UNPACK_SIZE bytes, zeros elsewhere.  n = 255: no bytes follow; NTFS's
 * table of upper-case letters is put there.  tests/fuzz/pack.py makes them. */
#ifndef REHOST_UNPACK_H
#define REHOST_UNPACK_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNPACK_SIZE (2u << 20)

static inline unsigned char *unpack(const uint8_t *in, size_t size,
				    const void *upcase, size_t upcase_len)
{
	static unsigned char disk[UNPACK_SIZE];

	memset(disk, 0, sizeof disk);
	while (size >= 3) {
		size_t at = (size_t)(in[0] | in[1] << 8) * 512;
		size_t len = in[2] * (size_t)512;
		const void *from = in + 3;

		in += 3;
		size -= 3;
		if (len == 255 * 512) {
			from = upcase;
			len = upcase_len;
		} else {
			len = len < size ? len : size;
			in += len;
			size -= len;
		}
		if (at < UNPACK_SIZE)
			memcpy(disk + at, from, len < UNPACK_SIZE - at ? len :
			       UNPACK_SIZE - at);
	}
	return disk;
}

#endif
