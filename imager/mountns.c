/* mountns.c: see mountns.h. */
#include "imager/mountns.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define RUN_DIR "/run/rehost"

void mountns_own(void)
{
	static int done;

	if (!done && unshare(CLONE_NEWNS) == 0)
		mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
	done = 1;
}

int mountns_dir(const char *name, char ret[PATH_MAX], struct err *e)
{
	const char *run = getenv("REHOST_RUN_DIR");
	char dir[PATH_MAX];

	if (!run || !*run)
		run = RUN_DIR;
	if (mkdir(run, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s: can't be made (mounting needs root)", run);
	/* room for what is made below it */
	if (snprintf(dir, sizeof dir, "%s/%s-XXXXXX", run, name) >= PATH_MAX - 64)
		return err_set(e, ERR_USAGE, "%s is too long for a directory to mount in", run);
	if (!mkdtemp(dir))
		return err_sys(e, errno, "%s: no directory to mount in could be made", run);
	snprintf(ret, PATH_MAX, "%s", dir);
	return 0;
}
