/* plan-leftovers.c: what the old machine has left in a Windows and what must not run, or
 * has nothing to do, on the new one.  Services are switched off (Start = 4) in every
 * control set and taken out of the lists of filters; no file, no key is removed, so that
 * their uninstallers still work.
 *
 * Sources: virt-v2v (rhelscsi, Parallels and its filter), Forklift's clean-up of VMware
 * (which spares pvscsi: a Windows that starts from it is lost without), Apache VCL's list,
 * XCP-ng's issues with XENFILT; Microsoft's KB 953356 (intelppm on other processors). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/win.h"

#define DISABLED 4u
#define CLASSES "Control\\Class"
#define NAMES_MAX 40

/* profiles, signs: as in hw_is_one_of, of targets where they belong. */
struct tools {
	const char *what, *profiles, *signs[3];
	/* drivers that can stop another machine's start: always; the rest on request */
	const char *dangerous[6];
	const char *services[NAMES_MAX];
};

static const struct tools all_tools[] = {
	{ "VMware's tools", " vmware any ", { "v000015AD" }, { NULL },
	  { "VMTools", "VGAuthService", "VM3DService", "vmvss", "GISvc", "vmhgfs", "vmmemctl",
	    "vmrawdsk", "vnetWFP", "vnetflt", "vsepflt", "vmci", "vsock", "vmxnet", "vmxnet3ndis5",
	    "vmxnet3ndis6", "vmusbmouse", "vmmouse", "vmx_svga", "vm3dmp", "vm3dmp-debug",
	    "vm3dmp-stats", "vm3dmp_loader", "vmaudio", "efifw", "giappdef", "vmdesched",
	    "vmStatsProvider", "VMUpgradeHelper", "TPAutoConnSvc", "TPVCGateway" } },
	{ "VirtualBox's guest additions", " virtualbox any ", { "v000080EE" }, { NULL },
	  { "VBoxGuest", "VBoxMouse", "VBoxSF", "VBoxVideo", "VBoxVideoW8", "VBoxWddm",
	    "VBoxService" } },
	/* filters of all PCI and IDE devices (XENFILT); rhelscsi is Red Hat's old set */
	{ "Xen's drivers and tools", " xen aws any ", { "xen:", "v00005853" },
	  { "xenfilt", "scsifilt", "rhelscsi" },
	  { "xenbus", "xenvbd", "xencrsh", "xendisk", "xennet", "xenvif", "xeniface", "xenhid",
	    "xenkbd", "xenvkbd", "xenlite", "xensvc", "xenagent", "xeninstall", "xenbus_monitor",
	    "XenGuestAgent", "xenevtchn", "rhelnet" } },
	{ "Parallels' tools", " parallels any ", { "v00001AB8" },
	  { "prl_strg", "prl_boot", "prl_scsi" },
	  { "prl_dd", "prl_eth5", "prl_fs", "prl_memdev", "prl_mouf", "prl_pv32", "prl_pv64",
	    "prl_sound", "prl_tg", "prl_time", "prl_uprof", "prl_va", "prl_tools",
	    "prl_tools_service", "Parallels Coherence Service" } },
	/* agents only: virtio's drivers are harmless, and may be another target's */
	{ "QEMU's guest agents", " kvm gcp aws any ", { "v00001AF4", "v00001B36", "virtio:" }, { NULL },
	  { "QEMU-GA", "QEMU Guest Agent VSS Provider", "vdservice", "spice-agent", "BalloonService",
	    "RHEV-Agent" } },
};

/* Programs of a maker for its own machines: they look for chips that others have not. */
static const struct tools makers = {
	"programs of the old machine's maker", "", { NULL }, { NULL },
	{ "AsIO", "AsIO2", "AsIO3", "AsUpIO", "asComSvc", "AODDriver", "AODDriver4.01",
	  "AMDRyzenMasterDriver", "gdrv", "gdrv2", "NTIOLib_1_0_C", "RTCore64", "RTCore32",
	  "iocbios2", "XtuService", "speedfan", "smapint", "TDSMAPI", "TPPWRIF", "dcdbas",
	  "dcstor64", "dcevt64", "omsad", "sysmgmthp", "Cissesrv", "cpqcissm3", "CpqNicMgmt",
	  "CqMgHost", "CqMgServ", "CqMgStor", "cpqvcagent", "hpqilo2", "hpqilo3" },
};

