/* term.h: the terminal that the wizard was started on: keys in, canvases out.
 * The only user of curses. */
#ifndef REHOST_TUI_TERM_H
#define REHOST_TUI_TERM_H
#include <stdbool.h>
#include "common/err.h"
#include "tui/canvas.h"
#include "tui/keys.h"

/* Standard input and output, of the type $TERM. */
int term_open(struct err *e) must_check;
/* Does nothing if it isn't open. */
void term_close(void);
/* Its size now; after a change curses is told. */
void term_size(int *ret_rows, int *ret_cols);
void term_paint(const struct canvas *c);
void term_beep(void);
/* The next key that has come; false if there is none. */
bool term_key(enum wiz_ev *ret_ev, int *ret_arg);
/* Leaves curses, runs a program on the terminal, waits, and comes back; all is
 * drawn anew then.  Returns its wait status, -1 if it could not be started. */
int term_run(const char *const *argv);
#endif
