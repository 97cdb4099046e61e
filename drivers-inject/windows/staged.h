/* staged.h: what win_plan_stage keeps in struct win until its plan is made. */
#ifndef REHOST_WIN_STAGED_H
#define REHOST_WIN_STAGED_H

struct win_staged;
struct win_staged *win_staged_free(struct win_staged *s);        /* takes NULL, returns NULL */

#endif
