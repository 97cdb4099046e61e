/* capture-base.h: the image of --base, and what META says of it. */
#ifndef REHOST_CAPTURE_BASE_H
#define REHOST_CAPTURE_BASE_H
#include "common/json.h"
#include "imager/imagefile.h"

struct capture_base {
	struct image_file file;
	struct image *image;
	char name[256];           /* in its directory                            */
};
/* arg: --base as given; dest: DEST as given; path: the new image's, on this machine.
 * The base must lie beside it, where it is looked for later.  encrypt: 1 if the new one
 * is.  capture_base_done() in any case. */
int capture_base_open(const char *arg, const char *dest, const char *path, int encrypt,
		      struct passphrase *p, struct capture_base *ret, struct err *e) must_check;
void capture_base_done(struct capture_base *b);
/* Adds "bases": it and its own bases. */
void capture_base_meta(const struct capture_base *b, struct json_object *meta);
#endif
