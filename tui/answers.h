/* answers.h: the answer file of an unattended run (docs/WIZARD.md, Answer
 * files): text in, a job out.  Pure. */
#ifndef REHOST_TUI_ANSWERS_H
#define REHOST_TUI_ANSWERS_H
#include "tui/job.h"
#include "tui/model.h"

#define ANSWERS_MAX 65536   /* bytes of a file; more is no answer file */

enum answers_then { THEN_WIZARD, THEN_POWEROFF, THEN_REBOOT, THEN_SHELL };
enum disk_key { DISK_SERIAL, DISK_WWN, DISK_PATH };

struct disk_name {          /* how a disk is named: exactly one must match */
	enum disk_key key;
	char value[80];
};

struct answers {
	struct job job;         /* all but its disks and target */
	struct disk_name disks[JOB_DISKS_MAX];
	size_t ndisks;
	/* restore of machine.json: as many as it lists, in its order; else one */
	struct disk_name targets[JOB_DISKS_MAX];
	size_t ntargets;
	char only[JOB_DISKS_MAX][JOB_ONLY_MAX]; /* capture: by disk; else the first */
	char credentials[1024]; /* file or URL with username=, password=; "" none */
	char passphrase_file[1024]; /* file or URL: the image's passphrase; "" none */
	enum answers_then after, on_error;
};

/* ERR_USAGE names the line that is wrong. */
int answers_parse(const char *text, size_t len, struct answers *ret,
		  struct err *e) must_check;
/* Lines username=, password=, domain= into the SMB part of p. */
int answers_credentials(const char *text, size_t len, struct job_place *p,
			struct err *e) must_check;
/* The first line of text, as the passphrase of j's image. */
int answers_passphrase(const char *text, size_t len, struct job *j, struct err *e) must_check;
/* The job with the disks that the names mean.  ERR_REFUSED: none or several
 * match, or the target can't be overwritten. */
int answers_resolve(const struct answers *a, const struct model_disks *m,
		    struct job *ret, struct err *e) must_check;
/* The value of rehost.answers= on a kernel command line; false if it isn't
 * there or doesn't fit. */
bool answers_option(const char *cmdline, char *ret, size_t size);
#endif
