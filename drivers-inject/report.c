/* report.c: see report.h. */
#include "drivers-inject/report.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 if there is
 * none; C0 and C1 control characters count as none. */
static size_t utf8_char(const unsigned char *s)
{
	uint32_t c = s[0], min = 0;
	size_t n = 1;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (c >= 0xc2 && c <= 0xdf)
		n = 2, c &= 0x1f, min = 0xa0;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3, c &= 0x0f, min = 0x800;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4, c &= 0x07, min = 0x10000;
	else
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

struct json_object *report_text(const char *s)
{
	cleanup_free char *copy = strdup(s);
	char *p = copy;

	if (!copy || !*copy)
		return NULL;
	while (*p) {
		size_t n = utf8_char((unsigned char *)p);

		if (!n)
			*p = '?';
		p += n ? n : 1;
	}
	return json_object_new_string(copy);
}

static void add_text(struct json_object *o, const char *key, const char *s)
{
	json_object_object_add(o, key, report_text(s));
}

static void add_list(struct json_object *o, const char *key,
		     const struct strv *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(a, report_text(l->v[i]));
	json_object_object_add(o, key, a);
}

/* -1 is unknown: null */
static void add_flag(struct json_object *o, const char *key, int flag)
{
	json_object_object_add(o, key, flag < 0 ? NULL :
			       json_object_new_boolean(flag));
}

static void add_windows(struct json_object *o, const struct guest *g)
{
	add_text(o, "build", g->win.build);
	json_object_object_add(o, "update", g->win.has_update ?
			       json_object_new_int64(g->win.update) : NULL);
	add_text(o, "release", g->win.release);
	add_text(o, "edition", g->win.edition);
	add_text(o, "service_pack", g->win.service_pack);
	add_text(o, "directory", g->win.directory);
	add_list(o, "control_sets", &g->win.control_sets);
	add_text(o, "current_control_set", g->win.current_set);
	add_list(o, "dirty_hives", &g->win.dirty_hives);
	add_list(o, "replayed_hives", &g->win.replayed_hives);
	add_flag(o, "hibernated", g->win.hibernated);
	add_flag(o, "fast_startup", g->win.fast_startup);
}

struct json_object *report_guest(const struct guest *g)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind",
			       json_object_new_string(g->adapter->kind));
	add_text(o, "name", g->name);
	add_text(o, "version", g->version);
	add_text(o, "arch", g->arch);
	add_text(o, "hostname", g->hostname);
	add_text(o, "fs", g->fs);
	add_flag(o, "fs_dirty", g->fs_dirty);
	add_list(o, "boot", &g->boot);
	if (g->adapter == &adapter_windows) {
		add_windows(o, g);
	} else {
		add_text(o, "id", g->lin.id);
		add_list(o, "kernels", &g->lin.kernels);
	}
	add_list(o, "notes", &g->notes);
	return o;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v = json_object_object_get(o, key);

	return v ? json_object_get_string(v) : "";
}

/* ", LABEL a b c" when the list isn't empty */
static void print_list(struct json_object *o, const char *key,
		       const char *label, FILE *f)
{
	struct json_object *a = json_object_object_get(o, key);
	size_t n = a ? json_object_array_length(a) : 0;

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? " " : label, json_object_get_string(
				json_object_array_get_idx(a, i)));
}

static void print_notes(struct json_object *o, const char *indent, FILE *f)
{
	struct json_object *a = json_object_object_get(o, "notes");
	size_t n = a ? json_object_array_length(a) : 0;

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%snote: %s\n", indent, json_object_get_string(
				json_object_array_get_idx(a, i)));
}

static void print_optional(struct json_object *o, const char *key,
			   const char *label, FILE *f)
{
	const char *s = text_of(o, key);

	if (*s)
		fprintf(f, "%s%s", label, s);
}

static void print_system(struct json_object *o, FILE *f)
{
	int windows = !strcmp(text_of(o, "kind"), "windows");

	fprintf(f, "  %s: %s", text_of(o, "root"), text_of(o, "name"));
	print_optional(o, "release", " ", f);
	print_optional(o, "service_pack", " ", f);
	print_optional(o, "arch", ", ", f);
	fprintf(f, ", on %s\n      %s", text_of(o, "fs"),
		windows ? "directory " : "id ");
	fputs(text_of(o, windows ? "directory" : "id"), f);
	print_optional(o, "hostname", ", host name ", f);
	print_optional(o, "version", ", version ", f);
	print_optional(o, "build", ", build ", f);
	print_optional(o, "update", ".", f);
	print_list(o, "kernels", ", kernels ", f);
	print_list(o, "control_sets", ", control sets ", f);
	print_optional(o, "current_control_set", ", current ", f);
	print_list(o, "boot", ", boot loader ", f);
	fputc('\n', f);
	print_notes(o, "      ", f);
}

void report_print(struct json_object *doc, const char *disk, FILE *f)
{
	struct json_object *a = json_object_object_get(doc, "systems");
	size_t n = json_object_array_length(a);

	fprintf(f, "%s: %zu operating system%s found\n", disk, n,
		n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++)
		print_system(json_object_array_get_idx(a, i), f);
	print_notes(doc, "  ", f);
}
