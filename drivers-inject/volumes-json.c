/* volumes-json.c: a guest's volumes as JSON (docs/INTERFACES.md, "volumes"). */
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "drivers-inject/volumes.h"

/* The texts of a volume and of a disk, by their keys.  A label that is too long
 * is left unknown: foreign bytes in it grow when they become JSON. */
struct field { const char *key; size_t at, size; int may_drop; };
#define FIELD_AT(type, name) #name, offsetof(struct type, name), sizeof(((struct type *)0)->name)
#define FIELD(type, name) { FIELD_AT(type, name), 0 }
#define LABEL(type, name) { FIELD_AT(type, name), 1 }

static const struct field volume_fields[] = {
	FIELD(volume, type), FIELD(volume, uuid), LABEL(volume, label),
	FIELD(volume, partuuid), LABEL(volume, partlabel), FIELD(volume, name),
	FIELD(volume, node), FIELD(volume, mounted), { 0 },
};
static const struct field disk_fields[] = {
	FIELD(guest_disk, path), FIELD(guest_disk, table), FIELD(guest_disk, id),
	FIELD(guest_disk, old_name), { 0 },
};

static int take_texts(struct json_object *o, const struct field *f, char *base,
		      const char *what, size_t i, struct err *e)
{
	for (; f->key; f++) {
		const char *s = json_get_str(o, f->key, "");
		size_t len = strlen(s);

		if (len >= f->size && f->may_drop)
			continue;
		if (len >= f->size)
			return err_set(e, ERR_CORRUPT, "volumes: %s %zu: %s has %zu "
				       "bytes, the limit is %zu", what, i, f->key,
				       len, f->size - 1);
		memcpy(base + f->at, s, len + 1);
	}
	return 0;
}

static void put_texts(struct json_object *o, const struct field *f, const char *base)
{
	for (; f->key; f++)
		json_put_str_if(o, f->key, base + f->at);
}

/* An index below n, or -1 where there is none. */
static int take_index(struct json_object *o, const char *key, size_t n,
		      size_t i, int *ret, struct err *e)
{
	uint64_t v = json_get_u64(o, key, UINT64_MAX);

	if (v != UINT64_MAX && v >= n)
		return err_set(e, ERR_CORRUPT, "volumes: volume %zu: %s is %llu, "
			       "and there are %zu", i, key, (unsigned long long)v, n);
	*ret = v == UINT64_MAX ? -1 : (int)v;
	return 0;
}

static int take_volume(struct json_object *o, size_t i, size_t n, size_t n_disks,
		       struct volume *ret, struct err *e)
{
	int r = take_texts(o, volume_fields, (char *)ret, "volume", i, e);

	if (!r)
		r = take_index(o, "disk", n_disks, i, &ret->disk, e);
	if (!r)
		r = take_index(o, "part", 65536, i, &ret->part, e);
	if (!r)
		r = take_index(o, "parent", n, i, &ret->parent, e);
	if (!r && ret->disk >= 0 && ret->part < 0)
		ret->part = 0;
	ret->size = json_get_u64(o, "size", 0);
	ret->start = json_get_u64(o, "start", 0);
	return r;
}

/* A volume may not hold itself, over others or not. */
static int check_parents(const struct volumes *v, struct err *e)
{
	for (size_t i = 0; i < v->n; i++) {
		size_t steps = 0;

		for (int p = v->v[i].parent; p >= 0; p = v->v[p].parent)
			if (++steps > v->n)
				return err_set(e, ERR_CORRUPT, "volumes: volume "
					       "%zu lies in itself", i);
	}
	return 0;
}

static int take_disks(struct json_object *a, struct volumes *v, struct err *e)
{
	size_t n = a ? json_object_array_length(a) : 0;

	if (n > VOLUME_DISKS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "volumes: %zu disks, the limit is "
			       "%d", n, VOLUME_DISKS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(a, i);
		struct guest_disk *d = &v->disk[i];
		int r = take_texts(o, disk_fields, (char *)d, "disk", i, e);

		if (r)
			return r;
		d->size = json_get_u64(o, "size", 0);
		d->sector_size = (uint32_t)json_get_u64(o, "sector_size", 512);
	}
	v->n_disks = n;
	return 0;
}

static int take_volumes(struct json_object *a, struct volumes *v, struct err *e)
{
	size_t n = a ? json_object_array_length(a) : 0;

	if (n > VOLUMES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "volumes: %zu volumes, the limit "
			       "is %d", n, VOLUMES_MAX);
	v->v = calloc(n + 1, sizeof *v->v);
	if (!v->v)
		return err_set(e, ERR_NOMEM, "out of memory");
	v->n = n;
	for (size_t i = 0; i < n; i++) {
		int r = take_volume(json_object_array_get_idx(a, i), i, n,
				    v->n_disks, &v->v[i], e);

		if (r)
			return r;
	}
	return check_parents(v, e);
}

int volumes_from_json(struct json_object *o, struct volumes *ret, struct err *e)
{
	struct volumes v = { 0 };
	int r;

	r = take_disks(json_get_array(o, "disks"), &v, e);
	if (!r)
		r = take_volumes(json_get_array(o, "volumes"), &v, e);
	if (r) {
		volumes_done(&v);
		return r;
	}
	*ret = v;
	return 0;
}

static struct json_object *volume_json(const struct volume *v)
{
	struct json_object *o = json_object_new_object();

	put_texts(o, volume_fields, (const char *)v);
	if (v->disk >= 0)
		json_put_u64(o, "disk", (uint64_t)v->disk);
	if (v->part >= 0)
		json_put_u64(o, "part", (uint64_t)v->part);
	if (v->parent >= 0)
		json_put_u64(o, "parent", (uint64_t)v->parent);
	json_put_u64(o, "size", v->size);
	json_put_u64(o, "start", v->start);
	return o;
}

struct json_object *volumes_json(const struct volumes *v)
{
	struct json_object *o = json_object_new_object();
	struct json_object *disks = json_object_new_array();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->n_disks; i++) {
		struct json_object *d = json_object_new_object();

		put_texts(d, disk_fields, (const char *)&v->disk[i]);
		json_put_u64(d, "size", v->disk[i].size);
		json_put_u64(d, "sector_size", v->disk[i].sector_size);
		json_object_array_add(disks, d);
	}
	for (size_t i = 0; i < v->n; i++)
		json_object_array_add(list, volume_json(&v->v[i]));
	json_put(o, "disks", disks);
	json_put(o, "volumes", list);
	return o;
}

void volumes_done(struct volumes *v)
{
	free(v->v);
	*v = (struct volumes){ 0 };
}
