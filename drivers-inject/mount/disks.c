/* disks.c: a guest's disks, and their partitions as block devices: the
 * kernel's own when they are written to and there are some, else loop devices. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/mount/int.h"
#include "imager/blkuse.h"
#include "imager/disks.h"
#include "imager/part/part.h"
#include "imager/sysfs.h"

#define LOOP_TRIES 64           /* others take free loop devices meanwhile   */

/* 0, -1 with errno: EBUSY when somebody else was faster */
static int configure(const char *node, int fd, uint64_t off, uint64_t len, int read_only,
		     int *ret_fd)
{
	struct loop_config c = {
		.fd = (uint32_t)fd,
		.info = { .lo_offset = off, .lo_sizelimit = len,
			  .lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0) },
	};
	int loop = open(node, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC), n;

	if (loop < 0)
		return -1;
	if (ioctl(loop, LOOP_CONFIGURE, &c) == 0) {
		*ret_fd = loop;
		return 0;
	}
	n = errno;
	close(loop);
	errno = n;
	return -1;
}

int loop_attach(int fd, uint64_t off, uint64_t len, int read_only, char *ret_node,
		int *ret_fd, struct err *e)
{
	cleanup_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number;

	if (control < 0)
		return err_sys(e, errno, "/dev/loop-control (looking into a disk needs root and loop devices)");
	for (int i = 0; i < LOOP_TRIES; i++) {
		number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			return err_sys(e, errno, "no loop device is free");
		snprintf(ret_node, 32, "/dev/loop%d", number);
		if (configure(ret_node, fd, off, len, read_only, ret_fd) == 0)
			return 0;
		if (errno != EBUSY)
			break;
	}
	return err_sys(e, errno, "%s", ret_node);
}

int loop_keep(struct assembly *a, int fd, uint64_t off, uint64_t len, int read_only,
	      char *ret_node, struct err *e)
{
	struct assembly_in *in = a->in;
	int *fds = reallocarray(in->fds, in->n_fds + 1, sizeof *fds);
	int r;

	if (!fds)
		return err_set(e, ERR_NOMEM, "out of memory");
	in->fds = fds;
	r = loop_attach(fd, off, len, read_only, ret_node, &fds[in->n_fds], e);
	if (r == 0)
		in->n_fds++;
	return r;
}

/* ---- one disk ---- */

/* Reading needs a disk that nobody changes; a person's confirmation has seen to
 * that already where a token is there. */
static int refuse_used(const struct disk *d, struct err *e)
{
	char why[1024];

	switch (blkuse_why(NULL, d, why, sizeof why)) {
	case BLKUSE_NONE:
	case BLKUSE_MOUNTED_RO:
	case BLKUSE_LOOP:
		return 0;
	default:
		return err_set(e, ERR_REFUSED, "%s is in use: %s", d->path, why);
	}
}

