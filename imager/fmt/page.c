/* page.c: see page.h. */
#include "imager/fmt/page.h"
#include <stdlib.h>
#include <string.h>
#include "imager/fmt/chunk.h"
#include "imager/fmt/disk.h"

int page_new(struct page **ret, struct err *e)
{
	struct page *p = calloc(1, sizeof *p);

	/* never NULL: a damaged chunk is added without its map */
	if (p)
		p->maps = malloc(PAGE_CHUNKS * sizeof *p->maps);
	if (!p || !p->maps) {
		page_free(p);
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	}
	p->room = PAGE_CHUNKS;
	*ret = p;
	return 0;
}

struct page *page_free(struct page *p)
{
	if (p)
		free(p->maps);
	free(p);
	return NULL;
}

void page_clear(struct page *p, uint64_t number)
{
	p->number = number;
	p->n = p->n_maps = p->written = 0;
	p->bytes = 0;
}

static int maps_room(struct page *p, uint32_t more)
{
	uint32_t want = p->n_maps + more;
	struct chunk_map *m;

	if (want <= p->room)
		return 0;
	want += want / 2;
	m = realloc(p->maps, want * sizeof *m);
	if (!m)
		return -1;
	p->maps = m;
	p->room = want;
	return 0;
}

int page_add(struct page *p, const struct image_chunk *c, struct err *e)
{
	struct page_entry *n = &p->entry[p->n], *const first = p->entry;
	uint32_t chunk = (uint32_t)(c->number % PAGE_CHUNKS);

	while (n > first && n[-1].chunk >= chunk)
		n--;
	if (p->n == PAGE_CHUNKS || (n < first + p->n && n->chunk == chunk))
		return err_set(e, ERR_INTERNAL, "a page of the index holds chunk %u already", chunk);
	if (maps_room(p, c->map_count) < 0)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	memmove(n + 1, n, (size_t)(first + p->n - n) * sizeof *n);
	*n = (struct page_entry){
		.offset = c->offset, .chunk = chunk,
		.map_at = p->n_maps, .map_count = c->map_count,
		.body_len = c->body_len, .plain_len = c->plain_len,
		.codec = c->codec, .flags = c->flags,
	};
	memcpy(n->hash, c->hash, sizeof n->hash);
	if (c->map_count)
		memcpy(p->maps + p->n_maps, c->map, c->map_count * sizeof *c->map);
	p->n_maps += c->map_count;
	p->bytes += c->plain_len;
	p->n++;
	return 0;
}

struct image_chunk page_chunk(const struct page *p, uint32_t i)
{
	const struct page_entry *n = &p->entry[i];
	struct image_chunk c = {
		.number = p->number * PAGE_CHUNKS + n->chunk,
		.offset = n->offset, .body_len = n->body_len,
		.plain_len = n->plain_len, .map_count = n->map_count,
		.codec = n->codec, .flags = n->flags, .map = p->maps + n->map_at,
	};

	memcpy(c.hash, n->hash, sizeof c.hash);
	return c;
}

int page_encode(const struct page *p, uint8_t **ret_body, uint32_t *ret_len,
		struct err *e)
{
	struct page_disk head = { le32_make(p->n), le32_make(p->n_maps) };
	size_t len = sizeof head + p->n * sizeof(struct entry_disk) +
		     p->n_maps * sizeof(struct map_disk);
	uint8_t *body = malloc(len), *at = body;

	if (!body)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	memcpy(at, &head, sizeof head);
	at += sizeof head;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct page_entry *n = &p->entry[i];
		struct entry_disk d = {
			.chunk = le32_make(n->chunk),
			.map_count = le32_make(n->map_count),
			.offset = le64_make(n->offset),
			.body_len = le32_make(n->body_len),
			.plain_len = le32_make(n->plain_len),
			.codec = n->codec, .flags = n->flags,
		};

