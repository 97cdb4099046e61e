/* progress.c: see progress.h. */
#include "tui/progress.h"
#include <stdio.h>
#include <string.h>
#include "common/json.h"
#include "tui/text.h"

void progress_begin(struct progress *r, size_t n)
{
	memset(r, 0, sizeof *r);
	r->n = n;
}

/* Sets out if key is a string. */
static void str(struct json_object *o, const char *key, char *out, size_t size)
{
	const char *v = json_get_str(o, key, NULL);

	if (v)
		text_copy(out, size, v);
}

static bool u64(struct json_object *o, const char *key, uint64_t *ret)
{
	uint64_t v = json_get_u64(o, key, UINT64_MAX);

	if (v != UINT64_MAX)
		*ret = v;
	return v != UINT64_MAX;
}

/* "disk" of "disks": where one capture takes several. */
static enum progress_event on_start(struct progress *r, struct json_object *o)
{
	uint64_t disk = 0;

	if (u64(o, "disk", &disk) && disk >= 1 && disk <= r->n)
		r->k = disk - 1;
	r->done = r->total = r->rate = r->written = r->waiting = 0;
	r->eta_known = false;
	u64(o, "bytes_total", &r->total);
	return RUN_START;
}

static enum progress_event on_step(struct progress *r, struct json_object *o)
{
	r->step_text[0] = 0;
	str(o, "step", r->step, sizeof r->step);
	str(o, "text", r->step_text, sizeof r->step_text);
	return RUN_STEP;
}

static enum progress_event on_progress(struct progress *r, struct json_object *o)
{
	str(o, "step", r->step, sizeof r->step);
	u64(o, "bytes_done", &r->done);
	u64(o, "bytes_total", &r->total);
	u64(o, "written", &r->written);
	if (!u64(o, "rate", &r->rate))
		r->rate = 0;
	r->eta_known = u64(o, "eta", &r->eta);
	r->waiting = 0;
	return RUN_PROGRESS;
}

static enum progress_event on_waiting(struct progress *r, struct json_object *o)
{
	return u64(o, "seconds", &r->waiting) ? RUN_WAITING : RUN_OTHER;
}

/* rehost-adapt plans twice, the second time right before it edits: what it warns
 * of is the same. */
static bool said_already(const struct progress *r, struct json_object *o)
{
	char text[sizeof r->warnings[0]] = "";

	str(o, "text", text, sizeof text);
	if (strcmp(json_get_str(o, "code", ""), "adapt"))
		return false;
	for (size_t i = 0; i < r->nwarnings && i < RUN_WARNINGS_MAX; i++)
		if (!strcmp(r->warnings[i], text))
			return true;
	return false;
}

static enum progress_event on_warning(struct progress *r, struct json_object *o)
{
	if (said_already(r, o))
		return RUN_OTHER;
	if (r->nwarnings < RUN_WARNINGS_MAX)
		str(o, "text", r->warnings[r->nwarnings], sizeof r->warnings[0]);
	r->nwarnings++;
	return RUN_WARNING;
}

static enum progress_event on_error(struct progress *r, struct json_object *o)
{
	str(o, "text", r->error, sizeof r->error);
	return RUN_ERROR;
}

static enum progress_event on_done(struct progress *r, struct json_object *o)
{
	struct progress_result *res = &r->result[r->k];

	r->ended = r->k + 1;
	str(o, "digest", res->digest, sizeof res->digest);
	str(o, "path", res->path, sizeof res->path);
	u64(o, "bytes", &res->bytes);
	u64(o, "image_bytes", &res->image_bytes);
	u64(o, "seconds", &res->seconds);
	return RUN_END;
}

enum progress_event progress_line(struct progress *r, const char *line, size_t len)
{
	static const struct {
		const char *name;
		enum progress_event (*on)(struct progress *, struct json_object *);
	} events[] = {
		{ "start", on_start }, { "step", on_step },
		{ "progress", on_progress }, { "warning", on_warning },
		{ "error", on_error }, { "done", on_done },
		{ "waiting", on_waiting },
	};
	cleanup_json struct json_object *o = NULL;
	const char *name;

	if (json_parse(line, len, &o, NULL))
		return RUN_OTHER;
	name = json_get_str(o, "event", "");
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (!strcmp(events[i].name, name))
			return events[i].on(r, o);
	return RUN_OTHER;
}

static void explain(struct progress *r, int status, int sig, const char *tail)
{
	if (r->error[0])
		return;
	if (r->cancelling)
		snprintf(r->error, sizeof r->error, "It was stopped as you asked.");
	else if (sig)
		snprintf(r->error, sizeof r->error, "The program was ended by "
			 "signal %d (%s).%s%s", sig, strsignal(sig),
			 tail[0] ? " Its last words: " : "", tail);
	else if (tail[0])
		text_copy(r->error, sizeof r->error, tail);
	else if (status == 0 || status == 3)
		snprintf(r->error, sizeof r->error, "The program ended without "
			 "saying that the job is done, so it isn't taken as done.");
	else
		snprintf(r->error, sizeof r->error, "The program ended with "
			 "status %d and said nothing.", status);
}

void progress_end(struct progress *r, int status, int sig, const char *tail)
{
	bool good = !sig && (status == 0 || status == 3) && r->ended == r->n;

	r->status = sig ? -1 : status;
	if (good) {
		r->state = r->nwarnings || status == 3 ? RUN_WARNED : RUN_DONE;
		return;
	}
	explain(r, status, sig, tail);
	r->state = r->cancelling ? RUN_CANCELLED :
		status == 4 ? RUN_REFUSED : RUN_FAILED;
}

int progress_percent(const struct progress *r)
{
	if (!r->total)
		return 0;
	if (r->done >= r->total)
		return 100;
	return (int)((double)r->done * 100.0 / (double)r->total);
}
