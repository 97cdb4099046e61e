/* part-id.h: a partition as Windows' boot data names it: by GUIDs on a GPT disk,
 * by disk signature and offset on an MBR disk. */
#ifndef REHOST_WINDOWS_PART_ID_H
#define REHOST_WINDOWS_PART_ID_H
#include "drivers-inject/volumes.h"

#define PART_ID_TEXT 128        /* bytes of its name for people              */

struct part_id {
	int gpt;                /* 1: part and disk count, 0: the others     */
	uint8_t part[16];       /* as on the disk: the first three fields
				 * little-endian                             */
	uint8_t disk[16];
	uint64_t offset;        /* bytes                                     */
	uint32_t signature;
};

/* 1: *ret names the volume, which must be a partition of a known disk. */
int part_id_of(const struct volumes *v, const struct volume *x, struct part_id *ret);
int part_id_same(const struct part_id *a, const struct part_id *b);
/* "partition GUID of disk GUID", "the partition at 1048576 bytes of disk 1234abcd" */
void part_id_text(const struct part_id *id, char ret[PART_ID_TEXT]);
/* The partition that has this id now; NULL: none. */
const struct volume *part_id_volume(const struct volumes *v, const struct part_id *id);
/* "12345678-..." to bytes as on the disk; 0: it is no GUID. */
int guid_parse(const char *text, uint8_t ret[16]);

/* What became of partitions whose ids changed. */
struct id_pair {
	struct part_id old, now;
};
struct id_map {
	struct id_pair *v;
	size_t n;
};
/* NULL: nothing is known of that partition. */
const struct part_id *id_map_find(const struct id_map *m, const struct part_id *old);
/* ERR_NOMEM; a pair that is there already is not added again. */
int id_map_add(struct id_map *m, const struct part_id *old, const struct part_id *now,
	       struct err *e) must_check;
void id_map_done(struct id_map *m);
#endif
