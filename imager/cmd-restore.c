/* cmd-restore.c: rehost restore: an image onto a disk. */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/hash.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "imager/cmd-adapt.h"
#include "imager/cmd.h"
#include "imager/guard.h"
#include "imager/imagefile.h"
#include "imager/part/new-ids.h"
#include "imager/report.h"
#include "imager/peek.h"
#include "imager/restore-mark.h"

#define WIPE_LEN (1u << 20) /* at each end of a partition */
#define WIPE_MAX 1024

struct job {
	const struct cmd_opts *o;
	struct report *rep;
	const char *target;
	struct passphrase passphrase;
	struct image_file image;
	struct store_in *file, *in; /* file: the image's; in: it, or reads through it */
	struct image_params params;
	struct fit fit;
	char kind[8];               /* of what was captured; "" if not known */
	struct byte_range wipe[WIPE_MAX];
	size_t n_wipe;
	struct adapt_run adapt;   /* old_hardware: ours                        */
	int trouble;              /* adapt's warnings                          */
};

/* Signatures of an older file system, RAID or LVM stand at the ends of
 * partitions, where the image may use nothing. */
static void plan_wipe(struct job *j, struct json_object *meta)
{
	struct json_object *map = json_get_array(meta, "map"), *r;

	for (size_t i = 0; map && i < json_object_array_length(map) && j->n_wipe + 2 <= WIPE_MAX; i++) {
		uint64_t start, size;

		r = json_object_array_get_idx(map, i);
		start = json_get_u64(r, "start", 0);
		size = json_get_u64(r, "size", 0);
		if (json_get_bool(r, "left_out", 0) || size < 2 * WIPE_LEN || start > j->params.disk_size || size > j->params.disk_size - start)
			continue;
		j->wipe[j->n_wipe++] = (struct byte_range){ start, WIPE_LEN };
		j->wipe[j->n_wipe++] = (struct byte_range){ start + size - WIPE_LEN, WIPE_LEN };
	}
}

static void tell_partial(struct json_object *meta)
{
	struct json_object *map = json_get_array(meta, "map"), *r;
	int n = 0;

	fputs("Not in the image:", stderr);
	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		r = json_object_array_get_idx(map, i);
		if (!json_get_bool(r, "left_out", 0))
			continue;
		fputs(n++ ? ", " : " ", stderr);
		text_print(stderr, json_get_str(r, "what", "?"));
	}
	fputs(n ? "" : " some partitions", stderr);
	fputs(". The table will have them; in them stays whatever is in that place of the target now.\n", stderr);
}

/* An image without a description restores as well. */
static void read_meta(struct job *j, const char *text)
{
	cleanup_json struct json_object *o = NULL;
	struct err ignored;

	if (json_parse(text, strlen(text), &o, &ignored) < 0)
		o = NULL;
	if (j->params.must & FEATURE_PARTIAL)
		tell_partial(o);
	plan_wipe(j, o);
	j->adapt.old_hardware = json_object_get(json_get_object(o, "hardware"));
	snprintf(j->kind, sizeof j->kind, "%s",
		 json_get_str(json_get_object(o, "disk"), "kind", ""));
}

/* Is there something to go on with?  Before anybody is asked. */
static int check_mark(struct job *j, struct image *im, struct err *e)
{
	struct restore_mark m;
	struct blkdev *d;
	int rc;

	if (dev_open_ro(j->target, &d, e) < 0)
		return e->code;
	rc = mark_matches(d, im, &m, e);
	dev_close(d);
	return rc;
}

/* What the image says of itself, before anything is written. */
static int look_into(struct job *j, struct err *e)
{
	struct image *im;
	int rc;

	if (!j->file->dev) {
		rc = store_peek(j->file, &j->in, &j->params, e);
		if (rc == 0 && j->params.must & FEATURE_PARTIAL)
			tell_partial(NULL);
		if (rc == 0)
			fit_pipe(&j->params, &j->fit);
		return rc;
	}
	j->in = j->file;
	if (image_open(j->file->dev, j->file->access, &im, e) < 0)
		return e->code;
	j->params = *image_params(im);
	read_meta(j, image_meta(im));
	rc = fit_image(im, j->o->args[0], &j->fit, e);
	if (rc == 0 && j->o->resume)
		rc = check_mark(j, im, e);
	image_close(im);
	return rc;
}

/* The kernel still has the old partitions; harmless if it can't. */
static void reread_table(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		ioctl(fd, BLKRRPART);
}

