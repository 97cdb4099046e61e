/* cmd-images.h: the images that a command is about: one, or those of a machine's
 * directory. */
#ifndef REHOST_CMD_IMAGES_H
#define REHOST_CMD_IMAGES_H
#include "imager/cmd.h"
#include "imager/imagefile.h"
#include "imager/imgdev.h"
#include "imager/machine.h"

struct cmd_images {
	int is_machine;
	struct machine machine;   /* if is_machine                             */
	size_t n;
	struct cmd_one {
		char path[PATH_MAX];        /* local, or "-"                     */
		char shown[PATH_MAX + NAME_MAX + 2]; /* as people know it        */
		const char *name;           /* its file's name; shown, if single */
		const char *digest;         /* that it must have; NULL: any      */
	} *v;
};

/* given: as on the command line, the directory or machine.json in it; im: where
 * that is. */
int cmd_images_list(const struct cmd_image *im, const char *given, struct cmd_images *ret,
		    struct err *e) must_check;
void cmd_images_done(struct cmd_images *l);
/* ERR_REFUSED if the directory's list has another digest (hex) for it. */
int cmd_images_check(const struct cmd_one *one, const char *digest, struct err *e) must_check;

/* What the images of the machine's other disks hold, for volumes that lie on several. */
struct cmd_others {
	struct cmd_other { struct image_file f; struct image *im; } *v;
	struct blkdev **dev;
	size_t n;
};
/* Those of l but `one`, as far as they can be read; *ret is the caller's, also on
 * failure. */
int cmd_others_open(const struct cmd_images *l, const struct cmd_one *one, struct passphrase *pass,
		    struct cmd_others *ret, struct err *e) must_check;
void cmd_others_done(struct cmd_others *o);

/* Which image goes to which disk.  words: one DISK for each image, in the list's
 * order, or IMAGE=DISK (IMAGE with or without .rhi), each for an image that is
 * wanted; l then has only these, in the order of words.  ret: room for n_words. */
int cmd_images_match(struct cmd_images *l, char **words, int n_words, const char **ret,
		     struct err *e) must_check;
#endif
