/* query.c: questions to the model (model.h): what is on a disk, in words. */
#include <stdio.h>
#include <string.h>
#include "tui/model.h"

const char *model_name(const char *path)
{
	return strncmp(path, "/dev/", 5) ? path : path + 5;
}

uint64_t model_disk_used(const struct model_disk *d, bool *ret_exact)
{
	uint64_t sum = 0;

	*ret_exact = d->nparts > 0;
	for (size_t i = 0; i < d->nparts; i++) {
		const struct model_part *p = &d->parts[i];

		if (!p->used_known)
			*ret_exact = false;
		sum += p->used_known ? p->used : p->size;
	}
	return d->nparts && sum < d->size ? sum : d->size;
}

const struct model_disk *model_find(const struct model_disks *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->d[i].path, path))
			return &m->d[i];
	return NULL;
}

const struct model_part *model_find_part(const struct model_disks *m,
					 const char *path,
					 const struct model_disk **ret_disk)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < m->d[i].nparts; k++)
			if (!strcmp(m->d[i].parts[k].path, path)) {
				*ret_disk = &m->d[i];
				return &m->d[i].parts[k];
			}
	return NULL;
}

bool model_may_hold_system(const struct model_disk *d)
{
	static const char *const closed[] = { "LVM2_member", "linux_raid_member",
					      "crypto_LUKS", "xfs", "btrfs" };

	for (size_t i = 0; i < d->nsystems; i++)
		if (!strcmp(d->systems[i].kind, "linux") ||
		    !strcmp(d->systems[i].kind, "windows"))
			return true;
	for (size_t i = 0; i < d->nparts; i++)
		for (size_t k = 0; k < sizeof closed / sizeof *closed; k++)
			if (!strcmp(d->parts[i].fs, closed[k]))
				return true;
	return false;
}

const char *model_title(const struct model_disk *d)
{
	return d->model[0] ? d->model : d->transport;
}

void model_systems(const struct model_disk *d, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < d->nsystems && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? "; " : "",
				       d->systems[i].name);
}
