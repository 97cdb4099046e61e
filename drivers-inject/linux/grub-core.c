/* grub-core.c: see grub-core.h. */
#include "drivers-inject/linux/grub-core.h"
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "common/le.h"

/* boot.img */
#define BOOT_BPB 0x03u          /* a BIOS parameter block may stand up to ... */
#define BOOT_BPB_END 0x5au
#define BOOT_CORE 0x5cu         /* le64: first sector of core.img            */
#define BOOT_DRIVE 0x64u        /* 0xff: the drive that the BIOS started     */
#define BOOT_DRIVE_CHECK 0x66u  /* a jump on floppies, two nops on disks     */
/* diskboot.img, the first sector of core.img: blocks are listed from its end
 * down, up to one of length 0 */
struct block_disk {
	le64 start;
	le16 len;               /* sectors                                   */
	le16 segment;           /* where it is loaded                        */
};
_Static_assert(sizeof(struct block_disk) == 12, "GRUB's pc_partition blocklist");
#define BLOCKS_END 0x160u       /* code and messages lie before              */
#define CORE_SEGMENT 0x820u
/* from the second sector on: startup_raw.S */
#define RAW_PACKED 0x08u        /* le32 bytes of LZMA data                   */
#define RAW_UNPACKED 0x0cu      /* le32                                      */
#define RAW_REPAIR 0x10u        /* le32 bytes appended against damage, 0     */
#define UNPACKED_MAX (4u << 20) /* all of GRUB's modules take 2.5 MB         */
/* The packed data's begin is known but for the padding of the last sector;
 * it starts with a 0 byte, as each LZMA stream does. */
#define TRIES_MAX 32

enum { OBJ_CONFIG = 2, OBJ_PREFIX = 3 };

