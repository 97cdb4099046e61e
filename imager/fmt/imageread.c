/* imageread.c: an image's index and content at random; see image.h. */
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "imager/fmt/chunkread.h"
#include "imager/fmt/image-int.h"

int image_page(struct image *im, size_t i, struct err *e)
{
	const struct root_page *p = &im->root.page[i];
	cleanup_free uint8_t *body = NULL;
	struct record rec;
	const char *wrong;
	int r;

	if (im->page_index == i)
		return 0;
	im->page_index = SIZE_MAX;
	r = image_load(im, p->offset, REC_PAGE, p->page, &rec, &body, e);
	if (r < 0)
		return r;
	if (memcmp(rec.hash, p->hash, 32) || rec.body_len != p->body_len ||
	    rec.plain_len != p->plain_len)
		wrong = "isn't what the table of pages says";
	else
		wrong = page_decode(body, rec.plain_len, p->page, &im->params,
				    p->offset, im->page);
	if (!wrong && im->page->bytes != p->used_bytes)
		wrong = "holds another number of bytes than the table of pages says";
	if (wrong)
		return err_set(e, ERR_CORRUPT, "%s: the page record at offset %llu %s",
			       im->file->name, (unsigned long long)p->offset, wrong);
	im->page_index = i;
	return 0;
}

int image_next_chunk(struct image *im, struct image_cursor *c,
		     struct image_chunk *ret, struct err *e)
{
	int r;

	if (c->page == im->root.n)
		return 0;
	r = image_page(im, c->page, e);
	if (r < 0)
		return r;
	*ret = page_chunk(im->page, c->entry);
	if (++c->entry == im->page->n) {
		c->page++;
		c->entry = 0;
	}
	return 1;
}

struct join {
	int (*used)(void *ctx, uint64_t off, uint64_t len);
	void *ctx;
	const struct image_params *params;
	uint64_t off, len;
};

static int join_chunk(void *ctx, const struct image_chunk *c)
{
	struct join *j = ctx;

	for (uint32_t i = 0; i < c->map_count; i++) {
		uint64_t off = c->number * j->params->chunk_size +
			       (uint64_t)c->map[i].start * REC_UNIT;
		uint64_t len = map_bytes(j->params, c->number, &c->map[i]);
		int r = 0;

		if (j->len && j->off + j->len == off) {
			j->len += len;
			continue;
		}
		if (j->len)
			r = j->used(j->ctx, j->off, j->len);
		if (r)
			return r;
		j->off = off;
		j->len = len;
	}
	return 0;
}

int image_extents(struct image *im,
		  int (*used)(void *ctx, uint64_t off, uint64_t len), void *ctx,
		  struct err *e)
{
	struct join j = { .used = used, .ctx = ctx, .params = &im->params };
	struct image_cursor c = { 0 };
	struct image_chunk chunk;
	int r;

	while ((r = image_next_chunk(im, &c, &chunk, e)) > 0) {
		r = join_chunk(&j, &chunk);
		if (r)
			return r;
	}
	if (r == 0 && j.len)
		r = used(ctx, j.off, j.len);
	return r;
}

/* The end of what of [off, end) is in none of except; 0: all of it is. */
static uint64_t end_outside(uint64_t off, uint64_t end,
			    const struct byte_range *except, size_t n)
{
	while (n--)
		if (except[n].off < end && except[n].len >= end - except[n].off)
			end = except[n].off;
	return end > off ? end : 0;
}

int image_end_without(struct image *im, const struct byte_range *except, size_t n,
		      uint64_t *ret, struct err *e)
{
	uint64_t end = 0;

	for (size_t i = im->root.n; i-- && !end;) {
		int r = image_page(im, i, e);

		if (r < 0)
			return r;
		for (uint32_t k = im->page->n; k-- && !end;) {
			struct image_chunk c = page_chunk(im->page, k);

			for (uint32_t m = c.map_count; m-- && !end;) {
				uint64_t off = c.number * im->params.chunk_size +
					       (uint64_t)c.map[m].start * REC_UNIT;

				end = end_outside(off, off + map_bytes(&im->params, c.number, &c.map[m]),
						  except, n);
			}
		}
	}
	*ret = end;
	return 0;
}

/* ---- content ---- */

