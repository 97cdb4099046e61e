/* scratch.c: see scratch.h. */
#include "common/scratch.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

int scratch_make(const char *dir, char *ret, struct err *e)
{
	const char *base = dir ? dir : getenv("TMPDIR");

	if (snprintf(ret, SCRATCH_PATH, "%s/rehost-XXXXXX", base && *base ? base : "/tmp") >=
	    SCRATCH_PATH) {
		*ret = 0;
		return err_set(e, ERR_UNSUPPORTED, "%.100s...: the path of the directory for scratch "
			       "files is too long", base);
	}
	if (!mkdtemp(ret)) {
		int n = errno;

		err_sys(e, n, "%s: making a directory for scratch files", ret);
		*ret = 0;
		return ERR_IO;
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void scratch_remove(const char *path)
{
	if (*path)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
