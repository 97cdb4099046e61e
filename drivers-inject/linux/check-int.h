/* check-int.h: between check.c and check-config.c. */
#ifndef REHOST_CHECK_INT_H
#define REHOST_CHECK_INT_H
#include "drivers-inject/linux/check.h"

/* A new line, not ok; NULL: no memory, e says so. */
struct check_line *check_add(struct check_result *c, const char *kernel, const char *path,
			     const char *what, struct err *e);
/* The names of the root file system in boot loader files and fstab. */
int check_config(const struct lin *l, struct check_result *c, struct err *e) must_check;
#endif
