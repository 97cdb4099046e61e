/* initrd-int.h: an initramfs taken apart; for initrd*.c alone. */
#ifndef REHOST_INITRD_INT_H
#define REHOST_INITRD_INT_H
#include <limits.h>
#include "drivers-inject/linux/cpio-read.h"
#include "drivers-inject/linux/initrd.h"

/* Limits: a real one has up to 20,000 entries and 600 MB (with every firmware). */
#define INITRD_ENTRIES_MAX  300000u
#define INITRD_NAMES_MAX    (64u << 20)   /* bytes of names and link targets  */
#define INITRD_UNPACKED_MAX (2ull << 30)  /* a machine unpacks it into memory */
#define INITRD_SEGMENTS_MAX 1024          /* real: up to 6                    */
#define INITRD_DEPTH_MAX    64            /* directories below each other     */
#define INITRD_LINKS_MAX    40            /* followed in one path, as Linux   */
#define INITRD_KEEP         (64u << 10)   /* a file's content that is kept    */
#define INITRD_KEEP_ALL     (32u << 20)   /* of all files                     */

/* A file, directory, link, device: what names lead to. */
struct inode {
	mode_t mode;
	uint64_t size;
	int stream;             /* segment whose unpacked bytes hold it; -1: the
				 * file itself does                          */
	uint64_t at;            /* of its data there                         */
	char *text;             /* kept content, or a link's target; NULL    */
	size_t kept;            /* bytes of content in text so far           */
	void *names;            /* of a directory: tsearch(3) of struct dent  */
	struct inode *parent;   /* of a directory; the root is its own       */
	int depth;              /* of a directory; the root's is 0           */
	struct inode *older;    /* all of them, for freeing                  */
};

struct dent {
	struct inode *node;
	const char *name;       /* text, except in a key to look for         */
	char text[];
};

struct tree {
	struct inode *root, *all;
	size_t entries, name_bytes, kept;
	void *links;            /* tsearch(3): of one archive, the first names
				 * of files that may have several            */
};

struct initrd {
	int fd;
	char *name;
	uint64_t size;
	struct initrd_segment *seg;
	size_t n_seg;
	struct tree tree;
	int broken;             /* behind whole archives comes what none is: */
	struct err why;         /* what and where                            */
	enum initrd_generator generator;
};

/* ---- initrd-tree.c ---- */
int tree_start(struct tree *t, struct err *e) must_check;
void tree_done(struct tree *t);
/* What the kernel does with an entry.  *ret_file: the regular file its data
 * belongs to, NULL when there is none or the kernel would drop it. */
int tree_apply(struct tree *t, const struct cpio_found *f, int stream,
	       struct inode **ret_file, struct err *e) must_check;
void tree_trailer(struct tree *t);
/* NULL: no such path.  follow: the last component's link too; ret_path: NULL or
 * PATH_MAX bytes, filled also when only the last component is missing. */
struct inode *tree_walk(const struct tree *t, const char *path, int follow, char *ret_path);

/* ---- initrd-foreign.c ---- */
/* What a file or stream is that begins so, if it is known and no initramfs: the
 * end of a sentence "NAME is ..."; else NULL. */
const char *initrd_foreign(const uint8_t *p, size_t n);

/* ---- initrd-generator.c ---- */
enum initrd_generator generator_find(struct initrd *i);

/* ---- initrd-read.c ---- */
/* Content of a file to be had from the unpacked streams. */
struct want {
	const struct inode *node;
	int fd;                 /* written there ...                          */
	char *buf;              /* ... or put here, when it isn't NULL       */
	uint64_t done;
};
int read_wanted(struct initrd *i, struct want *w, size_t n, struct err *e) must_check;
#endif