/* Windows XP and 2003 start the processor's driver by Start = 1, whatever the processor
 * is; later ones by the device's id, which another processor has not. */
static const struct { const char *service, *vendor; } processors[] = {
	{ "intelppm", "GenuineIntel" }, { "p3", "GenuineIntel" },
	{ "amdk6", "AuthenticAMD" }, { "amdk7", "AuthenticAMD" }, { "amdk8", "AuthenticAMD" },
	{ "amdppm", "AuthenticAMD" }, { "crusoe", "GenuineTMx86" }, { "processr", "" },
};

/* Filters of bridges that no virtual machine has (NT 5, where they start by
 * themselves). */
static const char *const agp[] = { "agp440", "agpCPQ", "alim1541", "amdagp", "sisagp", "viaagp",
	"viaagp1", "gagp30kx", "uagp35", "nv_agp", "uliagpkx" };

/* ---- filters ---- */

static int in_list(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(names[i], s))
			return 1;
	return 0;
}

static int strip_value(struct win *w, const char *key, const char *value, const struct strv *off,
		       struct err *e)
{
	struct strv now = { 0 };
	int rc = 0;

	if (!hive_strings(w->system, key, value, &now))
		return 0;
	for (size_t i = 0; !rc && i < now.n; i++)
		if (in_list((const char *const *)off->v, off->n, now.v[i]))
			rc = hive_strings_drop(w->system, key, value, now.v[i], e);
	strv_done(&now);
	return rc;
}

static int strip_key(struct win *w, const char *key, const struct strv *off, struct err *e)
{
	int rc = strip_value(w, key, "UpperFilters", off, e);

	return rc ? rc : strip_value(w, key, "LowerFilters", off, e);
}

/* The keys that lie `deep` below key: 1 the classes, 3 the devices (bus, id, instance). */
static int strip_below(struct win *w, const char *key, int deep, const struct strv *off,
		       struct err *e)
{
	struct strv keys = { 0 };
	char below[WIN_KEY_MAX];
	int rc = 0;

	if (!deep)
		return strip_key(w, key, off, e);
	if (hive_subkeys(w->system, key, &keys))
		return 0;
	for (size_t i = 0; !rc && i < keys.n; i++) {
		win_key(below, key, "%s", keys.v[i]);
		rc = strip_below(w, below, deep - 1, off, e);
	}
	strv_done(&keys);
	return rc;
}

/* A filter whose service doesn't start keeps its devices from starting. */
static int strip_filters(struct win *w, const struct strv *off, struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc = 0;

	for (size_t i = 0; off->n && !rc && i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], CLASSES);
		rc = strip_below(w, key, 1, off, e);
		win_key(key, w->sets.v[i], "Enum");
		if (!rc)
			rc = strip_below(w, key, 3, off, e);
	}
	return rc;
}

/* ---- services ---- */

/* 1: a control set has it, and starts it. */
static int starts(struct win *w, const char *service)
{
	char key[WIN_KEY_MAX];
	uint32_t start;

	for (size_t i = 0; i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], "Services\\%s", service);
		if (hive_dword(w->system, key, "Start", &start) && start < DISABLED)
			return 1;
	}
	return 0;
}

/* 1: at boot or by the system, without being asked for. */
static int starts_early(struct win *w, const char *service)
{
	char key[WIN_KEY_MAX];
	uint32_t start;

	for (size_t i = 0; i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], "Services\\%s", service);
		if (hive_dword(w->system, key, "Start", &start) && start <= 1)
			return 1;
	}
	return 0;
}

static int switch_off(struct win *w, const char *service, struct strv *off, struct err *e)
{
	char key[WIN_KEY_MAX];
	uint32_t start;
	int rc = 0, found = 0;

	for (size_t i = 0; !rc && i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], "Services\\%s", service);
		if (!hive_dword(w->system, key, "Start", &start))
			continue;
		found = 1;
		rc = hive_set_dword(w->system, key, "Start", DISABLED, e);
		/* Windows 8 on: it would count instead of Start */
		win_key(key, w->sets.v[i], "Services\\%s\\StartOverride", service);
		if (!rc)
			rc = hive_remove_key(w->system, key, e);
	}
	if (!rc && found && strv_add(off, service))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	return rc;
}

