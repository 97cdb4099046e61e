/* mbr.c: the MBR's four entries and the chain of logical partitions.
 *
 * Each EBR is a sector like the MBR inside the extended partition: its first
 * entry is a logical partition (relative to this EBR), its second leads to
 * the next EBR (relative to the extended partition). */
#include <stdio.h>
#include <string.h>
#include "common/checked.h"
#include "imager/part/internal.h"

struct chain {
	struct blkdev *d;
	struct part_table *t;
	uint32_t sector_size;
	unsigned int next_number;
	uint64_t base, size;         /* the extended partition, bytes */
	uint64_t seen[EBR_MAX];      /* bytes; against loops          */
	unsigned int n_seen;
};

static struct partition from_entry(const struct part_table *t,
				   const struct mbr_entry_disk *m, uint64_t base,
				   unsigned int number, uint32_t sector_size)
{
	struct partition p = {
		.number = number,
		.start = base + (uint64_t)le32_get(m->start) * sector_size,
		.size = (uint64_t)le32_get(m->sectors) * sector_size,
		.flags = m->active & 0x80 ? PART_ACTIVE : 0,
	};

	if (m->type == 0xef)
		p.flags |= PART_ESP;
	if (mbr_type_extended(m->type))
		p.flags |= PART_EXTENDED;
	snprintf(p.type, sizeof p.type, "0x%02x", m->type);
	snprintf(p.uuid, sizeof p.uuid, "%.8s-%02x", t->id, number);
	return p;
}

static int read_ebr(struct chain *c, uint64_t at, struct mbr_disk *ebr, struct err *e)
{
	int r;

	for (unsigned int i = 0; i < c->n_seen; i++)
		if (c->seen[i] == at)
			return err_set(e, ERR_CORRUPT,
				       "the chain of logical partitions runs in a circle at byte %llu",
				       (unsigned long long)at);
	if (c->n_seen == EBR_MAX)
		return err_set(e, ERR_CORRUPT,
			       "the chain of logical partitions has more than %u links", EBR_MAX);
	if (at < c->base || at - c->base >= c->size ||
	    c->size - (at - c->base) < c->sector_size)
		return err_set(e, ERR_CORRUPT,
			       "the chain of logical partitions leaves the extended partition, to byte %llu",
			       (unsigned long long)at);
	if (range_outside(at, c->sector_size, c->d->size))
		return err_set(e, ERR_CORRUPT,
			       "the chain of logical partitions leads to byte %llu, past the disk's end at %llu; is the disk or its copy cut short?",
			       (unsigned long long)at, (unsigned long long)c->d->size);
	c->seen[c->n_seen++] = at;
	r = dev_read(c->d, at, ebr, sizeof *ebr, e);
	if (r < 0)
		return r;
	if (ebr->magic[0] != 0x55 || ebr->magic[1] != 0xaa)
		return err_set(e, ERR_CORRUPT,
			       "the table of a logical partition at byte %llu has no signature",
			       (unsigned long long)at);
	return part_add_range(c->t, at, c->sector_size, "EBR", e);
}

/* Follows the chain from the extended partition's first sector. */
static int read_chain(struct chain *c, struct err *e)
{
	uint64_t at = c->base;

	for (;;) {
		struct mbr_disk ebr;
		int r = read_ebr(c, at, &ebr, e), have = 0, more = 0;
		uint64_t next = 0;

		if (r < 0)
			return r;
		for (int i = 0; i < 4; i++) {
			const struct mbr_entry_disk *m = &ebr.entry[i];
			struct partition p;

			if (!m->type || !le32_get(m->sectors))
				continue;
			if (mbr_type_extended(m->type)) {
				next = c->base + (uint64_t)le32_get(m->start) * c->sector_size;
				more++;
				continue;
			}
			p = from_entry(c->t, m, at, c->next_number++, c->sector_size);
			p.flags |= PART_LOGICAL;
			r = part_add(c->t, &p, e);
			if (r < 0)
				return r;
			have++;
		}
		if (have > 1 || more > 1)
			return err_set(e, ERR_CORRUPT,
				       "the table of a logical partition at byte %llu has several entries of a kind",
				       (unsigned long long)at);
		if (!more)
			return 0;
		at = next;
	}
}

static int read_entries(struct blkdev *d, const struct mbr_disk *mbr,
			struct part_table *t, struct err *e)
{
	struct chain c = { .d = d, .t = t, .sector_size = t->sector_size,
			   .next_number = 5 };
	int r = 0, extended = 0;

	for (unsigned int i = 0; i < 4 && !r; i++) {
		const struct mbr_entry_disk *m = &mbr->entry[i];
		struct partition p;

		if (m->active & 0x7f)
			return PART_NONE; /* as Linux: this is boot code */
		if (!m->type || !le32_get(m->sectors))
			continue;
		p = from_entry(t, m, 0, i + 1, t->sector_size);
		if (!p.start)
			return err_set(e, ERR_CORRUPT,
				       "partition %u begins at the MBR itself", i + 1);
		r = part_add(t, &p, e);
		if (r < 0 || !(p.flags & PART_EXTENDED))
			continue;
		if (extended++)
			return err_set(e, ERR_CORRUPT, "the MBR has two extended partitions");
		c.base = p.start;
		c.size = p.size;
	}
	if (!r && extended)
		r = read_chain(&c, e);
	return r;
}

int mbr_read(struct blkdev *d, const struct mbr_disk *mbr, uint32_t sector_size,
	     struct part_table **ret, struct err *e)
{
	struct part_table *t = part_table_new("mbr", sector_size, e);
	int r;

	if (!t)
		return ERR_NOMEM;
	snprintf(t->id, sizeof t->id, "%08x", le32_get(mbr->disk_id));
	r = part_add_range(t, 0, sector_size, "MBR", e);
	if (!r)
		r = read_entries(d, mbr, t, e);
	if (!r && !t->n_parts)
		r = PART_NONE; /* boot code, or a file system's boot sector */
	if (r) {
		part_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
