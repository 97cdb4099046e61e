/* root.c: ROOT's table of pages; see page.h. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/vec.h"
#include "imager/fmt/disk.h"
#include "imager/fmt/page.h"

/* The first entry whose page isn't below; most often the end. */
static size_t root_place(const struct root *r, uint64_t page)
{
	size_t lo = 0, hi = r->n;

	if (r->n && r->page[r->n - 1].page < page)
		return r->n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r->page[mid].page < page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct root_page *root_find(const struct root *r, uint64_t page)
{
	size_t i = root_place(r, page);

	return i < r->n && r->page[i].page == page ? &r->page[i] : NULL;
}

int root_add(struct root *r, const struct root_page *p, struct err *e)
{
	size_t i = root_place(r, p->page);
	struct root_page *v;

	if (i < r->n && r->page[i].page == p->page) {
		r->page[i] = *p;
		return 0;
	}
	v = vec_room(r->page, r->n, &r->room, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	r->page = v;
	memmove(r->page + i + 1, r->page + i, (r->n - i) * sizeof *p);
	r->page[i] = *p;
	r->n++;
	return 0;
}

void root_done(struct root *r)
{
	free(r->page);
	*r = (struct root){ 0 };
}

int root_hashes(const struct root *r, struct hasher *h, enum hash_alg a,
		uint8_t *ret, struct err *e)
{
	cleanup_free uint8_t *joined = malloc(r->n * HASH_LEN + 1);

	if (!joined)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	for (size_t i = 0; i < r->n; i++)
		memcpy(joined + i * HASH_LEN, r->page[i].hash, HASH_LEN);
	return hash_bytes(h, a, joined, r->n * HASH_LEN, ret, e);
}

int root_encode(const struct root *r, uint8_t **ret_body, uint32_t *ret_len,
		struct err *e)
{
	struct root_disk head = { .pages = le32_make((uint32_t)r->n) };
	size_t len = sizeof head + r->n * sizeof(struct root_page_disk);
	uint8_t *body;

	if (len > REC_PLAIN_MAX)
		return err_set(e, ERR_UNSUPPORTED,
			       "the disk is too large for one image at this chunk size (%zu pages of index)",
			       r->n);
	body = malloc(len);
	if (!body)
		return err_set(e, ERR_NOMEM, "out of memory for the index");
	memcpy(body, &head, sizeof head);
	for (size_t i = 0; i < r->n; i++) {
		const struct root_page *p = &r->page[i];
		struct root_page_disk d = {
			.page = le64_make(p->page), .offset = le64_make(p->offset),
			.body_len = le32_make(p->body_len),
			.plain_len = le32_make(p->plain_len),
			.used_bytes = le64_make(p->used_bytes),
		};

		memcpy(d.hash, p->hash, sizeof d.hash);
		memcpy(body + sizeof head + i * sizeof d, &d, sizeof d);
	}
	*ret_body = body;
	*ret_len = (uint32_t)len;
	return 0;
}

const char *root_decode(const uint8_t *body, uint32_t len,
			const struct image_params *params, uint64_t end,
			struct root *ret)
{
	struct root_disk head;
	struct root root = { 0 };
	uint64_t used = 0, last_page = params_chunks(params) / PAGE_CHUNKS;
	uint32_t pages;

	if (len < sizeof head)
		return "is too short";
	memcpy(&head, body, sizeof head);
	pages = le32_get(head.pages);
	if (le32_get(head.zero) ||
	    len != sizeof head + (uint64_t)pages * sizeof(struct root_page_disk))
		return "has a length that doesn't match its count";
	for (uint32_t i = 0; i < pages; i++) {
		struct root_page_disk d;
		struct root_page p;

		memcpy(&d, body + sizeof head + i * sizeof d, sizeof d);
		p = (struct root_page){
			.page = le64_get(d.page), .offset = le64_get(d.offset),
			.used_bytes = le64_get(d.used_bytes),
			.body_len = le32_get(d.body_len),
			.plain_len = le32_get(d.plain_len),
		};
		memcpy(p.hash, d.hash, sizeof p.hash);
		if (p.page > last_page || p.offset > end ||
		    end - p.offset < IMAGE_HEAD_LEN + (uint64_t)p.body_len ||
		    (i && p.page <= root.page[i - 1].page) ||
		    p.used_bytes > params->disk_size ||
		    root_add(&root, &p, NULL) < 0) {
			root_done(&root);
			return "has an impossible entry, or there is no memory for it";
		}
		used += p.used_bytes;
	}
	if (used != params->used_bytes) {
		root_done(&root);
		return "has another number of used bytes than the header";
	}
	*ret = root;
	return NULL;
}
