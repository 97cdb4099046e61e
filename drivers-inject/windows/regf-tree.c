/* regf-tree.c: see regf-tree.h. */
#include "drivers-inject/windows/regf-tree.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "drivers-inject/windows/regf.h"

#define NONE 0xffffffffu        /* an offset: there is none                  */
#define INLINE 0x80000000u      /* in a size: the bytes stand in `data`      */
#define SEGMENT 16344u          /* larger values are cut into such, from 1.4 */
#define HAS_SEGMENTS 4u         /* minor versions from which ...             */
#define HAS_HASHES 5u           /* "lh" instead of "lf"                      */
#define NAME_LATIN1 0x20u       /* in a key's flags                          */

/* A cell: 32 bits of size, negative when it is used, then one of these. */
struct key_disk {
	uint8_t magic[2];       /* +0x00 "nk"                                */
	le16 flags;             /* +0x02                                     */
	le64 written;           /* +0x04                                     */
	le32 access;            /* +0x0c                                     */
	le32 parent;            /* +0x10                                     */
	le32 n_keys;            /* +0x14 below it                            */
	le32 n_volatile;        /* +0x18                                     */
	le32 list;              /* +0x1c of the keys                         */
	le32 list_volatile;     /* +0x20                                     */
	le32 n_values;          /* +0x24                                     */
	le32 values;            /* +0x28 a list of offsets                   */
	le32 security;          /* +0x2c                                     */
	le32 class_name;        /* +0x30                                     */
	le32 largest[5];        /* +0x34 hints                               */
	le16 name_len;          /* +0x48 bytes                               */
	le16 class_len;         /* +0x4a                                     */
};
_Static_assert(sizeof(struct key_disk) == 76, "regf key");

struct value_disk {
	uint8_t magic[2];       /* +0x00 "vk"                                */
	le16 name_len;          /* +0x02                                     */
	le32 size;              /* +0x04                                     */
	le32 data;              /* +0x08                                     */
	le32 type;              /* +0x0c                                     */
	le16 flags;             /* +0x10                                     */
	le16 spare;             /* +0x12                                     */
};
_Static_assert(sizeof(struct value_disk) == 20, "regf value");

struct security_disk {
	uint8_t magic[2];       /* +0x00 "sk"                                */
	le16 spare;             /* +0x02                                     */
	le32 prev, next;        /* +0x04 a ring of all of them               */
	le32 users;             /* +0x0c keys                                */
	le32 size;              /* +0x10 of the descriptor, which follows    */
};
_Static_assert(sizeof(struct security_disk) == 20, "regf security descriptor");

struct list_disk {
	uint8_t magic[2];       /* +0x00 "lf", "lh", "li": keys; "ri": lists */
	le16 n;                 /* +0x02                                     */
};

struct big_disk {
	uint8_t magic[2];       /* +0x00 "db"                                */
	le16 n;                 /* +0x02 segments                            */
	le32 list;              /* +0x04 of their offsets                    */
};

struct walk {
	uint8_t *bins;
	uint32_t size, minor;
	const char *name;
	uint8_t *used, *met;    /* a bit for each 8 bytes: a used cell begins
				 * there; it was met                          */
	uint32_t *security;     /* of each key met                           */
	size_t n_security, room;
	struct regf_tree *tree;
	struct err *e;
};

