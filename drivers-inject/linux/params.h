/* params.h: kernel parameters that name a volume (root=, resume=, ...) inside a
 * line of any boot loader's configuration. */
#ifndef REHOST_PARAMS_H
#define REHOST_PARAMS_H
#include "drivers-inject/linux/names.h"

/* What is known of the entry that a line belongs to. */
struct params_entry {
	const char *file;       /* for messages                              */
	int own;                /* it starts this guest's kernel             */
	int bare;               /* without an initramfs: the kernel itself
				 * finds root, and knows no UUID=            */
	int resume_file;        /* set by params_edit                        */
};

/* The line with other names in it; *ret is NULL when nothing changes, else the
 * caller's.  n learns what the disk of root= is called. */
int params_edit(struct lin_names *n, struct plan *p, struct params_entry *x,
		const char *line, char **ret, struct err *e) must_check;
/* One name that stands for itself, a root (kind "root") or a place to resume from
 * ("resume"): 1 and ret, or 0: it may stay. */
int params_name(struct lin_names *n, struct plan *p, const struct params_entry *x,
		const char *kind, const char *name, char ret[80]);
#endif
