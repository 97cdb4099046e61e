/* unpack-lz4.c: the legacy format of lz4(1) -l, which is what the kernel knows.
 *
 * A magic number, then blocks of 8 MiB unpacked, each behind its packed size;
 * there is no end mark.  The kernel's lib/decompress_unlz4.c ends at the end of
 * the file, or since 5.13 at a size of 0 (padding); a magic number in the place
 * of a size is passed over.  So NULs must stand behind the last block. */
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include "common/le.h"
#include "drivers-inject/linux/unpack.h"

#define LZ4_MAGIC 0x184c2102u
#define LZ4_BLOCK (8u << 20)    /* bytes unpacked, of each block but the last */

struct lz4 {
	uint32_t want;          /* bytes of the block, 0: its size comes next */
	size_t have;            /* of the size word, of the block             */
	uint8_t word[4];
	uint8_t *packed, *plain;
	size_t plain_at, plain_len;     /* of plain, what is to be given out   */
	int started;            /* the magic number was seen                  */
};

static int lz4_open(struct unpacker *u)
{
	struct lz4 *z = u->state = calloc(1, sizeof *z);

	if (!z)
		return ERR_NOMEM;
	z->packed = malloc(LZ4_COMPRESSBOUND(LZ4_BLOCK));
	z->plain = malloc(LZ4_BLOCK);
	return z->packed && z->plain ? 0 : ERR_NOMEM;
}

static void lz4_close(struct unpacker *u)
{
	struct lz4 *z = u->state;

	if (!z)
		return;
	free(z->packed);
	free(z->plain);
	free(z);
}

static int collect(struct unpacker *u, struct lz4 *z, uint8_t *buf, size_t want)
{
	size_t k = want - z->have < u->in_len ? want - z->have : u->in_len;

	memcpy(buf + z->have, u->in, k);
	z->have += k;
	u->in += k;
	u->in_len -= k;
	return z->have == want;
}

/* A block's size; 1: the end. */
static int take_word(struct unpacker *u, struct lz4 *z)
{
	le32 word;
	uint32_t n;

	if (!collect(u, z, z->word, 4)) {
		if (!u->eof)
			return 0;
		u->unused = z->have; /* up to 3 bytes of padding */
		return z->started ? 1 : ERR_CORRUPT;
	}
	memcpy(&word, z->word, sizeof word);
	n = le32_get(word);
	z->have = 0;
	if (!z->started && n != LZ4_MAGIC)
		return ERR_CORRUPT;
	z->started = 1;
	if (n == LZ4_MAGIC)
		return 0;
	if (!n) {
		u->unused = 4;
		return 1;
	}
	if (n > LZ4_COMPRESSBOUND(LZ4_BLOCK))
		return ERR_CORRUPT;
	z->want = n;
	return 0;
}

static int take_block(struct unpacker *u, struct lz4 *z)
{
	int n;

	if (!collect(u, z, z->packed, z->want))
		return u->eof ? ERR_CORRUPT : 0;
	n = LZ4_decompress_safe((const char *)z->packed, (char *)z->plain, (int)z->want,
				(int)LZ4_BLOCK);
	if (n < 0)
		return ERR_CORRUPT;
	z->plain_at = 0;
	z->plain_len = (size_t)n;
	z->want = 0;
	z->have = 0;
	return 0;
}

static int lz4_step(struct unpacker *u)
{
	struct lz4 *z = u->state;
	size_t k = z->plain_len - z->plain_at;

	if (!k)
		return z->want ? take_block(u, z) : take_word(u, z);
	if (k > u->out_len)
		k = u->out_len;
	memcpy(u->out, z->plain + z->plain_at, k);
	z->plain_at += k;
	u->out += k;
	u->out_len -= k;
	return 0;
}

const struct unpack_codec unpack_lz4 = { INITRD_LZ4, lz4_open, lz4_step, lz4_close };
