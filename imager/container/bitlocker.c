/* bitlocker.c: BitLocker, of Windows 7 and later.
 *
 * As LUKS: whole without a key (a passphrase, or a recovery key of 8 groups of digits),
 * else what is used, as it is on the disk.  The volume's first sectors lie elsewhere, and
 * where they and the three copies of BitLocker's metadata lie it reads as zeros; all
 * these are kept.  libcryptsetup reads the metadata and makes the key of it; what says
 * where things are is read here, as it doesn't tell.
 * Source: cryptsetup's lib/bitlk/bitlk.[ch]; libbde's documentation of the format. */
#include <libcryptsetup.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "common/le.h"
#include "imager/container/bitlocker.h"
#include "imager/container/cryptset.h"
#include "imager/container/kinds.h"

#define COPIES BITLK_COPIES
#define META_SIZE BITLK_META_SIZE
#define HEADER_MOST (1u << 20)  /* of the volume's first sectors; 8 KiB usually */
#define STATE_ENCRYPTED 4u

struct boot_disk {
	uint8_t jump[3];
	char magic[8];          /* +0x03 "-FVE-FS-" */
	uint8_t sector_size[2]; /* +0x0b */
	uint8_t skipped[0xb0 - 0x0d];
	le64 meta[COPIES];      /* +0xb0 bytes from the start */
};
_Static_assert(sizeof(struct boot_disk) == 0xc8, "bitlk_superblock");

struct meta_disk {
	char magic[8];
	le16 size, version;     /* +0x08 version 2 */
	le16 state, next_state; /* +0x0c */
	le64 volume_size;       /* +0x10 bytes */
	le32 unknown, header_sectors;
	le64 meta[COPIES];      /* +0x20 as in the boot sector */
	le64 header;            /* +0x38 where the volume's first sectors are */
	le32 entries_end;       /* +0x40 bytes, from here on */
	uint8_t rest[0x70 - 0x44];
};
_Static_assert(sizeof(struct meta_disk) == 0x70, "bitlk_fve_metadata");

struct entry_disk { le16 size, type, value, version; };
#define ENTRY_HEADER 15u        /* type and value: le64 offset, size of the first sectors */

static int bitlk_probe(struct blkdev *d, struct cont_ident *ret, struct err *e)
{
	struct cont_ident id = { 0 };
	uint8_t buf[512];

	(void)e;
	if (d->size < sizeof buf || dev_read(d, 0, buf, sizeof buf, NULL) < 0 ||
	    memcmp(buf, "\xeb\x58\x90-FVE-FS-", 11))
		return FS_NOT_MINE;
	snprintf(id.fs.type, sizeof id.fs.type, "BitLocker");
	*ret = id;
	return 0;
}

/* The entry that says where the volume's first sectors are; it is where the header
 * says, too. */
static int find_header(const uint8_t *buf, const struct meta_disk *m, struct bitlk *ret)
{
	size_t end = 64 + (size_t)le32_get(m->entries_end), at = sizeof *m;

	while (end <= META_SIZE && at + 24 <= end) {
		struct entry_disk h;
		struct { le64 off, size; } w;

		memcpy(&h, buf + at, sizeof h);
		if (le16_get(h.size) < sizeof h)
			break;
		if (le16_get(h.type) == ENTRY_HEADER && le16_get(h.value) == ENTRY_HEADER) {
			memcpy(&w, buf + at + sizeof h, sizeof w);
			ret->header = le64_get(w.off);
			ret->header_size = le64_get(w.size);
			return ret->header == le64_get(m->header);
		}
		at += le16_get(h.size);
	}
	return 0;
}

int bitlk_read(struct blkdev *d, struct bitlk *ret, struct err *e)
{
	cleanup_free uint8_t *buf = malloc(META_SIZE);
	struct boot_disk b;
	struct meta_disk m;
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for BitLocker's metadata");
	r = dev_read(d, 0, &b, sizeof b, e);
	for (size_t i = 0; i < COPIES && !r; i++) {
		ret->meta[i] = le64_get(b.meta[i]);
		if (ret->meta[i] % 512 || ret->meta[i] < HEADER_MOST ||
		    range_outside(ret->meta[i], META_SIZE, d->size) ||
		    (i && ret->meta[i] < ret->meta[i - 1] + META_SIZE))
			return err_set(e, ERR_CORRUPT, "BitLocker's metadata lies outside of it");
	}
	if (!r)
		r = dev_read(d, ret->meta[0], buf, META_SIZE, e);
	if (r < 0)
		return r;
	memcpy(&m, buf, sizeof m);
	if (memcmp(m.magic, "-FVE-FS-", 8) || le16_get(m.version) != 2 ||
	    memcmp(m.meta, b.meta, sizeof m.meta) || !find_header(buf, &m, ret))
		return err_set(e, ERR_CORRUPT,
			       "BitLocker's metadata is damaged, or of a kind that isn't known here");
	if (le16_get(m.state) != STATE_ENCRYPTED || (b.sector_size[0] | b.sector_size[1] << 8) != 512)
		return err_set(e, ERR_UNSUPPORTED,
			       "BitLocker: it is being encrypted or decrypted, or has sectors of another size");
	ret->size = le64_get(m.volume_size);
	if (ret->size % 512 || ret->size > d->size || ret->meta[COPIES - 1] + META_SIZE > ret->size ||
	    !ret->header_size || ret->header_size % 512 || ret->header % 512 ||
	    ret->header_size > HEADER_MOST || ret->header < HEADER_MOST ||
	    range_outside(ret->header, ret->header_size, ret->size))
		return err_set(e, ERR_CORRUPT, "BitLocker: its sizes don't agree");
	return 0;
}

