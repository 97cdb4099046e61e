/* test-wizard-walk.c: every page by every event: what may start a job, what
 * beeps, and that going back loses no answer. */
#include "wizard-helper.h"

#define WONT "py/fake/plan-wont.json"
#define FITS "py/fake/plan-fits.json"
#define LOCKED "py/fake/plan-locked.json"
#define SEALED "sealed"         /* the image is encrypted */
#define MARK "mark"             /* a restore of it was interrupted */

static const struct way {
	enum job_kind kind;
	enum wiz_page page;
	const char *plan;       /* what rehost-adapt answers, if not the usual; or a word of below */
} ways[] = {
	{ JOB_CAPTURE, P_PARTS, 0 }, { JOB_RESTORE, P_PARTS, 0 },
	{ JOB_CAPTURE, P_DISKS, 0 }, { JOB_CAPTURE, P_PLACE, 0 }, { JOB_CAPTURE, P_PART, 0 },
	{ JOB_CAPTURE, P_DIR, 0 }, { JOB_CAPTURE, P_SMB, 0 }, { JOB_CAPTURE, P_NFS, 0 },
	{ JOB_CAPTURE, P_CHECK, 0 }, { JOB_CAPTURE, P_OPTIONS, 0 },
	{ JOB_CAPTURE, P_SUMMARY, 0 }, { JOB_CAPTURE, P_RUN, 0 }, { JOB_CAPTURE, P_RESULT, 0 },
	{ JOB_RESTORE, P_PLACE, 0 }, { JOB_RESTORE, P_IMAGES, 0 }, { JOB_RESTORE, P_IMAGE, 0 },
	{ JOB_RESTORE, P_TARGET, 0 }, { JOB_RESTORE, P_INTO, 0 }, { JOB_RESTORE, P_WISHES, 0 },
	{ JOB_RESTORE, P_LUKS, LOCKED }, { JOB_RESTORE, P_VERDICT, 0 },
	{ JOB_RESTORE, P_VERDICT, WONT }, { JOB_RESTORE, P_VERDICT, LOCKED },
	{ JOB_RESTORE, P_CONFIRM, 0 }, { JOB_RESTORE, P_RUN, 0 }, { JOB_RESTORE, P_RESULT, 0 },
	{ JOB_VERIFY, P_IMAGES, 0 }, { JOB_VERIFY, P_IMAGE, 0 }, { JOB_VERIFY, P_RESULT, 0 },
	{ JOB_ADAPT, P_ADISK, 0 }, { JOB_ADAPT, P_AOPTIONS, 0 }, { JOB_ADAPT, P_LUKS, LOCKED },
	{ JOB_ADAPT, P_VERDICT, 0 }, { JOB_ADAPT, P_VERDICT, WONT }, { JOB_ADAPT, P_VERDICT, FITS },
	{ JOB_ADAPT, P_ACONFIRM, 0 }, { JOB_ADAPT, P_ACONFIRM, LOCKED }, { JOB_ADAPT, P_RUN, 0 },
	{ JOB_ADAPT, P_RESULT, 0 },
	{ JOB_RESTORE, P_DRIVERS, WINDOWS }, { JOB_RESTORE, P_DPART, WINDOWS },
	{ JOB_RESTORE, P_FOLDER, WINDOWS }, { JOB_RESTORE, P_DPATH, WINDOWS },
	{ JOB_RESTORE, P_VERDICT, WINDOWS }, { JOB_ADAPT, P_DRIVERS, WINDOWS },
	{ JOB_ADAPT, P_FOLDER, WINDOWS }, { JOB_ADAPT, P_DPATH, WINDOWS },
	{ JOB_RESTORE, P_SECRET, SEALED }, { JOB_RESTORE, P_CONFIRM, SEALED },
	{ JOB_CAPTURE, P_SEAL, 0 }, { JOB_CAPTURE, P_BASE, MORE }, { JOB_CAPTURE, P_SUMMARY, MORE },
	{ JOB_CAPTURE, P_CUT, CUT }, { JOB_CAPTURE, P_BASE, CUT }, { JOB_CAPTURE, P_SECRET, CUT },
	{ JOB_CAPTURE, P_SUMMARY, CUT }, { JOB_RESTORE, P_AGAIN, MARK },
	{ JOB_RESTORE, P_CONFIRM, MARK },
	{ JOB_VERIFY, P_SECRET, SEALED }, { JOB_VERIFY, P_IMAGE, SEALED },
};
enum { WAYS = sizeof ways / sizeof *ways };

