/* chain-mounted.c: the drive letters in the registry follow the partitions. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/chain-int.h"
#include "drivers-inject/windows/mounted-devices.h"

#define KEY "MountedDevices"
#define VALUES_MAX 4096         /* a machine that saw many sticks has hundreds */

struct letters {
	struct strv names;
	struct mounted_value *v; /* those that name partitions               */
	size_t n;
};

static int read_letters(const struct hive *h, struct letters *l, struct err *e)
{
	if (hive_values(h, KEY, &l->names))
		return 0;
	l->v = calloc(l->names.n + 1, sizeof *l->v);
	if (!l->v)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < l->names.n && i < VALUES_MAX; i++) {
		struct mounted_value *v = &l->v[l->n];
		cleanup_free uint8_t *data = NULL;
		struct part_id id;
		uint32_t type;

		if (!hive_value(h, KEY, l->names.v[i], &type, &data, &v->len) ||
		    !mounted_decode(data, v->len, &id))
			continue;
		memcpy(v->data, data, v->len);
		v->name = l->names.v[i];
		l->n++;
	}
	return 0;
}

/* What a value can say of a volume: of a GPT partition its GUID only. */
static int means(const struct part_id *value, const struct part_id *id)
{
	return value->gpt && id->gpt ? !memcmp(value->part, id->part, 16) : part_id_same(value, id);
}

static int is_there(const struct chain *ch, const struct part_id *value)
{
	const struct volumes *v = ch->c->volumes;
	struct part_id id;

	for (size_t i = 0; i < v->n; i++)
		if (part_id_of(v, &v->v[i], &id) && means(value, &id))
			return 1;
	return 0;
}

static int is_mapped(const struct chain *ch, const struct part_id *value)
{
	for (size_t i = 0; i < ch->map.n; i++)
		if (means(value, &ch->map.v[i].old))
			return 1;
	return 0;
}

/* Where no boot configuration told it (2000 to 2003): C: is the volume with Windows, if
 * nothing else names that. */
static int guess_c(struct chain *ch, const struct letters *l, struct err *e)
{
	const struct volumes *v = ch->c->volumes;
	struct part_id now, id, old;
	int found = 0;

	if (!part_id_of(v, &v->v[ch->c->volume], &now))
		return 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!mounted_decode(l->v[i].data, l->v[i].len, &id))
			continue;
		if (means(&id, &now))
			return 0;
		if (!strcasecmp(l->v[i].name, "\\DosDevices\\C:")) {
			old = id;
			found = 1;
		}
	}
	for (size_t i = 0; i < ch->map.n; i++)
		if (part_id_same(&ch->map.v[i].now, &now))
			return 0;
	if (!found || is_there(ch, &old) || is_mapped(ch, &old))
		return 0;
	return id_map_add(&ch->map, &old, &now, e);
}

/* A disk that only got another signature: its other partitions keep their letters. */
static int follow_signature(struct chain *ch, const struct letters *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->n; i++) {
		struct part_id id;

		if (!mounted_decode(l->v[i].data, l->v[i].len, &id) || id.gpt || is_there(ch, &id) ||
		    is_mapped(ch, &id))
			continue;
		for (size_t k = 0; !r && k < ch->map.n; k++) {
			const struct id_pair *m = &ch->map.v[k];
			struct part_id now = m->now;

			if (m->old.gpt || now.gpt || m->old.signature != id.signature ||
			    m->old.offset != now.offset)
				continue;
			now.offset = id.offset;
			if (is_there(ch, &now)) {
				r = id_map_add(&ch->map, &id, &now, e);
				break;
			}
		}
	}
	return r;
}

static int write_letters(struct hive *h, const struct letters *l, struct err *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->n; i++) {
		const struct mounted_value *v = &l->v[i];

		if (v->what == MOUNTED_CHANGE)
			r = hive_set(h, KEY, v->name, REG_BINARY, v->data, v->len, e);
		else if (v->what == MOUNTED_DROP)
			r = hive_unset(h, KEY, v->name, e);
	}
	return r;
}

int chain_mounted(struct chain *ch, struct err *e)
{
	struct letters l = { 0 };
	int r = read_letters(ch->c->system, &l, e);

	if (!r)
		r = guess_c(ch, &l, e);
	if (!r)
		r = follow_signature(ch, &l, e);
	if (!r && l.n && mounted_rewrite(l.v, l.n, &ch->map)) {
		plan_note(ch->p, "Drive letters follow their partitions, which have other ids now "
			  "(MountedDevices)");
		r = write_letters(ch->c->system, &l, e);
	}
	free(l.v);
	strv_done(&l.names);
	return r;
}
