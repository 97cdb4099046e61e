/* pagefile.h: which files of Windows are left out, and what is kept of them.
 *
 * The first 64 KiB are always kept: they say whether the file holds a
 * hibernated system or a crash dump.  Were they left out, a target disk could
 * show there an old hibernated system, which Windows would resume. */
#ifndef REHOST_FS_PAGEFILE_H
#define REHOST_FS_PAGEFILE_H
#include "imager/fs/fsread.h"

#define PAGE_FILE_HEAD 65536u /* bytes kept */

/* 1 if a file of the root directory with this name may be left out; case is
 * ignored. */
int page_file_name(const char *name);
/* 1 if what the file begins with says that it holds something: a hibernated
 * system or a crash dump. */
int page_file_in_use(const uint8_t *head, size_t len);
/* 1: a hibernated system. */
int page_file_hibernated(const uint8_t *head, size_t len);

#endif
