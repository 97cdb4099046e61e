/* plan-stage.c: packages among those given for devices that the start does not hang on:
 * network cards, chipset, graphics.  Windows itself installs them at its first start
 * (plan-firstboot.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/devices.h"
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/plan-firstboot.h"
#include "drivers-inject/windows/staged.h"

/* What win_stage.read needs until the plan is made. */
struct win_staged {
	struct win_staged *next;
	struct drivers_match *m;
	size_t n;
};

struct win_staged *win_staged_free(struct win_staged *s)
{
	while (s) {
		struct win_staged *next = s->next;

		drivers_matches_free(s->m, s->n);
		free(s);
		s = next;
	}
	return NULL;
}

static void file_name(const struct inf_file *f, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s", f->dir ? f->dir : "", f->dir && *f->dir ? "\\" : "", f->source);
}

static int read_file(void *ctx, const char *file, uint8_t **ret, size_t *ret_len, struct err *e)
{
	const struct drivers_match *m = ctx;
	char name[512];

	for (size_t i = 0; i < m->install.n_files; i++) {
		file_name(&m->install.files[i], name, sizeof name);
		if (!strcasecmp(name, file))
			return drivers_read(m->package, &m->install.files[i], ret, ret_len, e);
	}
	return drivers_read_name(m->package, file, ret, ret_len, e);
}

/* The INF, its catalog and all that it copies; each once. */
static int list_files(const struct drivers_match *m, struct strv *ret, struct err *e)
{
	char name[512];
	int rc = strv_add(ret, m->package->inf);

	if (!rc && *m->version.catalog && !strv_has(ret, m->version.catalog))
		rc = strv_add(ret, m->version.catalog);
	for (size_t i = 0; !rc && i < m->install.n_files; i++) {
		file_name(&m->install.files[i], name, sizeof name);
		if (!strv_has(ret, name))
			rc = strv_add(ret, name);
	}
	return rc ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/* "netkvm" of "netkvm.inf", with the digest where two INFs are called so. */
static int stage(struct win *w, struct plan *p, const struct drivers_match *m, const char *device,
		 struct err *e)
{
	struct strv files = { 0 };
	char name[WIN_STAGE_NAME_MAX];
	struct err why = { 0 };
	struct win_stage s = { .name = name, .inf = m->package->inf, .origin = m->package->origin,
			       .read = read_file, .ctx = (void *)m };
	int rc = list_files(m, &files, e);

	if (rc)
		return rc;
	snprintf(name, sizeof name, "%.40s-%08x", m->package->inf, (unsigned)m->package->digest);
	s.files = (const char *const *)files.v;
	s.n_files = files.n;
	rc = win_stage_add(w, &s, &why);
	strv_done(&files);
	if (rc == ERR_NOMEM)
		return err_set(e, rc, "%s", why.msg);
	if (rc)
		plan_warn(p, "%s is not brought along: %s", m->package->origin, why.msg);
	else
		plan_note(p, "%s gets its driver at the first start, from %s.", device,
			  m->package->origin);
	return 0;
}

static int one_device(struct win *w, struct plan *p, struct drivers *from,
		      const struct hw_device *h, struct err *e)
{
	struct strv hard = { 0 }, comp = { 0 };
	struct win_staged *s = calloc(1, sizeof *s);
	int rc = s ? 0 : err_set(e, ERR_NOMEM, "out of memory");

	if (!rc && !win_pci_ids(h->modalias, h->revision, &hard, &comp)) {
		struct inf_device d = {
			(const char *const *)hard.v, hard.n, (const char *const *)comp.v, comp.n,
		};

		rc = drivers_find(from, &d, &w->target, &s->m, &s->n, e);
	}
	strv_done(&hard);
	strv_done(&comp);
	if (!rc && s->n && !s->m[0].reason) {
		s->next = w->staged;
		w->staged = s;
		return stage(w, p, &s->m[0], h->name, e);
	}
	win_staged_free(s);
	return rc;
}

/* 1: its way to the disk has it, so that win_plan_boot has cared for it. */
static int is_on_a_way(const struct hw *h, const char *modalias)
{
	for (size_t i = 0; i < h->n_paths; i++)
		for (size_t k = 0; k < h->path[i].n; k++)
			if (!strcmp(h->path[i].v[k].modalias, modalias))
				return 1;
	return 0;
}

int win_plan_stage(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	const struct hw *h = wishes->target;
	int rc = 0;

	for (size_t i = 0; wishes->drivers && !rc && i < h->n_devices; i++)
		if (!is_on_a_way(h, h->device[i].modalias))
			rc = one_device(w, p, wishes->drivers, &h->device[i], e);
	return rc;
}