/* "vmci, vmmouse" of those that start; "": none */
static void list(struct win *w, const char *const *names, size_t n, char ret[512])
{
	size_t len = 0;

	*ret = 0;
	for (size_t i = 0; i < n && names[i] && len < 400; i++)
		if (starts(w, names[i]))
			len += (size_t)snprintf(ret + len, 512 - len, "%s%s", len ? ", " : "", names[i]);
}

static int switch_all(struct win *w, const char *const *names, size_t n, struct strv *off,
		      struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n && names[i]; i++)
		rc = switch_off(w, names[i], off, e);
	return rc;
}

static int plan_tools(struct win *w, const struct win_wishes *wishes, const struct tools *t,
		      struct plan *p, struct strv *off, struct err *e)
{
	char dangerous[512], services[512];
	int rc;

	list(w, t->dangerous, 6, dangerous);
	list(w, t->services, NAMES_MAX, services);
	rc = switch_all(w, t->dangerous, 6, off, e);
	if (*dangerous)
		plan_note(p, "%s: %s would keep Windows from starting on the new machine, and is "
			  "switched off", t->what, dangerous);
	if (!rc && wishes->remove_tools) {
		rc = switch_all(w, t->services, NAMES_MAX, off, e);
		if (*services)
			plan_note(p, "%s are switched off (%s); uninstall them in Windows", t->what,
				  services);
	} else if (*services) {
		plan_note(p, "%s are installed (%s) and have nothing to do on the new machine; "
			  "--remove-tools switches them off", t->what, services);
	}
	return rc;
}

static int plan_processors(struct win *w, const struct hw *t, struct plan *p, struct strv *off,
			   struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof processors / sizeof *processors; i++) {
		const char *vendor = processors[i].vendor;
		int other = *vendor && *t->cpu_vendor && strcmp(vendor, t->cpu_vendor);

		if ((t->is_virtual != 1 && !other) || !starts_early(w, processors[i].service))
			continue;
		plan_note(p, "%s, a driver of the old machine's processor, is switched off: it can "
			  "stop Windows (0x7E) on the new one", processors[i].service);
		rc = switch_off(w, processors[i].service, off, e);
	}
	return rc;
}

static int plan_agp(struct win *w, struct plan *p, struct strv *off, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof agp / sizeof *agp; i++)
		if (starts_early(w, agp[i])) {
			plan_note(p, "%s, a driver of the old machine's AGP bridge, is switched off: no "
				  "virtual machine has one", agp[i]);
			rc = switch_off(w, agp[i], off, e);
		}
	return rc;
}

/* Fast Startup (Windows 8 on): what is shut down is hibernated, with the drivers of the
 * machine that it ran on, and its volume may then not be written from outside. */
static int no_fast_startup(struct win *w, struct plan *p, struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc = 0, was = 0;
	uint32_t n;

	for (size_t i = 0; !rc && i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], "Control\\Session Manager\\Power");
		if (hive_dword(w->system, key, "HiberbootEnabled", &n) && n) {
			was = 1;
			rc = hive_set_dword(w->system, key, "HiberbootEnabled", 0, e);
		}
	}
	if (was)
		plan_note(p, "Fast Startup is turned off: it brings back the kernel of the machine that "
			  "was shut down, and keeps the volume locked; it can be turned on again in "
			  "Windows' power options");
	return rc;
}

int win_plan_leftovers(struct win *w, const struct win_wishes *wishes, struct plan *p,
		       struct err *e)
{
	const struct hw *t = wishes->target;
	struct strv off = { 0 };
	int rc = no_fast_startup(w, p, e);

	for (size_t i = 0; t && !rc && i < sizeof all_tools / sizeof *all_tools; i++)
		if (!hw_is_one_of(t, all_tools[i].profiles, all_tools[i].signs, 3))
			rc = plan_tools(w, wishes, &all_tools[i], p, &off, e);
	if (t && !rc && t->is_virtual == 1)
		rc = plan_tools(w, wishes, &makers, p, &off, e);
	if (t && !rc && w->generation == WIN_NT5)
		rc = plan_processors(w, t, p, &off, e);
	if (t && !rc && w->generation == WIN_NT5 && t->is_virtual == 1)
		rc = plan_agp(w, p, &off, e);
	if (!rc)
		rc = strip_filters(w, &off, e);
	strv_done(&off);
	return rc;
}
