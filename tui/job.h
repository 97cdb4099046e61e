/* job.h: a job as data: what the wizard's screens and the answer file both
 * fill, and the command that does it.  Pure: no I/O. */
#ifndef REHOST_TUI_JOB_H
#define REHOST_TUI_JOB_H
#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "tui/text.h"

#define JOB_DISKS_MAX 32   /* disks of one capture */
#define JOB_URL_MAX 2048
#define JOB_ONLY_MAX 512   /* bytes of a list of partitions: 128 of them */
#define JOB_MACHINE "machine.json" /* as an image: all those it lists */
#define JOB_DRIVERS_MAX 8  /* places with drivers: one a maker is plenty */

enum job_kind { JOB_CAPTURE, JOB_RESTORE, JOB_VERIFY, JOB_ADAPT, JOB_LOGS };
enum job_level { LEVEL_FAST, LEVEL_BALANCED, LEVEL_SMALL };
enum place_kind { PLACE_DEV, PLACE_SMB, PLACE_NFS, PLACE_PATH };

/* Where images live.  Each kind keeps its own answers, so that going back and
 * choosing another kind loses nothing. */
struct job_place {
	enum place_kind kind;
	struct {
		struct text part;      /* "/dev/sdb1" */
		struct text dir;
	} dev;
	struct {
		struct text host, port, share, dir, user, password, domain, options;
	} smb;
	struct {
		struct text host, port, share, dir, options;
		int version;           /* index into nfs_versions */
	} nfs;
	struct text path;              /* PLACE_PATH: a directory (answer files) */
};

extern const char *const nfs_versions[]; /* "automatic", "4.2", ..., NULL */
extern const char *const level_names[];  /* "fast", "balanced", "small", NULL */
extern const char *const split_names[]; /* "no", then sizes as --split takes them; NULL */
enum { SPLIT_NO, SPLIT_CD, SPLIT_2G, SPLIT_FAT, SPLIT_16G }; /* indexes of it */

/* What rehost-adapt is told: in a restore, and in the task of its own. */
struct job_adapt {
	bool on;               /* restore: adapt the system at all */
	bool anyway;           /* restore: even one that will not boot */
	int undo;              /* JOB_ADAPT: 1: take back what adapt did */
	struct text hostname;  /* "": it stays */
	bool new_identity, remove_tools;
	char drivers[JOB_DRIVERS_MAX][JOB_URL_MAX]; /* for a Windows: paths, URLs */
	size_t ndrivers;
	struct text luks;      /* passphrase: only ever in a child's environment */
};

/* Not all partitions of a disk (its path) or image (its name). */
struct job_only {
	char of[240];
	char list[JOB_ONLY_MAX];   /* "1,3" */
};

/* One image of a machine's and the disk that it is restored to. */
struct job_move {
	char image[240];       /* "": the next one of the list */
	char target[80], target_id[80]; /* as in struct job */
};

struct job {
	enum job_kind kind;
	struct job_place place;
	char disks[JOB_DISKS_MAX][80]; /* capture: device paths */
	size_t ndisks;
	struct text name;      /* capture: the new image's name, without .rhi */
	char image[240];       /* restore, verify: file name in the place; JOB_MACHINE */
	size_t nimages;        /* of JOB_MACHINE; else 0 */
	struct job_move move[JOB_DISKS_MAX]; /* restore: of JOB_MACHINE, in its order */
	size_t nmoves;
	struct job_only only[JOB_DISKS_MAX]; /* those that aren't there: all of it */
	size_t nonly;
	struct text into;      /* restore: a partition of the target; "" */
	struct text passphrase; /* of the image: only ever in a child's environment */
	char target[80];       /* restore, adapt: device path */
	char target_id[80];    /* its serial number or WWN; "" if not known */
	int level;             /* enum job_level */
	bool verify;           /* read back afterwards */
	int page_files;        /* 1: keep Windows' page and hibernation files */
	bool resume;           /* capture, restore: go on where it was interrupted */
	bool delta;            /* restore: only what differs */
	bool encrypt;          /* capture: with the passphrase */
	bool dedup;            /* capture: equal chunks are stored once */
	int split;             /* capture: index into split_names */
	char base[240];        /* capture of one disk: an image of the place; "" */
	struct job_adapt adapt;
};

