/* fstab.h: lines of fstab(5) and crypttab(5). */
#ifndef REHOST_FSTAB_H
#define REHOST_FSTAB_H
#include <stddef.h>

#define FSTAB_FIELDS 6

struct fstab_line {
	char field[FSTAB_FIELDS][512]; /* decoded (\040); "" missing          */
	size_t at[FSTAB_FIELDS], len[FSTAB_FIELDS]; /* where it stands        */
	int n;
};

/* 1: a line with at least two fields; comments, empty lines and ones with a
 * field that is too long are none. */
int fstab_parse(const char *line, struct fstab_line *ret);
/* 1: options (a list with commas) have this one, or one that begins so when it
 * ends in "=". */
int fstab_option(const char *options, const char *name);
/* 1: a CD, DVD or floppy drive's line: on old systems their names look like
 * disks' (/dev/hdc). */
int fstab_is_removable(const struct fstab_line *f);
#endif
