/* pedump.c: what pe.h says of a file, as JSON.  Status 1: the sentence is on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "drivers-inject/windows/pe-text.h"

#define SIZE_MAX_READ (8u << 20)

static void show(const void *bytes, const struct pe *p)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	char text[64], room[24];
	struct err e;

	json_put_str(o, "machine", pe_machine_name(p->machine, room));
	json_put_u64(o, "machine_number", p->machine);
	json_put_u64(o, "subsystem", p->subsystem);
	json_put_bool(o, "native", p->native);
	json_put_u64(o, "timestamp", p->timestamp);
	snprintf(text, sizeof text, "%u.%u", p->linker_major, p->linker_minor);
	json_put_str(o, "linker", text);
	snprintf(text, sizeof text, "%u.%u", p->os_major, p->os_minor);
	json_put_str(o, "os", text);
	snprintf(text, sizeof text, "%u.%u", p->subsystem_major, p->subsystem_minor);
	json_put_str(o, "subsystem_version", text);
	json_put_u64(o, "checksum", p->checksum);
	json_put_u64(o, "checksum_real", p->checksum_real);
	json_put_bool(o, "certificate", p->has_certificate);
	for (size_t i = 0; i < p->imports.n; i++)
		json_object_array_add(list, json_text(p->imports.v[i]));
	json_put(o, "imports", list);
	snprintf(text, sizeof text, "%u.%u.%u.%u", p->version[0], p->version[1], p->version[2],
		 p->version[3]);
	json_put_str(o, "version", p->has_version ? text : "");
	pe_text(bytes, p, "OriginalFilename", text, sizeof text);
	json_put_str(o, "original", text);
	if (json_print(stdout, o, &e))
		abort();
	json_object_put(o);
}

int main(int argc, char **argv)
{
	cleanup_free uint8_t *bytes = malloc(SIZE_MAX_READ);
	cleanup_fclose FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	struct err e = { 0 };
	struct pe p;

	if (!f || !bytes) {
		fprintf(stderr, "usage: pedump FILE\n");
		return 2;
	}
	if (pe_read(bytes, fread(bytes, 1, SIZE_MAX_READ, f), argv[1], &p, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	show(bytes, &p);
	pe_done(&p);
	return 0;
}
