/* devices.c: see devices.h. */
#include "drivers-inject/windows/devices.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/hw-private.h"

#define VOLUME_CLASS "{71A27CDD-812A-11D0-BEC7-08002BE2092F}"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
}

int win_shows_channels(const char *service)
{
	static const char *const ports[] = {
		"intelide", "pciide", "aliide", "amdide", "cmdide", "viaide", "toside", "nvidesm",
		"msahci",
	};

	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
		if (!strcasecmp(service, ports[i]))
			return 1;
	return 0;
}

/* ---- PCI ---- */

/* Microsoft, "Identifiers for PCI devices".  A device without a subsystem has the
 * short ids among its hardware ids, one with it among the compatible ones; a revision
 * that isn't known is left out. */
static void pci_ids(const struct hw_pci_id *p, int revision, struct strv *hard, struct strv *comp)
{
	struct strv *plain = p->sub_vendor || p->sub_device ? comp : hard;
	char v[32], d[48], sub[96], class[8];
	unsigned int subsys = p->sub_device << 16 | p->sub_vendor;

	snprintf(v, sizeof v, "PCI\\VEN_%04X", p->vendor);
	snprintf(d, sizeof d, "%s&DEV_%04X", v, p->device);
	snprintf(sub, sizeof sub, "%s&SUBSYS_%08X", d, subsys);
	snprintf(class, sizeof class, "%04X%02X", p->class, p->prog_if);
	if (revision >= 0)
		strv_addf(hard, "%s&REV_%02X", sub, (unsigned int)revision);
	strv_addf(hard, "%s", sub);
	if (plain == hard && revision >= 0)
		strv_addf(hard, "%s&REV_%02X", d, (unsigned int)revision);
	if (plain == hard)
		strv_addf(hard, "%s", d);
	strv_addf(hard, "%s&CC_%s", d, class);
	strv_addf(hard, "%s&CC_%.4s", d, class);
	if (plain == comp && revision >= 0)
		strv_addf(comp, "%s&REV_%02X", d, (unsigned int)revision);
	if (plain == comp)
		strv_addf(comp, "%s", d);
	strv_addf(comp, "%s&CC_%s", v, class);
	strv_addf(comp, "%s&CC_%.4s", v, class);
	strv_addf(comp, "%s", v);
	strv_addf(comp, "PCI\\CC_%s", class);
	strv_addf(comp, "PCI\\CC_%.4s", class);
}

int win_pci_ids(const char *modalias, int revision, struct strv *hardware, struct strv *compatible)
{
	struct hw_pci_id id;

	if (hw_pci_id(modalias, &id) < 0)
		return ERR_NOT_FOUND;
	pci_ids(&id, revision, hardware, compatible);
	return 0;
}

/* ---- devices of a way ---- */

static struct win_device *add(struct win_way *w, const char *kind, const char *name,
			      const char *modalias)
{
	struct win_device *v = reallocarray(w->v, w->n + 1, sizeof *v), *d;

	if (!v)
		return NULL;
	w->v = v;
	d = &v[w->n++]; /* from here on way_done frees it */
	*d = (struct win_device){ .kind = kind, .name = strdup(name), .modalias = strdup(modalias),
				  .class_guid = "" };
	return d->name && d->modalias ? d : NULL;
}

static int add_plain(struct win_way *w, const char *kind, const char *name, const char *const *hard,
		     const char *const *comp, struct err *e)
{
	struct win_device *d = add(w, kind, name, "");

	for (; d && *hard; hard++)
		if (strv_add(&d->hardware, *hard))
			d = NULL;
	for (; d && *comp; comp++)
		if (strv_add(&d->compatible, *comp))
			d = NULL;
	return d ? 0 : no_memory(e);
}

#define IDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_IDS ((const char *const[]){ NULL })

/* Machines from about 2005 on have PNP0A08 and, compatible, PNP0A03; older ones only
 * this.  The bridge stands for those that may lie before the controller. */
static int add_root_bridge(struct win_way *w, struct err *e)
{
	int rc = add_plain(w, "root bridge", "PCI root bridge", IDS("ACPI\\PNP0A08", "*PNP0A08"),
			   IDS("*PNP0A03", "ACPI\\PNP0A03"), e);

	return rc ? rc : add_plain(w, "bridge", "PCI bridge", IDS("PCI\\CC_060400"),
				   IDS("PCI\\CC_0604"), e);
}

static int add_pci(struct win_way *w, const struct hw_link *l, struct err *e)
{
	struct win_device *d = add(w, "controller", l->name, l->modalias);

	return d && !win_pci_ids(l->modalias, l->revision, &d->hardware, &d->compatible) &&
	       d->hardware.n ? 0 : no_memory(e);
}

/* "vmbus:" and the bytes of the channel's GUID, of which the first three numbers are
 * little-endian. */
