/* fuzz hivelog: a registry hive and its two transaction logs.
 *
 * Input: u8 mode, u8 h, u8 l, then sectors of 512 bytes: h of the hive, l of
 * LOG1, the rest LOG2.  The hive's first sector is its base block, the others
 * are its bins, with zeros up to the least size of a hive.  mode: 1: a lock for
 * transactions is accepted; 2: checksums and hashes are made right first,
 * else hardly any change of the input gets behind them. */
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/hivelog-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_FUZZ (64u << 20)

struct file {
	uint8_t *p;             /* exactly len bytes, so that ASan sees more  */
	size_t len;
};

static struct file copy(const uint8_t *p, size_t len)
{
	struct file f = { malloc(len ? len : 1), len };

	if (!f.p)
		abort();
	if (len)
		memcpy(f.p, p, len);
	return f;
}

static struct file make_hive(const uint8_t *p, size_t len)
{
	size_t first = len < LOG_SECTOR ? len : LOG_SECTOR;
	size_t size = REGF_BINS + (len - first);
	struct file f = { NULL, size < REGF_SIZE_MIN ? REGF_SIZE_MIN : size };

	f.p = calloc(1, f.len);
	if (!f.p)
		abort();
	memcpy(f.p, p, first);
	memcpy(f.p + REGF_BINS, p + first, len - first);
	return f;
}

static void mend_base(struct file *f)
{
	struct regf_base_disk *b = (struct regf_base_disk *)f->p;

	if (f->len >= sizeof *b)
		b->checksum = le32_make(regf_checksum(b));
}

static uint32_t get32(const uint8_t *p)
{
	le32 v;

	memcpy(&v, p, 4);
	return le32_get(v);
}

static void mend_entries(struct file *f)
{
	size_t at = LOG_SECTOR;

	while (f->len >= 40 && at <= f->len - 40 && !memcmp(f->p + at, "HvLE", 4)) {
		uint32_t size = get32(f->p + at + 4);
		le64 h;

		if (size < 40 || size > f->len - at)
			return;
		h = le64_make(marvin32(HIVELOG_SEED, f->p + at + 40, size - 40));
		memcpy(f->p + at + 24, &h, 8);
		h = le64_make(marvin32(HIVELOG_SEED, f->p + at, 32));
		memcpy(f->p + at + 32, &h, 8);
		at += size;
	}
}

/* What came out must be a clean hive without holes, which stays as it is. */
static void check(const uint8_t *out, size_t len, const struct hivelog_result *r)
{
	uint32_t bins = get32(out + 40), at = 0;
	struct hivelog_result again;
	uint8_t *same;
	size_t same_len;
	struct err e;

	if (hivelog_dirty(out, len) || len > SIZE_MAX_FUZZ)
		abort();
	if (r->replayed && (!r->dirty || !r->entries || get32(out + 4) != r->seq_after ||
			    bins > len - REGF_BINS || bins != r->bins_after))
		abort();
	for (; r->replayed && at < bins; at += get32(out + REGF_BINS + at + 8))
		if (memcmp(out + REGF_BINS + at, "hbin", 4) || get32(out + REGF_BINS + at + 4) != at)
			abort();
	if (r->replayed && at != bins)
		abort();
	if (hivelog_recover("again", out, len, NULL, 0, NULL, &same, &same_len, &again, &e) ||
	    again.dirty || same_len != len || memcmp(same, out, len))
		abort();
	free(same);
	hivelog_result_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hivelog_options opt = { .size_max = SIZE_MAX_FUZZ };
	struct file hive, log[2];
	struct hivelog_result res = { 0 };
	struct err e = { 0 };
	uint8_t *out = NULL;
	size_t h, l, len = 0;

	if (size < 3)
		return 0;
	h = data[1] * 512u < size - 3 ? data[1] * 512u : size - 3;
	l = data[2] * 512u < size - 3 - h ? data[2] * 512u : size - 3 - h;
	hive = make_hive(data + 3, h);
	log[0] = copy(data + 3 + h, l);
	log[1] = copy(data + 3 + h + l, size - 3 - h - l);
	opt.accept_ktm = data[0] & 1;
	for (int i = 0; data[0] & 2 && i < 2; i++) {
		mend_base(&log[i]);
		mend_entries(&log[i]);
	}
	if (data[0] & 2)
		mend_base(&hive);

	const struct hivelog_input in[2] = { { "LOG1", log[0].p, log[0].len },
					     { "LOG2", log[1].p, log[1].len } };

	if (hivelog_recover("hive", hive.p, hive.len, in, 2, &opt, &out, &len, &res, &e)) {
		if (!e.code || !*e.msg || out || len || res.notes.n)
			abort();
	} else {
		check(out, len, &res);
	}
	free(out);
	hivelog_result_done(&res);
	free(hive.p);
	free(log[0].p);
	free(log[1].p);
	return 0;
}
