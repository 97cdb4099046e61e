/* pe-text.c: see pe-text.h.
 *
 * Microsoft, "VS_VERSIONINFO", "StringFileInfo", "StringTable", "String": nodes in
 * nodes, each with three words (its length in bytes with all in it, the length of its
 * value, 1 for text), a key in UTF-16 with a 0, and a value and nodes, both aligned to
 * 4 bytes from the start of the resource. */
#include "drivers-inject/windows/pe-text.h"
#include <string.h>
#include "common/le.h"
#include "common/text.h"

#define HEAD 6
#define ALIGNED(n) (((n) + 3) & ~(size_t)3)
enum level { INFO, FILE_INFO, TABLE, TEXT };

struct node {
	size_t end;             /* behind it                                 */
	const uint8_t *key;
	size_t value;           /* where its value begins                    */
	size_t value_n;         /* bytes, of a binary one             */
};

static unsigned word(const uint8_t *b)
{
	return b[0] | (unsigned)b[1] << 8;
}

/* The node at `at`, which ends at `end` at the latest; -1: it is damaged. */
static int node_at(const uint8_t *b, size_t at, size_t end, struct node *ret)
{
	size_t len, key;

	if (at > end || end - at < HEAD)
		return -1;
	len = word(b + at);
	if (len < HEAD || len > end - at)
		return -1;
	*ret = (struct node){ .end = at + len, .key = b + at + HEAD, .value_n = word(b + at + 2) };
	for (key = at + HEAD; key + 2 <= ret->end; key += 2)
		if (!word(b + key))
			break;
	if (key + 2 > ret->end)
		return -1;
	ret->value = ALIGNED(key + 2);
	return 0;
}

static int has_key(const struct node *n, const char *name)
{
	size_t i = 0;

	for (; name[i]; i++)    /* it has a 0, so this ends */
		if (word(n->key + 2 * i) != (unsigned char)name[i])
			return 0;
	return !word(n->key + 2 * i);
}

static int value_of(const uint8_t *b, const struct node *n, char *ret, size_t size)
{
	if (n->value < n->end)
		text_from_utf16le(b + n->value, (n->end - n->value) / 2, ret, size);
	return *ret != 0;
}

/* Looks into the nodes of [at, end), which stand at that level. */
static int find(const uint8_t *b, size_t at, size_t end, enum level level, const char *name, char *ret,
		size_t size)
{
	struct node n;

	for (; !node_at(b, at, end, &n); at = ALIGNED(n.end)) {
		size_t inner = level == INFO ? ALIGNED(n.value + n.value_n) : n.value;

		if (level == TEXT) {
			if (has_key(&n, name))
				return value_of(b, &n, ret, size);
		} else if ((level != FILE_INFO || has_key(&n, "StringFileInfo")) &&
			   find(b, inner, n.end, level + 1, name, ret, size)) {
			return 1;
		}
	}
	return 0;
}

int pe_text(const void *bytes, const struct pe *pe, const char *name, char *ret, size_t size)
{
	*ret = 0;
	return pe->has_version &&
	       find((const uint8_t *)bytes + pe->info_at, 0, pe->info_n, INFO, name, ret, size);
}
