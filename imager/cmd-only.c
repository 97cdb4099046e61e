/* cmd-only.c: --only on behalf of the commands: which list is for which disk or
 * image. */
#include <string.h>
#include "imager/cmd.h"

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
