/* assemble: puts the file systems of DISKs together and tells what it found, as
 * JSON; with -x runs a shell command in the first root meanwhile.
 * usage: assemble [-w] [-k KEYFILE] [-x COMMAND] [-s SECONDS] DISK...
 *        assemble -i [...] IMAGE */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/json.h"
#include "drivers-inject/mount/assemble.h"
#include "imager/guard.h"
#include "imager/imgfuse.h"

static int fail(const struct err *e)
{
	fprintf(stderr, "assemble: %s\n", e->msg);
	return err_exit_status(e->code);
}

static struct json_object *texts(const struct strv *l)
{
	struct json_object *o = json_object_new_array();

	for (size_t i = 0; i < l->n; i++)
		json_object_array_add(o, json_text(l->v[i]));
	return o;
}

static void tell(const struct assembly *a)
{
	struct json_object *o = json_object_new_object(), *roots = json_object_new_array();
	struct err e;

	for (size_t i = 0; i < a->n_roots; i++) {
		struct json_object *r = json_object_new_object();

		json_put_str(r, "dir", a->root[i].dir);
		json_put_str(r, "subvol", a->root[i].subvol);
		json_put_u64(r, "volume", (uint64_t)a->root[i].volume);
		json_put(r, "volumes", volumes_json(&a->root[i].volumes));
		json_object_array_add(roots, r);
	}
	json_put(o, "roots", roots);
	json_put(o, "volumes", volumes_json(&a->volumes));
	json_put(o, "notes", texts(&a->notes));
	json_put(o, "warnings", texts(&a->warnings));
	if (json_print(stdout, o, &e))
		fprintf(stderr, "%s\n", e.msg);
	fflush(stdout);
	json_object_put(o);
}

/* In the root, in the mount namespace that it is mounted in. */
static int run_in(const char *dir, const char *command)
{
	char text[8192];

	snprintf(text, sizeof text, "cd '%s' && %s", dir, command);
	return system(text) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct guard_permit permit[VOLUME_DISKS_MAX];
	static struct write_token token[VOLUME_DISKS_MAX];
	struct assemble_request q = { 0 };
	const char *command = NULL, *disk, *shown;
	struct image_mount *im = NULL;
	struct assembly *a;
	struct err e;
	unsigned int seconds = 0;
	int c, rc = 0, write = 0, image = 0;

	while ((c = getopt(argc, argv, "iwk:x:s:")) != -1) {
		if (c == 'w')
			write = 1;
		else if (c == 'i')
			image = 1;
		else if (c == 'k')
			q.luks_key = optarg;
		else if (c == 'x')
			command = optarg;
		else if (c == 's')
			seconds = (unsigned int)atoi(optarg);
		else
			return 2;
	}
	q.disk = (const char *const *)argv + optind;
	q.n_disks = (size_t)(argc - optind);
	for (size_t i = 0; write && i < q.n_disks && i < VOLUME_DISKS_MAX; i++) {
		if (guard_permit_edit(q.disk[i], 1, &permit[i], &e))
			return fail(&e);
		token[i] = permit[i].token;
	}
	if (write)
		q.token = token;
	if (image) {
		shown = argv[optind];
		if (image_mount(shown, &im, &disk, &e))
			return fail(&e);
		q.disk = &disk;
		q.shown = &shown;
	}
	if (guest_assemble(&q, &a, &e)) {
		image_unmount(im);
		return fail(&e);
	}
	tell(a);
	if (command && a->n_roots)
		rc = run_in(a->root[0].dir, command);
	sleep(seconds);
	if (assembly_close(&a, &e))
		rc = fail(&e);
	if (im && image_mount_failed(im, &e))
		rc = fail(&e);
	image_unmount(im);
	return rc;
}
