/* tree-dir.h: a mounted guest as a struct tree. */
#ifndef REHOST_TREE_DIR_H
#define REHOST_TREE_DIR_H
#include "drivers-inject/root.h"
#include "drivers-inject/tree.h"

/* r must outlive it; tree_close(*ret). */
int tree_of_root(struct root *r, struct tree **ret, struct err *e) must_check;
#endif