static int bad(struct walk *w, uint32_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int bad(struct walk *w, uint32_t at, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	return err_set(w->e, ERR_CORRUPT, "%s: the hive is damaged and can't be changed: %s (offset "
		       "0x%x of its bins)", w->name, what, at);
}

/* ---- cells ---- */

static int has_bit(const uint8_t *bits, uint32_t at)
{
	return bits[at / 64] >> (at / 8 % 8) & 1;
}

static void set_bit(uint8_t *bits, uint32_t at)
{
	bits[at / 64] |= (uint8_t)(1u << (at / 8 % 8));
}

static le32 *cell_size(const struct walk *w, uint32_t at)
{
	return (le32 *)(w->bins + at);
}

/* Bytes of a used cell's content. */
static uint32_t room_of(const struct walk *w, uint32_t at)
{
	return 0u - le32_get(*cell_size(w, at)) - 4;
}

/* The content of a used cell of at least `least` bytes; NULL if it is none. */
static void *look(const struct walk *w, uint32_t at, const char *magic, size_t least)
{
	uint8_t *p;

	if (at >= w->size || at % 8 || !has_bit(w->used, at) || room_of(w, at) < least)
		return NULL;
	p = w->bins + at + 4;
	return memcmp(p, magic, strlen(magic)) ? NULL : p;
}

/* The same, for a cell that has one place in the tree. */
static void *take(struct walk *w, uint32_t at, const char *magic, size_t least, const char *what)
{
	void *p = look(w, at, magic, least);

	if (!p)
		bad(w, at, "there is no %s of %zu bytes or more", what, least);
	else if (has_bit(w->met, at))
		bad(w, at, "a %s has two places in the tree", what), p = NULL;
	else
		set_bit(w->met, at);
	return p;
}

static int find_cells_of(struct walk *w, uint32_t bin, uint32_t bin_size)
{
	uint32_t at = bin + sizeof(struct regf_bin_disk), size;

	for (; at < bin + bin_size; at += size) {
		size = le32_get(*cell_size(w, at));
		if (size & INLINE) {
			size = 0u - size;
			set_bit(w->used, at);
		}
		if (size < 8 || size % 8 || size > bin + bin_size - at)
			return bad(w, at, "a cell of %u bytes", size);
	}
	return 0;
}

static int find_cells(struct walk *w)
{
	uint32_t size;

	for (uint32_t at = 0; at < w->size; at += size) {
		const struct regf_bin_disk *b = (const void *)(w->bins + at);

		size = le32_get(b->size);
		if (memcmp(b->magic, "hbin", 4) || le32_get(b->offset) != at || !size ||
		    size % REGF_BIN_ALIGN || size > w->size - at)
			return bad(w, at, "there is no bin");
		if (find_cells_of(w, at, size))
			return ERR_CORRUPT;
	}
	return 0;
}

/* ---- values ---- */

static int check_big(struct walk *w, uint32_t at, uint32_t size)
{
	const struct big_disk *b = take(w, at, "db", sizeof *b, "big value");
	uint32_t n = size / SEGMENT + (size % SEGMENT != 0);
	const le32 *segment;

	if (!b)
		return ERR_CORRUPT;
	if (le16_get(b->n) != n)
		return bad(w, at, "a value of %u bytes has %u segments", size, le16_get(b->n));
	segment = take(w, le32_get(b->list), "", 4ull * n, "list of segments");
	for (uint32_t i = 0; segment && i < n; i++, size -= SEGMENT)
		if (!take(w, le32_get(segment[i]), "", size < SEGMENT ? size : SEGMENT, "segment"))
			return ERR_CORRUPT;
	return segment ? 0 : ERR_CORRUPT;
}

static int check_value(struct walk *w, uint32_t at)
{
	struct value_disk *v = take(w, at, "vk", sizeof *v, "value");
	uint32_t size;

	if (!v)
		return ERR_CORRUPT;
	w->tree->values++;
	if (sizeof *v + le16_get(v->name_len) > room_of(w, at))
		return bad(w, at, "a value's name ends behind its cell");
	size = le32_get(v->size);
	if (!size)
		v->size = le32_make(INLINE);
	if (!size || (size & INLINE && size <= (INLINE | 4)))
		return 0;
	if (size & INLINE)
		return bad(w, at, "%u bytes of a value stand in four", size & ~INLINE);
	if (size > SEGMENT && w->minor >= HAS_SEGMENTS)
		return check_big(w, le32_get(v->data), size);
	return take(w, le32_get(v->data), "", size, "value's data") ? 0 : ERR_CORRUPT;
}

static int check_values(struct walk *w, const struct key_disk *k)
{
	uint32_t n = le32_get(k->n_values);
	const le32 *list;

	if (!n)
		return 0;
	list = take(w, le32_get(k->values), "", 4ull * n, "list of values");
	if (!list)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n; i++)
		if (check_value(w, le32_get(list[i])))
			return ERR_CORRUPT;
	return 0;
}

