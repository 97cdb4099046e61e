/* md.c: members of Linux software RAIDs; see md.h.
 *
 * Looked into is what one member has all of: a RAID1, and a RAID0 or linear array of one
 * disk.  Kept are superblock, bitmap, list of bad blocks, the first MiB (boot loaders),
 * and what lies behind the array's data; the rest before the data is only there for
 * reshaping.  A RAID1 that wasn't stopped, or is being synchronised, is no doubt: this
 * member is either the one that the others are copied from, or is written anew.  Only
 * one that is being filled for the first time holds nothing whole. */
#include <stdio.h>
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

static const char *level_name(int level)
{
	static const struct { int level; const char *name; } all[] = {
		{ -4, "multipath" }, { MD_LINEAR, "linear" }, { 0, "RAID0" }, { 1, "RAID1" },
		{ 4, "RAID4" }, { 5, "RAID5" }, { 6, "RAID6" }, { 10, "RAID10" },
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i].level == level)
			return all[i].name;
	return "array of an unknown level";
}

/* Bytes that the array has, if they are all on this member; 0: they aren't. */
static uint64_t array_size(const struct md_member *m)
{
	if (m->level == 1 && m->disks)
		return m->size;
	if ((m->level == 0 || m->level == MD_LINEAR) && m->disks == 1)
		return m->chunk ? m->room - m->room % m->chunk : m->room;
	return 0;
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

static int md_open(struct blkdev *parent, const struct cont_member *all, size_t n, size_t self,
		   const struct cont_keys *keys, struct container_found *ret, struct err *e)
{
	const struct cont_member *c = &all[self];
	struct md_member m;
	struct cont_volume *v;
	struct dev_piece p;
	int r = md_super_read(c->d, &m, e);

	(void)parent;
	(void)n;
	(void)keys;
	if (r)
		return r < 0 ? r : err_set(e, ERR_IO, "the superblock of a RAID member is gone");
	snprintf(ret->holds, sizeof ret->holds, "%s of %llu disk%s", level_name(m.level),
		 (unsigned long long)m.disks, m.disks == 1 ? "" : "s");
	p = (struct dev_piece){ .off = c->start + m.data, .len = array_size(&m) };
	if (m.why[0])
		return err_set(e, ERR_UNSUPPORTED, "%s", m.why);
	if (!p.len)
		return err_set(e, ERR_UNSUPPORTED, "only a part of the array (%s) is on this disk", ret->holds);
	if (p.len > m.room)
		return err_set(e, ERR_CORRUPT, "the array is larger than its member");
	p.chunk = p.stride = p.len;
	v = cont_volume_add(ret, e);
	if (!v)
		return ERR_NOMEM;
	snprintf(v->what, sizeof v->what, "array %s", m.name[0] ? m.name : m.uuid);
	v->size = p.len;
	r = cont_piece_add(v, &p, e);
	v->n_read = v->n;
	ret->covers[self] = 1;
	return r ? r : keep_meta(&m, c->start, m.data + p.len, c->d->size, &ret->meta, e);
}

const struct container cont_md = { "md", "linux_raid_member", md_probe, md_open };
