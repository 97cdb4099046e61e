/* disks-text.c: a disk's entry (disks-json.h) as lines for people.  Works on the
 * JSON, so that a disk described in an image looks the same. */
#include <string.h>
#include "common/text.h"
#include "common/units.h"
#include "imager/disks-json.h"
#include "imager/smart.h"

static void word(FILE *f, struct json_object *o, const char *key, const char *before)
{
	const char *v = json_get_str(o, key, NULL);

	if (v && *v) {
		fputs(before, f);
		text_print(f, v);
	}
}

static void fs_words(FILE *f, struct json_object *o)
{
	struct json_object *a = json_get_array(o, "mounted");
	const char *label = json_get_str(o, "label", "");

	word(f, o, "fs", "  ");
	if (*label) {
		fputs("  \"", f);
		text_print(f, label);
		fputc('"', f);
	}
	if (json_object_object_get_ex(o, "used", NULL))
		fprintf(f, "  %s used", units_bytes(json_get_u64(o, "used", 0)).s);
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		fputs(i ? ", " : "  on ", f);
		text_print(f, json_object_get_string(json_object_array_get_idx(a, i)));
	}
	word(f, o, "note", "  ! ");
}

static void part_line(FILE *f, struct json_object *p, int indent)
{
	fprintf(f, "%*s%3llu  %9s", indent + 2, "",
		(unsigned long long)json_get_u64(p, "number", 0),
		units_bytes(json_get_u64(p, "size", 0)).s);
	word(f, p, "name", "  ");
	fs_words(f, p);
	if (!json_get_str(p, "fs", NULL))
		word(f, p, "type", "  type ");
	fputc('\n', f);
}

static void system_lines(FILE *f, struct json_object *disk, int indent)
{
	struct json_object *a = json_get_array(disk, "systems"), *s;

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		s = json_object_array_get_idx(a, i);
		fprintf(f, "%*s", indent + 7, "");
		text_print(f, json_get_str(s, "name", json_get_str(s, "kind", "?")));
		word(f, s, "hostname", ", host name ");
		if (json_get_u64(s, "partition", 0))
			fprintf(f, ", on partition %llu",
				(unsigned long long)json_get_u64(s, "partition", 0));
		fputc('\n', f);
	}
}

static void smart_line(FILE *f, struct json_object *smart, int indent)
{
	char text[500];

	smart_text(smart, text, sizeof text);
	if (!*text)
		return;
	fprintf(f, "%*s%s", indent + 5, "", json_get_bool(smart, "failing", 0) ?
		"! this disk is failing: " : "health: ");
	text_print(f, text);
	fputc('\n', f);
}

void disk_text(FILE *f, struct json_object *disk, int indent)
{
	struct json_object *parts = json_get_array(disk, "partitions");
	struct json_object *fs = json_get_object(disk, "filesystem");

	fprintf(f, "%*s", indent, "");
	text_print(f, json_get_str(disk, "path", "?"));
	fprintf(f, "  %s", units_bytes(json_get_u64(disk, "size", 0)).s);
	word(f, disk, "vendor", "  ");
	word(f, disk, "model", "  ");
	word(f, disk, "serial", "  serial ");
	word(f, disk, "transport", "  ");
	word(f, disk, "table", "  ");
	if (!strcmp(json_get_str(disk, "kind", ""), "cdrom"))
		fputs("  CD", f);
	if (json_get_bool(disk, "read_only", 0))
		fputs("  read-only", f);
	if (json_get_bool(disk, "boot_medium", 0))
		fputs("  this system's boot medium", f);
	if (fs)
		fs_words(f, fs);
	fputc('\n', f);
	for (size_t i = 0; parts && i < json_object_array_length(parts); i++)
		part_line(f, json_object_array_get_idx(parts, i), indent);
	system_lines(f, disk, indent);
	smart_line(f, json_get_object(disk, "smart"), indent);
	if (json_get_object(disk, "interrupted")) {
		fprintf(f, "%*s", indent + 5, "");
		word(f, json_get_object(disk, "interrupted"), "text", "! ");
		fputc('\n', f);
	}
	if (json_get_str(disk, "error", NULL)) {
		fprintf(f, "%*s", indent + 5, "");
		word(f, disk, "error", "! ");
		fputc('\n', f);
	}
	if (json_get_str(disk, "in_use", NULL)) {
		fprintf(f, "%*s", indent + 5, "");
		word(f, disk, "in_use", "in use: ");
		fputc('\n', f);
	}
}