static int add_channel(struct win_way *w, const struct hw_link *l, struct err *e)
{
	static const unsigned char order[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	const char *hex = l->modalias + strlen("vmbus:");
	struct win_device *d = add(w, "controller", l->name, l->modalias);
	char id[64] = "VMBUS\\{";

	if (!d)
		return no_memory(e);
	if (strspn(hex, "0123456789abcdefABCDEF") != 32)
		return err_set(e, ERR_UNSUPPORTED, "%s: not a device of a VMBus", l->modalias);
	for (size_t i = 0; i < sizeof order; i++)
		snprintf(id + strlen(id), sizeof id - strlen(id), "%s%c%c",
			 i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			 tolower((unsigned char)hex[2 * order[i]]),
			 tolower((unsigned char)hex[2 * order[i] + 1]));
	return strv_add(&d->hardware, strcat(id, "}")) ? no_memory(e) : 0;
}

/* The platform device and, made by its driver, the disk: vendors' xenbus.inf and
 * xenvbd.inf. */
static int add_xen(struct win_way *w, struct err *e)
{
	struct hw_link platform = { .modalias = (char *)"pci:v00005853d00000001sv00005853sd00000001"
						       "bc01sc00i00",
				    .name = (char *)"5853:0001 Xen platform device", .revision = 1 };
	int rc = add_root_bridge(w, e);

	if (!rc)
		rc = add_pci(w, &platform, e);
	return rc ? rc : add_plain(w, "controller", "Xen block device",
				   IDS("XENBUS\\VEN_XSC000&DEV_VBD&REV_00000002"),
				   IDS("XENBUS\\CLASS&VBD", "XENVBD"), e);
}

struct bus {
	const char *prefix;     /* of the modalias                           */
	int (*add)(struct win_way *w, const struct hw_link *l, struct err *e);
	const char *unknown;    /* see win_way                               */
};

static int add_vmbus(struct win_way *w, const struct hw_link *l, struct err *e)
{
	(void)l;
	return add_plain(w, "root bridge", "VMBus", IDS("ACPI\\VMBUS", "*VMBUS"), NO_IDS, e);
}

static int add_xenbus(struct win_way *w, const struct hw_link *l, struct err *e)
{
	(void)l;
	return add_xen(w, e);
}

/* An own controller of RAID sets, Intel's VMD too, shows Windows disks; what lies
 * behind it is its driver's. */
static int hides_children(const struct win_way *w)
{
	const struct win_device *d = w->n ? &w->v[w->n - 1] : NULL;

	return d && d->compatible.n && !strcmp(d->compatible.v[d->compatible.n - 1], "PCI\\CC_0104");
}

static int add_on_pci(struct win_way *w, const struct hw_link *l, struct err *e)
{
	int rc = w->n ? 0 : add_root_bridge(w, e);

	return rc || hides_children(w) ? rc : add_pci(w, l, e);
}

static const struct bus *bus_of(const char *modalias)
{
	static const struct bus buses[] = {
		{ "pci:", add_on_pci, NULL },
		{ "acpi:VMBUS:", add_vmbus, NULL },
		{ "acpi:VMBus:", add_vmbus, NULL },
		{ "vmbus:", add_channel, NULL },
		{ "xen:vbd", add_xenbus, NULL },
		/* what the controller's driver in Linux has below it */
		{ "virtio:", NULL, NULL }, { "scsi:", NULL, NULL }, { "ide:", NULL, NULL },
		{ "usb:", NULL, "Whether Windows starts from a USB disk can't be told." },
		{ "mmc:", NULL, "Whether Windows starts from an SD card or eMMC can't be told." },
		{ "", NULL, "Windows' name of one of its devices is not known." },
	};
	const struct bus *b = buses;

	while (strncmp(b->prefix, modalias, strlen(b->prefix)))
		b++;
	return b;
}

/* A disk and the volume on it; below IDE a channel comes first.  GenDisk is what
 * every disk answers to. */
static int add_disk(struct win_way *w, struct err *e)
{
	struct win_device *d;
	int rc = add_plain(w, "channel", "IDE channel",
			   IDS("Internal_IDE_Channel", "Primary_IDE_Channel", "*PNP0600"),
			   IDS("*PNP0600"), e);

	if (!rc)
		w->v[w->n - 1].channel = 1;
	if (!rc)
		rc = add_plain(w, "disk", "disk", IDS("GenDisk"), IDS("SCSI\\Disk", "SCSI\\RAW"), e);
	if (rc)
		return rc;
	d = add(w, "volume", "volume", "");
	if (!d || strv_add(&d->hardware, "STORAGE\\Volume"))
		return no_memory(e);
	d->raw = 1;
	d->class_guid = VOLUME_CLASS;
	return 0;
}

static int fill(const struct hw_path *p, struct win_way *w, struct err *e)
{
	int rc = 0;

	w->name = p->name;
	w->required = p->required;
	for (size_t i = 0; !rc && i < p->n; i++) {
		const struct bus *b = bus_of(p->v[i].modalias);

		if (b->unknown)
			w->unknown = b->unknown;
		if (b->add)
			rc = b->add(w, &p->v[i], e);
	}
	if (!rc && !w->n && !w->unknown)
		w->unknown = "How Windows sees this disk's controller is not known.";
	return rc ? rc : add_disk(w, e);
}

int win_ways(const struct hw *h, struct win_ways *ret, struct err *e)
{
	struct win_ways w = { .v = calloc(h->n_paths + 1, sizeof *w.v) };
	int rc = w.v ? 0 : no_memory(e);

	for (size_t i = 0; !rc && i < h->n_paths; i++)
		rc = fill(&h->path[i], &w.v[w.n++], e);
	if (rc)
		win_ways_done(&w);
	else
		*ret = w;
	return rc;
}

void win_ways_done(struct win_ways *w)
{
	for (size_t i = 0; i < w->n; i++) {
		for (size_t k = 0; k < w->v[i].n; k++) {
			struct win_device *d = &w->v[i].v[k];

			free(d->name);
			free(d->modalias);
			strv_done(&d->hardware);
			strv_done(&d->compatible);
		}
		free(w->v[i].v);
	}
	free(w->v);
	*w = (struct win_ways){ 0 };
}
