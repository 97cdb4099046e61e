/* planners.c: everything that adapt plans for a Linux, in order, and what
 * comes of it. */
#include "drivers-inject/linux/linux.h"

/* SELinux's relabel looks at the edits of all others. */
lin_planner *const lin_planners[] = {
	lin_plan_drivers, lin_plan_fstab, lin_plan_cmdline, lin_plan_storage, lin_plan_net,
	lin_plan_identity, lin_plan_leftovers, lin_plan_copies,
	lin_plan_boot, lin_plan_selinux, NULL,
};

static void judge(struct plan *p)
{
	int fatal = p->problems.n > 0;

	for (size_t i = 0; i < p->n_missing; i++)
		fatal |= p->missing[i].fatal;
	p->verdict = fatal ? VERDICT_WILL_NOT : p->n ? VERDICT_AFTER_EDITS : VERDICT_BOOTS;
}

int lin_plan(const struct lin *l, const struct lin_wishes *w, struct plan **ret, struct err *e)
{
	struct plan *p = plan_new(l->root);
	int rc = p ? 0 : err_set(e, ERR_NOMEM, "out of memory for the plan");

	for (size_t i = 0; !rc && lin_planners[i]; i++)
		rc = lin_planners[i](l, w, p, e);
	if (rc) {
		plan_free(p);
		return rc;
	}
	judge(p);
	*ret = p;
	return 0;
}
