/* nvram.h: takes back entries that adapt made in the firmware's boot list. */
#ifndef REHOST_LINUX_NVRAM_H
#define REHOST_LINUX_NVRAM_H
#include "common/err.h"

/* data: of the EDIT_ACTION that made the entry.  An entry that is no longer
 * there is no error. */
int lin_nvram_undo(const char *data, struct err *e) must_check;
#endif
