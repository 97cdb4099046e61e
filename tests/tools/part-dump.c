/* part-dump.c: prints a disk's partition table as the imager reads it.
 *
 *   part-dump [-s SECTOR_SIZE] DISK
 *
 * Lines: "table KIND ID SECTOR_SIZE", "part NUMBER START SIZE TYPE UUID FLAGS
 * NAME", "range START SIZE WHAT", "note TEXT"; or "none"; or "refused TEXT". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/part/part.h"

static void dump(const struct part_table *t)
{
	printf("table %s %s %u\n", t->kind, t->id, t->sector_size);
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];

		printf("part %u %llu %llu %s %s %u %s\n", p->number,
		       (unsigned long long)p->start, (unsigned long long)p->size,
		       p->type, p->uuid, p->flags, p->name);
	}
	for (size_t i = 0; i < t->n_ranges; i++)
		printf("range %llu %llu %s\n", (unsigned long long)t->ranges[i].start,
		       (unsigned long long)t->ranges[i].size, t->ranges[i].what);
	if (t->note)
		printf("note %s\n", t->note);
}

int main(int argc, char **argv)
{
	struct blkdev *d;
	struct part_table *t;
	struct err e = { 0 };
	uint32_t sector_size = 0;
	int r, i = 1;

	if (argc > 3 && !strcmp(argv[1], "-s")) {
		sector_size = (uint32_t)atoi(argv[2]);
		i = 3;
	}
	if (i + 1 != argc || dev_open_ro(argv[i], &d, &e) < 0) {
		fprintf(stderr, "part-dump [-s SECTOR_SIZE] DISK\n%s\n", e.msg);
		return 2;
	}
	if (sector_size)
		d->sector_size = sector_size;
	r = part_read(d, &t, &e);
	if (r == PART_NONE) {
		puts("none");
	} else if (r < 0) {
		printf("refused %s\n", e.msg);
	} else {
		dump(t);
		part_free(t);
	}
	dev_close(d);
	return r < 0;
}
