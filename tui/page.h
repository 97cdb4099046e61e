/* page.h: what a page of the wizard is: one struct of functions a page, one
 * table (wizard.c).  Private to the wizard's own files. */
#ifndef REHOST_TUI_PAGE_H
#define REHOST_TUI_PAGE_H
#include "tui/canvas.h"
#include "tui/wizard.h"

enum field_kind {
	FIELD_TEXT, FIELD_SECRET, /* struct text */
	FIELD_CHOICE,             /* int: index into choices */
	FIELD_CHECK,              /* bool */
};

/* One line of a form; its value lies `off` bytes into struct wiz. */
struct field {
	enum field_kind kind;
	const char *label;
	size_t off;
	const char *hint;                 /* shown while the field is current */
	const char *const *choices;       /* NULL-terminated */
};
#define FIELD(k, l, member, h) { k, l, offsetof(struct wiz, member), h, NULL }

struct page {
	const char *title;                /* after "Capture: " where in_job */
	bool in_job;
	const char *keys;                 /* the bottom line */
	const char *help;
	int (*rows)(const struct wiz *w); /* rows to move over, or NULL */
	const struct field *fields;       /* a form, else NULL */
	int nfields;
	/* ACT_DEFAULT leaves an event to the common rules: moving over rows
	 * and fields, editing fields, BACK. */
	enum wiz_act (*event)(struct wiz *w, enum wiz_ev ev, int arg);
	void (*draw)(const struct wiz *w, struct canvas *c);
};

extern const struct page page_menu, page_power, page_disks, page_disk, page_parts, page_place,
	page_part, page_dir, page_smb, page_nfs, page_check, page_cut, page_options,
	page_base, page_seal, page_summary, page_images, page_secret, page_image, page_target, page_into, page_again, page_wishes, page_confirm,
	page_adisk, page_aoptions, page_aconfirm, page_luks, page_verdict,
	page_drivers, page_dpart, page_folder, page_dpath, page_run, page_result, page_net,
	page_iface;
const struct page *wiz_page(const struct wiz *w);

