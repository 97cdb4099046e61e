/* fuzz.c: machine.json, by which names of a directory somebody else wrote are opened. */
#include <stdlib.h>
#include <string.h>
#include "imager/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of that directory, shown to people, and no two alike. */
static void check(const struct machine *m)
{
	if (!m->n || m->n > MACHINE_DISKS_MAX)
		abort();
	for (size_t i = 0; i < m->n; i++) {
		const char *name = m->v[i].image;

		if (*name == '.' || strchr(name, '/') || strlen(name) < 5)
			abort();
		for (const char *p = name; *p; p++)
			if ((unsigned char)*p < ' ')
				abort();
		for (size_t k = 0; k < i; k++)
			if (!strcmp(m->v[k].image, name))
				abort();
		if (strlen(m->v[i].digest) >= sizeof m->v[i].digest ||
		    strlen(m->v[i].disk) >= sizeof m->v[i].disk)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m;
	struct err e;

	if (machine_parse((const char *)data, size, "machine.json", &m, &e) < 0)
		return 0;
	check(&m);
	machine_done(&m);
	return 0;
}
