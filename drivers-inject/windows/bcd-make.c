/* bcd-make.c: a new boot configuration from BCD-Template, as bcdboot makes it: the
 * template's objects, of which the boot manager and one entry get partitions.
 *
 * A template is a BCD whose settings are there and whose partitions are not: the boot
 * manager, memory test, a loader and its resume object (of fixed GUIDs), and what they
 * inherit from.  Objects of other kinds of installation (network start, the old
 * loader) stay as they are; nothing names them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/windows/chain-int.h"

#define RESUME_PATH "\\system32\\winresume"
#define LOADER_PATH "\\system32\\winload"

/* The objects that every such store has, and what they inherit. */
#define MEMDIAG "{b2721d73-1db4-4c62-bf78-c548a880142d}"
#define LOADER_SETTINGS "{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}"
#define RESUME_SETTINGS "{1afa9c49-16ab-4a5c-901b-212802da9460}"
#define GLOBAL_SETTINGS "{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}"
/* Ours: a store that was made twice has the same ones. */
#define MY_LOADER "{5c0f5a7e-6f1b-4b0b-9d8e-2d5d2b7c7a01}"
#define MY_RESUME "{5c0f5a7e-6f1b-4b0b-9d8e-2d5d2b7c7a02}"

struct maker {
	struct hive *h;
	struct err *e;
	int r;                  /* the first failure; then nothing more is done */
};

static void key_of(char ret[128], const char *object, const char *below)
{
	snprintf(ret, 128, "Objects\\%s\\%s", object, below);
}

static void set(struct maker *m, const char *object, const char *element, uint32_t type,
		const void *data, size_t len)
{
	char key[128], below[32];

	snprintf(below, sizeof below, "Elements\\%s", element);
	key_of(key, object, below);
	if (!m->r)
		m->r = hive_set(m->h, key, "Element", type, data, len, m->e);
}

static void set_text(struct maker *m, const char *object, const char *element, const char *text)
{
	char key[128], below[32];

	snprintf(below, sizeof below, "Elements\\%s", element);
	key_of(key, object, below);
	if (!m->r)
		m->r = hive_set_string(m->h, key, "Element", REG_SZ, text, m->e);
}

/* A list of one object. */
static void set_list(struct maker *m, const char *object, const char *element, const char *id)
{
	struct strv l = { 0 };
	char key[128], below[32];

	snprintf(below, sizeof below, "Elements\\%s", element);
	key_of(key, object, below);
	if (!m->r && strv_add(&l, id))
		m->r = err_set(m->e, ERR_NOMEM, "out of memory");
	if (!m->r)
		m->r = hive_set_strings(m->h, key, "Element", &l, m->e);
	strv_done(&l);
}

static void set_device(struct maker *m, const char *object, const char *element,
		       const struct part_id *id)
{
	uint8_t data[BCD_PLAIN_SIZE];

	bcd_device_make(id, data);
	set(m, object, element, REG_BINARY, data, sizeof data);
}

static void set_kind(struct maker *m, const char *object, uint32_t kind)
{
	char key[128];

	key_of(key, object, "Description");
	if (!m->r)
		m->r = hive_set_dword(m->h, key, "Type", kind, m->e);
}

/* An object of the template that isn't there is not named by ours. */
static void inherit(struct maker *m, const char *object, const char *from)
{
	char key[128];

	key_of(key, from, "Description");
	if (hive_has_key(m->h, key))
		set_list(m, object, "14000006", from);
}

