/* chain.c: see chain.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/chain-int.h"

/* ---- disks and volumes ---- */

const struct chain_disk *chain_disk(struct chain *ch, int disk)
{
	const struct volumes *v = ch->c->volumes;
	struct chain_disk *d;
	int r;

	if (disk < 0 || (size_t)disk >= v->n_disks)
		return NULL;
	d = &ch->disk[disk];
	if (!d->tried) {
		const char *path = v->disk[disk].path;

		d->tried = 1;
		r = ch->c->disk ? ch->c->disk(ch->c->ctx, path, &d->dev, NULL)
				: dev_open_ro(path, &d->dev, NULL);
		if (!r && part_read(d->dev, &d->table, NULL))
			d->table = NULL;
	}
	return d->dev ? d : NULL;
}

struct sidevol *chain_side(struct chain *ch, int volume)
{
	const struct volume *x;
	const struct chain_disk *d;
	struct chain_vol *v;

	if (volume < 0 || (size_t)volume >= ch->c->volumes->n)
		return NULL;
	x = &ch->c->volumes->v[volume];
	v = &ch->vol[volume];
	if (!v->tried) {
		v->tried = 1;
		d = x->part >= 1 ? chain_disk(ch, x->disk) : NULL;
		if (d && !dev_window(d->dev, x->start, x->size, &v->dev, NULL) &&
		    sidevol_open(v->dev, &v->side, NULL))
			v->side = (struct sidevol){ 0 };
	}
	return v->side.tree ? &v->side : NULL;
}

const struct partition *chain_part(struct chain *ch, int volume)
{
	const struct volume *x = &ch->c->volumes->v[volume];
	const struct chain_disk *d = chain_disk(ch, x->disk);

	for (size_t i = 0; d && d->table && i < d->table->n_parts; i++)
		if (d->table->parts[i].start == x->start && !(d->table->parts[i].flags & PART_EXTENDED))
			return &d->table->parts[i];
	return NULL;
}

const char *chain_name(const struct chain *ch, int volume, char ret[320])
{
	const struct volume *x = &ch->c->volumes->v[volume];

	if (*x->node)
		snprintf(ret, 320, "%s", x->node);
	else
		snprintf(ret, 320, "partition %d of %s", x->part, ch->c->volumes->disk[x->disk].path);
	return ret;
}

void chain_windows_dir(const struct chain *ch, char ret[256])
{
	snprintf(ret, 256, "%s", ch->c->dir);
	for (char *s = ret; *s; s++)
		*s = *s == '/' ? '\\' : *s;
}

/* ---- files ---- */

int chain_has(struct chain *ch, int volume, const char *path)
{
	struct sidevol *s = chain_side(ch, volume);
	char slashed[TREE_PATH_MAX];
	struct tree_node n;

	if (!s || strlen(path) >= sizeof slashed)
		return 0;
	strcpy(slashed, path);
	for (char *p = slashed; *p; p++)
		*p = *p == '\\' ? '/' : *p;
	return !tree_find(s->tree, slashed, &n, NULL);
}

int chain_read(struct chain *ch, int volume, const char *path, size_t max, char **ret,
	       size_t *ret_len, struct err *e)
{
	struct sidevol *s = chain_side(ch, volume);
	struct tree_node n;
	int r;

	if (!s)
		return err_set(e, ERR_NOT_FOUND, "%s: its volume can't be read", path);
	r = tree_find(s->tree, path, &n, e);
	if (!r && n.size > max)
		r = err_set(e, ERR_UNSUPPORTED, "%s: has %llu bytes, at most %zu are read", path,
			    (unsigned long long)n.size, max);
	return r ? r : tree_head(s->tree, path, max, ret, ret_len, e);
}

/* What isn't possible is a problem of this volume, not of the whole plan. */
static int put_beside(struct chain *ch, int volume, const char *path, const void *bytes,
		      size_t len, struct err *e, const char *reason)
{
	struct sidevol *s = chain_side(ch, volume);
	struct err why = { 0 };
	char name[320];
	int r = s ? sidevol_put(s, path, bytes, len, &why, "%s", reason)
		  : err_set(&why, ERR_NOT_FOUND, "the volume can't be read");

	if (r == ERR_NOMEM || r == ERR_INTERNAL)
		return err_set(e, r, "%s", why.msg);
	if (r)
		plan_problem(ch->p, "%s of %s can't be written, and nothing else there is: %s", path,
			     chain_name(ch, volume, name), why.msg);
	return 0;
}

