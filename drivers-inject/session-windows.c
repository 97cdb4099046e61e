/* session-windows.c: rehost-adapt on a Windows: opened, planned, shown, edited,
 * checked. */
#include <stdio.h>
#include <strings.h>
#include "common/json.h"
#include "common/text.h"
#include "drivers-inject/report.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/session-int.h"
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/win.h"

struct opened {
	struct root *root;
	struct tree *tree;
	struct win win;
	int is_open;            /* win is                                    */
};

/* Once for all systems. */
static int load_packages(struct session *s, struct err *e)
{
	int rc = 0;

	if (s->packages || !s->drivers.n)
		return 0;
	rc = drivers_new(&s->packages, e);
	for (size_t i = 0; !rc && i < s->drivers.n; i++)
		rc = drivers_add_path(s->packages, s->drivers.v[i].path,
				      s->drivers.v[i].shown, e);
	for (size_t i = 0; !rc && i < s->packages->notes.n; i++)
		json_object_array_add(s->notes, json_text(s->packages->notes.v[i]));
	return rc;
}

static struct win_wishes wishes_of(const struct session *s)
{
	const struct options *o = s->o;

	return (struct win_wishes){
		.target = &s->target, .old = s->have_old ? &s->old : NULL, .drivers = s->packages,
		.hostname = o->hostname, .unattend = o->unattend, .nics = &o->nics,
		.new_identity = o->new_identity, .remove_tools = o->remove_tools,
		.even_dirty = o->even_dirty,
	};
}

static void close_all(struct opened *o)
{
	if (o->is_open)
		win_done(&o->win);
	o->is_open = 0;
	o->tree = tree_close(o->tree);
	o->root = root_close(o->root);
}

/* The root first: it finishes an edit that was interrupted. */
static int open_all(const struct session *s, const struct session_volume *x,
		    const struct win_wishes *w, struct opened *ret, struct err *e)
{
	struct opened o = { 0 };
	int rc = root_ntfs_open(x->dev, s->o->even_dirty ? ROOT_NTFS_EVEN_DIRTY : 0, &o.root, e);

	if (!rc)
		rc = tree_open(x->dev, &o.tree, e);
	if (!rc)
		rc = win_open(o.root, o.tree, x->dir, w, &o.win, e);
	if (rc) {
		close_all(&o);
		return rc;
	}
	o.win.volumes = x->volumes;
	o.win.volume = x->volume;
	o.is_open = 1;
	*ret = o;
	return 0;
}

static struct json_object *detected(struct tree *t, const char *dir)
{
	struct guest_list found = { 0 };
	struct json_object *o = NULL;

	if (!adapter_windows.detect(t, &found, NULL))
		for (size_t i = 0; i < found.n; i++)
			if (!strcasecmp(found.v[i]->win.directory, dir))
				o = report_guest(found.v[i]);
	guest_list_done(&found);
	return o ? o : json_object_new_object();
}

static struct json_object *report(struct session *s, const struct session_volume *x,
				  struct opened *w, const struct plan *p)
{
	struct json_object *o = detected(w->tree, x->dir);

	json_put_str(o, "root", x->name);
	json_put_str(o, "device_database", w->win.generation == WIN_NT62 ? "DriverDatabase" :
		     "CriticalDeviceDatabase");
	session_put_target(s, o);
	session_join(o, plan_json(p));
	if (x->volumes)
		json_put(o, "volumes", volumes_json(x->volumes));
	json_object_array_add(s->systems, o);
	return o;
}

static void tell(const struct session *s, const struct win *w, const struct plan *p,
		 const char *name, FILE *f)
{
	text_print(f, name);
	fputs(": ", f);
	text_print(f, w->name);
	fprintf(f, "%s", *w->release ? " " : "");
	text_print(f, w->release);
	fprintf(f, " %s (build %s), for ", w->arch, w->build);
	text_print(f, s->target.name);
	fputc('\n', f);
	plan_print(p, f);
}

