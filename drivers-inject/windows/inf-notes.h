/* inf-notes.h: what was understood in an INF but is not, or cannot be, done. */
#ifndef REHOST_INF_NOTES_H
#define REHOST_INF_NOTES_H
#include "drivers-inject/windows/inf.h"

enum inf_note_kind {
	INF_NOT_DONE,   /* a directive that is not compiled: `what`, naming `name` */
	INF_BROKEN,     /* the INF contradicts itself; Windows skips or refuses it */
	INF_ABSENT,     /* is in another INF that is not here                     */
};
struct inf_note {
	enum inf_note_kind kind;
	const char *what;       /* a directive, or "section", "number", ...  */
	const char *name;       /* a section, a file, a value                */
	const char *file;
	unsigned line;          /* 0: of the whole file                      */
};
struct inf_notes {
	struct inf_note *v;
	size_t n;
};

const char *inf_note_kind_name(enum inf_note_kind kind);        /* "not-done" */
/* One sentence for people; returns out. */
char *inf_note_text(const struct inf_note *n, char *out, size_t room);

#endif
