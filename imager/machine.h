/* machine.h: machine.json, the list of a machine's images in one directory
 * (docs/INTERFACES.md, "A machine's directory"). */
#ifndef REHOST_MACHINE_H
#define REHOST_MACHINE_H
#include <limits.h>
#include "common/json.h"

#define MACHINE_FILE "machine.json"
#define MACHINE_DISKS_MAX 256   /* entries; more disks than a machine is moved with */

struct machine_image {
	char image[NAME_MAX + 1]; /* a file's name in the same directory        */
	char digest[65];          /* hex; "" if it isn't told                   */
	char disk[256];           /* the disk's path in its machine, "" unknown */
	uint64_t size;            /* of the disk, bytes; 0 unknown              */
	char model[96], serial[96];
};

struct machine {
	struct machine_image *v;  /* in the order in which they were captured   */
	size_t n;                 /* at least 1                                 */
	struct json_object *hardware; /* or NULL                                */
};

/* All of it may be anybody's: an entry that names no plain file ("../x"), one that
 * comes twice, and a list without entries are ERR_CORRUPT.  ERR_NOT_FOUND: the
 * directory has no such file. */
int machine_read(const char *dir, struct machine *ret, struct err *e) must_check;
/* The same from the file's text; path: for messages. */
int machine_parse(const char *text, size_t len, const char *path, struct machine *ret,
		  struct err *e) must_check;
void machine_done(struct machine *m);
/* Writes it anew: disks, an array of entries; hardware: as `rehost hardware`, or NULL; both
 * stay the caller's. */
int machine_write(const char *dir, struct json_object *disks, struct json_object *hardware,
		  struct err *e) must_check;
#endif
