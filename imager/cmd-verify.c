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
	char where[80] = "";

	if (b->has_disk_range)
		snprintf(where, sizeof where, " (bytes %llu to %llu of the disk)", (unsigned long long)b->disk_offset,
			 (unsigned long long)(b->disk_offset + b->disk_len - 1));
	report_warning(l->report, "damaged", b->disk_offset, b->has_disk_range ? b->disk_len : 0,
		       "%s: %s%s", l->name, b->text, where);
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

/* What is kept of an image that isn't as it was written. */
static struct json_object *failure(const struct err *why)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();
	struct json_object *one = json_object_new_object();

	json_put_str(one, "text", why->msg);
	json_object_array_add(a, one);
	json_put(o, "findings", a);
	return o;
}

/* Beside the image; of an encrypted one nothing of what is in it, only whether all of it was
 * looked into.  found: the caller's; NULL: it failed before, for the reason in why. */
static void keep(const struct cmd_one *one, const struct image_ident *id, struct json_object *found,
		 const struct err *why, struct report *rep)
{
	cleanup_json struct json_object *o = found ? NULL : failure(why);
	char digest[65];
	struct err e;

	if ((id->params.must & FEATURE_ENCRYPTED) ||
	    (found && json_object_deep_copy(found, &o, NULL) < 0)) {
		json_object_put(o);
		o = json_object_new_object();
	}
	hex_encode(id->digest, 32, digest);
	json_put_bool(o, "ok", json_get_bool(found, "ok", 0));
	json_put_bool(o, "partly", json_get_bool(found, "partly", 0));
	json_put_str(o, "digest", digest);
	if (verified_write(one->path, o, &e) < 0)
		report_warning(rep, "place", 0, 0, "%s: the result can't be kept beside it: %s", one->shown, e.msg);
}

/* The job, and which of the images a result is kept of that isn't true any more. */
struct verifying {
	const struct cmd_opts *o;
	struct passphrase pass;
	struct cont_keys keys;
	struct report *rep;
	struct cmd_images l;
	uint8_t stale[MACHINE_DISKS_MAX];
};

/* The image is as it was written; is it whole, too?  What is found becomes doc's. */
static int go_deep(struct verifying *c, const struct cmd_one *one, struct image_file *f,
		   struct json_object *doc, struct err *e)
{
	struct cmd_others others = { 0 };
	struct deep_result d = { 0 };
	struct image *im = NULL;
	int rc;

	report_step(c->rep, "structure", "reading all that is in it");
	rc = image_open(f->in->dev, f->in->access, &im, e);
	if (rc == 0 && deep_spans(im))
		rc = cmd_others_open(&c->l, one, &c->pass, &others, e);
	if (rc == 0)
		rc = deep_check(im, one->shown, &c->keys, others.dev, others.n, &d, e);
	if (rc == 0) {
		tell_deep(c->rep, one->shown, d.doc);
		json_put_bool(d.doc, "ok", d.ok);
		json_put(doc, "deep", d.doc);
		if (!d.ok)
			rc = err_set(e, ERR_CORRUPT, "%s is as it was written, but what it holds isn't whole", one->shown);
	}
	cmd_others_done(&others);
	image_close(im);
	return rc;
}

/* 1: that error is the image's own. */
static int is_bad(int code)
{
	return code == ERR_CORRUPT || code == ERR_IO || code == ERR_NOT_FOUND;
}

static int check_file(struct verifying *c, const struct cmd_one *one, struct image_file *f,
		      struct events_start *start, struct json_object **ret, struct err *e)
{
	cleanup_json struct json_object *bad = json_object_new_array();
	struct bad_list l = { .a = bad, .report = c->rep, .name = one->shown };
	struct verify_options opt = { .job.workers = c->o->workers, .bad = on_bad, .bad_ctx = &l };
	struct verify_result v = { 0 };
	struct image_ident id = { 0 };
	char digest[65];
	int rc;

	/* verify_run tells what is wrong */
	if (!f->in->dev || image_identify(f->in->dev, &id, e) < 0)
		id = (struct image_ident){ 0 };
	start->bytes_total = id.params.used_bytes;
	report_start(c->rep, start);
	rc = verify_run(f->in, &opt, report_job_events(c->rep), &v, e);
	if (rc == 0)
		*ret = result_json(&v, &l);
	hex_encode(v.digest, 32, digest);
	if (rc == 0 && !v.ok)
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: %llu bad records", one->shown,
			     (unsigned long long)l.n);
	if (rc == 0)
		rc = cmd_images_check(one, digest, e);
	if (rc == 0 && c->o->deep)
		rc = go_deep(c, one, f, *ret, e);
	if (c->o->deep && id.complete && (rc == 0 || is_bad(rc)))
		keep(one, &id, json_get_object(*ret, "deep"), e, c->rep);
	if (rc == 0)
		tell_done(c->rep, one->shown, &v);
	return rc;
}

/* The i-th image.  *ret: its document, if it could be read at
 * all; a damaged one is an error too. */
