/* fuzz: what GRUB's images and boot programs of UEFI are said to hold. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/linux/efi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whole_disk(const uint8_t *data, size_t size)
{
	uint64_t sector;
	struct blkdev *d;
	uint8_t *core;
	size_t len;

	if (size < GRUB_SECTOR || !grub_is_boot_sector(data, &sector) ||
	    dev_mem((void *)(uintptr_t)data, size, 0, &d, NULL))
		return;
	if (!grub_core_read(d, sector, &core, &len, NULL)) {
		(void)grub_core_same(core, len, data, size);
		free(core);
	}
	dev_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grub_content c;

	if (!grub_core_content(data, size, &c, NULL) &&
	    (strlen(c.prefix) >= sizeof c.prefix || strlen(c.config) >= sizeof c.config))
		abort();
	if (efi_kind(data, size, &c) == EFI_GRUB && strlen(c.prefix) >= sizeof c.prefix)
		abort();
	(void)efi_has_section(data, size, ".linux");
	whole_disk(data, size);
	return 0;
}