/* Moves on to page p; BACK will return here. */
enum wiz_act wiz_go(struct wiz *w, enum wiz_page p);
enum wiz_act wiz_go_back(struct wiz *w);
/* To the main menu. */
void wiz_home(struct wiz *w);
/* Starts a task: ACT_TASK. */
enum wiz_act wiz_task_start(struct wiz *w, enum wiz_task t);
/* A task failed or was stopped: the directory that was to be shown isn't (tasks.c). */
void wiz_task_undone(struct wiz *w, enum wiz_task t);
/* ACT_BEEP with a line at the bottom that says why. */
enum wiz_act wiz_beep(struct wiz *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
enum wiz_act wiz_note(struct wiz *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
enum wiz_act wiz_job_begin(struct wiz *w);
const char *wiz_job_word(const struct wiz *w); /* "Capture" ... */

/* The partitions of d: of the disk w->detail, or of the image (page-parts.c). */
enum wiz_act wiz_choose_parts(struct wiz *w, const struct model_disk *d);
/* There is a partition on it that can be chosen. */
bool wiz_has_parts(const struct model_disk *d);
/* The target of chosen partitions is known: on to which partition of it, if one was
 * chosen, else to the confirmation. */
enum wiz_act wiz_to_places(struct wiz *w);
/* Several targets: one for each image of a machine. */
size_t wiz_targets(const struct wiz *w);
/* What the targets are called, separated by blanks: "sda sdb" (page-target.c). */
void wiz_target_names(const struct wiz *w, char *out, size_t size);
/* Why this disk can't be the target, in buf, or NULL if it can (page-target.c). */
const char *wiz_target_refusal(const struct wiz *w, const struct model_disk *d,
			       char *buf, size_t size);
/* To the page that asks for the target's name, which is typed anew each time
 * (page-target.c). */
enum wiz_act wiz_to_confirm(struct wiz *w);
/* The image says no more without its passphrase: asks for it (page-secret.c). */
enum wiz_act wiz_ask_secret(struct wiz *w);
/* Another image: is its system to be adapted? (page-wishes.c) */
void wiz_propose_wishes(struct wiz *w);
/* p becomes w->plan; what was said of the one before counts no more (page-verdict.c). */
void wiz_plan_new(struct wiz *w, struct model_plan *p);
/* w->plan is new: on to the passphrase, the verdict or the confirmation
 * (page-verdict.c). */
enum wiz_act wiz_plan_shown(struct wiz *w);
/* Asks rehost-adapt, which also looks for drivers in `place` ("": only where the job
 * says): ACT_TASK (page-drivers.c). */
enum wiz_act wiz_look(struct wiz *w, const char *place);
/* The page is one of those that ask for drivers. */
bool wiz_wants_drivers(const struct wiz *w);
/* A plan that was asked for on one of those pages: it becomes w->plan, and the place
 * that was tried a part of the job, if the place serves a device. */
enum wiz_act wiz_drivers_tried(struct wiz *w, struct model_plan *p);
/* The plan failed: places of the job that can't be used any more must not stand in the
 * way.  Returns a sentence that says so, or "". */
const char *wiz_drivers_failed(struct wiz *w);
/* Looks into a place: ACT_TASK. */
enum wiz_act wiz_folder_of(struct wiz *w, const struct job_place *p);
/* w->folder is new: shows it. */
enum wiz_act wiz_folder_shown(struct wiz *w);
/* The verdict is bad, and it was said that that doesn't matter. */
enum wiz_act wiz_go_on_anyway(struct wiz *w);
/* Proposes the image's name on P_OPTIONS, and to split it where it can't be one file
 * (page-options.c). */
void wiz_propose_options(struct wiz *w);
/* From a page with options of a capture to the next one, at last the summary. */
enum wiz_act wiz_options_next(struct wiz *w);
/* From P_CHECK on: to an interrupted capture that can go on, else to the options
 * (page-cut.c). */
enum wiz_act wiz_to_options(struct wiz *w);
/* An interrupted restore to the chosen targets can go on. */
bool wiz_can_go_on(const struct wiz *w);
/* How many images of the place can be the base of this capture (page-base.c). */
int wiz_bases(const struct wiz *w);
/* P_BASE, if there are any: the highlight on the one of the job. */
void wiz_bases_shown(struct wiz *w);
/* "2026-11-23 14:00" of "2026-11-23T14:00:00Z" (page-images.c) */
void wiz_when(const char *created, char out[20]);
/* Holds no large files. */
bool wiz_is_fat(const char *fs);
/* P_PART or P_DPART is shown: the highlight on a partition that can be used, if it is on
 * one that can't (page-place.c). */
void wiz_parts_shown(struct wiz *w);
/* w->place is new: sets P_IMAGES' highlight (page-images.c). */
void wiz_images_shown(struct wiz *w);

/* Drawing shared by pages (draw.c). */
enum { BODY_TOP = 2, BODY_LEFT = 2 };
int body_last(const struct canvas *c);           /* the last row of the body */
int body_width(const struct canvas *c);
/* The page's first sentence; returns the row after it and a blank one. */
int draw_lead(struct canvas *c, const char *s);
/* The attribute of a list's row; draws its '>' mark. */
int draw_mark(struct canvas *c, int y, bool current);
/* Row i of the page's list, into line y. */
typedef void draw_row_fn(const struct wiz *w, struct canvas *c, int y, int i, int attr);
/* The page's rows (its `rows`) from line y on, as many as leave `below` lines of the body
 * free, the highlighted one among them; returns the line after them. */
int draw_list(const struct wiz *w, struct canvas *c, int y, int below, draw_row_fn *row);
/* A form's fields from row y on; returns the row after them. */
int draw_form(const struct wiz *w, struct canvas *c, int y);
/* "Label  text", the text wrapped; returns the next row. */
int draw_fact(struct canvas *c, int y, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Systems of a disk, then its partitions but the first `skip`, from row y to
 * last; returns the next row. */
int draw_contents(struct canvas *c, int y, int last, const struct model_disk *d,
		  size_t skip);
/* A disk that says that it is failing: what it complains of, from row y to last;
 * returns the next row. */
int draw_health(struct canvas *c, int y, int last, const struct model_disk *d);
/* The 'd' key of lists of disks: shows d (NULL: none) in detail. */
enum wiz_act wiz_show_disk(struct wiz *w, const struct model_disk *d);
/* A file system's name for people: some of blkid's are long. */
const char *draw_fs_name(const char *fs);
void draw_rule(struct canvas *c, int y, const char *title);
/* Lines of a text, whose blanks at the begin are kept when they are wrapped, from row y
 * to last without the first `skip` rows; c NULL: none, they are only counted.  Returns
 * the rows of all. */
int draw_lines(struct canvas *c, int y, int last, int width, int skip, const char *s);
#endif
