/* fatfile.h: files of a FAT volume by their names: read only, without mounting.
 * Long names (VFAT) and short ones; case is ignored for ASCII letters.  What is
 * read is hostile: chains and directories have limits.  Source: as fat.c. */
#ifndef REHOST_FS_FATFILE_H
#define REHOST_FS_FATFILE_H
#include "imager/fs/fat.h"

#define FATFILE_NAME 768        /* bytes: 255 units of UTF-16 as UTF-8       */

struct fat_file {
	uint32_t cluster;       /* the first; 0: none, or FAT12/16's root    */
	uint32_t size;          /* bytes of a file                           */
	int dir;
};

void fatfile_root(const struct fat *f, struct fat_file *ret);
/* ERR_NOT_FOUND */
int fatfile_lookup(const struct fat *f, const struct fat_file *dir, const char *name,
		   struct fat_file *ret, struct err *e) must_check;
/* Calls add with each name but "." and "..", until it returns nonzero. */
int fatfile_names(const struct fat *f, const struct fat_file *dir,
		  int (*add)(void *ctx, const char *name), void *ctx, struct err *e) must_check;
/* Where byte off of a file, which lies inside it, is on the volume, and how many bytes
 * of the file follow it there without a gap. */
int fatfile_where(const struct fat *f, const struct fat_file *n, uint64_t off,
		  uint64_t *ret_at, uint64_t *ret_len, struct err *e) must_check;
/* Bytes [off, off+len) of a file, which lie inside it. */
int fatfile_read(const struct fat *f, const struct fat_file *n, uint64_t off, void *buf,
		 size_t len, struct err *e) must_check;
#endif
