/* model-plan.c: a dry run of rehost-adapt, as a verdict and as text for people
 * (model.h; the document: docs/INTERFACES.md). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "tui/model.h"
#include "tui/text.h"

typedef struct json_object json;

/* A guest with more to tell has a broken document: enough for hundreds of edits. */
#define PLAN_TEXT_MAX (256 << 10)
#define ONE_MAX 1024         /* bytes of one sentence or line */

struct lines {
	char *s;
	size_t n;
};

/* `indent` blanks and a line; what doesn't fit is left out as a whole. */
static void add(struct lines *l, int indent, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void add(struct lines *l, int indent, const char *fmt, ...)
{
	size_t room = PLAN_TEXT_MAX - l->n;
	va_list ap;
	int n, m;

	n = snprintf(l->s + l->n, room, "%*s", indent, "");
	if (n < 0 || (size_t)n + 2 >= room)
		return;
	va_start(ap, fmt);
	m = vsnprintf(l->s + l->n + n, room - (size_t)n, fmt, ap);
	va_end(ap);
	if (m < 0 || (size_t)n + (size_t)m + 2 >= room) {
		l->s[l->n] = 0;
		return;
	}
	l->n += (size_t)n + (size_t)m;
	l->s[l->n++] = '\n';
	l->s[l->n] = 0;
}

/* An image is looked into as a file of this name (imager/imgfuse.h), which means
 * nothing to people. */
static void name_image(char *s)
{
	static const char dir[] = "/run/rehost/image-", file[] = "/disk.img", name[] = "the image";
	char *at, *end;

	while ((at = strstr(s, dir)) && (end = strstr(at, file))) {
		if (memchr(at, ' ', (size_t)(end - at)))
			return;
		end += sizeof file - 1;
		memcpy(at, name, sizeof name - 1);
		memmove(at + sizeof name - 1, end, strlen(end) + 1);
	}
}

/* Guests' names and files are foreign: no control characters. */
static void take(char out[ONE_MAX], const char *s)
{
	text_copy(out, ONE_MAX, s);
	name_image(out);
}

static void item_str(json *list, size_t i, char out[ONE_MAX])
{
	json *v = model_item(list, i);

	take(out, json_object_is_type(v, json_type_string) ? json_object_get_string(v) : "");
}

static void add_list(struct lines *l, json *o, const char *key, int indent,
		     const char *before)
{
	json *list;
	size_t n = model_list(o, key, &list);
	char one[ONE_MAX];

	for (size_t i = 0; i < n; i++) {
		item_str(list, i, one);
		if (one[0])
			add(l, indent, "%s%s", before, one);
	}
}

static void get_str(json *o, const char *key, char out[ONE_MAX])
{
	take(out, json_get_str(o, key, ""));
}

/* But the one that is said above all. */
static void add_problems(struct lines *l, json *list, const char *because)
{
	size_t n = list ? json_object_array_length(list) : 0;
	char one[ONE_MAX];

	for (size_t i = 0; i < n && i < MODEL_MAX; i++) {
		item_str(list, i, one);
		if (strcmp(one, because))
			add(l, 2, "Because: %s", one);
	}
}

/* What a person may bring a driver for: only a Windows takes packages. */
static void note_wanted(struct model_plan *m, json *o, struct lines *wanted)
{
	bool fatal = json_get_bool(o, "fatal", false);
	char device[ONE_MAX], hint[ONE_MAX];

	get_str(o, "device", device);
	get_str(o, "hint", hint);
	if (!m->nmissing || (fatal && !m->nfatal))
		text_copy(m->device, sizeof m->device, device);
	m->nmissing++;
	m->nfatal += fatal;
	add(wanted, 0, "%s%s", device, fatal ? " (its disk needs it)" : "");
	if (hint[0])
		add(wanted, 2, "%s", hint);
}

static void add_missing(struct lines *l, json *o)
{
	char device[ONE_MAX], hint[ONE_MAX], kernel[ONE_MAX], kernels[ONE_MAX] = "";
	size_t at = 0, n;
	json *list;

	get_str(o, "device", device);
	get_str(o, "hint", hint);
	n = model_list(o, "kernels", &list);
	for (size_t i = 0; i < n && at < sizeof kernels; i++) {
		item_str(list, i, kernel);
		at += (size_t)snprintf(kernels + at, sizeof kernels - at, "%s%s", i ? ", " :
				       "", kernel);
	}
	add(l, 2, "No driver for %s%s%s%s%s", device, n ? " (kernel " : "", kernels,
	    n ? ")" : "", json_get_bool(o, "fatal", false) ? "; it can't boot without" : "");
	if (hint[0])
		add(l, 4, "%s", hint);
}

static void add_edit(struct lines *l, json *o)
{
	static const char *const verbs[][2] = {
		{ "write", "Change" }, { "remove", "Remove" }, { "link", "Link" },
		{ "initramfs", "Add to" }, { "replace", "Replace" },
		{ "disk", "Write to" }, { "action", "Do" },
	};
	char path[ONE_MAX], target[ONE_MAX];
	const char *kind = json_get_str(o, "kind", ""), *verb = "Change";

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(kind, verbs[i][0]))
			verb = verbs[i][1];
	get_str(o, "path", path);
	get_str(o, "target", target);
	add(l, 2, "%s %s%s%s", verb, path, target[0] ? " -> " : "", target);
	add_list(l, o, "reasons", 4, "");
	add_list(l, o, "changes", 6, "");
	add_list(l, o, "details", 6, "");
}

