/* hivelog-old.c: transaction logs up to Windows 8: the pages of one write.
 *
 * From the second sector on: "DIRT", then a bit for each 512 bytes of the
 * hive's bins, the lowest bit of a byte first; from the next sector on, the
 * pages whose bit is set.  Such a log belongs to a hive when both were written
 * at the same time, says the time in their base blocks.
 *
 * Two rules are stricter or laxer than Windows':
 * - A log must not be older than the hive by its sequence number either: from
 *   Windows 8.1 on the time is not kept, and what an older Windows left there
 *   would be taken for new.
 * - Of a hive without a valid base block Windows compares the first bin's time
 *   and, if that isn't the log's, mends it without the log.  But the time of
 *   that bin is only written when the bin itself is (seen in a real hive), so
 *   here the log may be newer than it. */
#include <string.h>
#include "common/checked.h"
#include "drivers-inject/windows/hivelog-private.h"

#define PAGE 512u
#define MAGIC "DIRT"

static int bit(const uint8_t *map, size_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

/* Finds the bitmap and the pages; NULL, or why they can't be used. */
static const char *find_pages(struct log *l, struct part *ret,
			      const uint8_t **ret_map)
{
	uint32_t bins = le32_get(l->base.bins_size);
	uint32_t clustering = le32_get(l->base.clustering);
	size_t sector, map_len = bins / PAGE / 8, map_end;

	if (!bins || bins % REGF_BIN_ALIGN)
		return "its size of the hive is no multiple of 4096";
	/* sectors of 512 to 4096 bytes */
	if (!clustering || clustering > 8)
		return "its sectors have a size that no disk has";
	sector = clustering * LOG_SECTOR;
	map_end = sector + strlen(MAGIC) + map_len;
	if (map_end > l->len)
		return "it ends before its list of pages does";
	if (memcmp(l->p + sector, MAGIC, strlen(MAGIC)))
		return "it has no list of pages";
	*ret_map = l->p + sector + strlen(MAGIC);
	*ret = (struct part){ .log = l, .first = le32_get(l->base.seq1),
		.next = le32_get(l->base.seq1) + 1, .entries = 1,
		.bins_size = bins, .bins_max = bins,
		.flags = le32_get(l->base.flags) & REGF_KTM_LOCKED,
		.from = (map_end + sector - 1) / sector * sector };
	for (size_t i = 0; i < map_len * 8; i++)
		ret->pages += (size_t)bit(*ret_map, i);
	if (range_outside(ret->from, (uint64_t)ret->pages * PAGE, l->len))
		return "it ends before the last of its pages";
	return NULL;
}

/* The time of a hive whose base block is invalid: its first bin's; 0: none. */
static uint64_t first_bin_time(const struct primary *pri)
{
	struct regf_bin_disk b;

	memcpy(&b, pri->p + REGF_BINS, sizeof b);
	return memcmp(b.magic, "hbin", 4) ? 0 : le64_get(b.written);
}

/* 1 if the log was written together with the hive; else its why says why. */
static int belongs(const struct primary *pri, struct log *l)
{
	uint64_t log = le64_get(l->base.written);
	uint64_t hive = pri->valid ? le64_get(pri->base.written) :
			first_bin_time(pri);
	uint32_t seq = le32_get(l->base.seq1);

	if (pri->valid ? log != hive : log < hive)
		hivelog_why(l, "it was written at another time (%llu) than the "
			    "hive (%llu)", (unsigned long long)log,
			    (unsigned long long)hive);
	else if (pri->valid && regf_seq_before(seq, le32_get(pri->base.seq2)))
		hivelog_why(l, "its sequence number %u is older than the hive",
			    seq);
	else
		return 1;
	return 0;
}

static int newer(const struct log *a, const struct log *b)
{
	return le64_get(a->base.written) > le64_get(b->base.written);
}

/* The first log that fits; without a base block, the newest of those. */
int hivelog_old_plan(const struct primary *pri, struct log *logs, size_t n,
		     struct plan *ret)
{
	*ret = (struct plan){ .kind = HIVELOG_OLD };
	for (size_t i = 0; i < n; i++) {
		struct log *l = &logs[i];
		const uint8_t *map;
		const char *fault;
		struct part p;

		if (l->kind != HIVELOG_OLD || !belongs(pri, l))
			continue;
		fault = find_pages(l, &p, &map);
		if (fault)
			hivelog_why(l, "%s", fault);
		else if (!ret->n || (!pri->valid && newer(l, ret->base))) {
			if (ret->n)
				hivelog_why(ret->part[0].log, "the other log is "
					    "newer");
			ret->part[0] = p;
			ret->n = 1;
			ret->base = l;
		} else
			hivelog_why(l, "the other log fits");
	}
	if (!ret->n)
		return 0;
	ret->seq_after = ret->part[0].next;
	if (pri->valid) {
		ret->base = NULL;
		if (regf_seq_before(ret->seq_after,
				    le32_get(pri->base.seq1) + 1))
			ret->seq_after = le32_get(pri->base.seq1) + 1;
	}
	return 1;
}

void hivelog_old_apply(const struct part *p, uint8_t *bins)
{
	const uint8_t *from = p->log->p + p->from, *map;
	struct part same;

	if (find_pages(p->log, &same, &map))
		return;                 /* it was found without a fault */
	for (size_t i = 0; i < p->bins_size / PAGE; i++)
		if (bit(map, i)) {
			memcpy(bins + i * PAGE, from, PAGE);
			from += PAGE;
		}
}
