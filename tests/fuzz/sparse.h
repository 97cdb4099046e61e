/* sparse.h: a fuzz input as a disk that is mostly empty, so that inputs stay
 * small: le32 size in sectors of 512 bytes (at most 64 Ki of them: 32 MiB), then
 * records: le32 sector, u8 kind; kind 0: 512 bytes of data; else: le16 count,
 * u8 byte: so many sectors full of that byte.  What is cut off is ignored.
 * make-corpus.py writes such files from disk images. */
#ifndef REHOST_FUZZ_SPARSE_H
#define REHOST_FUZZ_SPARSE_H
#include <stdlib.h>
#include <string.h>
#include "common/le.h"
#include "imager/dev/dev.h"

#define SPARSE_SECTORS_MAX 65536u

static uint32_t sparse_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The disk's bytes, the caller's to free; NULL if the input has none. */
static uint8_t *sparse_load(const uint8_t *data, size_t size, size_t *ret_len)
{
	uint32_t n;
	uint8_t *disk;

	if (size < 4)
		return NULL;
	n = sparse_le32(data) % (SPARSE_SECTORS_MAX + 1);
	disk = calloc(n ? n : 1, 512);
	if (!disk)
		abort();
	data += 4;
	size -= 4;
	while (size >= 8) {
		uint32_t at = sparse_le32(data), count = data[5] | (uint32_t)data[6] << 8;
		size_t used = 8;

		if (!data[4]) {
			if (size < 5 + 512)
				break;
			if (at < n)
				memcpy(disk + (size_t)at * 512, data + 5, 512);
			used = 5 + 512;
		} else if (at < n) {
			memset(disk + (size_t)at * 512, data[7],
			       (size_t)(count < n - at ? count : n - at) * 512);
		}
		data += used;
		size -= used;
	}
	*ret_len = (size_t)n * 512;
	return disk;
}
#endif
