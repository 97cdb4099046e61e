/* f2fscrc.h: F2FS' checksums: CRC32 without the usual inversion before and after,
 * begun with the magic number. */
#ifndef REHOST_FS_F2FSCRC_H
#define REHOST_FS_F2FSCRC_H
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#define F2FS_MAGIC 0xf2f52010u

static inline uint32_t f2fs_crc(uint32_t seed, const void *p, size_t n)
{
	return ~(uint32_t)crc32(~seed & 0xffffffffu, p, (uInt)n);
}
#endif
