/* imgdev.h: an image as a read-only device of the disk's size, so that the
 * partition and file-system readers can look into it. */
#ifndef REHOST_IMGDEV_H
#define REHOST_IMGDEV_H
#include "imager/dev/dev.h"
#include "imager/fmt/image.h"

/* im stays the caller's and must outlive the device.  Sector size: that of the
 * captured disk.  Name, for messages: "the disk in FILE_NAME". */
int dev_image(struct image *im, const char *file_name, struct blkdev **ret,
	      struct err *e) must_check;
/* ERR_IO and what was said when the image's file couldn't be read; 0: it always could.  For
 * those who ask readers that take what they can't read for damaged. */
int dev_image_unread(const struct blkdev *d, struct err *e) must_check;
#endif
