/* wizard.h: the wizard as a pure state machine: no curses, no I/O, no clock.
 *
 * The program (main.c) feeds it events and does what the returned action says;
 * canvas.h draws it.  What takes time (listing disks, mounting a share) is a
 * task: the machine names it, the program runs the child that wiz_task_argv()
 * gives, and hands its answer to wiz_task_done().  The job itself runs the same
 * way with wiz_job_*().  While a task runs the screen shows a page to wait on,
 * and only BACK and QUIT are taken.
 *
 * Every answer lives in struct wiz and is changed only where the user changes
 * it: going back never loses one. */
#ifndef REHOST_TUI_WIZARD_H
#define REHOST_TUI_WIZARD_H
#include "tui/progress.h"
#include "tui/job.h"
#include "tui/keys.h"
#include "tui/model.h"

enum wiz_page {
	P_MENU, P_DISKS, P_DISK, P_PARTS,
	P_PLACE, P_PART, P_DIR, P_SMB, P_NFS, P_CHECK, P_CUT,
	P_OPTIONS, P_BASE, P_SEAL, P_SUMMARY,
	P_IMAGES, P_SECRET, P_IMAGE, P_TARGET, P_INTO, P_AGAIN, P_WISHES, P_CONFIRM,
	P_ADISK, P_AOPTIONS, P_ACONFIRM,
	P_LUKS, P_VERDICT,
	P_DRIVERS, P_DPART, P_FOLDER, P_DPATH,
	P_RUN, P_RESULT,
	P_NET, P_IFACE, P_POWER,
	P_COUNT,
};

/* What the program must do after an event. */
enum wiz_act {
	ACT_NONE, ACT_BEEP,
	ACT_TASK,         /* start the child of w->task                    */
	ACT_CANCEL_TASK,  /* stop it; its answer no longer matters         */
	ACT_START_JOB,    /* start w->job                                  */
	ACT_CANCEL_JOB,   /* stop the running job; it ends by wiz_job_end  */
	ACT_SHELL, ACT_POWEROFF, ACT_REBOOT,
	ACT_QUIT,         /* leave the program (not on the live system)    */
	ACT_DEFAULT,      /* pages only: do what the event usually does    */
};

enum wiz_task {
	T_NONE,
	T_DISKS,          /* every disk                                    */
	T_TARGETS,        /* every disk again, just before one is written  */
	T_USED,           /* what is used on the disks to be captured      */
	T_PLACE,          /* mount the place, look into it                 */
	T_INFO,           /* what is in one image                          */
	T_PLAN,           /* what rehost-adapt would do                    */
	T_FOLDER,         /* look for drivers in w->from                   */
	T_NET,            /* interfaces and addresses                      */
	T_NET_SET,        /* apply the form of P_IFACE                     */
	T_NET_WAIT,       /* until DHCP has given an address               */
	T_LOGS,           /* copy the logs to the place                    */
	T_COUNT,
};

/* What lies over the page; any key of its own closes it. */
enum wiz_over { OVER_NONE, OVER_HELP, OVER_ERROR, OVER_NOTE, OVER_CANCEL, OVER_LEAVE,
		OVER_ANYWAY };

#define WIZ_DEPTH 24
#define WIZ_MSG 1200
#define WIZ_SAID 6000

struct wiz {
	enum wiz_page page;
	enum wiz_page back[WIZ_DEPTH];  /* where BACK leads */
	int nback;
	int cur[P_COUNT];               /* highlighted row or field */
	enum wiz_over over;
	int over_cur;                   /* choice or scroll offset in it */
	char msg[WIZ_MSG];              /* of OVER_ERROR, OVER_NOTE */
	char hint[200];                 /* one line at the bottom; "" none */
	enum wiz_task task;
	unsigned seconds;               /* that the task has run */

	struct job job;                 /* the answers */
	char name_default[TEXT_MAX];    /* the image name that was proposed */
	char split_for[sizeof((struct text *)0)->s]; /* a partition with FAT: splitting
				         * was proposed for it; "" */
	bool cut_based;                 /* P_CUT: what goes on has a base */
	struct {                        /* P_CUT: as it was chosen for a new one */
		int page_files;
		char only[JOB_ONLY_MAX]; /* "": all partitions */
	} cut_before;
	struct text again;              /* P_SEAL: the passphrase once more */
	struct text confirm;            /* what was typed on P_CONFIRM */
	int lost_first;                 /* P_CONFIRM: the first partition shown */
	int net_fixed;                  /* P_IFACE: 0 DHCP, 1 fixed */
	char iface[32];
	struct text net_address, net_gateway, net_dns;
	char detail[80];                /* P_DISK: the disk's path */
	/* the targets as they were when they were chosen; they are looked up again,
	 * by these, right before they are written.  One, or one for each image of a
	 * machine */
	struct wiz_target {
		char path[80], serial[80], wwn[80], model[80];
		uint64_t size;
	} target[JOB_DISKS_MAX];
	size_t step;                    /* P_TARGET: of which image */
	struct text dir_before;         /* the place's directory, to go back to */
	/* the image that job.adapt.on was proposed for: once for each */
	char wishes_for[sizeof((struct job *)0)->image];
	char said[WIZ_SAID];            /* what rehost-adapt wrote in the job */
	/* drivers for a Windows: a place is looked into, then tried, and stands in
	 * the job once it has served a device */
	struct job_place from;          /* that is looked into */
	struct text from_before;        /* its directory that P_FOLDER shows */
	struct model_place folder;      /* what is there */
	struct text typed;              /* P_DPATH */
	char trying[JOB_URL_MAX];       /* what T_PLAN also looks into; "" none */
	int wanted_first;               /* P_DRIVERS: the first line shown */

	struct model_disks disks;
	struct model_place place;
	struct model_info info;
	struct model_net net;
	struct model_plan plan;
	struct progress run;

	/* set by the program before the first event */
	char today[16];                 /* "20261123" */
	char machine[80];               /* product name of this machine, or "" */
	bool may_quit;                  /* not the live system's own wizard */
	int rows, cols;                 /* of the smallest screen */
};

void wiz_init(struct wiz *w);
void wiz_done(struct wiz *w);

enum wiz_act wiz_step(struct wiz *w, enum wiz_ev ev, int arg);

/* The command of w->task. */
int wiz_task_argv(const struct wiz *w, struct argv *ret, struct err *e) must_check;
/* "Reading the list of disks" */
const char *wiz_task_text(const struct wiz *w);
/* w->task has ended.  out: its stdout.  tail: the end of its stderr.  status:
 * its exit status, -1 if it was killed or could not be started. */
enum wiz_act wiz_task_done(struct wiz *w, int status, const char *out, size_t len,
			   const char *tail);
/* A line of the running job's events. */
void wiz_job_line(struct wiz *w, const char *line, size_t len);
/* The running job's child has ended: P_RESULT is shown. */
void wiz_job_end(struct wiz *w, int status, int signal, const char *tail);
/* Before wiz_job_end: what the job's program wrote for people, of which what
 * belongs to rehost-adapt is kept for the result. */
void wiz_job_said(struct wiz *w, const char *text);
/* Shows a failure over the page. */
void wiz_error(struct wiz *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
