/* inf-rank.c: see inf-rank.h.
 *
 * Microsoft, "How Windows Ranks Drivers", "Identifier Score", "Feature Score",
 * "Overview of the Driver Selection Process", "INF DriverVer Directive".
 *
 * What a generation ignores:
 * - Windows 2000, XP, 2003: no feature score; a rank has 16 bits, 0x8000 and up for
 *   unsigned drivers;
 * - Windows 2000 and XP before SP1: not the version, only the date (XP is taken for
 *   one with a service pack here);
 * - Windows 2000: unsigned drivers have no date either.
 * The signature's share (trust in the signer, from Windows 7 on the same for all that
 * are signed) is the caller's: nothing in an INF tells it. */
#include "drivers-inject/windows/inf-rank.h"
#include <strings.h>

#define POSITION_MAX 0xfff

/* The position of id in the list; n: not in it. */
static size_t position(const char *const *list, size_t n, const char *id)
{
	size_t i = 0;

	while (i < n && strcasecmp(list[i], id))
		i++;
	return i;
}

/* The score of one id of the model, number k of them: 0 is the hardware id. */
static uint32_t score(const struct inf_device *d, const char *id, size_t k)
{
	size_t at = position(d->hardware_ids, d->n_hardware_ids, id);
	uint32_t type = k ? 0x1000 : 0;

	if (at == d->n_hardware_ids) {
		at = position(d->compatible_ids, d->n_compatible_ids, id);
		if (at == d->n_compatible_ids)
			return INF_NO_MATCH;
		type = k ? 0x3000 : 0x2000;
		/* here, and only here, the model's own order counts too */
		at += k ? (k - 1) * 0x100 : 0;
	}
	return type + (uint32_t)(at < POSITION_MAX ? at : POSITION_MAX);
}

uint32_t inf_identifier_score(const struct inf_device *d, const struct inf_model *m,
			      const char **ret_id)
{
	uint32_t best = INF_NO_MATCH;

	for (size_t k = 0; k < m->n_ids; k++) {
		uint32_t s = *m->ids[k] ? score(d, m->ids[k], k) : INF_NO_MATCH;

		if (s >= best)
			continue;
		best = s;
		if (ret_id)
			*ret_id = m->ids[k];
	}
	return best;
}

uint32_t inf_rank_number(uint32_t identifier_score, unsigned feature_score,
			 const struct inf_target *t)
{
	if (identifier_score == INF_NO_MATCH || t->major < 6)
		return identifier_score;
	return (uint32_t)(feature_score & 0xff) << 16 | identifier_score;
}

static int higher_first(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static uint64_t date(const struct inf_driver_ver *v)
{
	return (uint64_t)v->year << 16 | v->month << 8 | v->day;
}

static uint64_t version(const struct inf_driver_ver *v)
{
	return (uint64_t)v->version[0] << 48 | (uint64_t)v->version[1] << 32 |
	       (uint64_t)v->version[2] << 16 | v->version[3];
}

int inf_rank_compare(const struct inf_rank *a, const struct inf_rank *b,
		     const struct inf_target *t)
{
	int d = higher_first(b->rank, a->rank);

	if (!d)
		d = higher_first(date(&a->driver_ver), date(&b->driver_ver));
	if (!d && !(t->major == 5 && !t->minor))
		d = higher_first(version(&a->driver_ver), version(&b->driver_ver));
	return d;
}
