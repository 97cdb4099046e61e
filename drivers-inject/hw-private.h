/* hw-private.h: what hw*.c know of each other. */
#ifndef REHOST_HW_PRIVATE_H
#define REHOST_HW_PRIVATE_H
#include "drivers-inject/hw.h"
#include "imager/pci-names.h"

#define HW_MODALIAS_MAX 512     /* bytes; a PCI one has 54, an ACPI one < 200 */
#define HW_PATHS_MAX 1024       /* disks of one machine                      */
#define HW_LINKS_MAX 64         /* devices on the way to one                  */
#define HW_PROCESSORS_MAX 8192  /* as Linux on x86-64                        */

/* Each adds to *h; the strings are copied, names come from `names` (NULL: none
 * but the built-in ones).  ERR_NOMEM. */
struct hw_path *hw_add_path(struct hw *h, const char *name, int required);
int hw_add_link(struct hw_path *p, const char *modalias, struct pci_names *names,
		struct err *e) must_check;
struct hw_nic *hw_add_nic(struct hw *h, const char *modalias, struct pci_names *names);

/* revision: -1 unknown. */
int hw_add_device(struct hw *h, const char *modalias, int revision, struct pci_names *names,
		  struct err *e) must_check;

/* 1: visible ASCII of at most HW_MODALIAS_MAX bytes, as all modaliases are. */
int hw_modalias_ok(const char *modalias);
/* hw_device_name with libpci's names already open. */
int hw_name_with(struct pci_names *names, const char *modalias, char *ret, size_t size);
/* The numbers of "pci:v..d..sv..sd..bc..sc..i.."; 0, or -1. */
struct hw_pci_id {
	unsigned int vendor, device, sub_vendor, sub_device, class, prog_if;
};
int hw_pci_id(const char *modalias, struct hw_pci_id *ret);
#endif
