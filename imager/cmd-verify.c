/* cmd-verify.c: rehost verify: every record of an image against its hashes. */
#include <string.h>
#include "common/hash.h"
#include "common/json.h"
#include "imager/cmd.h"
#include "imager/imagefile.h"
#include "imager/report.h"

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

static int print_json(const struct verify_result *v, struct bad_list *l, struct err *e)
{
	cleanup_json struct json_object *o = json_object_new_object();
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
	return json_print(stdout, o, e);
}

static void tell_done(struct report *rep, const char *name, const struct verify_result *v)
{
	char digest[65];

	hex_encode(v->digest, 32, digest);
	report_done(rep, &(struct events_done){ .digest = digest, .path = name,
		.bytes = v->bytes, .image_bytes = v->image_bytes,
		.seconds = (uint64_t)(v->seconds + 0.5) });
}

static int check(const char *path, const struct cmd_opts *o, struct report *rep, struct err *e)
{
	cleanup_json struct json_object *bad = json_object_new_array();
	struct bad_list l = { .a = bad, .report = rep, .name = o->args[0] };
	struct verify_options opt = { .job.workers = o->workers, .bad = on_bad, .bad_ctx = &l };
	struct verify_result v = { 0 };
	struct image_ident id = { 0 };
	struct passphrase pass = { .file = o->passphrase, .stdin_busy = !strcmp(path, "-") };
	struct image_file f;
	int rc;

	if (image_file_open(path, &pass, &f, e) < 0)
		return e->code;
	/* only for the number of bytes; verify_run tells what is wrong */
	if (!f.in->dev || image_identify(f.in->dev, &id, e) < 0)
		id.params.used_bytes = 0;
	report_start(rep, &(struct events_start){ .source = o->args[0],
						  .bytes_total = id.params.used_bytes });
	rc = verify_run(f.in, &opt, report_job_events(rep), &v, e);
	image_file_close(&f);
	passphrase_done(&pass);
	if (rc == 0 && o->json)
		rc = print_json(&v, &l, e);
	if (rc < 0)
		return rc;
	if (!v.ok)
		return err_set(e, ERR_CORRUPT, "%s is damaged: %llu bad records", o->args[0],
			       (unsigned long long)l.n);
	tell_done(rep, o->args[0], &v);
	return 0;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct report_params rp = { .job = "verify", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct place_how how = { .cancel = &stop_signal };
	struct report *rep;
	struct cmd_image im;
	int rc;

	if (report_new(&rp, &rep, e) < 0)
		return e->code;
	rc = cmd_image_open(o->args[0], o, &how, &im, e);
	if (rc == 0)
		rc = cmd_image_close(&im, check(im.path, o, rep, e), e);
	if (rc < 0)
		report_error(rep, e);
	report_free(rep);
	return rc;
}

const struct cmd cmd_verify = {
	.name = "verify", .args = "IMAGE", .summary = "Check every byte of an image",
	.options = OPT_JSON | OPT_WORKERS | OPT_CREDENTIALS | OPT_PASSPHRASE | OPT_EVENTS_FD,
	.min_args = 1, .max_args = 1, .run = run,
	.text = "Reads the whole image and compares all of it with its hashes. Names each bad\n"
		"record, and which part of the disk it holds. Status 1 if any is bad.\n",
};
