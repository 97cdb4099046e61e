/* pci-names.c: see pci-names.h. */
#include "imager/pci-names.h"
#include <pci/pci.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct pci_names {
	struct pci_access *pa;
	int damaged;
};

/* libpci's own message functions print, and end the program at a damaged
 * pci.ids; then the devices have no names here. */
static _Thread_local jmp_buf names_damaged;

static void say_nothing(char *msg, ...)
{
	(void)msg;
}

_Noreturn static void give_up_names(char *msg, ...)
{
	(void)msg;
	longjmp(names_damaged, 1);
}

struct pci_names *pci_names_open(const char *pci_ids)
{
	struct pci_names *n = calloc(1, sizeof *n);

	if (!n)
		return NULL;
	n->pa = pci_alloc();
	/* Names only, from pci.ids alone: libpci never looks at the hardware
	 * here, nor into the user's cache of names or udev's database. */
	n->pa->id_lookup_mode = PCI_LOOKUP_NO_HWDB;
	if (pci_ids)
		pci_set_name_list_path(n->pa, strdup(pci_ids), 1);
	n->pa->error = give_up_names;
	n->pa->warning = n->pa->debug = say_nothing;
	return n;
}

struct pci_names *pci_names_close(struct pci_names *n)
{
	if (n) {
		pci_cleanup(n->pa);
		free(n);
	}
	return NULL;
}

int pci_names_device(struct pci_names *n, unsigned int vendor, unsigned int device,
		     char *ret, size_t size)
{
	*ret = 0;
	if (n->damaged)
		return 0;
	if (setjmp(names_damaged)) {
		n->damaged = 1;
		*ret = 0;
		return 0;
	}
	if (!pci_lookup_name(n->pa, ret, (int)size, PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE |
			     PCI_LOOKUP_NO_NUMBERS, vendor, device))
		*ret = 0;
	return *ret != 0;
}

int pci_names_class(struct pci_names *n, unsigned int code, char *ret, size_t size)
{
	*ret = 0;
	if (n->damaged)
		return 0;
	if (setjmp(names_damaged)) {
		n->damaged = 1;
		*ret = 0;
		return 0;
	}
	if (!pci_lookup_name(n->pa, ret, (int)size, PCI_LOOKUP_CLASS | PCI_LOOKUP_NO_NUMBERS,
			     code))
		*ret = 0;
	return *ret != 0;
}
