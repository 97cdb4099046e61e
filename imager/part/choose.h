/* choose.h: a list of partitions as a person gives it (`--only 1,3`), looked up in
 * a table. */
#ifndef REHOST_PART_CHOOSE_H
#define REHOST_PART_CHOOSE_H
#include "imager/part/part.h"

/* A GPT that part.h reads has at most so many entries (GPT_ENTRIES_MAX). */
#define PART_NUMBER_MAX 8192u

struct part_choice { uint8_t bits[PART_NUMBER_MAX / 8 + 1]; }; /* by number */

/* list: numbers, names or PARTUUIDs, joined by commas.  ERR_USAGE for one that
 * isn't there, or is no partition with content; e says which there are. */
int part_choose(const char *list, const struct part_table *t, struct part_choice *ret,
		struct err *e) must_check;
int part_chosen(const struct part_choice *c, unsigned int number); /* 1 or 0 */
/* "1, 2 (root), 5": those that can be chosen, for messages; cut to size. */
void part_choices_text(const struct part_table *t, char *ret, size_t size);

#endif
