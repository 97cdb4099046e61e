/* test-wizard-draw.c: the screens' pictures, cell by cell, against
 * tests/unit/wizard-pictures/NAME.txt (NAME-COLSxROWS.txt for other sizes).
 * REHOST_UPDATE=1 writes them anew: look at the difference then. */
#include "wizard-helper.h"

/* The canvas as text; attributes as a second picture below: b old, r everse,
 * u nderlined, and * for several. */
static char *picture(const struct canvas *c)
{
	size_t size = (size_t)c->rows * ((size_t)c->cols * 5 + 2) * 2 + 200, at = 0;
	char *out = malloc(size), utf8[5];

	assert_non_null(out);
	for (int y = 0; y < c->rows; y++) {
		for (int x = 0; x < c->cols; x++)
			if (c->c[y * c->cols + x].ch) {
				utf8_put(utf8, c->c[y * c->cols + x].ch);
				at += (size_t)sprintf(out + at, "%s", utf8);
			}
		while (at && out[at - 1] == ' ')
			at--;
		out[at++] = '\n';
	}
	at += (size_t)sprintf(out + at, "cursor %d,%d\n", c->cy, c->cx);
	for (int y = 0; y < c->rows; y++) {
		size_t begin = at;

		for (int x = 0; x < c->cols; x++)
			out[at++] = " br*u***"[c->c[y * c->cols + x].attr & 7];
		while (at > begin && out[at - 1] == ' ')
			at--;
		out[at++] = '\n';
	}
	out[at] = 0;
	return out;
}

static void compare(const char *name, const char *got)
{
	char path[300], full[400], *want;
	size_t len;

	snprintf(path, sizeof path, "unit/wizard-pictures/%s.txt", name);
	if (getenv("REHOST_UPDATE")) {
		FILE *f;

		test_path(full, sizeof full, path);
		f = fopen(full, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
		return;
	}
	want = slurp(path, &len);
	if (strcmp(want, got))
		print_message("%s: wanted\n%s\ngot\n%s\n", name, want, got);
	assert_string_equal(want, got);
	free(want);
}

static void draw_at(const struct wiz *w, const char *name, int rows, int cols)
{
	struct canvas c;
	char *got, full[200];

	assert_int_equal(canvas_init(&c, rows, cols, NULL), 0);
	wiz_draw(w, &c);
	got = picture(&c);
	if (rows == 24 && cols == 80)
		snprintf(full, sizeof full, "%s", name);
	else
		snprintf(full, sizeof full, "%s-%dx%d", name, cols, rows);
	compare(full, got);
	free(got);
	canvas_done(&c);
}

static void draw(const struct wiz *w, const char *name)
{
	draw_at(w, name, 24, 80);
}

static void test_capture_pages(void **state)
{
	static const struct {
		enum wiz_page page;
		const char *name;
	} pages[] = {
		{ P_DISKS, "capture-disks" }, { P_PARTS, "capture-partitions" }, { P_PLACE, "capture-place" },
		{ P_PART, "capture-partition" }, { P_DIR, "capture-directory" },
		{ P_SMB, "capture-smb" }, { P_NFS, "capture-nfs" },
		{ P_CHECK, "capture-checked" }, { P_OPTIONS, "capture-options" },
		{ P_SUMMARY, "capture-summary" }, { P_RUN, "capture-start" },
		{ P_RESULT, "capture-result" },
	};
	struct wiz w;

	(void)state;
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		new_wizard(&w);
		go_to(&w, JOB_CAPTURE, pages[i].page);
		draw(&w, pages[i].name);
		wiz_done(&w);
	}
}

static void test_restore_pages(void **state)
{
	static const struct {
		enum wiz_page page;
		const char *name;
	} pages[] = {
		{ P_IMAGES, "restore-image" }, { P_IMAGE, "restore-details" },
		{ P_TARGET, "restore-target" }, { P_INTO, "restore-target-partition" }, { P_WISHES, "restore-adapt" },
		{ P_VERDICT, "restore-verdict" }, { P_CONFIRM, "restore-confirm" },
		{ P_RESULT, "restore-result" },
	};
	struct wiz w;

	(void)state;
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		new_wizard(&w);
		go_to(&w, JOB_RESTORE, pages[i].page);
		draw(&w, pages[i].name);
		wiz_done(&w);
	}
}