static void put_check(struct session *s, struct json_object *o, const struct plan *p,
		      const char *name, FILE *people)
{
	struct json_object *c = json_object_new_object();
	int ok = p->boots_now && !p->problems.n;

	json_put_bool(c, "ok", ok);
	json_put(o, "check", c);
	if (people)
		fprintf(people, "%s: check: as it is on the disk now it %s\n", name,
			ok ? "will start" : "WILL NOT START");
	for (size_t i = 0; people && i < p->problems.n; i++)
		fprintf(people, "  because: %s\n", p->problems.v[i]);
	s->trouble |= !ok;
}

static int apply_plan(struct session *s, struct plan *p, const char *name, FILE *people,
		      struct err *e)
{
	size_t warned = p->warnings.n;
	int rc;

	events_step(s->events, "apply", "Making the edits");
	rc = plan_apply(p, s->host, e);
	for (size_t i = warned; !rc && i < p->warnings.n; i++) {
		events_warning(s->events, "adapt", p->warnings.v[i], 0, 0);
		fprintf(people ? people : stderr, "  warning: %s\n", p->warnings.v[i]);
		s->trouble = 1;
	}
	if (!rc && people)
		fprintf(people, "%s: %zu edits made\n", name, p->n);
	return rc;
}

/* From scratch: what stands there now must start, and want no more edits. */
static int check_again(struct session *s, const struct session_volume *x,
		       const struct win_wishes *w, struct json_object *o, FILE *people,
		       struct err *e)
{
	struct opened w2;
	struct plan *p = NULL;
	int rc = open_all(s, x, w, &w2, e);

	if (rc)
		return rc;
	events_step(s->events, "check", "Checking that it will start");
	rc = win_plan(&w2.win, w, &p, e);
	if (!rc)
		put_check(s, o, p, x->name, people);
	if (!rc && p->n)
		rc = err_set(e, ERR_INTERNAL, "after the edits there is still one to be made: %s: %s",
			     p->v[0].path, p->v[0].details.n ? p->v[0].details.v[0] :
			     p->v[0].reasons.n ? p->v[0].reasons.v[0] : "");
	plan_free(p);
	close_all(&w2);
	return rc;
}

static int adapt(struct session *s, const struct session_volume *x, int apply, FILE *people,
		 struct err *e)
{
	struct win_wishes wishes;
	struct opened w;
	struct json_object *o = NULL;
	struct plan *p = NULL;
	int rc = load_packages(s, e);

	wishes = wishes_of(s);
	if (!rc)
		rc = open_all(s, x, &wishes, &w, e);
	if (rc)
		return rc;
	events_step(s->events, "plan", "Planning");
	rc = win_plan(&w.win, &wishes, &p, e);
	if (!rc) {
		session_count(s, p);
		o = report(s, x, &w, p);
		if (people && s->o->mode != MODE_CHECK && !apply)
			tell(s, &w.win, p, x->name, people);
		if (s->o->mode == MODE_CHECK)
			put_check(s, o, p, x->name, people);
	}
	if (!rc && apply)
		rc = apply_plan(s, p, x->name, people, e);
	plan_free(p);
	close_all(&w);
	if (!rc && apply) {
		json_put_bool(o, "applied", 1);
		rc = check_again(s, x, &wishes, o, people, e);
	}
	return rc;
}

int session_windows(struct session *s, const struct session_volume *x, int apply, FILE *people,
		    struct err *e)
{
	struct root *r;
	int rc = 0;

	if (apply && s->o->discard_hibernation)
		rc = root_ntfs_forget_hibernation(x->dev, e);
	if (rc)
		return rc;
	if (s->o->mode != MODE_UNDO)
		return adapt(s, x, apply, people, e);
	rc = root_ntfs_open(x->dev, s->o->even_dirty ? ROOT_NTFS_EVEN_DIRTY : 0, &r, e);
	if (rc)
		return rc;
	rc = session_undo(s, r, x->name, people, e);
	root_close(r);
	return rc;
}
