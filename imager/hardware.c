/* hardware.c: see hardware.h. */
#include "imager/hardware.h"
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include "common/cleanup.h"
#include "imager/disks.h"
#include "imager/pci-names.h"

/* The SMBIOS values worth keeping, as the kernel names them. */
static struct json_object *dmi_json(const struct kernel_view *k)
{
	static const char *const names[] = {
		"sys_vendor", "product_name", "product_version", "product_family",
		"product_serial", "product_uuid", "product_sku", "board_vendor",
		"board_name", "board_version", "bios_vendor", "bios_version",
		"bios_date", "chassis_type", "modalias", NULL,
	};
	struct json_object *o = json_object_new_object();
	char text[512];

	for (const char *const *p = names; *p; p++)
		if (sysfs_text(text, sizeof text, "%s/class/dmi/id/%s", k->sys, *p) > 0)
			json_put_str(o, *p, text);
	return o;
}

/* "key : value" of a line in /proc/cpuinfo and /proc/meminfo */
static const char *proc_value(char *line, const char *key)
{
	char *colon = strchr(line, ':'), *end;

	if (!colon || strncmp(line, key, strlen(key)))
		return NULL;
	for (end = line + strlen(key); end < colon; end++)
		if (*end != ' ' && *end != '\t')
			return NULL;
	colon += strspn(colon, ": \t");
	colon[strcspn(colon, "\n")] = 0;
	return colon;
}

static struct json_object *cpu_json(const struct kernel_view *k)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	struct json_object *o = json_object_new_object();
	struct utsname un;
	char path[PATH_MAX];
	const char *v;
	size_t room = 0;
	uint64_t n = 0, cores = 0;

	if (uname(&un) == 0)
		json_put_str(o, "arch", un.machine);
	snprintf(path, sizeof path, "%s/cpuinfo", k->proc);
	f = fopen(path, "re");
	while (f && getline(&line, &room, f) > 0) {
		if (proc_value(line, "processor"))
			n++;
		else if (n == 1 && (v = proc_value(line, "model name")))
			json_put_str(o, "model", v);
		else if (n == 1 && (v = proc_value(line, "vendor_id")))
			json_put_str(o, "vendor", v);
		else if (n == 1 && (v = proc_value(line, "cpu cores")))
			cores = strtoull(v, NULL, 10);
	}
	if (n)
		json_put_u64(o, "threads", n);
	if (cores)
		json_put_u64(o, "cores_per_socket", cores);
	return o;
}

static uint64_t memory_bytes(const struct kernel_view *k)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	char path[PATH_MAX];
	const char *v;
	size_t room = 0;

	snprintf(path, sizeof path, "%s/meminfo", k->proc);
	f = fopen(path, "re");
	while (f && getline(&line, &room, f) > 0)
		if ((v = proc_value(line, "MemTotal")))
			return 1024 * strtoull(v, NULL, 10);
	return 0;
}

static struct json_object *firmware_json(const struct kernel_view *k)
{
	struct json_object *o = json_object_new_object();
	unsigned char b[8];
	int efi = sysfs_exists("%s/firmware/efi", k->sys);

	json_put_str(o, "type", efi ? "efi" : "bios");
	/* efivarfs: 4 bytes of attributes, then the value */
	if (efi && sysfs_bytes(b, sizeof b,
			"%s/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
			k->sys) == 5)
		json_put_bool(o, "secure_boot", b[4]);
	if (efi && sysfs_u64(0, "%s/firmware/efi/fw_platform_size", k->sys))
		json_put_u64(o, "bits", sysfs_u64(0, "%s/firmware/efi/fw_platform_size", k->sys));
	return o;
}

/* "0x8086" to "8086" */
static void put_id(struct json_object *o, const char *key, const char *dir, const char *attr)
{
	char text[32];

	if (sysfs_text(text, sizeof text, "%s/%s", dir, attr) > 0)
		json_put_str(o, key, strncmp(text, "0x", 2) ? text : text + 2);
}

static void put_driver(struct json_object *o, const char *dir)
{
	char text[512];

	sysfs_link_name(text, sizeof text, "%s/driver", dir);
	json_put_str_if(o, "driver", text);
	if (sysfs_text(text, sizeof text, "%s/modalias", dir) > 0)
		json_put_str(o, "modalias", text);
}

