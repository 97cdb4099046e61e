/* kinds.c: see kinds.h.  Codes: those of sfdisk --list-types; GUIDs: UEFI
 * specification 2.10 table 5.7, Microsoft's PARTITION_INFORMATION_GPT, and the
 * Discoverable Partitions Specification. */
#include "imager/part/kinds.h"
#include <string.h>

enum kind { DATA, RECOVERY, LINUX, SWAP, LVM, RAID, ESP };

static const struct { const char *type; enum kind kind; } types[] = {
	{ "0x01", DATA }, { "0x04", DATA }, { "0x06", DATA }, { "0x07", DATA },
	{ "0x0b", DATA }, { "0x0c", DATA }, { "0x0e", DATA },
	/* hidden ones */
	{ "0x11", DATA }, { "0x14", DATA }, { "0x16", DATA }, { "0x17", DATA },
	{ "0x1b", DATA }, { "0x1c", DATA }, { "0x1e", DATA },
	{ "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", DATA },
	{ "0x27", RECOVERY }, { "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", RECOVERY },
	{ "0x83", LINUX },
	{ "0FC63DAF-8483-4772-8E79-3D69D8477DE4", LINUX },
	{ "44479540-F297-41B2-9AF7-D131D5F0458A", LINUX }, /* root, x86     */
	{ "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", LINUX }, /* root, x86-64  */
	{ "B921B045-1DF0-41C3-AF44-4C6F280D3FAE", LINUX }, /* root, arm64   */
	{ "8484680C-9521-48C6-9C11-B0720656F69E", LINUX }, /* /usr, x86-64  */
	{ "933AC7E1-2EB4-4F13-B844-0E14E2AEF915", LINUX }, /* /home         */
	{ "3B8F8425-20E0-4F3B-907F-1A25A76F98E8", LINUX }, /* /srv          */
	{ "4D21B016-B534-45C2-A9FB-5C16E091FD2D", LINUX }, /* /var          */
	{ "BC13C2FF-59E6-4262-A352-B275FD6F7172", LINUX }, /* /boot         */
	{ "0x82", SWAP }, { "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", SWAP },
	{ "0x8e", LVM }, { "E6D6D379-F507-44C2-A23C-238F2A3DF928", LVM },
	{ "0xfd", RAID }, { "A19D880F-05FC-4D3B-A006-743F0F84911E", RAID },
	{ "0xef", ESP }, { "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", ESP },
};

static int kind_of(const char *type)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcmp(types[i].type, type))
			return (int)types[i].kind;
	return -1;
}

int part_same_kind(const char *a, const char *b)
{
	return !strcmp(a, b) || (kind_of(a) >= 0 && kind_of(a) == kind_of(b));
}
