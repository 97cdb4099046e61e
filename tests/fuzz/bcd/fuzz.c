/* fuzz bcd: the input as a device element, as a value of MountedDevices, and as the
 * bins of a registry hive that is a boot configuration (BCD).
 *
 * Every id that is found is replaced and must be found again, the rest of the element
 * as it was; in the file in place and in the hive's memory it must come out alike. */
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/bcd.h"
#include "drivers-inject/windows/mounted-devices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void element(const uint8_t *data, size_t size, const struct part_id *now)
{
	struct bcd_device found[BCD_DEVICES_MAX], again[BCD_DEVICES_MAX];
	size_t n = bcd_devices(data, size, found);
	uint8_t *copy = malloc(size ? size : 1);
	char path[300];

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	for (size_t i = 0; i < n; i++) {
		bcd_device_path(data, size, found[i].at, path, sizeof path);
		bcd_device_put(copy, found[i].at, now);
	}
	if (bcd_devices(copy, size, again) != n)
		abort();
	for (size_t i = 0; i < n; i++)
		if (again[i].at != found[i].at || !part_id_same(&again[i].id, now))
			abort();
	free(copy);
}

static void mounted(const uint8_t *data, size_t size)
{
	uint8_t again[MOUNTED_MAX];
	struct part_id id;

	if (mounted_decode(data, size, &id) &&
	    (mounted_encode(&id, again) != size || memcmp(again, data, size)))
		abort();
}

/* Every id of the store becomes `now`. */
static void rename_all(struct hive *h, const struct bcd *b, const struct part_id *now,
		       uint8_t *bytes, size_t len)
{
	struct id_map map = { 0 };
	struct bcd after;
	struct hive *g;
	struct err e = { 0 };
	size_t n;

	for (size_t i = 0; i < b->n_uses; i++)
		if (!part_id_same(&b->use[i].id, now) && id_map_add(&map, &b->use[i].id, now, &e))
			abort();
	if (bcd_rename(b, h, &map, bytes, len, &n, &e)) {
		if (!e.code || !*e.msg)
			abort();
	} else if (!hive_open_bytes(bytes, len, "again", 0, &g, &e)) {
		if (!bcd_read(g, "again", &after, &e))
			bcd_done(&after);
		hive_close(g);
	}
	id_map_done(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part_id now = { .signature = 0x12345678, .offset = 1 << 20 };
	struct hive *h;
	struct bcd b;
	struct err e = { 0 };
	uint8_t *bytes;

	element(data, size, &now);
	mounted(data, size);
	if (size < 4 || memcmp(data, "regf", 4) || hive_open_bytes(data, size, "fuzz", 1, &h, &e))
		return 0;
	bytes = malloc(size);
	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	if (bcd_read(h, "fuzz", &b, &e)) {
		if (!e.code || !*e.msg)
			abort();
	} else {
		rename_all(h, &b, &now, bytes, size);
		bcd_done(&b);
	}
	free(bytes);
	hive_close(h);
	return 0;
}
