/* driver-places.h: where drivers for an installed Windows may come from: what
 * --drivers names, a folder "drivers" beside the image, and one on the live
 * medium.  Places are mounted read-only; nothing in them is looked at here. */
#ifndef REHOST_DRIVER_PLACES_H
#define REHOST_DRIVER_PLACES_H
#include <sys/types.h>
#include "imager/place.h"

#define DRIVER_PLACES_MAX 32    /* more on a command line is a mistake       */
#define DRIVER_FOLDER "drivers" /* its name beside an image or on the medium */

struct driver_place {
	char path[PATH_MAX];      /* local: a folder, or an .inf, .zip, .cab, .iso */
	char shown[1024];         /* for people: as given, else where it is    */
	const char *found;        /* "beside the image", "on the live medium"; NULL:
				   * it was asked for                          */
	struct place_mount mount;
	dev_t dev;
	ino_t ino;
};

struct driver_places {
	struct driver_place *v;   /* none twice; those asked for first         */
	size_t n;
};

struct driver_places_request {
	const char *const *asked; /* paths and URLs of places                  */
	size_t n_asked;
	const char *image;        /* an image's local path; NULL: none         */
	const char *shown_image;  /* as the person called it; NULL: image      */
	const char *credentials;  /* as place_creds_get(): a file, or NULL     */
	const volatile sig_atomic_t *cancel; /* may be NULL */
};

/* ERR_USAGE: what was asked for isn't there.  A URL's last part is a file if it
 * ends as driver_is_file() says, else a folder. */
int driver_places_open(const struct driver_places_request *q, struct driver_places *ret,
		       struct err *e) must_check;
/* Unmounts; *p is empty then. */
void driver_places_close(struct driver_places *p);
/* 1: nobody asked for d, and ret is a sentence that tells it. */
int driver_place_note(const struct driver_place *d, char *ret, size_t size);
/* 1: this name is of an INF or an archive: .inf .zip .cab .iso */
int driver_is_file(const char *name);
#endif
