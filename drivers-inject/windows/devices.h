/* devices.h: the target's hardware as Windows sees it: for each way to the disk the
 * devices from the root bridge to the volume, with hardware ids and compatible ids
 * in Windows' own form and order.
 *
 * Sources of the ids: Microsoft, "Identifiers for PCI devices" and its sisters for
 * USB, SCSI, IDE; the Enum keys of real hives. */
#ifndef REHOST_WIN_DEVICES_H
#define REHOST_WIN_DEVICES_H
#include "drivers-inject/hw.h"

struct win_device {
	const char *kind;       /* "root bridge", "controller", "channel", ... */
	char *name;             /* for people: "1af4:1042 Virtio block device" */
	char *modalias;         /* of hw.h; "" for those that Windows adds   */
	struct strv hardware, compatible;       /* ids, the most specific first */
	int channel;            /* 1: only there below an IDE port driver    */
	int raw;                /* 1: Windows starts it without a driver, too */
	const char *class_guid; /* of a raw device, even without a driver; "" */
};

struct win_way {
	const char *name;       /* the hw_path's                             */
	int required;
	/* NULL, or why Windows' part of this way can't be told: a sentence    */
	const char *unknown;
	struct win_device *v;
	size_t n;
};

struct win_ways {
	struct win_way *v;
	size_t n;
};

/* h must outlive it. */
int win_ways(const struct hw *h, struct win_ways *ret, struct err *e) must_check;
void win_ways_done(struct win_ways *w);

/* A PCI modalias' ids, added; revision: -1 unknown.  ERR_NOT_FOUND: it is none. */
int win_pci_ids(const char *modalias, int revision, struct strv *hardware,
		struct strv *compatible) must_check;

/* Drivers of IDE and AHCI controllers that show channels, and not disks, below
 * them: 1 for one of these. */
int win_shows_channels(const char *service);
#endif
