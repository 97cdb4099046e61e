/* hivelog-new.c: transaction logs of Windows 8.1 and later: entries that each
 * hold the pages of one flush.
 *
 * Entries follow each other from the second sector on, numbered by ones from
 * the number in the log's base block.  Behind the last there may be zeros or
 * older entries.  Windows writes the two logs in turn, so the entries of one
 * may go on in the other.
 *
 * Windows 10 brings the hive itself up to date without touching its base
 * block: seen in a real SYSTEM whose numbers are 1622 and 1621, whose pages
 * hold entry 2110 and whose logs begin with 2107.  So a log belongs to a
 * hive when it isn't older than the hive's second number; being much newer
 * is no fault. */
#include <string.h>
#include "common/checked.h"
#include "drivers-inject/windows/hivelog-private.h"

struct entry_disk {
	uint8_t magic[4];       /* +0x00 "HvLE"                              */
	le32 size;              /* +0x04 of the entry; a multiple of 512     */
	le32 flags;             /* +0x08 REGF_KTM_LOCKED or 0                */
	le32 seq;               /* +0x0c                                     */
	le32 bins_size;         /* +0x10 of the hive; a multiple of 4096     */
	le32 n_pages;           /* +0x14                                     */
	le64 hash1;             /* +0x18 of all from 0x28 on                 */
	le64 hash2;             /* +0x20 of the 32 bytes before it           */
};                              /* then n_pages page_disk, then the pages    */
_Static_assert(sizeof(struct entry_disk) == 0x28, "HvLE");

struct page_disk {
	le32 offset;            /* +0x00 in the hive's bins                  */
	le32 size;              /* +0x04                                     */
};
_Static_assert(sizeof(struct page_disk) == 8, "HvLE page reference");

struct entry {
	const uint8_t *p;
	uint32_t size, seq, flags, bins_size, n_pages;
};

static struct page_disk page_ref(const struct entry *en, uint32_t i)
{
	struct page_disk d;

	memcpy(&d, en->p + sizeof(struct entry_disk) + i * sizeof d, sizeof d);
	return d;
}

/* NULL if each page lies in the hive, and their bytes in the entry. */
static const char *pages_fault(const struct entry *en)
{
	uint64_t used = sizeof(struct entry_disk) +
			(uint64_t)en->n_pages * sizeof(struct page_disk);

	if (used > en->size)
		return "it is too small for its list of pages";
	for (uint32_t i = 0; i < en->n_pages; i++) {
		struct page_disk d = page_ref(en, i);

		used += le32_get(d.size);
		if (range_outside(le32_get(d.offset), le32_get(d.size),
				  en->bins_size))
			return "a page of it lies outside the hive";
		if (used > en->size)
			return "it is too small for its pages";
	}
	return NULL;
}

/* Reads the entry at p, of which room bytes are there: NULL, or what is wrong
 * with it. */
static const char *entry_read(const uint8_t *p, size_t room, struct entry *ret)
{
	struct entry_disk d;

	memcpy(&d, p, sizeof d);
	*ret = (struct entry){ .p = p, .size = le32_get(d.size),
		.seq = le32_get(d.seq), .flags = le32_get(d.flags),
		.bins_size = le32_get(d.bins_size),
		.n_pages = le32_get(d.n_pages) };
	if (marvin32(HIVELOG_SEED, p, offsetof(struct entry_disk, hash2)) !=
	    le64_get(d.hash2))
		return "the hash of its header is wrong";
	if (ret->size < LOG_SECTOR || ret->size % LOG_SECTOR)
		return "its size is no multiple of 512";
	if (ret->size > room)
		return "the log ends inside it";
	if (marvin32(HIVELOG_SEED, p + sizeof d, ret->size - sizeof d) !=
	    le64_get(d.hash1))
		return "the hash of its pages is wrong";
	if (!ret->bins_size || ret->bins_size % REGF_BIN_ALIGN)
		return "its size of the hive is no multiple of 4096";
	return pages_fault(ret);
}

static int is_entry(const struct log *l, size_t off)
{
	return !range_outside(off, sizeof(struct entry_disk), l->len) &&
	       !memcmp(l->p + off, "HvLE", 4);
}

static void part_add(struct part *p, const struct entry *en)
{
	p->entries++;
	p->pages += en->n_pages;
	p->next = en->seq + 1;
	p->end += en->size;
	p->bins_size = en->bins_size;
	if (en->bins_size > p->bins_max)
		p->bins_max = en->bins_size;
	p->flags = en->flags & REGF_KTM_LOCKED;
}

