/* planners.c: everything that adapt plans for a Windows, in order, and what comes
 * of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "drivers-inject/root-write.h"
#include "drivers-inject/windows/win.h"

win_planner *const win_planners[] = {
	win_plan_boot, win_plan_start, win_plan_hal, win_plan_leftovers, win_plan_identity,
	win_plan_stage, win_plan_firstboot, NULL,
};

/* ---- hives as edits ---- */

static int fill_from_fd(void *ctx, int fd, struct err *e)
{
	int from = *(int *)ctx;
	uint64_t len;

	if (lseek(from, 0, SEEK_SET))
		return err_sys(e, errno, "a registry hive in memory");
	return file_copy(from, fd, &len, e);
}

static void free_fd(void *ctx)
{
	close(*(int *)ctx);
	free(ctx);
}

static int hive_edit(struct win *w, struct hive *h, const char *name, struct plan *p, struct err *e)
{
	const struct strv *changes = h ? hive_changes(h) : NULL;
	char below[64], path[PATH_MAX];
	struct edit *d;
	int rc, *fd;

	if (!changes || !changes->n)
		return 0;
	snprintf(below, sizeof below, "System32\\config\\%s", name);
	rc = win_path(w, below, path, e);
	if (rc)
		return rc;
	d = plan_add(p, EDIT_REPLACE, path, hive_dirty(h) ?
		     "The registry hive %s: completed from its logs, and changed" :
		     "The registry hive %s is changed", name);
	fd = malloc(sizeof *fd);
	if (!d || !fd) {
		free(fd);
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	}
	rc = hive_save(h, fd, e);
	if (rc) {
		free(fd);
		return rc;
	}
	d->fill = fill_from_fd;
	d->ctx = fd;
	d->ctx_free = free_fd;
	for (size_t i = 0; i < changes->n; i++)
		if (strv_add(&d->details, changes->v[i]))
			return err_set(e, ERR_NOMEM, "out of memory for the plan");
	return 0;
}

int win_plan_hives(struct win *w, struct plan *p, struct err *e)
{
	int rc = hive_edit(w, w->software, "SOFTWARE", p, e);

	/* last: it is what makes the files before it count */
	return rc ? rc : hive_edit(w, w->system, "SYSTEM", p, e);
}

static void judge(struct plan *p)
{
	int fatal = p->problems.n > 0;

	for (size_t i = 0; i < p->n_missing; i++)
		fatal |= p->missing[i].fatal;
	if (p->verdict != VERDICT_UNKNOWN || fatal)
		p->verdict = fatal ? VERDICT_WILL_NOT : p->n ? VERDICT_AFTER_EDITS : VERDICT_BOOTS;
}

int win_plan(struct win *w, const struct win_wishes *wishes, struct plan **ret, struct err *e)
{
	return win_plan_with(win_planners, w, wishes, ret, e);
}

int win_plan_with(win_planner *const *planners, struct win *w, const struct win_wishes *wishes,
		  struct plan **ret, struct err *e)
{
	struct plan *p = plan_new(w->root);
	int rc = p ? 0 : err_set(e, ERR_NOMEM, "out of memory for the plan");

	for (size_t i = 0; !rc && i < w->warnings.n; i++)
		plan_warn(p, "%s", w->warnings.v[i]);
	for (size_t i = 0; !rc && i < w->notes.n; i++)
		plan_note(p, "%s", w->notes.v[i]);
	if (!rc && w->software_problem)
		plan_warn(p, "What stands in the registry hive SOFTWARE is left as it is: %s",
			  w->software_problem);
	for (size_t i = 0; !rc && planners[i]; i++)
		rc = planners[i](w, wishes, p, e);
	if (!rc)
		rc = win_plan_hives(w, p, e);
	if (rc) {
		plan_free(p);
		return rc;
	}
	judge(p);
	*ret = p;
	return 0;
}
