/* nt5-hal.c: see nt5-hal.h.
 *
 * Sources: names and files, and which may be exchanged: Knowledge Base 309283 ("HAL
 * options after Windows XP or Windows Server 2003 Setup"); which runs where: JSI tip
 * 4632; HardwareIDs: hal.inf, and real hives. */
#include "drivers-inject/windows/nt5-hal.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/inbox.h"
#include "drivers-inject/windows/pe-text.h"

#define CLASS_COMPUTER "{4D36E966-E325-11CE-BFC1-08002BE10318}"

const struct nt5_hal nt5_hals[HAL_KINDS] = {
	[HAL_STANDARD] = { "e_isa_up", "hal.dll", "Standard PC", 0, 0, HAL_ACPI_UP, HAL_ACPI_MP,
		"knows no ACPI, without which machines of today don't tell how their interrupts are wired" },
	[HAL_ACPI_PIC] = { "acpipic_up", "halacpi.dll", "Advanced Configuration and Power Interface (ACPI) PC",
		0, 1, HAL_ACPI_UP, HAL_ACPI_MP,
		"uses one processor and the old interrupt controller (PIC), which not every machine has" },
	[HAL_ACPI_UP] = { "acpiapic_up", "halaacpi.dll", "ACPI Uniprocessor PC", 0, 1, HAL_ACPI_UP, HAL_ACPI_MP,
		"uses one processor only" },
	/* that for several runs on one, too */
	[HAL_ACPI_MP] = { "acpiapic_mp", "halmacpi.dll", "ACPI Multiprocessor PC", 1, 1, HAL_ACPI_MP,
		HAL_ACPI_MP, "" },
	[HAL_MPS_UP] = { "mps_up", "halapic.dll", "MPS Uniprocessor PC", 0, 0, HAL_ACPI_UP, HAL_ACPI_MP,
		"needs the firmware's MPS tables, which machines of today don't have" },
	[HAL_MPS_MP] = { "mps_mp", "halmps.dll", "MPS Multiprocessor PC", 1, 0, HAL_ACPI_MP, HAL_ACPI_MP,
		"needs the firmware's MPS tables, which machines of today don't have" },
};

/* Each kernel exists four times; Setup names the ones that it takes as the first two. */
static const struct { const char *file; int mp; } kernels[] = {
	{ "ntoskrnl.exe", 0 }, { "ntkrnlpa.exe", 0 }, { "ntkrnlmp.exe", 1 }, { "ntkrpamp.exe", 1 },
};

enum nt5_hal_kind nt5_hal_for(enum nt5_hal_kind now, unsigned processors)
{
	return processors > 1 ? nt5_hals[now].many : nt5_hals[now].one;
}

/* Hardware DEP needs large page tables and switches them on (Microsoft, "Boot Parameters
 * to Configure DEP and PAE"); all processors of the last twenty years have it, and the
 * Setup of every Windows that knows it writes the option. */
const char *nt5_mp_kernel(const char *options)
{
	char value[16];
	int dep = bootini_option(options, "NOEXECUTE", value, sizeof value) && strcasecmp(value, "ALWAYSOFF");

	return dep || bootini_option(options, "PAE", value, sizeof value) ? "ntkrpamp.exe" : "ntkrnlmp.exe";
}

/* ---- what is there ---- */

static int kind_of(const char *text, int by_file)
{
	for (int i = 0; i < HAL_KINDS; i++)
		if (!strcasecmp(text, by_file ? nt5_hals[i].file : nt5_hals[i].id))
			return i;
	return -1;
}

/* The device "Computer" is the one of its class below Enum\Root. */
static void read_registry(struct win *w, struct nt5_installed *in)
{
	struct strv roots = { 0 }, ids = { 0 };
	char key[WIN_KEY_MAX], class[64];

	in->by_registry = -1;
	win_key(key, w->set, "Enum\\Root");
	if (hive_subkeys(w->system, key, &roots))
		return;
	for (size_t i = 0; i < roots.n && !*in->hardware_id; i++) {
		if (!strncasecmp(roots.v[i], "LEGACY_", 7))
			continue;
		win_key(key, w->set, "Enum\\Root\\%s\\0000", roots.v[i]);
		if (!hive_string(w->system, key, "ClassGUID", class, sizeof class) ||
		    strcasecmp(class, CLASS_COMPUTER) || !hive_strings(w->system, key, "HardwareID", &ids))
			continue;
		if (ids.n)
			snprintf(in->hardware_id, sizeof in->hardware_id, "%s", ids.v[0]);
		strv_done(&ids);
		ids = (struct strv){ 0 };
	}
	in->by_registry = kind_of(in->hardware_id, 0);
	strv_done(&roots);
}

/* A file's name before Setup renamed it, and its version; 0, or -1. */
static int read_file(struct win *w, const char *name, char original[64], uint16_t version[4])
{
	char below[128], path[PATH_MAX];
	cleanup_free char *bytes = NULL;
	struct pe pe;
	size_t n;

	*original = 0;
	snprintf(below, sizeof below, "System32\\%s", name);
	if (win_path(w, below, path, NULL) ||
	    root_read(w->root, path, INBOX_FILE_MAX, &bytes, &n, NULL) || pe_read(bytes, n, path, &pe, NULL))
		return -1;
	pe_text(bytes, &pe, "OriginalFilename", original, 64);
	memcpy(version, pe.version, sizeof pe.version);
	pe_done(&pe);
	return pe.has_version ? 0 : -1;
}

/* What an option of boot.ini names, which is looked for in System32; or Setup's name. */
static void file_of(const char *options, const char *option, const char *dflt, char ret[64])
{
	if (!options || !bootini_option(options, option, ret, 64) || !*ret || strpbrk(ret, "\\/"))
		snprintf(ret, 64, "%s", dflt);
}

void nt5_installed_get(struct win *w, const char *options, struct nt5_installed *ret)
{
	struct nt5_installed in = { .hal = -1, .mp = -1 };
	char kernel[64], original[64];

	read_registry(w, &in);
	file_of(options, "HAL", "hal.dll", in.hal_file);
	file_of(options, "KERNEL", "ntoskrnl.exe", kernel);
	in.has_version = !read_file(w, in.hal_file, in.hal_original, in.hal_version);
	in.hal = *in.hal_original ? kind_of(in.hal_original, 1) : in.by_registry;
	if (read_file(w, kernel, original, in.kernel_version))
		in.has_version = 0;
	for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
		if (!strcasecmp(original, kernels[i].file))
			in.mp = kernels[i].mp;
	if (in.mp < 0 && in.hal >= 0)
		in.mp = nt5_hals[in.hal].mp;
	*ret = in;
}
