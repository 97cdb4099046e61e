/* plan-boot.c: the way to the disk: what keeps Windows from starting is found
 * (boot.h) and mended (mend.h), in every control set, until nothing more can be done.
 * What is left decides the verdict. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/inbox-table.h"
#include "drivers-inject/windows/mend.h"

/* Each round mends what the one before it uncovered: an entry, then its service, then
 * the file. */
#define ROUNDS_MAX 12

struct planning {
	struct win *w;
	const struct win_wishes *wishes;
	struct plan *p;
	struct json_object *ways;       /* of the document                   */
	size_t good, known;     /* ways that start, that can be told         */
	size_t good_now;        /* that start without edits                  */
	int required_bad, required_bad_now;
};

static int mend_all(struct planning *s, const char *set, const struct win_boot *b, int *ret_done,
		    struct err *e)
{
	int rc = 0;

	*ret_done = 0;
	for (size_t i = 0; !rc && i < b->n; i++) {
		int done;

		rc = win_mend(s->w, s->wishes, s->p, set, &b->v[i], &done, e);
		*ret_done |= done;
	}
	return rc;
}

/* *ret: what is left. */
static int mend_way(struct planning *s, const char *set, const struct win_way *way,
		    struct win_boot *ret, struct err *e)
{
	for (int round = 0;; round++) {
		struct win_boot b;
		int done = 0, rc = win_boot(s->w, s->p, set, way, &b, e);

		if (rc)
			return rc;
		if (b.n && round < ROUNDS_MAX)
			rc = mend_all(s, set, &b, &done, e);
		if (!rc && !done) {
			*ret = b;
			return 0;
		}
		win_boot_done(&b);
		if (rc)
			return rc;
	}
}

static struct json_object *reasons(const struct win_boot *b)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < b->n; i++) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "code", b->v[i].code);
		json_put(o, "subject", json_text(b->v[i].subject));
		json_put(o, "text", json_text(b->v[i].text));
		json_object_array_add(a, o);
	}
	return a;
}

static void put_way(struct planning *s, const struct win_way *way, const struct win_boot *before,
		    const struct win_boot *after)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	json_put_str(o, "name", way->name);
	json_put_str(o, "verdict", verdict_name(after->n ? VERDICT_WILL_NOT : before->n ?
						VERDICT_AFTER_EDITS : VERDICT_BOOTS));
	json_put(o, "before", reasons(before));
	json_put(o, "after", reasons(after));
	for (size_t i = 0; i < after->n_bound; i++) {
		struct json_object *d = json_object_new_object();

		json_put_str(d, "device", after->bound[i].device->name);
		json_put_str_if(d, "service", after->bound[i].service);
		json_put_str_if(d, "id", after->bound[i].id);
		json_object_array_add(a, d);
	}
	json_put(o, "devices", a);
	json_object_array_add(s->ways, o);
}

/* Length of "PCI\\VEN_8086&DEV_467F" in the first id, as the INF that is wanted has it. */
static int short_id(const struct win_device *d)
{
	const char *id = d->hardware.n ? d->hardware.v[0] : "", *dev = strstr(id, "&DEV_");

	return (int)(dev ? (size_t)(dev - id) + 1 + strcspn(dev + 1, "&") : strlen(id));
}

static int tell_missing(struct planning *s, const struct win_device *d, int fatal, struct err *e)
{
	const char *id = d->hardware.n ? d->hardware.v[0] : "";
	char hint[400], given[80] = "";

	if (s->wishes->drivers)
		snprintf(given, sizeof given, ", nor, for such a Windows, in those given (%zu)",
			 s->wishes->drivers->n);
	snprintf(hint, sizeof hint, "%.*s is in no INF of this Windows%s: %s", short_id(d), id, given,
		 win_driver_hint(d->modalias));
	if (fatal)
		plan_problem(s->p, "It will stop with 0x7B (INACCESSIBLE_BOOT_DEVICE): no driver for %s, %.*s",
			     d->name, short_id(d), id);
	return plan_missing(s->p, d->name, d->modalias, hint, "", fatal, e);
}

/* Missing drivers are told with where to find them, the rest as sentences. */
static int tell_left(struct planning *s, const struct win_way *way, const struct win_boot *b,
		     int fatal, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->n; i++) {
		const struct win_reason *r = &b->v[i];

		if (r->device && *r->device->modalias)
			rc = tell_missing(s, r->device, fatal, e);
		else if (fatal)
			plan_problem(s->p, "%s", r->text);
		else
			plan_warn(s->p, "by %s it will not start: %s", way->name, r->text);
	}
	return rc;
}

