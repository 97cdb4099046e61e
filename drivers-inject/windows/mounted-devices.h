/* mounted-devices.h: values of the key MountedDevices in the root of SYSTEM: which
 * partition has which drive letter ("\DosDevices\C:") or volume name
 * ("\??\Volume{GUID}").  A value's data is
 *
 *   12 bytes: MBR disk signature, 32 bits; the partition's offset, 64 bits, bytes
 *   24 bytes: "DMIO:ID:", the GPT partition's GUID as it stands in the table
 *   else: the path of a device that isn't a hard disk, UTF-16
 *
 * Source: libyal's winreg-kb, "Mounted devices". */
#ifndef REHOST_WINDOWS_MOUNTED_DEVICES_H
#define REHOST_WINDOWS_MOUNTED_DEVICES_H
#include <stddef.h>
#include "drivers-inject/windows/part-id.h"

#define MOUNTED_MAX 24          /* bytes of a value that names a partition   */

/* 1: the value names a partition.  Of a GPT one id->disk stays zero: the value
 * doesn't have it. */
int mounted_decode(const uint8_t *data, size_t len, struct part_id *ret);
/* How many bytes. */
size_t mounted_encode(const struct part_id *id, uint8_t ret[MOUNTED_MAX]);

struct mounted_value {
	char *name;             /* the caller's                              */
	uint8_t data[MOUNTED_MAX];
	size_t len;
	enum { MOUNTED_KEEP, MOUNTED_CHANGE, MOUNTED_DROP } what;
};

/* Follows the map: a value of an old partition gets the new one's data.  Where two
 * values of a kind (two drive letters, two volume names) come to mean one partition,
 * the one that meant it before goes (the new machine's), and of two old ones the second.
 * Returns how many are not KEEP; done again it is 0. */
size_t mounted_rewrite(struct mounted_value *v, size_t n, const struct id_map *map);
#endif
