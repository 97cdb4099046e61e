/* hivelog-make.h: makes hives and transaction logs of both kinds, and recovers
 * one from the others; for test-hivelog*.c, after <cmocka.h>.  A made hive's
 * bins have one page of 4096 bytes each; byte 100 of a page and those after it
 * are its text. */
#ifndef REHOST_TEST_HIVELOG_MAKE_H
#define REHOST_TEST_HIVELOG_MAKE_H
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/hivelog-private.h"

#define PAGE_SIZE 4096u
#define MADE_TIME 0x1d0000000000000ull

struct made {
	uint8_t *p;
	size_t len;
};

static inline void made_free(struct made *m)
{
	free(m->p);
	*m = (struct made){ 0 };
}

static inline void made_room(struct made *m, size_t len)
{
	if (len <= m->len)
		return;
	m->p = realloc(m->p, len);
	assert(m->p);
	memset(m->p + m->len, 0, len - m->len);
	m->len = len;
}

static inline struct regf_base_disk *made_base(struct made *m)
{
	return (struct regf_base_disk *)m->p;
}

static inline void made_sum(struct made *m)
{
	made_base(m)->checksum = le32_make(regf_checksum(made_base(m)));
}

/* A base block at the start of m, checksum and all. */
static inline void make_base(struct made *m, uint32_t type, uint32_t seq1,
			     uint32_t seq2, uint32_t pages)
{
	made_room(m, LOG_SECTOR);
	*made_base(m) = (struct regf_base_disk){
		.magic = "regf", .seq1 = le32_make(seq1),
		.seq2 = le32_make(seq2), .written = le64_make(MADE_TIME),
		.major = le32_make(1), .minor = le32_make(5),
		.type = le32_make(type), .format = le32_make(1),
		.root = le32_make(32), .bins_size = le32_make(pages * PAGE_SIZE),
		.clustering = le32_make(1), .rmtm = "rmtm" };
	made_sum(m);
}

/* The page of a hive, number n, with a text. */
static inline void make_page(uint8_t *p, uint32_t n, const char *text)
{
	struct regf_bin_disk b = { .magic = "hbin",
		.offset = le32_make(n * PAGE_SIZE),
		.size = le32_make(PAGE_SIZE) };

	memset(p, 0, PAGE_SIZE);
	memcpy(p, &b, sizeof b);
	strcpy((char *)p + 100, text);
}

static inline struct made make_hive(uint32_t seq1, uint32_t seq2,
				    uint32_t pages)
{
	struct made m = { 0 };

	made_room(&m, (1 + pages) * PAGE_SIZE);
	make_base(&m, REGF_HIVE, seq1, seq2, pages);
	for (uint32_t i = 0; i < pages; i++)
		make_page(m.p + (1 + i) * PAGE_SIZE, i, "disk");
	return m;
}

static inline const char *page_text(const uint8_t *hive, uint32_t n)
{
	return (const char *)hive + (1 + n) * PAGE_SIZE + 100;
}

/* --- logs with entries */

static inline struct made make_log(uint32_t seq, uint32_t pages)
{
	struct made m = { 0 };

	make_base(&m, REGF_LOG_ENTRIES, seq, seq, pages);
	return m;
}

/* Computes the hashes of the entry at off again. */
static inline void hash_entry(struct made *m, size_t off)
{
	le32 size;
	le64 h;

	memcpy(&size, m->p + off + 4, 4);
	h = le64_make(marvin32(HIVELOG_SEED, m->p + off + 40,
			       le32_get(size) - 40));
	memcpy(m->p + off + 24, &h, 8);
	h = le64_make(marvin32(HIVELOG_SEED, m->p + off, 32));
	memcpy(m->p + off + 32, &h, 8);
}

static inline void put32(struct made *m, size_t off, uint32_t v)
{
	le32 d = le32_make(v);

	memcpy(m->p + off, &d, 4);
}

/* Appends an entry that gives pages first to first+n-1 of a hive of `pages`
 * pages a text; returns where it lies. */
