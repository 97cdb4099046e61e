/* fuzz.c: the documents and events that the wizard reads, and the screens that
 * show them. */
#include <stdint.h>
#include <string.h>
#include "tui/canvas.h"
#include "tui/wizard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Through the next pages of w, which are drawn; w is freed. */
static void walk(struct wiz *w)
{
	struct canvas c;

	if (!canvas_init(&c, 24, 80, NULL)) {
		for (int i = 0; i < 8; i++) {
			wiz_draw(w, &c);
			wiz_step(w, i & 1 ? EV_DOWN : EV_NEXT, 0);
		}
		canvas_done(&c);
	}
	wiz_done(w);
}

/* A wizard on page p with the document as the answer to task t, which ended with
 * status. */
static void ended(enum wiz_page p, enum job_kind kind, enum wiz_task t, int status,
		  const char *text, size_t size)
{
	static struct wiz w;

	wiz_init(&w);
	w.page = p;
	w.job.kind = kind;
	w.task = t;
	wiz_task_done(&w, status, text, size, "");
	walk(&w);
}

static void show(enum wiz_page p, enum job_kind kind, enum wiz_task t, const char *text,
		 size_t size)
{
	ended(p, kind, t, 0, text, size);
}

/* The document as what is in the place of a capture: bases, interrupted ones. */
static void capture_to(const char *text, size_t size)
{
	static const char disk[] = "{\"disks\":[{\"path\":\"/dev/sda\",\"size\":500107862016,"
		"\"serial\":\"S3Z9NB0K123456X\"}]}";
	static struct wiz w;

	wiz_init(&w);
	w.page = P_CHECK;
	strcpy(w.job.disks[w.job.ndisks++], "/dev/sda");
	if (model_disks_parse(disk, sizeof disk - 1, &w.disks, NULL) ||
	    model_place_parse(text, size, &w.place, NULL)) {
		wiz_done(&w);
		return;
	}
	walk(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	static struct progress r;

	show(P_MENU, JOB_CAPTURE, T_DISKS, text, size);
	show(P_IMAGE, JOB_RESTORE, T_DISKS, text, size);
	show(P_PLACE, JOB_CAPTURE, T_DISKS, text, size);
	show(P_SMB, JOB_RESTORE, T_PLACE, text, size);
	show(P_IMAGES, JOB_RESTORE, T_INFO, text, size);
	show(P_MENU, JOB_RESTORE, T_NET, text, size);
	show(P_WISHES, JOB_RESTORE, T_PLAN, text, size);
	show(P_LUKS, JOB_ADAPT, T_PLAN, text, size);
	show(P_DRIVERS, JOB_ADAPT, T_PLAN, text, size);
	show(P_DRIVERS, JOB_RESTORE, T_DISKS, text, size);
	show(P_DRIVERS, JOB_RESTORE, T_FOLDER, text, size);
	show(P_FOLDER, JOB_ADAPT, T_FOLDER, text, size);
	ended(P_IMAGES, JOB_VERIFY, T_INFO, 1, text, size);
	capture_to(text, size);
	progress_begin(&r, 2);
	progress_line(&r, text, size);
	progress_end(&r, 0, 0, "");
	return 0;
}
