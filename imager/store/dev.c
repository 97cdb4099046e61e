/* dev.c: a partition of a local disk or stick as a place. */
#include <blkid/blkid.h>
#include <stdio.h>
#include <string.h>
#include "imager/store/place-ops.h"

static const char *const allowed[] = { NULL };

static const struct place_message messages[] = {
	{ "unknown filesystem type", "its file system is not known, or it has none" },
	{ "wrong fs type", "its file system is not known or is damaged; check it with fsck (NTFS: chkdsk, or ntfsfix)" },
	{ "special device", "there is no such device" },
	{ "already mounted", "it is already mounted or in use; if it is mounted, use the path where" },
	{ "write-protected", "it is write-protected" },
	{ "no medium", "there is no medium in the drive" },
	{ "must be superuser", "mounting needs root" },
	{ "only root can", "mounting needs root" },
	{ "permission denied", "mounting needs root" },
	{ NULL, NULL }
};

static int split(const struct place *p, const char *dir, int try)
{
	(void)p;
	(void)dir;
	return try ? -1 : 0;
}

/* How to mount what is on the device.  ntfs: mount(8) would take the kernel's
 * read-only stand-in for its old driver.  The journals: a disk that is only read
 * stays as it is, also when it was not unmounted cleanly. */
static const struct known_fs {
	const char *type, *mount_as, *when_read;
} known[] = {
	{ "ntfs", "ntfs3", "" }, { "ext3", "auto", ",noload" }, { "ext4", "auto", ",noload" },
	{ "xfs", "auto", ",norecovery" }, { NULL, "auto", "" },
};

static const struct known_fs *look(const char *path)
{
	blkid_probe pr = blkid_new_probe_from_filename(path);
	const struct known_fs *fs = known;
	const char *type = "";

	if (pr) {
		blkid_probe_enable_superblocks(pr, 1);
		if (blkid_do_safeprobe(pr) || blkid_probe_lookup_value(pr, "TYPE", &type, NULL))
			type = "";
	}
	while (fs->type && strcmp(fs->type, type))
		fs++;
	blkid_free_probe(pr);
	return fs;
}

static int command(const struct place *p, const struct place_creds *c,
		   const char *creds, const char *part, const char *base,
		   int write, struct place_cmd *ret, struct err *e)
{
	const struct known_fs *fs = look(p->host);

	(void)c;
	(void)creds;
	(void)part;
	snprintf(ret->what, sizeof ret->what, "%s", p->host);
	if (place_add(ret, e, "%s,nosuid,nodev,noatime%s", write ? "rw" : "ro",
		      write ? "" : fs->when_read) < 0 ||
	    place_add_options(p, allowed, ret, e) < 0)
		return e->code;
	ret->argv[0] = "mount";
	ret->argv[1] = "-t";
	ret->argv[2] = fs->mount_as;
	ret->argv[3] = "-o";
	ret->argv[4] = ret->options;
	ret->argv[5] = "--";
	ret->argv[6] = ret->what;
	ret->argv[7] = base;
	return 0;
}

static int try_next(const char *message)
{
	(void)message;
	return 0;
}

const struct place_ops place_dev = {
	.scheme = "dev", .timeout_s = 60, .options = allowed,
	.messages = messages, .split = split, .command = command,
	.try_next = try_next,
};
