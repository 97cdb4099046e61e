/* win.h: an installed Windows as adapt sees it, and its planners.
 *
 * Planners change the hives in memory (hive.h: what is so already is no change),
 * add files and other edits to the plan, and say what they can't do.  At the end
 * each hive that was changed becomes one edit, so that the next planner, and the
 * check of what will boot (boot.h), see what those before it did. */
#ifndef REHOST_WIN_H
#define REHOST_WIN_H
#include "drivers-inject/hive.h"
#include "drivers-inject/hw.h"
#include "drivers-inject/plan.h"
#include "drivers-inject/volumes.h"
#include "drivers-inject/windows/inf-version.h"

#define WIN_SETS_MAX 16         /* control sets; Windows keeps two to four   */

/* How the kernel finds the driver of a device that is new to it. */
enum win_generation {
	WIN_NT4,                /* not at all: no plug and play              */
	WIN_NT5,                /* 2000 to 2003: CriticalDeviceDatabase      */
	WIN_NT6,                /* Vista to 7: the same, with volmgr         */
	WIN_NT62,               /* 8 on: DriverDatabase                      */
};

struct win {
	struct root *root;      /* the caller's, as are tree, volumes         */
	struct tree *tree;      /* the same volume, for reading large files  */
	const struct volumes *volumes;  /* every volume of its disks; NULL unknown */
	int volume;             /* which of them it is on; -1 unknown        */
	char dir[256];          /* "/Windows", in the case that the disk has */
	char name[160];         /* "Windows 10 Pro"                          */
	char release[32];       /* "1709", "22H2"; "" before Windows 10      */
	char build[32];         /* "16299.309", for people                   */
	char hostname[128];
	enum win_generation generation;
	struct inf_target target;       /* architecture and version          */
	const char *arch;       /* "x64", "x86", "arm64"; "" unknown          */
	struct strv sets;       /* "ControlSet001", ...: all are edited      */
	char set[32];           /* the one that the next start takes         */
	struct hive *system;    /* for changing                              */
	struct hive *software;  /* for changing; NULL: software_problem      */
	char *software_problem;
	struct strv warnings, notes;    /* of opening: dirty hives and so on  */
	struct win_stages *stages;      /* plan-firstboot.h; NULL: none      */
	struct win_staged *staged;      /* staged.h                          */
	struct drivers *own;    /* packages on its own disk; NULL: not looked for */
};

struct drivers;                 /* drivers.h: packages to take drivers from  */

/* What the person asked for. */
struct win_wishes {
	const struct hw *target;
	const struct hw *old;        /* NULL: unknown                        */
	struct drivers *drivers;     /* NULL: none were given                */
	const char *hostname;        /* NULL: keep                           */
	const char *unattend;        /* an answer file to put there; NULL    */
	const struct strv *nics;     /* "Ethernet=52:54:00:12:34:56": --nic; NULL */
	int new_identity;            /* a copy whose original lives on       */
	int remove_tools;            /* leftovers of hypervisors' tools      */
	int even_dirty;              /* hives whose logs don't fit           */
	int keep_reboot;             /* 1: restarts after a blue screen stay */
};

/* dir: the directory in the volume's root ("Windows").  ERR_NOT_FOUND: no Windows
 * there.  ERR_REFUSED: a hive that can't be completed.  ERR_UNSUPPORTED: NT 4. */
int win_open(struct root *r, struct tree *t, const char *dir, const struct win_wishes *w,
	     struct win *ret, struct err *e) must_check;
void win_done(struct win *w);

/* "System32\\drivers\\x.sys", below %SystemRoot%, as a path in the guest, in the
 * case that its directories have where they are there. */
int win_path(const struct win *w, const char *below, char ret[PATH_MAX], struct err *e) must_check;
/* 1: there is such a file, now or by the plan's edits (p may be NULL). */
int win_has(const struct win *w, struct plan *p, const char *below);
/* "ControlSet001\\Services\\" "pciide" -> key; ret: WIN_KEY_MAX bytes.  A longer one
 * is cut, and so is no key. */
#define WIN_KEY_MAX 1024
void win_key(char ret[WIN_KEY_MAX], const char *set, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* All planners, then the hives' edits and the verdict; *ret: plan_free. */
int win_plan(struct win *w, const struct win_wishes *wishes, struct plan **ret,
	     struct err *e) must_check;

/* The hives that were changed, as edits; win_plan() does it. */
int win_plan_hives(struct win *w, struct plan *p, struct err *e) must_check;

/* ---- planners: each changes hives or adds edits, or says why it can't ---- */
typedef int win_planner(struct win *w, const struct win_wishes *wishes, struct plan *p,
			struct err *e);
win_planner win_plan_boot;      /* drivers of the way to the disk            */
win_planner win_plan_start;     /* boot sectors, boot files, ids of the disk   */
win_planner win_plan_hal;       /* 2000 to 2003: boot.ini, HAL, kernel      */
win_planner win_plan_stage;     /* given packages for other devices           */
win_planner win_plan_leftovers; /* of the old hardware, of guest tools       */
win_planner win_plan_identity;  /* name, answer file                         */
win_planner win_plan_firstboot; /* after all that stage packages for it      */
extern win_planner *const win_planners[]; /* in order, NULL at the end       */
/* win_plan with these instead, NULL at the end. */
int win_plan_with(win_planner *const *planners, struct win *w, const struct win_wishes *wishes,
		  struct plan **ret, struct err *e) must_check;

#endif
