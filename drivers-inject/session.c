/* session.c: see session.h. */
#include "drivers-inject/session.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "drivers-inject/linux/check.h"
#include "drivers-inject/report.h"
#include "drivers-inject/session-int.h"
#include "drivers-inject/tree-dir.h"
#include "drivers-inject/windows/drivers.h"

#define JSON_FILE_MAX (16u << 20) /* an inventory has some 50 KB              */

/* ---- hardware ---- */

int session_read_json(const char *path, struct json_object **ret, struct err *e)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	cleanup_free char *text = malloc(JSON_FILE_MAX + 1);
	size_t len;
	int rc;

	if (!f)
		return err_set(e, ERR_USAGE, "%s: %m", path);
	if (!text)
		return err_set(e, ERR_NOMEM, "out of memory");
	len = fread(text, 1, JSON_FILE_MAX + 1, f);
	if (ferror(f) || len > JSON_FILE_MAX)
		return err_set(e, ERR_USAGE, "%s: can't be read, or is larger than 16 MiB", path);
	rc = json_parse(text, len, ret, e);
	return rc ? err_prefix(e, "%s", path) : 0;
}

static int read_inventory(const char *path, const char *disk, struct hw *ret, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	int rc = session_read_json(path, &o, e);

	return rc ? rc : hw_from_json(o, path, disk, ret, e);
}

static int load_hardware(struct session *s, const char *disk, struct err *e)
{
	const struct options *o = s->o;
	int rc;

	if (o->target)
		disk = o->target;
	if (o->profile)
		rc = hw_profile(o->profile, &s->target, e);
	else if (o->hardware)
		rc = read_inventory(o->hardware, o->target, &s->target, e);
	else
		rc = hw_here(disk, &s->target, e);
	if (!rc && o->old_hardware) {
		rc = read_inventory(o->old_hardware, NULL, &s->old, e);
		s->have_old = !rc;
	}
	return rc;
}

int session_open(const struct options *o, const char *disk, struct session *ret, struct err *e)
{
	struct session s = { .o = o };
	int rc = 0;

	if (o->mode != MODE_UNDO)
		rc = load_hardware(&s, disk, e);
	if (!rc)
		rc = events_new(o->events_fd, &s.events, e);
	if (rc) {
		hw_done(&s.target);
		hw_done(&s.old);
		return rc;
	}
	*ret = s;
	session_reset(ret);
	return 0;
}

static void note_drivers(struct session *s, FILE *people)
{
	for (size_t i = 0; i < s->drivers.n; i++) {
		char note[1200];

		if (!driver_place_note(&s->drivers.v[i], note, sizeof note))
			continue;
		json_object_array_add(s->notes, json_text(note));
		if (people) {
			fputs("note: ", people);
			text_print(people, note);
			fputc('\n', people);
		}
	}
}

int session_drivers(struct session *s, const char *image, const char *shown, FILE *people,
		    struct err *e)
{
	struct driver_places_request q = {
		.asked = (const char *const *)s->o->drivers.v, .n_asked = s->o->drivers.n,
		.image = image, .shown_image = shown,
	};
	int rc = driver_places_open(&q, &s->drivers, e);

	if (!rc)
		note_drivers(s, people);
	return rc;
}

void session_reset(struct session *s)
{
	json_object_put(s->doc);
	s->doc = json_object_new_object();
	s->systems = json_object_new_array();
	s->notes = json_object_new_array();
	json_put(s->doc, "systems", s->systems);
	json_put(s->doc, "notes", s->notes);
	s->locked = json_object_new_array();
	json_put(s->doc, "locked", s->locked);
	note_drivers(s, NULL);
	s->edits = 0;
	s->trouble = 0;
	s->wishes = (struct lin_wishes){
		.target = &s->target, .old = s->have_old ? &s->old : NULL,
		.hostname = s->o->hostname, .new_identity = s->o->new_identity,
		.remove_tools = s->o->remove_tools, .nics = s->o->nics, .chroot = s->o->chroot,
		.reinstall_boot = s->o->reinstall_boot,
		/* entries belong to the machine that will start it, and only
		 * a whole disk, not a tree, says which file to start */
		.nvram = !s->o->no_nvram && !s->o->root && !s->o->hardware && !s->o->profile,
	};
}

void session_close(struct session *s)
{
	hw_done(&s->target);
	hw_done(&s->old);
	events_free(s->events);
	json_object_put(s->doc);
	s->packages = drivers_free(s->packages);
	driver_places_close(&s->drivers);
}

/* ---- one system ---- */

/* What `--detect` says of it too. */
static struct json_object *detected(struct root *r)
{
	struct guest_list found = { 0 };
	struct json_object *o = NULL;
	struct tree *t;

	if (!tree_of_root(r, &t, NULL)) {
		if (!adapter_linux.detect(t, &found, NULL) && found.n)
			o = report_guest(found.v[0]);
		guest_list_done(&found);
		tree_close(t);
	}
	return o ? o : json_object_new_object();
}

void session_join(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach(from, key, val) {
		json_object_object_add(to, key, json_object_get(val));
	}
	json_object_put(from);
}

void session_put_target(const struct session *s, struct json_object *o)
{
	static const char *const firmware[] = { "unknown", "bios", "efi" };
	struct json_object *t = json_object_new_object();

	json_put_str(t, "name", s->target.name);
	json_put_str(t, "firmware", firmware[s->target.firmware]);
	json_put(o, "target", t);
}

