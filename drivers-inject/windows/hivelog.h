/* hivelog.h: a registry hive that Windows did not finish writing, completed
 * from its transaction logs (SYSTEM.LOG, .LOG1, .LOG2): bytes in memory, no
 * files.  Where the facts come from: regf.h, hivelog-private.h.
 *
 * A hive is dirty if its base block's checksum is wrong or its two sequence
 * numbers differ.  Of a clean one the logs are old and mean nothing. */
#ifndef REHOST_HIVELOG_H
#define REHOST_HIVELOG_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "drivers-inject/strv.h"

/* LOG1 and LOG2; or only LOG, as up to Windows XP and of a BCD. */
#define HIVELOG_INPUTS_MAX 2

struct hivelog_input {
	const char *name;       /* for messages                              */
	const uint8_t *bytes;   /* NULL: there is no such file               */
	size_t len;
};

struct hivelog_options {
	uint64_t size_max;      /* bytes of the result; 0: REGF_SIZE_MAX     */
	/* 1: also a hive that is locked for transactions (TxR) is completed:
	 * what was committed is all there, what is pending in *.regtrans-ms
	 * is not.  0: refused. */
	int accept_ktm;
};

enum hivelog_kind { HIVELOG_NONE, HIVELOG_OLD, HIVELOG_NEW };

struct hivelog_result {
	int dirty;              /* the hive was                              */
	int replayed;           /* logs were applied; kind says which        */
	enum hivelog_kind kind;
	int base_from_log;      /* the hive's own base block was invalid     */
	int ktm_locked;         /* what it is after the replay, or if clean  */
	int cut;                /* the logs end in what could not be applied */
	size_t entries;         /* of the new kind's logs; old: 1            */
	size_t pages;           /* pieces of the hive that were replaced     */
	uint32_t seq1, seq2;    /* before; after, both are seq_after         */
	uint32_t seq_after;
	uint32_t bins_before, bins_after;
	struct strv notes;      /* what was done with each log; for people   */
};

/* 1: it is; also bytes that are no hive, since a write may have been cut off
 * in the base block itself. */
int hivelog_dirty(const void *primary, size_t len);

/* The hive as Windows would have it after loading it, in *ret, which is the
 * caller's to free; a clean one as it is.  *res is untouched on failure, else
 * the caller's, for hivelog_result_done().  opt may be NULL.
 * ERR_REFUSED: dirty, and no log belongs to it; or locked (accept_ktm).
 * ERR_CORRUPT: no hive at all, or one with holes even after the replay.
 * ERR_NOMEM: larger than size_max. */
int hivelog_recover(const char *name, const void *primary, size_t len,
		    const struct hivelog_input *logs, size_t n_logs,
		    const struct hivelog_options *opt, uint8_t **ret,
		    size_t *ret_len, struct hivelog_result *res,
		    struct err *e) must_check;

void hivelog_result_done(struct hivelog_result *res);

#endif
