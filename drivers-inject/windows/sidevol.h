/* sidevol.h: a volume beside the guest's own (an EFI system partition, a "System
 * Reserved" partition), changed by edits of the disk (EDIT_DISK).
 *
 * A plan has one root, and these volumes are others.  What is to change there is made
 * in memory first, over a device that keeps its writes (imager/dev/redo.h): bytes in
 * place; new files by mtools on FAT and by libntfs-3g on NTFS.  Then the sectors that
 * differ become edits, each with its backup, so an undo brings back every byte.
 * docs/decisions/0014-windows-boot-chain.md */
#ifndef REHOST_WINDOWS_SIDEVOL_H
#define REHOST_WINDOWS_SIDEVOL_H
#include "drivers-inject/plan.h"
#include "drivers-inject/tree.h"

#define SIDEVOL_FILE_MAX (64u << 20)  /* bytes of a boot program             */
#define SIDEVOL_USED_MAX (1ull << 30) /* bytes of FAT files that are copied to
				       * memory for mtools                  */

struct sidevol {
	struct blkdev *below;   /* read-only, the caller's                   */
	struct blkdev *dev;     /* the same with the changes so far          */
	struct tree *tree;      /* its files with the changes so far         */
	struct strv reasons;    /* sentences: why there are edits            */
};

/* d must outlive *ret.  ERR_NOT_FOUND: neither FAT nor NTFS. */
int sidevol_open(struct blkdev *d, struct sidevol *ret, struct err *e) must_check;
void sidevol_done(struct sidevol *s);

/* The file's whole content; directories on the way are made.  One of the same size
 * stays where it lies, and only what differs is written.  What is there already is no
 * change.  reason: a sentence.  When it fails, all changes so far are dropped. */
int sidevol_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 6, 7)));
/* Bytes of the volume outside of files. */
int sidevol_patch(struct sidevol *s, uint64_t off, const void *bytes, size_t len,
		  struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 6, 7)));
/* The edits: the volume begins at byte `start` of the disk.  On FAT first
 * clusters that were free, then the FATs, then the rest: a new file that is interrupted
 * costs no other one anything (one that is replaced may be lost until the undo). */
int sidevol_edits(struct sidevol *s, struct plan *p, const char *disk, uint64_t start,
		  struct err *e) must_check;

/* sidevol-fat.c: writes the file to s->dev by mtools, whatever was there. */
int sidevol_fat_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		    struct err *e) must_check;
/* sidevol-ntfs.c: the same by libntfs-3g. */
int sidevol_ntfs_put(struct sidevol *s, const char *path, const void *bytes, size_t len,
		     struct err *e) must_check;
#endif
