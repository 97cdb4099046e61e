/* units.c: see units.h. */
#include "common/units.h"
#include <stdio.h>

struct units_text units_bytes(uint64_t bytes)
{
	static const char *const names[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	struct units_text t;
	double v = (double)bytes;
	unsigned int i = 0;

	while (v >= 999.5 && i < 6) {
		v /= 1000;
		i++;
	}
	snprintf(t.s, sizeof t.s, "%.*f %s", i && v < 9.95 ? 1 : 0, v, names[i]);
	return t;
}

struct units_text units_time(uint64_t seconds)
{
	struct units_text t;
	unsigned long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;

	if (h)
		snprintf(t.s, sizeof t.s, "%llu:%02llu:%02llu", h, m, s);
	else
		snprintf(t.s, sizeof t.s, "%llu:%02llu", m, s);
	return t;
}
