/* pe.h: what a PE file (x.sys) says of itself, from its bytes: for which machine, a
 * driver or not, what it needs, whether a signature is in it.
 *
 * Microsoft, "PE Format" (learn.microsoft.com, windows/win32/debug/pe-format), and
 * "VS_VERSIONINFO".  That a signature is there says nothing about whether it is valid
 * or whose it is. */
#ifndef REHOST_PE_H
#define REHOST_PE_H
#include "common/err.h"
#include "drivers-inject/strv.h"
#include "drivers-inject/windows/inf-version.h"

/* Real drivers import from up to 20 files; graphics drivers from 60. */
#define PE_IMPORTS_MAX 256
/* As the specification for images. */
#define PE_SECTIONS_MAX 96

enum pe_machine {
	PE_X86 = 0x14c, PE_IA64 = 0x200, PE_ARM = 0x1c4, PE_AMD64 = 0x8664, PE_ARM64 = 0xaa64,
};

struct pe {
	uint16_t machine;               /* enum pe_machine, or another number  */
	uint16_t subsystem;             /* 1: native, 2: windows, 10: EFI      */
	int native;                     /* a kernel driver, or what looks like it */
	uint32_t timestamp;             /* seconds since 1970, or a hash       */
	unsigned linker_major, linker_minor, os_major, os_minor;
	unsigned subsystem_major, subsystem_minor;
	uint32_t checksum;              /* as it stands in the header          */
	uint32_t checksum_real;         /* what it should be                   */
	int has_certificate;            /* a PKCS#7 signature (Authenticode)   */
	struct strv imports;            /* "storport.sys", as they are written */
	int has_version;
	uint16_t version[4];            /* FileVersion                         */
	size_t info_at, info_n;         /* where in the file VS_VERSIONINFO is  */
};

/* name: for messages.  ERR_CORRUPT: no PE file, or one that ends in its headers.
 * What lies behind them and is wrong (imports, resources) is left out. */
int pe_read(const void *bytes, size_t n, const char *name, struct pe *ret, struct err *e)
	must_check;
void pe_done(struct pe *p);

/* "amd64", "x86"; a machine that Windows hasn't: "machine 0x1234" in room. */
const char *pe_machine_name(uint16_t machine, char room[24]);
/* The machine of that Windows' drivers. */
uint16_t pe_machine_of(enum inf_arch arch);

#endif