/* ---- lists of keys ---- */

static int check_key(struct walk *w, uint32_t at, uint32_t parent, unsigned depth);

/* The bytes of an entry; 0: no list. */
static unsigned step_of(const struct list_disk *l)
{
	if (l->magic[0] == 'l')
		return l->magic[1] == 'i' ? 4 : l->magic[1] == 'f' || l->magic[1] == 'h' ? 8 : 0;
	return l->magic[0] == 'r' && l->magic[1] == 'i' ? 4 : 0;
}

static int is_root(const struct list_disk *l)
{
	return l->magic[0] == 'r';
}

static le32 *entry(struct list_disk *l, uint32_t i)
{
	return (le32 *)((uint8_t *)(l + 1) + (size_t)i * step_of(l));
}

static struct list_disk *take_list(struct walk *w, uint32_t at)
{
	struct list_disk *l = take(w, at, "", sizeof *l, "list of keys");

	if (l && (!step_of(l) || sizeof *l + (size_t)le16_get(l->n) * step_of(l) > room_of(w, at)))
		bad(w, at, "a list of keys has a wrong size or type"), l = NULL;
	return l;
}

/* A list that has names' hashes gets their first characters. */
static void lh_to_lf(struct walk *w, struct list_disk *l)
{
	l->magic[1] = 'f';
	for (uint32_t i = 0; i < le16_get(l->n); i++) {
		const struct key_disk *k = (const void *)(w->bins + le32_get(*entry(l, i)) + 4);
		const uint8_t *name = (const uint8_t *)(k + 1);
		unsigned n = le16_get(k->name_len), wide = !(le16_get(k->flags) & NAME_LATIN1);
		uint8_t *hint = (uint8_t *)(entry(l, i) + 1);

		memset(hint, 0, 4);
		for (unsigned c = 0; c < 4 && c < n >> wide; c++) {
			if (wide && name[2 * c + 1])
				break;
			hint[c] = name[c << wide];
		}
	}
}

static int check_leaf(struct walk *w, struct list_disk *l, uint32_t parent, unsigned depth,
		      uint32_t *n)
{
	for (uint32_t i = 0; i < le16_get(l->n); i++)
		if (check_key(w, le32_get(*entry(l, i)), parent, depth))
			return ERR_CORRUPT;
	*n += le16_get(l->n);
	if (l->magic[1] == 'i')
		w->tree->has_li = 1;
	if (l->magic[1] == 'h' && w->minor < HAS_HASHES)
		lh_to_lf(w, l);
	return 0;
}

/* The leaves of an index; empty ones are taken out. */
static int check_root(struct walk *w, struct list_disk *l, uint32_t parent, unsigned depth,
		      uint32_t *n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < le16_get(l->n); i++) {
		uint32_t at = le32_get(*entry(l, i));
		struct list_disk *leaf = take_list(w, at);

		if (!leaf)
			return ERR_CORRUPT;
		if (is_root(leaf))
			return bad(w, at, "an index of keys in an index");
		if (check_leaf(w, leaf, parent, depth, n))
			return ERR_CORRUPT;
		if (le16_get(leaf->n))
			*entry(l, kept++) = le32_make(at);
	}
	l->n = le16_make((uint16_t)kept);
	return 0;
}

static int check_keys(struct walk *w, struct key_disk *k, uint32_t at, unsigned depth)
{
	struct list_disk *l;
	uint32_t n = 0;
	int rc;

	if (!le32_get(k->n_keys)) {
		k->list = le32_make(NONE);
		return 0;
	}
	l = take_list(w, le32_get(k->list));
	if (!l)
		return ERR_CORRUPT;
	rc = (is_root(l) ? check_root : check_leaf)(w, l, at, depth + 1, &n);
	if (!rc && n != le32_get(k->n_keys))
		rc = bad(w, at, "a key with %u keys has %u in its list", le32_get(k->n_keys), n);
	return rc;
}

/* ---- keys ---- */

