/* bcd.h: a boot configuration store: what Windows' boot manager offers, and which
 * partitions it means.
 *
 * A BCD is a registry hive: Objects\{GUID}\Description, value Type: what it is;
 * Objects\{GUID}\Elements\<8 hex digits>, value Element.  Sources: Microsoft's
 * BcdObject and BcdElement types; G. Chappell, "Boot Configuration Data". */
#ifndef REHOST_WINDOWS_BCD_H
#define REHOST_WINDOWS_BCD_H
#include "drivers-inject/hive.h"
#include "drivers-inject/windows/bcd-element.h"

#define BCD_OBJECTS_MAX 512     /* a store with 30 entries has some 60       */
#define BCD_BOOTMGR "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"

enum bcd_kind {                 /* Description\Type                          */
	BCD_FIRMWARE_MANAGER = 0x10100001, BCD_BOOT_MANAGER = 0x10100002,
	BCD_LOADER = 0x10200003, BCD_RESUME = 0x10200004, BCD_MEMTEST = 0x10200005,
	BCD_FIRMWARE_ENTRY = 0x101fffff,
};

struct bcd_object {
	char id[40];            /* "{GUID}"                                  */
	uint32_t kind;          /* enum bcd_kind and others                  */
	char description[160];  /* "Windows 10"; "" none                     */
	char path[300];         /* "\Windows\system32\winload.efi"; ""       */
};

/* One partition that one element names. */
struct bcd_use {
	size_t object;          /* index in bcd->v                           */
	uint32_t element;       /* its type: 0x11000001                      */
	size_t at;              /* in the element, for bcd_device_put()      */
	struct part_id id;
	char file[300];         /* what must be there, "\Recovery\WindowsRE\Winre.wim";
				 * "" nothing that is known                  */
};

struct bcd {
	struct bcd_object *v;
	size_t n;
	struct bcd_use *use;
	size_t n_uses;
	char standard[40];      /* what the boot manager starts; ""          */
};

/* ERR_CORRUPT: not a BCD.  name: for messages. */
int bcd_read(const struct hive *h, const char *name, struct bcd *ret, struct err *e) must_check;
void bcd_done(struct bcd *b);
/* NULL: no such object. */
const struct bcd_object *bcd_find(const struct bcd *b, const char *id);
/* "Windows 10 (\Windows\system32\winload.efi)" for people; size 480. */
void bcd_object_text(const struct bcd_object *o, char *ret, size_t size);

/* Every use of an id that the map knows gets the new one: in h (in memory), and,
 * if bytes isn't NULL, in these, the hive's file as it was opened, in place: nothing
 * else of them changes.  *ret: how many uses. */
int bcd_rename(const struct bcd *b, struct hive *h, const struct id_map *map, uint8_t *bytes,
	       size_t len, size_t *ret, struct err *e) must_check;
#endif
