/* badlist.c: the body of BAD (FORMAT.md 4.5). */
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/record.h"

const char *bad_decode(const uint8_t *body, uint32_t len,
		       const struct image_params *p, struct byte_range **ret,
		       size_t *ret_n)
{
	size_t n = len / sizeof(struct bad_disk);
	struct byte_range *b;
	uint64_t at = 0;

	if (len % sizeof(struct bad_disk))
		return "has a wrong length";
	b = malloc(n * sizeof *b + 1);
	if (!b)
		return "can't be read for lack of memory";
	for (size_t i = 0; i < n; i++) {
		struct bad_disk d;

		memcpy(&d, body + i * sizeof d, sizeof d);
		b[i] = (struct byte_range){ le64_get(d.offset), le64_get(d.length) };
		if (!b[i].len || b[i].off < at ||
		    range_outside(b[i].off, b[i].len, p->used_end)) {
			free(b);
			return "lists unreadable places that aren't in order or not on the disk";
		}
		at = b[i].off + b[i].len;
	}
	*ret = b;
	*ret_n = n;
	return NULL;
}
