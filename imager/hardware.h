/* hardware.h: this machine's inventory, from /sys and /proc. */
#ifndef REHOST_HARDWARE_H
#define REHOST_HARDWARE_H
#include <stdio.h>
#include "common/json.h"
#include "imager/sysfs.h"

/* docs/INTERFACES.md, "hardware".  NULL view: the real kernel.  pci_ids: a
 * pci.ids file, or NULL: where libpci finds it; without one there are no names.
 * *ret: json_object_put() it. */
int hardware_json(const struct kernel_view *k, const char *pci_ids,
		  struct json_object **ret, struct err *e) must_check;
/* The same in a few lines for people. */
void hardware_text(FILE *f, struct json_object *hw);
#endif
