/* nt5-hal.h: the HAL and the kernel of Windows 2000 to 2003 on x86, which Setup chooses
 * by the machine: what there is, what another machine needs. */
#ifndef REHOST_NT5_HAL_H
#define REHOST_NT5_HAL_H
#include "drivers-inject/windows/bootini.h"
#include "drivers-inject/windows/win.h"

enum nt5_hal_kind {
	HAL_STANDARD, HAL_ACPI_PIC, HAL_ACPI_UP, HAL_ACPI_MP, HAL_MPS_UP, HAL_MPS_MP, HAL_KINDS,
};

struct nt5_hal {
	const char *id;         /* HardwareID of the device "Computer"       */
	const char *file;       /* its name before Setup made it hal.dll     */
	const char *name;       /* as the device manager calls it            */
	int mp;                 /* for several processors; wants such a kernel */
	int acpi;
	/* For an ACPI APIC machine with one processor, with several; itself: keep it. */
	enum nt5_hal_kind one, many;
	const char *why;        /* "It ...": why it is exchanged             */
};
extern const struct nt5_hal nt5_hals[HAL_KINDS];

/* What starts now: by the files, and by the registry where they can't be read. */
struct nt5_installed {
	int hal;                /* enum nt5_hal_kind; -1: none of them       */
	int by_registry;        /* the same, as Enum says; -1                */
	int has_version;        /* of both files                             */
	uint16_t hal_version[4], kernel_version[4];
	char hal_file[64];      /* "hal.dll", or what /HAL= names            */
	char hal_original[64];  /* "halaacpi.dll"; ""                        */
	char hardware_id[64];   /* "acpiapic_up"; ""                         */
	int mp;                 /* the kernel: 1 for several processors, 0, -1 unknown */
};

/* options: of its line in boot.ini; NULL: there is none. */
void nt5_installed_get(struct win *w, const char *options, struct nt5_installed *ret);
/* processors: 0 unknown. */
enum nt5_hal_kind nt5_hal_for(enum nt5_hal_kind now, unsigned processors);
/* The kernel for several processors that goes with such options: with large page
 * tables (PAE) where ntldr uses them. */
const char *nt5_mp_kernel(const char *options);

#endif
