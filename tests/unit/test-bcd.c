/* test-bcd: device elements, the ids of partitions, MountedDevices; the boot
 * configurations of real machines (fixtures). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/bcd.h"
#include "drivers-inject/windows/mounted-devices.h"

#define P1 "1c6ab89c-bcbf-4abe-8593-618e4d2f5811"
#define P2 "9d4a7cb0-ab9d-4d71-961f-50f1d9c9252f"
#define D1 "5541e87d-91a5-4f2b-ad43-a0345c199e9b"

static struct part_id gpt(const char *part, const char *disk)
{
	struct part_id id = { .gpt = 1 };

	assert_true(guid_parse(part, id.part) && guid_parse(disk, id.disk));
	return id;
}

static struct part_id mbr(uint32_t signature, uint64_t offset)
{
	return (struct part_id){ .signature = signature, .offset = offset };
}

static void guids(void **state)
{
	static const char *const bad[] = { "", "1c6ab89c", P1 "0", "1c6ab89cbcbf-4abe-8593-618e4d2f58111",
		"1c6ab89c-bcbf-4abe-8593-618e4d2f581", "1c6ab89c-bcbf-4abe-8593-618e4d2f581g",
		"+c6ab89c-bcbf-4abe-8593-618e4d2f5811", " c6ab89c-bcbf-4abe-8593-618e4d2f5811",
		"0x6ab89c-bcbf-4abe-8593-618e4d2f5811" };
	static const uint8_t want[16] = { 0x9c, 0xb8, 0x6a, 0x1c, 0xbf, 0xbc, 0xbe, 0x4a,
					  0x85, 0x93, 0x61, 0x8e, 0x4d, 0x2f, 0x58, 0x11 };
	struct part_id id = gpt("1C6AB89C-BCBF-4abe-8593-618e4d2f5811", D1);
	char text[PART_ID_TEXT];

	(void)state;
	assert_memory_equal(id.part, want, 16);
	part_id_text(&id, text);
	assert_string_equal(text, "partition " P1 " of disk " D1);
	id = mbr(0xabcd, 1u << 20);
	part_id_text(&id, text);
	assert_string_equal(text, "the partition at 1048576 bytes of disk 0000abcd");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(guid_parse(bad[i], id.part));
}

static void volumes(void **state)
{
	struct volume v[3] = { { .disk = 0, .part = 1, .partuuid = P1, .start = 1 << 20 },
			       { .disk = 1, .part = 1, .partuuid = "0000abcd-01", .start = 1 << 20 },
			       { .disk = -1, .part = -1 } };
	struct volumes all = { .v = v, .n = 3, .n_disks = 2 };
	struct part_id id, want;

	(void)state;
	strcpy(all.disk[0].table, "gpt");
	strcpy(all.disk[0].id, D1);
	strcpy(all.disk[1].table, "dos");
	strcpy(all.disk[1].id, "0000abcd");
	assert_int_equal(part_id_of(&all, &v[0], &id), 1);
	want = gpt(P1, D1);
	assert_true(part_id_same(&id, &want));
	assert_ptr_equal(part_id_volume(&all, &id), &v[0]);
	assert_int_equal(part_id_of(&all, &v[1], &id), 1);
	want = mbr(0xabcd, 1 << 20);
	assert_true(part_id_same(&id, &want));
	assert_ptr_equal(part_id_volume(&all, &id), &v[1]);
	want.offset++;
	assert_null(part_id_volume(&all, &want));
	assert_int_equal(part_id_of(&all, &v[2], &id), 0);
	strcpy(all.disk[1].id, "abcdx");
	assert_int_equal(part_id_of(&all, &v[1], &id), 0);
}

/* ---- elements ---- */

/* As real stores have it for \Recovery\WindowsRE\Winre.wim: 0xc8 bytes. */
static void make_ramdisk(const struct part_id *id, uint8_t ret[0xc8])
{
	static const char path[] = "\\Recovery\\WindowsRE\\Winre.wim";
	uint8_t plain[BCD_PLAIN_SIZE];

	memset(ret, 0, 0xc8);
	memset(ret, 0x11, 16);
	ret[0x14] = 1;
	ret[0x18] = 0xb8;
	ret[0x20] = 3;
	ret[0x38] = 1;
	ret[0x3c] = 0x90;
	ret[0x40] = 5;
	bcd_device_make(id, plain);
	memcpy(ret + 0x44, plain + BCD_DEVICE_AT, BCD_PARTITION_SIZE);
	for (size_t i = 0; path[i]; i++)
		ret[0x8c + 2 * i] = (uint8_t)path[i];
}

