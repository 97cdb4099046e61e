/* test-wizard-again.c: what was interrupted goes on only with its image and disk, and
 * where that was chosen; only what differs; when splitting is proposed. */
#include "wizard-helper.h"

static void to_target(struct wiz *w)
{
	new_wizard(w);
	marked = true;
	go_to(w, JOB_RESTORE, P_TARGET);
}

static void check_resume(struct wiz *w, enum wiz_page page, bool resume)
{
	assert_int_equal(w->page, page);
	assert_int_equal(w->job.resume, resume);
}

static void test_goes_on_or_begins_anew(void **state)
{
	struct wiz w;

	(void)state;
	to_target(&w);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_AGAIN, false);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, true);
	press(&w, EV_BACK, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, false);
	press(&w, EV_BACK, 0);
	press(&w, EV_UP, 0);
	press(&w, EV_NEXT, 0);
	press(&w, EV_BACK, 0);
	press(&w, EV_BACK, 0);
	assert_int_equal(w.page, P_TARGET);
	press(&w, EV_DOWN, 0);          /* another disk has no mark */
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, false);
	wiz_done(&w);
}

static void test_another_image(void **state)
{
	struct wiz w;

	(void)state;
	to_target(&w);
	w.disks.d[0].mark_digest[0] = 'c';
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, false);
	wiz_done(&w);
	to_target(&w);
	w.disks.d[0].mark_id[0] = '1';
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, false);
	wiz_done(&w);
	to_target(&w);                  /* it came through a pipe: no digest */
	w.disks.d[0].mark_digest[0] = w.info.digest[0] = 0;
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_WISHES, false);
	wiz_done(&w);
	to_target(&w);                  /* chosen partitions don't go on */
	assert_true(job_only_set(&w.job, w.job.image, "2"));
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_INTO, false);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_CONFIRM, false);
	text_put(&w.job.into, "3");     /* other partitions: not into that one any more */
	w.page = P_PARTS;
	w.cur[P_PARTS] = 0;
	press(&w, EV_CHAR, ' ');
	assert_false(job_into_parts(&w.job));
	wiz_done(&w);
}

static void test_only_what_differs(void **state)
{
	struct wiz w;

	(void)state;
	to_target(&w);
	go_to(&w, JOB_RESTORE, P_CONFIRM);
	w.cur[P_CONFIRM] = 2;
	assert_int_equal(press(&w, EV_CHAR, ' '), ACT_BEEP); /* it goes on */
	w.job.resume = false;
	assert_int_equal(press(&w, EV_CHAR, ' '), ACT_NONE);
	assert_true(w.job.delta);
	assert_int_equal(press(&w, EV_CHAR, ' '), ACT_NONE);
	assert_false(w.job.delta);
	assert_true(job_only_set(&w.job, w.job.image, "2"));
	assert_int_equal(press(&w, EV_CHAR, ' '), ACT_BEEP);
	wiz_done(&w);
}

/* What a capture that failed has kept is gone on with. */
static void test_failed_capture_goes_on(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_CAPTURE, P_RUN);
	wiz_job_end(&w, 4, 0, "refused");
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_SUMMARY, false);
	press(&w, EV_NEXT, 0);
	wiz_job_end(&w, 1, 0, "the place is full");
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_SUMMARY, true);
	wiz_done(&w);
}

/* A new image never gets the name of what was interrupted by itself. */
static void test_a_new_image_keeps_the_old_beginning(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	place_file = CUT;
	go_to(&w, JOB_CAPTURE, P_CUT);
	press(&w, EV_NEXT, 0);
	assert_true(w.job.resume && w.job.dedup);
	assert_string_equal(w.job.name.s, "dedup");
	press(&w, EV_BACK, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_NEXT, 0);
	assert_true(w.job.resume && !w.job.dedup);
	assert_string_equal(w.job.name.s, "web1-20261123");
	press(&w, EV_BACK, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_OPTIONS, false);
	assert_string_equal(w.job.name.s, "web1-20261123-2");
	wiz_done(&w);
}

static void check_parts(struct wiz *w, int page_files, const char *only)
{
	const char *list = job_only(&w->job, w->job.disks[0]);

	assert_int_equal(w->job.page_files, page_files);
	assert_string_equal(list ? list : "all", only);
}

/* The partitions and page files that it was begun with; a new image has those chosen
 * before, whatever was looked at meanwhile. */
static void test_goes_on_with_the_same_partitions(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	place_file = CUT;
	go_to(&w, JOB_CAPTURE, P_CUT);
	press(&w, EV_NEXT, 0);
	check_parts(&w, 1, "1,2");
	press(&w, EV_BACK, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_NEXT, 0);          /* encrypted, of the whole disk */
	check_parts(&w, 0, "all");
	press(&w, EV_BACK, 0);
	press(&w, EV_UP, 0);
	press(&w, EV_NEXT, 0);
	press(&w, EV_BACK, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_DOWN, 0);
	press(&w, EV_NEXT, 0);
	check_resume(&w, P_OPTIONS, false);
	check_parts(&w, 0, "all");
	press(&w, EV_BACK, 0);
	w.cur[P_CUT] = 1;
	w.place.cuts[2].partial = true; /* which, it doesn't say */
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	strcpy(w.cut_before.only, "3");
	press(&w, EV_NEXT, 0);
	check_parts(&w, 0, "3");
	press(&w, EV_BACK, 0);
	w.cur[P_CUT] = 0;
	w.place.cuts[0].unlocked = true;
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	assert_non_null(strstr(w.hint, "--unlock"));
	wiz_done(&w);
}

/* From P_CHECK to the options of a place on a partition with this file system. */
static void to_options_on(struct wiz *w, const char *fs)
{
	struct model_part *p = w->disks.d[2].parts;

	assert_int_equal(w->page, P_CHECK);
	assert_string_equal(p->path, w->job.place.dev.part.s);
	strcpy(p->fs, fs);
	w->cur[P_CHECK] = 0;
	press(w, EV_NEXT, 0);
	assert_int_equal(w->page, P_OPTIONS);
}

/* Splitting is proposed on FAT, and only there; what is answered stays. */
static void test_split_on_fat(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_CAPTURE, P_DIR);
	press(&w, EV_NEXT, 0);
	to_options_on(&w, "ext4");
	assert_int_equal(w.job.split, SPLIT_NO);
	press(&w, EV_BACK, 0);
	to_options_on(&w, "vfat");
	assert_int_equal(w.job.split, SPLIT_FAT);
	w.job.split = SPLIT_NO;
	press(&w, EV_BACK, 0);
	to_options_on(&w, "vfat");
	assert_int_equal(w.job.split, SPLIT_NO);
	w.job.split = SPLIT_FAT;
	press(&w, EV_BACK, 0);
	to_options_on(&w, "ext4");
	assert_int_equal(w.job.split, SPLIT_NO);
	wiz_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_or_begins_anew),
		cmocka_unit_test(test_another_image),
		cmocka_unit_test(test_only_what_differs),
		cmocka_unit_test(test_failed_capture_goes_on),
		cmocka_unit_test(test_split_on_fat),
		cmocka_unit_test(test_a_new_image_keeps_the_old_beginning),
		cmocka_unit_test(test_goes_on_with_the_same_partitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
