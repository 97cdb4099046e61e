/* bring.c: drivers from outside of Windows' registry, for a device on the way to the
 * disk: packages that were given, else those that lie on the guest's own disk. */
#include <stdlib.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/inject.h"
#include "drivers-inject/windows/mend.h"

static int read_file(void *ctx, const struct inf_file *f, uint8_t **ret, size_t *ret_n,
		     struct err *e)
{
	/* a catalog is no file of a section */
	return f->name ? drivers_read(ctx, f, ret, ret_n, e) :
			 drivers_read_name(ctx, f->source, ret, ret_n, e);
}

static int inject_match(struct win *w, struct plan *p, const struct drivers_match *m,
			struct err *e)
{
	struct win_package pkg = { .inf = m->inf, .name = m->package->inf,
				   .origin = m->package->origin, .read = read_file,
				   .ctx = (void *)m->package };
	cleanup_free uint8_t *bytes = NULL;
	struct win_injected done;
	int rc = drivers_read_name(m->package, m->package->inf, &bytes, &pkg.n, e);

	pkg.bytes = bytes;
	return rc ? rc : win_inject(w, p, &pkg, WIN_INJECT_BOOT, &done, e);
}

/* The first package that can be used.  Why others can't be is said when none can. */
static int take_best(struct win *w, struct plan *p, struct drivers *from,
		     const struct win_device *d, int *ret_done, struct err *e)
{
	struct inf_device device = {
		.hardware_ids = (const char *const *)d->hardware.v, .n_hardware_ids = d->hardware.n,
		.compatible_ids = (const char *const *)d->compatible.v,
		.n_compatible_ids = d->compatible.n,
	};
	struct drivers_match *m = NULL;
	size_t n = 0;
	int rc = drivers_find(from, &device, &w->target, &m, &n, e);

	if (!rc && n && !m[0].reason) {
		rc = inject_match(w, p, &m[0], e);
		*ret_done = !rc;
		if (!rc)
			plan_note(p, "%s gets the driver %s.", d->name, m[0].package->origin);
		for (size_t i = 0; !rc && i < m[0].warnings.n; i++)
			plan_warn(p, "%s", m[0].warnings.v[i]);
	}
	for (size_t i = 0; !rc && !*ret_done && i < n; i++)
		plan_note(p, "%s: %s", m[i].package->origin, m[i].reason);
	drivers_matches_free(m, n);
	return rc;
}

/* Once for all devices, and only when one is missing: it takes seconds. */
static int harvest(struct win *w, struct err *e)
{
	int rc = w->own ? 0 : drivers_new(&w->own, e);

	if (rc || w->own->n)
		return rc;
	return drivers_add_root(w->own, w->root, w->dir, e);
}

int win_bring_driver(struct win *w, const struct win_wishes *wishes, struct plan *p,
		     const struct win_device *d, int *ret_done, struct err *e)
{
	int rc = 0;

	*ret_done = 0;
	if (wishes->drivers)
		rc = take_best(w, p, wishes->drivers, d, ret_done, e);
	if (rc || *ret_done)
		return rc;
	rc = harvest(w, e);
	return rc ? rc : take_best(w, p, w->own, d, ret_done, e);
}
