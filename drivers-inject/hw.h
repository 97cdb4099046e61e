/* hw.h: the hardware a guest shall boot on, as far as drivers matter. */
#ifndef REHOST_HW_H
#define REHOST_HW_H
#include <json-c/json.h>
#include "common/err.h"
#include "drivers-inject/strv.h"

enum hw_firmware { HW_FW_UNKNOWN, HW_FW_BIOS, HW_FW_EFI };

/* One device on the way from the processor to the target's disk, outermost
 * first: PCI bridge or VMBus, controller, transport, disk. */
struct hw_link {
	char *modalias;         /* "pci:v00001AF4d00001042..." "virtio:d...v..." */
	char *name;             /* for people: "1af4:1042 Virtio block device" */
	int revision;           /* of a PCI device; -1 unknown               */
	struct strv drivers;    /* modules that are known to serve it where no
				 * alias does (sd_mod, hv_storvsc); may be empty:
				 * for modules_serve (linux/modules.h)          */
};

/* A way to reach the disk.  A profile may have several, since a VM's disk can
 * hang on several controllers; each one that the guest can drive is prepared. */
struct hw_path {
	char *name;             /* "virtio-blk", "nvme", or a disk's name     */
	int required;           /* 1: the guest must be able to use this one  */
	struct hw_link *v;
	size_t n;
};

struct hw_nic {
	char *modalias, *name;  /* name for people                           */
	char mac[18];           /* lower case, "" unknown                    */
	char ifname[32];        /* as this kernel calls it                   */
	int has_link;           /* 1, 0, -1 unknown                          */
};

/* A PCI device of any kind: Windows' drivers for it may be brought along. */
struct hw_device {
	char *modalias, *name;  /* name for people                           */
	int revision;           /* -1 unknown                                */
};

struct hw {
	char name[64];          /* "kvm", "this machine", the file's name     */
	enum hw_firmware firmware;
	int secure_boot;        /* 1, 0, -1 unknown                          */
	char arch[16];          /* uname -m; "" unknown                      */
	char uuid[40];          /* DMI product_uuid; ""                      */
	unsigned processors;    /* as the system sees them; 0 unknown        */
	char cpu_vendor[16];    /* "GenuineIntel", "AuthenticAMD"; "" unknown */
	int is_virtual;         /* 1: a virtual machine, 0: none, -1 unknown */
	char hypervisor[16];    /* the profile of its kind: "kvm"; "" unknown */
	struct hw_path *path;
	size_t n_paths;
	struct hw_nic *nic;
	size_t n_nics;
	struct hw_device *device;       /* all that are known, NICs too      */
	size_t n_devices;
};

/* From `rehost hardware --json`.  disk: kernel name ("nvme0n1") or serial number
 * of the target among its disks; NULL: every disk's path, required if there is
 * only one.  name: for messages. */
int hw_from_json(struct json_object *o, const char *name, const char *disk,
		 struct hw *ret, struct err *e) must_check;
/* kvm (qemu), vmware, hyperv, hyperv-gen1, hyperv-gen2, xen, virtualbox, aws,
 * gcp, azure, any: paths of which at least one must do, none is required.
 * ERR_USAGE names them all. */
int hw_profile(const char *name, struct hw *ret, struct err *e) must_check;
/* This machine; disk as above (path or name). */
int hw_here(const char *disk, struct hw *ret, struct err *e) must_check;
void hw_done(struct hw *h);

/* 1: the target's name or hypervisor stands in profiles (" kvm qemu "), or a device of it
 * has one of the n signs in its modalias ("v00001AF4"); NULL ends the signs too. */
int hw_is_one_of(const struct hw *h, const char *profiles, const char *const *signs, size_t n);

/* "1af4:1042 Red Hat, Inc. Virtio 1.0 block device" of a modalias; ret always
 * gets a text for people.  0, or ERR_NOT_FOUND: nobody knows such a device, the
 * text is the modalias itself. */
int hw_device_name(const char *modalias, char *ret, size_t size);
/* Adds the modules known to serve such a device (hw_link.drivers); 0, or -1
 * when out of memory. */
int hw_known_modules(const char *modalias, struct strv *ret) must_check;
#endif
