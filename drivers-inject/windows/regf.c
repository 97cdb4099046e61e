/* regf.c: see regf.h. */
#include "drivers-inject/windows/regf.h"
#include <string.h>

uint32_t regf_xor(const struct regf_base_disk *b)
{
	const le32 *w = (const le32 *)b;
	uint32_t sum = 0;

	for (int i = 0; i < 127; i++)
		sum ^= le32_get(w[i]);
	return sum;
}

uint32_t regf_checksum(const struct regf_base_disk *b)
{
	uint32_t sum = regf_xor(b);

	if (sum == 0)
		return 1;
	return sum == UINT32_MAX ? UINT32_MAX - 1 : sum;
}

int regf_valid(const struct regf_base_disk *b)
{
	return !memcmp(b->magic, "regf", 4) &&
	       regf_checksum(b) == le32_get(b->checksum);
}

int regf_seq_before(uint32_t a, uint32_t b)
{
	return a - b > UINT32_MAX / 2;
}

/* Before Windows Vista there may be anything where the flags are. */
int regf_ktm_locked(const struct regf_base_disk *b)
{
	return !memcmp(b->rmtm, "rmtm", 4) &&
	       le32_get(b->flags) & REGF_KTM_LOCKED;
}