int chain_put(struct chain *ch, int volume, const char *path, const void *bytes, size_t len,
	      struct err *e, const char *reason)
{
	if (volume == ch->c->volume)
		return plan_write(ch->p, path, bytes, len, e, "%s", reason);
	return put_beside(ch, volume, path, bytes, len, e, reason);
}

int chain_put_disk(struct chain *ch, int disk, uint64_t off, const void *bytes, size_t len,
		   struct err *e, const char *reason)
{
	const struct chain_disk *d = chain_disk(ch, disk);
	cleanup_free char *now = malloc(len);
	struct edit *x;
	int r;

	if (!d || !now)
		return err_set(e, d ? ERR_NOMEM : ERR_NOT_FOUND, d ? "out of memory" :
			       "the disk can't be read");
	r = dev_read(d->dev, off, now, len, e);
	if (r || !memcmp(now, bytes, len))
		return r;
	x = plan_add(ch->p, EDIT_DISK, ch->c->volumes->disk[disk].path, "%s", reason);
	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	memcpy(now, bytes, len);
	x->data = now;
	x->len = len;
	x->offset = off;
	now = NULL;
	return 0;
}

/* ---- the whole chain ---- */

/* What is known from outside, but not where the old id is still somebody's. */
static int take_known_ids(struct chain *ch, struct err *e)
{
	const struct id_map *m = ch->c->ids;
	int r = 0;

	for (size_t i = 0; m && !r && i < m->n; i++)
		if (!part_id_volume(ch->c->volumes, &m->v[i].old))
			r = id_map_add(&ch->map, &m->v[i].old, &m->v[i].now, e);
	return r;
}

/* The changes of volumes beside Windows' own, and of all boot sectors. */
static int collect_edits(struct chain *ch, struct err *e)
{
	const struct volumes *v = ch->c->volumes;
	int r = 0;

	for (size_t i = 0; !r && i < v->n; i++)
		if (ch->vol[i].side.tree)
			r = sidevol_edits(&ch->vol[i].side, ch->p, v->disk[v->v[i].disk].path,
					  v->v[i].start, e);
	return r;
}

/* 1: this Windows is to be started by UEFI. */
static int is_uefi(const struct chain *ch)
{
	const struct volumes *v = ch->c->volumes;
	const struct volume *x = &v->v[ch->c->volume];

	if (ch->c->firmware != HW_FW_UNKNOWN)
		return ch->c->firmware == HW_FW_EFI;
	return x->disk >= 0 && (size_t)x->disk < v->n_disks && !strcmp(v->disk[x->disk].table, "gpt");
}

static int plan_all(struct chain *ch, struct err *e)
{
	int r = take_known_ids(ch, e);

	if (!r)
		r = is_uefi(ch) ? chain_uefi(ch, e) : chain_bios(ch, e);
	if (!r && !is_uefi(ch))
		r = chain_hidden(ch, ch->c->volume, e);
	if (!r && ch->c->system)
		r = chain_mounted(ch, e);
	return r ? r : collect_edits(ch, e);
}

static void done(struct chain *ch)
{
	for (size_t i = 0; ch->vol && i < ch->c->volumes->n; i++) {
		sidevol_done(&ch->vol[i].side);
		dev_close(ch->vol[i].dev);
	}
	free(ch->vol);
	for (size_t i = 0; i < VOLUME_DISKS_MAX; i++) {
		part_free(ch->disk[i].table);
		dev_close(ch->disk[i].dev);
	}
	id_map_done(&ch->map);
}

int win_plan_chain(const struct win_chain *c, struct plan *p, struct err *e)
{
	struct chain ch = { .c = c, .p = p, .system = -1 };
	const struct volumes *v = c->volumes;
	int r;

	if (!v || c->volume < 0 || (size_t)c->volume >= v->n || v->v[c->volume].part < 1 ||
	    v->v[c->volume].disk < 0 || (size_t)v->v[c->volume].disk >= v->n_disks) {
		plan_note(p, "What starts Windows was not looked at: on which partition of which "
			  "disk it is isn't known here");
		return 0;
	}
	ch.vol = calloc(v->n, sizeof *ch.vol);
	if (!ch.vol)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (chain_disk(&ch, v->v[c->volume].disk)) {
		r = plan_all(&ch, e);
	} else {
		plan_note(p, "What starts Windows was not looked at: %s can't be read",
			  v->disk[v->v[c->volume].disk].path);
		r = 0;
	}
	done(&ch);
	return r;
}
