/* answers-disks.c: which disks an answer file means (answers.h). */
#include "tui/answers.h"
#include <stdio.h>
#include <string.h>

static const char *disk_field(const struct model_disk *d, enum disk_key key)
{
	return key == DISK_SERIAL ? d->serial : key == DISK_WWN ? d->wwn : d->path;
}

static int find(const struct model_disks *m, const struct disk_name *n,
		const struct model_disk **ret, struct err *e)
{
	static const char *const key[] = { "serial", "wwn", "path" };
	char have[600] = "";
	size_t matches = 0, at = 0;

	for (size_t i = 0; i < m->n; i++) {
		const char *v = disk_field(&m->d[i], n->key);

		if (at < sizeof have)
			at += (size_t)snprintf(have + at, sizeof have - at, " %s (%s=%s)",
					       model_name(m->d[i].path), key[n->key],
					       v[0] ? v : "none");
		if (strcmp(v, n->value))
			continue;
		matches++;
		*ret = &m->d[i];
	}
	if (matches == 1)
		return 0;
	return err_set(e, ERR_REFUSED, "%s disk has %s=%s; there are:%s",
		       matches ? "more than one" : "no", key[n->key], n->value,
		       have[0] ? have : " none");
}

int answers_resolve(const struct answers *a, const struct model_disks *m,
		    struct job *ret, struct err *e)
{
	const struct model_disk *d = NULL;
	struct job j = a->job;
	int rc = 0;

	for (size_t i = 0; !rc && i < a->ndisks; i++) {
		rc = find(m, &a->disks[i], &d, e);
		for (size_t k = 0; !rc && k < i; k++)
			if (!strcmp(j.disks[k], d->path))
				rc = err_set(e, ERR_USAGE, "%s is named twice", d->path);
		if (!rc)
			memcpy(j.disks[j.ndisks++], d->path, sizeof d->path);
		if (!rc && a->only[i][0] && !job_only_set(&j, d->path, a->only[i]))
			rc = err_set(e, ERR_USAGE, "too many partitions of %s", d->path);
	}
	if (!rc && j.kind == JOB_RESTORE && a->only[0][0] && !job_only_set(&j, j.image, a->only[0]))
		rc = err_set(e, ERR_USAGE, "too many partitions");
	for (size_t i = 0; !rc && i < a->ntargets; i++) {
		rc = find(m, &a->targets[i], &d, e);
		if (!rc && (d->boot_medium || d->read_only || d->in_use[0]))
			rc = err_set(e, ERR_REFUSED, "%s can't be %s: %s", d->path,
				     j.kind == JOB_ADAPT ? "adapted" : "overwritten",
				     d->boot_medium ?
				     "this live system runs from it" : d->in_use[0] ?
				     d->in_use : "it is write-protected");
		for (size_t k = 0; !rc && k < i; k++)
			if (!strcmp(j.move[k].target, d->path))
				rc = err_set(e, ERR_USAGE, "%s is named twice", d->path);
		if (!rc && job_machine(&j)) {
			job_set_move(&j, i, "", d->path, d->serial, d->wwn);
			j.nmoves = j.nimages = i + 1;
		} else if (!rc) {
			job_set_target(&j, d->path, d->serial, d->wwn);
		}
	}
	if (!rc)
		*ret = j;
	return rc;
}
