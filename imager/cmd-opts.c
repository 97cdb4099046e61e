/* cmd-opts.c: the commands' options, one table for parsing and help. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/cmd.h"
#include "imager/volumes.h"

struct option_line {
	enum cmd_opt opt;
	const char *name, *arg, *text;
};

static const struct option_line lines[] = {
	{ OPT_LEVEL, "level", "WORD", "fast, balanced (default) or small" },
	{ OPT_VERIFY, "verify", NULL, "read everything back and compare it" },
	{ OPT_DEEP, "deep", NULL, "also walk all that is in it by every reader; keep the result" },
	{ OPT_PAGE_FILES, "page-files", NULL, "keep Windows' page, swap and hibernation files" },
	{ OPT_ONLY, "only", "LIST", "these partitions, as 1,3; of several disks: NAME=LIST" },
	{ OPT_INTO, "into", "PARTITION", "the one partition into this one of the disk" },
	{ OPT_UNLOCK, "unlock", "FILE", "passphrase or key of encrypted volumes (repeatable)" },
	{ OPT_OVERWRITE, "overwrite", NULL, "replace an image that is already there" },
	{ OPT_BASE, "base", "IMAGE", "store only what differs from IMAGE, an older one of the disk" },
	{ OPT_DEDUP, "dedup", NULL, "store equal chunks once" },
	{ OPT_SPLIT, "split", "SIZE", "volumes of at most SIZE bytes (k, M, G: of 1024)" },
	{ OPT_ENCRYPT, "encrypt", NULL, "encrypt the image with a passphrase" },
	{ OPT_PASSPHRASE, "passphrase-file", "FILE", "its first line; else $REHOST_PASSPHRASE, or asked" },
	{ OPT_RESUME, "resume", NULL, "go on where it was interrupted" },
	{ OPT_CHECKPOINT, "checkpoint", "SECONDS", "how often a point to resume from is made (default: 30)" },
	{ OPT_LOG, "log", "FILE", "what could be read, as ddrescue's map file; read it if it is there" },
	{ OPT_RETRY_PASSES, "retry-passes", "N", "how often unreadable sectors are tried again (default: 1)" },
	{ OPT_RETRY_TIME, "retry-time", "SECONDS", "at most so long with hard places (default: 3600; 0: no limit)" },
	{ OPT_YES, "yes", NULL, "don't ask" },
	{ OPT_EXPECT_SERIAL, "expect-serial", "TEXT", "only to a disk with this serial number or WWN" },
	{ OPT_DELTA, "delta", NULL, "read the disk and write only what differs" },
	{ OPT_DISCARD, "discard", NULL, "tell the disk what isn't used (TRIM)" },
	{ OPT_ZERO, "zero", NULL, "fill what isn't used with zeros" },
	{ OPT_NEW_IDS, "new-ids", NULL, "ids of its own for the disk and its partitions (a copy)" },
	{ OPT_USED, "used", NULL, "tell used bytes (reads the file systems)" },
	{ OPT_NO_SYSTEMS, "no-systems", NULL, "don't look for operating systems" },
	{ OPT_WORKERS, "workers", "N", "threads that compress (default: one a processor)" },
	{ OPT_CREDENTIALS, "credentials", "FILE", "username=, password=, domain= for smb://" },
	{ OPT_READ_ONLY, "read-only", NULL, "don't try whether the place can be written" },
	{ OPT_RUN, "run", "PROGRAM", "run PROGRAM DIRECTORY while the place is mounted" },
	{ OPT_ADAPT, "adapt", NULL, "make the restored Linux boot on this hardware (rehost-adapt)" },
	{ OPT_ADAPT_ANYWAY, "adapt-anyway", NULL, "restore even if it won't boot after that" },
	{ OPT_HARDWARE, "hardware", "FILE", "adapt: for the machine of this inventory" },
	{ OPT_PROFILE, "profile", "NAME", "adapt: for kvm, vmware, hyperv, xen, aws, ... any" },
	{ OPT_HOSTNAME, "hostname", "NAME", "adapt: the system's new host name" },
	{ OPT_NEW_IDENTITY, "new-identity", NULL, "adapt: new machine id and SSH host keys" },
	{ OPT_REMOVE_TOOLS, "remove-tools", NULL, "adapt: switch off other hypervisors' tools" },
	{ OPT_DRIVERS, "drivers", "PLACE", "adapt: drivers for a Windows (repeatable)" },
	{ OPT_NIC, "nic", "OLD=MAC", "adapt: the card MAC takes the name OLD (repeatable)" },
	{ OPT_LUKS_KEY, "luks-key", "FILE", "adapt: passphrase or key of LUKS volumes" },
	{ OPT_UNATTEND, "unattend", "FILE", "adapt: put sysprep's answer file into the Windows" },
	{ OPT_EVENTS_FD, "events-fd", "N", "write events as JSON lines to descriptor N" },
	{ OPT_JSON, "json", NULL, "print one JSON document" },
	{ OPT_HELP, "help", NULL, "this text" },
};
#define N_LINES (sizeof lines / sizeof *lines)
_Static_assert(N_LINES < ':', "getopt_long returns a line's number, or one of these letters");

/* Known names of a later version: refused with that word. */
static const char *const later[] = {
	"layout",
	"driver", NULL
};

