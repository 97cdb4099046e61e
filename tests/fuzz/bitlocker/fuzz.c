/* fuzz: where the parts of a BitLocker volume are.  Whatever the metadata says, the pieces
 * must make up all of the volume, one behind the other, lie in the window, and none may
 * touch another one.  Disks above 4 MiB would only be slower. */
#include "imager/container/bitlocker.h"
#include "tests/fuzz/sparse.h"

#define START (1ull << 40) /* of the window in the parent */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check(const struct bitlk *b, const struct cont_volume *v, const struct ranges *meta, uint64_t len)
{
	uint64_t at = 0, behind = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct dev_piece *p = &v->v[i];

		must(p->at == at && p->len && p->chunk == p->len && p->stride == p->len);
		at += p->len;
		if (p->off == DEV_PIECE_ZEROS)
			continue;
		must(p->off >= START && p->off - START <= len && p->len <= len - (p->off - START));
		/* the first one, its first sectors, lies apart */
		must(!i || p->off == START + p->at);
		must(!i || p->off >= behind);
		must(!i || p->off >= v->v[0].off + v->v[0].len || p->off + p->len <= v->v[0].off);
		behind = i ? p->off + p->len : 0;
	}
	must(at == b->size);
	for (size_t i = 0; i < meta->n; i++)
		must(meta->v[i].start >= START && meta->v[i].end - START <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cont_volume v = { 0 };
	struct ranges meta = { 0 };
	struct bitlk b = { 0 };
	struct blkdev *d;
	uint8_t *disk;
	size_t len;

	if (size < 4 || sparse_le32(data) > 8192)
		return 0;
	disk = sparse_load(data, size, &len);
	must(dev_mem(disk, len, 0, &d, NULL) == 0);
	if (bitlk_read(d, &b, NULL) == 0 && bitlk_lay_out(&b, START, &v, &meta, NULL) == 0)
		check(&b, &v, &meta, len);
	cont_volume_done(&v);
	ranges_done(&meta);
	dev_close(d);
	sparse_free(disk, len);
	return 0;
}
