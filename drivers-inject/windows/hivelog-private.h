/* hivelog-private.h: what hivelog*.c share.
 *
 * Both kinds of log begin with a sector that holds a copy of the hive's base
 * block (regf.h), its type changed.  A log is usable if that copy's checksum
 * is right and its two sequence numbers are equal.  Sources: M. Suhanov's
 * specification and the recovered hives in yarp's tests.
 *
 * Where Windows' own rules leave a choice, the safer one is taken; each such
 * place says so. */
#ifndef REHOST_HIVELOG_PRIVATE_H
#define REHOST_HIVELOG_PRIVATE_H
#include "drivers-inject/windows/hivelog.h"
#include "drivers-inject/windows/regf.h"

#define LOG_SECTOR 512u

struct log {
	const char *name;
	const uint8_t *p;
	size_t len;
	struct regf_base_disk base;
	enum hivelog_kind kind; /* NONE: can't be used, why says why         */
	char why[160];
};

struct primary {
	const char *name;
	const uint8_t *p;
	size_t len;
	struct regf_base_disk base;
	int valid;              /* its base block is                         */
};

/* What is taken from one log. */
struct part {
	struct log *log;
	uint32_t first, next;   /* sequence numbers: [first, next)           */
	size_t entries, pages;
	uint32_t bins_size;     /* of the hive, after it                     */
	uint32_t bins_max;      /* the most that any entry says              */
	uint32_t flags;         /* of the last entry: REGF_KTM_LOCKED or 0   */
	size_t from;            /* old: where the pages lie in the log       */
	size_t end;             /* new: where the entries end                */
	const char *fault;      /* NULL, or why what is there isn't taken    */
};

struct plan {
	enum hivelog_kind kind;
	struct part part[HIVELOG_INPUTS_MAX];
	size_t n;               /* parts, in the order of their replay       */
	const struct log *base; /* its base block becomes the hive's, or NULL */
	int cut;                /* as hivelog_result's                       */
	uint32_t seq_after;
};

/* 1: *ret says what is to be done; 0: no log of this kind fits, each has its
 * why.  plan->n is 0 then. */
int hivelog_new_plan(const struct primary *pri, struct log *logs, size_t n,
		     struct plan *ret);
int hivelog_old_plan(const struct primary *pri, struct log *logs, size_t n,
		     struct plan *ret);
/* Writes the pages of one part over bins, which has bins_max bytes. */
void hivelog_new_apply(const struct part *p, uint8_t *bins);
void hivelog_old_apply(const struct part *p, uint8_t *bins);

void hivelog_why(struct log *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Marvin32, 64 bits: the high state word in the upper half. */
uint64_t marvin32(uint64_t seed, const void *bytes, size_t len);
/* The specification gives the seed as the bytes 82 EF 4D 88 7A 4E 55 C5: they
 * are this number from its highest byte on. */
#define HIVELOG_SEED 0x82ef4d887a4e55c5ull

#endif
