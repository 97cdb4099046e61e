/* parted.c: libparted as the judge of what we saw, over any device.
 *
 * libparted opens paths itself, for writing first.  It calls its architecture
 * layer for that, which is a table of functions that may be replaced: here all
 * reads go to a struct blkdev and nothing can be written.  The table, the
 * exception handler and the list of file systems (which libparted would probe
 * each partition for) are globals of libparted: hence one lock, and all of
 * them are put back. */
#include <parted/parted.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "imager/part/internal.h"

/* libparted's architecture.h isn't installed, but what it declares is
 * exported and has not changed since 2007. */
struct _PedArchitecture {
	PedDiskArchOps *disk_ops;
	PedDeviceArchOps *dev_ops;
};
extern const struct _PedArchitecture *ped_architecture;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char complaint[600]; /* libparted's own words; under the lock */

struct source {
	struct blkdev *d;
	const uint64_t *good_header; /* of a GPT, else NULL; see hide() */
	struct err unread;           /* why libparted didn't get what it wanted to read */
};

static int arch_yes(PedDevice *dev)
{
	(void)dev;
	return 1;
}

static int arch_no(PedDevice *dev)
{
	(void)dev;
	return 0;
}

/* A sector of a GPT that may be a header but is none that we found good: libparted's rules
 * are laxer, it looks at more places, and stops the program, or asks for gigabytes, on what
 * it does not expect.  The magic stays: without it libparted does not look at the backup. */
static void hide(const struct source *s, uint64_t at, uint64_t ss, char *sector)
{
	if (at == s->good_header[0] || at == s->good_header[1] ||
	    (at != ss && memcmp(sector, "EFI PART", 8)))
		return;
	memset(sector, 0, ss);
	memcpy(sector, "EFI PART", 8);
}

static int arch_read(const PedDevice *dev, void *buf, PedSector start, PedSector count)
{
	struct source *s = dev->arch_specific;
	uint64_t ss = (uint64_t)dev->sector_size;

	if (start < 0 || count < 0 || start > dev->length || count > dev->length - start)
		return 0;
	if (dev_read(s->d, (uint64_t)start * ss, buf, (size_t)((uint64_t)count * ss), &s->unread) < 0)
		return 0;
	for (PedSector i = 0; s->good_header && i < count; i++)
		hide(s, (uint64_t)(start + i) * ss, ss, (char *)buf + (uint64_t)i * ss);
	return 1;
}

static int arch_write(PedDevice *dev, const void *buf, PedSector start, PedSector count)
{
	(void)dev, (void)buf, (void)start, (void)count;
	return 0;
}

static PedDeviceArchOps dev_ops = {
	.is_busy = arch_no, .open = arch_yes, .refresh_open = arch_yes,
	.close = arch_yes, .refresh_close = arch_yes, .read = arch_read,
	.write = arch_write, .sync = arch_yes, .sync_fast = arch_yes,
};
static const struct _PedArchitecture arch = { .dev_ops = &dev_ops };

/* Never "fix"; go on where going on is offered for what we noted ourselves
 * (a damaged header beside a good one, a backup that is not at the end). */
static PedExceptionOption on_exception(PedException *ex)
{
	static const PedExceptionOption order[] = {
		PED_EXCEPTION_NO, PED_EXCEPTION_CANCEL };
	static const PedExceptionOption mild[] = {
		PED_EXCEPTION_NO, PED_EXCEPTION_IGNORE, PED_EXCEPTION_OK };
	int serious = ex->type == PED_EXCEPTION_FATAL || ex->type == PED_EXCEPTION_BUG ||
		      ex->type == PED_EXCEPTION_NO_FEATURE ||
		      (ex->type == PED_EXCEPTION_ERROR && !(ex->options & PED_EXCEPTION_OK));

	if (!complaint[0] && ex->message)
		snprintf(complaint, sizeof complaint, "%s", ex->message);
	for (size_t i = 0; !serious && i < sizeof mild / sizeof *mild; i++)
		if (ex->options & mild[i])
			return mild[i];
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (ex->options & order[i])
			return order[i];
	return PED_EXCEPTION_UNHANDLED;
}

