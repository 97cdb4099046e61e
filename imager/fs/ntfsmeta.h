/* ntfsmeta.h: between ntfsmeta.c and ntfsput.c. */
#ifndef REHOST_NTFSMETA_H
#define REHOST_NTFSMETA_H
#include "imager/fs/ntfsput.h"

#define NTFS_SD_OWN_MAX 128

/* Writes the descriptor of a file that is made; returns its bytes. */
size_t ntfs_sd_make(int is_dir, enum ntfs_access access, uint8_t ret[NTFS_SD_OWN_MAX]);
/* Nothing is written where the file has it already. */
int ntfs_sd_set(ntfs_inode *ni, const char *path, const uint8_t *sd, size_t len,
		struct err *e) must_check;
void ntfs_times_set(ntfs_inode *ni, const uint64_t times[4]);
/* Read-only, hidden, system, archive and their like; not compressed, sparse... */
void ntfs_attributes_set(ntfs_inode *ni, uint32_t attributes);
/* 1: the name is its own short name, "viostor.sys". */
int ntfs_name_is_short(const char *name);
#endif
