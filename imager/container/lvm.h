/* lvm.h: what the files of the LVM2 reader share.
 *
 * A physical volume has a label in one of its first four sectors, which tells its
 * UUID and where its metadata areas are.  Such an area is a header and a ring of
 * text; the text describes the whole volume group: its physical volumes, and each
 * logical volume as segments of extents on them.  Little-endian; sectors of 512
 * bytes.
 * Source: lvm2's lib/label/label.h, lib/format_text/layout.h, import_vsn1.c,
 * flags.c and lvmsystemid(7), lvmraid(7), vgcfgbackup(8). */
#ifndef REHOST_LVM_H
#define REHOST_LVM_H
#include "imager/container/container.h"

#define LVM_SECTOR 512u
#define LVM_UUID 32             /* letters, without the hyphens that people see */
/* A group of 256 volumes of 10 segments each has 1 MiB. */
#define LVM_TEXT_MAX (8u << 20)
#define LVM_NODES_MAX (512u << 10)
#define LVM_NAME_MAX 127

/* ---- lvm-label.c ---- */

struct lvm_pv_label {
	char uuid[LVM_UUID + 1];
	uint64_t size;          /* bytes of the device, as it was made        */
	uint64_t data;          /* byte where the extents begin               */
	int used;               /* 1: in a group; 0: in none; -1: not told    */
	struct { uint64_t off, size; } area[4]; /* for metadata               */
	unsigned int areas;
};

/* FS_NOT_MINE; ERR_CORRUPT: there is a label, but not a good one. */
int lvm_label_read(struct blkdev *d, struct lvm_pv_label *ret, struct err *e) must_check;

/* The newest text of the label's areas.  1: there is none in them (*ret_none: each
 * area is good and says so).  *ret: free() it; NUL at its end. */
int lvm_text_read(struct blkdev *d, const struct lvm_pv_label *l, char **ret, int *ret_none,
		  struct err *e) must_check;

/* ---- lvm-text.c ---- */

enum lvm_kind { LVM_SECTION, LVM_ARRAY, LVM_NUMBER, LVM_STRING };

struct lvm_node {
	const char *key;        /* "" in an array                             */
	const char *text;       /* a string's; else ""                        */
	uint64_t number;
	enum lvm_kind kind;
	uint32_t next, child;   /* 0: none                                    */
};
struct lvm_tree {
	struct lvm_node *v;     /* v[0] is the whole text, a section          */
	size_t n, room;
};

/* text is changed, and must live as long as the tree. */
int lvm_parse(char *text, struct lvm_tree *ret, struct err *e) must_check;
void lvm_tree_done(struct lvm_tree *t);
/* Of a section; NULL: there is none of this kind. */
const struct lvm_node *lvm_get(const struct lvm_tree *t, const struct lvm_node *in,
			       const char *key, enum lvm_kind kind);
/* A number of at most max; ERR_CORRUPT if it isn't there. */
int lvm_number(const struct lvm_tree *t, const struct lvm_node *in, const char *key,
	       uint64_t max, uint64_t *ret, struct err *e) must_check;
const char *lvm_string(const struct lvm_tree *t, const struct lvm_node *in, const char *key);
/* NULL: the last one. */
const struct lvm_node *lvm_first(const struct lvm_tree *t, const struct lvm_node *in);
const struct lvm_node *lvm_next(const struct lvm_tree *t, const struct lvm_node *n);

/* ---- lvm-vg.c ---- */

struct lvm_pv {
	const char *name;       /* in the text: "pv0"                         */
	int member;             /* -1: on another disk                        */
	uint64_t at;            /* where its extents begin, in the parent     */
	uint64_t extents;
};

/* Who names a logical volume. */
enum lvm_role { LVM_FREE, LVM_IMAGE, LVM_PART, LVM_OTHER };

struct lvm_lv {
	const char *name;
	const struct lvm_node *node;
	int visible;
	enum lvm_role role;     /* IMAGE, PART: of a RAID or mirror: its data, its metadata */
	struct lvm_lv *owner;   /* that RAID or mirror                        */
	uint64_t extents;
	struct cont_volume out; /* pieces on this disk; whole                 */
	int here;               /* 1: all of it is on this disk, in plain segments */
	int odd;                /* 1: marked, or with a setting, that isn't known */
	int taken;              /* 1: its pieces are its owner's              */
};

struct lvm_vg {
	struct lvm_tree tree;
	char *text;
	const char *name;
	uint64_t extent;        /* bytes                                      */
	uint64_t seqno;
	struct lvm_pv *pv;      /* by name, as lv                             */
	size_t n_pv;
	struct lvm_lv *lv;
	size_t n_lv;
};

/* The group's facts, from text, which is freed with it.  ERR_UNSUPPORTED: of a kind
 * that isn't read. */
int lvm_vg_read(char *text, struct lvm_vg *ret, struct err *e) must_check;
/* The entry of the physical volume with that UUID, or NULL. */
const struct lvm_node *lvm_vg_pv(const struct lvm_vg *vg, const char *uuid);
struct lvm_pv *lvm_find_pv(const struct lvm_vg *vg, const char *name);
struct lvm_lv *lvm_find_lv(const struct lvm_vg *vg, const char *name);
void lvm_vg_done(struct lvm_vg *vg);

/* ---- lvm-lv.c ---- */
/* Fills vg->lv from the segments; vg->pv is complete. */
int lvm_lvs(struct lvm_vg *vg, struct err *e) must_check;

/* ---- lvm-raid.c ---- */
/* The parts of RAID1 and mirrors that can be looked into become pieces of these.  The
 * state of a RAID is read from the parent. */
int lvm_raids(struct lvm_vg *vg, struct blkdev *parent, struct err *e) must_check;
#endif