static int number(const char *name, const char *text, int min, int max, int *ret,
		  struct err *e)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || *end || end == text || v < min || v > max)
		return err_set(e, ERR_USAGE, "--%s %s: must be a number from %d to %d",
			       name, text, min, max);
	*ret = (int)v;
	return 0;
}

static int size(const char *name, const char *text, uint64_t min, uint64_t *ret,
		struct err *e)
{
	static const char units[] = "kMGT";
	const char *unit;
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (errno || end == text || *text == '-' || (*end && (!unit || end[1])) ||
	    (unit && n > (uint64_t)INT64_MAX >> (10 * (unit - units + 1))))
		return err_set(e, ERR_USAGE, "--%s %s: must be a number of bytes, or one with k, M, G or T", name, text);
	if (unit)
		n <<= 10 * (unit - units + 1);
	if (n < min || n > INT64_MAX)
		return err_set(e, ERR_USAGE, "--%s %s: must be at least %llu bytes", name, text,
			       (unsigned long long)min);
	*ret = n;
	return 0;
}

/* A word for rehost-adapt, as it was written. */
static int pass_on(enum cmd_opt opt, const char *arg, struct cmd_opts *o, struct err *e)
{
	/* what it wants as "--name" */
	static const char *const names[] = {
		"--hardware", "--profile", "--hostname", "--new-identity", "--remove-tools",
		"--nic", "--luks-key", "--unattend",
	};

	if (o->n_adapt_args + 2 > ADAPT_ARGS_MAX)
		return err_set(e, ERR_USAGE, "too many options for adapt");
	o->adapt_args[o->n_adapt_args++] = names[__builtin_ctzll(opt) - __builtin_ctzll(OPT_HARDWARE)];
	if (arg)
		o->adapt_args[o->n_adapt_args++] = arg;
	return 0;
}

static int add_drivers(const char *arg, struct cmd_opts *o, struct err *e)
{
	if (o->n_drivers == DRIVER_PLACES_MAX)
		return err_set(e, ERR_USAGE, "--drivers can be given %d times", DRIVER_PLACES_MAX);
	o->drivers[o->n_drivers++] = arg;
	return 0;
}

static int add_only(const char *arg, struct cmd_opts *o, struct err *e)
{
	if (o->n_only == DISKS_MAX)
		return err_set(e, ERR_USAGE, "--only can be given %d times", DISKS_MAX);
	o->only[o->n_only++] = arg;
	return 0;
}

static int add_serial(const char *arg, struct cmd_opts *o, struct err *e)
{
	if (o->n_expect_serial == DISKS_MAX)
		return err_set(e, ERR_USAGE, "--expect-serial can be given %d times", DISKS_MAX);
	o->expect_serial[o->n_expect_serial++] = arg;
	return 0;
}

static int add_unlock(const char *arg, struct cmd_opts *o, struct err *e)
{
	if (o->n_unlock == UNLOCK_FILES_MAX)
		return err_set(e, ERR_USAGE, "--unlock can be given %d times", UNLOCK_FILES_MAX);
	o->unlock[o->n_unlock++] = arg;
	return 0;
}

