/* registry.c: the readers, in probing order. */
#include "imager/fs/readers.h"

const struct fs_reader *const fs_readers[] = {
	&fs_ext, &fs_xfs, &fs_btrfs, &fs_ntfs, &fs_fat, &fs_exfat, &fs_f2fs, &fs_swap, 0
};
