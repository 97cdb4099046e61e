/* nt5-boot.h: the lines of one Windows in boot.ini, and what they must say on the
 * disk as it is now. */
#ifndef REHOST_NT5_BOOT_H
#define REHOST_NT5_BOOT_H
#include "drivers-inject/windows/bootini.h"
#include "drivers-inject/windows/win.h"

/* A menu that is shown has to be readable. */
#define NT5_TIMEOUT_MIN 10

struct nt5_boot {
	char path[PATH_MAX];    /* in the guest                              */
	struct bootini ini;
	int entry;              /* the first that starts this Windows, and is the
				 * default if one is; -1: none, or nobody can tell */
};

/* From /boot.ini, with the plan's edits so far.  Paths that name another partition
 * than the one that this Windows is on now are corrected; when that can't be done
 * it is said in the plan.  ERR_NOT_FOUND: the volume has no boot.ini. */
int nt5_boot_open(struct win *w, struct plan *p, struct nt5_boot *ret, struct err *e) must_check;
void nt5_boot_done(struct nt5_boot *b);
/* As an edit of the plan; none if nothing changed.  reason: a sentence. */
int nt5_boot_save(struct nt5_boot *b, struct plan *p, const char *reason, struct err *e) must_check;

/* A way to start besides those that are there: a line before b->entry, with its text
 * and options, /HAL= and, kernel not NULL, /KERNEL=.  It becomes the default where
 * this Windows was, and the menu is shown long enough.  A line of an earlier run, with
 * the same hal, is changed instead. */
int nt5_boot_add(struct nt5_boot *b, struct plan *p, const char *hal, const char *kernel,
		 struct err *e) must_check;

/* The number that ntldr gives to a volume's partition: first the primary ones, in the
 * order of the table, then the logical ones; 0: not known. */
unsigned nt5_partition(const struct volumes *v, int volume);

#endif
