/* cmd-mount.c: rehost mount: an image's disk as files in a directory. */
#include <stdio.h>
#include <string.h>
#include "common/text.h"
#include "imager/cmd.h"
#include "imager/imgfuse.h"

static int run(const struct cmd_opts *o, struct err *e)
{
	struct image_at q = { .image = o->args[0], .credentials = o->credentials,
			      .passphrase = o->passphrase,
			      .cancel = &stop_signal };

	if (!strcmp(q.image, "-"))
		return err_set(e, ERR_USAGE, "an image that comes through a pipe can't be mounted");
	if (image_mount_at(&q, o->args[1], e))
		return e->code;
	text_print(stderr, o->args[1]);
	fputs("/disk.img is the disk; `umount ", stderr);
	text_print(stderr, o->args[1]);
	fputs("` (or fusermount3 -u) ends it\n", stderr);
	return 0;
}

const struct cmd cmd_mount = {
	.name = "mount", .args = "IMAGE DIR", .summary = "An image's disk as files, to look into it",
	.options = OPT_CREDENTIALS | OPT_PASSPHRASE,
	.min_args = 2, .max_args = 2, .run = run,
	.text = "DIR, which must be there, then has disk.img, the whole disk, and part1.img and\n"
		"so on, its partitions; all read-only. A process in the background serves them\n"
		"until DIR is unmounted with umount or `fusermount3 -u`. A file system in one:\n"
		"mount -o ro,loop,noload DIR/part1.img /mnt (noload: ext3 and ext4; xfs: norecovery).\n",
};
