/* wizard-helper.h: a wizard without terminal and children: tasks are answered
 * with the canned documents of tests/py/fake. */
#ifndef WIZARD_HELPER_H
#define WIZARD_HELPER_H
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>
#include "tui/canvas.h"
#include "tui/page.h"
#include "tui/wizard.h"

/* NAME below tests/. */
static inline void test_path(char *out, size_t size, const char *name)
{
	const char *top = getenv("REHOST_TOP");

	snprintf(out, size, "%s/tests/%s", top ? top : ".", name);
}

/* The file NAME below tests/; the caller frees it. */
static inline char *slurp(const char *name, size_t *ret_len)
{
	char path[400], *buf;
	struct stat st;
	FILE *f;

	test_path(path, sizeof path, name);
	f = fopen(path, "r");
	if (!f || fstat(fileno(f), &st))
		fail_msg("%s can't be read", path);
	buf = malloc((size_t)st.st_size + 1);
	assert_non_null(buf);
	*ret_len = fread(buf, 1, (size_t)st.st_size, f);
	buf[*ret_len] = 0;
	fclose(f);
	return buf;
}

/* What rehost-adapt answers. */
static const char *plan_file = "py/fake/plan.json";
#define WINDOWS "py/fake/plan-windows.json"

/* A place where the device of plan-windows.json has a driver, as in tests/py/fake. */
static inline bool serves(const char *place)
{
	return strstr(place, "w10") || strstr(place, "virtio-win.iso");
}

static inline const char *plan_of(const struct wiz *w)
{
	bool served = serves(w->trying);

	for (size_t i = 0; i < w->job.adapt.ndrivers; i++)
		served |= serves(w->job.adapt.drivers[i]);
	if (!strcmp(plan_file, WINDOWS) && served)
		return "py/fake/plan-windows-served.json";
	/* a locked volume is one until its passphrase is known */
	return strcmp(w->job.adapt.luks.s, "open sesame") || !strcmp(plan_file, WINDOWS) ?
		plan_file : "py/fake/plan.json";
}

/* What `rehost place` answers. */
static const char *place_file = "py/fake/place.json";
#define MORE "py/fake/place-more.json" /* with older images of the first disk */

#define CUT "py/fake/place-cut.json" /* with an interrupted capture of it */

/* The first disk has the mark of an interrupted restore of the image. */
static bool marked;

static inline void mark(struct wiz *w)
{
	struct model_disk *d = w->disks.d;

	if (!marked || !w->disks.n)
		return;
	strcpy(d->mark_id, "00");
	memset(d->mark_digest, 0, sizeof d->mark_digest);
	for (int i = 0; i < 32; i++)
		strcat(d->mark_digest, "ab");
	strcpy(d->mark_text, "an interrupted restore of the image web1-20261101.rhi "
	       "(00000000000000000000000000000000), 12 % done");
}

/* The image is encrypted with the passphrase "open sesame". */
static bool sealed;

static inline bool locked(const struct wiz *w)
{
	return sealed && w->task == T_INFO && strcmp(w->job.passphrase.s, "open sesame");
}

static inline const char *task_file(const struct wiz *w)
{
	switch (w->task) {
	case T_PLACE:
		return place_file;
	case T_INFO:
		return locked(w) ? "py/fake/info-locked.json" : "py/fake/info.json";
	case T_PLAN:
		return plan_of(w);
	case T_FOLDER:
		return "py/fake/folder.json";
	case T_NET:
		return "py/fake/net.json";
	case T_DISKS:
	case T_TARGETS:
	case T_USED:
		return "py/fake/disks.json";
	default:
		return NULL;
	}
}

/* Answers w->task; the returned action is what the answer led to. */
static inline enum wiz_act answer(struct wiz *w)
{
	const char *file = task_file(w);
	size_t len = 0;
	char *text = file ? slurp(file, &len) : NULL;
	enum wiz_act act = wiz_task_done(w, locked(w), text ? text : "", len, "");

	free(text);
	mark(w);
	return act;
}

