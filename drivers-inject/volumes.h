/* volumes.h: the guest's block devices, by all names that its files may use. */
#ifndef REHOST_VOLUMES_H
#define REHOST_VOLUMES_H
#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

#define VOLUME_DISKS_MAX 64
#define VOLUMES_MAX 8192        /* 64 disks with 128 partitions each            */

/* A partition, a whole disk, a logical volume, an array, an opened LUKS
 * volume.  Texts are "" when unknown; UUIDs as blkid(8) prints them. */
struct volume {
	char type[32];          /* blkid's: ext4 xfs btrfs vfat swap crypto_LUKS
				 * LVM2_member linux_raid_member; "" unknown */
	char uuid[64], label[128], partuuid[64], partlabel[128];
	char name[256];         /* "vg/lv", an array's or opened volume's name */
	char node[256];         /* its device here and now; "" none            */
	char mounted[256];      /* where in the guest's tree it is mounted; "" */
	int disk, part;         /* nth disk of the guest, from 0, and partition
				 * number; -1, -1: on none directly            */
	uint64_t size;          /* bytes                                     */
	uint64_t start;         /* of a partition, bytes on its disk          */
	int parent;             /* the volume that holds it (LVM, LUKS, MD: the
				 * first), -1: none                          */
};

/* A disk of the guest as it is now. */
struct guest_disk {
	char path[256];         /* "/dev/nvme0n1", or a file                 */
	char table[8];          /* "gpt", "dos", ""                          */
	char id[64];            /* disk GUID, or MBR signature as 8 hex digits */
	char old_name[32];      /* what the guest called it, "sda"; ""        */
	uint64_t size;
	uint32_t sector_size;
};

struct volumes {
	struct volume *v;
	size_t n;
	struct guest_disk disk[VOLUME_DISKS_MAX];
	size_t n_disks;
};

/* From and to the "volumes" of docs/INTERFACES.md. */
int volumes_from_json(struct json_object *o, struct volumes *ret, struct err *e) must_check;
struct json_object *volumes_json(const struct volumes *v);
void volumes_done(struct volumes *v);

/* The volume a name in a guest's file means: UUID= LABEL= PARTUUID= PARTLABEL=
 * (quotes allowed), /dev/disk/by-{uuid,label,partuuid,partlabel}/X, /dev/mapper/X,
 * /dev/VG/LV, /dev/md..., /dev/{sd,hd,vd,xvd}aN, /dev/nvmeAnBpN, /dev/mmcblkApN,
 * /dev/cciss/cAdBpN, and by-path or by-id names that end in -partN.  An old
 * kernel name means partition N of the disk of that name (old_name) or, when
 * no disk's old name is known, of the disk with that letter; a guest with one
 * disk has that disk under every letter, and *ret_guess is 1 then.
 * NULL: none, or more than one. */
const struct volume *volume_find(const struct volumes *v, const char *name, int *ret_guess);
/* A name taken apart that the kernel or udev chose by hardware. */
struct volume_hwname {
	char disk[256];         /* "sda", "cciss/c0d0", "by-id/ata-X"        */
	int index;              /* 0 for sda, hda, nvme0n1, c0d0; -1: by-path,
				 * by-id                                     */
	int part;               /* 0: the whole disk                         */
};
int volume_hwname(const char *name, struct volume_hwname *ret); /* 1: it is one */
/* The volume that is partition part of a disk (0: the disk as a whole). */
const struct volume *volume_on_disk(const struct volumes *v, int disk, int part);
/* 1: no container (LUKS, LVM, array) stands unopened, so that what isn't found
 * isn't there. */
int volumes_complete(const struct volumes *v);
/* 1: a name that the kernel or udev chose by hardware, which another machine
 * need not have: /dev/sda1, by-path, by-id (not dm-uuid-, md-uuid-, lvm-pv-uuid-,
 * dm-name-, md-name-). */
int volume_name_is_fragile(const char *name);
/* "UUID=..." (or PARTUUID= when it has no UUID), size 80; 0, or ERR_NOT_FOUND. */
int volume_stable_name(const struct volume *v, char *ret, size_t size, struct err *e) must_check;
#endif
