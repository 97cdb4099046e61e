/* image-json.h: an image described, as docs/INTERFACES.md says. */
#ifndef REHOST_IMAGE_JSON_H
#define REHOST_IMAGE_JSON_H
#include "common/json.h"
#include "imager/imagefile.h"

/* One entry of a place's `images`; what can't be read is left out, with "error". */
struct json_object *image_json_short(const char *path, const char *name);
/* One entry of a place's `interrupted`: path is NAME.rhi.part, name NAME.rhi.  Only what
 * its first two records say, since its later ones are as far apart as the image is large.
 * NULL: there is nothing to go on with. */
struct json_object *image_json_cut(const char *path, const char *name);
/* `rehost info`.  An image that is not complete, or damaged, still gives what is
 * known of it with "complete":false or "error"; *ret_bad says why (code 0: the
 * image is good).  p: for an encrypted one.  Fails when it can't be read or is no image at all. */
int image_json_full(const char *path, struct passphrase *p, struct json_object **ret,
		    struct err *ret_bad, struct err *e) must_check;
/* For people. */
void image_text(FILE *f, struct json_object *o);
#endif
