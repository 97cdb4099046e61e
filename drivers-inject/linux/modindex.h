/* modindex.h: writing modules.dep and its index (modindex.c's own). */
#ifndef REHOST_MODINDEX_H
#define REHOST_MODINDEX_H
#include "common/err.h"
#include "drivers-inject/strv.h"

/* lines: "kernel/a.ko.gz: kernel/b.ko.gz".  Files that are there are replaced. */
int modindex_write_text(const char *path, const struct strv *lines, struct err *e) must_check;
/* The index of the same that libkmod searches: name -> line. */
int modindex_write_bin(const char *path, const struct strv *lines, struct err *e) must_check;
#endif
