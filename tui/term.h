/* term.h: one terminal: keys in, canvases out.  The only user of curses.
 * Several can be open at once: all show the same session. */
#ifndef REHOST_TUI_TERM_H
#define REHOST_TUI_TERM_H
#include <stdbool.h>
#include "common/err.h"
#include "tui/canvas.h"
#include "tui/keys.h"

struct term;

/* tty: its device; NULL: the standard input and output.  type: its terminfo
 * name; NULL: from $TERM. */
int term_open(const char *tty, const char *type, struct term **ret,
	      struct err *e) must_check;
void term_close(struct term *t);
int term_fd(const struct term *t);
const char *term_name(const struct term *t);
/* Its size now; after a change curses is told. */
void term_size(struct term *t, int *ret_rows, int *ret_cols);
void term_paint(struct term *t, const struct canvas *c);
void term_beep(struct term *t);
/* The next key that has come; false if there is none. */
bool term_key(struct term *t, enum wiz_ev *ret_ev, int *ret_arg);
/* Draws all anew at the next paint. */
void term_redraw(struct term *t);
/* Leaves curses, runs a program on this terminal, waits, and comes back.
 * Returns its wait status, -1 if it could not be started. */
int term_run(struct term *t, const char *const *argv);
#endif
