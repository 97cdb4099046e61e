/* hive-find.c: keys and values by name.
 *
 * libhivex looks at one key after the other and converts each name.  Of keys with many
 * keys below them (Services, the ids of a bus) hashes of the names are kept, until a
 * key is made or removed. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/hive-int.h"

enum { MANY = 32 };     /* fewer are compared sooner than a table is made */

static uint32_t hash_of(const char *s)
{
	uint32_t n = 2166136261u;       /* FNV-1a, a to z as A to Z */

	for (; *s; s++)
		n = (n ^ (uint8_t)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s)) * 16777619u;
	return n;
}

/* A name that libhivex can't give as a string (half of a surrogate pair, a NUL in it)
 * equals none; hivex_node_get_child() would stop at it, or take its beginning. */
static int is_named(const struct hive *h, hive_node_h node, const char *name)
{
	cleanup_free char *s = NULL;

	/* the length first: it is had without converting */
	if (hivex_node_name_len(h->h, node) != strlen(name))
		return 0;
	s = hivex_node_name(h->h, node);
	return s && !strcasecmp(s, name);
}

void hive_forget(const struct hive *h)
{
	for (size_t i = 0; i < HIVE_TABLES; i++) {
		free(h->tables->v[i].keys);
		free(h->tables->v[i].hashes);
		h->tables->v[i] = (struct hive_table){ 0 };
	}
}

/* Takes keys, which end with 0, over, in place of the oldest table.  NULL: no memory, or
 * too few. */
static const struct hive_table *remember(const struct hive *h, hive_node_h parent,
					 hive_node_h **keys)
{
	struct hive_table *t = &h->tables->v[h->tables->next % HIVE_TABLES];
	uint32_t *hashes;
	size_t n = 0;

	while ((*keys)[n])
		n++;
	hashes = n < MANY ? NULL : malloc(n * sizeof *hashes);
	if (!hashes)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *s = hivex_node_name(h->h, (*keys)[i]);

		hashes[i] = s ? hash_of(s) : 0;
	}
	free(t->keys);
	free(t->hashes);
	*t = (struct hive_table){ parent, *keys, hashes, n };
	*keys = NULL;
	h->tables->next++;
	return t;
}

static hive_node_h find_in(const struct hive *h, const struct hive_table *t, const char *name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = 0; i < t->n; i++)
		if (t->hashes[i] == hash && is_named(h, t->keys[i], name))
			return t->keys[i];
	return 0;
}

hive_node_h hive_find_child(const struct hive *h, hive_node_h node, const char *name)
{
	cleanup_free hive_node_h *all = NULL;
	const struct hive_table *t;

	for (size_t i = 0; i < HIVE_TABLES; i++)
		if (h->tables->v[i].parent == node)
			return find_in(h, &h->tables->v[i], name);
	all = hivex_node_children(h->h, node);
	t = all ? remember(h, node, &all) : NULL;
	if (t)
		return find_in(h, t, name);
	for (size_t i = 0; all && all[i]; i++)
		if (is_named(h, all[i], name))
			return all[i];
	return 0;
}

hive_node_h hive_find_key(const struct hive *h, const char *path)
{
	hive_node_h node = hivex_root(h->h);
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return 0;
	while (node && (name = strsep(&rest, "\\")))
		if (*name)
			node = hive_find_child(h, node, name);
	return node;
}

hive_value_h hive_find_value(const struct hive *h, const char *key, const char *value)
{
	hive_node_h node = hive_find_key(h, key);
	cleanup_free hive_value_h *all = node ? hivex_node_values(h->h, node) : NULL;

	for (size_t i = 0; all && all[i]; i++) {
		cleanup_free char *s = hivex_value_key(h->h, all[i]);

		if (s && !strcasecmp(s, value) && hivex_value_key_len(h->h, all[i]) == strlen(s))
			return all[i];
	}
	return 0;
}