/* Finds the consecutive entries of a log. */
static struct part walk(struct log *l)
{
	struct part p = { .log = l, .first = le32_get(l->base.seq1),
			  .end = LOG_SECTOR };
	struct entry en;

	p.next = p.first;
	while (!p.fault && is_entry(l, p.end)) {
		p.fault = entry_read(l->p + p.end, l->len - p.end, &en);
		if (p.fault)
			break;
		/* left over from the log's earlier use */
		if (regf_seq_before(en.seq, p.next))
			break;
		if (en.seq != p.next)
			p.fault = "entries before it are missing";
		else
			part_add(&p, &en);
	}
	return p;
}

/* The hive has a base block: both logs, the one with the earlier entries
 * first.  One that does not go on where the other ends is left out, as Windows
 * does; so is a log that begins anew where the first one's entries broke off. */
static void plan_both(const struct primary *pri, struct part *parts,
		      struct plan *ret)
{
	uint32_t seq2 = le32_get(pri->base.seq2), next = 0;
	int swap = parts[0].log && parts[1].log &&
		   regf_seq_before(parts[1].first, parts[0].first);
	int begun = 0;

	for (int i = 0; i < HIVELOG_INPUTS_MAX; i++) {
		const struct part *p = &parts[swap ? 1 - i : i];

		if (!p->log)
			continue;
		if (regf_seq_before(p->first, seq2)) {
			hivelog_why(p->log, "its entries, from %u on, are "
				    "older than the hive", p->first);
			continue;
		}
		if (begun && p->first != next) {
			hivelog_why(p->log, "its entries begin with %u, where "
				    "%u must come next", p->first, next);
			ret->cut = 1;
			continue;
		}
		begun = 1;
		next = p->next;
		ret->part[ret->n++] = *p;
	}
}

/* It has none: only the log with the latest entries, whose base block it
 * gets. */
static void plan_latest(const struct part *parts, struct plan *ret)
{
	const struct part *best = NULL;

	for (int i = 0; i < HIVELOG_INPUTS_MAX; i++)
		if (parts[i].entries &&
		    (!best || regf_seq_before(best->next, parts[i].next)))
			best = &parts[i];
	if (!best)
		return;
	for (int i = 0; i < HIVELOG_INPUTS_MAX; i++)
		if (parts[i].log && &parts[i] != best)
			hivelog_why(parts[i].log, "the other log's entries are "
				    "later");
	ret->part[ret->n++] = *best;
	ret->base = best->log;
}

/* Takes out what has no entries, saying so. */
static void drop_empty(struct plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct part *p = &plan->part[i];

		if (p->fault)
			plan->cut = 1;
		if (p->entries)
			plan->part[n++] = *p;
		else
			hivelog_why(p->log, "its first entry can't be used: %s",
				    p->fault ? p->fault : "there is none");
	}
	plan->n = n;
}

int hivelog_new_plan(const struct primary *pri, struct log *logs, size_t n,
		     struct plan *ret)
{
	struct part parts[HIVELOG_INPUTS_MAX] = { 0 };

	*ret = (struct plan){ .kind = HIVELOG_NEW };
	for (size_t i = 0; i < n; i++)
		if (logs[i].kind == HIVELOG_NEW)
			parts[i] = walk(&logs[i]);
	if (pri->valid)
		plan_both(pri, parts, ret);
	else
		plan_latest(parts, ret);
	drop_empty(ret);
	if (ret->n)
		ret->seq_after = ret->part[ret->n - 1].next;
	return ret->n != 0;
}

void hivelog_new_apply(const struct part *p, uint8_t *bins)
{
	struct entry en;
	size_t off = LOG_SECTOR;

	for (size_t i = 0; i < p->entries; i++, off += en.size) {
		const uint8_t *from;

		if (entry_read(p->log->p + off, p->log->len - off, &en))
			return;         /* walk() found no fault with it */
		from = en.p + sizeof(struct entry_disk) +
		       en.n_pages * sizeof(struct page_disk);
		for (uint32_t k = 0; k < en.n_pages; k++) {
			struct page_disk d = page_ref(&en, k);

			memcpy(bins + le32_get(d.offset), from,
			       le32_get(d.size));
			from += le32_get(d.size);
		}
	}
}
