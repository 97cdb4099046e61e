/* initrd-foreign.c: files that stand in an initramfs's place and are none. */
#include <string.h>
#include "common/le.h"
#include "drivers-inject/linux/initrd-int.h"

static uint32_t get32(const uint8_t *p)
{
	le32 v;

	memcpy(&v, p, sizeof v);
	return le32_get(v);
}

/* PE format: the header's offset at 0x3c; behind its signature a COFF header of
 * 20 bytes (number of sections at 2, size of the optional header at 16), the
 * optional header, then sections of 40 bytes, names first. */
static int has_pe_section(const uint8_t *p, size_t n, const char *name)
{
	size_t pe, at, sections;

	if (n < 0x40 || memcmp(p, "MZ", 2))
		return 0;
	pe = get32(p + 0x3c);
	if (pe > n || n - pe < 24 || memcmp(p + pe, "PE\0", 4))
		return 0;
	sections = get32(p + pe + 4) >> 16;
	at = pe + 24 + (get32(p + pe + 20) & 0xffff);
	for (; sections && at <= n && n - at >= 40; sections--, at += 40)
		if (!strncmp((const char *)p + at, name, 8))
			return 1;
	return 0;
}

const char *initrd_foreign(const uint8_t *p, size_t n)
{
	static const struct { size_t at; const char *magic; size_t n; const char *is; } t[] = {
		{ 0, "MZ", 2, "a program for EFI or DOS, no archive" },
		{ 1080, "\x53\xef", 2, "an ext2 image (an initrd of the old kind), no archive" },
		{ 0, "\x45\x3d\xcd\x28", 4, "a cramfs image, no archive" },
		{ 0, "hsqs", 4, "a squashfs image, no archive" },
		{ 0, "-rom1fs-", 8, "a romfs image, no archive" },
		{ 0, "\x27\x05\x19\x56", 4, "wrapped for U-Boot, which is not supported" },
		{ 0, "\x04\x22\x4d\x18", 4, "compressed as lz4 frames, which no kernel unpacks "
			"(lz4 -l makes what it can)" },
	};

	if (has_pe_section(p, n, ".initrd"))
		return "a unified kernel image: the initramfs is a part of a program for EFI "
		       "and sealed with it, so nothing can be appended; the system's own "
		       "tools must build it anew";
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (n >= t[i].at + t[i].n && !memcmp(p + t[i].at, t[i].magic, t[i].n))
			return t[i].is;
	return NULL;
}