static PedPartition *find(PedDisk *disk, unsigned int number)
{
	PedPartition *p = NULL;

	while ((p = ped_disk_next_partition(disk, p)))
		if (ped_partition_is_active(p) && p->num == (int)number)
			return p;
	return NULL;
}

static int compare(PedDisk *disk, const struct part_table *t, struct err *e)
{
	size_t n = 0;
	PedPartition *p = NULL;

	while ((p = ped_disk_next_partition(disk, p)))
		n += ped_partition_is_active(p) != 0;
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *m = &t->parts[i];

		p = find(disk, m->number);
		if (!p || (uint64_t)p->geom.start != m->start / t->sector_size ||
		    (uint64_t)p->geom.length != m->size / t->sector_size)
			return err_set(e, ERR_CORRUPT,
				       "libparted reads partition %u of the table differently",
				       m->number);
	}
	if (n != t->n_parts)
		return err_set(e, ERR_CORRUPT,
			       "libparted counts %zu partitions in the table, not %zu",
			       n, t->n_parts);
	return 0;
}

static int judge(struct blkdev *d, const struct part_table *t, struct err *e)
{
	int gpt = !strcmp(t->kind, "gpt");
	struct source src = { .d = d, .good_header = gpt ? t->good_header : NULL };
	PedDevice dev = {
		.model = (char *)"", .path = d->name, .type = PED_DEVICE_FILE,
		.sector_size = t->sector_size, .phys_sector_size = t->sector_size,
		.length = (PedSector)(d->size / t->sector_size), .read_only = 1,
		.arch_specific = &src,
	};
	const PedDiskType *type = ped_disk_type_get(gpt ? "gpt" : "msdos");
	PedDisk *disk = NULL;
	int r = ERR_CORRUPT;

	dev.hw_geom = (PedCHSGeometry){ (int)(dev.length / (255 * 63)), 255, 63 };
	dev.bios_geom = dev.hw_geom;
	if (!type || !ped_device_open(&dev))
		return err_set(e, ERR_INTERNAL, "libparted knows no %s tables", t->kind);
	if (type->ops->probe(&dev))
		disk = ped_disk_new_fresh(&dev, type);
	if (disk && type->ops->read(disk))
		r = compare(disk, t, e);
	else
		err_set(e, ERR_CORRUPT, "libparted refuses the partition table%s%s",
			complaint[0] ? ": " : "", complaint);
	if (r < 0 && src.unread.code) /* it read less than we did */
		r = err_set(e, src.unread.code, "%s", src.unread.msg);
	if (disk)
		ped_disk_destroy(disk);
	ped_device_close(&dev);
	return r;
}

/* Takes libparted's list of file systems off, in *n; free the array. */
static PedFileSystemType **take_file_systems(size_t *n)
{
	PedFileSystemType *f = NULL, **all;

	*n = 0;
	while ((f = ped_file_system_type_get_next(f)))
		++*n;
	all = calloc(*n + 1, sizeof *all);
	for (size_t i = 0; all && i < *n; i++) {
		all[i] = ped_file_system_type_get_next(NULL);
		ped_file_system_type_unregister(all[i]);
	}
	return all;
}

int parted_agrees(struct blkdev *d, const struct part_table *t, struct err *e)
{
	const struct _PedArchitecture *old_arch;
	PedExceptionHandler *old_handler;
	PedFileSystemType **all;
	size_t n;
	int r;

	pthread_mutex_lock(&lock);
	all = take_file_systems(&n);
	if (!all) {
		pthread_mutex_unlock(&lock);
		return err_set(e, ERR_NOMEM, "out of memory for libparted");
	}
	old_arch = ped_architecture;
	old_handler = ped_exception_get_handler();
	ped_architecture = &arch;
	ped_exception_set_handler(on_exception);
	complaint[0] = 0;
	r = judge(d, t, e);
	ped_exception_set_handler(old_handler);
	ped_architecture = old_arch;
	while (n)
		ped_file_system_type_register(all[--n]);
	free(all);
	pthread_mutex_unlock(&lock);
	return r;
}