/* All was written, so the copy is whole whatever becomes of this. */
static void new_ids(struct job *j, struct blkdev *target)
{
	struct err why;
	int rc = part_new_ids(target, &why);

	if (rc)
		report_warning(j->rep, "new-ids", 0, 0, rc == NEW_IDS_NONE ?
			       "there is no partition table, so there are no ids to change" : why.msg);
}

static int copy(struct job *j, const struct guard_permit *permit,
		struct restore_result *res, struct err *e)
{
	struct restore_options opt = { .job.workers = j->o->workers, .verify = j->o->verify,
				       .how = j->o->delta ? RESTORE_DELTA : j->o->resume ?
					      RESTORE_RESUME : RESTORE_ALL,
				       .unused = j->o->discard ? UNUSED_DISCARD : j->o->zero ?
						 UNUSED_ZERO : UNUSED_KEEP,
				       .wipe = j->wipe, .n_wipe = j->n_wipe };
	struct blkdev *target;
	struct stat st;
	int rc;

	if (dev_open_rw(&permit->token, &target, e) < 0)
		return e->code;
	if (stat(permit->path, &st) == 0 && S_ISREG(st.st_mode)) /* has any sector size */
		target->sector_size = j->params.sector_size;
	report_start(j->rep, &(struct events_start){ .source = j->o->args[0], .target = j->target,
						     .bytes_total = j->params.used_bytes });
	rc = restore_run(j->in, target, &opt, report_job_events(j->rep), res, e);
	if (rc == 0 && j->o->new_ids)
		new_ids(j, target);
	dev_close(target);
	if (rc == 0)
		reread_table(j->target);
	return rc;
}

/* A file made for it is removed; a disk can't be. */
static void tell_incomplete(const struct job *j, const struct guard_permit *permit,
			    const struct restore_result *res, struct err *e)
{
	if (permit->created)
		unlink(permit->path);
	else if (res->began)
		err_set(e, e->code, "%s; what was on %s is lost and the new content isn't complete, so its partition table was left out: %s",
			strdupa(e->msg), j->target, res->can_resume ?
			"--resume goes on there, or restore again" : "restore again");
}

/* Before anything is written, so that nobody overwrites a disk for a system that
 * won't start from it. */
static int verdict(struct job *j, const char *path, struct err *e)
{
	if (!j->o->adapt)
		return 0;
	if (!j->file->dev) {
		fprintf(stderr, "An image that comes through a pipe can't be looked into before it is restored: whether the system will boot is said afterwards.\n");
		return 0;
	}
	report_step(j->rep, "verdict", "looking into the image");
	/* rehost-adapt opens it for itself */
	if (j->passphrase.have && setenv("REHOST_PASSPHRASE", j->passphrase.text, 1))
		return err_set(e, ERR_NOMEM, "out of memory");
	return adapt_verdict(&j->adapt, path, &j->trouble, e);
}

static int adapt(struct job *j, struct err *e)
{
	int trouble = 0;

	if (!j->o->adapt)
		return 0;
	report_step(j->rep, "adapt", "making the system boot on its new hardware");
	if (adapt_target(&j->adapt, &trouble, e))
		return e->code;
	j->trouble |= trouble;
	if (j->trouble)
		report_warning(j->rep, "adapt", 0, 0, "adapting the system left warnings, which stand above");
	return 0;
}

static int restore_steps(struct job *j, const char *path, struct err *e)
{
	struct guard_request ask = { .target = j->target, .image_path = strcmp(path, "-") ? path : NULL,
				     .fit = &j->fit, .image_kind = j->kind, .yes = j->o->yes,
				     .expect_serial = j->o->expect_serial,
				     .becomes = j->o->delta ? "which will be made equal to the image" :
					j->o->resume ? "whose interrupted restore goes on" : NULL,
				     .people = stderr, .cancel = &stop_signal };
	struct restore_result res = { 0 };
	struct guard_permit permit;
	struct events_done d;
	char digest[65];
	int rc;

	rc = image_file_open(path, &j->passphrase, &j->image, e);
	j->file = j->image.in;
	if (rc < 0 || (rc = look_into(j, e)) < 0 ||
	    (rc = verdict(j, path, e)) < 0 ||
	    (rc = guard_permit_write(&ask, &permit, e)) < 0)
		return rc;
	rc = copy(j, &permit, &res, e);
	if (rc < 0) {
		tell_incomplete(j, &permit, &res, e);
		return rc;
	}
	if (adapt(j, e))
		return e->code;
	hex_encode(res.digest, 32, digest);
	d = (struct events_done){
		.status = report_warnings(j->rep) ? 3 : 0, .digest = digest, .path = j->target,
		.bytes = res.bytes, .image_bytes = res.image_bytes,
		.changed = j->o->delta || j->o->resume ? &res.changed : NULL,
		.seconds = (uint64_t)(res.seconds + 0.5),
	};
	report_done(j->rep, &d);
	return d.status;
}

