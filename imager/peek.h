/* peek.h: the HEADER of an image that comes through a pipe, before the rest. */
#ifndef REHOST_PEEK_H
#define REHOST_PEEK_H
#include "imager/fmt/image.h"
#include "imager/store/store.h"

/* Reads the first record of in.  *ret gives the same bytes again and then the
 * rest; it reads through in, which must be closed after it. */
int store_peek(struct store_in *in, struct store_in **ret,
	       struct image_params *ret_params, struct err *e) must_check;
#endif
