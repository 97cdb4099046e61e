/* inbox-table.h: what Windows 2000 to 7 bring but may not have entered for devices
 * that the old machine did not have: CriticalDeviceDatabase's entries and services.
 * The guest's own registry and files are asked first; this is what may be added. */
#ifndef REHOST_WIN_INBOX_TABLE_H
#define REHOST_WIN_INBOX_TABLE_H
#include <stddef.h>
#include <stdint.h>

struct win_inbox_id {
	const char *id;         /* as the device has it: "PCI\\CC_0101"      */
	const char *service, *class_guid;
};
struct win_inbox_service {
	const char *name, *group;
	uint32_t tag;           /* 0: none                                   */
};

/* NULL: none. */
const struct win_inbox_id *win_inbox_find(const char *id);
const struct win_inbox_service *win_inbox_service(const char *name);

/* A file that drives a device, when Windows has nothing: a sentence for people, for
 * the PCI ids of a modalias; never NULL. */
const char *win_driver_hint(const char *modalias);
#endif