/* An event, and the answers of all tasks that it leads to. */
static inline enum wiz_act press(struct wiz *w, enum wiz_ev ev, int arg)
{
	enum wiz_act act = wiz_step(w, ev, arg);

	while (act == ACT_TASK)
		act = answer(w);
	return act;
}

static inline void type(struct wiz *w, const char *s)
{
	for (; *s; s++)
		assert_int_equal(press(w, *s == '\t' ? EV_TAB : EV_CHAR, *s), ACT_NONE);
}

static inline void new_wizard(struct wiz *w)
{
	setlocale(LC_ALL, "C.UTF-8");
	plan_file = "py/fake/plan.json";
	sealed = marked = false;
	place_file = "py/fake/place.json";
	wiz_init(w);
	strcpy(w->today, "20261123");
}

static inline void done_line(struct wiz *w)
{
	static const char line[] = "{\"event\":\"done\",\"status\":0,\"digest\":\"abcd\","
		"\"bytes\":4000000000,\"image_bytes\":2000000000,\"seconds\":75,\"path\":\"x\"}";

	wiz_job_line(w, line, sizeof line - 1);
}

/* From the main menu to page p on the usual way of its job. */
static inline void go_to(struct wiz *w, enum job_kind kind, enum wiz_page p)
{
	press(w, EV_CHAR, kind == JOB_CAPTURE ? '1' : kind == JOB_RESTORE ? '2' :
	      kind == JOB_VERIFY ? '3' : '4');
	for (int i = 0; w->page != p && i < 20; i++) {
		if (w->page == P_DISKS && !w->job.ndisks)
			press(w, EV_CHAR, ' ');
		if (w->page == P_PLACE && p == P_NFS)
			w->cur[P_PLACE] = 2;
		else if (w->page == P_PLACE && (p == P_PART || p == P_DIR))
			w->cur[P_PLACE] = 0;
		else if (w->page == P_PLACE)
			w->cur[P_PLACE] = 1;
		if (w->page == P_PART)
			w->cur[P_PART] = 4;
		if (w->page == P_SMB && !w->job.place.smb.host.s[0])
			type(w, "srv\timages\tdir\tbob\tpw");
		if ((w->page == P_CONFIRM && p != P_CONFIRM) ||
		    (w->page == P_ACONFIRM && p != P_ACONFIRM))
			type(w, model_name(w->job.target));
		if (w->page == P_CUT)           /* the one with a base and a passphrase */
			w->cur[P_CUT] = 1;
		if (w->page == P_IMAGE && p == P_INTO)
			assert_true(job_only_set(&w->job, w->job.image, "2"));
		if (w->page == P_BASE && w->job.resume)
			w->cur[P_BASE] = 1;
		if (w->page == P_OPTIONS && p == P_SEAL)
			w->job.encrypt = true;
		if (w->page == P_SEAL && !w->again.s[0])
			type(w, "open sesame\topen sesame");
		if (w->page == P_SECRET && !w->job.passphrase.s[0])
			type(w, "open sesame");
		if (w->page == P_LUKS && !w->job.adapt.luks.s[0])
			type(w, "open sesame");
		if (w->page == P_DRIVERS && p != P_DPART && p != P_FOLDER)
			w->cur[P_DRIVERS] = p != P_DPATH ? wiz_page(w)->rows(w) - 1 :
				kind == JOB_RESTORE ? 2 : 3;
		if (p == P_PARTS && (w->page == P_DISKS || w->page == P_IMAGE))
			press(w, EV_CHAR, 'p');
		else
			press(w, EV_NEXT, 0);
		if (w->page == P_RUN && p == P_RESULT) {
			done_line(w);
			wiz_job_end(w, 0, 0, "");
		}
	}
	assert_int_equal(w->page, p);
}
#endif
