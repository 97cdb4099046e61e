/* signature.c: see signature.h.  The places of the magic numbers are those
 * that libblkid's documentation and the file systems' own headers give. */
#include "drivers-inject/signature.h"
#include <string.h>
#include "common/checked.h"

#define ENCRYPTED "what is in it is encrypted, so no system on it can be seen"
#define NOT_YET "systems on it are not looked for in this version"

static const struct {
	uint32_t offset;
	const char *magic;
	uint8_t len;
	uint8_t is_fat;
	const char *text;
} signatures[] = {
	{ 3, "-FVE-FS-", 8, 0, "a BitLocker volume: " ENCRYPTED },
	{ 0, "LUKS\xba\xbe", 6, 0, "a LUKS volume: " ENCRYPTED },
	{ 536, "LVM2 001", 8, 0, "a physical volume of LVM2: " NOT_YET },
	{ 0, "XFSB", 4, 0, "an XFS file system: " NOT_YET },
	{ 0x10040, "_BHRfS_M", 8, 0, "a Btrfs file system: " NOT_YET },
	{ 0x400, "\x10\x20\xf5\xf2", 4, 0, "an F2FS file system: " NOT_YET },
	{ 0x8000, "JFS1", 4, 0, "a JFS file system: " NOT_YET },
	{ 0x10034, "ReIsEr", 6, 0, "a ReiserFS file system: " NOT_YET },
	{ 0x1000, "\xfc\x4e\x2b\xa9", 4, 0, "a member of an MD array: " NOT_YET },
	{ 82, "FAT32   ", 8, 1, "a FAT file system: " NOT_YET },
	{ 54, "FAT16   ", 8, 1, "a FAT file system: " NOT_YET },
};

int signature_tell(struct blkdev *d, int esp, struct err *e)
{
	char buf[16];

	for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
		size_t len = signatures[i].len;
		int r;

		if (range_outside(signatures[i].offset, len, d->size) ||
		    (esp && signatures[i].is_fat))
			continue;
		r = dev_read(d, signatures[i].offset, buf, len, e);
		if (r)
			return r;
		if (!memcmp(buf, signatures[i].magic, len))
			return err_set(e, ERR_UNSUPPORTED, "%s",
				       signatures[i].text);
	}
	return 0;
}
