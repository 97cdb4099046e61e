/* names.h: which volume a guest's file means by a name that hardware chose.
 *
 * volume_find knows one name at a time; here the guest's own files are evidence
 * too: what /etc/fstab calls the disk of its root file system is that disk, and
 * another disk's name on a guest with one disk is a disk that isn't there. */
#ifndef REHOST_LIN_NAMES_H
#define REHOST_LIN_NAMES_H
#include "drivers-inject/linux/linux.h"

#define NAMES_ANCHORS_MAX 16    /* names of disks that are known for certain  */
#define NAMES_DISKS_MAX 64      /* names kept of disks in use; more are too many
				 * to guess with                              */

struct lin_names {
	const struct lin *l;
	struct { char disk[256]; int index, is; } anchor[NAMES_ANCHORS_MAX];
	size_t n_anchors;
	struct strv disks;      /* names of disks in fstab and crypttab       */
	const struct volume **used; /* volumes that fstab names for certain  */
	size_t n_used;
	int each_once;          /* a second name for one of those is wrong   */
};

/* Reads the guest's /etc/fstab and /etc/crypttab, without the plan's edits. */
int lin_names_load(const struct lin *l, struct plan *p, struct lin_names *ret,
		   struct err *e) must_check;
void lin_names_done(struct lin_names *n);
/* name is known to mean v: a root= of the guest's own kernel. */
void lin_names_anchor(struct lin_names *n, const char *name, const struct volume *v);

/* The volume; NULL: none, or not certain.  type: of the file system as the file
 * has it ("ext4", "auto", "ext3,ext2", "swap"), NULL unknown. */
const struct volume *lin_names_find(const struct lin_names *n, const char *name,
				    const char *type);
/* A name for v that means no other volume; 1, or 0: there is none.  by_part:
 * PARTUUID=, since no initramfs is there to look for a UUID (or since what
 * lies in the partition has none that lasts). */
int lin_names_stable(const struct lin_names *n, const struct volume *v, int by_part,
		     char ret[80]);
/* 1: a PARTUUID= (or link of that kind) that no volume has. */
int lin_names_partuuid_gone(const struct lin_names *n, const char *name);
/* 1: a UUID=, LABEL=, PARTUUID=, mapper or LV name that no volume has, and all
 * of the guest's volumes are known. */
int lin_names_gone(const struct lin_names *n, const char *name);
#endif
