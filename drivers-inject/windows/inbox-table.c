/* inbox-table.c: see inbox-table.h.
 *
 * Sources: Knowledge Base 314082 ("MergeIDE") for IDE; the public MergeIDE script for
 * the services' values; the entries that real hives of XP SP3 and 7 SP1 have.  Ids of
 * those who are hinted at: their makers' INFs; docs/ADAPT-WINDOWS.md has what is not
 * verified. */
#include "drivers-inject/windows/inbox-table.h"
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define HDC "{4D36E96A-E325-11CE-BFC1-08002BE10318}"
#define DISK "{4D36E967-E325-11CE-BFC1-08002BE10318}"
#define SYSTEM "{4D36E97D-E325-11CE-BFC1-08002BE10318}"
#define PCIIDE(v, d) { "PCI\\VEN_" v "&DEV_" d, "pciide", HDC }
#define INTELIDE(d) { "PCI\\VEN_8086&DEV_" d, "intelide", HDC }

static const struct win_inbox_id ids[] = {
	{ "Primary_IDE_Channel", "atapi", HDC }, { "Secondary_IDE_Channel", "atapi", HDC },
	{ "*PNP0600", "atapi", HDC }, { "*AZT0502", "atapi", HDC },
	{ "GenDisk", "disk", DISK },
	INTELIDE("1222"), INTELIDE("1230"), INTELIDE("2411"), INTELIDE("2421"), INTELIDE("7010"),
	INTELIDE("7111"), INTELIDE("7199"),
	PCIIDE("0E11", "AE33"), PCIIDE("1039", "0601"), PCIIDE("1039", "5513"),
	PCIIDE("1042", "1000"), PCIIDE("105A", "4D33"), PCIIDE("1095", "0640"),
	PCIIDE("1095", "0646"), PCIIDE("1095", "0648"), PCIIDE("1095", "0649"),
	PCIIDE("1097", "0038"), PCIIDE("10AD", "0001"), PCIIDE("10AD", "0150"),
	PCIIDE("10B9", "5215"), PCIIDE("10B9", "5219"), PCIIDE("10B9", "5229"),
	PCIIDE("1106", "0571"),
	{ "PCI\\CC_0101", "pciide", HDC },
	{ "*PNP0A03", "pci", SYSTEM }, { "*PNP0A08", "pci", SYSTEM },
	{ "PCI\\CC_0604", "pci", SYSTEM },
};

static const struct win_inbox_service services[] = {
	{ "atapi", "SCSI miniport", 0x19 },
	{ "intelide", "System Bus Extender", 4 },
	{ "pciide", "System Bus Extender", 3 },
};

const struct win_inbox_id *win_inbox_find(const char *id)
{
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (!strcasecmp(ids[i].id, id))
			return &ids[i];
	return NULL;
}

const struct win_inbox_service *win_inbox_service(const char *name)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (!strcasecmp(services[i].name, name))
			return &services[i];
	return NULL;
}

#define CONTAINS(inf, whose) "give a folder that contains " inf " (" whose ")"
#define VMD CONTAINS("iaStorVD.inf", "Intel RST with VMD")
#define VROC CONTAINS("iaVROC.inf", "Intel VROC")
#define LSI CONTAINS("symmpi.inf, lsi_scsi.inf or lsi_sas.inf", "LSI Logic Fusion-MPT")

const char *win_driver_hint(const char *modalias)
{
	static const struct { const char *pattern, *hint; } hints[] = {
		{ "pci:v00001AF4d000010[04][12]*", CONTAINS("viostor.inf", "virtio-win") },
		{ "pci:v00001AF4d000010[04][48]*", CONTAINS("vioscsi.inf", "virtio-win") },
		{ "pci:v000015ADd000007C0*", CONTAINS("pvscsi.inf", "VMware Tools") },
		{ "pci:v00005853d*", CONTAINS("xenbus.inf and xenvbd.inf", "Xen PV drivers") },
		{ "pci:v00008086d0000467F*", VMD }, { "pci:v00008086d00009A0B*", VMD },
		{ "pci:v00008086d0000A77F*", VMD }, { "pci:v00008086d00007D0B*", VMD },
		{ "pci:v00008086d000028C0*", VROC }, { "pci:v00008086d0000201D*", VROC },
		{ "pci:v00001000d0000003[02]*", LSI }, { "pci:v00001000d0000005[0468]*", LSI },
		{ "pci:v0000104Bd00001040*", CONTAINS("vmscsi.inf", "VMware's driver for BusLogic") },
		{ "pci:v00001D0Fd*bc01sc08i02", CONTAINS("AWSNVMe.inf", "AWS NVMe") },
		{ "pci:*bc01sc08i02", "give a folder with an NVMe driver for this Windows (for 7 and 2008 R2 "
				      "Microsoft's hotfix KB2990941 has one)" },
		{ "pci:*bc01sc06i01", "give a folder with an AHCI driver for this Windows (the one that its "
				      "maker gave out for F6 at setup), or set the controller to IDE" },
		{ "*", "give a folder that contains the maker's driver with its .inf" },
	};
	size_t i = 0;

	while (fnmatch(hints[i].pattern, modalias, 0))
		i++;
	return hints[i].hint;
}