int image_find(struct image *im, uint64_t number, struct image_chunk *ret, struct err *e)
{
	size_t lo = 0, hi = im->root.n;
	uint32_t a = 0, b;
	int r;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (im->root.page[mid].page < number / PAGE_CHUNKS)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == im->root.n || im->root.page[lo].page != number / PAGE_CHUNKS)
		return 0;
	r = image_page(im, lo, e);
	if (r < 0)
		return r;
	for (b = im->page->n; a < b;) {
		uint32_t mid = (a + b) / 2;

		if (im->page->entry[mid].chunk < number % PAGE_CHUNKS)
			a = mid + 1;
		else
			b = mid;
	}
	if (a == im->page->n || im->page->entry[a].chunk != number % PAGE_CHUNKS)
		return 0;
	*ret = page_chunk(im->page, a);
	return 1;
}

static int read_chunk(struct image *im, const struct image_chunk *c,
		      struct cached_chunk *to, struct err *e)
{
	const uint8_t *plain;
	int r = chunk_fetch(im, c, im->body, im->refs, e);

	if (r == 0)
		r = chunk_unpack(im, im->codec, c, im->body, im->refs, to->plain, &plain, to->map, e);
	if (r < 0)
		return r;
	if (plain != to->plain)
		memcpy(to->plain, plain, c->plain_len);
	to->map_count = c->map_count;
	return 0;
}

static int cache_room(struct image *im, struct cached_chunk *c, struct err *e)
{
	uint32_t size = im->params.chunk_size;

	if (!im->body)
		im->body = malloc(chunk_packed_max(size));
	if (!c->plain)
		c->plain = malloc(size);
	if (!c->map)
		c->map = malloc(size / REC_UNIT * sizeof *c->map);
	if (!im->body || !c->plain || !c->map)
		return err_set(e, ERR_NOMEM, "out of memory for reading an image");
	return im->refs ? 0 : image_refs(im, &im->refs, e);
}

/* *ret: the chunk's content, or NULL if nothing of it is used. */
static int get_chunk(struct image *im, uint64_t number,
		     struct cached_chunk **ret, struct err *e)
{
	struct cached_chunk *c = &im->cache[0];
	struct image_chunk entry;
	int r;

	for (unsigned int i = 0; i < im->n_cache; i++) {
		struct cached_chunk *k = &im->cache[i];

		if (k->valid && k->number == number) {
			k->used_at = ++im->clock;
			*ret = k;
			return 0;
		}
		if (k->used_at < c->used_at)
			c = k;
	}
	r = image_find(im, number, &entry, e);
	if (r <= 0) {
		*ret = NULL;
		return r;
	}
	c->valid = 0;
	r = cache_room(im, c, e);
	if (r == 0)
		r = read_chunk(im, &entry, c, e);
	if (r < 0)
		return r;
	c->number = number;
	c->used_at = ++im->clock;
	c->valid = 1;
	*ret = c;
	return 0;
}

/* buf: bytes [at, at + len) of the chunk, all zero so far. */
static void copy_used(const struct image_params *p, const struct cached_chunk *c,
		      uint32_t at, uint8_t *buf, uint32_t len)
{
	const uint8_t *plain = c->plain;

	for (uint32_t i = 0; i < c->map_count; i++) {
		uint32_t start = c->map[i].start * REC_UNIT;
		uint32_t n = map_bytes(p, c->number, &c->map[i]);
		uint32_t from = start > at ? start : at;
		uint32_t to = start + n < at + len ? start + n : at + len;

		if (start >= at + len)
			break;
		if (from < to)
			memcpy(buf + (from - at), plain + (from - start), to - from);
		plain += n;
	}
}

int image_read(struct image *im, uint64_t off, void *buf, size_t len,
	       struct err *e)
{
	uint32_t size = im->params.chunk_size;
	uint8_t *to = buf;

	if (range_outside(off, len, im->params.disk_size))
		return err_set(e, ERR_IO, "%s: a read of %zu bytes at offset %llu of the disk goes past its end",
			       im->file->name, len, (unsigned long long)off);
	memset(buf, 0, len);
	while (len) {
		uint32_t at = (uint32_t)(off % size), n = size - at;
		struct cached_chunk *c;
		int r = get_chunk(im, off / size, &c, e);

		if (r < 0)
			return r;
		if (n > len)
			n = (uint32_t)len;
		if (c)
			copy_used(&im->params, c, at, to, n);
		off += n;
		to += n;
		len -= n;
	}
	return 0;
}
