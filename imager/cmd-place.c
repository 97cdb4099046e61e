/* cmd-place.c: rehost place: can images be kept there, and which are? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "common/run.h"
#include "common/text.h"
#include "common/units.h"
#include "imager/cmd.h"
#include "imager/image-json.h"
#include "imager/machine.h"
#include "imager/sysfs.h"

/* The proof is a file that was made. */
static int writable(const char *dir)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s/.rehost-test-%d", dir, (int)getpid()) >= (int)sizeof path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	close(fd);
	unlink(path);
	return 1;
}

static int ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

/* What a capture of NAME.rhi left that didn't come to its end. */
static void add_cut(struct json_object *list, const char *path, const char *part)
{
	char name[NAME_MAX + 1];
	struct json_object *o;

	snprintf(name, sizeof name, "%.*s", (int)(strlen(part) - strlen(".part")), part);
	o = image_json_cut(path, name);
	if (o)
		json_object_array_add(list, o);
}

static int list(const char *dir, const char *url, struct json_object *o, struct err *e)
{
	cleanup_names char **names = sysfs_names("%s", dir);
	struct json_object *images = json_object_new_array(), *dirs = json_object_new_array();
	struct json_object *drivers = json_object_new_array(), *cut = json_object_new_array();
	char path[PATH_MAX];
	struct stat st;

	if (!names)
		err_sys(e, errno, "%s: the directory can't be read", url);
	for (char **p = names; p && *p && !stop_signal; p++) {
		if (snprintf(path, sizeof path, "%s/%s", dir, *p) >= (int)sizeof path ||
		    stat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			json_object_array_add(dirs, json_text(*p));
		else if (S_ISREG(st.st_mode) && ends_in(*p, ".rhi"))
			json_object_array_add(images, image_json_short(path, *p));
		else if (S_ISREG(st.st_mode) && ends_in(*p, ".rhi.part"))
			add_cut(cut, path, *p);
		else if (S_ISREG(st.st_mode) && driver_is_file(*p))
			json_object_array_add(drivers, json_text(*p));
	}
	json_put(o, "images", images);
	json_put(o, "directories", dirs);
	json_put(o, "drivers", drivers);
	json_put(o, "interrupted", cut);
	return names ? 0 : e->code;
}

/* The images that belong together; a list that can't be read isn't told. */
static void list_machine(const char *dir, struct json_object *o)
{
	struct json_object *a;
	struct machine m;
	struct err ignored;

	if (machine_read(dir, &m, &ignored) < 0)
		return;
	a = json_object_new_array();
	for (size_t i = 0; i < m.n; i++)
		json_object_array_add(a, json_text(m.v[i].image));
	json_put(o, "machine", a);
	machine_done(&m);
}

static void print_text(struct json_object *o)
{
	struct json_object *a = json_get_array(o, "images"), *im, *verified;

	printf("%s: %s, %s of %s free\n", json_get_str(o, "url", ""),
	       json_get_bool(o, "writable", 1) ?
	       json_get_bool(o, "writable", 0) ? "writable" : "only read" : "can't be written",
	       units_bytes(json_get_u64(o, "free", 0)).s, units_bytes(json_get_u64(o, "total", 0)).s);
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		im = json_object_array_get_idx(a, i);
		printf("  %-30s %9s  %s  ", json_get_str(im, "name", "?"),
		       units_bytes(json_get_u64(im, "size", 0)).s,
		       json_get_bool(im, "complete", 0) ? json_get_str(im, "created", "") : "not complete");
		text_print(stdout, json_get_str(im, "model", json_get_str(im, "error", "")));
		if ((verified = json_get_object(im, "verified")))
			fputs(!json_get_bool(verified, "ok", 0) ? "  NOT WHOLE" :
			      json_get_bool(verified, "partly", 0) ? "  verified in part" : "  verified", stdout);
		putchar('\n');
	}
	a = json_get_array(o, "interrupted");
	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		im = json_object_array_get_idx(a, i);
		printf("  %-30s %9s  interrupted; --resume goes on\n", json_get_str(im, "name", "?"),
		       units_bytes(json_get_u64(im, "size", 0)).s);
	}
	a = json_get_array(o, "directories");
	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		printf("  %s/\n", json_object_get_string(json_object_array_get_idx(a, i)));
}

/* write: 1 it was mounted to be written, 0 it can't be, -1 nobody asked */
static int look(const char *url, const struct cmd_image *im, int write,
		struct json_object *o, struct err *e)
{
	struct statvfs v;

	if (statvfs(im->path, &v) < 0)
		return err_sys(e, errno, "%s", url);
	json_put_str(o, "url", url);
	if (write >= 0)
		json_put_bool(o, "writable", write && writable(im->path));
	json_put_u64(o, "free", (uint64_t)v.f_bavail * v.f_frsize);
	json_put_u64(o, "total", (uint64_t)v.f_blocks * v.f_frsize);
	if (list(im->path, url, o, e) < 0)
		return e->code;
	list_machine(im->path, o);
	return 0;
}

/* PROGRAM DIRECTORY: what it prints is ours to print, its failure is ours. */
static int run_there(const char *program, const struct cmd_image *im, struct err *e)
{
	const char *const argv[] = { program, im->path, NULL };
	struct run_spec s = { .argv = argv, .out_max = 1 << 20, .cancel = &stop_signal };
	struct run_result r;
	int rc = run_program(&s, &r, e);

	if (rc < 0)
		return rc;
	fwrite(r.out, 1, r.out_len, stdout);
	if (r.status)
		rc = err_set(e, ERR_IO, "%s ended with status %d%s%s", program, r.status,
			     *r.err ? ": " : "", r.err);
	run_result_done(&r);
	return rc;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	cleanup_json struct json_object *doc = json_object_new_object();
	struct place_how how = { .write = !o->read_only, .as_dir = 1, .cancel = &stop_signal };
	struct cmd_image im;
	struct err first;
	int rc, write = o->read_only ? -1 : 1;

	if (o->run && o->read_only)
		return err_set(e, ERR_USAGE, "--run and --read-only exclude each other");
	rc = cmd_image_open(o->args[0], o, &how, &im, e);
	if (rc == ERR_IO && !o->run && write > 0 && !strncmp(o->args[0], "dev://", 6)) {
		/* write-protected, or not cleanly unmounted: still good to read */
		first = *e;
		how.write = write = 0;
		rc = cmd_image_open(o->args[0], o, &how, &im, e);
		if (rc < 0)
			*e = first;
	}
	if (rc < 0)
		return e->code;
	if (o->run)
		return cmd_image_close(&im, run_there(o->run, &im, e), e);
	rc = cmd_image_close(&im, look(o->args[0], &im, write, doc, e), e);
	if (rc < 0)
		return rc;
	if (o->json)
		return json_print(stdout, doc, e);
	print_text(doc);
	return fflush(stdout) ? err_sys(e, errno, "writing to stdout") : 0;
}

const struct cmd cmd_place = {
	.name = "place", .args = "PLACE", .summary = "Check a place for images, list them",
	.options = OPT_JSON | OPT_CREDENTIALS | OPT_READ_ONLY | OPT_RUN, .min_args = 1, .max_args = 1, .run = run,
	.text = "PLACE is a directory: a path, smb://HOST/SHARE/DIR, nfs://HOST/EXPORT/DIR or\n"
		"dev:///dev/NAME/DIR. Tells whether it can be written, how much is free, and\n"
		"which images and directories it has; with --read-only it is not written to at all.\n"
		"With --run it is mounted to be written,\n"
		"and PROGRAM is run with its directory as the only argument instead.\n",
};