static int check(struct verifying *c, size_t i, struct json_object **ret, struct err *e)
{
	const struct cmd_one *one = &c->l.v[i];
	struct events_start start = { .source = one->shown, .disk = c->l.is_machine ? (unsigned int)i + 1 : 0,
				      .disks = c->l.is_machine ? (unsigned int)c->l.n : 0 };
	struct image_file f;
	int rc = image_file_open(one->path, &c->pass, &f, e);

	if (rc == 0) {
		rc = check_file(c, one, &f, &start, ret, e);
		image_file_close(&f);
	}
	c->stale[i] = is_bad(rc) && strcmp(one->path, "-") && verified_says_ok(one->path);
	return rc;
}

static int check_one(struct verifying *c, struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	int rc = check(c, 0, &doc, e);
	struct err why;

	if (doc && c->o->json && json_print(stdout, doc, &why) < 0 && rc == 0) {
		*e = why;
		rc = why.code;
	}
	return rc;
}

/* All of them, whatever is wrong with one; the first bad one is the result. */
static int check_machine(struct verifying *c, struct err *e)
{
	cleanup_json struct json_object *doc = json_object_new_object();
	struct json_object *a = json_object_new_array(), *one;
	struct err why, first = { 0 };

	for (size_t i = 0; i < c->l.n && first.code != ERR_CANCELLED; i++) {
		one = NULL;
		why.code = 0;
		if (check(c, i, &one, &why) < 0) {
			if (!first.code || why.code == ERR_CANCELLED)
				first = why;
			fprintf(stderr, "%s: %s\n", c->l.v[i].name, why.msg);
			if (!one)
				one = json_object_new_object();
			json_put_bool(one, "ok", 0);
			json_put_str(one, "error", why.msg);
		}
		json_put_str(one, "name", c->l.v[i].name);
		json_object_array_add(a, one);
	}
	json_put_bool(doc, "ok", !first.code);
	json_put(doc, "images", a);
	if (c->o->json && first.code != ERR_CANCELLED && json_print(stdout, doc, e) < 0)
		return e->code;
	if (first.code)
		*e = first;
	return first.code;
}

static int check_all(struct verifying *c, const struct cmd_image *im, struct err *e)
{
	int rc;

	c->pass = (struct passphrase){ .file = c->o->passphrase, .stdin_busy = !strcmp(im->path, "-") };
	if (cmd_images_list(im, c->o->args[0], &c->l, e) < 0)
		return e->code;
	rc = c->l.is_machine ? check_machine(c, e) : check_one(c, e);
	passphrase_done(&c->pass);
	cmd_images_done(&c->l);
	return rc;
}

/* Takes away what isn't true any more: the place was opened to be read only, maybe. */
static int forget_stale(struct verifying *c, struct err *e)
{
	struct place_how how = { .write = 1, .cancel = &stop_signal };
	struct cmd_images l = { 0 };
	struct cmd_image im;
	int rc;

	if (!memchr(c->stale, 1, sizeof c->stale))
		return 0;
	if (cmd_image_open(c->o->args[0], c->o, &how, &im, e) < 0)
		return e->code;
	rc = cmd_images_list(&im, c->o->args[0], &l, e);
	for (size_t i = 0; rc == 0 && i < l.n; i++)
		rc = c->stale[i] ? verified_forget(l.v[i].path, e) : 0;
	cmd_images_done(&l);
	return cmd_image_close(&im, rc, e);
}

static int open_and_check(struct verifying *c, struct err *e)
{
	struct place_how how = { .write = c->o->deep, .cancel = &stop_signal };
	struct cmd_image im;
	int rc = unlock_read(c->o->unlock, c->o->n_unlock, &c->keys, e);

	if (rc < 0)
		return rc;
	rc = cmd_image_open(c->o->args[0], c->o, &how, &im, e);
	if (rc < 0 && how.write && rc != ERR_USAGE && rc != ERR_SECRET) {
		/* one that can't be written can still be verified */
		how.write = 0;
		rc = cmd_image_open(c->o->args[0], c->o, &how, &im, e);
	}
	return rc < 0 ? rc : cmd_image_close(&im, check_all(c, &im, e), e);
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct report_params rp = { .job = "verify", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct verifying c = { .o = o };
	struct err why;
	int rc;

	if (o->deep && !strcmp(o->args[0], "-"))
		return err_set(e, ERR_USAGE, "--deep reads an image here and there, which a pipe doesn't permit; name a file");
	if (o->n_unlock && !o->deep)
		return err_set(e, ERR_USAGE, "--unlock is of use with --deep only");
	if (report_new(&rp, &c.rep, e) < 0)
		return e->code;
	rc = open_and_check(&c, e);
	if (forget_stale(&c, &why) < 0)
		report_warning(c.rep, "place", 0, 0, "%s: a result of before, which says that it is whole, stays beside it: %s",
			       o->args[0], why.msg);
	if (rc < 0)
		report_error(c.rep, e);
	else if (report_warnings(c.rep))
		rc = 3;
	report_free(c.rep);
	unlock_done(&c.keys);
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
