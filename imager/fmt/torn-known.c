/* torn-known.c: see torn-int.h: an open hash table; hashes are random enough as they are. */
#include "imager/fmt/torn-int.h"
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const uint8_t *hash)
{
	uint64_t key;

	memcpy(&key, hash, sizeof key);
	return key ? key : 1; /* 0: an empty place */
}

static struct known *place(const struct torn_known *k, uint64_t key)
{
	size_t i = key & (k->room - 1);

	while (k->v[i].key && k->v[i].key != key)
		i = (i + 1) & (k->room - 1);
	return &k->v[i];
}

static int grow(struct torn_known *k, struct err *e)
{
	struct torn_known n = { .room = k->room ? 2 * k->room : 1024, .n = k->n };

	n.v = calloc(n.room, sizeof *n.v);
	if (!n.v)
		return err_set(e, ERR_NOMEM, "out of memory for the image's chunks");
	for (size_t i = 0; i < k->room; i++)
		if (k->v[i].key)
			*place(&n, k->v[i].key) = k->v[i];
	free(k->v);
	*k = n;
	return 0;
}

int known_add(struct torn_known *k, const uint8_t *hash, uint64_t at, struct err *e)
{
	uint64_t key = key_of(hash);
	struct known *p;

	/* a quarter stays empty, so that places are found fast */
	if (k->n >= k->room / 4 * 3) {
		if (k->room >= TORN_KNOWN_MAX) {
			k->full = 1;
			return 0;
		}
		if (grow(k, e) < 0)
			return e->code;
	}
	p = place(k, key);
	k->n += !p->key;
	if (!p->key)
		*p = (struct known){ key, at };
	return 0;
}

int known_find(const struct torn_known *k, const uint8_t *hash, uint64_t *ret_at)
{
	const struct known *p = k->room ? place(k, key_of(hash)) : NULL;

	if (!p || !p->key)
		return 0;
	*ret_at = p->at;
	return 1;
}