/* What was confirmed, opened; the check is dev_open_rw()'s. */
static int open_disk(const struct assemble_request *q, size_t i, int *ret, struct err *e)
{
	int fd = open(q->disk[i], (q->token ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	uint64_t dev;

	if (fd < 0)
		return err_sys(e, errno, "%s", q->disk[i]);
	if (fstat(fd, &st) < 0) {
		close(fd);
		return err_sys(e, errno, "%s", q->disk[i]);
	}
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (q->token && (dev != q->token[i].dev || st.st_ino != q->token[i].ino)) {
		close(fd);
		return err_set(e, ERR_REFUSED, "%s is another disk now than the one that was confirmed; nothing was written",
			       q->disk[i]);
	}
	*ret = fd;
	return 0;
}

/* The kernel's device for [start, start+size) of d; "" if there is none. */
static void kernel_node(const struct disk *d, const struct partition *p, char *ret, size_t size)
{
	cleanup_names char **names = *d->sysdir ? sysfs_names("%s", d->sysdir) : NULL;

	*ret = 0;
	for (char **n = names; n && *n; n++)
		if (sysfs_exists("%s/%s/partition", d->sysdir, *n) &&
		    sysfs_u64(0, "%s/%s/start", d->sysdir, *n) == p->start / 512 &&
		    sysfs_u64(0, "%s/%s/size", d->sysdir, *n) == p->size / 512)
			snprintf(ret, size, "/dev/%s", *n);
	for (char *c = ret; *c; c++)
		if (*c == '!') /* cciss!c0d0p1 */
			*c = '/';
}

/* Fills v->node: how the partition is reached. */
static int partition_node(struct assembly *a, const struct disk *d, int fd,
			  const struct partition *p, struct volume *v, struct err *e)
{
	cleanup_close int own = -1;

	kernel_node(d, p, v->node, sizeof v->node);
	if (for_writing(a) && *v->node)
		return 0;
	/* over the kernel's partition, whose cache is not the whole disk's */
	if (*v->node)
		own = open(v->node, O_RDONLY | O_CLOEXEC);
	if (own >= 0)
		return loop_keep(a, own, 0, 0, 1, v->node, e);
	return loop_keep(a, fd, p->start, p->size, !for_writing(a), v->node, e);
}

static int partition_add(struct assembly *a, const struct disk *d, int fd, int disk,
			 int parent, const struct partition *p, struct err *e)
{
	struct volume v = { .disk = disk, .part = disk < 0 ? -1 : (int)p->number,
			    .size = p->size, .start = p->start, .parent = parent };
	size_t ignored;

	if (p->flags & PART_EXTENDED || p->size < 512)
		return 0;
	snprintf(v.partuuid, sizeof v.partuuid, "%s", p->uuid);
	snprintf(v.partlabel, sizeof v.partlabel, "%s", p->name);
	if (partition_node(a, d, fd, p, &v, e))
		return e->code;
	return volume_add(a, &v, (p->flags & PART_ESP) != 0, &ignored, e);
}

/* A file system, a PV, ... on the whole disk */
static int whole_add(struct assembly *a, const char *path, int fd, int disk, uint64_t size,
		     struct err *e)
{
	struct volume v = { .disk = disk, .part = 0, .size = size, .parent = -1 };
	struct stat st;
	size_t ignored;

	if (for_writing(a) && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		snprintf(v.node, sizeof v.node, "%s", path);
	else if (loop_keep(a, fd, 0, 0, !for_writing(a), v.node, e))
		return e->code;
	return volume_add(a, &v, 0, &ignored, e);
}

static int disk_add(struct assembly *a, size_t i, struct err *e)
{
	const struct assemble_request *q = &a->in->q;
	struct guest_disk *g = &a->volumes.disk[i];
	cleanup_close int fd = -1;
	struct part_table *t = NULL;
	struct blkdev *dev;
	struct disk d;
	int rc;

	if (disk_by_path(NULL, q->disk[i], &d, e) < 0 || (!q->token && refuse_used(&d, e)) ||
	    open_disk(q, i, &fd, e) || dev_open_ro(q->disk[i], &dev, e))
		return e->code;
	snprintf(g->path, sizeof g->path, "%s", q->disk[i]);
	if (q->old_name && q->old_name[i])
		snprintf(g->old_name, sizeof g->old_name, "%s", q->old_name[i]);
	g->size = dev->size;
	g->sector_size = dev->sector_size;
	a->volumes.n_disks = i + 1;
	rc = part_read(dev, &t, e);
	dev_close(dev);
	if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED) {
		assembly_warn(a, "%s: its partition table can't be trusted: %s", q->disk[i], e->msg);
		return 0;
	}
	if (rc == PART_NONE)
		return whole_add(a, q->disk[i], fd, (int)i, g->size, e);
	if (rc < 0)
		return rc;
	snprintf(g->table, sizeof g->table, "%s", !strcmp(t->kind, "mbr") ? "dos" : t->kind);
	snprintf(g->id, sizeof g->id, "%s", t->id);
	for (size_t k = 0; rc == 0 && k < t->n_parts; k++)
		rc = partition_add(a, &d, fd, (int)i, -1, &t->parts[k], e);
	part_free(t);
	return rc;
}

int disks_add(struct assembly *a, struct err *e)
{
	const struct assemble_request *q = &a->in->q;
	int r = 0;

	if (q->n_disks > VOLUME_DISKS_MAX)
		return err_set(e, ERR_USAGE, "more than %d disks", VOLUME_DISKS_MAX);
	for (size_t i = 0; r == 0 && i < q->n_disks; i++)
		r = disk_add(a, i, e);
	return r;
}

int nested_add(struct assembly *a, size_t volume, struct err *e)
{
	char node[sizeof a->volumes.v->node];
	cleanup_close int fd = -1;
	struct part_table *t = NULL;
	struct blkdev *dev;
	struct disk d;
	int rc;

	snprintf(node, sizeof node, "%s", a->volumes.v[volume].node);
	if (disk_by_path(NULL, node, &d, e) < 0 || dev_open_ro(node, &dev, e))
		return e->code;
	rc = part_read(dev, &t, e);
	dev_close(dev);
	if (rc == ERR_CORRUPT || rc == ERR_UNSUPPORTED || rc == PART_NONE)
		return 0;
	if (rc < 0)
		return rc;
	fd = open(node, (for_writing(a) ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		rc = err_sys(e, errno, "%s", node);
	for (size_t k = 0; rc == 0 && k < t->n_parts; k++)
		rc = partition_add(a, &d, fd, -1, (int)volume, &t->parts[k], e);
	part_free(t);
	return rc;
}
