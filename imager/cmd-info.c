/* cmd-info.c: rehost info: what an image says of itself. */
#include <errno.h>
#include <string.h>
#include "imager/cmd.h"
#include "imager/image-json.h"

static int show(const char *path, const struct cmd_opts *o, struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	struct passphrase pass = { .file = o->passphrase };
	struct err bad;
	int rc = image_json_full(path, &pass, &doc, &bad, e);

	passphrase_done(&pass);
	if (rc < 0)
		return e->code;
	if (o->json) {
		if (json_print(stdout, doc, e) < 0)
			return e->code;
	} else {
		image_text(stdout, doc);
		if (fflush(stdout))
			return err_sys(e, errno, "writing to stdout");
	}
	if (bad.code)
		*e = bad;
	return bad.code;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct place_how how = { .cancel = &stop_signal };
	struct cmd_image im;

	if (!strcmp(o->args[0], "-"))
		return err_set(e, ERR_USAGE, "an image from a pipe can't be looked into; name a file");
	if (cmd_image_open(o->args[0], o, &how, &im, e) < 0)
		return e->code;
	return cmd_image_close(&im, show(im.path, o, e), e);
}

const struct cmd cmd_info = {
	.name = "info", .args = "IMAGE", .summary = "What an image holds",
	.options = OPT_JSON | OPT_CREDENTIALS | OPT_PASSPHRASE, .min_args = 1, .max_args = 1, .run = run,
	.text = "Disk, partitions, operating systems, machine, and whether the image is\n"
		"complete. Checks the image's frame, not its content; `verify` does that.\n"
		"Status 1 if it is not complete or is damaged.\n",
};
