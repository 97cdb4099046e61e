/* imagefile.h: an image as commands open it: its file, and what is needed to read it. */
#ifndef REHOST_IMAGEFILE_H
#define REHOST_IMAGEFILE_H
#include <limits.h>
#include "imager/fmt/image.h"
#include "imager/store/store.h"

/* A passphrase, from where it was first found: a file, $REHOST_PASSPHRASE, or a
 * person.  Zero to begin, then `file` and `stdin_busy`; passphrase_done() wipes it. */
struct passphrase {
	const char *file;         /* the first line of it, or NULL               */
	int stdin_busy;           /* standard input carries an image             */
	int have;
	char text[IMAGE_PASSPHRASE_MAX];
};
/* Finds it; name: of the image, for messages.  again: ask a person twice (for a new
 * image).  ERR_SECRET: nobody can be asked; ERR_REFUSED: others can read the file. */
int passphrase_get(struct passphrase *p, const char *name, int again, struct err *e) must_check;
void passphrase_done(struct passphrase *p);

/* Opens PATH ("-": standard input), its other volumes included.  p NULL: nobody
 * is asked for a passphrase and no base is opened.  f must not move meanwhile: f->in->access
 * points into it. */
struct image_file {
	struct store_in *in;
	struct image_access access;
	struct passphrase *passphrase;
	char dir[PATH_MAX];       /* where its bases are, too                    */
};
int image_file_open(const char *path, struct passphrase *p, struct image_file *f,
		    struct err *e) must_check;
/* The same for salvage: whatever is there of it (volumes_open_torn). */
int image_file_torn(const char *path, struct passphrase *p, struct image_file *f,
		    unsigned int *ret_missing, struct err *e) must_check;
/* A base's file in dir: by its name, else any image there with its id.  ERR_NOT_FOUND. */
int base_file_open(const char *dir, const struct image_base *b, struct blkdev **ret,
		   struct err *e) must_check;
void image_file_close(struct image_file *f); /* also of a zeroed one */
#endif
