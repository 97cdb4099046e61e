/* inf-install.h: everything that installing one device by an INF means, as data.
 *
 * The compiler reads only bytes: nothing is looked up on a disk or in a registry, and
 * nothing is written.  Its result points into the INF, which must live as long. */
#ifndef REHOST_INF_INSTALL_H
#define REHOST_INF_INSTALL_H
#include "drivers-inject/windows/inf-notes.h"
#include "drivers-inject/windows/inf-version.h"

#define INF_INCLUDES_MAX 16     /* other INFs that one installation includes */

/* Where Include= finds other INFs: 0 and malloc'd bytes, ERR_NOT_FOUND (the needed
 * sections become notes), or an error that ends the compilation. */
struct inf_source {
	int (*read)(void *ctx, const char *name, void **bytes, size_t *n, struct err *e);
	void *ctx;
};

struct inf_file {
	const char *source;     /* its name in the package                   */
	const char *dir;        /* its directory there, "" or "WinNT\x86"    */
	const char *cab;        /* the cabinet it may be in instead, or ""   */
	int dirid;              /* inf-dirid.h; 13: stays in the driver store */
	const char *subdir;     /* below the dirid's directory, or ""        */
	const char *name;       /* its name there                            */
	uint32_t flags;         /* COPYFLG_ bits                             */
	unsigned line;
};

/* What HKR stands for depends on the section that names the entries. */
enum inf_root {
	INF_HKLM, INF_HKCU, INF_HKCR, INF_HKU,
	INF_SOFTWARE_KEY,       /* Control\Class\{guid}\NNNN of the device    */
	INF_HARDWARE_KEY,       /* its Enum\...\Device Parameters            */
	INF_SERVICE_KEY,        /* Services\<owner>                          */
	INF_EVENTLOG_KEY,       /* Services\EventLog\<owner>                 */
};
enum inf_reg_op {
	INF_REG_SET,
	INF_REG_KEY,            /* only the key                              */
	INF_REG_DELETE_VALUE,
	INF_REG_DELETE_KEY,     /* with all below it                         */
	INF_REG_APPEND,         /* strings that a REG_MULTI_SZ has not yet   */
	INF_REG_REMOVE_STRING,  /* every equal string of a REG_MULTI_SZ      */
	INF_REG_SET_BITS,       /* of byte number `byte`: mask in data       */
	INF_REG_CLEAR_BITS,
};
/* inf_reg.flags: bits of setupapi.h */
#define INF_REG_NOCLOBBER 0x2           /* not if the value is there         */
#define INF_REG_OVERWRITEONLY 0x20      /* only if it is there               */
#define INF_REG_64BIT 0x1000            /* the view of 64-bit programs       */
#define INF_REG_32BIT 0x4000

struct inf_reg {
	enum inf_reg_op op;
	enum inf_root root;
	const char *owner;      /* service "viostor", event log "System\viostor", or "" */
	const char *key;        /* below the root, or ""                     */
	const char *value;      /* "": the default value                     */
	uint32_t type;          /* REG_ number                               */
	const uint8_t *data;    /* as the registry stores it, strings in UTF-16LE */
	size_t len;
	uint32_t flags;
	unsigned byte;
	unsigned line;
};

struct inf_service {
	const char *name;       /* "": the null driver (AddService=,2)       */
	uint32_t flags;         /* SPSVCINST_ bits; 2: it drives the device  */
	const char *display_name, *display_name_raw, *description;
	uint32_t type, start, error_control;
	int dirid;              /* of ServiceBinary; -1: its path is whole   */
	const char *binary;     /* below that                                */
	const char *image_path; /* the value that Windows writes             */
	const char *group, *start_name, *security;      /* "": none          */
	const char *const *dependencies;
	size_t n_dependencies;
	int has_boot_flags;
	uint32_t boot_flags;
	const char *event_log;  /* "System\viostor", or ""                   */
	unsigned line;
};

struct inf_filter {
	const char *name;
	const char *position;   /* "Upper", "Lower" or ""                    */
	const char *level;      /* or a level by name                        */
	unsigned line;
};

struct inf_install {
	const char *section;            /* with its decoration               */
	struct inf_driver_ver driver_ver;       /* its own, else [Version]'s */
	unsigned feature_score;         /* 0xff: none given                  */
	struct inf_file *files;
	size_t n_files;
	struct inf_reg *regs;           /* in the order of doing them        */
	size_t n_regs;
	struct inf_service *services;
	size_t n_services;
	struct inf_filter *filters;
	size_t n_filters;
	struct inf_notes notes;
	struct inf *includes[INF_INCLUDES_MAX];
	size_t n_includes;
	struct inf_mem mem;
};
#define INF_SPSVCINST_ASSOCSERVICE 2

/* section: DDInstall without decoration, as in inf_model.install.  dirs, source: may
 * be NULL.  ERR_NOT_FOUND: there is no such section for the target. */
int inf_install_get(const struct inf *f, const char *section, const struct inf_target *t,
		    const struct inf_dirs *dirs, const struct inf_source *source,
		    struct inf_install *ret, struct err *e) must_check;
void inf_install_done(struct inf_install *i);

const char *inf_root_name(enum inf_root root);          /* "HKLM", "service" */
const char *inf_reg_op_name(enum inf_reg_op op);        /* "set"             */

#endif
