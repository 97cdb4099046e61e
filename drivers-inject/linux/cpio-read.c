/* cpio-read.c: a machine of states over an archive's bytes. */
#include "drivers-inject/linux/cpio-read.h"
#include <string.h>
#include <sys/stat.h>

void cpio_in_start(struct cpio_in *c, const struct cpio_sink *sink, uint64_t at)
{
	memset(c, 0, sizeof *c);
	c->sink = sink;
	c->pos = c->next = at;
}

int cpio_in_cut(const struct cpio_in *c)
{
	return c->state != CPIO_BETWEEN && c->state != CPIO_IN_SKIP;
}

static int hex8(const char *p, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < 8; i++) {
		int d = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' :
			(p[i] | 32) >= 'a' && (p[i] | 32) <= 'f' ? (p[i] | 32) - 'a' + 10 : -1;

		if (d < 0)
			return 0;
		v = v << 4 | (uint32_t)d;
	}
	*ret = v;
	return 1;
}

static uint64_t align4(uint64_t n)
{
	return (n + CPIO_ALIGN - 1) / CPIO_ALIGN * CPIO_ALIGN;
}

static int bad(struct cpio_in *c, struct err *e, const char *what)
{
	return err_set(e, ERR_CORRUPT, "%s in the archive entry at offset %llu", what,
		       (unsigned long long)c->f.header_at);
}

/* The fields in their order; the last is the sum of a crc archive's data. */
static int parse_header(struct cpio_in *c, struct err *e)
{
	struct cpio_entry *en = &c->f.en;
	uint32_t size;
	uint32_t *field[13] = { &en->ino, &en->mode, &en->uid, &en->gid, &en->nlink,
				&en->mtime, &size, &c->f.dev_major, &c->f.dev_minor,
				&en->rdev_major, &en->rdev_minor, &c->name_len, &c->check };

	if (!memcmp(c->head, "070707", 6))
		return err_set(e, ERR_UNSUPPORTED, "an archive in cpio's odc format at offset "
			       "%llu: the kernel unpacks newc only",
			       (unsigned long long)c->f.header_at);
	if (memcmp(c->head, "070701", 6) && memcmp(c->head, "070702", 6))
		return bad(c, e, "no magic number");
	c->crc = c->head[5] == '2';
	for (int i = 0; i < 13; i++)
		if (!hex8(c->head + 6 + 8 * i, field[i]))
			return bad(c, e, "a field that is no number");
	en->size = size;
	c->body = align4(c->f.header_at + CPIO_HEADER + c->name_len);
	c->f.data_at = c->body;
	c->next = align4(c->body + size);
	return 0;
}

/* Entries the kernel passes over: no or too long a name, too long a link,
 * data where there can be none. */
static int is_skipped(const struct cpio_in *c)
{
	uint32_t mode = c->f.en.mode;

	return !c->name_len || c->name_len > PATH_MAX ||
	       (S_ISLNK(mode) ? c->f.en.size > PATH_MAX : !S_ISREG(mode) && c->f.en.size);
}

static int got_header(struct cpio_in *c, struct err *e)
{
	int r = parse_header(c, e);

	if (r)
		return r;
	c->have = 0;
	c->sum = 0;
	c->f.target = NULL;
	c->state = is_skipped(c) ? CPIO_IN_SKIP : CPIO_IN_NAME;
	return 0;
}

/* "./a", "/a" and "a" are one name to the kernel. */
static const char *plain_name(const char *s)
{
	while (*s == '/' || (*s == '.' && s[1] == '/'))
		s += *s == '/' ? 1 : 2;
	return *s ? s : ".";
}

static int got_name(struct cpio_in *c, struct err *e)
{
	if (c->name[c->name_len - 1])
		return bad(c, e, "a name without an end");
	c->have = 0;
	if (!strcmp(c->name, CPIO_TRAILER)) {
		c->state = CPIO_IN_SKIP;
		return c->sink->trailer(c->sink->ctx, e);
	}
	c->f.en.name = plain_name(c->name);
	if (S_ISLNK(c->f.en.mode)) {
		c->state = CPIO_IN_TARGET;
		return 0;
	}
	c->state = c->f.en.size ? CPIO_IN_DATA : CPIO_IN_SKIP;
	return c->sink->entry(c->sink->ctx, &c->f, e);
}