		memcpy(d.hash, n->hash, sizeof d.hash);
		memcpy(at, &d, sizeof d);
		at += sizeof d;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		map_put(p->maps + p->entry[i].map_at, p->entry[i].map_count, at);
		at += p->entry[i].map_count * sizeof(struct map_disk);
	}
	*ret_body = body;
	*ret_len = (uint32_t)len;
	return 0;
}

/* The entry by itself; its map is checked later. */
static const char *entry_wrong(const struct entry_disk *d,
			       const struct page_entry *n, uint64_t chunk,
			       const struct image_params *params, uint64_t end)
{
	static const uint8_t zero[6];
	struct record r = {
		.type = REC_CHUNK, .codec = n->codec, .aux = chunk,
		.body_len = n->body_len, .plain_len = n->plain_len,
		.map_count = n->map_count,
		.sealed = (params->must & FEATURE_ENCRYPTED) != 0,
	};

	if (n->flags > 1 || memcmp(d->zero, zero, sizeof zero))
		return "has an entry with a nonzero reserved field";
	if (n->codec > CODEC_PATCH || record_fits(&r, params))
		return "has an impossible entry";
	if (n->offset > end || end - n->offset < IMAGE_HEAD_LEN + (uint64_t)n->body_len)
		return "has an entry that points behind it";
	return NULL;
}

static const char *maps_decode(struct page *p, const uint8_t *at,
			       uint32_t map_total,
			       const struct image_params *params)
{
	uint64_t sum = 0;
	const char *wrong;

	for (uint32_t i = 0; i < p->n; i++)
		sum += p->entry[i].map_count;
	if (sum != map_total)
		return "has another number of map entries than it says";
	if (maps_room(p, map_total) < 0)
		return "can't be read for lack of memory";
	map_get(at, map_total, p->maps);
	for (uint32_t i = 0; i < p->n; i++) {
		struct page_entry *n = &p->entry[i];

		n->map_at = p->n_maps;
		p->n_maps += n->map_count;
		p->bytes += n->plain_len;
		wrong = map_wrong(params, p->number * PAGE_CHUNKS + n->chunk,
				  p->maps + n->map_at, n->map_count, n->plain_len);
		if (wrong)
			return wrong;
	}
	return NULL;
}

const char *page_decode(const uint8_t *body, uint32_t len, uint64_t number,
			const struct image_params *params, uint64_t end,
			struct page *p)
{
	struct page_disk head;
	uint32_t entries, map_total;

	page_clear(p, number);
	if (len < sizeof head || number > params_chunks(params) / PAGE_CHUNKS)
		return "is too short, or of a place behind the disk's end";
	memcpy(&head, body, sizeof head);
	entries = le32_get(head.entries);
	map_total = le32_get(head.map_total);
	if (!entries || entries > PAGE_CHUNKS ||
	    len != sizeof head + entries * sizeof(struct entry_disk) +
		   (uint64_t)map_total * sizeof(struct map_disk))
		return "has a length that doesn't match its counts";
	for (uint32_t i = 0; i < entries; i++) {
		struct page_entry *n = &p->entry[i];
		struct entry_disk d;
		const char *wrong;

		memcpy(&d, body + sizeof head + i * sizeof d, sizeof d);
		*n = (struct page_entry){
			.offset = le64_get(d.offset), .chunk = le32_get(d.chunk),
			.map_count = le32_get(d.map_count),
			.body_len = le32_get(d.body_len),
			.plain_len = le32_get(d.plain_len),
			.codec = d.codec, .flags = d.flags,
		};
		memcpy(n->hash, d.hash, sizeof n->hash);
		if (n->chunk >= PAGE_CHUNKS || (i && n->chunk <= n[-1].chunk))
			return "has entries that aren't in order";
		wrong = entry_wrong(&d, n, number * PAGE_CHUNKS + n->chunk,
				    params, end);
		if (wrong)
			return wrong;
	}
	p->n = entries;
	return maps_decode(p, body + sizeof head + entries * sizeof(struct entry_disk),
			   map_total, params);
}