static int find_key(struct blkdev *d, const struct bitlk *b, const struct cont_keys *keys,
		    struct crypt_spec *spec, struct err *e)
{
	cleanup_close int fd = -1;
	struct crypt_device *cd = NULL;
	int r = cryptset_copy(d, &fd, e);

	if (!r)
		r = cryptset_add(d, fd, 0, 512, e);
	for (size_t i = 0; i < COPIES && !r; i++)
		r = cryptset_add(d, fd, b->meta[i], META_SIZE, e);
	if (!r)
		r = cryptset_load(fd, CRYPT_BITLK, &cd, e);
	if (r < 0)
		return r;
	r = cryptset_unlock(cd, keys, spec, e);
	crypt_free(cd);
	return r;
}

static int by_start(const void *pa, const void *pb)
{
	const struct range *a = pa, *b = pb;

	return a->start < b->start ? -1 : a->start > b->start;
}

static int piece(struct cont_volume *v, uint64_t off, uint64_t at, uint64_t len, struct err *e)
{
	const struct dev_piece p = { off, len, at, len, len };

	return len ? cont_piece_add(v, &p, e) : 0;
}

int bitlk_lay_out(const struct bitlk *b, uint64_t start, struct cont_volume *v,
		  struct ranges *meta, struct err *e)
{
	struct range hidden[COPIES + 1] = { { b->header, b->header + b->header_size } };
	uint64_t at = b->header_size;
	int r = piece(v, start + b->header, 0, b->header_size, e);

	for (size_t i = 0; i < COPIES; i++)
		hidden[i + 1] = (struct range){ b->meta[i], b->meta[i] + META_SIZE };
	qsort(hidden, COPIES + 1, sizeof *hidden, by_start);
	if (!r)
		r = ranges_add(meta, start, start + b->header_size, e);
	for (size_t i = 0; i <= COPIES && !r; i++) {
		uint64_t len = hidden[i].end - hidden[i].start;

		if (hidden[i].start < at)
			return err_set(e, ERR_CORRUPT, "BitLocker's metadata overlaps");
		r = piece(v, start + at, at, hidden[i].start - at, e);
		if (!r)
			r = piece(v, DEV_PIECE_ZEROS, hidden[i].start, len, e);
		if (!r)
			r = ranges_add(meta, start + hidden[i].start, start + hidden[i].end, e);
		at = hidden[i].end;
	}
	return r ? r : piece(v, start + at, at, b->size - at, e);
}

static int bitlk_open(struct blkdev *parent, const struct cont_member *all, size_t n, size_t self,
		      const struct cont_keys *keys, struct container_found *ret, struct err *e)
{
	const struct cont_member *m = &all[self];
	struct bitlk b = { 0 };
	struct cont_volume *v;
	int r;

	(void)parent;
	(void)n;
	if (!keys->n)
		return err_set(e, ERR_NOT_FOUND, "it is encrypted; --unlock would leave out its free space");
	r = bitlk_read(m->d, &b, e);
	if (r < 0)
		return r;
	v = cont_volume_add(ret, e);
	if (!v)
		return ERR_NOMEM;
	v->crypt = calloc(1, sizeof *v->crypt);
	if (!v->crypt)
		return err_set(e, ERR_NOMEM, "out of memory for a BitLocker volume");
	v->size = b.size;
	v->crypt_start = m->start;
	snprintf(v->what, sizeof v->what, "decrypted volume");
	snprintf(ret->holds, sizeof ret->holds, "opened by a key");
	r = find_key(m->d, &b, keys, v->crypt, e);
	if (!r)
		r = bitlk_lay_out(&b, m->start, v, &ret->meta, e);
	if (!r)
		r = ranges_add(&ret->meta, m->start + b.size, m->start + m->d->size, e);
	ranges_sort(&ret->meta);
	v->n_read = v->n;
	ret->covers[self] = 1;
	return r;
}

const struct container cont_bitlocker = { "bitlocker", "BitLocker", bitlk_probe, bitlk_open };