static int got_target(struct cpio_in *c, struct err *e)
{
	c->target[c->have] = 0;
	c->f.target = c->target;
	c->state = CPIO_IN_SKIP;
	return c->sink->entry(c->sink->ctx, &c->f, e);
}

static int got_data(struct cpio_in *c, struct err *e)
{
	c->state = CPIO_IN_SKIP;
	return c->crc && c->sum != c->check ? bad(c, e, "a wrong checksum") : 0;
}

/* Collects up to `want` bytes in all into buf; 1: there they are. */
static int collect(struct cpio_in *c, char *buf, size_t want, const uint8_t **p, size_t *n)
{
	size_t k = want - c->have < *n ? want - c->have : *n;

	memcpy(buf + c->have, *p, k);
	c->have += k;
	c->pos += k;
	*p += k;
	*n -= k;
	return c->have == want;
}

/* Drops bytes up to `to`; 1: it is reached. */
static int skip_to(struct cpio_in *c, uint64_t to, const uint8_t **p, size_t *n)
{
	size_t k = to - c->pos < *n ? (size_t)(to - c->pos) : *n;

	c->pos += k;
	*p += k;
	*n -= k;
	return c->pos == to;
}

static int take_data(struct cpio_in *c, const uint8_t **p, size_t *n, struct err *e)
{
	uint64_t end = c->body + c->f.en.size;
	const uint8_t *from;
	int r;

	if (!skip_to(c, c->pos < c->body ? c->body : c->pos, p, n) || !*n)
		return 0;
	from = *p;
	skip_to(c, end, p, n);
	for (const uint8_t *q = from; c->crc && q < *p; q++)
		c->sum += *q;
	r = c->sink->data(c->sink->ctx, from, (size_t)(*p - from), e);
	return !r && c->pos == end ? got_data(c, e) : r;
}

/* NULs are padding, "0" at a multiple of 4 begins a header; 1: neither. */
static int take_between(struct cpio_in *c, const uint8_t **p, size_t *n)
{
	size_t zeros = 0;

	while (zeros < *n && !(*p)[zeros])
		zeros++;
	skip_to(c, c->pos + zeros, p, n);
	if (!*n)
		return 0;
	if (**p != '0' || c->pos % CPIO_ALIGN)
		return 1;
	c->have = 0;
	c->f.header_at = c->pos;
	c->state = CPIO_IN_HEADER;
	return 0;
}

static int take(struct cpio_in *c, const uint8_t **p, size_t *n, struct err *e)
{
	switch (c->state) {
	case CPIO_BETWEEN:
		return take_between(c, p, n);
	case CPIO_IN_HEADER:
		return collect(c, c->head, CPIO_HEADER, p, n) ? got_header(c, e) : 0;
	case CPIO_IN_NAME:
		return collect(c, c->name, c->name_len, p, n) ? got_name(c, e) : 0;
	case CPIO_IN_TARGET:
		if (c->pos < c->body && !skip_to(c, c->body, p, n))
			return 0;
		return collect(c, c->target, c->f.en.size, p, n) ? got_target(c, e) : 0;
	case CPIO_IN_DATA:
		return take_data(c, p, n, e);
	case CPIO_IN_SKIP:
		if (skip_to(c, c->next, p, n))
			c->state = CPIO_BETWEEN;
		return 0;
	}
	return 0;
}

int cpio_in_feed(struct cpio_in *c, const uint8_t *p, size_t n, size_t *ret_used, struct err *e)
{
	size_t left = n;
	int r = 0;

	/* what stands at its end (a link of no bytes) is finished without more */
	while (!r && (left || (c->state == CPIO_IN_SKIP && c->pos == c->next)))
		r = take(c, &p, &left, e);
	*ret_used = n - left;
	return r > 0 ? 0 : r;
}
