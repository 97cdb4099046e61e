/* plan-hal.c: Windows 2000 to 2003: boot.ini follows its partition, and HAL and kernel
 * follow the machine: the new ones are put beside the old ones, under other names, and
 * a line more in boot.ini starts them.  Nothing that starts now is changed. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/inbox.h"
#include "drivers-inject/windows/nt5-boot.h"
#include "drivers-inject/windows/nt5-hal.h"
#include "drivers-inject/windows/pe-text.h"

/* ntldr knows only short names (Russinovich, Solomon: "Windows Internals", /HAL=). */
#define NEW_HAL "halmig.dll"
#define NEW_KERNEL "krnlmig.exe"
#define ACPI_SYS "System32\\drivers\\acpi.sys"
#define CLASS_SYSTEM "{4D36E97D-E325-11CE-BFC1-08002BE10318}"

/* ---- the files ---- */

/* A file to be brought into System32 (or its drivers). */
struct piece {
	const char *file;
	const uint16_t *version;        /* that it must have; NULL: any      */
	const char *below;              /* where to                          */
	uint8_t *bytes;
	size_t n;
	char from[PATH_MAX];
};
#define PIECES_MAX 3

/* Of the same build as the one in use: kernel, HAL and the rest belong together. */
static int is_wanted(const void *ctx, const void *bytes, size_t n, const struct pe *pe)
{
	const struct piece *want = ctx;
	char original[64];

	(void)n;
	return !want->version ||
	       (pe->has_version && !memcmp(pe->version, want->version, sizeof pe->version) &&
		(!pe_text(bytes, pe, "OriginalFilename", original, sizeof original) ||
		 !strcasecmp(original, want->file)));
}

/* Finds all before anything is changed. */
static int find_pieces(struct win *w, struct piece *v, size_t n, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = inbox_read(w, v[i].file, is_wanted, &v[i], &v[i].bytes, &v[i].n, v[i].from, e);
	return rc;
}

static int write_pieces(struct win *w, struct plan *p, const struct piece *v, size_t n, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		rc = win_path(w, v[i].below, path, e);
		if (!rc)
			rc = plan_write(p, path, (const char *)v[i].bytes, v[i].n, e,
					"%s for the new machine, from %s", v[i].file, v[i].from);
	}
	return rc;
}

/* ---- ACPI, for who had none ---- */

static int set_acpi_service(struct win *w, const char *set, struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc = 0;

	/* as XP's Setup writes it on an ACPI machine */
	win_key(key, set, "Services\\ACPI");
	if (hive_has_key(w->system, key))
		return hive_set_dword(w->system, key, "Start", 0, e);
	if ((rc = hive_set_dword(w->system, key, "Type", 1, e)) ||
	    (rc = hive_set_dword(w->system, key, "Start", 0, e)) ||
	    (rc = hive_set_dword(w->system, key, "ErrorControl", 1, e)) ||
	    (rc = hive_set_dword(w->system, key, "Tag", 1, e)) ||
	    (rc = hive_set_string(w->system, key, "Group", REG_SZ, "Boot Bus Extender", e)))
		return rc;
	return hive_set_string(w->system, key, "ImagePath", REG_EXPAND_SZ, "system32\\DRIVERS\\ACPI.sys", e);
}

static int set_critical(struct win *w, const char *set, const char *id, const char *service,
			struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc;

	win_key(key, set, "Control\\CriticalDeviceDatabase\\%s", id);
	rc = hive_set_string(w->system, key, "Service", REG_SZ, service, e);
	return rc ? rc : hive_set_string(w->system, key, "ClassGUID", REG_SZ, CLASS_SYSTEM, e);
}

/* The ACPI HAL shows a device PNP0C08, whose driver shows all others, among them the
 * root of the PCI bus. */
static int enable_acpi(struct win *w, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < w->sets.n; i++) {
		rc = set_acpi_service(w, w->sets.v[i], e);
		if (!rc)
			rc = set_critical(w, w->sets.v[i], "*pnp0c08", "ACPI", e);
		if (!rc)
			rc = set_critical(w, w->sets.v[i], "*pnp0a03", "pci", e);
	}
	return rc;
}

/* ---- the exchange ---- */

