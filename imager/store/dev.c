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
	{ "already mounted", "it is already mounted, or in use" },
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

/* mount(8) would take the kernel's read-only stand-in for the old NTFS driver. */
static int is_ntfs(const char *path)
{
	blkid_probe pr = blkid_new_probe_from_filename(path);
	const char *type = NULL;
	int yes;

	if (!pr)
		return 0;
	blkid_probe_enable_superblocks(pr, 1);
	yes = blkid_do_safeprobe(pr) == 0 &&
	      blkid_probe_lookup_value(pr, "TYPE", &type, NULL) == 0 && !strcmp(type, "ntfs");
	blkid_free_probe(pr);
	return yes;
}

static int command(const struct place *p, const struct place_creds *c,
		   const char *creds, const char *part, const char *base,
		   int write, struct place_cmd *ret, struct err *e)
{
	(void)c;
	(void)creds;
	(void)part;
	snprintf(ret->what, sizeof ret->what, "%s", p->host);
	/* a journal is not replayed when an image is only read */
	if (place_add(ret, e, "%s,nosuid,nodev,noatime", write ? "rw" : "ro") < 0 ||
	    place_add_options(p, allowed, ret, e) < 0)
		return e->code;
	ret->argv[0] = "mount";
	ret->argv[1] = "-t";
	ret->argv[2] = is_ntfs(p->host) ? "ntfs3" : "auto";
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
