/* md.c: members of Linux software RAIDs; see md.h.
 *
 * Looked into are a RAID1, by each member alone, and a RAID0 or linear array of which all
 * members are here.  Kept are superblock, bitmap, list of bad blocks, the first MiB (boot loaders),
 * and what lies behind the array's data; the rest before the data is only there for
 * reshaping.  A RAID1 that wasn't stopped, or is being synchronised, is no doubt: this
 * member is either the one that the others are copied from, or is written anew.  Only
 * one that is being filled for the first time holds nothing whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/le.h"
#include "imager/container/kinds.h"
#include "imager/container/md.h"

#define MAGIC 0xa92b4efcu
#define HEAD (1ull << 20)

struct place { uint64_t at; int version; };

/* Reads one place; FS_NOT_MINE. */
static int try_place(struct blkdev *d, const struct place *p, struct md_member *ret, struct err *e)
{
	uint8_t buf[4096];
	le32 magic, major;

	if (range_outside(p->at, sizeof buf, d->size) || dev_read(d, p->at, buf, sizeof buf, NULL) < 0)
		return FS_NOT_MINE;
	memcpy(&magic, buf, 4);
	memcpy(&major, buf + 4, 4);
	if (le32_get(magic) != MAGIC || le32_get(major) != (uint32_t)p->version)
		return FS_NOT_MINE;
	return p->version ? md_super_1(d, p->at, buf, ret, e) : md_super_0(d, p->at, buf, ret, e);
}

int md_super_read(struct blkdev *d, struct md_member *ret, struct err *e)
{
	struct place places[] = {
		{ (d->size & ~0xffffull) - 0x10000, 0 },
		{ (d->size - 8192) & ~4095ull, 1 }, { 0, 1 }, { 4096, 1 },
	};
	int found = 0, r;

	if (d->size < 128 << 10)
		return FS_NOT_MINE;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		r = try_place(d, &places[i], ret, e);
		if (r < 0)
			return r;
		if (!r && found++)
			return err_set(e, ERR_CORRUPT, "there are superblocks of two RAIDs");
	}
	return found ? 0 : FS_NOT_MINE;
}

static int md_probe(struct blkdev *d, struct cont_ident *ret, struct err *e)
{
	struct cont_ident id = { 0 };
	struct md_member m;
	int r = md_super_read(d, &m, e);

	if (r)
		return r;
	snprintf(id.fs.type, sizeof id.fs.type, "linux_raid_member");
	snprintf(id.fs.uuid, sizeof id.fs.uuid, "%s", m.uuid);
	snprintf(id.fs.label, sizeof id.fs.label, "%s", m.name);
	id.shows_inside = !m.data;
	*ret = id;
	return 0;
}

/* NULL: it isn't known. */
static const char *level_name(int level)
{
	static const struct { int level; const char *name; } all[] = {
		{ -4, "multipath" }, { MD_LINEAR, "linear" }, { 0, "RAID0" }, { 1, "RAID1" },
		{ 4, "RAID4" }, { 5, "RAID5" }, { 6, "RAID6" }, { 10, "RAID10" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].level == level)
			return all[i].name;
	return NULL;
}

static int keep_meta(const struct md_member *m, uint64_t start, uint64_t end, uint64_t dev_end,
		     struct ranges *meta, struct err *e)
{
	uint64_t head = m->data < HEAD ? m->data : HEAD;
	int r = ranges_add(meta, start, start + head, e);

	if (!r)
		r = ranges_add(meta, start + m->super, start + m->super + m->super_len, e);
	for (size_t i = 0; i < MD_AREAS && !r; i++)
		r = ranges_add(meta, start + m->area[i].off, start + m->area[i].off + m->area[i].len, e);
	return r ? r : ranges_add(meta, start + end, start + dev_end, e);
}

/* ---- the members of an array ---- */

struct one {
	struct md_member m;
	const struct cont_member *c; /* NULL: it isn't here                  */
	size_t i;                 /* of those that open() was given          */
	uint64_t len;             /* bytes of it that the array uses         */
};

static int same_array(const struct md_member *a, const struct md_member *b)
{
	return a->level == b->level && a->disks == b->disks && a->chunk == b->chunk &&
	       a->layout == b->layout && a->events == b->events;
}

/* Fills v, of n, by the members' places in the array of `self`. */
static int gather(const struct cont_member *all, size_t n, const struct md_member *self,
		  const char *holds, struct one *v, struct err *e)
{
	uint64_t found = 0;

	for (size_t i = 0; i < n && self->disks <= n; i++) {
		struct md_member m;
		int r = md_super_read(all[i].d, &m, NULL); /* a damaged one is none of it */

		if (r == ERR_NOMEM)
			return err_set(e, r, "out of memory for an array");
		if (r || strcmp(m.uuid, self->uuid))
			continue;
		if (m.why[0])
			return err_set(e, ERR_UNSUPPORTED, "of another member of the array: %s", m.why);
		if (!same_array(&m, self))
			return err_set(e, ERR_CORRUPT, "the members of the array don't agree");
		if (v[m.role].c)
			return err_set(e, ERR_CORRUPT, "member %llu of the array is there twice", (unsigned long long)m.role);
		v[m.role] = (struct one){ m, &all[i], i, m.chunk ? m.room - m.room % m.chunk : m.room };
		found++;
	}
	if (found < self->disks)
		return err_set(e, ERR_NOT_FOUND, "only a part of the array (%s) is on this disk; captured together, its disks are looked into", holds);
	return 0;
}

