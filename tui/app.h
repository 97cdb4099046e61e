/* app.h: what the running program holds: the terminals and the child. */
#ifndef REHOST_TUI_APP_H
#define REHOST_TUI_APP_H
#include "tui/child.h"
#include "tui/term.h"
#include "tui/wizard.h"

#define APP_TERMS_MAX 8
#define APP_GONE_MAX 16    /* cancelled children that have not ended yet */

struct console {
	char *tty, *type;  /* type may be NULL */
};

struct app {
	struct wiz w;
	struct console consoles[APP_TERMS_MAX];
	int nconsoles;     /* 0: the standard input and output */
	struct term *terms[APP_TERMS_MAX];
	int nterms;
	struct child child;            /* of the task or the job */
	struct child gone[APP_GONE_MAX];
	int signal_fd;
	bool shell_first;  /* before the first screen */
	bool quit;
};

/* Seconds of a clock that only goes forward. */
long app_now(void);
/* Blocks the signals and opens signal_fd. */
int app_signals(struct app *a, struct err *e) must_check;
/* Opens the terminals: 0 if at least one could be. */
int app_open(struct app *a, struct err *e) must_check;
void app_close(struct app *a);
/* The wizard, until it is left; returns the exit status. */
int app_run(struct app *a);
/* Runs poweroff or reboot (from PATH), and waits for it. */
void app_power(struct app *a, const char *command);
#endif