static enum model_verdict verdict_of(const char *word)
{
	static const char *const words[] = {
		[PLAN_WILL_NOT] = "will-not-boot", [PLAN_UNKNOWN] = "unknown",
		[PLAN_AFTER_EDITS] = "boots-after-edits", [PLAN_BOOTS] = "boots",
	};

	for (int i = 0; i < 4; i++)
		if (!strcmp(words[i], word))
			return (enum model_verdict)i;
	return PLAN_UNKNOWN;
}

static void add_head(struct lines *l, json *o, enum model_verdict v, const char *name)
{
	static const char *const says[] = {
		[PLAN_WILL_NOT] = "will NOT boot", [PLAN_UNKNOWN] = "not known whether it will boot",
		[PLAN_AFTER_EDITS] = "will boot after these edits",
		[PLAN_BOOTS] = "will boot as it is",
	};
	char root[ONE_MAX], target[ONE_MAX];

	get_str(o, "root", root);
	get_str(json_get_object(o, "target"), "name", target);
	add(l, 0, "%s%s%s: %s", name, root[0] ? " on " : "", root, says[v]);
	if (target[0])
		add(l, 2, "For: %s", target);
}

static void read_system(json *o, struct model_plan *m, struct lines *l, struct lines *wanted)
{
	enum model_verdict v = verdict_of(json_get_str(o, "verdict", ""));
	bool windows = !strcmp(json_get_str(o, "kind", ""), "windows");
	char name[ONE_MAX], why[ONE_MAX];
	size_t n, at = strlen(m->systems);
	json *list;

	get_str(o, "name", name);
	if (!name[0])
		strcpy(name, "A system without a name");
	snprintf(m->systems + at, sizeof m->systems - at, "%s%s", at ? "; " : "", name);
	add_head(l, o, v, name);
	if (model_list(o, "problems", &list) && v == PLAN_WILL_NOT && !m->because[0]) {
		item_str(list, 0, why);
		text_copy(m->because, sizeof m->because, why);
	}
	add_problems(l, list, m->because);
	n = model_list(o, "missing", &list);
	for (size_t i = 0; i < n; i++) {
		add_missing(l, model_item(list, i));
		if (windows)
			note_wanted(m, model_item(list, i), wanted);
	}
	m->windows |= windows;
	add_list(l, o, "warnings", 2, "Warning: ");
	n = model_list(o, "edits", &list);
	for (size_t i = 0; i < n; i++)
		add_edit(l, model_item(list, i));
	m->nedits += n;
	add_list(l, o, "notes", 2, "Note: ");
	if (v < m->verdict)
		m->verdict = v;
}

static int read_plan(json *o, struct model_plan *m, struct err *e)
{
	struct lines l = { calloc(1, PLAN_TEXT_MAX), 0 };
	struct lines locked = { calloc(1, PLAN_TEXT_MAX), 0 };
	struct lines wanted = { calloc(1, PLAN_TEXT_MAX), 0 };
	json *list;

	m->text = l.s;
	m->locked = locked.s;
	m->wanted = wanted.s;
	if (!l.s || !locked.s || !wanted.s)
		return err_set(e, ERR_NOMEM, "Not enough memory for the plan.");
	m->nsystems = model_list(o, "systems", &list);
	m->verdict = m->nsystems ? PLAN_BOOTS : PLAN_UNKNOWN;
	for (size_t i = 0; i < m->nsystems; i++)
		read_system(model_item(list, i), m, &l, &wanted);
	add_list(&l, o, "notes", 0, "Note: ");
	add_list(&locked, o, "locked", 0, "");
	if (!locked.n) {
		free(m->locked);
		m->locked = NULL;
	}
	return 0;
}

int model_plan_parse(const char *text, size_t len, struct model_plan *ret, struct err *e)
{
	struct model_plan m = { 0 };
	json *o = NULL;
	int rc = json_parse(text, len, &o, e);

	if (rc)
		return err_prefix(e, "The answer of 'rehost-adapt' can't be read");
	rc = read_plan(o, &m, e);
	json_object_put(o);
	if (rc) {
		model_plan_done(&m);
		return rc;
	}
	model_plan_done(ret);
	*ret = m;
	return 0;
}

void model_plan_done(struct model_plan *m)
{
	free(m->text);
	free(m->locked);
	free(m->wanted);
	memset(m, 0, sizeof *m);
}
