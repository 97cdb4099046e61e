/* inf-rank.h: which of several drivers Windows prefers for a device.
 *
 * A rank is 0xSSGGTHHH, lower is better: signature, feature score, how the ids match.
 * Equal ranks: the later DriverVer date, then the higher version. */
#ifndef REHOST_INF_RANK_H
#define REHOST_INF_RANK_H
#include "drivers-inject/windows/inf-models.h"

/* As the device's bus reports it, the most specific id first. */
struct inf_device {
	const char *const *hardware_ids;
	size_t n_hardware_ids;
	const char *const *compatible_ids;
	size_t n_compatible_ids;
};

#define INF_NO_MATCH UINT32_MAX
/* 0xTHHH; T: 0 hardware id on the model's hardware id, 1 hardware id on a compatible
 * id, 2 compatible id on the hardware id, 3 compatible on compatible.  *ret_id (may
 * be NULL): the model's id that matched so. */
uint32_t inf_identifier_score(const struct inf_device *d, const struct inf_model *m,
			      const char **ret_id);

struct inf_rank {
	uint32_t rank;                  /* without the signature's share     */
	struct inf_driver_ver driver_ver;
};
/* feature_score as in inf_install; NT5 has none. */
uint32_t inf_rank_number(uint32_t identifier_score, unsigned feature_score,
			 const struct inf_target *t);
/* <0: a is the better one, >0: b, 0: Windows may take either. */
int inf_rank_compare(const struct inf_rank *a, const struct inf_rank *b,
		     const struct inf_target *t);

#endif
