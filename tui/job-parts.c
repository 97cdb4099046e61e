/* job-parts.c: a job's chosen partitions, and the disks of a machine (job.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/job.h"

static struct job_only *find(struct job *j, const char *of)
{
	for (size_t i = 0; i < j->nonly; i++)
		if (!strcmp(j->only[i].of, of))
			return &j->only[i];
	return NULL;
}

const char *job_only(const struct job *j, const char *of)
{
	for (size_t i = 0; i < j->nonly; i++)
		if (!strcmp(j->only[i].of, of))
			return j->only[i].list;
	return NULL;
}

bool job_only_has(const struct job *j, const char *of, int number)
{
	const char *s = job_only(j, of);

	for (; s && *s; s += strcspn(s, ","), s += *s == ',')
		if (atoi(s) == number)
			return true;
	return !s;
}

static void forget(struct job *j, struct job_only *o)
{
	size_t at = (size_t)(o - j->only);

	memmove(o, o + 1, (--j->nonly - at) * sizeof *o);
	memset(&j->only[j->nonly], 0, sizeof *o);
}

bool job_only_set(struct job *j, const char *of, const char *list)
{
	struct job_only *o = find(j, of);

	if (!*list) {
		if (o)
			forget(j, o);
		return true;
	}
	if (strlen(list) >= JOB_ONLY_MAX || strlen(of) >= sizeof o->of ||
	    (!o && j->nonly == JOB_DISKS_MAX))
		return false;
	if (!o)
		o = &j->only[j->nonly++];
	memset(o, 0, sizeof *o);
	strcpy(o->of, of);
	strcpy(o->list, list);
	return true;
}

bool job_only_turn(struct job *j, const char *of, const int *numbers, size_t n, int number)
{
	char list[JOB_ONLY_MAX] = "";
	size_t at = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		if (job_only_has(j, of, numbers[i]) == (numbers[i] == number))
			continue;
		have++;
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%d", at ? "," : "", numbers[i]);
		if (at >= sizeof list)
			return false;
	}
	if (!have)
		return false;
	return job_only_set(j, of, have < n ? list : "");
}

bool job_machine(const struct job *j)
{
	return (j->kind == JOB_RESTORE || j->kind == JOB_VERIFY) && !strcmp(j->image, JOB_MACHINE);
}

bool job_into_parts(const struct job *j)
{
	return j->kind == JOB_RESTORE && !job_machine(j) && (j->into.s[0] || job_only(j, j->image));
}

void job_set_move(struct job *j, size_t k, const char *image, const char *path,
		  const char *serial, const char *wwn)
{
	struct job_move *m = &j->move[k];
	struct job one;

	job_set_target(&one, path, serial, wwn);
	memset(m, 0, sizeof *m);
	snprintf(m->image, sizeof m->image, "%s", image);
	memcpy(m->target, one.target, sizeof m->target);
	memcpy(m->target_id, one.target_id, sizeof m->target_id);
}

const char *job_disk(const struct job *j, size_t k)
{
	if (j->kind == JOB_CAPTURE)
		return j->disks[k];
	return job_machine(j) && k < j->nmoves ? j->move[k].target : j->target;
}
