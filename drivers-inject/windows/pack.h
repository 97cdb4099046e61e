/* pack.h: files inside archives: zip, 7z, ISO 9660 (with Joliet or Rock Ridge) by
 * libarchive; Microsoft's cabinets and single compressed files (x.sy_) by libmspack.
 *
 * libarchive reads cabinets too, but decodes all that it skips, needs a cabinet's
 * folders in their order and knows no Quantum; libmspack lists one of 70 MB from its
 * header alone.  Nothing is ever written to a disk, so names may be anything. */
#ifndef REHOST_PACK_H
#define REHOST_PACK_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "drivers-inject/strv.h"

/* virtio-win.iso has 1000 files; a collection for all hardware 50,000. */
#define PACK_FILES_MAX 200000
#define PACK_PATH_MAX 1024      /* bytes of a name in an archive; longer ones are left out */

/* fd: a regular file (or a copy in memory), stays the caller's.  name: for messages.
 * Paths are as in the archive, with "/" between names and none in front.
 * ERR_NOT_FOUND: not an archive of these kinds; ERR_UNSUPPORTED, ERR_CORRUPT. */
int pack_list(int fd, const char *name, struct strv *ret, struct err *e) must_check;
/* The first file of that path, whatever the case of ASCII; ERR_NOT_FOUND: none.
 * More than max bytes: ERR_UNSUPPORTED.  *ret is malloc'd. */
int pack_read(int fd, const char *name, const char *path, size_t max, uint8_t **ret,
	      size_t *ret_n, struct err *e) must_check;

/* What "compress" or "makecab" made of one file, x.sy_: SZDD, KWAJ, or a cabinet, of
 * which the first file is taken.  ERR_NOT_FOUND: none of these. */
int pack_expand(const uint8_t *bytes, size_t n, const char *name, size_t max, uint8_t **ret,
		size_t *ret_n, struct err *e) must_check;

/* 1: an archive by its name, "x.CAB". */
int pack_named(const char *path);
/* 1: the same path but for the case of ASCII and the direction of slashes. */
int pack_same_path(const char *a, const char *b);

#endif
