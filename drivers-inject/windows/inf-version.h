/* inf-version.h: [Version] of an INF, and the Windows that it is read for. */
#ifndef REHOST_INF_VERSION_H
#define REHOST_INF_VERSION_H
#include "drivers-inject/windows/inf-mem.h"
#include "drivers-inject/windows/inf.h"

enum inf_arch { INF_X86, INF_AMD64, INF_IA64, INF_ARM, INF_ARM64, INF_N_ARCHES };

struct inf_target {
	enum inf_arch arch;
	unsigned major, minor, build;   /* 5.1, 6.1, 10.0 and 19045          */
	unsigned product;       /* 1 workstation, 2 domain controller, 3 server */
	unsigned suite;         /* VER_SUITE_ bits                           */
};

const char *inf_arch_name(enum inf_arch arch);  /* "amd64", as in decorations */
int inf_arch_parse(const char *s, size_t n);    /* -1: no such              */

struct inf_driver_ver {
	unsigned year, month, day;      /* 0: none, or not a date            */
	uint16_t version[4];
};
/* date "mm/dd/yyyy" (or with "-"), version "w.x.y.z", both may be "". */
struct inf_driver_ver inf_driver_ver_parse(const char *date, const char *version);

struct inf_version {
	const char *signature, *class, *class_guid, *provider;  /* "": none  */
	const char *provider_raw;       /* "%VENDOR%": Windows keeps the token */
	const char *catalog;            /* for the target's architecture     */
	const char *layout;             /* LayoutFile: an INF of Windows     */
	const char *extension_id;
	int pnp_lockdown;
	struct inf_driver_ver driver_ver;
	struct inf_mem mem;
};

int inf_version_get(const struct inf *f, const struct inf_target *t, struct inf_version *ret,
		    struct err *e) must_check;
void inf_version_done(struct inf_version *v);

/* The section of three that Windows takes: base.nt<arch>, base.nt, base; NULL: none
 * is there.  In the INF's own writing of the name. */
const struct inf_section *inf_actual_section(const struct inf *f, const char *base,
					     const struct inf_target *t);

#endif
