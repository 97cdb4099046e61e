/* assemble.h: a guest's file systems put together at a directory, from disks:
 * partitions, arrays, LUKS, LVM, Btrfs subvolumes, and what fstab mounts.
 *
 * All mounts are in a mount namespace of this process's own (nodev, nosuid,
 * noexec), nothing of this machine is bound into them.  A helper process takes
 * everything down again if this one dies without assembly_close(). */
#ifndef REHOST_ASSEMBLE_H
#define REHOST_ASSEMBLE_H
#include <limits.h>
#include <signal.h>
#include "drivers-inject/strv.h"
#include "drivers-inject/volumes.h"
#include "imager/dev/dev.h"

#define ASSEMBLE_ROOTS_MAX 16   /* installed systems in one guest            */

struct assemble_request {
	/* Block devices, regular files, disk.img of image_mount(), in
	 * the guest's order.  For every one of them, if known, what the guest
	 * called it ("sda"); the array or an entry may be NULL. */
	const char *const *disk, *const *old_name;
	size_t n_disks;
	/* Their names in sentences (an image's path); NULL: disk */
	const char *const *shown;
	/* One a disk, from guard_permit_edit(): all is opened for writing.
	 * NULL: nothing is written to any disk, not even a journal's replay:
	 * every file system, array and volume stands on read-only loop devices. */
	const struct write_token *token;
	/* A file with a passphrase or key for LUKS; NULL: none.  Then
	 * REHOST_LUKS_PASSPHRASE, then a question if there is a terminal. */
	const char *luks_key;
	const volatile sig_atomic_t *cancel;    /* may be NULL */
};

/* One installed Linux. */
struct assembled_root {
	char dir[PATH_MAX];     /* where it is mounted: for root_open()      */
	/* Every volume; `mounted` is set for this root. */
	struct volumes volumes;
	int volume;             /* which of them holds the root              */
	char subvol[256];       /* Btrfs: the subvolume's path, "" the default
				 * one, or another file system               */
};

struct assembly {
	struct assembled_root *root;
	size_t n_roots;         /* 0: no Linux was found                     */
	struct volumes volumes; /* every volume, nothing `mounted`           */
	struct strv notes;      /* sentences: journals, locked volumes, ...   */
	struct strv warnings;   /* what may make the plan wrong: status 3    */
	struct strv locked;     /* encrypted volumes that no key opened      */
	struct assembly_in *in;
};

/* What q points to must outlive the assembly (q itself needn't).
 * ERR_REFUSED: a disk that is in use by somebody else, or, for writing, a
 * hibernated guest; nothing was written then.  Needs root.  After reading,
 * close the assembly before guard_permit_edit(): it counts as a use. */
int guest_assemble(const struct assemble_request *q, struct assembly **ret,
		   struct err *e) must_check;
/* Unmounts, deactivates, detaches; frees *a in any case and makes it NULL.
 * ERR_IO: the last writes may be lost.  Close what was opened below dir first. */
int assembly_close(struct assembly **a, struct err *e) must_check;
/* The same where nothing was written; takes NULL, returns NULL. */
struct assembly *assembly_free(struct assembly *a);
#endif
