/* unattended.h: a job from an answer file, without screens. */
#ifndef REHOST_TUI_UNATTENDED_H
#define REHOST_TUI_UNATTENDED_H
#include "tui/answers.h"
#include "tui/app.h"

/* The kernel command line's answer file, once a boot: copies its name to ret
 * and returns true.  Later calls (a wizard started anew) return false, so that
 * a job is never done twice. */
bool unattended_wanted(char *ret, size_t size);
/* Does what the answer file says: a path (relative: on the medium) or an
 * http:// or https:// URL.  Progress and the result are printed as lines.
 * Returns the job's exit status; *ret_then says what the file wants next; why:
 * what went wrong, for the wizard to show. */
int unattended_run(struct app *a, const char *source, enum answers_then *ret_then,
		   struct err *why);
#endif