static void make_entry(struct maker *m, const struct part_id *windows, const char *dir, int uefi,
		       const char *description)
{
	const char *ext = uefi ? "efi" : "exe";
	char path[320];
	static const uint8_t one[8] = { 1 };

	set_kind(m, MY_LOADER, BCD_LOADER);
	set_device(m, MY_LOADER, "11000001", windows);
	snprintf(path, sizeof path, "%s" LOADER_PATH ".%s", dir, ext);
	set_text(m, MY_LOADER, "12000002", path);
	set_text(m, MY_LOADER, "12000004", description);
	set_text(m, MY_LOADER, "12000005", "en-US");
	inherit(m, MY_LOADER, LOADER_SETTINGS);
	set_device(m, MY_LOADER, "21000001", windows);
	set_text(m, MY_LOADER, "22000002", dir);
	set_text(m, MY_LOADER, "23000003", MY_RESUME);
	/* NX as Windows' own default, OptIn */
	set(m, MY_LOADER, "25000020", REG_BINARY, (const uint8_t[8]){ 0 }, 8);

	set_kind(m, MY_RESUME, BCD_RESUME);
	set_device(m, MY_RESUME, "11000001", windows);
	snprintf(path, sizeof path, "%s" RESUME_PATH ".%s", dir, ext);
	set_text(m, MY_RESUME, "12000002", path);
	set_text(m, MY_RESUME, "12000004", "Windows Resume Application");
	set_text(m, MY_RESUME, "12000005", "en-US");
	inherit(m, MY_RESUME, RESUME_SETTINGS);
	set_device(m, MY_RESUME, "21000001", windows);
	set_text(m, MY_RESUME, "22000002", "\\hiberfil.sys");
	set(m, MY_RESUME, "26000006", REG_BINARY, one, 1);
}

static void make_managers(struct maker *m, const struct part_id *system, int uefi)
{
	static const uint8_t timeout[8] = { 30 };

	set_kind(m, BCD_BOOTMGR, BCD_BOOT_MANAGER);
	set_device(m, BCD_BOOTMGR, "11000001", system);
	set_text(m, BCD_BOOTMGR, "12000002", uefi ? "\\EFI\\Microsoft\\Boot\\bootmgfw.efi" : "\\bootmgr");
	set_text(m, BCD_BOOTMGR, "12000004", "Windows Boot Manager");
	inherit(m, BCD_BOOTMGR, GLOBAL_SETTINGS);
	set_text(m, BCD_BOOTMGR, "23000003", MY_LOADER);
	set_text(m, BCD_BOOTMGR, "23000006", MY_RESUME);
	set_list(m, BCD_BOOTMGR, "24000001", MY_LOADER);
	set(m, BCD_BOOTMGR, "25000004", REG_BINARY, timeout, sizeof timeout);

	set_kind(m, MEMDIAG, BCD_MEMTEST);
	set_device(m, MEMDIAG, "11000001", system);
	set_text(m, MEMDIAG, "12000002", uefi ? "\\EFI\\Microsoft\\Boot\\memtest.efi" : "\\boot\\memtest.exe");
	set_text(m, MEMDIAG, "12000004", "Windows Memory Diagnostic");
	inherit(m, MEMDIAG, GLOBAL_SETTINGS);
	set_list(m, BCD_BOOTMGR, "24000010", MEMDIAG);
}

/* What tells Windows that this hive is the system's boot configuration. */
static void make_description(struct maker *m)
{
	if (!m->r)
		m->r = hive_set_string(m->h, "Description", "KeyName", REG_SZ, "BCD00000000", m->e);
	if (!m->r)
		m->r = hive_set_dword(m->h, "Description", "System", 1, m->e);
	if (!m->r)
		m->r = hive_set_dword(m->h, "Description", "TreatAsSystem", 1, m->e);
}

static int save(struct hive *h, char **ret, size_t *ret_len, struct err *e)
{
	cleanup_close int fd = -1;
	char *bytes = malloc(CHAIN_BCD_MAX);
	int n, r = bytes ? hive_save(h, &fd, e) : err_set(e, ERR_NOMEM, "out of memory");

	if (!r && (n = io_read_full(fd, bytes, CHAIN_BCD_MAX, ret_len)))
		r = err_sys(e, n, "a new boot configuration in memory");
	if (r)
		free(bytes);
	else
		*ret = bytes;
	return r;
}

int bcd_make(const char *template, size_t len, const struct part_id *system,
	     const struct part_id *windows, const char *windows_dir, int uefi,
	     const char *description, char **ret, size_t *ret_len, struct err *e)
{
	struct maker m = { .e = e };
	struct bcd b;
	int r = hive_open_bytes(template, len, "BCD-Template", 1, &m.h, e);

	if (r)
		return r;
	m.r = bcd_read(m.h, "BCD-Template", &b, e);
	if (!m.r)
		bcd_done(&b);
	make_description(&m);
	make_managers(&m, system, uefi);
	make_entry(&m, windows, windows_dir, uefi, description);
	if (!m.r)
		m.r = save(m.h, ret, ret_len, e);
	hive_close(m.h);
	return m.r;
}
