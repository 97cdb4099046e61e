/* tasks.c: what the wizard asks other programs, and what it does with their
 * answers (wizard.h). */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

/* Appends the words of a NULL-terminated list. */
static int add_all(struct argv *a, const char *const *words, struct err *e)
{
	int rc = 0;

	while (!rc && *words)
		rc = argv_add(a, *words++, e);
	return rc;
}

static int argv_disks(const struct wiz *w, struct argv *a, struct err *e)
{
	(void)w;
	return add_all(a, (const char *const[]){ "rehost", "disks", "--json", NULL }, e);
}

static int argv_used(const struct wiz *w, struct argv *a, struct err *e)
{
	int rc = add_all(a, (const char *const[]){ "rehost", "disks", "--json",
						   "--used", NULL }, e);

	for (size_t i = 0; !rc && i < w->job.ndisks; i++)
		rc = argv_add(a, w->job.disks[i], e);
	return rc;
}

static int argv_place(const struct wiz *w, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX];

	job_place_url(&w->job.place, "", url);
	/* where nothing is to be written nothing is tried */
	if (w->job.kind == JOB_RESTORE || w->job.kind == JOB_VERIFY)
		return add_all(a, (const char *const[]){ "rehost", "place", "--json",
							 "--read-only", url, NULL }, e);
	return add_all(a, (const char *const[]){ "rehost", "place", "--json", url,
						 NULL }, e);
}

static int argv_info(const struct wiz *w, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX];

	job_place_url(&w->job.place, w->job.image, url);
	return add_all(a, (const char *const[]){ "rehost", "info", "--json", url,
						 NULL }, e);
}

static int argv_net(const struct wiz *w, struct argv *a, struct err *e)
{
	(void)w;
	return add_all(a, (const char *const[]){ "rehost-net", "status", "--json",
						 NULL }, e);
}

static int argv_net_set(const struct wiz *w, struct argv *a, struct err *e)
{
	if (!w->net_fixed)
		return add_all(a, (const char *const[]){ "rehost-net", "dhcp",
							 w->iface, NULL }, e);
	return add_all(a, (const char *const[]){ "rehost-net", "static", w->iface,
						 w->net_address.s, w->net_gateway.s,
						 w->net_dns.s, NULL }, e);
}

static int argv_net_wait(const struct wiz *w, struct argv *a, struct err *e)
{
	return add_all(a, (const char *const[]){ "rehost-net", "wait", "30", w->iface,
						 NULL }, e);
}

static int argv_logs(const struct wiz *w, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX];

	job_place_url(&w->job.place, "", url);
	return add_all(a, (const char *const[]){ "rehost", "place", "--run",
						 "rehost-save-logs", url, NULL }, e);
}

/* The page that shows the disks, if the task was started on another. */
static enum wiz_act show_disks(struct wiz *w)
{
	enum wiz_page to = w->page == P_MENU ? P_DISKS :
		w->page == P_PLACE ? P_PART : w->page == P_IMAGE ? P_TARGET :
		w->page == P_DRIVERS ? P_DPART : w->page;
	int n;

	if (w->page == P_MENU && w->job.kind == JOB_ADAPT)
		to = P_ADISK;
	if (to == P_TARGET && to != w->page)
		w->step = 0;
	if (to != w->page)
		wiz_go(w, to);
	n = wiz_page(w)->rows(w);
	if (w->cur[to] >= n)
		w->cur[to] = n ? n - 1 : 0;
	if (to == P_PART || to == P_DPART)
		wiz_parts_shown(w);
	return ACT_NONE;
}

static enum wiz_act done_disks(struct wiz *w, const char *out, size_t len,
			       struct err *e)
{
	if (model_disks_parse(out, len, &w->disks, e))
		return ACT_BEEP;
	return show_disks(w);
}

/* A target must still be the disk that was chosen. */
static int check_target(const struct wiz *w, const struct wiz_target *t, struct err *e)
{
	const struct model_disk *d = model_find(&w->disks, t->path);
	char why[300];

	if (!d || d->size != t->size || strcmp(d->serial, t->serial) ||
	    strcmp(d->wwn, t->wwn) || strcmp(d->model, t->model))
		return err_set(e, ERR_REFUSED, "%s is no longer the disk that you chose "
			"(it was unplugged or renamed). Nothing was written. Go "
			"back and choose the target again.", t->path);
	if (wiz_target_refusal(w, d, why, sizeof why))
		return err_set(e, ERR_REFUSED, "%s can't be written now: %s. Nothing was "
			"written.", t->path, why);
	return 0;
}

static enum wiz_act done_targets(struct wiz *w, const char *out, size_t len,
				 struct err *e)
{
	size_t n = wiz_targets(w), step = w->step;
	int rc = 0;

