/* inf-install-int.h: what the files of the INF compiler share: inf-install.c (sections
 * and directives), inf-files.c, inf-reg.c, inf-service.c. */
#ifndef REHOST_INF_INSTALL_INT_H
#define REHOST_INF_INSTALL_INT_H
#include "drivers-inject/windows/inf-build.h"
#include "drivers-inject/windows/inf-install.h"

struct inf_job {
	struct inf_build b;
	struct inf_install *ret;
	const struct inf *f;            /* the main one                      */
	const struct inf_target *t;
	const struct inf_source *source;
	struct inf_dirs dirs;
};

/* Where a directive stands. */
struct inf_scope {
	const struct inf *f;
	enum inf_root hkr;
	const char *owner;
};

/* A directive's work on its line. */
typedef void inf_directive(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l);
inf_directive inf_copy_files, inf_add_reg, inf_del_reg, inf_bit_reg;
inf_directive inf_add_service, inf_add_filter;

/* The section that a line names: in the same INF, the main one or an included one.
 * NULL: nowhere, which is now a note. */
const struct inf_section *inf_named_section(struct inf_job *j, const struct inf *f,
					    const struct inf_line *l, const char *name,
					    const struct inf **ret_f);
/* The INF number i of all, the main one first; NULL: no more. */
const struct inf *inf_nth(const struct inf_job *j, size_t i);

/* DelReg, AddReg, BitReg of the section s, in this order. */
void inf_registry(struct inf_job *j, const struct inf_scope *scope, const struct inf_section *s);

#endif
