/* cmd-verify.c: rehost verify: every record of an image against its hashes. */
#include <string.h>
#include "common/hash.h"
#include "common/json.h"
#include "imager/cmd-images.h"
#include "imager/deep.h"
#include "imager/imagefile.h"
#include "imager/report.h"
#include "imager/verified.h"

#define BAD_LISTED_MAX 10000 /* bad records kept for --json; all are counted */

struct bad_list {
	struct json_object *a;
	struct report *report;
	const char *name;
	uint64_t n;
};

static void on_bad(void *ctx, const struct verify_bad *b)
{
	struct bad_list *l = ctx;
	struct json_object *o;

	report_warning(l->report, "damaged", b->disk_offset, b->has_disk_range ? b->disk_len : 0,
		       "%s: %s record at offset %llu: %s", l->name, b->record,
		       (unsigned long long)b->offset, b->text);
	if (l->n++ >= BAD_LISTED_MAX)
		return;
	o = json_object_new_object();
	json_put_str(o, "record", b->record);
	json_put_u64(o, "offset", b->offset);
	if (b->has_disk_range) {
		json_put_u64(o, "disk_offset", b->disk_offset);
		json_put_u64(o, "disk_length", b->disk_len);
	}
	json_put_str(o, "text", b->text);
	json_object_array_add(l->a, o);
}

static struct json_object *result_json(const struct verify_result *v, struct bad_list *l)
{
	struct json_object *o = json_object_new_object();
	char digest[65];

	json_put_bool(o, "ok", v->ok);
	if (v->ok) {
		hex_encode(v->digest, 32, digest);
		json_put_str(o, "digest", digest);
	}
	json_put_u64(o, "bytes", v->bytes);
	json_put_u64(o, "chunks", v->chunks);
	json_put_u64(o, "image_bytes", v->image_bytes);
	json_put_u64(o, "bad_count", l->n);
	json_put(o, "bad", json_object_get(l->a));
	return o;
}

static void tell_done(struct report *rep, const char *name, const struct verify_result *v)
{
	char digest[65];

	hex_encode(v->digest, 32, digest);
	report_done(rep, &(struct events_done){ .digest = digest, .path = name,
		.bytes = v->bytes, .image_bytes = v->image_bytes,
		.seconds = (uint64_t)(v->seconds + 0.5) });
}

/* ---- --deep ---- */

static void tell_deep(struct report *rep, const char *name, struct json_object *doc)
{
	struct json_object *a = json_get_array(doc, "findings"), *one;

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		one = json_object_array_get_idx(a, i);
		report_warning(rep, "structure", json_get_u64(one, "offset", 0), json_get_u64(one, "bytes", 0),
			       "%s: %s", name, json_get_str(one, "text", ""));
	}
	a = json_get_array(doc, "not_checked");
	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		fprintf(stderr, "note: not looked into: %s\n",
			json_object_get_string(json_object_array_get_idx(a, i)));
}

/* Beside the image; of an encrypted one nothing of what is in it, only whether all of it was
 * looked into. */
static void keep(const char *path, const char *shown, const struct image *im, const char *digest,
		 const struct deep_result *d, struct report *rep)
{
	cleanup_json struct json_object *o = NULL;
	struct err e;

	if ((image_params(im)->must & FEATURE_ENCRYPTED) ||
	    json_object_deep_copy(d->doc, &o, NULL) < 0)
		o = json_object_new_object();
	json_put_bool(o, "ok", d->ok);
	json_put_bool(o, "partly", json_get_bool(d->doc, "partly", 0));
	json_put_str(o, "digest", digest);
	if (verified_write(path, o, &e) < 0)
		report_warning(rep, "place", 0, 0, "%s: the result can't be kept beside it: %s", shown, e.msg);
}

/* The image is as it was written; is it whole, too? */
static int go_deep(const struct cmd_images *l, const struct cmd_one *one, struct image_file *f,
		   const struct cmd_opts *o, struct passphrase *pass, struct report *rep,
		   const char *digest, struct json_object *doc, struct err *e)
{
	struct cmd_others others = { 0 };
	struct cont_keys keys = { 0 };
	struct deep_result d = { 0 };
	struct image *im = NULL;
	int rc = unlock_read(o->unlock, o->n_unlock, &keys, e);

	report_step(rep, "structure", "reading all that is in it");
	if (rc == 0)
		rc = image_open(f->in->dev, f->in->access, &im, e);
	if (rc == 0 && deep_spans(im))
		rc = cmd_others_open(l, one, pass, &others, e);
	if (rc == 0)
		rc = deep_check(im, one->shown, &keys, others.dev, others.n, &d, e);
	if (rc == 0) {
		tell_deep(rep, one->shown, d.doc);
		keep(one->path, one->shown, im, digest, &d, rep);
		json_put_bool(d.doc, "ok", d.ok);
		json_put(doc, "deep", d.doc);
		if (!d.ok)
			rc = err_set(e, ERR_CORRUPT, "%s is as it was written, but what it holds isn't whole", one->shown);
	}
	cmd_others_done(&others);
	image_close(im);
	unlock_done(&keys);
	return rc;
}

/* One image of l.  *ret: its document, if it could be read at all; a damaged one is an
 * error too. */
static int check(const struct cmd_images *l, const struct cmd_one *one, const struct cmd_opts *o,
		 struct passphrase *pass, struct report *rep, struct json_object **ret, struct err *e)
{
	cleanup_json struct json_object *bad = json_object_new_array();
	struct bad_list list = { .a = bad, .report = rep, .name = one->shown };
	struct verify_options opt = { .job.workers = o->workers, .bad = on_bad, .bad_ctx = &list };
	struct verify_result v = { 0 };
	struct image_ident id = { 0 };
	struct image_file f;
	char digest[65];
	int rc;

