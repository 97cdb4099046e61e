/* sparse.h: a fuzz input as a disk that is mostly empty, so that inputs stay
 * small: le32 size in sectors of 512 bytes (at most 64 Ki of them: 32 MiB), then
 * records: le32 sector, u8 kind; kind 0: 512 bytes of data; else: le16 count,
 * u8 byte: so many sectors full of that byte, of all such ones the first MiB.
 * What is cut off is ignored.
 * make-corpus.py writes such files from disk images. */
#ifndef REHOST_FUZZ_SPARSE_H
#define REHOST_FUZZ_SPARSE_H
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "common/le.h"
#include "imager/dev/dev.h"

#define SPARSE_SECTORS_MAX 65536u
#define SPARSE_PAGE 4096u
#define SPARSE_FILL_MAX (1u << 20)  /* more would be all that takes time */

static uint32_t sparse_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bytes of the disk that a record fills: `data`, or `byte` where that is NULL. */
struct sparse_run { size_t off, len, filled; const uint8_t *data; uint8_t byte; };

/* The next record of an input for a disk of n sectors, behind its first four bytes; 0: there
 * is none.  *ret: at first zero, then what the last call left. */
static int sparse_next(const uint8_t **data, size_t *size, uint32_t n, struct sparse_run *ret)
{
	while (*size >= 8) {
		const uint8_t *p = *data;
		uint32_t at = sparse_le32(p), count = p[4] ? p[5] | (uint32_t)p[6] << 8 : 1;
		size_t used = p[4] ? 8 : 5 + 512;

		if (*size < used)
			break;
		*data += used;
		*size -= used;
		if (at >= n)
			continue;
		ret->off = (size_t)at * 512;
		ret->len = (size_t)(count < n - at ? count : n - at) * 512;
		ret->data = p[4] ? NULL : p + 5;
		ret->byte = p[7];
		ret->filled += p[4] ? ret->len : 0;
		if (!p[4] || ret->filled <= SPARSE_FILL_MAX)
			return 1;
	}
	return 0;
}

/* len bytes of zeros before a page that can't be touched.  Not of the heap: there the
 * sanitizers mark each byte of a disk of which hardly one is used, twice a run. */
static uint8_t *sparse_map(size_t len)
{
	size_t room = (len + SPARSE_PAGE - 1) / SPARSE_PAGE * SPARSE_PAGE;
	uint8_t *p = mmap(NULL, room + SPARSE_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + room, SPARSE_PAGE, PROT_NONE) < 0)
		abort();
	return p + (room - len);
}

/* What sparse_load() returned; disk may be NULL. */
static void sparse_free(uint8_t *disk, size_t len)
{
	size_t room = (len + SPARSE_PAGE - 1) / SPARSE_PAGE * SPARSE_PAGE;

	if (disk && munmap(disk - (room - len), room + SPARSE_PAGE) < 0)
		abort();
}

/* The disk's bytes, for sparse_free(); NULL if the input has none. */
static uint8_t *sparse_load(const uint8_t *data, size_t size, size_t *ret_len)
{
	struct sparse_run r = { 0 };
	uint32_t n;
	uint8_t *disk;

	if (size < 4)
		return NULL;
	n = sparse_le32(data) % (SPARSE_SECTORS_MAX + 1);
	disk = sparse_map((size_t)n * 512);
	data += 4;
	size -= 4;
	while (sparse_next(&data, &size, n, &r)) {
		if (r.data)
			memcpy(disk + r.off, r.data, r.len);
		else
			memset(disk + r.off, r.byte, r.len);
	}
	*ret_len = (size_t)n * 512;
	return disk;
}
#endif