static inline size_t make_entry(struct made *m, uint32_t seq, uint32_t pages,
				uint32_t first, uint32_t n, const char *text)
{
	size_t off = m->len, size = 40 + n * (8 + (size_t)PAGE_SIZE);

	size = (size + LOG_SECTOR - 1) / LOG_SECTOR * LOG_SECTOR;
	made_room(m, off + size);
	memcpy(m->p + off, "HvLE", 4);
	put32(m, off + 4, (uint32_t)size);
	put32(m, off + 12, seq);
	put32(m, off + 16, pages * PAGE_SIZE);
	put32(m, off + 20, n);
	for (uint32_t i = 0; i < n; i++) {
		put32(m, off + 40 + 8 * i, (first + i) * PAGE_SIZE);
		put32(m, off + 44 + 8 * i, PAGE_SIZE);
		make_page(m->p + off + 40 + 8 * n + i * PAGE_SIZE, first + i,
			  text);
	}
	hash_entry(m, off);
	return off;
}

/* --- logs with a bitmap */

/* A log of a hive of `pages` pages (at most 4032) that gives those in the
 * bitmap `which` a text. */
static inline struct made make_old_log(uint32_t seq, uint32_t pages,
				       uint32_t which, const char *text)
{
	struct made m = { 0 };
	size_t from = (512 + 4 + pages + 511) / 512 * 512;

	make_base(&m, REGF_LOG, seq, seq, pages);
	made_room(&m, from);
	memcpy(m.p + 512, "DIRT", 4);
	for (uint32_t i = 0; i < pages; i++) {
		if (!(which >> i & 1))
			continue;
		m.p[516 + i] = 0xff;
		from = m.len;
		made_room(&m, from + PAGE_SIZE);
		make_page(m.p + from, i, text);
	}
	return m;
}

/* --- and what comes of them */

/* One recovery: hive and logs go in, the rest comes out. */
struct run {
	struct made hive, log[2];
	struct hivelog_options opt;
	uint8_t *out;
	size_t len;
	struct hivelog_result res;
	struct err e;
};

static inline int recover(struct run *r)
{
	struct hivelog_input in[2] = {
		{ "H.LOG1", r->log[0].p, r->log[0].len },
		{ "H.LOG2", r->log[1].p, r->log[1].len } };

	return hivelog_recover("H", r->hive.p, r->hive.len, in, 2, &r->opt,
			       &r->out, &r->len, &r->res, &r->e);
}

static inline void run_free(struct run *r)
{
	made_free(&r->hive);
	made_free(&r->log[0]);
	made_free(&r->log[1]);
	free(r->out);
	hivelog_result_done(&r->res);
	memset(r, 0, sizeof *r);
}

/* It must work, and leave a clean hive whose pages begin with these letters. */
static inline void recovers(struct run *r, const char *letters, uint32_t seq)
{
	struct regf_base_disk b;

	if (recover(r))
		fail_msg("%s", r->e.msg);
	memcpy(&b, r->out, sizeof b);
	assert_true(regf_valid(&b));
	assert_int_equal(le32_get(b.seq1), seq);
	assert_int_equal(le32_get(b.seq2), seq);
	assert_int_equal(le32_get(b.type), REGF_HIVE);
	assert_int_equal(le32_get(b.bins_size), strlen(letters) * PAGE_SIZE);
	assert_true(r->len >= (1 + strlen(letters)) * PAGE_SIZE);
	for (uint32_t i = 0; letters[i]; i++)
		if (page_text(r->out, i)[0] != letters[i])
			fail_msg("page %u: '%s', not '%c'", i,
				 page_text(r->out, i), letters[i]);
	assert_false(hivelog_dirty(r->out, r->len));
	assert_int_equal(r->res.dirty, 1);
	assert_int_equal(r->res.replayed, 1);
	assert_int_equal(r->res.seq_after, seq);
	assert_true(r->res.notes.n > 0);
	run_free(r);
}

static inline void refuses(struct run *r, int code, const char *why)
{
	int got = recover(r);

	assert_int_equal(got, code);
	if (!strstr(r->e.msg, why))
		fail_msg("not '%s' in: %s", why, r->e.msg);
	assert_null(r->out);
	assert_int_equal(r->len, 0);
	assert_int_equal(r->res.dirty, 0);
	run_free(r);
}

static inline struct run dirty(uint32_t seq1, uint32_t seq2, uint32_t pages)
{
	return (struct run){ .hive = make_hive(seq1, seq2, pages) };
}

#endif
