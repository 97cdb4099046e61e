/* smart.h: what a disk says of its own health, by smartctl (smartmontools). */
#ifndef REHOST_SMART_H
#define REHOST_SMART_H
#include <signal.h>
#include "common/json.h"
#include "imager/disks.h"

/* As docs/INTERFACES.md, "disks", has it under "smart", of a partition that of its disk;
 * NULL: the disk says nothing, is a file or a CD drive, or there is no smartctl.  May take as long as the disk takes to
 * answer, 20 seconds at most.  cancel: may be NULL. */
struct json_object *smart_read(const struct disk *d, const volatile sig_atomic_t *cancel);
/* The same from smartctl's own JSON. */
struct json_object *smart_from(struct json_object *smartctl);
/* What it complains of, as a sentence without a full stop; "" if nothing. */
void smart_text(struct json_object *smart, char *ret, size_t size);
#endif
