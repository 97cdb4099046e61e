/* part-id.c: see part-id.h. */
#include "drivers-inject/windows/part-id.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/text.h"

/* From the written order of a UUID to that of the disk, and back. */
static void swap_fields(uint8_t u[16])
{
	static const uint8_t from[8] = { 3, 2, 1, 0, 5, 4, 7, 6 };
	uint8_t old[8];

	memcpy(old, u, sizeof old);
	for (size_t i = 0; i < sizeof old; i++)
		u[i] = old[from[i]];
}

int guid_parse(const char *text, uint8_t ret[16])
{
	static const uint8_t dash[] = { 4, 6, 8, 10 };
	const char *p = text;
	uint8_t u[16];
	size_t next = 0;

	for (size_t i = 0; i < 16; i++) {
		unsigned int byte;

		if (next < sizeof dash && i == dash[next]) {
			if (*p++ != '-')
				return 0;
			next++;
		}
		/* sscanf alone would take "+1" and "0x" */
		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
		    sscanf(p, "%2x", &byte) != 1)
			return 0;
		u[i] = (uint8_t)byte;
		p += 2;
	}
	if (*p)
		return 0;
	swap_fields(u);
	memcpy(ret, u, 16);
	return 1;
}

static void guid_text(const uint8_t id[16], char ret[TEXT_UUID])
{
	uint8_t u[16];

	memcpy(u, id, 16);
	swap_fields(u);
	text_from_uuid(u, ret);
}

int part_id_of(const struct volumes *v, const struct volume *x, struct part_id *ret)
{
	const struct guest_disk *d;
	struct part_id id = { 0 };
	char *end;

	if (x->disk < 0 || (size_t)x->disk >= v->n_disks || x->part < 1)
		return 0;
	d = &v->disk[x->disk];
	if (!strcmp(d->table, "gpt")) {
		id.gpt = 1;
		if (!guid_parse(x->partuuid, id.part) || !guid_parse(d->id, id.disk))
			return 0;
	} else {
		id.signature = (uint32_t)strtoul(d->id, &end, 16);
		id.offset = x->start;
		if (end == d->id || *end || !id.signature || !id.offset)
			return 0;
	}
	*ret = id;
	return 1;
}

int part_id_same(const struct part_id *a, const struct part_id *b)
{
	if (a->gpt != b->gpt)
		return 0;
	if (a->gpt)
		return !memcmp(a->part, b->part, 16) && !memcmp(a->disk, b->disk, 16);
	return a->signature == b->signature && a->offset == b->offset;
}

void part_id_text(const struct part_id *id, char ret[PART_ID_TEXT])
{
	char part[TEXT_UUID], disk[TEXT_UUID];

	if (id->gpt) {
		guid_text(id->part, part);
		guid_text(id->disk, disk);
		snprintf(ret, PART_ID_TEXT, "partition %s of disk %s", part, disk);
	} else {
		snprintf(ret, PART_ID_TEXT, "the partition at %llu bytes of disk %08x",
			 (unsigned long long)id->offset, id->signature);
	}
}

const struct volume *part_id_volume(const struct volumes *v, const struct part_id *id)
{
	for (size_t i = 0; i < v->n; i++) {
		struct part_id have;

		if (part_id_of(v, &v->v[i], &have) && part_id_same(&have, id))
			return &v->v[i];
	}
	return NULL;
}

const struct part_id *id_map_find(const struct id_map *m, const struct part_id *old)
{
	for (size_t i = 0; m && i < m->n; i++)
		if (part_id_same(&m->v[i].old, old))
			return &m->v[i].now;
	return NULL;
}

int id_map_add(struct id_map *m, const struct part_id *old, const struct part_id *now,
	       struct err *e)
{
	struct id_pair *v;

	if (id_map_find(m, old))
		return 0;
	v = realloc(m->v, (m->n + 1) * sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	m->v = v;
	v[m->n++] = (struct id_pair){ *old, *now };
	return 0;
}

void id_map_done(struct id_map *m)
{
	free(m->v);
	*m = (struct id_map){ 0 };
}
