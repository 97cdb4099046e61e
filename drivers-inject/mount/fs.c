/* fs.c: mounting one file system, with or without replaying its journal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/le.h"
#include "drivers-inject/mount/int.h"

static const struct kind {
	const char *type;       /* blkid's, and the kernel's                 */
	int root;               /* 1: a Linux root may be on it              */
	const char *always;     /* options                                   */
	const char *no_replay;  /* the option that leaves the journal alone;
				 * NULL: there is no journal, or no such option */
} kinds[] = {
	{ "ext2", 1, "", NULL }, { "ext3", 1, "", "noload" }, { "ext4", 1, "", "noload" },
	/* nouuid: a copy of it may be mounted at the same time */
	{ "xfs", 1, "nouuid", "norecovery" },
	{ "btrfs", 1, "", "rescue=nologreplay" },
	{ "f2fs", 1, "", "norecovery" },
	{ "jfs", 1, "", NULL }, { "vfat", 0, "", NULL },
};

static const struct kind *kind_of(const char *type)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(kinds[i].type, type))
			return &kinds[i];
	return NULL;
}

int fs_may_be_root(const char *type)
{
	const struct kind *k = kind_of(type);

	return k && k->root;
}

/* Bytes 0 to 0xbf at offset `at` of a device. */
static int read_at(const char *node, off_t at, uint8_t *buf)
{
	cleanup_close int fd = open(node, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && pread(fd, buf, 0xc0, at) == 0xc0 ? 0 : -1;
}

/* ext: Linux' struct ext4_super_block, s_feature_incompat at 0x60 of byte 1024,
 * RECOVER is 4.  Btrfs: struct btrfs_super_block at 64 KiB, log_root at 0x60. */
int fs_needs_replay(const struct volume *v)
{
	uint8_t b[0xc0];

	if (!strncmp(v->type, "ext", 3))
		return read_at(v->node, 1024, b) == 0 && b[0x60] & 4;
	if (!strcmp(v->type, "btrfs") && read_at(v->node, 65536, b) == 0) {
		le64 log_root;

		memcpy(&log_root, b + 0x60, sizeof log_root);
		return le64_get(log_root) != 0;
	}
	return 0;
}

struct options { char s[4096]; };

static int add(struct options *o, const char *fmt, const char *word, struct err *e)
{
	size_t n = strlen(o->s);

	if (n && n + 1 < sizeof o->s)
		o->s[n++] = ',';
	if (snprintf(o->s + n, sizeof o->s - n, fmt, word) >= (int)(sizeof o->s - n))
		return err_set(e, ERR_UNSUPPORTED, "too many mount options");
	return 0;
}

/* What a volume needs besides: all devices of a Btrfs, the subvolume. */
static int special(const struct assembly *a, const struct volume *v, const struct kind *k,
		   const char *subvol, struct options *o, struct err *e)
{
	const struct volume *w = a->volumes.v;

	o->s[0] = 0;
	if (*k->always && add(o, "%s", k->always, e))
		return e->code;
	if (subvol && add(o, "%s", subvol, e))
		return e->code;
	if (strcmp(v->type, "btrfs"))
		return 0;
	for (size_t i = 0; i < a->volumes.n; i++)
		if (&w[i] != v && !strcmp(w[i].type, "btrfs") && !strcmp(w[i].uuid, v->uuid) &&
		    add(o, "device=%s", w[i].node, e))
			return e->code;
	return 0;
}

static int mount_failed(const struct assembly *a, size_t volume, int n, struct err *e)
{
	char text[400];

	volume_text(a, volume, text, sizeof text);
	if (n == ENODEV)
		return err_set(e, ERR_UNSUPPORTED, "%s: this kernel has no driver for %s",
			       text, a->volumes.v[volume].type);
	return err_sys(e, n, "%s (%s) can't be mounted", text, a->volumes.v[volume].type);
}

/* Read-only.  On a device that can't be written the kernel answers EROFS where a
 * journal is to be replayed; that is the only way to know it of an XFS. */
static int mount_ro(const char *node, const struct kind *k, const char *target,
		    unsigned long flags, struct options *o, int knows, int *ret_dirty)
{
	struct err ignored;

	if (!knows && mount(node, target, k->type, flags, o->s) == 0)
		return 0;
	if (!knows && (errno != EROFS || !k->no_replay))
		return errno;
	if (!knows)
		*ret_dirty = 1;
	if (add(o, "%s", k->no_replay, &ignored))
		return ENOMEM;
	return mount(node, target, k->type, flags, o->s) == 0 ? 0 : errno;
}

int fs_mount(struct assembly *a, size_t volume, const char *target, int write,
	     const char *subvol, int *ret_dirty, struct err *e)
{
	const struct volume *v = &a->volumes.v[volume];
	const struct kind *k = kind_of(v->type);
	unsigned long flags = MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_NOATIME;
	/* Btrfs: many devices, and its superblock tells */
	int knows = !strcmp(v->type, "btrfs"), dirty = fs_needs_replay(v), n = 0;
	cleanup_close int fd = -1, loop = -1;
	struct options o;
	char node[32];

	if (!k)
		return err_set(e, ERR_UNSUPPORTED, "%s holds %s, which isn't mounted here",
			       v->node, *v->type ? v->type : "nothing known");
	if (special(a, v, k, subvol, &o, e))
		return e->code;
	if (write) {
		n = mount(v->node, target, k->type, flags, o.s) == 0 ? 0 : errno;
	} else if (knows || !for_writing(a)) {
		n = mount_ro(v->node, k, target, flags | MS_RDONLY, &o, knows, &dirty);
	} else {
		/* only a look, before anything is written: through a read-only device */
		fd = open(v->node, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(e, errno, "%s", v->node);
		if (loop_attach(fd, 0, 0, 1, node, &loop, e))
			return e->code;
		n = mount_ro(node, k, target, flags | MS_RDONLY, &o, 0, &dirty);
	}
	if (ret_dirty)
		*ret_dirty = dirty;
	return n ? mount_failed(a, volume, n, e) : 0;
}
