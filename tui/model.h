/* model.h: what the wizard knows of disks, images, places and the network,
 * read from the JSON documents of docs/INTERFACES.md.  No I/O here: text in,
 * structs out.  Strings are cut to their field's size, control characters
 * replaced (labels and names come from foreign disks). */
#ifndef REHOST_TUI_MODEL_H
#define REHOST_TUI_MODEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

#define MODEL_MACHINE "machine.json" /* an entry of a place: all images that it lists */
#define MODEL_MAX 4096   /* entries of any list: more is a broken document */
#define MODEL_ONLY 512   /* bytes of a list of partitions */

struct model_part {
	int number;
	char path[80];
	uint64_t start, size;     /* bytes; start: 0 if not told */
	uint64_t used;            /* bytes, if used_known */
	bool used_known;
	char fs[24];              /* "" if not recognised */
	char label[80];
	char mounted[80];         /* the first mount point, "" if none */
	bool extended;            /* only holds the logical ones */
	bool absent;              /* of an image: not in it */
};

struct model_system {
	char kind[16];            /* "linux", "windows" */
	char name[96];
	char hostname[64];        /* "" if not known */
	int partition;            /* its number, 0 if not known */
};

struct model_disk {
	char path[80];
	char kind[16];            /* "disk", "cdrom", "file" */
	uint64_t size;
	char model[80], serial[80], wwn[80], transport[16];
	bool removable, read_only, boot_medium;
	char in_use[240];         /* why a write would be refused, "" if not */
	char error[240];          /* why it can't be read, "" if it can */
	char table[8];            /* "gpt", "mbr", "" */
	bool smart, failing;      /* it tells of its health; that it is failing */
	char complaints[300];     /* of these, "; " between; "" if none */
	/* the mark of an interrupted restore: of which image; "" there is none */
	char mark_id[40], mark_digest[132], mark_text[400];
	struct model_part *parts; /* a file system without a table: one, number 0 */
	size_t nparts;
	struct model_system *systems;
	size_t nsystems;
};

struct model_disks {
	struct model_disk *d;
	size_t n;
};

struct model_image {
	char name[240];
	uint64_t size, disk_size, used;
	bool complete, encrypted;
	char created[32];         /* as given, UTC */
	char model[80], serial[80], systems[160];
	/* of an interrupted capture: what it was begun with */
	bool split, based, dedup, partial;
	/* and what an encrypted one doesn't tell */
	bool told, page_files, unlocked;
	char only[MODEL_ONLY];    /* "1,3" if partial */
};

struct model_place {
	bool writable;
	uint64_t free, total;     /* bytes */
	bool free_known;
	struct model_image *images;
	size_t nimages;
	struct model_image *cuts; /* interrupted captures, by the images' names */
	size_t ncuts;
	char (*dirs)[240];
	size_t ndirs;
	char (*drivers)[240];     /* files that --drivers takes */
	size_t ndrivers;
};

/* What `rehost info --json` tells of one image. */
struct model_info {
	char name[240];           /* one of several: its file's name */
	bool complete, encrypted;
	bool locked;              /* its passphrase wasn't given, or was wrong */
	bool partial;             /* chosen partitions only */
	char created[32], image_id[40], digest[132], level[16];
	char machine[160];        /* maker and product of the source machine */
	uint64_t disk_size, used, smallest, stored;
	size_t unreadable;        /* ranges that could not be read */
	size_t nwarnings;
	struct model_disk disk;
	/* Of a machine's list: one for each image; the sums stand above, and
	 * `disk` has nothing but the systems' machine. */
	struct model_info *of;
	size_t nof;
};

struct model_iface {
	char name[32], mac[24], method[16]; /* "dhcp", "static", "" */
	bool link;
	char addresses[160];      /* separated by spaces */
};

struct model_net {
	struct model_iface *i;
	size_t n;
	char gateway[64], dns[160];
};

/* What `rehost-adapt --dry-run --json` says, worst first. */
enum model_verdict { PLAN_WILL_NOT, PLAN_UNKNOWN, PLAN_AFTER_EDITS, PLAN_BOOTS };

struct model_plan {
	enum model_verdict verdict; /* the worst of all systems; UNKNOWN: none */
	size_t nsystems, nedits;
	char systems[160];          /* their names */
	char because[320];          /* the first problem, "" if none is told */
	char *text;                 /* all of it, for people: lines, indented
				     * by blanks; NULL: nothing was read */
	char *locked;               /* a line for each locked volume; NULL: none */
	/* devices for which a Windows has no driver, which a person may bring */
	bool windows;               /* there is one */
	size_t nmissing, nfatal;    /* fatal: it can't boot without */
	char device[200];           /* the first fatal one, else the first */
	char *wanted;               /* each, and what is wanted for it: as text */
};

/* Each reads one document of len bytes.  On success *ret is replaced by what
 * it says (free it with the _done function); on failure it is untouched. */
int model_disks_parse(const char *json, size_t len, struct model_disks *ret,
		      struct err *e) must_check;
int model_place_parse(const char *json, size_t len, struct model_place *ret,
		      struct err *e) must_check;
int model_info_parse(const char *json, size_t len, struct model_info *ret,
		     struct err *e) must_check;
int model_net_parse(const char *json, size_t len, struct model_net *ret,
		    struct err *e) must_check;
int model_plan_parse(const char *json, size_t len, struct model_plan *ret,
		     struct err *e) must_check;
void model_plan_done(struct model_plan *m);
void model_disks_done(struct model_disks *m);
void model_place_done(struct model_place *m);
void model_info_done(struct model_info *m);
void model_net_done(struct model_net *m);

/* The name without "/dev/". */
const char *model_name(const char *path);
/* Bytes in use on d as far as known: a partition whose use is not known counts
 * whole.  *ret_exact is false if any was. */
uint64_t model_disk_used(const struct model_disk *d, bool *ret_exact);
/* The disk with this path, or NULL. */
const struct model_disk *model_find(const struct model_disks *m, const char *path);
/* Partition path (or the whole disk's, number 0) and the disk it is on. */
const struct model_part *model_find_part(const struct model_disks *m,
					 const char *path,
					 const struct model_disk **ret_disk);
/* There is a Linux or a Windows on d, or something that may hold a Linux and can't
 * be looked into from outside (LVM, RAID, LUKS, XFS, Btrfs). */
bool model_may_hold_system(const struct model_disk *d);
/* What the disk is called: its model, else how it is connected. */
const char *model_title(const struct model_disk *d);
/* "Debian GNU/Linux 13; Windows 10 Pro", "" if none was found */
void model_systems(const struct model_disk *d, char *out, size_t size);
/* Used by model*.c: the array under key, at most MODEL_MAX of its entries (0 if
 * there is none); one entry. */
struct json_object;
size_t model_list(struct json_object *o, const char *key, struct json_object **ret);
struct json_object *model_item(struct json_object *list, size_t i);
#endif
