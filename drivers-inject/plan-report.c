/* plan-report.c: a plan as JSON (docs/INTERFACES.md) and as text. */
#include "drivers-inject/plan.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

#define DIFF_LINES_MAX 24       /* shown of one file                         */
#define LINE_SHOWN 300          /* bytes of a line                           */

static const char *const verdict_names[] = {
	[VERDICT_UNKNOWN] = "unknown",
	[VERDICT_BOOTS] = "boots",
	[VERDICT_AFTER_EDITS] = "boots-after-edits",
	[VERDICT_WILL_NOT] = "will-not-boot",
};

static const char *const kind_names[] = {
	[EDIT_WRITE] = "write", [EDIT_REMOVE] = "remove", [EDIT_LINK] = "link",
	[EDIT_APPEND] = "initramfs", [EDIT_REPLACE] = "replace",
	[EDIT_DISK] = "disk", [EDIT_ACTION] = "action",
};

const char *verdict_name(enum verdict v)
{
	return verdict_names[v];
}

/* ---- what changes in a text file, as lines "-old" and "+new" ---- */

struct lines {
	const char *text;
	size_t len;
	size_t *start;          /* n + 1 offsets */
	size_t n;
};

static int split(const char *text, size_t len, struct lines *ret)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	ret->start = calloc(n + 1, sizeof *ret->start);
	if (!ret->start)
		return -1;
	ret->text = text;
	ret->len = len;
	ret->n = 0;
	for (size_t i = 0; i < len;) {
		const char *nl = memchr(text + i, '\n', len - i);

		ret->start[ret->n++] = i;
		i = nl ? (size_t)(nl - text) + 1 : len;
	}
	ret->start[ret->n] = len;
	return 0;
}

static size_t line_len(const struct lines *l, size_t i)
{
	size_t n = l->start[i + 1] - l->start[i];

	while (n && strchr("\r\n", l->text[l->start[i] + n - 1]))
		n--;
	return n;
}

static int same_line(const struct lines *a, size_t i, const struct lines *b, size_t k)
{
	size_t n = line_len(a, i);

	return n == line_len(b, k) && !memcmp(a->text + a->start[i], b->text + b->start[k], n);
}

static void show(struct json_object *out, char sign, const struct lines *l, size_t i)
{
	char text[LINE_SHOWN + 8];
	size_t n = line_len(l, i);

	if (json_object_array_length(out) == DIFF_LINES_MAX)
		json_object_array_add(out, json_text("..."));
	if (json_object_array_length(out) > DIFF_LINES_MAX)
		return;
	snprintf(text, sizeof text, "%c%.*s%s", sign, (int)(n < LINE_SHOWN ? n : LINE_SHOWN),
		 l->text + l->start[i], n > LINE_SHOWN ? "..." : "");
	for (char *p = text; *p; p++)
		*p = *p == '\t' ? ' ' : *p;
	json_object_array_add(out, json_text(text));
}

/* Where both have as many lines, line by line; else what lies between the
 * equal lines at the begin and at the end. */
static void diff(struct json_object *out, const struct lines *a, const struct lines *b)
{
	size_t head = 0, tail = 0;

	if (a->n == b->n) {
		for (size_t i = 0; i < a->n; i++)
			if (!same_line(a, i, b, i)) {
				show(out, '-', a, i);
				show(out, '+', b, i);
			}
		return;
	}
	while (head < a->n && head < b->n && same_line(a, head, b, head))
		head++;
	while (tail < a->n - head && tail < b->n - head &&
	       same_line(a, a->n - 1 - tail, b, b->n - 1 - tail))
		tail++;
	for (size_t i = head; i < a->n - tail; i++)
		show(out, '-', a, i);
	for (size_t i = head; i < b->n - tail; i++)
		show(out, '+', b, i);
}

/* NULL for what is no text. */
static struct json_object *changes(const struct plan *p, const struct edit *d)
{
	cleanup_free char *old = NULL;
	struct json_object *out;
	struct lines a = { 0 }, b = { 0 };
	size_t len = 0;

	if (root_read(p->root, d->path, ROOT_TEXT_MAX, &old, &len, NULL))
		len = 0;
	if (memchr(d->data, 0, d->len) || (len && memchr(old, 0, len)))
		return NULL;
	out = json_object_new_array();
	if (!split(len ? old : "", len, &a) && !split(d->data, d->len, &b))
		diff(out, &a, &b);
	free(a.start);
	free(b.start);
	return out;
}

/* ---- JSON ---- */

static struct json_object *list(const struct strv *l)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(a, json_text(l->v[i]));
	return a;
}

