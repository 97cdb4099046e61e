/* reader.h: runs one file-system reader over a fuzz input. */
#ifndef REHOST_FUZZ_READER_H
#define REHOST_FUZZ_READER_H
#include "imager/fs/readers.h"
#include "tests/fuzz/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { uint64_t end, size; };

static int fuzz_used(void *ctx, uint64_t off, uint64_t len)
{
	struct seen *s = ctx;

	if (!len || off < s->end || off > s->size || len > s->size - off)
		abort();
	s->end = off + len;
	return 0;
}

/* len bytes at disk, the caller's. */
static inline void fuzz_reader_disk(const struct fs_reader *reader, uint8_t *disk, size_t len)
{
	struct blkdev *d;
	struct fs_ident id;
	struct err e = { 0 };
	struct seen seen = { 0 };
	struct extent_sink sink = { fuzz_used, &seen };
	struct fs_options opt = { 0 };

	if (dev_mem(disk, len, 0, &d, NULL) < 0)
		abort();
	seen.size = len;
	if (reader->probe(d, &id, &e) == 0 && reader->walk(d, &id, &opt, &sink, &e) < 0 &&
	    (!e.code || !e.msg[0]))
		abort();
	dev_close(d);
}

static inline int fuzz_reader(const struct fs_reader *reader, const uint8_t *data, size_t size)
{
	size_t len;
	uint8_t *disk = sparse_load(data, size, &len);

	if (disk)
		fuzz_reader_disk(reader, disk, len);
	free(disk);
	return 0;
}
#endif