/* An encrypted image: nothing of it without the passphrase; a wrong one; its details. */
static void test_encrypted_pages(void **state)
{
	static const char secret[] = "{\"complete\":true,\"encrypted\":true,\"digest\":\"ab\",\"created\":"
		"\"2026-11-01T14:00:00Z\",\"disk_size\":8000000000,\"used_bytes\":4000000000}";
	struct wiz w;

	(void)state;
	new_wizard(&w);
	sealed = true;
	go_to(&w, JOB_RESTORE, P_IMAGES);
	w.place.images[0].encrypted = true;
	draw(&w, "restore-encrypted");
	go_to(&w, JOB_RESTORE, P_SECRET);
	type(&w, "open barley");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	draw(&w, "restore-image-passphrase");
	press(&w, EV_KILL, 0);
	type(&w, "open sesame");
	wiz_step(&w, EV_NEXT, 0);
	wiz_task_done(&w, 0, secret, sizeof secret - 1, "");
	draw(&w, "restore-encrypted-details");
	wiz_done(&w);
}

/* A capture's more rare pages: an older image as the base, the passphrase. */
static void test_capture_with_a_base(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	place_file = MORE;
	go_to(&w, JOB_CAPTURE, P_BASE);
	draw(&w, "capture-base");
	press(&w, EV_DOWN, 0);
	press(&w, EV_DOWN, 0);
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	draw(&w, "capture-base-encrypted");
	press(&w, EV_BACK, 0);
	w.job.encrypt = true;
	w.job.split = SPLIT_FAT;
	press(&w, EV_NEXT, 0);
	w.cur[P_BASE] = 2;
	press(&w, EV_NEXT, 0);
	type(&w, "open sesame\topen seesaw");
	assert_int_equal(press(&w, EV_NEXT, 0), ACT_BEEP);
	draw(&w, "capture-passphrase");
	press(&w, EV_KILL, 0);
	type(&w, "open sesame");
	press(&w, EV_NEXT, 0);
	draw(&w, "capture-summary-more");
	wiz_done(&w);
}

/* What was interrupted goes on. */
static void test_going_on(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	place_file = CUT;
	go_to(&w, JOB_CAPTURE, P_CUT);
	draw(&w, "capture-interrupted");
	go_to(&w, JOB_CAPTURE, P_SECRET);
	draw(&w, "capture-interrupted-passphrase");
	press(&w, EV_BACK, 0);
	draw(&w, "capture-interrupted-base");
	press(&w, EV_NEXT, 0);
	type(&w, "open sesame");
	press(&w, EV_NEXT, 0);
	draw(&w, "capture-interrupted-summary");
	wiz_done(&w);
	new_wizard(&w);
	marked = true;
	go_to(&w, JOB_RESTORE, P_TARGET);
	draw(&w, "restore-marked-target");
	press(&w, EV_NEXT, 0);
	draw(&w, "restore-interrupted");
	go_to(&w, JOB_RESTORE, P_CONFIRM);
	draw(&w, "restore-interrupted-confirm");
	wiz_done(&w);
}

/* From the disk to the confirmation, with a locked volume on the way. */
static void test_adapt_pages(void **state)
{
	static const struct {
		enum wiz_page page;
		const char *name, *plan;
	} pages[] = {
		{ P_ADISK, "adapt-disk", "plan" }, { P_AOPTIONS, "adapt-options", "plan" },
		{ P_LUKS, "adapt-passphrase", "plan-locked" },
		{ P_VERDICT, "adapt-verdict", "plan" }, { P_VERDICT, "adapt-wont", "plan-wont" },
		{ P_VERDICT, "adapt-fits", "plan-fits" }, { P_ACONFIRM, "adapt-confirm", "plan" },
	};
	char file[64];
	struct wiz w;

	(void)state;
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		new_wizard(&w);
		snprintf(file, sizeof file, "py/fake/%s.json", pages[i].plan);
		plan_file = file;
		go_to(&w, JOB_ADAPT, pages[i].page);
		draw(&w, pages[i].name);
		press(&w, EV_END, 0);
		if (!strcmp(pages[i].name, "adapt-verdict"))
			draw(&w, "adapt-verdict-end");
		if (!strcmp(pages[i].name, "adapt-wont")) {
			w.plan.nedits = 1;
			press(&w, EV_NEXT, 0);
			draw(&w, "adapt-anyway");
		}
		wiz_done(&w);
	}
	plan_file = "py/fake/plan.json";
}

/* A Windows without a driver: the wrong folder, the right one. */
static void test_driver_pages(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	plan_file = WINDOWS;
	go_to(&w, JOB_ADAPT, P_DRIVERS);
	draw(&w, "adapt-drivers");
	wiz_done(&w);
	new_wizard(&w);
	plan_file = WINDOWS;
	go_to(&w, JOB_RESTORE, P_DRIVERS);
	draw(&w, "restore-drivers");
	press(&w, EV_CHAR, '3');
	draw(&w, "restore-driver-path");
	press(&w, EV_BACK, 0);
	press(&w, EV_CHAR, '1');
	draw(&w, "restore-driver-disk");
	press(&w, EV_NEXT, 0);
	draw(&w, "restore-driver-folder");
	press(&w, EV_NEXT, 0);
	draw(&w, "restore-driver-wrong");
	press(&w, EV_NEXT, 0);
	press(&w, EV_END, 0);
	press(&w, EV_NEXT, 0);
	draw(&w, "restore-driver-right");
	press(&w, EV_CHAR, 'd');
	draw(&w, "restore-drivers-more");
	wiz_done(&w);
}

