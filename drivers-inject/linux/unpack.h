/* unpack.h: the compressed streams of an initramfs, unpacked piece by piece,
 * each exactly to its own end: what follows it is another stream. */
#ifndef REHOST_UNPACK_H
#define REHOST_UNPACK_H
#include <stddef.h>
#include "drivers-inject/linux/initrd.h"

#define UNPACK_MAGIC 4u         /* bytes that tell which one it is           */
/* Memory that a stream's header may ask for: `xz -9` 65 MB, zstd 128 MB.     */
#define UNPACK_MEMORY (192u << 20)

/* The compression whose magic number stands there; INITRD_NONE: none.  As the
 * kernel's lib/decompress.c; lz4 is the legacy format. */
enum initrd_compression unpack_guess(const uint8_t *p, size_t n);

/* Output; nonzero ends the unpacking, which returns it. */
typedef int (*unpack_put)(void *ctx, const uint8_t *p, size_t n, struct err *e);

/* Unpacks one stream that begins at `from` of fd; what does not belong to it
 * any more begins at *ret_end.  One gzip member, one xz or bzip2 stream, one
 * zstd frame: the kernel takes no more at a time.  ERR_CORRUPT, with the
 * stream's offset in the file; ERR_UNSUPPORTED: LZO. */
int unpack_stream(int fd, const char *name, uint64_t from, enum initrd_compression how,
		  unpack_put put, void *ctx, uint64_t *ret_end, struct err *e) must_check;

/* ---- one file an algorithm ---- */
struct unpacker {
	const uint8_t *in;      /* input not taken yet                       */
	size_t in_len;
	int eof;                /* no more input will come                   */
	uint8_t *out;           /* room for output; step() moves these       */
	size_t out_len;
	size_t unused;          /* of what was taken, bytes behind the end   */
	void *state;
};

struct unpack_codec {
	enum initrd_compression how;
	int (*open)(struct unpacker *u);        /* 0 or ERR_NOMEM            */
	/* Takes input, gives output.  0: go on; 1: the end; ERR_CORRUPT,
	 * ERR_NOMEM (asks for more than UNPACK_MEMORY) */
	int (*step)(struct unpacker *u);
	void (*close)(struct unpacker *u);
};
extern const struct unpack_codec unpack_gzip, unpack_xz, unpack_lzma, unpack_bzip2,
	unpack_zstd, unpack_lz4;
#endif
