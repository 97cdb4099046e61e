/* drivers-find.c: the packages that drive a device: see drivers.h. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/drivers-int.h"

static void match_done(struct drivers_match *m)
{
	inf_install_done(&m->install);
	inf_models_done(&m->models);
	inf_version_done(&m->version);
	inf_free(m->inf);
	free(m->reason);
	strv_done(&m->warnings);
}

void drivers_matches_free(struct drivers_match *m, size_t n)
{
	for (size_t i = 0; m && i < n; i++)
		match_done(&m[i]);
	free(m);
}

/* Another INF that the package's includes: beside it, or one of the guest's Windows. */
static int include(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	const struct drivers_package *p = ctx;
	const struct drivers_guest *g = p->guest ? p->guest : drivers_guest(p->set);
	char dir[PATH_MAX], path[PATH_MAX], real[PATH_MAX];
	uint8_t *read;
	int rc = ERR_NOT_FOUND;

	drivers_dir(p, dir);
	if (!source_join(dir, name, path) && !source_find(p->source, path, real, e))
		rc = source_read(p->source, real, INF_SIZE_MAX, &read, n, e);
	else if (g && !source_join(g->windows, "inf", dir) && !source_join(dir, name, path) &&
		 !source_find(g->disk, path, real, e))
		rc = source_read(g->disk, real, INF_SIZE_MAX, &read, n, e);
	if (rc && rc != ERR_NOMEM)
		return err_set(e, ERR_NOT_FOUND, "%s: %s is not there", p->origin, name);
	if (!rc)
		*bytes = read;
	return rc;
}

/* The best model; INF_NO_MATCH: none, for this Windows. */
static uint32_t choose(struct drivers_match *m, const struct inf_device *device)
{
	uint32_t best = INF_NO_MATCH;

	for (size_t i = 0; i < m->models.n; i++) {
		const char *id;
		uint32_t score = inf_identifier_score(device, &m->models.v[i], &id);

		if (score >= best)
			continue;
		best = score;
		m->model = &m->models.v[i];
		m->id = id;
	}
	return best;
}

static int install(struct drivers_match *m, const struct inf_target *t, struct err *e)
{
	const struct inf_source source = { include, (void *)m->package };
	int rc = inf_install_get(m->inf, m->model->install, t, NULL, &source, &m->install, e);

	if (rc != ERR_NOT_FOUND)
		return rc;
	m->reason = strdup(e->msg);
	return m->reason ? 0 : err_set(e, ERR_NOMEM, "out of memory for %s", m->package->origin);
}

static int parse(struct drivers_match *m, const struct inf_target *t, struct err *e)
{
	cleanup_free uint8_t *bytes = NULL;
	size_t n;
	int rc = source_read(m->package->source, m->package->path, INF_SIZE_MAX, &bytes, &n, e);

	if (!rc)
		rc = inf_parse(bytes, n, m->package->inf, &m->inf, e);
	if (!rc)
		rc = inf_version_get(m->inf, t, &m->version, e);
	return rc ? rc : inf_models_get(m->inf, t, &m->models, e);
}

/* *ret_fits 0: nothing for this device on this Windows after all. */
static int match(struct drivers_match *m, const struct inf_device *device,
		 const struct inf_target *t, int *ret_fits, struct err *e)
{
	uint32_t score;
	int rc = parse(m, t, e);

	if (rc)
		return rc;
	score = choose(m, device);
	*ret_fits = score != INF_NO_MATCH;
	if (!*ret_fits)
		return 0;
	rc = install(m, t, e);
	if (rc)
		return rc;
	m->rank.rank = inf_rank_number(score, m->reason ? 0xff : m->install.feature_score, t);
	m->rank.driver_ver = m->reason ? m->version.driver_ver : m->install.driver_ver;
	return drivers_check(m, t, e);
}

static int by_rank(const void *a, const void *b, void *target)
{
	const struct drivers_match *p = a, *q = b;
	unsigned p_folder = drivers_folder_score(p->package->path, target);
	unsigned q_folder = drivers_folder_score(q->package->path, target);
	int d = !!p->reason - !!q->reason;

	/* one of virtio-win for another Windows may be newer, and not run on this */
	if (!d)
		d = (p_folder == DRIVERS_OTHER_WINDOWS) - (q_folder == DRIVERS_OTHER_WINDOWS);
	if (!d)
		d = q->is_signed - p->is_signed;
	if (!d)
		d = inf_rank_compare(&p->rank, &q->rank, target);
	if (!d)
		d = (int)p_folder - (int)q_folder;
	if (!d)
		d = p->package->number < q->package->number ? -1 : 1;
	return d;
}

/* Adds the package's match to list, which has room, if it has one. */
static int try_package(struct drivers *d, uint32_t number, const struct inf_device *device,
		       const struct inf_target *t, struct drivers_match *list, size_t *n, struct err *e)
{
	struct drivers_match m = { .package = d->packages[number] };
	int fits = 0, rc = match(&m, device, t, &fits, e);

	if (!rc && fits) {
		list[(*n)++] = m;
		return 0;
	}
	match_done(&m);
	if (!rc || rc == ERR_NOMEM)
		return rc;
	drivers_note(d, "%s is left out: %s.", d->packages[number]->origin, e->msg);
	return 0;
}

int drivers_find(struct drivers *d, const struct inf_device *device, const struct inf_target *t,
		 struct drivers_match **ret, size_t *ret_n, struct err *e)
{
	cleanup_free uint32_t *numbers = NULL;
	struct drivers_match *list;
	struct inf_target target = *t;
	size_t n_numbers, n = 0;
	int rc = drivers_index_find(d->index, device, DRIVERS_MATCHES_MAX, &numbers, &n_numbers, e);

	if (rc)
		return rc;
	if (n_numbers == DRIVERS_MATCHES_MAX)
		drivers_note(d, "Of the packages for %s only %d are looked at.", device->n_hardware_ids ?
			     device->hardware_ids[0] : "a device", DRIVERS_MATCHES_MAX);
	list = calloc(n_numbers + 1, sizeof *list);
	if (!list)
		return err_set(e, ERR_NOMEM, "out of memory for the packages of a device");
	for (size_t i = 0; i < n_numbers && !rc; i++)
		rc = try_package(d, numbers[i], device, t, list, &n, e);
	if (rc) {
		drivers_matches_free(list, n);
		return rc;
	}
	qsort_r(list, n, sizeof *list, by_rank, &target);
	*ret = list;
	*ret_n = n;
	return 0;
}
