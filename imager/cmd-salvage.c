/* cmd-salvage.c: rehost salvage: a torn or damaged image's good part as a new image. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/hash.h"
#include "common/json.h"
#include "imager/cmd.h"
#include "imager/imagefile.h"
#include "imager/imgdev.h"
#include "imager/lost.h"
#include "imager/report.h"
#include "imager/salvage.h"

#define LISTED_MAX 10000      /* ranges in --json; all are counted           */
#define TOLD_MAX 200          /* ranges told as warnings                     */

struct work {
	const struct cmd_opts *o;
	struct report *report;
	struct passphrase pass;
	struct json_object *doc, *files;
	uint8_t digest[32];
};

/* ---- what is told ---- */

static void on_tell(void *ctx, const char *text)
{
	report_warning(((struct work *)ctx)->report, "damaged", 0, 0, "%s", text);
}

static void tell_ranges(struct work *w, const char *key, const struct byte_range *v, size_t n,
			const char *what)
{
	struct json_object *a = json_object_new_array(), *one;

	for (size_t i = 0; i < n; i++) {
		if (i < TOLD_MAX)
			report_warning(w->report, "lost", v[i].off, v[i].len, "%s: bytes %llu to %llu of the disk",
				       what, (unsigned long long)v[i].off,
				       (unsigned long long)(v[i].off + v[i].len - 1));
		if (i == TOLD_MAX)
			report_warning(w->report, "lost", 0, 0, "%s: %zu more places; `rehost info` of the new image lists them",
				       what, n - i);
		if (i >= LISTED_MAX)
			break;
		one = json_object_new_object();
		json_put_u64(one, "offset", v[i].off);
		json_put_u64(one, "length", v[i].len);
		json_object_array_add(a, one);
	}
	json_put(w->doc, key, a);
}

static void tell_found(struct work *w, const struct salvage_found *f)
{
	json_put_bool(w->doc, "complete", !f->lost && !f->n_unknown && f->missing_known && !f->missing);
	json_put_u64(w->doc, "bytes", f->bytes);
	json_put_u64(w->doc, "lost", f->lost);
	if (f->missing_known)
		json_put_u64(w->doc, "missing", f->missing);
	json_put_bool(w->doc, "header_lost", f->header_lost);
	json_put_bool(w->doc, "description_lost", f->meta_lost);
	json_put_u64(w->doc, "bad_records", f->bad_records);
	tell_ranges(w, "lost_ranges", f->lost_range, f->n_lost, "lost (zeros in the new image)");
	tell_ranges(w, "unknown_ranges", f->unknown_range, f->n_unknown,
		    "what was used here isn't known (not in the new image)");
	if (f->missing && !f->n_unknown)
		report_warning(w->report, "lost", 0, 0, "%llu bytes more are lost; where they were isn't known",
			       (unsigned long long)f->missing);
}

static void on_file(void *ctx, const struct lost_file *f)
{
	struct work *w = ctx;
	struct json_object *o = json_object_new_object();

	json_put_str_if(o, "path", f->path);
	json_put_str(o, "what", f->what);
	json_put_str(o, "where", f->where);
	json_put_u64(o, "offset", f->off);
	json_put_u64(o, "length", f->len);
	json_object_array_add(w->files, o);
	report_warning(w->report, "unreadable-file", f->off, f->len, "lost: %s%s%s (%s)",
		       f->what, f->path ? " " : "", f->path ? f->path : "", f->where);
}

/* Lost and unknown ranges, ascending; of these only what a file system uses is told. */
static size_t both(const struct salvage_found *f, struct byte_range *ret)
{
	size_t i = 0, k = 0, n = 0;

	while (i < f->n_lost || k < f->n_unknown) {
		int lost = k == f->n_unknown || (i < f->n_lost && f->lost_range[i].off < f->unknown_range[k].off);
		struct byte_range r = lost ? f->lost_range[i++] : f->unknown_range[k++];
		struct byte_range *last = n ? &ret[n - 1] : NULL;
		uint64_t end = r.off + r.len;

		if (!last || last->off + last->len <= r.off)
			ret[n++] = r;
		else if (end > last->off + last->len)
			last->len = end - last->off;
	}
	return n;
}

/* The files that lost places belong to, as far as the new image can still tell; never
 * fails. */
static void name_files(struct work *w, const char *path, const struct salvage_found *f)
{
	struct image_file file = { 0 };
	struct byte_range *v = malloc((f->n_lost + f->n_unknown) * sizeof *v + 1);
	struct disk_map *map = NULL;
	struct image *im = NULL;
	struct blkdev *d = NULL;
	struct lost lost;
	struct err ignored;
	size_t n = v ? both(f, v) : 0;

	if (n && image_file_open(path, &w->pass, &file, &ignored) == 0 &&
	    image_open(file.in->dev, file.in->access, &im, &ignored) == 0 &&
	    dev_image(im, path, &d, &ignored) == 0 &&
	    map_build(d, &(struct map_options){ .probe_only = 1 }, &map, &ignored) == 0) {
		lost = (struct lost){ .disk = d, .map = map, .seconds = LOST_SECONDS };
		lost_name(&lost, v, n, on_file, w);
	}
	free(v);
	map_free(map);
	dev_close(d);
	image_close(im);
	image_file_close(&file);
}

