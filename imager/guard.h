/* guard.h: what stands between a command and a disk.  The only maker of struct
 * write_token, without which no device is opened for writing (dev.h). */
#ifndef REHOST_GUARD_H
#define REHOST_GUARD_H
#include <signal.h>
#include <stdio.h>
#include "imager/disks.h"
#include "imager/dev/dev.h"
#include "imager/fit.h"
#include "imager/part/choose.h"

/* All refusals are ERR_REFUSED, with the reason and a way out. */

/* May this disk be overwritten with an image kept at image_path (NULL: it comes
 * through a pipe)?  Refuses: a CD, the boot medium, a read-only disk, one in use
 * (also by what lies on it), the image itself, a disk that holds the image. */
int guard_target_disk(const struct kernel_view *k, const struct disk *target,
		      const char *image_path, struct err *e) must_check;

/* May this disk be read as a source?  Refuses one with a file system mounted
 * read-write, whose image would be inconsistent, unless even_mounted; then
 * *ret_warning (size bytes) says so, "" if nothing is wrong. */
int guard_source_disk(const struct kernel_view *k, const struct disk *source,
		      int even_mounted, char *ret_warning, size_t size,
		      struct err *e) must_check;

/* May an image be written to path while source is read?  Refuses the source
 * itself and a file system that lies on the source; "-": standard output.  path's
 * directory must exist. */
int guard_image_path(const struct kernel_view *k, const struct disk *source,
		     const char *path, struct err *e) must_check;

/* May the partition `device` be mounted to be written while source is read?
 * Mounting alone changes a disk, so this comes before it. */
int guard_place_device(const struct kernel_view *k, const struct disk *source,
		       const char *device, struct err *e) must_check;

/* Is it the disk that was meant?  serial: its serial number or its WWN. */
int guard_serial(const struct disk *target, const char *serial, struct err *e) must_check;

/* Is target of the image's kind: a partition for a partition's image, a whole
 * disk for one with a partition table?  kind: of what was captured (struct
 * disk), "" if not known.  Files and volumes (LVM, RAID, loop) may be either. */
int guard_kind(const struct disk *target, const char *kind, int has_table,
	       struct err *e) must_check;

/* What a `-` means. */
#define GUARD_STDIN "/proc/self/fd/0"

/* 1: one disk, by whatever path, or one is a part of the other. */
int guard_same_disk(const struct kernel_view *k, const struct disk *a, const struct disk *b);

struct guard_request {
	const char *target;              /* as given                          */
	const char *image_path;          /* local; NULL: standard input       */
	const char *image_name;          /* for people, where there are several */
	const struct fit *fit;           /* what will be written              */
	/* Only into these partitions of the target; or, with whole_part, all of a
	 * target that is a partition itself: then fit isn't looked at, since the
	 * caller has checked the places.  NULL, 0: all of it. */
	const struct part_choice *parts;
	int whole_part;
	const char *image_kind;          /* as guard_kind() takes it          */
	const char *becomes;             /* "which will be ..."; NULL: overwritten */
	int yes;                         /* --yes: don't ask                  */
	const char *expect_serial;       /* of the target, or its WWN; NULL: any */
	FILE *people;                    /* stderr                            */
	const volatile sig_atomic_t *cancel;
};

struct guard_permit {
	struct write_token token;
	char path[PATH_MAX];
	int created;                     /* the target is a file made here    */
};

/* All checks of n targets, shows what would be lost, asks once, for all the
 * targets' names.  A regular file that isn't there, or is empty, is made with the
 * image's size (sparse).  Without a terminal and without yes: ERR_REFUSED. */
int guard_permit_write(const struct guard_request *r, size_t n, struct guard_permit *ret,
		       struct err *e) must_check;

/* May what is on this disk be changed in place (rehost-adapt)?  The same
 * refusals, but nothing is lost, so nothing is shown here: the caller has shown
 * what will be changed.  Asks for the disk's name unless yes. */
int guard_permit_edit(const char *target, int yes, struct guard_permit *ret,
		      struct err *e) must_check;
#endif