static struct json_object *edit_json(const struct plan *p, const struct edit *d)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "kind", kind_names[d->kind]);
	json_put_str(o, "path", d->path);
	json_put(o, "reasons", list(&d->reasons));
	if (d->kind == EDIT_WRITE)
		json_put(o, "changes", changes(p, d));
	if (d->kind == EDIT_LINK)
		json_put_str(o, "target", d->data);
	if (d->kind == EDIT_DISK) {
		json_put_u64(o, "offset", d->offset);
		json_put_u64(o, "length", d->len);
	}
	if (d->details.n)
		json_put(o, "details", list(&d->details));
	return o;
}

static struct json_object *missing_json(const struct missing *m)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "device", m->device);
	json_put_str(o, "modalias", m->modalias);
	json_put_str(o, "hint", m->hint);
	json_put(o, "kernels", list(&m->kernels));
	json_put_bool(o, "fatal", m->fatal);
	return o;
}

struct json_object *plan_json(const struct plan *p)
{
	struct json_object *o = json_object_new_object(), *a;

	json_put_str(o, "verdict", verdict_name(p->verdict));
	json_put(o, "problems", list(&p->problems));
	a = json_object_new_array();
	for (size_t i = 0; i < p->n_missing; i++)
		json_object_array_add(a, missing_json(&p->missing[i]));
	json_put(o, "missing", a);
	a = json_object_new_array();
	for (size_t i = 0; i < p->n; i++)
		json_object_array_add(a, edit_json(p, &p->v[i]));
	json_put(o, "edits", a);
	json_put(o, "warnings", list(&p->warnings));
	json_put(o, "notes", list(&p->notes));
	json_object_object_foreach(p->more, key, value)
		json_put(o, key, json_object_get(value));
	return o;
}

/* ---- text ---- */

static void print_list(FILE *f, const char *before, const struct strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		fputs(before, f);
		text_print(f, l->v[i]);
		fputc('\n', f);
	}
}

static void print_changes(const struct plan *p, const struct edit *d, FILE *f)
{
	cleanup_json struct json_object *a = changes(p, d);

	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		fprintf(f, "      %s\n", json_object_get_string(json_object_array_get_idx(a, i)));
}

static void print_edit(const struct plan *p, const struct edit *d, FILE *f)
{
	static const char *const verbs[] = {
		[EDIT_WRITE] = "change", [EDIT_REMOVE] = "remove", [EDIT_LINK] = "link",
		[EDIT_APPEND] = "add to", [EDIT_REPLACE] = "replace",
		[EDIT_DISK] = "write to", [EDIT_ACTION] = "do",
	};
	const char *verb = verbs[d->kind];

	if (d->kind == EDIT_WRITE && !root_exists(p->root, d->path))
		verb = "make";
	fprintf(f, "  %s ", verb);
	text_print(f, d->path);
	if (d->kind == EDIT_LINK) {
		fputs(" -> ", f);
		text_print(f, d->data);
	}
	if (d->kind == EDIT_DISK)
		fprintf(f, ": %zu bytes at offset %llu", d->len, (unsigned long long)d->offset);
	fputc('\n', f);
	print_list(f, "    ", &d->reasons);
	if (d->kind == EDIT_WRITE)
		print_changes(p, d, f);
	print_list(f, "      ", &d->details);
}

static void print_missing(const struct missing *m, FILE *f)
{
	fputs("  no driver for ", f);
	text_print(f, m->device);
	if (m->kernels.n)
		fputs(" in kernel", f);
	for (size_t i = 0; i < m->kernels.n; i++) {
		fputc(' ', f);
		text_print(f, m->kernels.v[i]);
	}
	fputs("\n    ", f);
	text_print(f, m->hint);
	fputc('\n', f);
}

void plan_print(const struct plan *p, FILE *f)
{
	static const char *const sentences[] = {
		[VERDICT_UNKNOWN] = "cannot be told",
		[VERDICT_BOOTS] = "will boot as it is",
		[VERDICT_AFTER_EDITS] = "will boot after these edits",
		[VERDICT_WILL_NOT] = "WILL NOT BOOT",
	};

	fprintf(f, "verdict: %s", sentences[p->verdict]);
	fprintf(f, p->verdict == VERDICT_AFTER_EDITS ? " (%zu)\n" : "\n", p->n);
	print_list(f, "  because: ", &p->problems);
	for (size_t i = 0; i < p->n_missing; i++)
		print_missing(&p->missing[i], f);
	for (size_t i = 0; i < p->n; i++)
		print_edit(p, &p->v[i], f);
	print_list(f, "  warning: ", &p->warnings);
	print_list(f, "  note: ", &p->notes);
}