/* ---- the work ---- */

static int write_new(struct work *w, struct salvage *s, const char *path, struct err *e)
{
	const struct salvage_found *f = salvage_found(s);
	struct salvage_options opt = {
		.from = w->o->args[0], .split = w->o->split,
		.passphrase = f->params.must & FEATURE_ENCRYPTED ? w->pass.text : NULL,
	};
	struct store_out *out;
	char digest[65];
	int rc = store_create(path, w->o->overwrite, &out, e);

	if (rc < 0)
		return rc;
	rc = salvage_write(s, &opt, out, w->digest, e);
	json_put_u64(w->doc, "image_bytes", out->written);
	if (rc == 0)
		rc = store_commit(out, e);
	if (rc < 0) {
		store_abort(out);
		return rc;
	}
	hex_encode(w->digest, sizeof w->digest, digest);
	json_put_str(w->doc, "digest", digest);
	name_files(w, path, f);
	report_done(w->report, &(struct events_done){ .status = report_warnings(w->report) ? 3 : 0,
		.digest = digest, .bytes = f->bytes, .path = w->o->args[1],
		.image_bytes = json_get_u64(w->doc, "image_bytes", 0) });
	return 0;
}

/* The damaged one is all that there is: it is never written over. */
static int same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int salvage(struct work *w, const char *from, const char *to, struct err *e)
{
	struct image_file file = { 0 };
	struct salvage_source src = { .tell = on_tell, .tell_ctx = w };
	struct salvage *s = NULL;
	unsigned int missing;
	int rc;

	if (same_file(from, to))
		return err_set(e, ERR_REFUSED, "%s is the damaged image itself; name another file for the new one", w->o->args[1]);
	if (!w->o->overwrite && access(to, F_OK) == 0)
		return err_set(e, ERR_REFUSED, "%s is there already; name another file, or give --overwrite", w->o->args[1]);
	rc = image_file_torn(from, &w->pass, &file, &missing, e);
	if (rc < 0)
		return rc;
	if (missing)
		report_warning(w->report, "damaged", 0, 0, "%u of its volumes aren't there", missing);
	src.file = file.in->dev;
	src.access = file.in->access;
	report_start(w->report, &(struct events_start){ .source = w->o->args[0], .target = w->o->args[1] });
	rc = salvage_look(&src, report_job_events(w->report), &s, e);
	if (rc == 0) {
		tell_found(w, salvage_found(s));
		rc = write_new(w, s, to, e);
	}
	salvage_free(s);
	image_file_close(&file);
	return rc;
}

static int open_both(struct work *w, struct err *e)
{
	struct place_how read = { .cancel = &stop_signal }, write = { .write = 1, .cancel = &stop_signal };
	const char *const *args = (const char *const *)w->o->args;
	struct cmd_image from, to;
	int rc;

	if (!strcmp(args[0], "-") || !strcmp(args[1], "-"))
		return err_set(e, ERR_USAGE, "a damaged image is read twice, and the new one at its end: name files, no pipe");
	rc = cmd_image_open(args[0], w->o, &read, &from, e);
	if (rc < 0)
		return rc;
	rc = cmd_image_open(args[1], w->o, &write, &to, e);
	if (rc == 0 && (from.is_dir || to.is_dir))
		rc = err_set(e, ERR_USAGE, "%s is a directory; name one image and one new file",
			     args[from.is_dir ? 0 : 1]);
	else if (rc == 0)
		rc = salvage(w, from.path, to.path, e);
	else
		return cmd_image_close(&from, rc, e);
	rc = cmd_image_close(&to, rc, e);
	return cmd_image_close(&from, rc, e);
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct report_params rp = { .job = "salvage", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	cleanup_json struct json_object *doc = json_object_new_object();
	struct work w = { .o = o, .doc = doc, .files = json_object_new_array(),
			  .pass = { .file = o->passphrase } };
	int rc;

	json_put(doc, "unreadable_files", w.files);
	if (report_new(&rp, &w.report, e) < 0)
		return e->code;
	rc = open_both(&w, e);
	if (rc == 0 && o->json)
		rc = json_print(stdout, doc, e);
	if (rc < 0)
		report_error(w.report, e);
	else
		rc = report_warnings(w.report) ? 3 : 0;
	passphrase_done(&w.pass);
	report_free(w.report);
	return rc;
}

const struct cmd cmd_salvage = {
	.name = "salvage", .args = "IMAGE NEW", .summary = "What is good of a damaged image",
	.options = OPT_JSON | OPT_OVERWRITE | OPT_SPLIT | OPT_CREDENTIALS | OPT_PASSPHRASE | OPT_EVENTS_FD,
	.min_args = 2, .max_args = 2, .run = run,
	.text = "Looks for every good piece of a torn or damaged image, and writes them to NEW,\n"
		"a complete image. What is known to be lost is zeros in it, and listed as unreadable.\n"
		"An unfinished NAME.rhi.part and images of which volumes are missing are taken, too.\n"
		"Images that IMAGE is based on must be beside it; NEW needs none.\n"
		"Status 3 if anything is lost. IMAGE is only read.\n",
};