static void put_pci_names(struct json_object *o, struct pci_names *names)
{
	unsigned int v = (unsigned int)strtoul(json_get_str(o, "vendor", "0"), NULL, 16);
	unsigned int d = (unsigned int)strtoul(json_get_str(o, "device", "0"), NULL, 16);
	unsigned int c = (unsigned int)strtoul(json_get_str(o, "class", "0"), NULL, 16);
	char text[256];

	if (pci_names_device(names, v, d, text, sizeof text))
		json_put_str(o, "name", text);
	if (pci_names_class(names, c >> 8, text, sizeof text))
		json_put_str(o, "class_name", text);
}

static struct json_object *pci_json(const struct kernel_view *k, const char *pci_ids)
{
	cleanup_names char **names = sysfs_names("%s/bus/pci/devices", k->sys);
	struct json_object *a = json_object_new_array(), *o;
	struct pci_names *ids = pci_names_open(pci_ids);
	char dir[PATH_MAX];

	for (char **p = names; p && *p; p++) {
		snprintf(dir, sizeof dir, "%s/bus/pci/devices/%.200s", k->sys, *p);
		o = json_object_new_object();
		json_put_str(o, "slot", *p);
		put_id(o, "class", dir, "class");
		put_id(o, "vendor", dir, "vendor");
		put_id(o, "device", dir, "device");
		put_id(o, "subsystem_vendor", dir, "subsystem_vendor");
		put_id(o, "subsystem_device", dir, "subsystem_device");
		put_id(o, "revision", dir, "revision");
		put_driver(o, dir);
		if (ids)
			put_pci_names(o, ids);
		json_object_array_add(a, o);
	}
	pci_names_close(ids);
	return a;
}

static struct json_object *usb_json(const struct kernel_view *k)
{
	cleanup_names char **names = sysfs_names("%s/bus/usb/devices", k->sys);
	struct json_object *a = json_object_new_array(), *o;
	char dir[PATH_MAX], text[256];

	for (char **p = names; p && *p; p++) {
		snprintf(dir, sizeof dir, "%s/bus/usb/devices/%.200s", k->sys, *p);
		if (!sysfs_exists("%s/idVendor", dir))
			continue; /* an interface */
		o = json_object_new_object();
		json_put_str(o, "port", *p);
		put_id(o, "vendor", dir, "idVendor");
		put_id(o, "product", dir, "idProduct");
		put_id(o, "class", dir, "bDeviceClass");
		if (sysfs_text(text, sizeof text, "%s/manufacturer", dir) > 0)
			json_put_str(o, "manufacturer", text);
		if (sysfs_text(text, sizeof text, "%s/product", dir) > 0)
			json_put_str(o, "name", text);
		put_driver(o, dir);
		json_object_array_add(a, o);
	}
	return a;
}

/* The devices from the root of /sys/devices down to dir, outermost first.
 * Directories that are no devices (block/, nvme/) are left out. */
static struct json_object *path_json(const struct kernel_view *k, const char *dir)
{
	struct json_object *a = json_object_new_array(), *o;
	char root[PATH_MAX], part[PATH_MAX], text[512];
	size_t len;