static struct json_object *report(struct session *s, struct root *r, const struct lin *l,
				  const struct plan *p, const struct volumes *v, const char *name)
{
	struct json_object *o = detected(r), *a = json_object_new_array();

	json_put_str(o, "root", name);
	session_put_target(s, o);
	for (size_t i = 0; i < l->n_kernels; i++) {
		struct json_object *k = json_object_new_object();

		json_put_str(k, "version", l->kernel[i].version);
		json_put_str_if(k, "image", l->kernel[i].image);
		json_put_str_if(k, "initramfs", l->kernel[i].initrd);
		json_put_str(k, "generator", initrd_generator_name(l->kernel[i].generator));
		json_put_bool(k, "default", l->kernel[i].is_default);
		json_object_array_add(a, k);
	}
	json_put(o, "boots", a);
	session_join(o, plan_json(p));
	json_put(o, "volumes", volumes_json(v));
	json_object_array_add(s->systems, o);
	return o;
}

static void tell(const struct session *s, const struct lin *l, const struct plan *p,
		 const char *name, FILE *f)
{
	text_print(f, name);
	fputs(": ", f);
	text_print(f, l->name);
	fputs(", for ", f);
	text_print(f, s->target.name);
	fputc('\n', f);
	plan_print(p, f);
}

void session_count(struct session *s, const struct plan *p)
{
	s->edits += p->n;
	s->trouble |= p->verdict == VERDICT_WILL_NOT || p->warnings.n || p->n_missing;
	for (size_t i = 0; i < p->warnings.n; i++)
		events_warning(s->events, "adapt", p->warnings.v[i], 0, 0);
}

static int check(struct session *s, const struct lin *l, struct json_object *o, FILE *people,
		 struct err *e)
{
	struct check_result c = { 0 };
	int rc;

	events_step(s->events, "check", "Checking that it will start");
	rc = lin_check(l, &s->target, &c, e);
	if (rc)
		return rc;
	json_put(o, "check", check_json(&c));
	if (people)
		check_print(&c, people);
	s->trouble |= !c.ok;
	check_done(&c);
	return 0;
}

/* From scratch: what stands there now. */
static int check_again(struct session *s, struct root *r, const struct volumes *v,
		       struct json_object *o, FILE *people, struct err *e)
{
	struct lin l;
	struct plan *again;
	int rc = lin_scan(r, v, &l, e);

	if (rc)
		return rc;
	rc = check(s, &l, o, people, e);
	if (!rc)
		rc = lin_plan(&l, &s->wishes, &again, e);
	if (!rc && again->n && !again->v[0].optional)
		rc = err_set(e, ERR_INTERNAL, "after the edits there is still one to be made: %s: %s",
			     again->v[0].path, again->v[0].reasons.n ? again->v[0].reasons.v[0] : "");
	if (!rc)
		plan_free(again);
	lin_done(&l);
	return rc;
}

int session_undo(struct session *s, struct root *r, const char *name, FILE *people, struct err *e)
{
	struct json_object *o = json_object_new_object(), *kept = json_object_new_array();
	struct undo_result u;
	int rc = adapt_undo(r, s->host, &u, e);

	if (rc) {
		json_object_put(o);
		json_object_put(kept);
		return rc;
	}
	json_put_str(o, "root", name);
	json_put_u64(o, "undone_runs", u.runs);
	json_put_u64(o, "undone_files", u.files);
	for (size_t i = 0; i < u.kept.n; i++)
		json_object_array_add(kept, json_text(u.kept.v[i]));
	json_put(o, "kept", kept);
	json_object_array_add(s->systems, o);
	s->trouble |= u.kept.n > 0;
	if (people) {
		fprintf(people, "%s: %s; %zu put back\n", name,
			u.runs ? "adapt's edits were taken back" : "adapt has changed nothing here",
			u.files);
		for (size_t i = 0; i < u.kept.n; i++)
			fprintf(people, "  warning: %s\n", u.kept.v[i]);
	}
	strv_done(&u.kept);
	return 0;
}

static int adapt(struct session *s, struct root *r, const struct volumes *v, const char *name,
		 int apply, FILE *people, struct err *e)
{
	struct json_object *o;
	struct plan *p = NULL;
	struct lin l;
	int rc = lin_scan(r, v, &l, e);

	if (rc)
		return rc;
	events_step(s->events, "plan", "Planning");
	rc = lin_plan(&l, &s->wishes, &p, e);
	if (!rc) {
		session_count(s, p);
		o = report(s, r, &l, p, v, name);
		if (people && s->o->mode != MODE_CHECK && !apply)
			tell(s, &l, p, name, people);
		if (s->o->mode == MODE_CHECK)
			rc = check(s, &l, o, people, e);
	}
	if (!rc && apply) {
		size_t warned = p->warnings.n;

		events_step(s->events, "apply", "Making the edits");
		rc = plan_apply(p, s->host, e);
		for (size_t i = warned; !rc && i < p->warnings.n; i++) {
			events_warning(s->events, "adapt", p->warnings.v[i], 0, 0);
			fprintf(people ? people : stderr, "  warning: %s\n", p->warnings.v[i]);
			s->trouble = 1;
		}
		if (!rc && people)
			fprintf(people, "%s: %zu edits made\n", name, p->n);
		if (!rc)
			json_put_bool(o, "applied", 1);
		if (!rc)
			rc = check_again(s, r, v, o, people, e);
	}
	plan_free(p);
	lin_done(&l);
	return rc;
}

int session_linux(struct session *s, const char *dir, const struct volumes *v, const char *name,
		  int apply, FILE *people, struct err *e)
{
	struct root *r;
	int rc = root_open(dir, &r, e);

	if (rc)
		return rc;
	rc = s->o->mode == MODE_UNDO ? session_undo(s, r, name, people, e)
				     : adapt(s, r, v, name, apply, people, e);
	root_close(r);
	return rc;
}
