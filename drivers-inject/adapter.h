/* adapter.h: the seam of drivers-inject: who knows a kind of operating system.
 *
 * An adapter has, in the end, four functions: detect (what is installed?),
 * plan (which edits does the target hardware need? as data, with a verdict),
 * apply (make them, with a backup of each thing touched) and check (re-read
 * from scratch).  This version has detect; a member is added together with
 * the code behind it (docs/decisions/0010-adapter-seam.md). */
#ifndef REHOST_ADAPTER_H
#define REHOST_ADAPTER_H
#include "drivers-inject/tree.h"

#define GUEST_TEXT 160          /* bytes of a name or another short text     */

/* An installed operating system.  Texts are UTF-8 as the guest has them, so
 * not to be trusted; "" is unknown, and an unknown flag is -1. */
struct guest {
	const struct guest_adapter *adapter;
	char name[GUEST_TEXT];     /* "Debian GNU/Linux 13 (trixie)"         */
	char version[GUEST_TEXT];  /* "13"; Windows: "10.0"                  */
	char arch[16];             /* "x86_64"; Windows: "x64", "x86", "arm64" */
	char hostname[GUEST_TEXT];
	const char *fs;            /* "ext", "ntfs"                          */
	int fs_dirty;              /* not unmounted cleanly                  */
	struct strv boot;          /* boot loaders with files on this volume */
	struct strv notes;         /* sentences for the user                 */
	struct {
		char id[GUEST_TEXT];       /* os-release's ID                */
		struct strv kernels;       /* versions, oldest first         */
	} lin;
	struct {
		char directory[GUEST_TEXT];/* "Windows"                      */
		char build[32];            /* "19045"                        */
		char edition[GUEST_TEXT];  /* "Professional"                 */
		char release[32];          /* "22H2"                         */
		char service_pack[64];     /* "Service Pack 1"               */
		uint32_t update;           /* UBR, with has_update           */
		int has_update;
		struct strv control_sets;  /* "ControlSet001", ...           */
		char current_set[32];      /* the one Select\Current names   */
		struct strv dirty_hives;   /* "SYSTEM", "SOFTWARE"           */
		struct strv replayed_hives;/* those that their logs completed */
		int hibernated;            /* hiberfil.sys is in use         */
		int fast_startup;          /* switched on                    */
	} win;
};

struct guest_list {
	struct guest **v;
	size_t n;
};

/* An empty guest at the end of the list, the list's own; NULL: no memory. */
struct guest *guest_add(struct guest_list *l, const struct guest_adapter *a,
			const struct tree *t);
void guest_list_done(struct guest_list *l);
/* Adds a sentence to g->notes; no memory: it is lost. */
void guest_note(struct guest *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct guest_adapter {
	const char *kind;       /* "linux", "windows" */
	/* Adds every system of this kind whose root is the file system t.
	 * Reads only, and little.  What can't be read is told in the guest's
	 * notes; <0: the search had to stop, e says why. */
	int (*detect)(struct tree *t, struct guest_list *found,
		      struct err *e);
};

extern const struct guest_adapter adapter_linux, adapter_windows;
extern const struct guest_adapter *const guest_adapters[]; /* NULL at the end */

#endif