static void elements(void **state)
{
	struct part_id a = gpt(P1, D1), b = mbr(0x12345678, 0x123456789000);
	struct bcd_device found[BCD_DEVICES_MAX];
	uint8_t data[0xc8], plain[BCD_PLAIN_SIZE], was[0xc8];
	char path[64];

	(void)state;
	bcd_device_make(&a, plain);
	assert_int_equal(bcd_devices(plain, sizeof plain, found), 1);
	assert_int_equal(found[0].at, 0x10);
	assert_true(part_id_same(&found[0].id, &a));
	bcd_device_path(plain, sizeof plain, found[0].at, path, sizeof path);
	assert_string_equal(path, "");
	/* another kind of table, in place, and back */
	memcpy(was, plain, sizeof plain);
	bcd_device_put(plain, 0x10, &b);
	assert_int_equal(bcd_devices(plain, sizeof plain, found), 1);
	assert_true(part_id_same(&found[0].id, &b));
	bcd_device_put(plain, 0x10, &a);
	assert_memory_equal(was, plain, sizeof plain);

	make_ramdisk(&a, data);
	memcpy(was, data, sizeof data);
	assert_int_equal(bcd_devices(data, sizeof data, found), 1);
	assert_int_equal(found[0].at, 0x44);
	bcd_device_path(data, sizeof data, found[0].at, path, sizeof path);
	assert_string_equal(path, "\\Recovery\\WindowsRE\\Winre.wim");
	bcd_device_put(data, found[0].at, &b);
	/* only the 16 bytes of each id and the kind of table */
	for (size_t i = 0; i < sizeof data; i++)
		if ((i < 0x54 || i >= 0x64) && (i < 0x6c || i >= 0x7c) && i != 0x68)
			assert_int_equal(data[i], was[i]);
}

static void not_elements(void **state)
{
	static const struct { size_t at; uint8_t value; } wrong[] = {
		{ 0x10, 5 }, { 0x10, 8 }, { 0x18, 0x49 }, { 0x1c, 1 }, { 0x30, 6 }, { 0x34, 2 } };
	struct bcd_device found[BCD_DEVICES_MAX];
	struct part_id a = gpt(P1, D1);
	uint8_t plain[BCD_PLAIN_SIZE], *big = calloc(1, BCD_ELEMENT_MAX + 4);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bcd_device_make(&a, plain);
		plain[wrong[i].at] = wrong[i].value;
		assert_int_equal(bcd_devices(plain, sizeof plain, found), 0);
	}
	bcd_device_make(&a, plain);
	for (size_t len = 0; len < sizeof plain; len++)
		assert_int_equal(bcd_devices(plain, len, found), 0);
	/* many; too long */
	for (size_t at = BCD_DEVICE_AT; at + BCD_PARTITION_SIZE <= BCD_ELEMENT_MAX; at += BCD_PARTITION_SIZE)
		memcpy(big + at, plain + BCD_DEVICE_AT, BCD_PARTITION_SIZE);
	assert_int_equal(bcd_devices(big, BCD_ELEMENT_MAX, found), BCD_DEVICES_MAX);
	assert_int_equal(bcd_devices(big, BCD_ELEMENT_MAX + 4, found), 0);
	free(big);
}

/* ---- real stores ---- */

static char *fixture(const char *name, size_t *len)
{
	const char *dir = getenv("REHOST_FIXTURES");
	char path[4096], *bytes = malloc(1 << 20);
	FILE *f;

	snprintf(path, sizeof path, "%s/hives/bcd/%s", dir ? dir : ".", name);
	f = fopen(path, "r");
	if (!f) {
		free(bytes);
		skip();
	}
	*len = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	return bytes;
}

static size_t uses_of(const struct bcd *b, const struct part_id *id)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_uses; i++)
		n += part_id_same(&b->use[i].id, id);
	return n;
}

