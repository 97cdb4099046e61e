/* plan-boot.c: the drivers of the way to the disk, enabled or brought in. */
#include "drivers-inject/windows/win.h"

int win_plan_boot(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	(void)w, (void)wishes, (void)e;
	p->verdict = VERDICT_UNKNOWN;
	return 0;
}
