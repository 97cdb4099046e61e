/* test-wizard-drivers.c: the pages that ask for drivers of a Windows: what is tried,
 * what gets into the job, and that a plan shown is always the job's. */
#include "wizard-helper.h"

static void start(struct wiz *w, enum job_kind kind, enum wiz_page page)
{
	new_wizard(w);
	plan_file = WINDOWS;
	go_to(w, kind, page);
}

/* Presses the row of P_DRIVERS that reads so. */
static enum wiz_act choose(struct wiz *w, const char *text)
{
	struct canvas c;
	char row[81];

	assert_int_equal(w->page, P_DRIVERS);
	assert_int_equal(canvas_init(&c, 24, 80, NULL), 0);
	wiz_draw(w, &c);
	for (int y = 0; y < 24; y++) {
		for (int x = 0; x < 80; x++)
			row[x] = (char)(c.c[y * 80 + x].ch < 127 ? c.c[y * 80 + x].ch : '?');
		row[80] = 0;
		if (row[4] >= '1' && row[4] <= '9' && strstr(row, text)) {
			canvas_done(&c);
			return press(w, EV_CHAR, row[4]);
		}
	}
	fail_msg("no row '%s'", text);
	return ACT_BEEP;
}

static enum wiz_act type_path(struct wiz *w, const char *path)
{
	if (w->page == P_DRIVERS)
		choose(w, "Type a path");
	assert_int_equal(w->page, P_DPATH);
	press(w, EV_KILL, 0);
	type(w, path);
	return press(w, EV_NEXT, 0);
}

static void plan_words(const struct wiz *w, const char *want)
{
	struct argv a = { 0 };
	char line[4096];

	assert_int_equal(job_argv(&w->job, true, &a, NULL), 0);
	argv_line(&a, line, sizeof line);
	argv_done(&a);
	if (!strstr(line, want))
		fail_msg("'%s' is not in '%s'", want, line);
}

static void test_wrong_then_right(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_RESTORE, P_FOLDER);
	press(&w, EV_NEXT, 0);                  /* the stick's top: nothing */
	assert_int_equal(w.over, OVER_ERROR);
	assert_string_equal(w.msg, "Nothing in dev:///dev/nvme0n1p1 serves "
			    "1af4:1001 Red Hat, Inc. Virtio block device.");
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_FOLDER);     /* it stays */
	assert_int_equal(w.job.adapt.ndrivers, 0);
	assert_int_equal(w.plan.verdict, PLAN_WILL_NOT);
	w.cur[P_FOLDER] = 1;                    /* w10/ is opened, and then used */
	press(&w, EV_NEXT, 0);
	assert_string_equal(w.from.dev.dir.s, "w10");
	assert_int_equal(w.page, P_FOLDER);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_VERDICT);
	assert_int_equal(w.plan.verdict, PLAN_AFTER_EDITS);
	plan_words(&w, "--adapt --drivers dev:///dev/nvme0n1p1/w10 smb://");
	press(&w, EV_BACK, 0);                  /* before the question */
	assert_int_equal(w.page, P_WISHES);
	press(&w, EV_NEXT, 0);                  /* it is known now: not asked again */
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_CONFIRM);
	wiz_done(&w);
}

static void test_without(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_RESTORE, P_DRIVERS);
	choose(&w, "Go on without");
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.over, OVER_ANYWAY);
	press(&w, EV_CHAR, 'y');
	assert_true(w.job.adapt.anyway);
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_CHAR, 'd');
	assert_int_equal(type_path(&w, "/mnt/xp"), ACT_BEEP);
	assert_true(w.job.adapt.anyway);        /* nothing has changed */
	press(&w, EV_NEXT, 0);
	type_path(&w, "/mnt/w10");
	assert_int_equal(w.page, P_VERDICT);
	assert_false(w.job.adapt.anyway);       /* it was said of another plan */
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_WISHES);
	wiz_done(&w);
}

static void test_typed_paths(void **state)
{
	static const char *const bad[] = { "mnt/w10", "http://h/w10", "smb://u:p@h/s/w10", "smb://" };
	struct wiz w;

	(void)state;
	start(&w, JOB_ADAPT, P_DPATH);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(type_path(&w, bad[i]), ACT_BEEP);
		assert_int_equal(w.page, P_DPATH);
		assert_int_equal(w.over, OVER_NONE);
	}
	type_path(&w, "nfs://h/srv/virtio-win.iso");
	assert_int_equal(w.page, P_VERDICT);
	plan_words(&w, "rehost-adapt --drivers nfs://h/srv/virtio-win.iso /dev/");
	assert_true(job_needs_net(&w.job));
	wiz_done(&w);
}

/* A plan that can't be made: what is asked for here stays in the way of nothing. */
static void test_failures(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_RESTORE, P_DPATH);
	type(&w, "/mnt/gone");
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	wiz_task_done(&w, 2, "", 0, "--drivers /mnt/gone: No such file or directory");
	assert_int_equal(w.over, OVER_ERROR);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_DPATH);
	assert_int_equal(w.job.adapt.ndrivers, 0);
	type_path(&w, "/mnt/w10");
	press(&w, EV_BACK, 0);                  /* the stick is pulled */
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	wiz_task_done(&w, 2, "", 0, "--drivers /mnt/w10: No such file or directory");
	assert_non_null(strstr(w.msg, "are forgotten"));
	assert_int_equal(w.job.adapt.ndrivers, 0);
	press(&w, EV_NEXT, 0);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_DRIVERS);    /* asked again */
	wiz_done(&w);
}