static int add_piece(struct cont_volume *v, const struct one *o, struct dev_piece *p, struct err *e)
{
	p->off += o->c->start + o->m.data;
	return p->len ? cont_piece_add(v, p, e) : 0;
}

static int linear(const struct one *v, uint64_t n, struct cont_volume *ret, struct err *e)
{
	int r = 0;

	for (uint64_t i = 0; i < n && !r; i++) {
		struct dev_piece p = { 0, v[i].len, ret->size, v[i].len, v[i].len };

		r = add_piece(ret, &v[i], &p, e);
		ret->size += v[i].len;
	}
	return r;
}

/* Chunks go round all members; where the smallest of these ends, round the larger ones
 * (a zone).  Which of them has a zone's first chunk: the first, or, with the original
 * layout, the one that would have it if all of the array went round these. */
static int raid0(const struct one *v, uint64_t n, struct cont_volume *ret, struct err *e)
{
	uint64_t chunk = v[0].m.chunk, from = 0, to, live, k;
	int r = chunk ? 0 : err_set(e, ERR_CORRUPT, "the RAID0 has no size of chunks");

	for (; !r; from = to) {
		for (to = UINT64_MAX, live = k = 0; k < n; k++) {
			if (v[k].len <= from)
				continue;
			live++;
			to = v[k].len < to ? v[k].len : to;
		}
		if (!live)
			return 0;
		if (from && live > 1 && v[0].m.layout != MD_ORIGINAL && v[0].m.layout != MD_ALTERNATE)
			return err_set(e, ERR_UNSUPPORTED, "the RAID0's members differ in size, and it doesn't say how it is laid out");
		k = v[0].m.layout == MD_ORIGINAL ? live - ret->size / chunk % live : 0;
		for (uint64_t i = 0; i < n && !r; i++) {
			struct dev_piece p = { from, to - from, ret->size + k % live * chunk, chunk, live * chunk };

			if (v[i].len <= from)
				continue;
			r = add_piece(ret, &v[i], &p, e);
			k++;
		}
		ret->size += (to - from) * live;
	}
	return r;
}

static int raid1(const struct one *o, struct cont_volume *ret, struct err *e)
{
	struct dev_piece p = { 0, o->len, 0, o->len, o->len };

	if (o->len > o->m.room)
		return err_set(e, ERR_CORRUPT, "the array is larger than its member");
	ret->size = o->len;
	return add_piece(ret, o, &p, e);
}

/* v: all members, of a RAID1 only this one. */
static int put_array(const struct one *v, uint64_t n, struct container_found *ret, struct err *e)
{
	struct cont_volume *vol = cont_volume_add(ret, e);
	int r;

	if (!vol)
		return ERR_NOMEM;
	snprintf(vol->what, sizeof vol->what, "array %s", v->m.name[0] ? v->m.name : v->m.uuid);
	r = v->m.level == 1 ? raid1(v, vol, e) : v->m.level ? linear(v, n, vol, e) : raid0(v, n, vol, e);
	vol->n_read = vol->n;
	if (!r && !vol->size)
		r = err_set(e, ERR_CORRUPT, "the array has no bytes");
	for (uint64_t i = 0; i < n && !r; i++) {
		ret->covers[v[i].i] = 1;
		r = keep_meta(&v[i].m, v[i].c->start, v[i].m.data + v[i].len, v[i].c->d->size, &ret->meta, e);
	}
	return r;
}

static int md_open(struct blkdev *parent, const struct cont_member *all, size_t n, size_t self,
		   const struct cont_keys *keys, struct container_found *ret, struct err *e)
{
	struct md_member m;
	struct one *v;
	int r = md_super_read(all[self].d, &m, e);

	(void)parent;
	(void)keys;
	if (r)
		return r < 0 ? r : err_set(e, ERR_IO, "the superblock of a RAID member is gone");
	if (m.why[0])
		return err_set(e, ERR_UNSUPPORTED, "%s", m.why);
	if (!level_name(m.level))
		return err_set(e, ERR_UNSUPPORTED, "the array's level (%d) isn't known here", m.level);
	snprintf(ret->holds, sizeof ret->holds, "%s of %llu disk%s", level_name(m.level),
		 (unsigned long long)m.disks, m.disks == 1 ? "" : "s");
	if (m.level == 1) {
		struct one only = { m, &all[self], self, m.size };

		return put_array(&only, 1, ret, e);
	}
	if (m.level != 0 && m.level != MD_LINEAR)
		return err_set(e, ERR_NOT_FOUND, "a member of a %s isn't looked into", ret->holds);
	v = calloc(n, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for an array");
	r = gather(all, n, &m, ret->holds, v, e);
	if (!r)
		r = put_array(v, m.disks, ret, e);
	free(v);
	return r;
}

const struct container cont_md = { "md", "linux_raid_member", md_probe, md_open };
