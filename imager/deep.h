/* deep.h: `verify --deep`: what the image holds, read again by every reader, against what
 * it says that it holds.  The hashes only prove that the image is what was written; this
 * finds a disk that changed while it was captured, and a reader that left out something. */
#ifndef REHOST_DEEP_H
#define REHOST_DEEP_H
#include "common/json.h"
#include "imager/fmt/image.h"

struct cont_keys;

struct deep_result {
	int ok;                   /* 1: no findings                              */
	/* `findings`, `not_checked`, `partly`, `regions`, `extra`: docs/INTERFACES.md,
	 * "verify"; the caller's */
	struct json_object *doc;
};
/* 1: volumes of it lie on other disks, too, which are needed to look into them. */
int deep_spans(const struct image *im);
/* im: opened with what it is based on.  keys: of encrypted volumes, or NULL.  others: what
 * the images of the machine's other disks hold (dev_image), for volumes that lie on several.  Fails
 * when the image can't be read, which its own damage may cause: verify it first. */
int deep_check(struct image *im, const char *name, const struct cont_keys *keys,
	       struct blkdev *const *others, size_t n_others,
	       struct deep_result *ret, struct err *e) must_check;
#endif