	if (sysfs_real(root, "%s/devices", k->sys) < 0)
		return a;
	len = strlen(root);
	if (strncmp(dir, root, len) || dir[len] != '/')
		return a;
	for (const char *p = dir + len, *stop; *p; p = stop) {
		stop = strchrnul(p + 1, '/');
		snprintf(part, sizeof part, "%.*s", (int)(stop - dir), dir);
		sysfs_link_name(text, sizeof text, "%s/subsystem", part);
		if (!*text && !sysfs_exists("%s/uevent", part))
			continue;
		o = json_object_new_object();
		json_put_str(o, "name", strrchr(part, '/') + 1);
		json_put_str_if(o, "subsystem", text);
		put_driver(o, part);
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *net_json(const struct kernel_view *k)
{
	cleanup_names char **names = sysfs_names("%s/class/net", k->sys);
	struct json_object *a = json_object_new_array(), *o;
	char dir[PATH_MAX], real[PATH_MAX], text[64];

	for (char **p = names; p && *p; p++) {
		snprintf(dir, sizeof dir, "%s/class/net/%.200s/device", k->sys, *p);
		if (!sysfs_exists("%s", dir))
			continue; /* lo, bridges, tunnels */
		o = json_object_new_object();
		json_put_str(o, "name", *p);
		if (sysfs_text(text, sizeof text, "%s/class/net/%s/address", k->sys, *p) > 0)
			json_put_str(o, "mac", text);
		if (sysfs_text(text, sizeof text, "%s/class/net/%s/carrier", k->sys, *p) > 0)
			json_put_bool(o, "link", text[0] == '1');
		put_driver(o, dir);
		if (sysfs_real(real, "%s", dir) == 0)
			json_put(o, "path", path_json(k, real));
		json_object_array_add(a, o);
	}
	return a;
}

/* The PCI function a disk hangs on: the last "0000:00:1f.2" in its path. */
static void last_slot(const char *path, char *ret, size_t size)
{
	unsigned int a, b, c, d;
	int n;

	*ret = 0;
	for (const char *p = path; (p = strchr(p, '/')); p++) {
		n = 0;
		if (sscanf(p, "/%4x:%2x:%2x.%1x%n", &a, &b, &c, &d, &n) == 4 &&
		    (p[n] == '/' || !p[n]))
			snprintf(ret, size, "%.*s", n - 1, p + 1);
	}
}

/* The real directory of the device that the disk in dir is on, PATH_MAX bytes.
 * An NVMe namespace that several controllers may share hangs on a virtual
 * subsystem with links to them: then the first one. */
static int disk_device(const char *dir, char *ret)
{
	cleanup_names char **names = NULL;
	char subsystem[PATH_MAX];

	if (sysfs_real(ret, "%s/device", dir) < 0)
		return -1;
	if (!strstr(ret, "/virtual/nvme-subsystem/"))
		return 0;
	snprintf(subsystem, sizeof subsystem, "%s", ret);
	names = sysfs_names("%s", subsystem);
	for (char **p = names; p && *p; p++)
		if (!strncmp(*p, "nvme", 4) && (*p)[4 + strspn(*p + 4, "0123456789")] == 0 &&
		    sysfs_real(ret, "%s/%.60s", subsystem, *p) == 0)
			return 0;
	snprintf(ret, PATH_MAX, "%s", subsystem);
	return 0;
}

static struct json_object *disks_short_json(const struct kernel_view *k)
{
	cleanup_names char **names = sysfs_names("%s/block", k->sys);
	struct json_object *a = json_object_new_array(), *o;
	char dir[PATH_MAX], device[PATH_MAX], slot[32];

	for (char **p = names; p && *p; p++) {
		struct disk d = { 0 };

		if (sysfs_real(dir, "%s/block/%s", k->sys, *p) < 0 ||
		    sysfs_u64(0, "%s/hidden", dir) || disk_device(dir, device) < 0)
			continue;
		o = json_object_new_object();
		json_put_str(o, "name", *p);
		last_slot(device, slot, sizeof slot);
		json_put_str_if(o, "controller", slot);
		json_put_u64(o, "size", 512 * sysfs_u64(0, "%s/size", dir));
		disk_identify(dir, &d);
		json_put_str_if(o, "model", d.model);
		json_put_str_if(o, "serial", d.serial);
		json_put_str_if(o, "wwn", d.wwn);
		json_put(o, "path", path_json(k, device));
		json_object_array_add(a, o);
	}
	return a;
}

int hardware_json(const struct kernel_view *k, const char *pci_ids,
		  struct json_object **ret, struct err *e)
{
	struct json_object *o = json_object_new_object();
	struct utsname un;

	if (!o)
		return err_set(e, ERR_NOMEM, "out of memory for the inventory");
	if (!k)
		k = &kernel_view_real;
	json_put(o, "dmi", dmi_json(k));
	json_put(o, "firmware", firmware_json(k));
	json_put(o, "cpu", cpu_json(k));
	json_put_u64(o, "memory", memory_bytes(k));
	if (uname(&un) == 0)
		json_put_str(o, "kernel", un.release);
	json_put(o, "pci", pci_json(k, pci_ids));
	json_put(o, "usb", usb_json(k));
	json_put(o, "nics", net_json(k));
	json_put(o, "disks", disks_short_json(k));
	*ret = o;
	return 0;
}
