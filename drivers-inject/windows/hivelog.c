/* hivelog.c: see hivelog.h.  Which logs are used, and the hive made of them;
 * hivelog-old.c and hivelog-new.c know what is in them. */
#include "drivers-inject/windows/hivelog.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "drivers-inject/windows/hivelog-private.h"

void hivelog_why(struct log *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
}

void hivelog_result_done(struct hivelog_result *res)
{
	strv_done(&res->notes);
}

static int base_dirty(const struct primary *pri)
{
	return !pri->valid ||
	       le32_get(pri->base.seq1) != le32_get(pri->base.seq2);
}

static void look_at_primary(const char *name, const void *bytes, size_t len,
			    struct primary *ret)
{
	*ret = (struct primary){ .name = name, .p = bytes, .len = len };
	if (len < sizeof ret->base)
		return;
	memcpy(&ret->base, bytes, sizeof ret->base);
	ret->valid = regf_valid(&ret->base);
}

int hivelog_dirty(const void *primary, size_t len)
{
	struct primary pri;

	look_at_primary("", primary, len, &pri);
	return base_dirty(&pri);
}

static int all_zero(const uint8_t *p, size_t len)
{
	return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

/* Reads a log's first sector: which kind it is, or why it can't be used. */
static void look_at_log(const struct hivelog_input *in, struct log *ret)
{
	*ret = (struct log){ .name = in->name, .p = in->bytes, .len = in->len };
	if (!in->bytes)
		hivelog_why(ret, "there is no such file");
	else if (all_zero(in->bytes, in->len))
		hivelog_why(ret, "it is empty");
	else if (in->len < LOG_SECTOR)
		hivelog_why(ret, "it has only %zu bytes", in->len);
	if (*ret->why)
		return;
	memcpy(&ret->base, in->bytes, sizeof ret->base);
	if (!regf_valid(&ret->base))
		hivelog_why(ret, "its base block's checksum is wrong");
	else if (le32_get(ret->base.seq1) != le32_get(ret->base.seq2))
		hivelog_why(ret, "it was not written to the end (sequence "
			    "numbers %u and %u)", le32_get(ret->base.seq1),
			    le32_get(ret->base.seq2));
	else if (le32_get(ret->base.type) == REGF_LOG_ENTRIES)
		ret->kind = HIVELOG_NEW;
	else if (le32_get(ret->base.type) == REGF_LOG ||
		 le32_get(ret->base.type) == REGF_LOG_2000)
		ret->kind = HIVELOG_OLD;
	else
		hivelog_why(ret, "it is no transaction log (type %u)",
			    le32_get(ret->base.type));
}

/* What a hive's logs are, if they are of both kinds: old ones were left behind
 * when a newer Windows took over. */
static enum hivelog_kind kind_of(struct log *logs, size_t n)
{
	enum hivelog_kind kind = HIVELOG_NONE;

	for (size_t i = 0; i < n; i++)
		if (logs[i].kind > kind)
			kind = logs[i].kind;
	for (size_t i = 0; i < n; i++)
		if (logs[i].kind != HIVELOG_NONE && logs[i].kind < kind) {
			hivelog_why(&logs[i], "it is of an older Windows");
			logs[i].kind = HIVELOG_NONE;
		}
	return kind;
}

/* Dirty, and no log helps. */
static int refuse(const struct primary *pri, const struct log *logs, size_t n,
		  struct err *e)
{
	char numbers[64] = "an invalid base block", why[640] = "";
	size_t len = 0;

	if (pri->valid)
		snprintf(numbers, sizeof numbers, "sequence numbers %u and %u",
			 le32_get(pri->base.seq1), le32_get(pri->base.seq2));
	else if (memcmp(pri->base.magic, "regf", 4))
		return err_set(e, ERR_CORRUPT, "%s: not a registry hive (no "
			       "'regf' at its start, and no transaction log "
			       "that has it)", pri->name);
	for (size_t i = 0; i < n; i++) {
		snprintf(why + len, sizeof why - len, "%s%.80s: %.159s",
			 i ? "; " : "", logs[i].name, logs[i].why);
		len = strlen(why);
	}
	return err_set(e, ERR_REFUSED, "%.120s was not written to the end (%s) "
		       "and its transaction logs do not help: %s. Start this "
		       "Windows where it is installed and shut it down",
		       pri->name, numbers, n ? why : "there are none");
}

static int find_plan(const struct primary *pri, struct log *logs, size_t n,
		     struct plan *ret, struct err *e)
{
	enum hivelog_kind kind = kind_of(logs, n);
	int found = 0;

	if (kind == HIVELOG_NEW)
		found = hivelog_new_plan(pri, logs, n, ret);
	else if (kind == HIVELOG_OLD)
		found = hivelog_old_plan(pri, logs, n, ret);
	return found ? 0 : refuse(pri, logs, n, e);
}

/* The base block that the hive gets. */
static struct regf_base_disk new_base(const struct primary *pri,
				      const struct plan *plan)
{
	const struct part *last = &plan->part[plan->n - 1];
	struct regf_base_disk b = plan->base ? plan->base->base : pri->base;

	b.seq1 = b.seq2 = le32_make(plan->seq_after);
	b.type = le32_make(REGF_HIVE);
	b.bins_size = le32_make(last->bins_size);
	/* each entry says anew whether transactions are open */
	if (plan->kind == HIVELOG_NEW)
		b.flags = le32_make((le32_get(b.flags) & ~REGF_KTM_LOCKED) |
				    last->flags);
	b.checksum = le32_make(regf_checksum(&b));
	return b;
}

/* Bins must follow each other without a hole up to the size that the base
 * block says. */
static int check_bins(const char *name, const uint8_t *bins, uint32_t size,
		      struct err *e)
{
	uint32_t off = 0, len;
	struct regf_bin_disk b;

	do {
		memcpy(&b, bins + off, sizeof b);
		len = le32_get(b.size);
		if (memcmp(b.magic, "hbin", 4) || le32_get(b.offset) != off ||
		    !len || len % REGF_BIN_ALIGN || len > size - off)
			return err_set(e, ERR_CORRUPT, "%s: the hive is damaged "
				       "even after its transaction logs were "
				       "applied (no bin at byte %llu; magic "
				       "%02x%02x%02x%02x, offset %u, size %u "
				       "of %u)", name,
				       REGF_BINS + (unsigned long long)off,
				       b.magic[0], b.magic[1], b.magic[2],
				       b.magic[3], le32_get(b.offset), len,
				       size);
		off += len;
	} while (off < size);
	return 0;
}

/* The hive with its logs applied: *ret, *ret_len. */
static int build(const struct primary *pri, const struct plan *plan,
		 const struct regf_base_disk *base, uint64_t size_max,
		 uint8_t **ret, size_t *ret_len, struct err *e)
{
	cleanup_free uint8_t *out = NULL;
	uint64_t len = pri->len;
	int r;

	for (size_t i = 0; i < plan->n; i++)
		if (REGF_BINS + (uint64_t)plan->part[i].bins_max > len)
			len = REGF_BINS + (uint64_t)plan->part[i].bins_max;
	if (len > size_max)
		return err_set(e, ERR_NOMEM, "%s: its transaction logs make the "
			       "hive %llu MB large, and only %llu MB may be "
			       "used for it", pri->name,
			       (unsigned long long)len >> 20,
			       (unsigned long long)size_max >> 20);
	out = calloc(1, len);
	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	memcpy(out, pri->p, pri->len);
	for (size_t i = 0; i < plan->n; i++)
		(plan->kind == HIVELOG_NEW ? hivelog_new_apply :
		 hivelog_old_apply)(&plan->part[i], out + REGF_BINS);
	memcpy(out, base, sizeof *base);
	r = check_bins(pri->name, out + REGF_BINS, le32_get(base->bins_size), e);
	if (r)
		return r;
	*ret = out;
	*ret_len = len;
	out = NULL;
	return 0;
}

static void note_part(const struct plan *plan, const struct part *p,
		      struct strv *notes)
{
	if (plan->kind == HIVELOG_OLD)
		strv_addf(notes, "%s: %zu pages", p->log->name, p->pages);
	else
		strv_addf(notes, "%s: entries %u to %u, %zu pages", p->log->name,
			  p->first, p->next - 1, p->pages);
	if (p->fault)
		strv_addf(notes, "%s: the entry at byte %zu was not used, nor "
			  "what follows: %s", p->log->name, p->end, p->fault);
}

static void fill_result(const struct primary *pri, const struct plan *plan,
			const struct log *logs, size_t n,
			struct hivelog_result *res)
{
	*res = (struct hivelog_result){ .dirty = base_dirty(pri),
		.seq1 = le32_get(pri->base.seq1),
		.seq2 = le32_get(pri->base.seq2), .seq_after = plan->seq_after,
		.bins_before = le32_get(pri->base.bins_size),
		.bins_after = le32_get(pri->base.bins_size),
		.kind = plan->kind, .base_from_log = plan->base != NULL,
		.replayed = plan->n != 0, .cut = plan->cut };
	for (size_t i = 0; i < plan->n; i++) {
		res->entries += plan->part[i].entries;
		res->pages += plan->part[i].pages;
		res->bins_after = plan->part[i].bins_size;
		note_part(plan, &plan->part[i], &res->notes);
	}
	for (size_t i = 0; i < n; i++)
		if (*logs[i].why)
			strv_addf(&res->notes, "%s was not used: %s",
				  logs[i].name, logs[i].why);
}

static int clean_copy(const struct primary *pri, uint8_t **ret,
		      size_t *ret_len, struct hivelog_result *res,
		      struct err *e)
{
	const struct plan none = { .seq_after = le32_get(pri->base.seq1) };
	uint8_t *out = malloc(pri->len);

	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	memcpy(out, pri->p, pri->len);
	fill_result(pri, &none, NULL, 0, res);
	res->ktm_locked = regf_ktm_locked(&pri->base);
	*ret = out;
	*ret_len = pri->len;
	return 0;
}

static int check_ktm(const struct primary *pri, const struct regf_base_disk *b,
		     const struct hivelog_options *opt, struct err *e)
{
	if (!regf_ktm_locked(b) || (opt && opt->accept_ktm))
		return 0;
	return err_set(e, ERR_REFUSED, "%s was not written to the end (sequence "
		       "numbers %u and %u) and is locked for transactions: "
		       "changes may be pending in *.regtrans-ms files, which "
		       "can't be read here. Start this Windows where it is "
		       "installed and shut it down", pri->name,
		       le32_get(pri->base.seq1), le32_get(pri->base.seq2));
}

int hivelog_recover(const char *name, const void *primary, size_t len,
		    const struct hivelog_input *logs, size_t n_logs,
		    const struct hivelog_options *opt, uint8_t **ret,
		    size_t *ret_len, struct hivelog_result *res,
		    struct err *e)
{
	uint64_t size_max = opt && opt->size_max ? opt->size_max : REGF_SIZE_MAX;
	struct log log[HIVELOG_INPUTS_MAX];
	struct regf_base_disk base;
	struct primary pri;
	struct plan plan;
	int r;

	if (n_logs > HIVELOG_INPUTS_MAX)
		return err_set(e, ERR_INTERNAL, "%s: %zu logs", name, n_logs);
	if (len < REGF_SIZE_MIN || len > size_max)
		return err_set(e, len > size_max ? ERR_NOMEM : ERR_CORRUPT,
			       "%s: %zu bytes are no size of a registry hive",
			       name, len);
	look_at_primary(name, primary, len, &pri);
	if (!base_dirty(&pri))
		return clean_copy(&pri, ret, ret_len, res, e);
	for (size_t i = 0; i < n_logs; i++)
		look_at_log(&logs[i], &log[i]);
	r = find_plan(&pri, log, n_logs, &plan, e);
	if (r)
		return r;
	base = new_base(&pri, &plan);
	r = check_ktm(&pri, &base, opt, e);
	if (!r)
		r = build(&pri, &plan, &base, size_max, ret, ret_len, e);
	if (r)
		return r;
	fill_result(&pri, &plan, log, n_logs, res);
	res->ktm_locked = regf_ktm_locked(&base);
	return 0;
}