/* What disks say of their own health. */
static void test_failing_disks(void **state)
{
	static const char json[] = "{\"disks\":[{\"path\":\"/dev/sda\",\"kind\":\"disk\",\"size\":500000000000,"
		"\"serial\":\"S1\",\"model\":\"Old disk\",\"smart\":{\"passed\":true,\"failing\":true,\"complaints\":"
		"[\"4 sectors can't be read at the moment\",\"12 sectors were replaced by spare ones\"]}},"
		"{\"path\":\"/dev/sdb\",\"kind\":\"disk\",\"size\":500000000000,\"serial\":\"S2\",\"smart\":"
		"{\"failing\":false,\"complaints\":[\"1 sector was replaced by a spare one\"]}},"
		"{\"path\":\"/dev/sdc\",\"kind\":\"disk\",\"size\":500000000000,\"serial\":\"S3\",\"smart\":{}}]}";
	struct wiz w;

	(void)state;
	new_wizard(&w);
	wiz_step(&w, EV_CHAR, '1');
	wiz_task_done(&w, 0, json, sizeof json - 1, "");
	press(&w, EV_CHAR, ' ');
	draw(&w, "failing");
	press(&w, EV_CHAR, 'd');
	draw(&w, "failing-details");
	press(&w, EV_BACK, 0);
	wiz_go(&w, P_SUMMARY);
	draw(&w, "failing-summary");
	wiz_go_back(&w);
	press(&w, EV_DOWN, 0);
	press(&w, EV_CHAR, 'd');
	draw(&w, "complaining-details");
	w.job.kind = JOB_RESTORE;
	strcpy(w.job.image, "a.rhi");
	wiz_go(&w, P_TARGET);
	draw(&w, "failing-target");
	press(&w, EV_NEXT, 0);
	wiz_to_confirm(&w);
	draw(&w, "failing-confirm");
	wiz_done(&w);
}

static void line(struct wiz *w, const char *s)
{
	wiz_job_line(w, s, strlen(s));
}

static void test_running(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_CAPTURE, P_RUN);
	line(&w, "{\"event\":\"start\",\"job\":\"capture\",\"bytes_total\":12300000000}");
	line(&w, "{\"event\":\"step\",\"step\":\"copy\",\"text\":\"Copying\"}");
	line(&w, "{\"event\":\"progress\",\"step\":\"copy\",\"bytes_done\":4600000000,"
	     "\"bytes_total\":12300000000,\"rate\":118000000,\"eta\":65,\"written\":2100000000}");
	line(&w, "{\"event\":\"warning\",\"code\":\"unreadable\",\"text\":\"512 bytes at "
	     "offset 4096 could not be read.\",\"offset\":4096,\"length\":512}");
	line(&w, "{\"event\":\"news\",\"x\":1}");
	line(&w, "no JSON");
	draw(&w, "running");
	draw_at(&w, "running", 43, 132);
	line(&w, "{\"event\":\"waiting\",\"step\":\"copy\",\"seconds\":25}");
	draw(&w, "running-waiting");
	press(&w, EV_QUIT, 0);
	draw(&w, "running-cancel");
	press(&w, EV_CHAR, 'y');
	draw(&w, "running-stopping");
	wiz_job_end(&w, -1, 15, "");
	draw(&w, "stopped");
	wiz_done(&w);
}

static void test_adapt_running(void **state)
{
	static const char said[] = "partition 2 of /dev/sda: Debian, for this machine\n"
		"verdict: will boot after these edits\n  change /etc/fstab\n"
		"partition 2 of /dev/sda: 7 edits made\ncheck: it will find its root file system\n"
		"  ok  6.12.117+deb13-amd64 sda: sd_mod with 2 others is in the initramfs\033[2J\n";
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_ADAPT, P_RUN);
	line(&w, "{\"event\":\"step\",\"step\":\"apply\",\"text\":\"writing /etc/fstab\"}");
	for (int i = 0; i < 2; i++)     /* each pass warns of it */
		line(&w, "{\"event\":\"warning\",\"code\":\"adapt\",\"text\":\"which NIC takes whose "
		     "place is not clear\"}");
	draw(&w, "adapt-running");
	press(&w, EV_QUIT, 0);
	draw(&w, "adapt-cancel");
	press(&w, EV_BACK, 0);
	line(&w, "{\"event\":\"done\",\"status\":3}");
	wiz_job_said(&w, said);
	wiz_job_end(&w, 3, 0, "");
	draw(&w, "adapt-result");
	wiz_done(&w);
}

