/* mounted-devices.c: see mounted-devices.h. */
#include "drivers-inject/windows/mounted-devices.h"
#include <string.h>
#include <strings.h>
#include "common/le.h"

#define GPT_MAGIC "DMIO:ID:"

int mounted_decode(const uint8_t *data, size_t len, struct part_id *ret)
{
	struct part_id id = { 0 };
	le32 signature;
	le64 offset;

	if (len == 24 && !memcmp(data, GPT_MAGIC, 8)) {
		id.gpt = 1;
		memcpy(id.part, data + 8, 16);
	} else if (len == 12) {
		memcpy(&signature, data, 4);
		memcpy(&offset, data + 4, 8);
		id.signature = le32_get(signature);
		id.offset = le64_get(offset);
	} else {
		return 0;
	}
	*ret = id;
	return 1;
}

size_t mounted_encode(const struct part_id *id, uint8_t ret[MOUNTED_MAX])
{
	le32 signature = le32_make(id->signature);
	le64 offset = le64_make(id->offset);

	if (id->gpt) {
		memcpy(ret, GPT_MAGIC, 8);
		memcpy(ret + 8, id->part, 16);
		return 24;
	}
	memcpy(ret, &signature, 4);
	memcpy(ret + 4, &offset, 8);
	return 12;
}

/* By what a value can say: of a GPT partition its GUID alone. */
static const struct part_id *new_id(const struct id_map *map, const struct part_id *old)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct part_id *o = &map->v[i].old;

		if (o->gpt != old->gpt)
			continue;
		if (o->gpt ? !memcmp(o->part, old->part, 16) : part_id_same(o, old))
			return &map->v[i].now;
	}
	return NULL;
}

static int is_letter(const struct mounted_value *v)
{
	return !strncasecmp(v->name, "\\DosDevices\\", 12);
}

/* Another value of v's kind that stays and names the same partition. */
static struct mounted_value *twin(struct mounted_value *v, size_t n, const struct mounted_value *of)
{
	for (size_t i = 0; i < n; i++)
		if (&v[i] != of && v[i].what != MOUNTED_DROP && is_letter(&v[i]) == is_letter(of) &&
		    v[i].len == of->len && !memcmp(v[i].data, of->data, of->len))
			return &v[i];
	return NULL;
}

size_t mounted_rewrite(struct mounted_value *v, size_t n, const struct id_map *map)
{
	size_t changed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct part_id *now;
		uint8_t data[MOUNTED_MAX];
		struct part_id id;
		size_t len;

		v[i].what = MOUNTED_KEEP;
		if (v[i].len > MOUNTED_MAX || !mounted_decode(v[i].data, v[i].len, &id) ||
		    !(now = new_id(map, &id)))
			continue;
		len = mounted_encode(now, data);
		if (len == v[i].len && !memcmp(data, v[i].data, len))
			continue;
		memcpy(v[i].data, data, len);
		v[i].len = len;
		v[i].what = MOUNTED_CHANGE;
	}
	for (size_t i = 0; i < n; i++) {
		struct mounted_value *other;

		if (v[i].what != MOUNTED_CHANGE)
			continue;
		while ((other = twin(v, n, &v[i])))
			other->what = MOUNTED_DROP;
	}
	for (size_t i = 0; i < n; i++)
		changed += v[i].what != MOUNTED_KEEP;
	return changed;
}
