/* lvm-text.c: the text in which LVM2 keeps a volume group: sections in braces,
 * keys with a number, a string or an array, comments behind "#". */
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/container/lvm.h"

#define DEPTH_MAX 16u

struct parser {
	char *p;                /* the next letter */
	struct lvm_tree *t;
	struct err *e;
};

static int bad(struct parser *s, const char *what)
{
	return err_set(s->e, ERR_CORRUPT, "the metadata of a volume group can't be understood (%s)", what);
}

static void skip(struct parser *s)
{
	for (;;) {
		while (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')
			s->p++;
		if (*s->p != '#')
			return;
		while (*s->p && *s->p != '\n')
			s->p++;
	}
}

/* Appends a node behind *link (0: as the parent's first child); returns its number,
 * 0 on failure. */
static uint32_t add(struct parser *s, uint32_t parent, uint32_t *last, const char *key)
{
	struct lvm_tree *t = s->t;
	struct lvm_node *v;

	if (t->n == LVM_NODES_MAX) {
		err_set(s->e, ERR_UNSUPPORTED, "the metadata of a volume group has more than %u entries", LVM_NODES_MAX);
		return 0;
	}
	v = vec_room(t->v, t->n, &t->room, sizeof *v);
	if (!v) {
		err_set(s->e, ERR_NOMEM, "out of memory for the metadata of a volume group");
		return 0;
	}
	t->v = v;
	t->v[t->n] = (struct lvm_node){ .key = key, .text = "" };
	if (*last)
		t->v[*last].next = (uint32_t)t->n;
	else if (t->n)
		t->v[parent].child = (uint32_t)t->n;
	*last = (uint32_t)t->n;
	return (uint32_t)t->n++;
}

/* In place: what was escaped is shorter then. */
static int read_string(struct parser *s, struct lvm_node *n)
{
	char *out = ++s->p;

	n->kind = LVM_STRING;
	n->text = out;
	while (*s->p != '"') {
		if (*s->p == '\\')
			s->p++;
		if (!*s->p)
			return bad(s, "a string without an end");
		*out++ = *s->p++;
	}
	s->p++;
	*out = 0;
	return 0;
}

/* Negative ones and fractions mean nothing here: they become too large for all. */
static int read_number(struct parser *s, struct lvm_node *n)
{
	char *end;

	n->kind = LVM_NUMBER;
	n->number = strtoull(s->p, &end, 10);
	if (end == s->p)
		return bad(s, "a value that is none");
	if (*s->p == '-' || *end == '.')
		n->number = UINT64_MAX;
	while (*end == '.' || (*end >= '0' && *end <= '9'))
		end++;
	s->p = end;
	return 0;
}

static int read_scalar(struct parser *s, struct lvm_node *n)
{
	return *s->p == '"' ? read_string(s, n) : read_number(s, n);
}

static int read_array(struct parser *s, uint32_t array)
{
	uint32_t last = 0, i;
	int r = 0;

	s->t->v[array].kind = LVM_ARRAY;
	s->p++;
	for (skip(s); *s->p != ']' && !r; skip(s)) {
		i = add(s, array, &last, "");
		if (!i)
			return s->e ? s->e->code : ERR_NOMEM;
		r = read_scalar(s, &s->t->v[i]);
		skip(s);
		if (*s->p == ',')
			s->p++;
		else if (!r && *s->p != ']')
			return bad(s, "an array without an end");
	}
	if (!r)
		s->p++;
	return r;
}

/* A key's letters; LVM allows some more in names of tags, which are strings. */
static size_t key_len(const char *p)
{
	size_t n = 0;

	while ((p[n] >= 'a' && p[n] <= 'z') || (p[n] >= 'A' && p[n] <= 'Z') ||
	       (p[n] >= '0' && p[n] <= '9') || (p[n] && strchr("_.+-/@*", p[n])))
		n++;
	return n;
}

static int read_section(struct parser *s, uint32_t section, unsigned int depth);

/* What follows a key, up to its end. */
static int read_value(struct parser *s, uint32_t i, unsigned int depth)
{
	skip(s);
	if (*s->p == '[')
		return read_array(s, i);
	if (*s->p != '{')
		return read_scalar(s, &s->t->v[i]);
	s->p++;
	return read_section(s, i, depth + 1);
}

static int read_section(struct parser *s, uint32_t section, unsigned int depth)
{
	uint32_t last = 0, i;
	int r = 0;

	if (depth > DEPTH_MAX)
		return bad(s, "sections too deep");
	s->t->v[section].kind = LVM_SECTION;
	for (skip(s); *s->p && *s->p != '}' && !r; skip(s)) {
		char *key = s->p, after;
		size_t len = key_len(key);

		s->p += len;
		skip(s);
		after = *s->p;
		if (!len || (after != '=' && after != '{'))
			return bad(s, "a key without a value");
		i = add(s, section, &last, key);
		if (!i)
			return s->e ? s->e->code : ERR_NOMEM;
		if (after == '=')
			s->p++;
		skip(s);
		if (after == '=' && *s->p == '{')
			return bad(s, "a section behind \"=\"");
		/* the value's first letter is known: the key can get its end */
		r = read_value(s, i, depth);
		key[len] = 0;
	}
	if (!r && !*s->p && depth)
		return bad(s, "a section without an end");
	if (!r && *s->p == '}' && !depth)
		return bad(s, "an end without a section");
	if (!r && depth)
		s->p++;
	return r;
}

int lvm_parse(char *text, struct lvm_tree *ret, struct err *e)
{
	struct err own;
	struct parser s = { text, ret, e ? e : &own };
	uint32_t last = 0;

	memset(ret, 0, sizeof *ret);
	add(&s, 0, &last, "");
	if (!ret->n)
		return s.e->code;
	return read_section(&s, 0, 0);
}

void lvm_tree_done(struct lvm_tree *t)
{
	free(t->v);
	memset(t, 0, sizeof *t);
}

const struct lvm_node *lvm_first(const struct lvm_tree *t, const struct lvm_node *in)
{
	return in && in->child ? &t->v[in->child] : NULL;
}

const struct lvm_node *lvm_next(const struct lvm_tree *t, const struct lvm_node *n)
{
	return n->next ? &t->v[n->next] : NULL;
}

const struct lvm_node *lvm_get(const struct lvm_tree *t, const struct lvm_node *in,
			       const char *key, enum lvm_kind kind)
{
	for (const struct lvm_node *n = lvm_first(t, in); n; n = lvm_next(t, n))
		if (!strcmp(n->key, key))
			return n->kind == kind ? n : NULL;
	return NULL;
}

int lvm_number(const struct lvm_tree *t, const struct lvm_node *in, const char *key,
	       uint64_t max, uint64_t *ret, struct err *e)
{
	const struct lvm_node *n = lvm_get(t, in, key, LVM_NUMBER);

	if (!n || n->number > max)
		return err_set(e, ERR_CORRUPT, "the metadata of a volume group: %s has no \"%s\", or one that can't be",
			       in->key[0] ? in->key : "the text", key);
	*ret = n->number;
	return 0;
}

const char *lvm_string(const struct lvm_tree *t, const struct lvm_node *in, const char *key)
{
	const struct lvm_node *n = lvm_get(t, in, key, LVM_STRING);

	return n ? n->text : "";
}
