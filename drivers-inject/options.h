/* options.h: the command line of rehost-adapt. */
#ifndef REHOST_ADAPT_OPTIONS_H
#define REHOST_ADAPT_OPTIONS_H
#include "drivers-inject/strv.h"

enum mode { MODE_APPLY, MODE_DRY_RUN, MODE_DETECT, MODE_CHECK, MODE_UNDO };

struct options {
	enum mode mode;
	int json, yes, new_identity, remove_tools, chroot, reinstall_boot, no_nvram, even_dirty,
	    discard_hibernation;
	int events_fd;          /* -1: none                                  */
	const char *root, *volumes, *hardware, *profile, *old_hardware, *target;
	const char *hostname, *luks_key, *unattend;
	struct strv nics;
	struct strv drivers;    /* paths and places, as given               */
	char **disks;           /* NULL at the end; argv's                   */
	int n_disks;
};

/* -1: go on; else the exit status.  options_done in any case. */
int options_parse(int argc, char **argv, struct options *ret);
void options_done(struct options *o);
#endif
