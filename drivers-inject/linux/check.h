/* check.h: the proof that a guest will start, read from scratch and without
 * the planners: from each initramfs's own index, and the boot loader's lines. */
#ifndef REHOST_LIN_CHECK_H
#define REHOST_LIN_CHECK_H
#include <json-c/json.h>
#include <stdio.h>
#include "drivers-inject/linux/linux.h"

/* One thing that must be so. */
struct check_line {
	char kernel[128];       /* "" of the whole system                    */
	char path[64];          /* "virtio-blk", "root", "boot"               */
	char what[200];         /* the device, or the name                   */
	char how[400];          /* "virtio_blk in the initramfs", why not     */
	int ok;                 /* 0: it isn't so                            */
	int needed;             /* 0: another way is enough                  */
};

struct check_result {
	struct check_line *v;
	size_t n;
	int ok;                 /* the default kernel finds its root          */
};

int lin_check(const struct lin *l, const struct hw *target, struct check_result *ret,
	      struct err *e) must_check;
void check_done(struct check_result *c);
struct json_object *check_json(const struct check_result *c);
void check_print(const struct check_result *c, FILE *f);
#endif
