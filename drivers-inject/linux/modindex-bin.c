/* modindex-bin.c: modules.dep.bin, libkmod's index of version 2.1: a trie.
 *
 * File (all numbers big-endian, 32 bit):
 *   +0  magic 0xb007f457    +4  version 0x00020001    +8  root node
 * A node is told by its offset with flags in the high bits; what the flags say
 * is there follows in this order:
 *   0x80000000  the characters all keys below share, a string
 *   0x20000000  first and last character of the children (a byte each), then a
 *               node for each character from first to last (0: none)
 *   0x40000000  number of values, then of each its priority and a string
 * Children stand before their parents. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/modindex.h"
#include "drivers-inject/linux/modules-private.h"

#define MAGIC 0xb007f457u
#define INDEX_VERSION 0x00020001u
#define HAS_PREFIX 0x80000000u
#define HAS_VALUES 0x40000000u
#define HAS_CHILDREN 0x20000000u
#define OFFSET_MASK 0x0fffffffu

struct entry {
	char key[MODULE_NAME_SIZE];
	const char *value;
	uint32_t priority;      /* the place in modules.dep */
};

struct writing {
	FILE *f;
	const struct entry *v;
};

static void put32(FILE *f, uint32_t n)
{
	unsigned char b[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
			       (unsigned char)(n >> 8), (unsigned char)n };

	fwrite(b, 1, sizeof b, f);
}

static void put_string(FILE *f, const char *s, size_t len)
{
	fwrite(s, 1, len, f);
	fputc(0, f);
}

/* How many characters from depth on all of v[lo..hi) share; they are sorted. */
static size_t shared(const struct entry *v, size_t lo, size_t hi, size_t depth)
{
	const char *a = v[lo].key + depth, *b = v[hi - 1].key + depth;
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Writes the node of v[lo..hi), whose first `depth` characters are told by
 * those above; returns its offset with flags.  As deep as the longest key. */
static uint32_t put_node(struct writing *w, size_t lo, size_t hi, size_t depth)
{
	size_t prefix = shared(w->v, lo, hi, depth), at = depth + prefix, values = lo;
	uint32_t child[128] = { 0 }, flags = 0, offset;
	unsigned char first = 0, last = 0;

	while (values < hi && !w->v[values].key[at])
		values++;
	for (size_t i = values, end; i < hi; i = end) {
		unsigned char c = (unsigned char)w->v[i].key[at];

		for (end = i; end < hi && (unsigned char)w->v[end].key[at] == c; end++)
			;
		child[c & 127] = put_node(w, i, end, at + 1);
		first = first ? first : c;
		last = c;
	}
	offset = (uint32_t)ftell(w->f);
	if (prefix) {
		put_string(w->f, w->v[lo].key + depth, prefix);
		flags |= HAS_PREFIX;
	}
	if (first) {
		fputc(first, w->f);
		fputc(last, w->f);
		for (unsigned int c = first; c <= last; c++)
			put32(w->f, child[c]);
		flags |= HAS_CHILDREN;
	}
	if (values > lo) {
		put32(w->f, (uint32_t)(values - lo));
		for (size_t i = lo; i < values; i++) {
			put32(w->f, w->v[i].priority);
			put_string(w->f, w->v[i].value, strlen(w->v[i].value));
		}
		flags |= HAS_VALUES;
	}
	return (offset & OFFSET_MASK) | flags;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Keys are names that modules_path_ok() took: ASCII. */
static size_t make_entries(const struct strv *lines, struct entry *v)
{
	size_t n = 0;

	for (size_t i = 0; i < lines->n; i++) {
		const char *colon = strchr(lines->v[i], ':');
		char path[PATH_MAX];

		if (!colon || (size_t)(colon - lines->v[i]) >= sizeof path)
			continue;
		memcpy(path, lines->v[i], (size_t)(colon - lines->v[i]));
		path[colon - lines->v[i]] = 0;
		if (!modules_path_ok(path))
			continue;
		modules_name(path, v[n].key, sizeof v[n].key);
		v[n].value = lines->v[i];
		v[n].priority = (uint32_t)i;
		n++;
	}
	qsort(v, n, sizeof *v, by_key);
	return n;
}

int modindex_write_bin(const char *path, const struct strv *lines, struct err *e)
{
	cleanup_free struct entry *v = calloc(lines->n + 1, sizeof *v);
	struct writing w = { .v = v };
	uint32_t root = 0;
	size_t n;
	int bad;

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for %s", path);
	n = make_entries(lines, v);
	w.f = fopen(path, "we");
	if (!w.f)
		return err_sys(e, errno, "%s", path);
	put32(w.f, MAGIC);
	put32(w.f, INDEX_VERSION);
	put32(w.f, 0);
	if (n)
		root = put_node(&w, 0, n, 0);
	bad = ftell(w.f) > (long)OFFSET_MASK || fseek(w.f, 8, SEEK_SET);
	put32(w.f, root);
	bad |= ferror(w.f);
	if (fclose(w.f) || bad)
		return err_set(e, ERR_IO, "%s could not be written", path);
	return 0;
}

int modindex_write_text(const char *path, const struct strv *lines, struct err *e)
{
	FILE *f = fopen(path, "we");
	int bad;

	if (!f)
		return err_sys(e, errno, "%s", path);
	for (size_t i = 0; i < lines->n; i++)
		fprintf(f, "%s\n", lines->v[i]);
	bad = ferror(f);
	if (fclose(f) || bad)
		return err_set(e, ERR_IO, "%s could not be written", path);
	return 0;
}
