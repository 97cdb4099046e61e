/* cmdline.h: the parts of lin_plan_cmdline: a function a kind of file. */
#ifndef REHOST_CMDLINE_H
#define REHOST_CMDLINE_H
#include "drivers-inject/linux/params.h"
#include "drivers-inject/linux/textfile.h"

struct cmdline {
	const struct lin *l;
	struct plan *p;
	struct lin_names n;
	struct strv done;       /* files looked at, without links            */
	int all_bare;           /* no kernel of the guest has an initramfs   */
};

/* 1: path was not looked at yet under any name (and now is). */
int cmdline_first(struct cmdline *c, const char *path);
/* The line in t, edited. */
int cmdline_line(struct cmdline *c, struct textfile *t, struct params_entry *x,
		 struct err *e) must_check;
/* 1: the kernel at this path of a boot loader's file is one of this guest's. */
int cmdline_own_kernel(const struct cmdline *c, const char *path);

/* Each takes a struct cmdline as ctx, so that text_each can call it. */
int cmdline_grub2(void *ctx, const char *path, struct err *e) must_check;
int cmdline_grub_legacy(void *ctx, const char *path, struct err *e) must_check;
int cmdline_extlinux(void *ctx, const char *path, struct err *e) must_check;
int cmdline_bls(void *ctx, const char *path, struct err *e) must_check;
int cmdline_grubenv(void *ctx, const char *path, struct err *e) must_check;
int cmdline_lilo(void *ctx, const char *path, struct err *e) must_check;
int cmdline_zipl(void *ctx, const char *path, struct err *e) must_check;
#endif