	if (model_disks_parse(out, len, &w->disks, e))
		return ACT_BEEP;
	for (size_t i = 0; i < n && !rc; i++) {
		w->step = i;
		rc = check_target(w, &w->target[i], e);
	}
	w->step = step;
	return rc ? ACT_BEEP : wiz_job_begin(w);
}

static enum wiz_act done_used(struct wiz *w, const char *out, size_t len,
			      struct err *e)
{
	struct model_disks m = { 0 };

	if (model_disks_parse(out, len, &m, e))
		return ACT_BEEP;
	for (size_t i = 0; i < m.n; i++)
		for (size_t k = 0; k < w->disks.n; k++)
			if (!strcmp(m.d[i].path, w->disks.d[k].path)) {
				struct model_disk t = m.d[i];

				m.d[i] = w->disks.d[k];
				w->disks.d[k] = t;
			}
	model_disks_done(&m);
	w->cur[P_CHECK] = 0;
	return wiz_go(w, P_CHECK);
}

static enum wiz_act done_place(struct wiz *w, const char *out, size_t len,
			       struct err *e)
{
	if (model_place_parse(out, len, &w->place, e))
		return ACT_BEEP;
	if (w->job.kind != JOB_RESTORE && w->job.kind != JOB_VERIFY &&
	    !w->place.writable) {
		err_set(e, ERR_IO, "This place can be read but not written. Check "
			"the permissions of the user and of the directory, or "
			"choose another place.");
		return ACT_BEEP;
	}
	w->dir_before = *job_place_dir(&w->job.place);
	if (w->job.kind == JOB_CAPTURE)
		return wiz_task_start(w, T_USED);
	if (w->job.kind == JOB_LOGS)
		return wiz_task_start(w, T_LOGS);
	wiz_images_shown(w);
	return w->page == P_IMAGES ? ACT_NONE : wiz_go(w, P_IMAGES);
}

static enum wiz_act done_info(struct wiz *w, const char *out, size_t len,
			      struct err *e)
{
	if (model_info_parse(out, len, &w->info, e))
		return ACT_BEEP;
	if (!w->info.complete)
		err_set(e, ERR_CORRUPT, "This image isn't complete: its capture "
			"was interrupted. Choose another one.");
	else if (w->info.nof > JOB_DISKS_MAX)
		err_set(e, ERR_UNSUPPORTED, "This machine has more than %d disks.", JOB_DISKS_MAX);
	else {
		if (w->job.nimages != w->info.nof)
			w->job.nmoves = 0;
		w->job.nimages = w->info.nof;
		wiz_propose_wishes(w);
		return wiz_go(w, P_IMAGE);
	}
	return ACT_BEEP;
}

/* `rehost info` tells of an encrypted image what can be told without its
 * passphrase, and fails. */
static bool only_locked(enum wiz_task t, const char *out, size_t len)
{
	struct model_info m = { 0 };
	bool locked;

	if (t != T_INFO || model_info_parse(out, len, &m, NULL))
		return false;
	locked = m.locked;
	model_info_done(&m);
	return locked;
}

static int argv_plan(const struct wiz *w, struct argv *a, struct err *e)
{
	return job_plan_argv(&w->job, w->trying, a, e);
}

static enum wiz_act done_plan(struct wiz *w, const char *out, size_t len, struct err *e)
{
	struct model_plan p = { 0 };

	if (model_plan_parse(out, len, &p, e))
		return ACT_BEEP;
	if (wiz_wants_drivers(w))
		return wiz_drivers_tried(w, &p);
	wiz_plan_new(w, &p);
	return wiz_plan_shown(w);
}

static int argv_folder(const struct wiz *w, struct argv *a, struct err *e)
{
	char url[JOB_URL_MAX];

	job_place_url(&w->from, "", url);
	return add_all(a, (const char *const[]){ "rehost", "place", "--json", "--read-only", url,
						 NULL }, e);
}

static enum wiz_act done_folder(struct wiz *w, const char *out, size_t len, struct err *e)
{
	if (model_place_parse(out, len, &w->folder, e))
		return ACT_BEEP;
	return wiz_folder_shown(w);
}

/* What can't be planned may still be taken back: files that adapt kept don't
 * depend on what is there now. */
static bool fails_harmlessly(const struct wiz *w, enum wiz_task t)
{
	return t == T_PLAN && w->job.kind == JOB_ADAPT && w->job.adapt.undo;
}

