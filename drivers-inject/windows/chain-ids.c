/* chain-ids.c: which partition an old id in a boot configuration meant.
 *
 * Each element that names a partition is used together with a path: a loader, a
 * directory, a RAM disk's image.  An id that no partition has any more is that of the
 * one partition that has these files; of several, of the one that lies where the old
 * one did.  Partitions that the store names by their right ids are nobody's else. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/chain-int.h"

static int is_stale(const struct chain *ch, const struct part_id *id)
{
	return !part_id_volume(ch->c->volumes, id) && !id_map_find(&ch->map, id);
}

/* 1: the volume is what an id of the store means already. */
static int is_taken(const struct chain *ch, const struct bcd *b, int volume)
{
	struct part_id mine, *now;

	if (!part_id_of(ch->c->volumes, &ch->c->volumes->v[volume], &mine))
		return 1; /* it has no id that could be written */
	for (size_t i = 0; i < b->n_uses; i++) {
		now = (struct part_id *)id_map_find(&ch->map, &b->use[i].id);
		if (part_id_same(&b->use[i].id, &mine) || (now && part_id_same(now, &mine)))
			return 1;
	}
	return 0;
}

/* How well the volume fits what the store expects of the id; 0: not. */
static unsigned int fits(struct chain *ch, int store, const struct bcd *b,
			 const struct part_id *id, int volume)
{
	unsigned int n = 0;

	for (size_t i = 0; i < b->n_uses; i++) {
		const struct bcd_use *u = &b->use[i];

		if (!part_id_same(&u->id, id))
			continue;
		/* the boot manager is where its store is */
		if (b->v[u->object].kind == BCD_BOOT_MANAGER)
			n += volume == store ? 1000 : 0;
		else
			n += *u->file && chain_has(ch, volume, u->file);
	}
	return n;
}

static int same_place(const struct chain *ch, const struct part_id *id, int volume)
{
	return !id->gpt && ch->c->volumes->v[volume].start == id->offset;
}

/* The volume that the id means; -1: none, -2: several could be. */
static int find_volume(struct chain *ch, int store, const struct bcd *b, const struct part_id *id)
{
	unsigned int best = 0;
	int found = -1;

	for (size_t i = 0; i < ch->c->volumes->n; i++) {
		unsigned int n;
		int volume = (int)i;

		if (is_taken(ch, b, volume) || !chain_side(ch, volume))
			continue;
		n = 2 * fits(ch, store, b, id, volume);
		n += n && same_place(ch, id, volume);
		if (n > best) {
			best = n;
			found = volume;
		} else if (n && n == best) {
			found = -2;
		}
	}
	return found;
}

static int resolve(struct chain *ch, int store, const struct bcd *b, const struct bcd_use *u,
		   struct err *e)
{
	const struct part_id *id = &u->id;
	char text[480], was[PART_ID_TEXT];
	int volume;
	struct part_id now;

	if (!is_stale(ch, id))
		return 0;
	volume = find_volume(ch, store, b, id);
	if (volume == -2) {
		bcd_object_text(&b->v[u->object], text, sizeof text);
		part_id_text(id, was);
		plan_warn(ch->p, "Which partition the boot menu's %s means can't be told: that was %s, "
			  "and several have its files now", text, was);
	}
	if (volume < 0 || !part_id_of(ch->c->volumes, &ch->c->volumes->v[volume], &now))
		return 0;
	return id_map_add(&ch->map, id, &now, e);
}

/* A disk that only got another signature: its other partitions lie where they did. */
static int resolve_by_signature(struct chain *ch, const struct part_id *id, struct err *e)
{
	if (id->gpt || !is_stale(ch, id))
		return 0;
	for (size_t i = 0; i < ch->map.n; i++) {
		const struct id_pair *m = &ch->map.v[i];
		struct part_id now = m->now;

		if (m->old.gpt || m->now.gpt || m->old.signature != id->signature ||
		    m->old.offset != m->now.offset)
			continue;
		now.offset = id->offset;
		if (part_id_volume(ch->c->volumes, &now))
			return id_map_add(&ch->map, id, &now, e);
	}
	return 0;
}

/* What starts by itself comes first: of two entries that fit one partition it is the
 * one that is meant. */
static int in_turn(const struct bcd *b, const struct bcd_use *u, int turn)
{
	const struct bcd_object *o = &b->v[u->object];

	if (o->kind == BCD_BOOT_MANAGER)
		return turn == 0;
	return turn == (!strcasecmp(o->id, b->standard) ? 1 : o->kind == BCD_LOADER ? 2 : 3);
}

int chain_derive(struct chain *ch, int volume, const struct bcd *b, struct err *e)
{
	int r = 0;

	for (int turn = 0; turn < 4; turn++)
		for (size_t i = 0; !r && i < b->n_uses; i++)
			if (in_turn(b, &b->use[i], turn))
				r = resolve(ch, volume, b, &b->use[i], e);
	for (size_t i = 0; !r && i < b->n_uses; i++)
		r = resolve_by_signature(ch, &b->use[i].id, e);
	return r;
}
