/* fstab.h: lines of fstab(5) and crypttab(5). */
#ifndef REHOST_FSTAB_H
#define REHOST_FSTAB_H
#include <stddef.h>

enum { FSTAB_SPEC, FSTAB_DIR, FSTAB_TYPE, FSTAB_OPTIONS, FSTAB_FIELDS = 6 };

struct fstab_line {
	char field[FSTAB_FIELDS][512]; /* decoded (\040); "" missing          */
	size_t at[FSTAB_FIELDS], len[FSTAB_FIELDS]; /* where it stands        */
	int n;
};

/* line: up to its end or '\n'.  1: it has at least two fields; comments, empty
 * lines and ones with a field that is too long have none. */
int fstab_parse(const char *line, struct fstab_line *ret);
/* The next such line of a file's text from *pos (0 to begin); 0: no more. */
int fstab_next(const char *text, size_t *pos, struct fstab_line *ret);
/* The value of option name= in options ("" if it has none); NULL: not there.
 * buf takes it. */
const char *fstab_value(const char *options, const char *name, char *buf, size_t size);
/* 1: options (a list with commas) have this one, or one that begins so when it
 * ends in "=". */
int fstab_option(const char *options, const char *name);
/* 1: a CD, DVD or floppy drive's line: on old systems their names look like
 * disks' (/dev/hdc). */
int fstab_is_removable(const struct fstab_line *f);
#endif