static enum wiz_act done_net(struct wiz *w, const char *out, size_t len,
			     struct err *e)
{
	if (model_net_parse(out, len, &w->net, e))
		return ACT_BEEP;
	if (w->page == P_IFACE)
		wiz_go_back(w);
	else if (w->page != P_NET)
		wiz_go(w, P_NET);
	if (w->cur[P_NET] >= (int)w->net.n)
		w->cur[P_NET] = 0;
	return ACT_NONE;
}

static enum wiz_act done_net_set(struct wiz *w, const char *out, size_t len,
				 struct err *e)
{
	(void)out, (void)len, (void)e;
	return wiz_task_start(w, w->net_fixed ? T_NET : T_NET_WAIT);
}

static enum wiz_act done_net_wait(struct wiz *w, const char *out, size_t len,
				  struct err *e)
{
	(void)out, (void)len, (void)e;
	return wiz_task_start(w, T_NET);
}

static enum wiz_act done_logs(struct wiz *w, const char *out, size_t len,
			      struct err *e)
{
	char url[JOB_URL_MAX];

	(void)out, (void)len, (void)e;
	job_place_url(&w->job.place, "", url);
	wiz_home(w);
	return wiz_note(w, "The logs are saved in %s.", url);
}

static const struct task {
	const char *text;        /* "Reading the list of disks" */
	const char *fail;        /* "The list of disks could not be read" */
	int (*argv)(const struct wiz *w, struct argv *a, struct err *e);
	/* On failure fills e and returns ACT_BEEP. */
	enum wiz_act (*done)(struct wiz *w, const char *out, size_t len, struct err *e);
} tasks[T_COUNT] = {
	[T_DISKS] = { "Reading the list of disks", "The disks could not be listed",
		      argv_disks, done_disks },
	[T_TARGETS] = { "Looking at the target once more",
			"The disks could not be listed", argv_disks, done_targets },
	[T_USED] = { "Measuring how much of the chosen disks is used",
		     "The disks could not be read", argv_used, done_used },
	[T_PLACE] = { "Connecting to the place and looking into it",
		      "The place could not be reached", argv_place, done_place },
	[T_INFO] = { "Reading what is in the image", "The image could not be read",
		     argv_info, done_info },
	[T_PLAN] = { "Finding out whether it will boot on this machine",
		     "Whether it will boot could not be found out", argv_plan, done_plan },
	[T_FOLDER] = { "Looking into the folder", "The folder could not be looked into",
		       argv_folder, done_folder },
	[T_NET] = { "Looking at the network interfaces",
		    "The network could not be examined", argv_net, done_net },
	[T_NET_SET] = { "Setting up the network", "The network could not be set up",
			argv_net_set, done_net_set },
	[T_NET_WAIT] = { "Waiting for an address by DHCP (30 seconds at most)",
			 "No address came by DHCP", argv_net_wait, done_net_wait },
	[T_LOGS] = { "Saving the logs", "The logs could not be saved", argv_logs,
		     done_logs },
};

const char *wiz_task_text(const struct wiz *w)
{
	return w->task ? tasks[w->task].text : "";
}

int wiz_task_argv(const struct wiz *w, struct argv *ret, struct err *e)
{
	struct argv a = { 0 };
	int rc = tasks[w->task].argv ? tasks[w->task].argv(w, &a, e) :
		err_set(e, ERR_INTERNAL, "No task.");

	if (rc) {
		argv_done(&a);
		return rc;
	}
	*ret = a;
	return 0;
}

void wiz_task_undone(struct wiz *w, enum wiz_task t)
{
	if (t == T_PLACE && w->page == P_IMAGES)
		*job_place_dir(&w->job.place) = w->dir_before;
	if (t == T_FOLDER && w->page == P_FOLDER)
		*job_place_dir(&w->from) = w->from_before;
}

enum wiz_act wiz_task_done(struct wiz *w, int status, const char *out, size_t len,
			   const char *tail)
{
	const struct task *t = &tasks[w->task];
	enum wiz_task which = w->task;
	enum wiz_act act = ACT_BEEP;
	struct err e = { 0 };

	if (!t->done)
		return ACT_NONE;        /* it was cancelled */
	w->task = T_NONE;
	if (status != 0 && status != 3 && fails_harmlessly(w, which))
		return wiz_to_confirm(w);
	if (status == 1 && only_locked(which, out, len))
		return wiz_ask_secret(w);
	if (status != 0 && status != 3)
		wiz_error(w, "%s.\n\n%s%s", t->fail, tail[0] ? tail :
			  "The program that does it ended without a reason.",
			  which == T_PLAN ? wiz_drivers_failed(w) : "");
	else if (act = t->done(w, out, len, &e), e.code)
		wiz_error(w, "%s.\n\n%s", t->fail, e.msg);
	if (w->over == OVER_ERROR)
		wiz_task_undone(w, which);
	return act;
}