static const int chars[] = { ' ', 'r', 'd', 'y', 'n', 'x', '?', '1', '2', '3', '4', '8', '/', 0xe9 };

/* What may lead to START_JOB, as seen before the event. */
static int may_start(const struct wiz *w, enum wiz_ev ev)
{
	if (ev != EV_NEXT || w->over || w->task)
		return 0;
	if (w->job.kind == JOB_CAPTURE)
		return w->page == P_SUMMARY && w->job.ndisks && w->job.name.s[0];
	if (w->job.kind == JOB_VERIFY)
		return w->page == P_IMAGE;
	if (strcmp(w->confirm.s, model_name(w->job.target)))
		return 0;
	if (w->job.kind == JOB_ADAPT)
		return w->page == P_ACONFIRM;
	/* a system that won't boot is restored only by somebody who has said so */
	return w->page == P_CONFIRM && (!w->job.adapt.on || w->job.adapt.anyway ||
					w->plan.verdict >= PLAN_AFTER_EDITS);
}

/* A new wizard on the way's page. */
static void walk(struct wiz *w, const struct way *way)
{
	const char *what = way->plan ? way->plan : "py/fake/plan.json";
	bool place = !strcmp(what, MORE) || !strcmp(what, CUT);

	sealed = !strcmp(what, SEALED);
	marked = !strcmp(what, MARK);
	place_file = place ? what : "py/fake/place.json";
	plan_file = place || sealed || marked ? "py/fake/plan.json" : what;
	go_to(w, way->kind, way->page);
}

static void one_event(const struct way *way, enum wiz_ev ev, int arg)
{
	struct wiz w;
	struct job before;
	int may;

	new_wizard(&w);
	walk(&w, way);
	before = w.job;
	may = may_start(&w, ev);
	if (press(&w, ev, arg) == ACT_START_JOB && !may)
		fail_msg("page %d, event %d started a job", way->page, ev);
	/* only these change answers */
	if (ev == EV_BACK || ev == EV_HELP || ev == EV_QUIT || ev == EV_TICK ||
	    ev == EV_UP || ev == EV_DOWN || ev == EV_TAB)
		assert_memory_equal(&before, &w.job, sizeof before);
	wiz_done(&w);
}

static void test_every_page_by_every_event(void **state)
{
	(void)state;
	for (int i = 0; i < WAYS; i++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			for (size_t k = 0; k < (ev == EV_CHAR ? sizeof chars / sizeof *chars : 1); k++)
				one_event(&ways[i], (enum wiz_ev)ev, ev == EV_CHAR ? chars[k] : 0);
}

/* Back to the menu by BACK alone; then the same way again finds all answers. */
static void test_back_keeps_answers(void **state)
{
	struct wiz w;
	struct job before;

	(void)state;
	for (int i = 0; i < WAYS; i++) {
		new_wizard(&w);
		walk(&w, &ways[i]);
		before = w.job;
		if (w.page == P_RUN)
			wiz_job_end(&w, 1, 0, "failed");
		for (int k = 0; w.page != P_MENU && k < 20; k++)
			press(&w, EV_BACK, 0);
		assert_int_equal(w.page, P_MENU);
		assert_int_equal(press(&w, EV_BACK, 0), ACT_BEEP);
		assert_memory_equal(&before, &w.job, sizeof before);
		walk(&w, &ways[i]);
		assert_memory_equal(&before, &w.job, sizeof before);
		wiz_done(&w);
	}
}

static void test_next_without_a_choice_beeps(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	press(&w, EV_CHAR, '1');
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);      /* no disk marked */
	assert_int_equal(w.page, P_DISKS);
	assert_non_null(strstr(w.hint, "at least one disk"));
	w.cur[P_DISKS] = 3;
	assert_int_equal(press(&w, EV_CHAR, ' '), ACT_BEEP);    /* the boot medium */
	assert_int_equal(w.job.ndisks, 0);
	w.cur[P_DISKS] = 0;
	press(&w, EV_CHAR, ' ');
	go_to(&w, JOB_CAPTURE, P_PLACE);
	w.cur[P_PLACE] = 1;
	press(&w, EV_NEXT, 0);
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);      /* no server */
	type(&w, "srv");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);      /* no share */
	assert_int_equal(w.cur[P_SMB], 1);
	w.cur[P_PLACE] = 0;
	press(&w, EV_BACK, 0);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_PART);
	assert_int_equal(w.cur[P_PART], 3);     /* the first that can be used */
	w.cur[P_PART] = 0;
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);      /* on the captured disk */
	wiz_done(&w);
}

