/* verified.h: what the last `verify --deep` of an image said, kept beside it in
 * NAME.rhi.verified.  It names the image by its digest: of another one it says nothing. */
#ifndef REHOST_VERIFIED_H
#define REHOST_VERIFIED_H
#include "common/json.h"

/* doc: `ok`, `digest`, and what else is to be kept; "format", "when", "tool" are added.
 * Written as a whole or not at all. */
int verified_write(const char *image, struct json_object *doc, struct err *e) must_check;
/* NULL: there is none, or it is of another image.  digest: hex; NULL: of any. */
struct json_object *verified_read(const char *image, const char *digest);
/* 1: a result is kept that says `ok`, of whatever digest. */
int verified_says_ok(const char *image);
/* Takes that result away. */
int verified_forget(const char *image, struct err *e) must_check;
#endif