static uint32_t get32(const uint8_t *p)
{
	return le32_get((le32){ { p[0], p[1], p[2], p[3] } });
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void keep_text(char *ret, size_t room, const uint8_t *p, size_t n)
{
	size_t len = strnlen((const char *)p, n);

	if (len >= room)
		len = room - 1;
	memcpy(ret, p, len);
	ret[len] = 0;
}

/* The objects of [p, end): each le32 type, le32 size with these 8 bytes.  1 if
 * they fill it exactly. */
static int walk_objects(const uint8_t *p, const uint8_t *end, struct grub_content *ret)
{
	while (end - p >= 8) {
		uint32_t type = get32(p), size = get32(p + 4);

		if (size < 8 || size > (size_t)(end - p))
			return 0;
		if (type == OBJ_CONFIG)
			keep_text(ret->config, sizeof ret->config, p + 8, size - 8);
		if (type == OBJ_PREFIX)
			keep_text(ret->prefix, sizeof ret->prefix, p + 8, size - 8);
		p += size;
	}
	return p == end;
}

/* Looks for struct grub_module_info: "mimg", then offset and size, both of 4
 * bytes or, after 4 of padding, of 8. */
static int find_modules(const uint8_t *b, size_t n, int wide, struct grub_content *ret)
{
	size_t head = wide ? 24 : 12;

	for (const uint8_t *p = b; (p = memmem(p, n - (size_t)(p - b), "mimg", 4)); p++) {
		size_t room = n - (size_t)(p - b);
		struct grub_content c = { 0 };
		uint64_t off, size;

		if (room < head)
			return 0;
		off = wide ? get64(p + 8) : get32(p + 4);
		size = wide ? get64(p + 16) : get32(p + 8);
		if (off != head || size < head || size > room || !walk_objects(p + off, p + size, &c))
			continue;
		*ret = c;
		return 1;
	}
	return 0;
}

int grub_efi_content(const uint8_t *pe, size_t len, struct grub_content *ret, struct err *e)
{
	if (len < 64 || memcmp(pe, "MZ", 2) ||
	    (!find_modules(pe, len, 1, ret) && !find_modules(pe, len, 0, ret)))
		return err_set(e, ERR_NOT_FOUND, "not a program of GRUB");
	return 0;
}

/* Unpacks exactly n bytes; 1 if it could.  GRUB's encoder: lc 3, lp 0, pb 2,
 * no end mark (util/mkimage.c). */
static int unlzma(const uint8_t *in, size_t len, uint8_t *out, size_t n)
{
	lzma_options_lzma o = { .dict_size = 1 << 16, .lc = 3, .lp = 0, .pb = 2 };
	lzma_filter f[] = { { LZMA_FILTER_LZMA1, &o }, { LZMA_VLI_UNKNOWN, NULL } };
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r;

	if (lzma_raw_decoder(&s, f) != LZMA_OK)
		return 0;
	s.next_in = in;
	s.avail_in = len;
	s.next_out = out;
	s.avail_out = n;
	do
		r = lzma_code(&s, LZMA_RUN);
	while (r == LZMA_OK && s.avail_out && s.avail_in);
	lzma_end(&s);
	return !s.avail_out;
}

int grub_core_content(const uint8_t *core, size_t len, struct grub_content *ret, struct err *e)
{
	cleanup_free uint8_t *out = NULL;
	uint32_t packed, unpacked, repair;
	int tries = TRIES_MAX;

	if (len < 2 * GRUB_SECTOR)
		return err_set(e, ERR_CORRUPT, "a core.img of %zu bytes", len);
	packed = get32(core + GRUB_SECTOR + RAW_PACKED);
	unpacked = get32(core + GRUB_SECTOR + RAW_UNPACKED);
	repair = get32(core + GRUB_SECTOR + RAW_REPAIR);
	if (repair > len - 2 * GRUB_SECTOR || packed > len - repair - GRUB_SECTOR || !packed ||
	    !unpacked || unpacked > UNPACKED_MAX)
		return err_set(e, ERR_CORRUPT, "core.img does not fit what its header says");
	out = malloc(unpacked);
	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory for GRUB's core.img");
	len -= repair;
	for (size_t pad = 0; pad < GRUB_SECTOR && tries; pad++) {
		const uint8_t *at = core + len - packed - pad;

		if (at < core + GRUB_SECTOR)
			break;
		if (*at)
			continue;
		tries--;
		if (unlzma(at, packed + pad, out, unpacked) &&
		    find_modules(out, unpacked, 0, ret))
			return 0;
	}
	return err_set(e, ERR_CORRUPT, "core.img does not unpack to GRUB's kernel and modules");
}

/* Both GRUBs' boot sectors carry these messages. */
static int has_messages(const uint8_t *sector)
{
	static const char text[] = "GRUB \0Geom\0Hard Disk\0Read\0 Error";

	return memmem(sector, GRUB_BOOT_CODE, text, sizeof text - 1) != NULL;
}

/* GRUB 2 jumps over the place of a BPB (to 0x65), legacy's stage1 over a
 * shorter one (to 0x4a). */
int grub_is_boot_sector(const uint8_t *sector, uint64_t *ret_core)
{
	if (sector[0] != 0xeb || sector[1] < 0x58 || !has_messages(sector))
		return 0;
	*ret_core = get64(sector + BOOT_CORE);
	return 1;
}

int grub_is_stage1(const uint8_t *sector)
{
	return sector[0] == 0xeb && sector[1] < 0x58 && has_messages(sector);
}

static int add_block(struct blkdev *d, uint64_t start, uint64_t sectors, uint8_t *buf,
		     size_t *len, struct err *e)
{
	uint64_t off, n = sectors * GRUB_SECTOR;

	if (n > GRUB_CORE_MAX - *len || mul_overflows(start, (uint64_t)GRUB_SECTOR, &off) ||
	    range_outside(off, n, d->size))
		return err_set(e, ERR_CORRUPT, "%s: GRUB's core.img is said to lie at sector %llu, "
			       "%llu sectors: not on this disk", d->name,
			       (unsigned long long)start, (unsigned long long)sectors);
	if (dev_read(d, off, buf + *len, n, e))
		return ERR_IO;
	*len += n;
	return 0;
}

int grub_core_read(struct blkdev *d, uint64_t sector, uint8_t **ret, size_t *ret_len,
		   struct err *e)
{
	cleanup_free uint8_t *buf = malloc(GRUB_CORE_MAX);
	size_t len = 0;
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for GRUB's core.img");
	if (!sector)
		return err_set(e, ERR_CORRUPT, "%s: GRUB's boot sector names no place of core.img",
			       d->name);
	r = add_block(d, sector, 1, buf, &len, e);
	for (size_t at = GRUB_SECTOR; !r && at >= BLOCKS_END + sizeof(struct block_disk);) {
		struct block_disk b;

		at -= sizeof b;
		memcpy(&b, buf + at, sizeof b);
		if (!le16_get(b.len))
			break;
		r = add_block(d, le64_get(b.start), le16_get(b.len), buf, &len, e);
	}
	if (!r && len < 2 * GRUB_SECTOR)
		r = err_set(e, ERR_CORRUPT, "%s: no core.img of GRUB at sector %llu", d->name,
			    (unsigned long long)sector);
	if (r)
		return r;
	*ret = buf;
	*ret_len = len;
	buf = NULL;
	return 0;
}

int grub_core_same(const uint8_t *disk, size_t disk_len, const uint8_t *file, size_t len)
{
	const size_t from = GRUB_SECTOR + RAW_REPAIR + 4;

	return len > from && disk_len >= len && !memcmp(disk, file, BLOCKS_END) &&
	       !memcmp(disk + GRUB_SECTOR, file + GRUB_SECTOR, RAW_REPAIR) &&
	       !memcmp(disk + from, file + from, len - from);
}

int grub_boot_same(const uint8_t *sector, const uint8_t *boot)
{
	const uint8_t *check = sector + BOOT_DRIVE_CHECK;

	return !memcmp(sector, boot, BOOT_BPB) &&
	       !memcmp(sector + BOOT_BPB_END, boot + BOOT_BPB_END, BOOT_CORE - BOOT_BPB_END) &&
	       !memcmp(check + 2, boot + BOOT_DRIVE_CHECK + 2, GRUB_BOOT_CODE - BOOT_DRIVE_CHECK - 2) &&
	       (!memcmp(check, "\x90\x90", 2) || !memcmp(check, boot + BOOT_DRIVE_CHECK, 2));
}

int grub_embed(const uint8_t *boot, const uint8_t *core, size_t len, uint64_t first,
	       const uint8_t *old, uint8_t ret_boot[GRUB_BOOT_CODE], uint8_t **ret,
	       size_t *ret_len, struct err *e)
{
	size_t sectors = (len + GRUB_SECTOR - 1) / GRUB_SECTOR;
	struct block_disk b = { le64_make(first + 1), le16_make((uint16_t)(sectors - 1)),
				le16_make(CORE_SEGMENT) };
	le64 at = le64_make(first);
	uint8_t *buf;

	if (len < 2 * GRUB_SECTOR || len > GRUB_CORE_MAX)
		return err_set(e, ERR_UNSUPPORTED, "a core.img of %zu bytes; GRUB takes %u to %u",
			       len, 2 * GRUB_SECTOR, GRUB_CORE_MAX);
	buf = calloc(sectors, GRUB_SECTOR);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for GRUB's core.img");
	memcpy(buf, core, len);
	memset(buf + BLOCKS_END, 0, GRUB_SECTOR - BLOCKS_END);
	memcpy(buf + GRUB_SECTOR - sizeof b, &b, sizeof b);
	memset(buf + GRUB_SECTOR + RAW_REPAIR, 0, 4);
	memcpy(ret_boot, boot, GRUB_BOOT_CODE);
	memcpy(ret_boot + BOOT_BPB, old + BOOT_BPB, BOOT_BPB_END - BOOT_BPB);
	memcpy(ret_boot + BOOT_CORE, &at, sizeof at);
	ret_boot[BOOT_DRIVE] = 0xff;
	ret_boot[BOOT_DRIVE_CHECK] = ret_boot[BOOT_DRIVE_CHECK + 1] = 0x90;
	*ret = buf;
	*ret_len = sectors * GRUB_SECTOR;
	return 0;
}
