/* cmd.h: the commands of the program `rehost`, one in each imager/cmd-NAME.c. */
#ifndef REHOST_CMD_H
#define REHOST_CMD_H
#include <signal.h>
#include "common/err.h"
#include "imager/driver-places.h"
#include "imager/engine.h"
#include "imager/place.h"
#include "imager/unlock.h"

/* Options, by name, in cmd-opts.c's table: bits of a set of 64. */
enum cmd_opt {
	OPT_JSON = 1ull << 0, OPT_USED = 1ull << 1, OPT_NO_SYSTEMS = 1ull << 2,
	OPT_LEVEL = 1ull << 3, OPT_VERIFY = 1ull << 4, OPT_PAGE_FILES = 1ull << 5,
	OPT_WORKERS = 1ull << 6, OPT_CREDENTIALS = 1ull << 7, OPT_EVENTS_FD = 1ull << 8,
	OPT_OVERWRITE = 1ull << 9, OPT_YES = 1ull << 10, OPT_HELP = 1ull << 11,
	OPT_RUN = 1ull << 12, OPT_READ_ONLY = 1ull << 13, OPT_EXPECT_SERIAL = 1ull << 24, OPT_DRIVERS = 1ull << 25,
	OPT_NEW_IDS = 1ull << 26, OPT_RESUME = 1ull << 27, OPT_CHECKPOINT = 1ull << 28,
	OPT_ENCRYPT = 1ull << 29, OPT_PASSPHRASE = 1ull << 30, OPT_SPLIT = 1ull << 31,
	OPT_BASE = 1ull << 49, OPT_DEDUP = 1ull << 50,
	OPT_DEEP = 1ull << 51,
	OPT_ONLY = 1ull << 40, OPT_INTO = 1ull << 47,
	OPT_DELTA = 1ull << 41, OPT_DISCARD = 1ull << 42, OPT_ZERO = 1ull << 43,
	OPT_LOG = 1ull << 44, OPT_RETRY_PASSES = 1ull << 45, OPT_RETRY_TIME = 1ull << 46,
	OPT_UNLOCK = 1ull << 48,
	OPT_ADAPT = 1ull << 14, OPT_ADAPT_ANYWAY = 1ull << 15,
	/* handed to rehost-adapt as they are */
	OPT_HARDWARE = 1ull << 16, OPT_PROFILE = 1ull << 17, OPT_HOSTNAME = 1ull << 18,
	OPT_NEW_IDENTITY = 1ull << 19, OPT_REMOVE_TOOLS = 1ull << 20, OPT_NIC = 1ull << 21,
	OPT_LUKS_KEY = 1ull << 22, OPT_UNATTEND = 1ull << 23,
	OPTS_ADAPT = OPT_ADAPT | OPT_ADAPT_ANYWAY | OPT_HARDWARE | OPT_PROFILE | OPT_HOSTNAME |
		     OPT_NEW_IDENTITY | OPT_REMOVE_TOOLS | OPT_NIC | OPT_LUKS_KEY |
		     OPT_UNATTEND | OPT_DRIVERS,
};

#define ADAPT_ARGS_MAX 64      /* words for rehost-adapt                    */
#define DISKS_MAX 256          /* of one machine                            */

struct cmd_opts {
	int adapt, adapt_anyway;
	const char *adapt_args[ADAPT_ARGS_MAX]; /* as on the command line    */
	int n_adapt_args;
	const char *drivers[DRIVER_PLACES_MAX]; /* adapt: paths and URLs         */
	int n_drivers;
	const char *only[DISKS_MAX]; /* as on the command line                */
	int n_only;
	const char *into;          /* a partition of the target, or NULL */
	const char *unlock[UNLOCK_FILES_MAX];   /* key files of encrypted volumes */
	int n_unlock;
	int json, used, no_systems, verify, page_files, overwrite, yes, read_only, new_ids,
	    delta, deep, resume, discard, zero, help;
	int workers;               /* 0: by itself */
	int checkpoint;            /* seconds; -1: not given */
	const char *log;           /* path or NULL */
	int retry_passes, retry_time; /* -1: not given; retry_time: seconds */
	int events_fd;             /* -1: none */
	enum image_level level;
	const char *credentials;   /* path or NULL */
	int encrypt, dedup;
	const char *base;          /* an image, or NULL */
	uint64_t split;            /* bytes of a volume; 0: one file */
	const char *passphrase;    /* path of a file, or NULL */
	const char *run;           /* a program, or NULL */
	const char *expect_serial[DISKS_MAX]; /* of the targets, in their order */
	int n_expect_serial;
	int n_args;                /* what is not an option */
	char **args;
};

struct cmd {
	const char *name;
	const char *args;          /* "DISK... DEST" */
	const char *summary;       /* one line */
	uint64_t options;          /* enum cmd_opt, or-ed; OPT_HELP always */
	int min_args, max_args;    /* max -1: any number */
	/* The exit status (0, 1 or 3), or a negative error code with e filled. */
	int (*run)(const struct cmd_opts *o, struct err *e);
	const char *text;          /* paragraphs for --help */
};
extern const struct cmd cmd_disks, cmd_hardware, cmd_map, cmd_capture,
	cmd_restore, cmd_verify, cmd_salvage, cmd_info, cmd_mount, cmd_place;

/* ERR_USAGE for what isn't an option of c, or one of a later version. */
int cmd_parse(const struct cmd *c, int argc, char **argv, struct cmd_opts *ret,
	      struct err *e) must_check;
/* --help's text */
void cmd_help(const struct cmd *c);

/* --only LIST, or NAME=LIST where there are several names (disks, images): the
 * partitions of `name`, NULL for all.  Check first: ERR_USAGE for what is
 * nobody's. */
int cmd_only_check(const struct cmd_opts *o, const char *const *names, int n,
		   struct err *e) must_check;
const char *cmd_only(const struct cmd_opts *o, const char *name, int many);
/* The check, and that the disks have these partitions. */
int cmd_only_look(const struct cmd_opts *o, const char *const *disks, int n,
		  struct err *e) must_check;

/* 0, or the number of the signal that asked to stop.  A second one, or
 * STOP_GRACE_S without an end, ends the process at once. */
#define STOP_GRACE_S 15
extern volatile sig_atomic_t stop_signal;
int stop_init(struct err *e) must_check;

/* Where an image is: a path, `-`, or a place that was mounted. */
struct cmd_image {
	char path[PATH_MAX];       /* local path, or "-"; of a directory if is_dir */
	int is_dir;
	struct place_mount mount;
};
/* text: as on the command line.  how->as_dir: it names a directory. */
int cmd_image_open(const char *text, const struct cmd_opts *o,
		   const struct place_how *how, struct cmd_image *ret,
		   struct err *e) must_check;
/* Keeps an earlier error in e; else ERR_IO if unmounting failed. */
int cmd_image_close(struct cmd_image *im, int rc, struct err *e) must_check;

#endif
