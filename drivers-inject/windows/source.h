/* source.h: a place with driver packages in it: a directory, or an archive in one, or
 * an archive in such an archive.
 *
 * Paths are below the source's top, "amd64/viostor.inf", "" the top itself.  A root
 * (root.h) stands behind all of them, so that a guest's NTFS is a place too.  Nothing
 * is kept open and no content is kept. */
#ifndef REHOST_SOURCE_H
#define REHOST_SOURCE_H
#include "drivers-inject/root.h"
#include "drivers-inject/strv.h"

/* Deepest known: collections with maker/class/chip/Windows/arch/part below a top. */
#define SOURCE_DEPTH_MAX 12
#define SOURCE_FILES_MAX 200000 /* names looked at below one top; as PACK_FILES_MAX */
/* What is copied into memory to be looked into: an archive that is in an archive or on
 * a volume that isn't mounted.  XP's driver.cab has 76 MB. */
#define SOURCE_COPY_MAX (512u << 20)
#define SOURCE_LEVELS_MAX 2     /* archives in archives                      */

struct source {
	struct root *root;      /* a directory's; not owned; NULL: archive   */
	struct source *parent;  /* an archive's, not owned                   */
	char *top;              /* a directory: in root, "/" or "/drivers";
				 * an archive: its path in parent            */
	char *label;            /* for people, with what stands before paths: "/drivers/",
				 * "x.iso: "                                  */
	struct strv files;      /* all of an archive                         */
	unsigned level;         /* archives around its files                 */
	int copies;             /* its root gives copies of files (NTFS): large
				 * ones are refused; set by whoever knows     */
};

/* r, top, parent: must live as long.  label: copied. */
int source_dir(struct root *r, const char *top, const char *label, struct source **ret,
	       struct err *e) must_check;
/* Its files are listed.  ERR_NOT_FOUND: no archive; else what pack_list() says. */
int source_archive(struct source *parent, const char *path, const char *label,
		   struct source **ret, struct err *e) must_check;
struct source *source_free(struct source *s);   /* takes NULL, returns NULL */

/* Calls file for each regular file, directories in order of their names; symbolic
 * links aren't followed.  A return other than 0 ends it and is returned.  What can't
 * be listed is told to note and left out. */
struct source_walk {
	int (*file)(void *ctx, const char *path, struct err *e);
	void (*note)(void *ctx, const char *text);
	void *ctx;
	unsigned depth;         /* directories below the top; 0: only its own files */
};
int source_walk(struct source *s, const struct source_walk *w, struct err *e) must_check;

/* The path to read, of one whose case (of ASCII) and slashes may be others than there.
 * ERR_NOT_FOUND: no such file. */
int source_find(struct source *s, const char *path, char ret[PATH_MAX], struct err *e) must_check;
/* As root_read(): a path as source_find() gave it. */
int source_read(struct source *s, const char *path, size_t max, uint8_t **ret, size_t *ret_n,
		struct err *e) must_check;
/* One file out of an archive that lies at path. */
int source_read_packed(struct source *s, const char *path, const char *inner, size_t max,
		       uint8_t **ret, size_t *ret_n, struct err *e) must_check;

/* dir/name in ret; -1: too long */
int source_join(const char *dir, const char *name, char ret[PATH_MAX]);

#endif
