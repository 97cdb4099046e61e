/* ntfs-dirty: sets an NTFS volume's dirty flag, as Windows leaves it after a
 * crash.  For tests only: it writes to the volume.
 *
 *     ntfs-dirty IMG */
#include "imager/fs/ntfsio.h"
#include <errno.h>
#include <string.h>

int main(int argc, char **argv)
{
	ntfs_volume *vol;

	if (argc != 2) {
		fprintf(stderr, "usage: ntfs-dirty IMG\n");
		return 2;
	}
	vol = ntfs_mount(argv[1], 0);
	if (!vol || ntfs_volume_write_flags(vol, vol->flags | VOLUME_IS_DIRTY) ||
	    ntfs_umount(vol, FALSE)) {
		fprintf(stderr, "ntfs-dirty: %s: %s\n", argv[1],
			strerror(errno));
		return 1;
	}
	return 0;
}
