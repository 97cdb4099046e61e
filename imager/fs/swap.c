/* swap.c: Linux swap.  Only the header is kept, but all of it when a system
 * was suspended to it.  Layout: union swap_header of Linux's <linux/swap.h>:
 * the magic ends the first page, the rest begins at byte 1024. */
#include <stdio.h>
#include <string.h>
#include "common/le.h"
#include "common/text.h"
#include "imager/fs/readers.h"

#define PAGE_MIN 4096u
#define PAGE_MAX 65536u
#define MAGIC_LEN 10

struct swap_header_disk {      /* at byte 1024, in the machine's byte order */
	uint8_t version[4];    /* +0x00 1 */
	uint8_t last_page[4];  /* +0x04 */
	uint8_t bad_pages[4];  /* +0x08 */
	uint8_t uuid[16];      /* +0x0c */
	uint8_t label[16];     /* +0x1c */
};

/* What the kernel, uswsusp and TuxOnIce leave in place of the magic. */
static const char suspended[][MAGIC_LEN + 1] = {
	"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001",
	"\xed\xc3\x02\xe9\x98\x56\xe5\x0c",
};

static uint32_t get32(const uint8_t *p, int big)
{
	le32 v = { { p[big ? 3 : 0], p[big ? 2 : 1], p[big ? 1 : 2], p[big ? 0 : 3] } };

	return le32_get(v);
}

/* The page size, 0 if this is no swap; *asleep: a system was suspended here. */
static uint32_t find(struct blkdev *d, int *asleep, char magic[MAGIC_LEN + 1],
		     struct err *e, int *r)
{
	*r = 0;
	for (uint32_t page = PAGE_MIN; page <= PAGE_MAX && page <= d->size; page *= 2) {
		*r = dev_read(d, page - MAGIC_LEN, magic, MAGIC_LEN, e);
		if (*r < 0)
			return 0;
		magic[MAGIC_LEN] = 0;
		*asleep = 0;
		if (!memcmp(magic, "SWAPSPACE2", MAGIC_LEN) ||
		    !memcmp(magic, "SWAP-SPACE", MAGIC_LEN))
			return page;
		*asleep = 1;
		for (size_t i = 0; i < sizeof suspended / sizeof *suspended; i++)
			if (!memcmp(magic, suspended[i], strlen(suspended[i])))
				return page;
	}
	return 0;
}

static int swap_probe(struct blkdev *d, struct fs_ident *ret, struct err *e)
{
	struct swap_header_disk h;
	struct fs_ident id = { 0 };
	char magic[MAGIC_LEN + 1];
	const uint8_t *u = h.uuid;
	int asleep, r, big;
	uint32_t page = find(d, &asleep, magic, e, &r);

	if (!page)
		return r < 0 ? r : FS_NOT_MINE;
	r = dev_read(d, 1024, &h, sizeof h, e);
	if (r < 0)
		return r;
	snprintf(id.type, sizeof id.type, asleep ? "swsuspend" : "swap");
	big = get32(h.version, 0) != 1;
	if (get32(h.version, big) == 1) {
		text_from_uuid(u, id.uuid);
		text_from_bytes(h.label, sizeof h.label, id.label, sizeof id.label);
		id.fs_size = ((uint64_t)get32(h.last_page, big) + 1) * page;
	}
	id.used = page;
	*ret = id;
	return 0;
}

static int swap_walk(struct blkdev *d, const struct fs_ident *id,
		     const struct fs_options *opt, const struct extent_sink *out,
		     struct err *e)
{
	char magic[MAGIC_LEN + 1];
	int asleep, r;
	uint32_t page = find(d, &asleep, magic, e, &r);

	(void)opt;
	if (!page)
		return r < 0 ? r : err_set(e, ERR_CORRUPT, "the swap area's magic is gone");
	if (asleep)
		return err_set(e, ERR_UNSUPPORTED,
			       "it holds the memory of a system that was suspended to disk");
	if (!id->fs_size)
		return err_set(e, ERR_UNSUPPORTED, "a swap area of an unknown version");
	return out->used(out->ctx, 0, page);
}

const struct fs_reader fs_swap = { "swap", swap_probe, swap_walk };
