/* cmd-info.c: rehost info: what an image says of itself. */
#include <errno.h>
#include <string.h>
#include "imager/cmd-images.h"
#include "imager/image-json.h"

/* The image's document; *ret_bad: what is wrong with it, also with its place in the
 * machine's list. */
static int describe(const struct cmd_one *one, struct passphrase *pass, struct json_object **ret,
		    struct err *ret_bad, struct err *e)
{
	const char *digest;

	if (image_json_full(one->path, pass, ret, ret_bad, e) < 0)
		return e->code;
	digest = json_get_str(*ret, "digest", NULL);
	if (!ret_bad->code && digest && cmd_images_check(one, digest, ret_bad) < 0)
		json_put_str(*ret, "error", ret_bad->msg);
	return 0;
}

static int print(const struct cmd_opts *o, struct json_object *doc, struct err *e)
{
	if (o->json)
		return json_print(stdout, doc, e);
	image_text(stdout, doc);
	return fflush(stdout) ? err_sys(e, errno, "writing to stdout") : 0;
}

static int show_one(const struct cmd_one *one, struct passphrase *pass, const struct cmd_opts *o,
		    struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	struct err bad;

	if (describe(one, pass, &doc, &bad, e) < 0 || print(o, doc, e) < 0)
		return e->code;
	if (bad.code)
		*e = bad;
	return bad.code;
}

/* All that can be told, also when one of them is missing or damaged; the first
 * thing that is wrong is the result. */
static int show_machine(const struct cmd_images *l, struct passphrase *pass, const struct cmd_opts *o,
			struct err *e)
{
	cleanup_json struct json_object *doc = json_object_new_object();
	struct json_object *a = json_object_new_array(), *one;
	struct err bad, why, first = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		one = NULL;
		if (describe(&l->v[i], pass, &one, &bad, &why) < 0) {
			one = json_object_new_object();
			json_put_bool(one, "complete", 0);
			json_put_str(one, "error", why.msg);
			bad = why;
		}
		if (bad.code && !first.code)
			first = bad;
		json_put_str(one, "name", l->v[i].name);
		json_object_array_add(a, one);
		if (o->json)
			continue;
		printf("%s%s: ", i ? "\n" : "", l->v[i].name);
		image_text(stdout, one);
	}
	json_put_u64(doc, "format", 1);
	json_put(doc, "images", a);
	json_put(doc, "hardware", json_object_get(l->machine.hardware));
	if (o->json && json_print(stdout, doc, e) < 0)
		return e->code;
	if (fflush(stdout))
		return err_sys(e, errno, "writing to stdout");
	if (first.code)
		*e = first;
	return first.code;
}

static int show(const struct cmd_image *im, const struct cmd_opts *o, struct err *e)
{
	struct passphrase pass = { .file = o->passphrase };
	struct cmd_images l;
	int rc;

	if (cmd_images_list(im, o->args[0], &l, e) < 0)
		return e->code;
	rc = l.is_machine ? show_machine(&l, &pass, o, e) : show_one(l.v, &pass, o, e);
	passphrase_done(&pass);
	cmd_images_done(&l);
	return rc;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct place_how how = { .cancel = &stop_signal };
	struct cmd_image im;

	if (!strcmp(o->args[0], "-"))
		return err_set(e, ERR_USAGE, "an image from a pipe can't be looked into; name a file");
	if (cmd_image_open(o->args[0], o, &how, &im, e) < 0)
		return e->code;
	return cmd_image_close(&im, show(&im, o, e), e);
}

const struct cmd cmd_info = {
	.name = "info", .args = "IMAGE", .summary = "What an image holds",
	.options = OPT_JSON | OPT_CREDENTIALS | OPT_PASSPHRASE, .min_args = 1, .max_args = 1, .run = run,
	.text = "Disk, partitions, operating systems, machine, and whether the image is\n"
		"complete. Checks the image's frame, not its content; `verify` does that.\n"
		"Status 1 if it is not complete or is damaged. Of a machine's directory, all images.\n",
};
