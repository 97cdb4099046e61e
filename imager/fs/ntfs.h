/* ntfs.h: what the files of the NTFS reader share.  ntfs-vol.c alone includes
 * libntfs-3g's headers, as their le16.. types are not ours. */
#ifndef REHOST_FS_NTFS_H
#define REHOST_FS_NTFS_H
#include "imager/fs/ranges.h"

/* Receives a run of clusters; <0 stops. */
typedef int (*ntfs_run_fn)(void *ctx, uint64_t lcn, uint64_t clusters, struct err *e);

/* Every run of every attribute of one MFT record, whose sectors' last two
 * bytes are still as on disk (rec is changed).  0, also for a record that is
 * not in use; ERR_CORRUPT. */
int ntfs_record_runs(uint8_t *rec, size_t size, uint64_t number, uint64_t nr_clusters,
		     ntfs_run_fn fn, void *ctx, struct err *e) must_check;

/* Number of the file that record `number` belongs to: itself, or the one whose
 * attributes it continues. */
uint64_t ntfs_record_owner(const uint8_t *rec, uint64_t number);

/* The resident value of the first attribute of `type` in a record; NULL if
 * there is none.  rec is changed. */
const uint8_t *ntfs_record_value(uint8_t *rec, size_t size, uint32_t type, size_t *len);

int ntfs_vol_walk(struct blkdev *d, const struct fs_options *opt,
		  const struct extent_sink *out, struct err *e) must_check;

#endif
