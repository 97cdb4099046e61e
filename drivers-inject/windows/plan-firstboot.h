/* plan-firstboot.h: driver packages that Windows itself installs when it starts for
 * the first time on the new machine (win_plan_firstboot).
 *
 * Who finds packages for cards, chipset and the like stages them before that planner
 * runs; it puts their files into %SystemRoot%\Rehost\packages\NAME and lets pnputil
 * install them one by one. */
#ifndef REHOST_WIN_FIRSTBOOT_H
#define REHOST_WIN_FIRSTBOOT_H
#include "drivers-inject/windows/win.h"

#define WIN_STAGES_MAX 256      /* packages: each takes seconds before the logon   */
#define WIN_STAGE_FILES_MAX 4096        /* of one package; printers have hundreds  */
/* Bytes of all their files, which a plan holds in memory: the live system may have
 * no more than 1 GB of it. */
#define WIN_STAGE_BYTES_MAX (384u << 20)
#define WIN_STAGE_NAME_MAX 64

struct win_stage {
	const char *name;       /* of its directory: "netkvm"                */
	const char *inf;        /* among the files: "netkvm.inf"             */
	const char *origin;     /* for people: "drivers.zip: NetKVM/w10/amd64" */
	const char *const *files;       /* "netkvm.sys", "x64\\extra.dll"    */
	size_t n_files;
	/* The whole of one of the files; *ret is malloc'd, the caller's.  Called by
	 * the planner, so ctx must live until then. */
	int (*read)(void *ctx, const char *file, uint8_t **ret, size_t *ret_len, struct err *e);
	void *ctx;
};

/* Copied, but for ctx.  ERR_UNSUPPORTED: its name or its INF's has a character that
 * must not stand in a script (letters, digits and " .-_+~" may), a file's name is
 * none for Windows or leads out of the package, or too many.  It is for the caller to
 * warn then.  A name that is there already is the same package: 0, nothing is added. */
int win_stage_add(struct win *w, const struct win_stage *s, struct err *e) must_check;
/* Takes NULL, returns NULL. */
struct win_stages *win_stages_free(struct win_stages *s);
#endif
