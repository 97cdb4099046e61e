/* bcd-element.h: device elements of a boot configuration store (BCD): the value
 * "Element" of types 0x11000001, 0x21000001, 0x31000003 and others of format 1.
 *
 *   +0x00  GUID of an object with more options; zeros when there is none
 *   +0x10  device descriptor
 *
 * A device descriptor begins with four 32-bit words: type, flags, its size in bytes,
 * zero.  A partition (type 6, 0x48 bytes) goes on:
 *
 *   +0x10  GPT: the partition's GUID; MBR: its offset, 64 bits, bytes
 *   +0x20  kind of disk: 0 a hard disk
 *   +0x24  kind of table: 0 GPT, 1 MBR
 *   +0x28  GPT: the disk's GUID; MBR: its signature, 32 bits
 *   +0x38  zeros
 *
 * A file in a RAM disk or on a virtual disk (type 0) holds the descriptor of the
 * partition with the file, and behind that the file's path in UTF-16.
 * Sources: boot/environ of ReactOS (struct BL_DEVICE_DESCRIPTOR, what reads it); the
 * stores that the tests read. */
#ifndef REHOST_WINDOWS_BCD_ELEMENT_H
#define REHOST_WINDOWS_BCD_ELEMENT_H
#include <stddef.h>
#include "drivers-inject/windows/part-id.h"

#define BCD_ELEMENT_MAX 8192    /* bytes; a path of 260 characters makes 0.8 KB */
#define BCD_DEVICES_MAX 8       /* partitions in one element: 1, with a parent
				 * locator 2                                 */
#define BCD_DEVICE_AT 0x10u     /* where the outermost descriptor begins     */
#define BCD_PARTITION_SIZE 0x48u /* bytes of a partition's descriptor        */
#define BCD_PLAIN_SIZE (BCD_DEVICE_AT + BCD_PARTITION_SIZE)

struct bcd_device {
	size_t at;              /* of its descriptor in the element          */
	struct part_id id;
};

/* Every partition that the element names, nested ones too; how many (at most
 * BCD_DEVICES_MAX). */
size_t bcd_devices(const uint8_t *data, size_t len, struct bcd_device ret[BCD_DEVICES_MAX]);
/* The descriptor at `at`, one of bcd_devices(), names this partition now.  The
 * element keeps its length; bytes that belong to no id stay. */
void bcd_device_put(uint8_t *data, size_t at, const struct part_id *id);
/* An element that names just a partition. */
void bcd_device_make(const struct part_id *id, uint8_t ret[BCD_PLAIN_SIZE]);
/* The path behind a nested descriptor ("\Recovery\WindowsRE\Winre.wim"), UTF-8;
 * "" when it isn't nested. */
void bcd_device_path(const uint8_t *data, size_t len, size_t at, char *ret, size_t size);
#endif
