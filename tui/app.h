/* app.h: what the running program holds: the state machine and the children. */
#ifndef REHOST_TUI_APP_H
#define REHOST_TUI_APP_H
#include "tui/child.h"
#include "tui/wizard.h"

#define APP_GONE_MAX 16    /* cancelled children that have not ended yet */

struct app {
	struct wiz w;
	struct child child;            /* of the task or the job */
	struct child gone[APP_GONE_MAX];
	int signal_fd;
	bool screen;       /* the terminal is open */
	bool shell_first;  /* before the first screen */
	bool quit;
};

/* Seconds of a clock that only goes forward. */
long app_now(void);
/* Blocks the signals and opens signal_fd. */
int app_signals(struct app *a, struct err *e) must_check;
int app_open(struct app *a, struct err *e) must_check;
void app_close(struct app *a);
/* The wizard, until it is left; returns the exit status. */
int app_run(struct app *a);
/* Runs poweroff or reboot (from PATH), and waits for it. */
void app_power(struct app *a, const char *command);
#endif
