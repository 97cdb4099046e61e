/* hardware-text.c: the inventory in a few lines for people. */
#include <string.h>
#include "common/units.h"
#include "imager/hardware.h"

static void list(FILE *f, struct json_object *hw, const char *key, const char *title,
		 void (*line)(FILE *f, struct json_object *o))
{
	struct json_object *a = json_get_array(hw, key);

	if (!a || !json_object_array_length(a))
		return;
	fprintf(f, "%s\n", title);
	for (size_t i = 0; i < json_object_array_length(a); i++)
		line(f, json_object_array_get_idx(a, i));
}

static void pci_line(FILE *f, struct json_object *o)
{
	fprintf(f, "  %s  %s:%s  %s%s%s  %s\n", json_get_str(o, "slot", "?"),
		json_get_str(o, "vendor", "?"), json_get_str(o, "device", "?"),
		json_get_str(o, "class_name", json_get_str(o, "class", "?")),
		json_get_str(o, "name", NULL) ? ": " : "", json_get_str(o, "name", ""),
		json_get_str(o, "driver", "(no driver)"));
}

static void usb_line(FILE *f, struct json_object *o)
{
	fprintf(f, "  %s  %s:%s  %s %s\n", json_get_str(o, "port", "?"),
		json_get_str(o, "vendor", "?"), json_get_str(o, "product", "?"),
		json_get_str(o, "manufacturer", ""), json_get_str(o, "name", ""));
}

static void net_line(FILE *f, struct json_object *o)
{
	fprintf(f, "  %s  %s  %s%s\n", json_get_str(o, "name", "?"),
		json_get_str(o, "mac", "?"), json_get_str(o, "driver", "(no driver)"),
		json_get_bool(o, "link", 0) ? "  link" : "");
}

void hardware_text(FILE *f, struct json_object *hw)
{
	struct json_object *dmi = json_get_object(hw, "dmi"), *fw = json_get_object(hw, "firmware");
	struct json_object *cpu = json_get_object(hw, "cpu");

	fprintf(f, "%s %s, serial %s\n", json_get_str(dmi, "sys_vendor", "unknown maker"),
		json_get_str(dmi, "product_name", "unknown product"),
		json_get_str(dmi, "product_serial", "unknown"));
	fprintf(f, "firmware: %s%s %s %s %s\n", strcmp(json_get_str(fw, "type", "bios"), "efi") ?
		"BIOS" : "UEFI", json_get_bool(fw, "secure_boot", 0) ? " with Secure Boot" : "",
		json_get_str(dmi, "bios_vendor", ""), json_get_str(dmi, "bios_version", ""),
		json_get_str(dmi, "bios_date", ""));
	fprintf(f, "processor: %s, %llu threads, %s\n", json_get_str(cpu, "model", "unknown"),
		(unsigned long long)json_get_u64(cpu, "threads", 0), json_get_str(cpu, "arch", "?"));
	fprintf(f, "memory: %s, kernel: %s\n", units_bytes(json_get_u64(hw, "memory", 0)).s,
		json_get_str(hw, "kernel", "?"));
	list(f, hw, "pci", "PCI devices:", pci_line);
	list(f, hw, "usb", "USB devices:", usb_line);
	list(f, hw, "nics", "network cards:", net_line);
}
