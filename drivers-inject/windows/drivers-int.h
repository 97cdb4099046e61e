/* drivers-int.h: between the parts of drivers.h. */
#ifndef REHOST_DRIVERS_INT_H
#define REHOST_DRIVERS_INT_H
#include "drivers-inject/windows/drivers.h"
#include "drivers-inject/windows/source.h"

/* A Windows whose packages may have their files where it installed them. */
struct drivers_guest {
	struct source *disk;    /* the whole volume                          */
	char windows[PATH_MAX]; /* "Windows", below disk                     */
};

/* drivers-index.c: which package may serve an id. */
struct drivers_index *drivers_index_new(void);
void drivers_index_free(struct drivers_index *x);
/* Every id of every model of f, for whichever Windows, as package number p;
 * *ret_n: how many. */
int drivers_index_add(struct drivers_index *x, const struct inf *f, uint32_t p, size_t *ret_n,
		      struct err *e) must_check;
/* Packages in ascending order, each once, at most max; malloc'd. */
int drivers_index_find(struct drivers_index *x, const struct inf_device *device, size_t max,
		       uint32_t **ret, size_t *ret_n, struct err *e) must_check;

/* drivers-add.c */
void drivers_note(struct drivers *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* d owns it from now on, also when this fails */
int drivers_own_source(struct drivers *d, struct source *s, struct err *e) must_check;
int drivers_own_root(struct drivers *d, struct root *r, struct err *e) must_check;
int drivers_own_guest(struct drivers *d, struct drivers_guest *g, struct err *e) must_check;
/* The guest that was added first, or NULL: its Windows' INFs are included by others. */
struct drivers_guest *drivers_guest(const struct drivers *d);

/* All packages of a source, with the archives in it. */
struct drivers_scan {
	struct drivers *d;
	struct source *source;
	struct drivers_guest *guest;
	enum drivers_place place;
	unsigned depth;         /* of directories                            */
	int archives;           /* 1: archives in it too                     */
};
int drivers_scan(const struct drivers_scan *s, struct err *e) must_check;
/* The one INF at path; bad ones become notes. */
int drivers_add_inf(const struct drivers_scan *s, const char *path, struct err *e) must_check;

/* drivers-read.c */
/* "amd64" of "amd64/x.inf"; "" at the top. */
void drivers_dir(const struct drivers_package *p, char ret[PATH_MAX]);

/* drivers-check.c: fills reason, warnings and is_signed. */
int drivers_check(struct drivers_match *m, const struct inf_target *t, struct err *e) must_check;
/* How well the folders on the way to an INF suit a Windows, less is better; 10: they say
 * nothing. */
#define DRIVERS_OTHER_WINDOWS 100u
unsigned drivers_folder_score(const char *path, const struct inf_target *t);

#endif