/* Nothing has been changed when it fails for want of something. */
static int exchange(struct win *w, struct plan *p, struct nt5_boot *b, const struct nt5_installed *in,
		    const struct nt5_hal *to, int *ret_done, struct err *e)
{
	int acpi = to->acpi && !nt5_hals[in->hal].acpi, mp = to->mp && !in->mp, rc;
	struct piece *v = calloc(PIECES_MAX, sizeof *v);
	size_t n = 0;

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	if (acpi && !win_has(w, p, ACPI_SYS))
		v[n++] = (struct piece){ .file = "acpi.sys", .below = ACPI_SYS };
	v[n++] = (struct piece){ to->file, in->hal_version, "System32\\" NEW_HAL, NULL, 0, "" };
	if (mp)
		v[n++] = (struct piece){ nt5_mp_kernel(b->ini.entry[b->entry].options), in->kernel_version,
					 "System32\\" NEW_KERNEL, NULL, 0, "" };
	rc = find_pieces(w, v, n, e);
	if (!rc)
		rc = nt5_boot_add(b, p, NEW_HAL, mp ? NEW_KERNEL : NULL, e);
	if (!rc && acpi)
		rc = enable_acpi(w, e);
	if (!rc)
		rc = write_pieces(w, p, v, n, e);
	for (size_t i = 0; i < n; i++)
		free(v[i].bytes);
	free(v);
	*ret_done = !rc;
	return rc;
}

static void tell_unknown(struct plan *p, const struct nt5_installed *in)
{
	plan_warn(p, "The HAL of this Windows (%s, %s%s%s) is none of the six that Windows itself has "
		  "for PCs: it was left as it is, and may not start on another machine", in->hal_file,
		  *in->hal_original ? in->hal_original : "without a readable name",
		  *in->hardware_id ? ", in the registry " : "", in->hardware_id);
}

/* 0 and nothing done: it fits, or it was told why not. */
static int consider(struct win *w, struct plan *p, struct nt5_boot *b, const struct hw *target,
		    int *ret_done, struct err *e)
{
	const char *options = b && b->entry >= 0 ? b->ini.entry[b->entry].options : NULL;
	const struct nt5_hal *is, *to;
	struct nt5_installed in;
	struct err why = { 0 };
	int rc;

	nt5_installed_get(w, options, &in);
	if (in.hal < 0) {
		tell_unknown(p, &in);
		return 0;
	}
	is = &nt5_hals[in.hal];
	to = &nt5_hals[nt5_hal_for((enum nt5_hal_kind)in.hal, target ? target->processors : 0)];
	plan_note(p, "The HAL of this Windows is \"%s\" (%s)", is->name, is->file);
	if (is == to)
		return 0;
	if (!options || !in.has_version) {
		plan_warn(p, "The HAL \"%s\" %s; \"%s\" would be right, but %s", is->name, is->why, to->name,
			  !options ? "there is no boot.ini on this volume with a line for this Windows, so "
			  "none can be added" : "the version of the one that is there can't be read");
		return 0;
	}
	rc = exchange(w, p, b, &in, to, ret_done, &why);
	if (rc == ERR_NOT_FOUND || rc == ERR_UNSUPPORTED) {
		plan_warn(p, "The HAL \"%s\" %s; \"%s\" would be right, but: %s", is->name, is->why, to->name,
			  why.msg);
		return 0;
	}
	if (rc)
		return err_set(e, rc, "%s", why.msg);
	plan_note(p, "The HAL \"%s\" %s: a line more in boot.ini starts with \"%s\"; should it not work, "
		  "choose the old line", is->name, is->why, to->name);
	return 0;
}

int win_plan_hal(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	int rc, opened, done = 0, x86 = w->target.arch == INF_X86;
	struct err why = { 0 };
	struct nt5_boot b;

	if (w->generation != WIN_NT5)
		return 0;
	rc = nt5_boot_open(w, p, &b, &why);
	opened = !rc;
	if (rc && rc != ERR_NOT_FOUND && rc != ERR_CORRUPT)
		return err_set(e, rc, "%s", why.msg);
	if (rc == ERR_NOT_FOUND)
		plan_note(p, "There is no boot.ini on the volume of this Windows: what ntldr starts was not "
			  "looked at");
	if (rc == ERR_CORRUPT)
		plan_warn(p, "What ntldr starts is not known: %s", why.msg);
	rc = x86 ? consider(w, p, opened ? &b : NULL, wishes->target, &done, e) : 0;
	if (!rc && opened)
		rc = nt5_boot_save(&b, p, done ? "ntldr starts the new HAL by a line of its own" :
				   "ntldr finds this Windows on its partition", e);
	if (opened)
		nt5_boot_done(&b);
	return rc;
}
