/* partial.h: which partitions an image has (FORMAT.md 2.3, PARTIAL). */
#ifndef REHOST_PARTIAL_H
#define REHOST_PARTIAL_H
#include "imager/fmt/image.h"
#include "imager/part/choose.h"

/* All, or those that META lists: none if an image with PARTIAL lists none. */
void partial_read(const struct image *im, struct part_choice *ret);

#endif