/* An argument vector with its own copies; NULL-terminated. */
struct argv {
	char **v;
	size_t n;
};
void argv_done(struct argv *a);
/* Appends a copy of s. */
int argv_add(struct argv *a, const char *s, struct err *e) must_check;

/* The URL of FILE ("" for the directory itself) in a place, with what URLs
 * can't hold percent-encoded.  No credentials in it. */
void job_place_url(const struct job_place *p, const char *file, char out[JOB_URL_MAX]);
/* Its directory becomes the one below it of that name, or for ".." the one above;
 * false: the path gets too long, and nothing is changed. */
bool job_place_enter(struct job_place *p, const char *name) must_check;
/* There is no directory above. */
bool job_place_top(const struct job_place *p);
/* The directory field of the place's kind. */
struct text *job_place_dir(struct job_place *p);
/* Splits URL (smb:// nfs:// dev:// or a path) into a place and the last
 * component, *ret_file (at least 240 bytes; "" if it ends in '/'). */
int job_place_parse(const char *url, struct job_place *ret, char *ret_file,
		struct err *e) must_check;
/* What is missing or wrong in the place's fields: a sentence, and which field
 * of its form (0 is the first); NULL if nothing is. */
const char *job_place_check(const struct job_place *p, int *ret_field);

/* The disk to restore to, and of its names the one to know it again by. */
void job_set_target(struct job *j, const char *path, const char *serial, const char *wwn);
/* A restore of JOB_MACHINE: its k-th image goes to this disk. */
void job_set_move(struct job *j, size_t k, const char *image, const char *path,
		  const char *serial, const char *wwn);
/* The images of a machine, and so several disks. */
bool job_machine(const struct job *j);
/* The path of the job's k-th disk. */
const char *job_disk(const struct job *j, size_t k);
/* The partitions chosen of a disk or image; NULL: all. */
const char *job_only(const struct job *j, const char *of);
bool job_only_has(const struct job *j, const char *of, int number);
/* Turns one of n partitions round; false: the list gets too long, or nothing would be
 * left, and nothing is changed. */
bool job_only_turn(struct job *j, const char *of, const int *numbers, size_t n, int number)
	must_check;
/* A list as somebody wrote it, "" all of them; false: there are too many. */
bool job_only_set(struct job *j, const char *of, const char *list) must_check;
/* A restore into places of the disk's table, which stays. */
bool job_into_parts(const struct job *j);

/* Disks that the job goes over: those captured, else one. */
size_t job_disks(const struct job *j);
/* The image's file name (relative to the place); for a capture of several disks
 * that of their directory. */
void job_image_file(const struct job *j, char *out, size_t size);
/* The command.  for_people: as one would type it (no --events-fd, no
 * --yes; --credentials FILE where a password is needed). */
int job_argv(const struct job *j, bool for_people, struct argv *ret,
	     struct err *e) must_check;
/* What rehost-adapt would do: its dry run over the image or the target.  more: one
 * more place with drivers, which isn't in the job; "" none. */
int job_plan_argv(const struct job *j, const char *more, struct argv *ret,
		  struct err *e) must_check;
/* A path that begins with '/', or a URL of a place without a password in it. */
bool job_drivers_good(const char *s);
/* Adds a place with drivers, but none twice; false: there are too many. */
bool job_add_drivers(struct job_adapt *d, const char *place);
/* rehost-adapt has a part in it: on the result there is something of its own. */
bool job_adapts(const struct job *j);
/* Of what a job wrote for people, the part that tells how rehost-adapt did, line
 * by line without control characters. */
void job_said(const char *text, char *out, size_t size);
/* A host name as rehost-adapt takes it (RFC 1123); "" is none. */
bool job_hostname_good(const char *s);
/* A share is named in it: it gets the user and the password. */
bool job_takes_share(const struct argv *a);
/* A server is needed: the network has to be up before. */
bool job_needs_net(const struct job *j);
/* The passphrase of encrypted volumes is for this command; that of the image. */
bool job_takes_luks(const struct job *j, const struct argv *a);
bool job_takes_passphrase(const struct job *j, const struct argv *a);
/* The command as a line for a shell, words quoted where needed. */
void argv_line(const struct argv *a, char *out, size_t size);
#endif