/* The image is on the disk, but adapting it failed: not the same as half a disk. */
static void test_restored_but_not_adapted(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	go_to(&w, JOB_RESTORE, P_RUN);
	line(&w, "{\"event\":\"step\",\"step\":\"adapt\",\"text\":\"making the system boot\"}");
	line(&w, "{\"event\":\"error\",\"text\":\"the image was restored, but rehost-adapt failed\"}");
	wiz_job_said(&w, "Copying\nverdict: will boot after these edits\n  change /etc/fstab\n"
		     "rehost-adapt: /etc/fstab: No space left on device\n");
	wiz_job_end(&w, 1, 0, "");
	draw(&w, "restore-not-adapted");
	wiz_done(&w);
}

static void test_network_and_rest(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	draw(&w, "menu");
	draw_at(&w, "menu", 43, 132);
	draw_at(&w, "small", 23, 79);
	draw_at(&w, "small", 5, 20);
	press(&w, EV_CHAR, '5');
	draw(&w, "network");
	press(&w, EV_NEXT, 0);
	draw(&w, "network-interface");
	press(&w, EV_HELP, 0);
	draw(&w, "help");
	press(&w, EV_BACK, 0);
	wiz_home(&w);
	press(&w, EV_CHAR, '8');
	draw(&w, "power");
	wiz_done(&w);
}

static void test_waiting_and_problems(void **state)
{
	struct wiz w;

	(void)state;
	new_wizard(&w);
	wiz_step(&w, EV_CHAR, '1');
	draw(&w, "wait");
	for (int i = 0; i < 25; i++)
		wiz_step(&w, EV_TICK, 0);
	draw(&w, "wait-long");
	wiz_task_done(&w, 1, "", 0, "sda: Input/output error");
	draw(&w, "problem");
	wiz_done(&w);
}

/* What foreign disks say must not reach the terminal as control characters. */
static void test_disk_that_cannot_be_read(void **state)
{
	static const char json[] = "{\"disks\":[{\"path\":\"/dev/vda\",\"kind\":\"disk\","
		"\"size\":1000000000000,\"transport\":\"virtio\",\"error\":\"/dev/vda: reading "
		"sector 0: Input/output error\"}]}";
	struct wiz w;

	(void)state;
	new_wizard(&w);
	wiz_step(&w, EV_CHAR, '1');
	wiz_task_done(&w, 0, json, sizeof json - 1, "");
	draw(&w, "unreadable");
	wiz_done(&w);
}

static void test_hostile_names(void **state)
{
	static const char json[] = "{\"disks\":[{\"path\":\"/dev/sda\",\"kind\":\"disk\","
		"\"size\":1000000000000,\"model\":\"evil\\u001b[2J\\u009b31m\\u202e\",\"serial\":"
		"\"\\u4e2d\\u6587\\u4e2d\\u6587\\u4e2d\\u6587\\u4e2d\\u6587\\u4e2d\\u6587\\u4e2d"
		"\\u6587\\u4e2d\\u6587\",\"partitions\":[{\"number\":1,\"path\":\"/dev/sda1\",\"size\":1,"
		"\"fs\":\"ext4\",\"label\":\"a\\nb\\u0007\",\"mounted\":[null]}]}]}";
	struct wiz w;
	struct canvas c;

	(void)state;
	new_wizard(&w);
	wiz_step(&w, EV_CHAR, '1');
	wiz_task_done(&w, 0, json, sizeof json - 1, "");
	draw(&w, "hostile");
	assert_int_equal(canvas_init(&c, 24, 80, NULL), 0);
	wiz_draw(&w, &c);
	for (int i = 0; i < 24 * 80; i++)
		assert_false(c.c[i].ch && (c.c[i].ch < 32 || (c.c[i].ch >= 127 && c.c[i].ch < 160)));
	canvas_done(&c);
	wiz_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_pages),
		cmocka_unit_test(test_restore_pages),
		cmocka_unit_test(test_encrypted_pages),
		cmocka_unit_test(test_capture_with_a_base),
		cmocka_unit_test(test_going_on),
		cmocka_unit_test(test_failing_disks),
		cmocka_unit_test(test_adapt_pages),
		cmocka_unit_test(test_driver_pages),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_adapt_running),
		cmocka_unit_test(test_restored_but_not_adapted),
		cmocka_unit_test(test_network_and_rest),
		cmocka_unit_test(test_waiting_and_problems),
		cmocka_unit_test(test_disk_that_cannot_be_read),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