struct outcome {
	struct win_boot before, after;
};

/* Each way in the control set that starts next, as the registry is at this moment. */
static int judge_all(struct planning *s, const struct win_ways *ways, struct outcome *o, int after,
		     struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ways->n; i++)
		if (!ways->v[i].unknown)
			rc = win_boot(s->w, s->p, s->w->set, &ways->v[i],
				      after ? &o[i].after : &o[i].before, e);
	return rc;
}

static int mend_ways(struct planning *s, const struct win_ways *ways, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < ways->n; i++) {
		for (size_t k = 0; !rc && !ways->v[i].unknown && k < s->w->sets.n; k++) {
			struct win_boot left = { 0 };

			rc = mend_way(s, s->w->sets.v[k], &ways->v[i], &left, e);
			win_boot_done(&left);
		}
	}
	return rc;
}

static int all_ways(struct planning *s, const struct win_ways *ways, struct outcome *o,
		    struct err *e)
{
	int rc = judge_all(s, ways, o, 0, e);

	if (!rc)
		rc = mend_ways(s, ways, e);
	if (!rc)
		rc = judge_all(s, ways, o, 1, e);
	for (size_t i = 0; !rc && i < ways->n; i++) {
		const struct win_way *way = &ways->v[i];

		if (way->unknown) {
			plan_warn(s->p, "%s: %s", way->name, way->unknown);
			continue;
		}
		s->known++;
		s->good += !o[i].after.n;
		s->good_now += !o[i].before.n;
		s->required_bad |= way->required && o[i].after.n;
		s->required_bad_now |= way->required && o[i].before.n;
	}
	return rc;
}

static int tell_all(struct planning *s, const struct win_ways *ways, const struct outcome *o,
		    struct err *e)
{
	int fatal = s->known && (s->required_bad || !s->good), rc = 0;

	for (size_t i = 0; !rc && i < ways->n; i++) {
		if (ways->v[i].unknown)
			continue;
		put_way(s, &ways->v[i], &o[i].before, &o[i].after);
		rc = tell_left(s, &ways->v[i], &o[i].after,
			       fatal && (ways->v[i].required || !s->good), e);
	}
	s->p->verdict = !s->known ? VERDICT_UNKNOWN : fatal ? VERDICT_WILL_NOT : VERDICT_BOOTS;
	s->p->boots_now = s->good_now && !s->required_bad_now;
	return rc;
}

/* Group policy, "Boot-Start Driver Initialization Policy": 8 is good drivers only, 3
 * also unknown ones, and bad ones that the start hangs on. */
enum { DRIVERS_GOOD_ONLY = 8, DRIVERS_USUAL = 3 };

static int lift_early_launch(struct win *w, struct plan *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < w->sets.n; i++) {
		char key[WIN_KEY_MAX];
		uint32_t n;

		win_key(key, w->sets.v[i], "Policies\\EarlyLaunch");
		if (!hive_dword(w->system, key, "DriverLoadPolicy", &n) || n != DRIVERS_GOOD_ONLY)
			continue;
		plan_note(p, "A policy lets only drivers start that are known as good; unknown ones "
			  "may now, too (DriverLoadPolicy)");
		rc = hive_set_dword(w->system, key, "DriverLoadPolicy", DRIVERS_USUAL, e);
	}
	return rc;
}

/* Group policies against new devices: repaired, since a guest without its disk's
 * driver helps nobody. */
static int lift_restrictions(struct win *w, struct plan *p, struct err *e)
{
	static const char key[] = "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions";
	int rc = lift_early_launch(w, p, e);

	if (rc || !w->software || !hive_has_key(w->software, key))
		return rc;
	plan_note(p, "A group policy that restricts the installation of devices is removed");
	return hive_remove_key(w->software, key, e);
}

int win_plan_boot(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	struct planning s = { .w = w, .wishes = wishes, .p = p, .ways = json_object_new_array() };
	struct win_ways ways;
	struct outcome *o;
	int rc = win_ways(wishes->target, &ways, e);

	if (rc) {
		json_object_put(s.ways);
		return rc;
	}
	o = calloc(ways.n + 1, sizeof *o);
	rc = o ? all_ways(&s, &ways, o, e) : err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = tell_all(&s, &ways, o, e);
	if (!rc)
		rc = lift_restrictions(w, p, e);
	for (size_t i = 0; o && i < ways.n; i++) {
		win_boot_done(&o[i].before);
		win_boot_done(&o[i].after);
	}
	free(o);
	win_ways_done(&ways);
	json_put(p->more, "ways", s.ways);
	return rc;
}