static void test_targets_that_cannot_be_chosen(void **state)
{
	struct wiz w;
	char why[300];

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_TARGET);
	for (int i = 2; i < 4; i++) {       /* too small; boot medium */
		w.cur[P_TARGET] = i;
		assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
		assert_int_equal(w.page, P_TARGET);
	}
	strcpy(w.disks.d[1].in_use, "nvme0n1p1 is mounted on /mnt");
	assert_non_null(wiz_target_refusal(&w, &w.disks.d[1], why, sizeof why));
	assert_non_null(strstr(why, "mounted on /mnt"));
	w.disks.d[1].in_use[0] = 0;
	assert_null(wiz_target_refusal(&w, &w.disks.d[1], why, sizeof why));
	w.disks.d[1].read_only = true;
	assert_non_null(wiz_target_refusal(&w, &w.disks.d[1], why, sizeof why));
	w.disks.d[1].read_only = false;
	w.job.place.kind = PLACE_DEV;       /* the image is on it */
	text_put(&w.job.place.dev.part, "/dev/nvme0n1p1");
	assert_non_null(wiz_target_refusal(&w, &w.disks.d[1], why, sizeof why));
	wiz_done(&w);
}

/* What was typed to confirm is gone when the page is entered again. */
static void test_confirmation_is_typed_each_time(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_CONFIRM);
	type(&w, "sda");
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_CONFIRM);
	assert_string_equal(w.confirm.s, "");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	type(&w, "/dev/sda");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	wiz_done(&w);
}

/* A verdict that says no: Enter asks, "no" is first, and only a restore says on
 * its command line that it was asked for all the same. */
static void test_will_not_boot(void **state)
{
	static const enum job_kind kinds[] = { JOB_RESTORE, JOB_ADAPT };
	struct wiz w;

	(void)state;
	for (int i = 0; i < 2; i++) {
		new_wizard(&w);
		plan_file = WONT;
		go_to(&w, kinds[i], P_VERDICT);
		assert_int_equal(w.plan.verdict, PLAN_WILL_NOT);
		if (kinds[i] == JOB_ADAPT)
			w.plan.nedits = 1;      /* some, though they don't help */
		press(&w, EV_NEXT, 0);
		assert_int_equal(w.over, OVER_ANYWAY);
		press(&w, EV_NEXT, 0);
		assert_int_equal(w.over, OVER_NONE);
		assert_int_equal(w.page, P_VERDICT);
		assert_false(w.job.adapt.anyway);
		press(&w, EV_NEXT, 0);
		press(&w, EV_CHAR, 'y');
		assert_int_equal(w.page, kinds[i] == JOB_RESTORE ? P_CONFIRM : P_ACONFIRM);
		assert_int_equal(w.job.adapt.anyway, kinds[i] == JOB_RESTORE);
		/* another plan: it has to be said again */
		press(&w, EV_BACK, 0);
		press(&w, EV_BACK, 0);
		plan_file = "py/fake/plan.json";
		press(&w, EV_NEXT, 0);
		assert_int_equal(w.page, P_VERDICT);
		assert_false(w.job.adapt.anyway);
		wiz_done(&w);
	}
}

static void test_nothing_to_edit(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = FITS;
	go_to(&w, JOB_ADAPT, P_VERDICT);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.over, OVER_NOTE);
	assert_int_equal(w.page, P_MENU);
	wiz_done(&w);
}

static void test_passphrase(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = LOCKED;
	go_to(&w, JOB_ADAPT, P_LUKS);
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);      /* nothing without it */
	assert_int_equal(w.page, P_LUKS);
	type(&w, "wrong");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	assert_non_null(strstr(w.hint, "doesn't open"));
	press(&w, EV_KILL, 0);
	type(&w, "open sesame");
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_BACK, 0);
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_AOPTIONS);
	press(&w, EV_NEXT, 0);          /* it is known now */
	assert_int_equal(w.page, P_VERDICT);
	wiz_done(&w);
}

static void test_undo(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = "py/fake/plan.json";
	go_to(&w, JOB_ADAPT, P_AOPTIONS);
	press(&w, EV_CHAR, ' ');
	assert_int_equal(w.job.adapt.undo, 1);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_ACONFIRM);           /* no plan is shown */
	press(&w, EV_BACK, 0);
	/* even where nothing can be planned */
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	wiz_task_done(&w, 1, "", 0, "the initramfs is damaged");
	assert_int_equal(w.page, P_ACONFIRM);
	type(&w, "sda");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_START_JOB);
	wiz_done(&w);
}