static void test_forget_and_look_again(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_ADAPT, P_DRIVERS);
	assert_int_equal(choose(&w, "Look again"), ACT_BEEP);
	assert_string_equal(w.hint, "Devices that still have no driver: 1.");
	type_path(&w, "/mnt/w10");
	press(&w, EV_CHAR, 'd');
	choose(&w, "Look again");               /* as good as before */
	assert_int_equal(w.page, P_VERDICT);
	press(&w, EV_CHAR, 'd');
	choose(&w, "Forget");
	assert_int_equal(w.page, P_DRIVERS);
	assert_int_equal(w.job.adapt.ndrivers, 0);
	assert_int_equal(w.plan.nmissing, 1);
	wiz_done(&w);
}

static void test_no_more_places(void **state)
{
	struct wiz w;
	char place[32];

	(void)state;
	start(&w, JOB_ADAPT, P_DPATH);
	for (int i = 0; i < JOB_DRIVERS_MAX; i++) {
		snprintf(place, sizeof place, "/%d", i);
		assert_true(job_add_drivers(&w.job.adapt, place));
	}
	assert_true(job_add_drivers(&w.job.adapt, place));      /* it is there already */
	assert_false(job_add_drivers(&w.job.adapt, "/more"));
	assert_int_equal(type_path(&w, "/mnt/w10"), ACT_BEEP);
	assert_int_equal(w.plan.verdict, PLAN_WILL_NOT);
	assert_non_null(strstr(w.hint, "one folder"));
	wiz_done(&w);
}

/* Up, down, and a folder that could not be read: where one was stays. */
static void test_folders(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_ADAPT, P_FOLDER);
	assert_int_equal(wiz_page(&w)->rows(&w), 4);    /* itself, w10, xp, the .iso */
	w.cur[P_FOLDER] = 2;
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	assert_string_equal(w.from.dev.dir.s, "xp");
	wiz_task_done(&w, 1, "", 0, "Input/output error");
	assert_string_equal(w.from.dev.dir.s, "");
	press(&w, EV_NEXT, 0);
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	assert_int_equal(wiz_step(&w, EV_BACK, 0), ACT_CANCEL_TASK);
	assert_string_equal(w.from.dev.dir.s, "");
	press(&w, EV_NEXT, 0);
	assert_string_equal(w.from.dev.dir.s, "xp");
	w.cur[P_FOLDER] = 1;
	press(&w, EV_NEXT, 0);                  /* ".." */
	assert_string_equal(w.from.dev.dir.s, "");
	press(&w, EV_END, 0);
	press(&w, EV_NEXT, 0);                  /* the file */
	assert_int_equal(w.page, P_VERDICT);
	plan_words(&w, "--drivers dev:///dev/nvme0n1p1/virtio-win.iso /dev/");
	wiz_done(&w);
}

/* The same among the images. */
static void test_stopped_on_the_way_into_a_folder(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_IMAGES);
	w.cur[P_IMAGES] = 1;
	assert_int_equal(wiz_step(&w, EV_NEXT, 0), ACT_TASK);
	assert_string_equal(w.job.place.smb.dir.s, "dir/old");
	assert_int_equal(wiz_step(&w, EV_BACK, 0), ACT_CANCEL_TASK);
	assert_string_equal(w.job.place.smb.dir.s, "dir");
	wiz_done(&w);
}

/* Where the image is; and an adapt, which has no image, asks for a server. */
static void test_shares(void **state)
{
	struct wiz w;
	struct job before;

	(void)state;
	start(&w, JOB_RESTORE, P_DRIVERS);
	before = w.job;
	choose(&w, "where the image is");
	assert_int_equal(w.page, P_FOLDER);
	w.cur[P_FOLDER] = 2;
	press(&w, EV_NEXT, 0);
	assert_string_equal(w.from.smb.dir.s, "dir/w10");
	assert_memory_equal(&before, &w.job, sizeof before);    /* the image stays where it is */
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_VERDICT);
	plan_words(&w, "rehost restore --credentials=FILE");
	plan_words(&w, "--drivers smb://srv/images/dir/w10 smb://srv/images/dir/");
	wiz_done(&w);
	start(&w, JOB_ADAPT, P_DRIVERS);
	choose(&w, "SMB share");
	type(&w, "srv\tdrivers\tw10\tbob\tpw");
	press(&w, EV_NEXT, 0);
	press(&w, EV_NEXT, 0);
	assert_int_equal(w.page, P_VERDICT);
	plan_words(&w, "rehost-adapt --drivers smb://srv/drivers/w10 /dev/");
	wiz_done(&w);
}

/* Not the disk that will be overwritten. */
static void test_target_has_no_drivers(void **state)
{
	struct wiz w;

	(void)state;
	start(&w, JOB_ADAPT, P_DPART);
	w.cur[P_DPART] = 1;                     /* the Linux on sda */
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	assert_non_null(strstr(w.hint, "the one to be adapted"));
	wiz_done(&w);
}

/* A Linux is never asked for a folder. */
static void test_linux(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = "py/fake/plan-wont.json";
	go_to(&w, JOB_RESTORE, P_VERDICT);
	assert_int_equal(press(&w, EV_CHAR, 'd'), ACT_BEEP);
	assert_int_equal(w.page, P_VERDICT);
	wiz_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_then_right),
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_typed_paths),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_forget_and_look_again),
		cmocka_unit_test(test_no_more_places),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_stopped_on_the_way_into_a_folder),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_target_has_no_drivers),
		cmocka_unit_test(test_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
