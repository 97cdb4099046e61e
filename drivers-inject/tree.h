/* tree.h: the files of a guest, read without mounting anything.
 *
 * Paths are the guest's: they begin at its root whether or not they begin
 * with "/", and a symbolic link in them is followed inside the guest only
 * (an absolute target begins at the guest's root, ".." at the root stays
 * there).  Everything that is read is hostile: TREE_* are the limits. */
#ifndef REHOST_TREE_H
#define REHOST_TREE_H
#include "drivers-inject/strv.h"
#include "imager/dev/dev.h"

#define TREE_LINKS_MAX 32       /* links followed in one path, as Linux' 40  */
#define TREE_DEPTH_MAX 64       /* directories deep                          */
#define TREE_PATH_MAX 4096      /* bytes of a path or of a link's target     */
#define TREE_LIST_MAX 4096      /* names taken from one directory            */

enum tree_type { TREE_DIR, TREE_FILE, TREE_LINK, TREE_OTHER };

/* One file.  type OTHER: device, socket, reparse point, encrypted. */
struct tree_node {
	uint64_t id;            /* inode or MFT record number                */
	uint64_t size;          /* bytes of a FILE or LINK                   */
	enum tree_type type;
};

struct tree;

struct tree_ops {
	const char *name;       /* "ext", "ntfs", "fat"                       */
	/* 0: mine, *ret is open.  ERR_NOT_FOUND: another file system.  else:
	 * mine, but it can't be read.  d stays the caller's. */
	int (*open)(struct blkdev *d, struct tree **ret, struct err *e);
	int (*root)(struct tree *t, struct tree_node *ret, struct err *e);
	/* The entry `name` (UTF-8) of dir; ERR_NOT_FOUND when there is none */
	int (*lookup)(struct tree *t, const struct tree_node *dir,
		      const char *name, struct tree_node *ret, struct err *e);
	/* Bytes [off, off+len) of a FILE, or of a LINK's target; the caller
	 * has checked that they lie inside n->size. */
	int (*read)(struct tree *t, const struct tree_node *n, uint64_t off,
		    void *buf, size_t len, struct err *e);
	/* Where byte off of a FILE, which lies inside it, is on the device, and how
	 * many bytes of the file follow it there.  NULL, or ERR_UNSUPPORTED: its
	 * bytes don't lie there as they are. */
	int (*where)(struct tree *t, const struct tree_node *n, uint64_t off,
		     uint64_t *ret_at, uint64_t *ret_len, struct err *e);
	/* Adds names to *out, at most TREE_LIST_MAX */
	int (*list)(struct tree *t, const struct tree_node *dir,
		    struct strv *out, struct err *e);
	void (*close)(struct tree *t);
};

struct tree {
	const struct tree_ops *ops;
	struct blkdev *dev;
	int dirty;              /* not unmounted cleanly, by its own flag    */
};

/* Tries each kind of file system that we can look into: as tree_ops.open. */
int tree_open(struct blkdev *d, struct tree **ret, struct err *e) must_check;
struct tree *tree_close(struct tree *t); /* takes NULL, returns NULL */

/* The file that path names, links followed. */
int tree_find(struct tree *t, const char *path, struct tree_node *ret,
	      struct err *e) must_check;
/* 1 if path names a file of that type. */
int tree_has(struct tree *t, const char *path, enum tree_type type);
/* The names in a directory, without . and .., sorted; *ret is the caller's
 * to free, and untouched on failure. */
int tree_list(struct tree *t, const char *path, struct strv *ret,
	      struct err *e) must_check;
/* Reads at most max bytes from the start of a regular file; *ret gets a NUL
 * after them and is the caller's to free; *ret_len may be NULL. */
int tree_head(struct tree *t, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *e) must_check;
/* Bytes [off, off+len) of a node, which must lie inside it. */
int tree_read(struct tree *t, const struct tree_node *n, uint64_t off,
	      void *buf, size_t len, struct err *e) must_check;

/* As the op; off must lie inside the node. */
int tree_where(struct tree *t, const struct tree_node *n, uint64_t off, uint64_t *ret_at,
	       uint64_t *ret_len, struct err *e) must_check;

extern const struct tree_ops tree_ext, tree_ntfs, tree_fat;

#endif