static void real_store(void **state)
{
	size_t len, n, other;
	cleanup_free char *bytes = fixture("esp-win10-asus/Boot/BCD", &len);
	cleanup_free char *was = malloc(len);
	struct part_id old = gpt(P2, D1), esp = gpt(P1, D1), now = gpt(P1, P2);
	struct id_map map = { 0 };
	struct hive *h;
	struct bcd b;
	struct err e = { 0 };
	char text[480];

	(void)state;
	memcpy(was, bytes, len);
	assert_int_equal(hive_open_bytes(bytes, len, "BCD", 1, &h, &e), 0);
	assert_int_equal(bcd_read(h, "BCD", &b, &e), 0);
	assert_string_equal(b.standard, "{e018a2d0-b134-11ea-95b2-81f0ac71b75b}");
	assert_non_null(bcd_find(&b, b.standard));
	bcd_object_text(bcd_find(&b, b.standard), text, sizeof text);
	assert_string_equal(text, "Windows 10 (\\WINDOWS\\system32\\winload.efi)");
	assert_int_equal(bcd_find(&b, BCD_BOOTMGR)->kind, BCD_BOOT_MANAGER);
	/* loader and resume, each device and osdevice */
	assert_int_equal(uses_of(&b, &old), 4);
	other = uses_of(&b, &esp);
	assert_true(other >= 4);

	assert_int_equal(id_map_add(&map, &old, &now, &e), 0);
	assert_int_equal(bcd_rename(&b, h, &map, (uint8_t *)bytes, len, &n, &e), 0);
	assert_int_equal(n, 4);
	assert_int_equal(hive_changes(h)->n, 4);
	bcd_done(&b);
	assert_int_equal(bcd_read(h, "in memory", &b, &e), 0);
	assert_int_equal(uses_of(&b, &now), 4);
	bcd_done(&b);
	hive_close(h);

	/* the file was changed in place: the same layout, only ids differ */
	n = 0;
	for (size_t i = 0; i < len; i++)
		n += bytes[i] != was[i];
	assert_true(n > 0 && n <= 4 * 32);
	assert_memory_equal(bytes, was, 4096);
	assert_int_equal(hive_open_bytes(bytes, len, "BCD", 0, &h, &e), 0);
	assert_int_equal(hive_dirty(h), 0);
	assert_int_equal(bcd_read(h, "in place", &b, &e), 0);
	assert_int_equal(uses_of(&b, &now), 4);
	assert_int_equal(uses_of(&b, &old), 0);
	assert_int_equal(uses_of(&b, &esp), other);
	bcd_done(&b);
	hive_close(h);
	id_map_done(&map);
}

/* A loader, its resume object and WinRE each say what must be on their partition. */
static void files_wanted(void **state)
{
	size_t len, seen = 0;
	cleanup_free char *bytes = fixture("uefi-win10-multiboot-linux/BCD", &len);
	static const char *const want[] = { "\\Windows\\system32\\winload.efi", "\\Windows",
		"\\Windows\\system32\\winresume.efi", "\\Recovery\\WindowsRE\\Winre.wim",
		"\\Recovery\\WindowsRE\\boot.sdi", "\\EFI\\Microsoft\\Boot\\bootmgfw.efi" };
	struct hive *h;
	struct bcd b;
	struct err e;

	(void)state;
	assert_int_equal(hive_open_bytes(bytes, len, "BCD", 0, &h, &e), 0);
	assert_int_equal(bcd_read(h, "BCD", &b, &e), 0);
	for (size_t k = 0; k < sizeof want / sizeof *want; k++)
		for (size_t i = 0; i < b.n_uses; i++)
			if (!strcmp(b.use[i].file, want[k])) {
				seen++;
				break;
			}
	assert_int_equal(seen, sizeof want / sizeof *want);
	for (size_t i = 0; i < b.n_uses; i++)
		assert_null(strstr(b.use[i].file, "hiberfil"));
	bcd_done(&b);
	hive_close(h);
}

static void not_a_store(void **state)
{
	size_t len;
	cleanup_free char *bytes = fixture("../misc/SAM-2014", &len);
	struct hive *h;
	struct bcd b;
	struct err e;

	(void)state;
	assert_int_equal(hive_open_bytes(bytes, len, "SAM", 0, &h, &e), 0);
	assert_int_equal(bcd_read(h, "SAM", &b, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "not a boot configuration"));
	hive_close(h);
}

