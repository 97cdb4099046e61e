/* cmd-only.c: --only on behalf of the commands: which list is for which disk or
 * image. */
#include <string.h>
#include "imager/cmd.h"
#include "imager/part/choose.h"

/* "NAME=LIST": LIST, if it is that name's. */
static const char *list_of(const char *text, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(text, name, n) && text[n] == '=' ? text + n + 1 : NULL;
}

const char *cmd_only(const struct cmd_opts *o, const char *name, int many)
{
	const char *list;

	for (int i = 0; i < o->n_only; i++) {
		list = many ? list_of(o->only[i], name) : o->only[i];
		if (list)
			return list;
	}
	return NULL;
}

int cmd_only_check(const struct cmd_opts *o, const char *const *names, int n, struct err *e)
{
	if (n == 1 && o->n_only > 1)
		return err_set(e, ERR_USAGE, "--only can be given once; join the partitions by commas");
	for (int i = 0; n > 1 && i < o->n_only; i++) {
		int of = 0;

		while (of < n && !list_of(o->only[i], names[of]))
			of++;
		if (of == n)
			return err_set(e, ERR_USAGE, "--only %s: there are several, so give --only NAME=LIST, NAME being one of them, such as %s=1",
				       o->only[i], names[0]);
		for (int k = 0; k < i; k++)
			if (list_of(o->only[k], names[of]))
				return err_set(e, ERR_USAGE, "--only %s: %s has a list already; join the partitions by commas",
					       o->only[i], names[of]);
	}
	return 0;
}

/* Has the disk these partitions? */
static int look(const char *disk, const char *list, struct err *e)
{
	struct part_table *t = NULL;
	struct part_choice ignored;
	struct blkdev *dev;
	int rc;

	if (dev_open_ro(disk, &dev, e) < 0)
		return e->code;
	rc = part_read(dev, &t, e);
	if (rc == 0)
		rc = part_choose(list, t, &ignored, e);
	else if (rc == PART_NONE)
		rc = err_set(e, ERR_USAGE, "it has no partition table, so no partitions to choose from");
	part_free(t);
	dev_close(dev);
	return rc < 0 ? err_prefix(e, "%s", disk) : 0;
}

int cmd_only_look(const struct cmd_opts *o, const char *const *disks, int n, struct err *e)
{
	int rc = cmd_only_check(o, disks, n, e);

	for (int i = 0; i < n && rc == 0; i++) {
		const char *list = cmd_only(o, disks[i], n > 1);

		if (list)
			rc = look(disks[i], list, e);
	}
	return rc;
}