static int check_options(const struct cmd_opts *o, struct err *e)
{
	const struct { int given; const char *name; } again[] = {
		{ o->verify, "--verify" }, { o->delta, "--delta" }, { o->resume, "--resume" },
		{ o->discard, "--discard" }, { o->zero, "--zero" },
	};

	if (o->delta && o->resume)
		return err_set(e, ERR_USAGE, "--delta and --resume: one of them; --delta reads all of the disk, --resume goes on without that");
	if (o->discard && o->zero)
		return err_set(e, ERR_USAGE, "--discard and --zero: one of them");
	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		if (again[i].given && !strcmp(o->args[0], "-"))
			return err_set(e, ERR_USAGE, "%s needs an image that can be read again, which a pipe can't; give it an image file",
				       again[i].name);
	return 0;
}

static int run(const struct cmd_opts *o, struct err *e)
{
	cleanup_free struct job *j = calloc(1, sizeof *j);
	struct report_params rp = { .job = "restore", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct place_how how = { .cancel = &stop_signal };
	struct cmd_image im;
	int rc;

	if (!j)
		return err_set(e, ERR_NOMEM, "out of memory");
	j->o = o;
	j->target = o->args[1];
	j->passphrase = (struct passphrase){ .file = o->passphrase,
					     .stdin_busy = !strcmp(o->args[0], "-") };
	j->adapt = (struct adapt_run){ .o = o, .target = j->target };
	if (adapt_options_check(o, j->target, e))
		return e->code;
	if (check_options(o, e))
		return e->code;
	if (report_new(&rp, &j->rep, e) < 0)
		return e->code;
	rc = cmd_image_open(o->args[0], o, &how, &im, e);
	if (rc == 0) {
		rc = o->adapt ? adapt_drivers(&j->adapt, im.path, o->args[0], e) : 0;
		if (!rc)
			rc = restore_steps(j, im.path, e);
		driver_places_close(&j->adapt.drivers);
		if (j->in != j->file)
			store_close(j->in);
		image_file_close(&j->image);
		passphrase_done(&j->passphrase);
		rc = cmd_image_close(&im, rc, e);
	}
	if (rc < 0)
		report_error(j->rep, e);
	report_free(j->rep);
	json_object_put(j->adapt.old_hardware);
	return rc;
}

const struct cmd cmd_restore = {
	.name = "restore", .args = "IMAGE DISK", .summary = "An image onto a disk",
	.options = OPT_VERIFY | OPT_DELTA | OPT_RESUME | OPT_DISCARD | OPT_ZERO | OPT_NEW_IDS |
		OPT_YES | OPT_EXPECT_SERIAL | OPT_WORKERS | OPT_CREDENTIALS | OPT_PASSPHRASE |
		OPT_EVENTS_FD | OPTS_ADAPT,
	.min_args = 2, .max_args = 2, .run = run,
	.text = "Overwrites DISK. Shows first what would be lost and asks for the disk's name;\n"
		"without a terminal it refuses unless --yes is given. Refuses a disk that is\n"
		"mounted or otherwise in use, holds the image, is this system's boot medium,\n"
		"or is too small: one is large enough when all partitions end on it (`info`\n"
		"tells the smallest size); a partition for a whole disk's image and a whole\n"
		"disk for a partition's. A file that isn't there is made.\n"
		"--delta writes only what differs, and nothing if nothing does. A restore that was\n"
		"interrupted leaves a mark on the disk, by which --resume goes on. What the image\n"
		"doesn't use stays as it is, unless --discard or --zero is given.\n"
		"--new-ids is for a copy whose original lives on: Windows' boot files follow with\n"
		"--adapt, as do a Linux'; without it they may name ids that are gone.\n"
		"With --adapt first shows whether the system in the image will boot on the new\n"
		"hardware, and refuses if it won't; after the restore it is adapted.\n",
};