static int take(enum cmd_opt opt, const char *arg, struct cmd_opts *o, struct err *e)
{
	switch (opt) {
	case OPT_JSON: o->json = 1; break;
	case OPT_USED: o->used = 1; break;
	case OPT_NO_SYSTEMS: o->no_systems = 1; break;
	case OPT_LEVEL: return image_level_parse(arg, &o->level, e);
	case OPT_VERIFY: o->verify = 1; break;
	case OPT_DEEP: o->deep = 1; break;
	case OPT_DELTA: o->delta = 1; break;
	case OPT_DISCARD: o->discard = 1; break;
	case OPT_ZERO: o->zero = 1; break;
	case OPT_NEW_IDS: o->new_ids = 1; break;
	case OPT_RESUME: o->resume = 1; break;
	case OPT_SPLIT: return size("split", arg, VOLUME_MIN, &o->split, e);
	case OPT_BASE: o->base = arg; break;
	case OPT_DEDUP: o->dedup = 1; break;
	case OPT_ENCRYPT: o->encrypt = 1; break;
	case OPT_PASSPHRASE: o->passphrase = arg; break;
	case OPT_CHECKPOINT: return number("checkpoint", arg, 0, 86400, &o->checkpoint, e);
	case OPT_LOG: o->log = arg; break;
	case OPT_RETRY_PASSES: return number("retry-passes", arg, 0, 100, &o->retry_passes, e);
	case OPT_RETRY_TIME: return number("retry-time", arg, 0, INT_MAX, &o->retry_time, e);
	case OPT_PAGE_FILES: o->page_files = 1; break;
	case OPT_WORKERS: return number("workers", arg, 1, JOB_WORKERS_MAX, &o->workers, e);
	case OPT_CREDENTIALS: o->credentials = arg; break;
	case OPT_EVENTS_FD: return number("events-fd", arg, 0, INT_MAX, &o->events_fd, e);
	case OPT_READ_ONLY: o->read_only = 1; break;
	case OPT_RUN: o->run = arg; break;
	case OPT_ONLY: return add_only(arg, o, e);
	case OPT_INTO: o->into = arg; break;
	case OPT_OVERWRITE: o->overwrite = 1; break;
	case OPT_YES: o->yes = 1; break;
	case OPT_EXPECT_SERIAL: return add_serial(arg, o, e);
	case OPT_HELP: o->help = 1; break;
	case OPT_ADAPT: o->adapt = 1; break;
	case OPT_ADAPT_ANYWAY: o->adapt_anyway = 1; break;
	case OPT_UNLOCK: return add_unlock(arg, o, e);
	case OPT_DRIVERS: return add_drivers(arg, o, e);
	default: return pass_on(opt, arg, o, e);
	}
	return 0;
}

static int unknown(const struct cmd *c, const char *word, struct err *e)
{
	size_t n = strcspn(word, "=");

	for (const char *const *p = later; n > 2 && *p; p++)
		if (strlen(*p) == n - 2 && !strncmp(word + 2, *p, n - 2))
			return err_set(e, ERR_USAGE, "%.*s is not available in this version", (int)n, word);
	return err_set(e, ERR_USAGE, "%.*s is not an option of `rehost %s`; see `rehost %s --help`",
		       (int)n, word, c->name, c->name);
}

int cmd_parse(const struct cmd *c, int argc, char **argv, struct cmd_opts *ret,
	      struct err *e)
{
	struct option longs[N_LINES + 1] = { 0 };
	struct cmd_opts o = { .events_fd = -1, .checkpoint = -1, .retry_passes = -1, .retry_time = -1, .level = LEVEL_BALANCED };
	int n = 0, k, idx;

	for (size_t i = 0; i < N_LINES; i++)
		if ((c->options | OPT_HELP) & lines[i].opt)
			longs[n++] = (struct option){ .name = lines[i].name,
				.has_arg = lines[i].arg ? required_argument : no_argument,
				.val = (int)i };
	opterr = 0;
	optind = 1;
	while (idx = optind, (k = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (k == ':')
			return err_set(e, ERR_USAGE, "%s: a value must follow", argv[optind - 1]);
		if (k == '?') /* a single letter may leave optind where it was */
			return unknown(c, argv[optind > idx ? optind - 1 : idx], e);
		if (take(k == 'h' ? OPT_HELP : lines[k].opt, optarg, &o, e) < 0)
			return e->code;
	}
	o.n_args = argc - optind;
	o.args = argv + optind;
	if (!o.help && (o.n_args < c->min_args || (c->max_args >= 0 && o.n_args > c->max_args)))
		return err_set(e, ERR_USAGE, "usage: rehost %s [options] %s", c->name, c->args);
	*ret = o;
	return 0;
}

void cmd_help(const struct cmd *c)
{
	char word[40];

	printf("rehost %s [options] %s\n%s.\n\n%s\n", c->name, c->args, c->summary, c->text);
	for (size_t i = 0; i < N_LINES; i++) {
		if (!((c->options | OPT_HELP) & lines[i].opt))
			continue;
		snprintf(word, sizeof word, "--%s%s%s", lines[i].name,
			 lines[i].arg ? " " : "", lines[i].arg ? lines[i].arg : "");
		printf("  %-20s %s\n", word, lines[i].text);
	}
}
