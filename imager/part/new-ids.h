/* new-ids.h: a copy of a disk that gets ids of its own, so that both can be in one
 * machine. */
#ifndef REHOST_NEW_IDS_H
#define REHOST_NEW_IDS_H
#include "imager/dev/dev.h"

enum { NEW_IDS_NONE = 1 };
/* GPT: random GUIDs for the disk and each partition, in both tables; MBR: a random
 * disk signature.  Types, names and places stay, as do the file systems' own ids.
 * Written and flushed when it returns 0; the backup table first, so that one of both
 * is whole at any time.  NEW_IDS_NONE: there is no table.  ERR_CORRUPT: a GPT that
 * isn't whole on both ends. */
int part_new_ids(struct blkdev *d, struct err *e) must_check;
#endif
