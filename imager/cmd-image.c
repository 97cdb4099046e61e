/* cmd-image.c: where an image is, on behalf of all commands. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "imager/cmd.h"

static int open_place(const char *url, const struct cmd_opts *o,
		      const struct place_how *how, struct cmd_image *ret,
		      struct err *e)
{
	struct place_creds c;
	struct place p;
	int rc;

	if (place_parse(url, &p, e) < 0)
		return e->code == ERR_UNSUPPORTED ? err_set(e, ERR_USAGE, "%s", strdupa(e->msg)) : e->code;
	if (place_creds_get(&p, o->credentials, 0, &c, e) < 0)
		return e->code;
	rc = place_mount(&p, &c, how, &ret->mount, e);
	explicit_bzero(&c, sizeof c);
	if (rc < 0)
		return rc;
	ret->is_dir = !*ret->mount.file;
	snprintf(ret->path, sizeof ret->path, "%s",
		 ret->is_dir ? ret->mount.dir : ret->mount.file);
	return 0;
}

int cmd_image_open(const char *text, const struct cmd_opts *o,
		   const struct place_how *how, struct cmd_image *ret,
		   struct err *e)
{
	struct stat st;
	size_t n = strlen(text);

	memset(ret, 0, sizeof *ret);
	if (place_is_url(text))
		return open_place(text, o, how, ret, e);
	if (n >= sizeof ret->path)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	if (!n)
		return err_set(e, ERR_USAGE, "the path of the image is empty");
	snprintf(ret->path, sizeof ret->path, "%s", text);
	ret->is_dir = strcmp(text, "-") && (text[n - 1] == '/' || how->as_dir ||
					    (stat(text, &st) == 0 && S_ISDIR(st.st_mode)));
	return 0;
}

int cmd_image_close(struct cmd_image *im, int rc, struct err *e)
{
	struct err late;

	if (place_unmount(&im->mount, &late) < 0 && rc >= 0) {
		*e = late;
		return late.code;
	}
	return rc;
}