/* Proposed once for an image, by what is in it; then it is the user's. */
static void test_adapt_is_proposed_for_systems(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = "py/fake/plan.json";
	go_to(&w, JOB_RESTORE, P_WISHES);
	assert_true(w.job.adapt.on);
	press(&w, EV_CHAR, ' ');
	press(&w, EV_BACK, 0);
	press(&w, EV_BACK, 0);
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_IMAGES);
	press(&w, EV_NEXT, 0);
	assert_false(w.job.adapt.on);
	strcpy(w.wishes_for, "another.rhi");
	strcpy(w.info.disk.systems[0].kind, "windows");
	wiz_propose_wishes(&w);
	assert_true(w.job.adapt.on);
	strcpy(w.wishes_for, "a third one.rhi");
	w.info.disk.nsystems = 0;
	wiz_propose_wishes(&w);
	assert_false(w.job.adapt.on);
	strcpy(w.wishes_for, "another.rhi");
	strcpy(w.info.disk.parts[1].fs, "LVM2_member");
	wiz_propose_wishes(&w);
	assert_true(w.job.adapt.on);
	wiz_done(&w);
}

static void test_host_names(void **state)
{
	static const char *const bad[] = { "-x", "a b", "a..b", ".a", "a.", "a_b", "a/b" };
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_WISHES);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		text_put(&w.job.adapt.hostname, bad[i]);
		assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
		assert_int_equal(w.page, P_WISHES);
	}
	text_put(&w.job.adapt.hostname, "web-2.example");
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_VERDICT);
	wiz_done(&w);
}

static void test_failed_tasks_lead_back(void **state)
{
	struct wiz w;
	struct job before;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_SMB);
	type(&w, "srv\timages");
	before = w.job;
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_BEEP);   /* while it runs */
	wiz_task_done(&w, 1, "", 0, "Wrong password.");
	assert_int_equal(w.over, OVER_ERROR);
	assert_non_null(strstr(w.msg, "Wrong password."));
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.over, OVER_NONE);
	assert_int_equal(w.page, P_SMB);
	assert_memory_equal(&before, &w.job, sizeof before);
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	assert_int_equal(wiz_step(&w, EV_BACK, 0), ACT_CANCEL_TASK);
	assert_int_equal(w.page, P_SMB);
	assert_int_equal(wiz_task_done(&w, 0, "{}", 2, ""), ACT_NONE); /* too late */
	assert_int_equal(w.page, P_SMB);
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	wiz_task_done(&w, 0, "{\"images\":", 10, "");           /* cut off */
	assert_int_equal(w.over, OVER_ERROR);
	wiz_done(&w);
}

static void test_cancel_asks(void **state)
{
	static const enum wiz_ev ways_out[] = { EV_QUIT, EV_BACK };
	struct wiz w;

	(void)state;
	for (int i = 0; i < 2; i++) {
		new_wizard(&w);
		go_to(&w, JOB_CAPTURE, P_RUN);
		assert_int_equal(press(&w, ways_out[i], 0), ACT_NONE);
		assert_int_equal(w.over, OVER_CANCEL);
		assert_int_equal(press(&w, EV_NEXT, 0), ACT_NONE);  /* "No" is first */
		assert_int_equal(w.over, OVER_NONE);
		assert_false(w.run.cancelling);
		press(&w, ways_out[i], 0);
		press(&w, EV_DOWN, 0);
		assert_int_equal(press(&w, EV_NEXT, 0), ACT_CANCEL_JOB);
		assert_int_equal(press(&w, ways_out[i], 0), ACT_BEEP); /* once is enough */
		wiz_job_end(&w, -1, 15, "");
		assert_int_equal(w.page, P_RESULT);
		assert_int_equal(w.run.state, RUN_CANCELLED);
		press(&w, EV_NEXT, 0);
		assert_int_equal(w.page, P_SUMMARY);
		wiz_done(&w);
	}
}

/* The job ends while the question is on the screen. */
static void test_end_under_the_question(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_CAPTURE, P_RUN);
	press(&w, EV_QUIT, 0);
	done_line(&w);
	wiz_job_end(&w, 0, 0, "");
	assert_int_equal(w.over, OVER_NONE);
	assert_int_equal(w.run.state, RUN_DONE);
	assert_int_equal(press(&w, EV_CHAR, 'y'), ACT_BEEP);
	wiz_done(&w);
}

