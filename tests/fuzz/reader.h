/* reader.h: runs one file-system reader over a fuzz input. */
#ifndef REHOST_FUZZ_READER_H
#define REHOST_FUZZ_READER_H
#include "imager/fs/owner.h"
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

/* ---- whose are these bytes? ---- */

typedef int owners_fn(struct blkdev *d, const struct owner_query *q, struct err *e);

struct asked { uint64_t size; unsigned int times; };

static void fuzz_owner(void *ctx, const struct fs_owner *o)
{
	struct asked *a = ctx;

	if (!o->what || !o->len || o->off >= a->size)
		abort();
	if (o->path && !strlen(o->path))
		abort();
}

static int fuzz_over(void *ctx)
{
	return ++((struct asked *)ctx)->times > 200000;
}

/* All bytes of the file system, and then a few places. */
static inline void fuzz_owners(owners_fn *owners, uint8_t *disk, size_t len)
{
	struct range all[] = { { 0, len } }, some[] = { { 0, 512 }, { len / 3, len / 3 + 5000 } };
	const struct ranges places[] = { { all, 1, 1 }, { some, 2, 2 } };
	struct blkdev *d;
	struct err e = { 0 };

	if (dev_mem(disk, len, 0, &d, NULL) < 0)
		abort();
	for (int i = 0; i < 2; i++) {
		struct asked a = { .size = len };
		struct owner_query q = { &places[i], fuzz_owner, fuzz_over, &a };

		if (owners(d, &q, &e) < 0 && (!e.code || !e.msg[0]))
			abort();
	}
	dev_close(d);
}

static inline int fuzz_reader_and_owners(const struct fs_reader *reader, owners_fn *owners,
					 const uint8_t *data, size_t size)
{
	size_t len = 0;
	uint8_t *disk = sparse_load(data, size, &len);

	if (disk) {
		fuzz_reader_disk(reader, disk, len);
		fuzz_owners(owners, disk, len);
	}
	sparse_free(disk, len);
	return 0;
}

static inline int fuzz_reader(const struct fs_reader *reader, const uint8_t *data, size_t size)
{
	size_t len = 0;
	uint8_t *disk = sparse_load(data, size, &len);

	if (disk)
		fuzz_reader_disk(reader, disk, len);
	sparse_free(disk, len);
	return 0;
}
#endif
