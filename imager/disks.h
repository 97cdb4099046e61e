/* disks.h: which disks there are and who they are, from sysfs. */
#ifndef REHOST_DISKS_H
#define REHOST_DISKS_H
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "imager/sysfs.h"

struct disk {
	char path[PATH_MAX];      /* "/dev/sda", or the regular file's path     */
	char name[64];            /* kernel name "sda"; a file's last component */
	char kind[8];             /* "disk", "cdrom", "file", "part"            */
	char sysdir[PATH_MAX];    /* real directory in sysfs; "" for a file     */
	unsigned int major, minor;/* of the block device; a file: of its fs     */
	uint64_t ino;             /* of a file; else 0                          */
	uint64_t size;            /* bytes                                      */
	uint32_t sector_size, phys_size; /* bytes                               */
	char vendor[64], model[96], serial[96], wwn[96]; /* "" if unknown       */
	char transport[12];       /* sata ide usb nvme virtio scsi sas fc iscsi
				   * mmc xen hyperv, "" unknown                 */
	int removable, read_only, rotational;
};

/* All disks and CD drives with a medium, in the order sda, sda..., by name; no loop,
 * RAM, device-mapper, md devices, no partitions.  *ret: free() it. */
int disks_list(const struct kernel_view *k, struct disk **ret, size_t *ret_n,
	       struct err *e) must_check;
/* 1 if it lists the device of that name, when there is a medium. */
int disks_lists(const char *name);
/* Any block device or regular file by path (symlinks followed).
 * ERR_NOT_FOUND, or ERR_USAGE if it is something else. */
int disk_by_path(const struct kernel_view *k, const char *path,
		 struct disk *ret, struct err *e) must_check;

/* The path of the disk that d, a partition, is on; d's own else. */
void disk_whole_path(const struct kernel_view *k, const struct disk *d, char ret[PATH_MAX]);

/* Used inside: serial, model, wwn, transport of the device in d->sysdir's
 * whole disk `dir`. */
void disk_identify(const char *dir, struct disk *d);
#endif
