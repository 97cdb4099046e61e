/* fatfile.c: see fatfile.h. */
#include "imager/fs/fatfile.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "common/text.h"

#define DIR_MAX (65536u * 32u)  /* bytes of a directory: Microsoft's limit   */
#define LONG_PARTS 20           /* entries of a long name, 13 units each     */
#define PART_UNITS 13

void fatfile_root(const struct fat *f, struct fat_file *ret)
{
	*ret = (struct fat_file){ .cluster = f->bits == 32 ? f->root_cluster : 0, .dir = 1 };
}

/* ---- bytes ---- */

static int bad_chain(const struct fat *f, uint32_t cluster, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s: the FAT is damaged: a file has cluster %u; run fsck.fat "
		       "or Windows' chkdsk on it", f->d->name, cluster);
}

/* Where a walk along a chain stands, so that it needn't begin anew each time. */
struct cursor {
	uint32_t cluster;
	uint64_t index;         /* of it in the chain                        */
};

/* ERR_NOT_FOUND: the chain has fewer clusters. */
static int cursor_go(const struct fat *f, struct cursor *c, uint64_t index, struct err *e)
{
	if (index > f->clusters || !fat_is_cluster(f, c->cluster))
		return bad_chain(f, c->cluster, e);
	for (; c->index < index; c->index++) {
		c->cluster = fat_next(f, c->cluster);
		if (fat_is_end(f, c->cluster))
			return err_set(e, ERR_NOT_FOUND, "%s: the chain ends", f->d->name);
		if (!fat_is_cluster(f, c->cluster))
			return bad_chain(f, c->cluster, e);
	}
	return 0;
}

/* Byte off of a file of that size, from where c stands on; as fatfile_where. */
static int piece(const struct fat *f, struct cursor *c, uint64_t size, uint64_t off,
		 uint64_t *ret_at, uint64_t *ret_len, struct err *e)
{
	uint64_t len = f->cluster_size - off % f->cluster_size;
	int r = cursor_go(f, c, off / f->cluster_size, e);

	if (r)
		return r == ERR_NOT_FOUND ? bad_chain(f, c->cluster, e) : r;
	*ret_at = fat_cluster_at(f, c->cluster) + off % f->cluster_size;
	while (off + len < size) {
		uint32_t next = fat_next(f, c->cluster);

		if (next != c->cluster + 1 || !fat_is_cluster(f, next))
			break;
		c->cluster = next;
		c->index++;
		len += f->cluster_size;
	}
	*ret_len = off + len < size ? len : size - off;
	return 0;
}

int fatfile_where(const struct fat *f, const struct fat_file *n, uint64_t off,
		  uint64_t *ret_at, uint64_t *ret_len, struct err *e)
{
	struct cursor c = { n->cluster, 0 };

	return piece(f, &c, n->size, off, ret_at, ret_len, e);
}

int fatfile_read(const struct fat *f, const struct fat_file *n, uint64_t off, void *buf,
		 size_t len, struct err *e)
{
	struct cursor c = { n->cluster, 0 };
	uint8_t *to = buf;

	while (len) {
		uint64_t at, have;
		int r = piece(f, &c, n->size, off, &at, &have, e);

		if (!r) {
			have = have < len ? have : len;
			r = dev_read(f->d, at, to, (size_t)have, e);
		}
		if (r)
			return r;
		off += have;
		to += have;
		len -= (size_t)have;
	}
	return 0;
}

/* ---- directories ---- */

/* The long name that the entries so far have given. */
struct long_name {
	uint8_t units[LONG_PARTS * PART_UNITS * 2];
	uint8_t sum;            /* of the short name that it belongs to      */
	unsigned int want;      /* the number of the next part; 0: complete  */
	int ok;
};

struct entry {
	struct fat_dirent_disk d;
	char name[FATFILE_NAME];        /* the long one where there is one   */
	char short_name[64];            /* "MICROS~1"                        */
};

static uint8_t short_sum(const uint8_t name[11])
{
	uint8_t sum = 0;

	for (size_t i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1) + (sum << 7) + name[i]);
	return sum;
}

