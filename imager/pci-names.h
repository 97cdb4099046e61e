/* pci-names.h: what PCI devices are called, from libpci's pci.ids. */
#ifndef REHOST_PCI_NAMES_H
#define REHOST_PCI_NAMES_H
#include <stddef.h>

struct pci_names;

/* pci_ids: a pci.ids file, or NULL: where libpci finds it.  NULL: no memory.
 * The file is read at the first question; not for use by several threads. */
struct pci_names *pci_names_open(const char *pci_ids);
struct pci_names *pci_names_close(struct pci_names *n); /* takes NULL, returns NULL */

/* "Red Hat, Inc. Virtio block device", and of a class code (16 bit) "SATA
 * controller".  1: known; 0: not (or no pci.ids), and ret is "". */
int pci_names_device(struct pci_names *n, unsigned int vendor, unsigned int device,
		     char *ret, size_t size);
int pci_names_class(struct pci_names *n, unsigned int code, char *ret, size_t size);
#endif
