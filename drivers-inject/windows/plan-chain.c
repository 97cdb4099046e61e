/* plan-chain.c: the boot chain (chain.h) of a Windows whose disk is known. */
#include "drivers-inject/windows/chain.h"
#include "drivers-inject/windows/win.h"

int win_plan_start(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	struct win_chain c = {
		.volumes = w->volumes, .volume = w->volume, .dir = w->dir, .system = w->system,
		.nt5 = w->generation == WIN_NT5, .firmware = wishes->target->firmware,
		.arch = w->arch,
	};

	return w->volumes && w->volume >= 0 ? win_plan_chain(&c, p, e) : 0;
}
