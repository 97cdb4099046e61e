/* int.h: what the parts of assemble share; nobody else includes it. */
#ifndef REHOST_MOUNT_INT_H
#define REHOST_MOUNT_INT_H
#include <sys/types.h>
#include "drivers-inject/mount/assemble.h"
#include "drivers-inject/root.h"

#define SUBVOL_PATH 256

/* ---- undo.c: what must be taken back, in reverse, by whoever lives on ---- */

enum undo_kind {
	UNDO_UMOUNT = 'u',      /* path                                      */
	UNDO_RMDIR = 'r',       /* path                                      */
	UNDO_DM = 'd',          /* device-mapper name                        */
	UNDO_VG = 'v',          /* LVM configuration, newline, VG            */
	UNDO_MD = 'm',          /* /dev/md127                                */
};

struct undo;
/* Starts the helper process, before anything is opened. */
int undo_new(struct undo **ret, struct err *e) must_check;
/* After the act; fmt: the argument. */
int undo_add(struct undo *u, enum undo_kind kind, struct err *e, const char *fmt, ...)
	must_check __attribute__((format(printf, 4, 5)));
size_t undo_mark(const struct undo *u);
/* Takes back all that came after mark; the first failure is told, the rest
 * still done. */
int undo_to(struct undo *u, size_t mark, struct err *e) must_check;
/* The rest, and the helper's end. */
int undo_close(struct undo *u, struct err *e) must_check;

/* ---- the assembly's inside ---- */

/* Of each volume. */
struct vol_state {
	int opened;             /* its layer was opened, or was tried         */
	int esp;                /* an EFI system partition                   */
	int asleep;             /* swap with a suspended system in it        */
};

struct assembly_in {
	struct assemble_request q;
	struct undo *undo;
	char base[PATH_MAX];    /* the private directory                     */
	struct vol_state *state; /* as many as volumes.n                     */
	int *fds;               /* keep loop devices attached                */
	size_t n_fds;
	struct luks_keys *keys; /* luks.c                                    */
	unsigned int n_dirs, n_names; /* made so far: for new names          */
	/* Btrfs: the device's path for messages; LVM's configuration */
	char *lvm_config;
};

static inline int for_writing(const struct assembly *a)
{
	return a->in->q.token != NULL;
}

/* A sentence, once. */
void assembly_note(struct assembly *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void assembly_warn(struct assembly *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "partition 2 of /dev/sda", "vg/root": for people. */
const char *volume_text(const struct assembly *a, size_t i, char *buf, size_t size);
/* What blkid sees on node is filled into *v, the rest of which the caller has
 * set, and v is added.  A partition table in it (an array's) is followed.
 * *ret: its number. */
int volume_add(struct assembly *a, const struct volume *v, int esp, size_t *ret,
	       struct err *e) must_check;
/* An empty directory below base, taken back with the rest. */
int assembly_dir(struct assembly *a, char ret[PATH_MAX], struct err *e) must_check;
/* Runs a tool; its status and words in *ret (run_result_done). */
struct run_result;
int tool_run(const struct assembly *a, const char *const *argv, unsigned int seconds,
	     struct run_result *ret, struct err *e) must_check;

/* ---- disks.c: partitions as block devices ---- */
int disks_add(struct assembly *a, struct err *e) must_check;
/* [off, off+len) of the open file or device fd (len 0: to its end).  ret_node:
 * 32 bytes.  *ret_fd keeps it attached; closed, it goes away with its last user. */
int loop_attach(int fd, uint64_t off, uint64_t len, int read_only, char *ret_node,
		int *ret_fd, struct err *e) must_check;
/* Attached as long as the assembly. */
int loop_keep(struct assembly *a, int fd, uint64_t off, uint64_t len, int read_only,
	      char *ret_node, struct err *e) must_check;
/* Partitions of a volume that holds a table, as volumes with that parent. */
int nested_add(struct assembly *a, size_t volume, struct err *e) must_check;

/* ---- layers: each opens what it can of volumes not yet opened, *ret_new is
 * raised by the number of new volumes ---- */
int md_open(struct assembly *a, size_t *ret_new, struct err *e) must_check;
int luks_open(struct assembly *a, size_t *ret_new, struct err *e) must_check;
int lvm_open(struct assembly *a, size_t *ret_new, struct err *e) must_check;
/* Arrays are opened read-only; for writing this makes them writable, without a
 * resync. */
int md_make_writable(struct assembly *a, struct err *e) must_check;
struct luks_keys *luks_keys_free(struct luks_keys *k);

/* ---- fs.c ---- */
/* 1: this kernel's drivers may mount it, and a Linux root may be on it */
int fs_may_be_root(const char *type);
/* Mounts a volume on target, a path of this machine (or /proc/self/fd/N); the
 * caller keeps track of unmounting.  write 0: nothing is replayed.  *ret_dirty
 * (may be NULL): its journal is or was to be replayed.  subvol: Btrfs option
 * "subvolid=5" or "subvol=@", or NULL. */
int fs_mount(struct assembly *a, size_t volume, const char *target, int write,
	     const char *subvol, int *ret_dirty, struct err *e) must_check;
/* 1: the journal of a Btrfs or ext is to be replayed, by its superblock. */
int fs_needs_replay(const struct volume *v);

/* ---- roots.c ---- */
struct candidate {
	size_t volume;
	uint64_t tree;          /* Btrfs: the subvolume's id; 0 another fs   */
	char subvol[SUBVOL_PATH];
	int dirty;
};
/* 1: a Linux is installed below dir ("" the root itself). */
int root_is_linux(struct root *r, const char *dir);
/* Adds those of a Btrfs volume to list[*n], at most max. */
int btrfs_candidates(struct assembly *a, size_t volume, struct candidate *list,
		     size_t max, size_t *n, struct err *e) must_check;
/* Finds and mounts every root and what its fstab says. */
int roots_mount(struct assembly *a, struct err *e) must_check;

/* ---- mounts.c ---- */
int fstab_mount(struct assembly *a, struct assembled_root *r, struct err *e) must_check;
/* Names of opened LUKS volumes, by the guest's crypttab. */
void crypttab_names(struct assembly *a, struct root *r, struct volumes *v);
/* 1: a swap file of this root holds a suspended system. */
int swapfile_asleep(struct root *r);
/* The last bytes of a swap's first page say so, buf: its first 64 KiB or less. */
int swap_is_asleep(const unsigned char *buf, size_t len);
#endif