	if (image_file_open(one->path, pass, &f, e) < 0)
		return e->code;
	/* only for the number of bytes; verify_run tells what is wrong */
	if (!f.in->dev || image_identify(f.in->dev, &id, e) < 0)
		id.params.used_bytes = 0;
	report_start(rep, &(struct events_start){ .source = one->shown, .bytes_total = id.params.used_bytes,
						  .disk = l->is_machine ? (unsigned int)(one - l->v) + 1 : 0,
						  .disks = l->is_machine ? (unsigned int)l->n : 0 });
	rc = verify_run(f.in, &opt, report_job_events(rep), &v, e);
	if (rc == 0)
		*ret = result_json(&v, &list);
	hex_encode(v.digest, 32, digest);
	if (rc == 0 && !v.ok)
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: %llu bad records", one->shown,
			     (unsigned long long)list.n);
	if (rc == 0)
		rc = cmd_images_check(one, digest, e);
	if (rc == 0 && o->deep)
		rc = go_deep(l, one, &f, o, pass, rep, digest, *ret, e);
	image_file_close(&f);
	if (rc == 0)
		tell_done(rep, one->shown, &v);
	return rc;
}

static int check_one(const struct cmd_images *l, const struct cmd_opts *o, struct passphrase *pass,
		     struct report *rep, struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	int rc = check(l, l->v, o, pass, rep, &doc, e);
	struct err why;

	if (doc && o->json && json_print(stdout, doc, &why) < 0 && rc == 0) {
		*e = why;
		rc = why.code;
	}
	return rc;
}

/* All of them, whatever is wrong with one; the first bad one is the result. */
static int check_machine(const struct cmd_images *l, const struct cmd_opts *o,
			 struct passphrase *pass, struct report *rep, struct err *e)
{
	cleanup_json struct json_object *doc = json_object_new_object();
	struct json_object *a = json_object_new_array(), *one;
	struct err why, first = { 0 };

	for (size_t i = 0; i < l->n && first.code != ERR_CANCELLED; i++) {
		one = NULL;
		why.code = 0;
		if (check(l, &l->v[i], o, pass, rep, &one, &why) < 0) {
			if (!first.code || why.code == ERR_CANCELLED)
				first = why;
			fprintf(stderr, "%s: %s\n", l->v[i].name, why.msg);
			if (!one)
				one = json_object_new_object();
			json_put_bool(one, "ok", 0);
			json_put_str(one, "error", why.msg);
		}
		json_put_str(one, "name", l->v[i].name);
		json_object_array_add(a, one);
	}
	json_put_bool(doc, "ok", !first.code);
	json_put(doc, "images", a);
	if (o->json && first.code != ERR_CANCELLED && json_print(stdout, doc, e) < 0)
		return e->code;
	if (first.code)
		*e = first;
	return first.code;
}

static int check_all(const struct cmd_image *im, const struct cmd_opts *o, struct report *rep,
		     struct err *e)
{
	struct passphrase pass = { .file = o->passphrase, .stdin_busy = !strcmp(im->path, "-") };
	struct cmd_images l;
	int rc;

	if (cmd_images_list(im, o->args[0], &l, e) < 0)
		return e->code;
	rc = l.is_machine ? check_machine(&l, o, &pass, rep, e) : check_one(&l, o, &pass, rep, e);
	passphrase_done(&pass);
	cmd_images_done(&l);
	return rc;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct report_params rp = { .job = "verify", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct place_how how = { .write = o->deep, .cancel = &stop_signal };
	struct report *rep;
	struct cmd_image im;
	int rc;

	if (o->deep && !strcmp(o->args[0], "-"))
		return err_set(e, ERR_USAGE, "--deep reads an image here and there, which a pipe doesn't permit; name a file");
	if (o->n_unlock && !o->deep)
		return err_set(e, ERR_USAGE, "--unlock is of use with --deep only");
	if (report_new(&rp, &rep, e) < 0)
		return e->code;
	rc = cmd_image_open(o->args[0], o, &how, &im, e);
	if (rc < 0 && how.write && rc != ERR_USAGE && rc != ERR_SECRET) {
		/* one that can't be written can still be verified */
		how.write = 0;
		rc = cmd_image_open(o->args[0], o, &how, &im, e);
	}
	if (rc == 0)
		rc = cmd_image_close(&im, check_all(&im, o, rep, e), e);
	if (rc < 0)
		report_error(rep, e);
	else if (report_warnings(rep))
		rc = 3;
	report_free(rep);
	return rc;
}

const struct cmd cmd_verify = {
	.name = "verify", .args = "IMAGE", .summary = "Check every byte of an image",
	.options = OPT_DEEP | OPT_UNLOCK | OPT_JSON | OPT_WORKERS | OPT_CREDENTIALS | OPT_PASSPHRASE | OPT_EVENTS_FD,
	.min_args = 1, .max_args = 1, .run = run,
	.text = "Reads the whole image and compares all of it with its hashes. Names each bad\n"
		"record, and which part of the disk it holds. Status 1 if any is bad.\n"
		"Of a machine's directory, all images. With --deep the partition table and every file\n"
		"system are then read from the image, and all that they use must be in it; the result\n"
		"is kept in IMAGE.verified, for `info` and `place`. Encrypted volumes need --unlock.\n",
};
