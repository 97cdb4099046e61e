/* session-int.h: what session*.c share. */
#ifndef REHOST_SESSION_INT_H
#define REHOST_SESSION_INT_H
#include "drivers-inject/session.h"

void session_join(struct json_object *to, struct json_object *from);   /* puts from */
void session_put_target(const struct session *s, struct json_object *o);
/* Edits, and trouble with its warnings, of one plan. */
void session_count(struct session *s, const struct plan *p);
int session_undo(struct session *s, struct root *r, const char *name, FILE *people,
		 struct err *e) must_check;
#endif