static int add_security(struct walk *w, uint32_t at)
{
	uint32_t *v = vec_room(w->security, w->n_security, &w->room, sizeof *v);

	if (!v)
		return err_set(w->e, ERR_NOMEM, "out of memory");
	w->security = v;
	w->security[w->n_security++] = at;
	return 0;
}

static int check_key(struct walk *w, uint32_t at, uint32_t parent, unsigned depth)
{
	struct key_disk *k = take(w, at, "nk", sizeof *k, "key");
	int rc;

	if (!k)
		return ERR_CORRUPT;
	w->tree->keys++;
	if (depth > REGF_DEPTH_MAX)
		return bad(w, at, "a key is more than %u keys deep", REGF_DEPTH_MAX);
	if (depth && le32_get(k->parent) != parent)
		return bad(w, at, "a key does not name the key it is in");
	if (!le16_get(k->name_len) || sizeof *k + le16_get(k->name_len) > room_of(w, at))
		return bad(w, at, "a key has no name, or one that ends behind its cell");
	if (le32_get(k->class_name) != NONE &&
	    !take(w, le32_get(k->class_name), "", le16_get(k->class_len), "class name"))
		return ERR_CORRUPT;
	rc = add_security(w, le32_get(k->security));
	if (!rc)
		rc = check_values(w, k);
	return rc ? rc : check_keys(w, k, at, depth);
}

/* ---- security descriptors ---- */

static int by_offset(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int check_one_security(struct walk *w, uint32_t at, size_t users)
{
	const struct security_disk *s, *prev, *next;

	s = take(w, at, "sk", sizeof *s, "security descriptor");
	if (!s)
		return ERR_CORRUPT;
	prev = look(w, le32_get(s->prev), "sk", sizeof *s);
	next = look(w, le32_get(s->next), "sk", sizeof *s);
	if (!prev || !next || le32_get(prev->next) != at || le32_get(next->prev) != at)
		return bad(w, at, "the ring of security descriptors is broken");
	if (le32_get(s->users) < users)
		return bad(w, at, "a security descriptor of %zu keys counts %u", users,
			   le32_get(s->users));
	return 0;
}

static int check_security(struct walk *w)
{
	uint32_t *s = w->security;

	if (s)
		qsort(s, w->n_security, sizeof *s, by_offset);
	for (size_t i = 0, n; i < w->n_security; i += n) {
		for (n = 1; i + n < w->n_security && s[i + n] == s[i]; n++)
			;
		/* a key without one can't get keys (libhivex says so) */
		if (s[i] != NONE && check_one_security(w, s[i], n))
			return ERR_CORRUPT;
	}
	return 0;
}

int regf_tidy(uint8_t *hive, size_t len, const char *name, struct regf_tree *ret, struct err *e)
{
	const struct regf_base_disk *b = (const void *)hive;
	struct regf_tree tree = { 0 };
	struct walk w = { .bins = hive + REGF_BINS, .name = name, .tree = &tree, .e = e };
	int rc;

	w.size = len < REGF_SIZE_MIN ? 0 : le32_get(b->bins_size);
	if (!w.size || w.size % REGF_BIN_ALIGN || w.size > len - REGF_BINS || w.size > REGF_SIZE_MAX)
		return err_set(e, ERR_CORRUPT, "%s: the hive is damaged and can't be changed: its "
			       "header says %u bytes of bins, the file has %zu bytes", name, w.size, len);
	w.minor = le32_get(b->minor);
	if (le32_get(b->major) != 1 || w.minor < 3 || w.minor > 6)
		return err_set(e, ERR_UNSUPPORTED, "%s: hives of version %u.%u can't be changed, only "
			       "1.3 to 1.6", name, le32_get(b->major), w.minor);
	w.used = calloc(w.size / 64 + 1, 1);
	w.met = calloc(w.size / 64 + 1, 1);
	if (!w.used || !w.met)
		rc = err_set(e, ERR_NOMEM, "out of memory for %s", name);
	else
		rc = find_cells(&w);
	if (!rc)
		rc = check_key(&w, le32_get(b->root), NONE, 0);
	if (!rc)
		rc = check_security(&w);
	free(w.used);
	free(w.met);
	free(w.security);
	if (!rc)
		*ret = tree;
	return rc;
}
