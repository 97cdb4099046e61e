/* fuzz hive: a registry hive; its keys and values, as detection reads them. */
#include <stdlib.h>
#include "drivers-inject/hive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_key(const struct hive *h, const char *key)
{
	char buf[64];
	uint32_t n;

	hive_string(h, key, "ComputerName", buf, sizeof buf);
	hive_string(h, key, "", buf, sizeof buf);
	hive_dword(h, key, "Current", &n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv keys = { 0 };
	struct hive *h;
	struct err e;

	if (hive_open_bytes(data, size, "input", 0, &h, &e))
		return 0;
	hive_dirty(h);
	if (!hive_subkeys(h, "", &keys)) {
		for (size_t i = 0; i < keys.n && i < 20; i++)
			read_key(h, keys.v[i]);
		strv_done(&keys);
	}
	read_key(h, "ControlSet002\\Control\\ComputerName\\ComputerName");
	read_key(h, "Microsoft\\Windows NT\\CurrentVersion");
	hive_close(h);
	return 0;
}