static void test_several_disks_one_after_another(void **state)
{
	static const char second[] = "{\"event\":\"start\",\"disk\":2,\"disks\":2}";
	struct wiz w;

	(void)state;
	new_wizard(&w);
	press(&w, EV_CHAR, '1');
	w.cur[P_DISKS] = 2;
	press(&w, EV_CHAR, ' ');
	w.cur[P_DISKS] = 0;
	press(&w, EV_CHAR, ' ');
	assert_string_equal(w.job.disks[0], "/dev/sda");        /* in the list's order */
	go_to(&w, JOB_CAPTURE, P_RUN);
	assert_int_equal(w.run.n, 2);
	done_line(&w);
	wiz_job_line(&w, second, sizeof second - 1);
	assert_int_equal(w.run.k, 1);
	assert_int_equal(w.page, P_RUN);
	/* status 0 without `done` of each is no success */
	wiz_job_end(&w, 0, 0, "");
	assert_int_equal(w.run.state, RUN_FAILED);
	assert_string_equal(w.run.result[0].digest, "abcd");
	wiz_done(&w);
}

/* A long random walk: START_JOB only where it may come. */
static void test_random_walk(void **state)
{
	static const char *const plans[] = { "py/fake/plan.json", WONT, FITS, LOCKED, WINDOWS,
						    WINDOWS, WINDOWS, WINDOWS };
	static const char *const places[] = { "py/fake/place.json", MORE, CUT };
	struct wiz w;
	unsigned seed = 1;

	(void)state;
	new_wizard(&w);
	for (int i = 0; i < 60000; i++) {
		enum wiz_ev ev = (enum wiz_ev)(rand_r(&seed) % (EV_COUNT + 6));
		int arg = chars[rand_r(&seed) % (sizeof chars / sizeof *chars)];
		enum wiz_act act;
		int may;

		ev = ev >= EV_COUNT ? EV_NEXT : ev;
		if ((w.page == P_CONFIRM || w.page == P_ACONFIRM) && rand_r(&seed) % 4 == 0)
			text_put(&w.confirm, model_name(w.job.target));
		if (w.page == P_SMB && !w.job.place.smb.host.s[0])
			text_put(&w.job.place.smb.host, "srv"), text_put(&w.job.place.smb.share, "s");
		may = may_start(&w, ev);
		act = wiz_step(&w, ev, arg);
		plan_file = plans[rand_r(&seed) % (sizeof plans / sizeof *plans)];
		place_file = places[rand_r(&seed) % (sizeof places / sizeof *places)];
		sealed = rand_r(&seed) % 4 == 0;
		marked = rand_r(&seed) % 4 == 0;
		if (w.page == P_SECRET || w.page == P_SEAL)
			text_put(&w.job.passphrase, rand_r(&seed) % 4 ? "open sesame" : "x");
		if (w.page == P_SEAL && rand_r(&seed) % 2)
			text_put(&w.again, "open sesame");
		if (w.page == P_DPATH && rand_r(&seed) % 2)
			text_put(&w.typed, rand_r(&seed) % 2 ? "/mnt/w10" : "/mnt/xp");
		if (w.page == P_LUKS && rand_r(&seed) % 4 == 0)
			text_put(&w.job.adapt.luks, "open sesame");
		while (act == ACT_TASK)
			act = rand_r(&seed) % 8 ? answer(&w) :
				wiz_task_done(&w, 1, "", 0, "no");
		assert_true(act != ACT_START_JOB || may);
		if (w.page == P_RUN && rand_r(&seed) % 3 == 0) {
			done_line(&w);
			wiz_job_end(&w, (int)(rand_r(&seed) % 2), 0, "");
		}
	}
	wiz_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_page_by_every_event),
		cmocka_unit_test(test_back_keeps_answers),
		cmocka_unit_test(test_next_without_a_choice_beeps),
		cmocka_unit_test(test_targets_that_cannot_be_chosen),
		cmocka_unit_test(test_confirmation_is_typed_each_time),
		cmocka_unit_test(test_will_not_boot),
		cmocka_unit_test(test_nothing_to_edit),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_adapt_is_proposed_for_systems),
		cmocka_unit_test(test_host_names),
		cmocka_unit_test(test_failed_tasks_lead_back),
		cmocka_unit_test(test_cancel_asks),
		cmocka_unit_test(test_end_under_the_question),
		cmocka_unit_test(test_several_disks_one_after_another),
		cmocka_unit_test(test_random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
