/* signature.c: see signature.h. */
#include "drivers-inject/signature.h"
#include <string.h>
#include "imager/fs/readers.h"

#define ENCRYPTED "what is in it is encrypted, so no system on it can be seen"
#define NOT_YET "systems on it are not looked for in this version"

/* Types as fs_known tells them; those that hold no installed system: NULL. */
static const struct {
	const char *type, *text;
} words[] = {
	{ "BitLocker", "a BitLocker volume: " ENCRYPTED },
	{ "crypto_LUKS", "a LUKS volume: " ENCRYPTED },
	{ "LVM2_member", "a physical volume of LVM2: " NOT_YET },
	{ "linux_raid_member", "a member of an MD array: " NOT_YET },
	{ "raid_member", "a member of a firmware RAID: " NOT_YET },
	{ "zfs_member", "a member of a ZFS pool: " NOT_YET },
	{ "iso9660", NULL },
	{ "udf", NULL },
	{ "squashfs", NULL },
};

static int tell(const char *type, struct err *e)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(type, words[i].type))
			continue;
		return words[i].text ? err_set(e, ERR_UNSUPPORTED, "%s",
					       words[i].text) : 0;
	}
	return err_set(e, ERR_UNSUPPORTED, "a file system of type %s: "
		       NOT_YET, type);
}

int signature_tell(struct blkdev *d, struct err *e)
{
	struct fs_ident id;

	return fs_known(d, &id) ? 0 : tell(id.type, e);
}
