/* capture-meta.h: an image's META (FORMAT.md 2.4) from what is known of the
 * disk and the machine. */
#ifndef REHOST_CAPTURE_META_H
#define REHOST_CAPTURE_META_H
#include "common/json.h"
#include "imager/disks.h"
#include "imager/engine.h"
#include "imager/map.h"

/* disk: the entry of `rehost disks`; hardware: of `rehost hardware`; both stay
 * the caller's.  page_files: 1: they are kept.  *ret: json_object_put() it. */
int capture_meta(struct json_object *disk, struct json_object *hardware,
		 const struct disk_map *m, enum image_level level, int page_files,
		 struct json_object **ret, struct err *e) must_check;
/* 0 if META (text) is of the disk of entry (disk_json_identity): serial number,
 * WWN, model, size.  image: its name for the message.  ERR_REFUSED else. */
int capture_meta_same(const char *meta, struct json_object *entry, const char *image,
		      struct err *e) must_check;
/* 0 if META (text) says that the image was begun with the options by which now, another
 * META, was made: page files, partitions, what was unlocked.  ERR_REFUSED else; e names the
 * option to give or to leave out. */
int capture_meta_options(const char *meta, struct json_object *now, const char *image,
			 struct err *e) must_check;
#endif
