/* container.h: a container is what lies in a window instead of a file system and
 * holds volumes of its own: a physical volume of LVM2, a member of a RAID, LUKS.
 *
 * It says which bytes are its metadata, and of which pieces of the device below
 * each volume is made.  A volume is then looked into like a partition, and what is
 * used of it mapped back to these pieces.  What is in no piece and no metadata is
 * free.  In doubt it refuses, and its window is taken whole. */
#ifndef REHOST_CONTAINER_H
#define REHOST_CONTAINER_H
#include "imager/dev/crypt.h"
#include "imager/dev/dev.h"
#include "imager/fs/fsread.h"
#include "imager/fs/ranges.h"

/* Pieces of all volumes of a container; more are refused.  It is what a volume
 * group of 256 TiB has in extents of 4 MiB if each is apart: 5 MB of memory. */
#define CONT_PIECES_MAX 65536u

struct cont_ident {
	struct fs_ident fs;       /* type as blkid names it                  */
	/* 1: the volume begins where the window begins, so that what is in it
	 * shows through: other signatures in the window are the volume's */
	int shows_inside;
};

/* A window of the device below ("parent") which is of the same kind of container. */
struct cont_member {
	struct blkdev *d;         /* the window                              */
	uint64_t start;           /* of the window in the parent             */
};

/* Passphrases and key files, as bytes; the caller's. */
struct cont_key { uint8_t *bytes; size_t len; };
struct cont_keys { struct cont_key *v; size_t n; };

struct cont_volume {
	char what[300];           /* "logical volume vg/root"                */
	uint64_t size;            /* bytes                                   */
	/* Where it lies in the parent.  The first n_read make up all of it; the
	 * others are copies of the same bytes (mirrors). */
	struct dev_piece *v;
	size_t n, room, n_read;
	struct crypt_spec *crypt; /* how its bytes are encrypted; NULL: they aren't */
	uint64_t crypt_start;     /* byte of the parent whose sector is the first one */
	/* Why its content isn't looked at, so that all pieces are used: a sentence
	 * without its full stop; "": it is. */
	char whole[300];
};

struct container_found {
	char holds[160];          /* for people: "volume group vg"           */
	struct cont_volume *v;
	size_t n, room;
	/* Used whatever the volumes say; bytes of the parent, in any order. */
	struct ranges meta;
	/* One for each member given to open(): 1: everything about it is told
	 * here, so that it isn't opened by itself. */
	uint8_t *covers;
};

struct container {                /* const, immutable, no globals behind it */
	const char *name;         /* the word written in the image, <= 15 bytes */
	const char *type;         /* as blkid and fs_known() name it         */
	/* 0 mine, *ret filled; FS_NOT_MINE; <0: it is mine, but damaged */
	int (*probe)(struct blkdev *d, struct cont_ident *ret, struct err *e);
	/* all: this kind's windows in parent, of which number self is to be told;
	 * others may belong to the same group.  *ret is zeroed, but for
	 * covers (n bytes, zero); it is the caller's to free, also on failure.
	 * ERR_NOT_FOUND: it would have to be opened by a key; that is no doubt. */
	int (*open)(struct blkdev *parent, const struct cont_member *all, size_t n,
		    size_t self, const struct cont_keys *keys,
		    struct container_found *ret, struct err *e);
};

/* In probing order, NULL at the end. */
extern const struct container *const containers[];

/* ---- a volume by itself ---- */

struct cont_open {
	struct blkdev *d;         /* what the volume holds, decrypted        */
	struct blkdev *plain, *window; /* it reads through these             */
};
/* below, the parent, stays the caller's and must outlive *ret; cont_open_done() it. */
int cont_volume_open(const struct cont_volume *v, struct blkdev *below, struct cont_open *ret,
		     struct err *e) must_check;
void cont_open_done(struct cont_open *o);
/* NULL: no memory. */
struct cont_volume *cont_volume_copy(const struct cont_volume *v);
struct cont_volume *cont_volume_free(struct cont_volume *v); /* takes NULL, returns NULL */
void cont_volume_done(struct cont_volume *v); /* frees what it has; keys are wiped */

/* ---- for those who fill it ---- */

/* A new volume at the end of ret->v, zeroed; NULL with e filled. */
struct cont_volume *cont_volume_add(struct container_found *ret, struct err *e);
/* One piece, at its end; refuses more than CONT_PIECES_MAX of a volume. */
int cont_piece_add(struct cont_volume *v, const struct dev_piece *p, struct err *e) must_check;
void cont_found_done(struct container_found *f);
#endif
