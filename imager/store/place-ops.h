/* place-ops.h: one kind of place; inside imager/place*.c and imager/store/. */
#ifndef REHOST_PLACE_OPS_H
#define REHOST_PLACE_OPS_H
#include "imager/place.h"

#define PLACE_ARGV_MAX 16

/* A command line to mount with; text holds what argv points to. */
struct place_cmd {
	const char *argv[PLACE_ARGV_MAX];
	char what[2048];          /* "//host/share", "host:/export", "/dev/x"  */
	char options[2048];
};

/* If the program's message contains `part`, then `says` is the sentence. */
struct place_message { const char *part, *says; };

struct place_ops {
	const char *scheme;
	int wants_creds;          /* ask for a user and password               */
	int creds_on_disk;        /* they go in a file named by an option      */
	unsigned int timeout_s;   /* for one mount                             */
	const char *const *options;      /* names allowed after '?', NULL ended */
	const struct place_message *messages; /* { NULL, NULL } at the end     */
	/* Splits p->path: how many of its leading characters are mounted; the
	 * rest is a path below.  try 0, 1, ...: the next best guess; -1: none. */
	int (*split)(const struct place *p, const char *dir, int try);
	/* creds: path of the credentials file, or NULL.  part: what split said */
	int (*command)(const struct place *p, const struct place_creds *c,
		       const char *creds, const char *part, const char *base,
		       int write, struct place_cmd *ret, struct err *e);
	/* 1: the failure with this message may be the split's fault           */
	int (*try_next)(const char *message);
};

extern const struct place_ops place_smb, place_nfs, place_dev;

/* Appends ",name" or ",name=value" (no comma at the start). */
int place_add(struct place_cmd *c, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends p's own options, and dflt's ("name=value", NULL ended) whose name p
 * doesn't set. */
int place_add_options(const struct place *p, const char *const *dflt,
		      struct place_cmd *c, struct err *e) must_check;
const char *place_option(const struct place *p, const char *name); /* or NULL */
#endif