/* Part k of a long name holds units at these bytes of its entry. */
static void take_part(struct long_name *l, const uint8_t raw[32])
{
	static const uint8_t at[PART_UNITS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned int k = raw[0] & 0x3f;

	if (raw[0] & 0x40) {
		memset(l, 0, sizeof *l);
		l->want = k;
		l->sum = raw[13];
		l->ok = k >= 1 && k <= LONG_PARTS;
	}
	if (!l->ok || k != l->want || raw[13] != l->sum) {
		l->ok = 0;
		return;
	}
	for (size_t i = 0; i < PART_UNITS; i++)
		memcpy(l->units + ((k - 1) * PART_UNITS + i) * 2, raw + at[i], 2);
	l->want = k - 1;
}

static void plain_name(const struct fat_dirent_disk *d, char *ret, size_t size)
{
	char s[13];
	size_t n = 0;

	for (size_t i = 0; i < 11; i++) {
		int lower = d->lower & (i < 8 ? 8 : 0x10);
		uint8_t c = !i && d->name[0] == 5 ? 0xe5 : d->name[i];

		if (c == ' ')
			continue;
		if (i >= 8 && !memchr(s, '.', n))
			s[n++] = '.';
		s[n++] = (char)(lower ? tolower(c) : c);
	}
	text_from_bytes(s, n, ret, size);
}

static void name_entry(struct entry *x, const struct long_name *l)
{
	plain_name(&x->d, x->short_name, sizeof x->short_name);
	if (l->ok && !l->want && l->sum == short_sum(x->d.name)) {
		/* what is behind the name is 0xffff */
		text_from_utf16le(l->units, LONG_PARTS * PART_UNITS, x->name, sizeof x->name);
	} else {
		memcpy(x->name, x->short_name, sizeof x->short_name);
	}
}

struct walker {
	const struct fat *f;
	int (*each)(void *ctx, const struct entry *x); /* nonzero: it ends     */
	void *ctx;
	struct long_name l;
};

/* 1: the directory, or the walk, ends here. */
static int walk_entry(struct walker *w, const uint8_t raw[32])
{
	struct entry x;
	int r = 0;

	memcpy(&x.d, raw, sizeof x.d);
	if (!x.d.name[0])
		return 1;
	if ((x.d.attrs & 0x3f) == FAT_LONG_NAME && x.d.name[0] != 0xe5) {
		take_part(&w->l, raw);
		return 0;
	}
	if (x.d.name[0] != 0xe5 && x.d.name[0] != '.' && !(x.d.attrs & FAT_LABEL)) {
		name_entry(&x, &w->l);
		r = w->each(w->ctx, &x);
	}
	w->l.ok = 0;
	return !!r;
}

static int walk_bytes(struct walker *w, uint64_t at, uint8_t *buf, size_t len, int *ret_end,
		      struct err *e)
{
	int r = dev_read(w->f->d, at, buf, len, e);

	for (size_t pos = 0; !r && !*ret_end && pos + 32 <= len; pos += 32)
		*ret_end = walk_entry(w, buf + pos);
	return r;
}

static int each_entry(const struct fat *f, const struct fat_file *dir,
		      int (*each)(void *ctx, const struct entry *x), void *ctx, struct err *e)
{
	struct walker w = { .f = f, .each = each, .ctx = ctx };
	struct cursor c = { dir->cluster, 0 };
	size_t root = (size_t)(f->data_start - f->root_start), len = f->cluster_size;
	cleanup_free uint8_t *buf = malloc(root > len ? root : len);
	int r = 0, end = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a directory");
	if (!dir->cluster) /* FAT12/16's root lies in one piece before the clusters */
		return walk_bytes(&w, f->root_start, buf, root, &end, e);
	for (uint64_t i = 0; !r && !end && i * len < DIR_MAX; i++) {
		r = cursor_go(f, &c, i, e);
		if (r == ERR_NOT_FOUND)
			return 0;
		if (!r)
			r = walk_bytes(&w, fat_cluster_at(f, c.cluster), buf, len, &end, e);
	}
	return r;
}

struct finder {
	const struct fat *f;
	const char *name;
	struct fat_file file;
	int found;
};

static int find_one(void *ctx, const struct entry *x)
{
	struct finder *s = ctx;
	uint32_t c = le16_get(x->d.cluster_lo);

	if (strcasecmp(x->name, s->name) && strcasecmp(x->short_name, s->name))
		return 0;
	if (s->f->bits == 32)
		c |= (uint32_t)le16_get(x->d.cluster_hi) << 16;
	s->found = 1;
	s->file = (struct fat_file){ c, le32_get(x->d.size), !!(x->d.attrs & FAT_DIRECTORY) };
	return 1;
}

int fatfile_lookup(const struct fat *f, const struct fat_file *dir, const char *name,
		   struct fat_file *ret, struct err *e)
{
	struct finder s = { .f = f, .name = name };
	int r = each_entry(f, dir, find_one, &s, e);

	if (r)
		return r;
	if (!s.found)
		return err_set(e, ERR_NOT_FOUND, "%s: no %s", f->d->name, name);
	/* a directory that begins nowhere would be taken for the root */
	if (s.file.dir && !fat_is_cluster(f, s.file.cluster))
		return bad_chain(f, s.file.cluster, e);
	*ret = s.file;
	return 0;
}

struct namer {
	int (*add)(void *ctx, const char *name);
	void *ctx;
};

static int add_one(void *ctx, const struct entry *x)
{
	struct namer *s = ctx;

	return s->add(s->ctx, x->name);
}

int fatfile_names(const struct fat *f, const struct fat_file *dir,
		  int (*add)(void *ctx, const char *name), void *ctx, struct err *e)
{
	struct namer s = { add, ctx };

	return each_entry(f, dir, add_one, &s, e);
}