/* ---- MountedDevices ---- */

static struct mounted_value value(const char *name, const struct part_id *id)
{
	struct mounted_value v = { .name = (char *)name };

	v.len = mounted_encode(id, v.data);
	return v;
}

static void mounted_values(void **state)
{
	static const uint8_t want[12] = { 0x78, 0x56, 0x34, 0x12, 0, 0, 0x10 };
	struct part_id a = mbr(0x12345678, 1 << 20), b = gpt(P1, D1), id;
	struct mounted_value v = value("x", &a);

	(void)state;
	assert_int_equal(v.len, 12);
	assert_memory_equal(v.data, want, 12);
	assert_int_equal(mounted_decode(v.data, v.len, &id), 1);
	assert_true(part_id_same(&id, &a));
	v = value("x", &b);
	assert_int_equal(v.len, 24);
	assert_memory_equal(v.data, "DMIO:ID:", 8);
	assert_int_equal(mounted_decode(v.data, v.len, &id), 1);
	assert_memory_equal(id.part, b.part, 16);
	assert_int_equal(mounted_decode(v.data, 23, &id), 0);
	assert_int_equal(mounted_decode((const uint8_t *)"_??_USBSTOR#Disk&", 17, &id), 0);
	v.data[0] = 'd';
	assert_int_equal(mounted_decode(v.data, v.len, &id), 0);
}

static void mounted_rewritten(void **state)
{
	struct part_id old = mbr(0x11111111, 1 << 20), now = mbr(0x22222222, 1 << 20);
	struct part_id other = mbr(0x33333333, 5 << 20);
	struct mounted_value v[] = {
		value("\\DosDevices\\D:", &now),  /* the new machine's: goes          */
		value("\\DosDevices\\C:", &old),
		value("\\??\\Volume{1}", &old),
		value("\\??\\Volume{2}", &now),  /* goes                             */
		value("\\DosDevices\\E:", &other),
		value("\\DosDevices\\F:", &old), /* a second letter of one partition */
		{ .name = (char *)"\\DosDevices\\A:", .data = "fdc#", .len = 4 },
	};
	struct id_map map = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(id_map_add(&map, &old, &now, &e), 0);
	assert_int_equal(mounted_rewrite(v, 7, &map), 5);
	assert_int_equal(v[0].what, MOUNTED_DROP);
	assert_int_equal(v[1].what, MOUNTED_CHANGE);
	assert_int_equal(v[2].what, MOUNTED_CHANGE);
	assert_int_equal(v[3].what, MOUNTED_DROP);
	assert_int_equal(v[4].what, MOUNTED_KEEP);
	assert_int_equal(v[5].what, MOUNTED_DROP);
	assert_int_equal(v[6].what, MOUNTED_KEEP);
	assert_memory_equal(v[1].data, v[0].data, 12);
	/* again: nothing */
	v[0] = v[1];
	v[3] = v[4];
	v[5] = v[6];
	assert_int_equal(mounted_rewrite(v + 1, 6, &map), 0);
	id_map_done(&map);
}

static void mounted_gpt(void **state)
{
	struct part_id old = gpt(P1, D1), now = gpt(P2, D1), mbr_now = mbr(0x77777777, 7 << 20);
	struct mounted_value v = value("\\DosDevices\\C:", &old);
	struct id_map map = { 0 };
	struct part_id id;
	struct err e;

	(void)state;
	assert_int_equal(id_map_add(&map, &old, &now, &e), 0);
	assert_int_equal(mounted_rewrite(&v, 1, &map), 1);
	assert_int_equal(mounted_decode(v.data, v.len, &id), 1);
	assert_memory_equal(id.part, now.part, 16);
	/* to a disk with another kind of table */
	assert_int_equal(id_map_add(&map, &now, &mbr_now, &e), 0);
	assert_int_equal(mounted_rewrite(&v, 1, &map), 1);
	assert_int_equal(v.len, 12);
	id_map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guids), cmocka_unit_test(volumes), cmocka_unit_test(elements),
		cmocka_unit_test(not_elements), cmocka_unit_test(real_store),
		cmocka_unit_test(files_wanted), cmocka_unit_test(not_a_store),
		cmocka_unit_test(mounted_values), cmocka_unit_test(mounted_rewritten),
		cmocka_unit_test(mounted_gpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
