/* fuzz pe: any bytes as a PE file: an error has a sentence, names are short. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/pe-text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	char room[24], text[8];
	struct pe p;

	if (pe_read(data, size, "x.sys", &p, &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return 0;
	}
	if (!*pe_machine_name(p.machine, room) || p.imports.n > PE_IMPORTS_MAX)
		abort();
	for (size_t i = 0; i < p.imports.n; i++)
		if (!*p.imports.v[i] || strlen(p.imports.v[i]) > 255)
			abort();
	if (p.info_at > size || p.info_n > size - p.info_at)
		abort();
	if (pe_text(data, &p, "OriginalFilename", text, sizeof text) != (*text != 0))
		abort();
	pe_done(&p);
	return 0;
}
