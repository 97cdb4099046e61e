/* cmd-capture-dest.h: where images of a capture go. */
#ifndef REHOST_CMD_CAPTURE_DEST_H
#define REHOST_CMD_CAPTURE_DEST_H
#include "imager/disks.h"

/* Of a disk's image in a machine's directory, into ret: "sda-S3Z9NB0K.rhi", the kernel's
 * name and, if it has one, the serial number. */
void dest_name(const struct disk *d, char *ret, size_t size);
/* A directory that isn't there is made, but not its parents: a misspelt path shall not
 * become a tree. */
int dest_make_dir(const char *path, const char *shown, struct err *e) must_check;
/* Notes on stderr if an image of so many used bytes may not fit at the path; split: 1:
 * it comes in volumes. */
void dest_tell_space(const char *path, const char *shown, uint64_t used, int split);
#endif
