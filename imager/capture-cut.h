/* capture-cut.h: what an interrupted capture left in PATH.part. */
#ifndef REHOST_CAPTURE_CUT_H
#define REHOST_CAPTURE_CUT_H
#include "common/json.h"
#include "imager/imagefile.h"

struct cut_request {
	const char *path, *shown; /* of the image; as people know it             */
	int overwrite, encrypt, split, dedup; /* as the capture is asked for now   */
	const struct image *base;  /* of --base, or NULL                         */
	struct passphrase *passphrase;
	struct json_object *meta;  /* as a new image would have it               */
};
struct cut {
	struct image_file file;
	struct image *image;      /* NULL: there is nothing to go on with, and        */
	const char *why_new;      /* why, a sentence's end: it begins at the front    */
	unsigned int volume;      /* where it ends                               */
	uint64_t in_volume;
};
/* Opens it to go on at its last COMMIT (nothing is cut off yet), or begins a new one.
 * ERR_REFUSED: it is another disk's, or was begun in another way.  cut_done() in any
 * case. */
int cut_open(const struct cut_request *q, struct store_out **ret_out, struct cut *ret,
	     struct err *e) must_check;
void cut_done(struct cut *c);
#endif
