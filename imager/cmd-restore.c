/* cmd-restore.c: rehost restore: an image onto a disk, or a machine's images onto
 * its disks: all are looked at and confirmed before the first is written. */
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
#include "imager/cmd-images.h"
#include "imager/guard.h"
#include "imager/imagefile.h"
#include "imager/part/new-ids.h"
#include "imager/report.h"
#include "imager/peek.h"
#include "imager/restore-mark.h"
#include "imager/restore-parts.h"

#define WIPE_LEN (1u << 20) /* at each end of a partition */
#define WIPE_MAX 1024

/* One image and its disk. */
struct job {
	const struct cmd_opts *o;
	struct report *rep;
	const struct cmd_one *one;
	const char *target;
	unsigned int number, many;  /* of how many; many 0: only one           */
	struct image_file image;
	struct store_in *file, *in; /* file: the image's; in: it, or reads through it */
	struct image_params params;
	struct fit fit;
	char kind[8];               /* of what was captured; "" if not known */
	struct byte_range wipe[WIPE_MAX];
	size_t n_wipe;
	struct byte_range keep[WIPE_MAX]; /* partitions that the image doesn't have */
	size_t n_keep;
	struct json_object *hardware; /* of the machine it is from, or NULL; ours */
	enum restore_how how;
	int into_parts;             /* --only, --into                          */
	struct restore_parts parts; /* then                                    */
	struct restore_result res;
	uint64_t warnings;          /* of this one                             */
};

/* All of them. */
struct jobs {
	const struct cmd_opts *o;
	struct report *rep;
	struct cmd_images images;
	struct passphrase passphrase; /* of all of them                        */
	size_t n;
	struct job *v;
	struct guard_request *ask;
	struct guard_permit *permit;
	const char **targets, **paths;
	struct adapt_run adapt;
	int trouble;                /* adapt's warnings                        */
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

/* Who can't tell where the missing partitions are could write to them. */
static int plan_keep(struct job *j, struct json_object *meta, struct err *e)
{
	struct json_object *map = json_get_array(meta, "map"), *r;
	uint64_t at = 0;

	for (size_t i = 0; map && i < json_object_array_length(map); i++) {
		uint64_t start, size;

		r = json_object_array_get_idx(map, i);
		if (!json_get_bool(r, "left_out", 0))
			continue;
		start = json_get_u64(r, "start", 0);
		size = json_get_u64(r, "size", 0);
		if (start < at || start < 512 || start > j->params.disk_size || !size ||
		    size > j->params.disk_size - start || j->n_keep == WIPE_MAX) {
			at = 0;
			break;
		}
		at = start + size;
		j->keep[j->n_keep++] = (struct byte_range){ start, size };
	}
	if (at)
		return 0;
	return err_set(e, ERR_CORRUPT, "%s holds chosen partitions only, but doesn't say where the others are; nothing was written",
		       j->one->shown);
}

static void tell_partial(const struct job *j, struct json_object *meta)
{
	struct json_object *map = json_get_array(meta, "map"), *r;
	int n = 0;

	fprintf(stderr, j->many ? "Not in the image %s:" : "Not in the image:", j->one->name);
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
static int read_meta(struct job *j, const char *text, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	struct err ignored;

	if (json_parse(text, strlen(text), &o, &ignored) < 0)
		o = NULL;
	if (j->params.must & FEATURE_PARTIAL && !j->into_parts) {
		if (plan_keep(j, o, e) < 0)
			return e->code;
		tell_partial(j, o);
	}
	plan_wipe(j, o);
	j->hardware = json_object_get(json_get_object(o, "hardware"));
	snprintf(j->kind, sizeof j->kind, "%s",
		 json_get_str(json_get_object(o, "disk"), "kind", ""));
	return 0;
}

/* Is there something to go on with?  Before anybody is asked.  Those of several disks
 * that have no mark were complete or not begun when it was interrupted. */
static int check_mark(struct job *j, struct image *im, struct err *e)
{
	struct restore_mark m;
	struct blkdev *d;
	int rc = 0;

	if (j->many && access(j->target, F_OK) < 0) {
		j->how = RESTORE_DELTA;
		return 0;
	}
	if (dev_open_ro(j->target, &d, e) < 0)
		return e->code;
	if (j->many && !mark_read(d, &m))
		j->how = RESTORE_DELTA;
	else
		rc = mark_matches(d, im, &m, e);
	dev_close(d);
	return rc;
}

/* What the image says of itself, before anything is written. */
static int look_into(struct job *j, struct err *e)
{
	char digest[2 * IMAGE_DIGEST_LEN + 1];
	struct image *im;
	int rc;

	if (!j->file->dev) {
		rc = store_peek(j->file, &j->in, &j->params, e);
		if (rc == 0 && j->params.must & FEATURE_PARTIAL)
			return err_set(e, ERR_USAGE, "%s holds chosen partitions only; it must be read at random, which a pipe can't, so that the others stay as they are",
				       j->one->shown);
		if (rc == 0)
			fit_pipe(&j->params, &j->fit);
		return rc;
	}
	j->in = j->file;
	if (image_open(j->file->dev, j->file->access, &im, e) < 0)
		return e->code;
	hex_encode(image_digest(im), IMAGE_DIGEST_LEN, digest);
	rc = cmd_images_check(j->one, digest, e);
	j->params = *image_params(im);
	if (rc == 0)
		rc = read_meta(j, image_meta(im), e);
	if (rc == 0)
		rc = fit_image(im, j->one->shown, &j->fit, e);
	if (rc == 0 && j->o->resume)
		rc = check_mark(j, im, e);
	image_close(im);
	j->parts.file = j->file;
	if (rc == 0 && j->into_parts)
		rc = restore_parts_plan(&j->parts, stderr, e);
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

static int copy(struct job *j, const struct guard_permit *permit, struct err *e)
{
	struct restore_options opt = { .job.workers = j->o->workers, .verify = j->o->verify,
				       .how = j->how,
				       .unused = j->o->discard ? UNUSED_DISCARD : j->o->zero ?
						 UNUSED_ZERO : UNUSED_KEEP,
				       .wipe = j->wipe, .n_wipe = j->n_wipe,
				       .keep = j->keep, .n_keep = j->n_keep };
	struct part_restore_options into = { .job = opt.job, .verify = opt.verify };
	struct blkdev *target;
	struct stat st;
	int rc;

	report_start(j->rep, &(struct events_start){
		.source = j->one->shown, .target = j->target, .disk = j->number, .disks = j->many,
		.bytes_total = j->into_parts ? restore_parts_used(&j->parts) : j->params.used_bytes });
	if (j->into_parts) {
		rc = restore_parts_copy(&j->parts, &permit->token, &into, j->rep, &j->res, e);
		if (rc == 0)
			reread_table(j->target);
		return rc;
	}
	if (dev_open_rw(&permit->token, &target, e) < 0)
		return e->code;
	if (stat(permit->path, &st) == 0 && S_ISREG(st.st_mode)) /* has any sector size */
		target->sector_size = j->params.sector_size;
	rc = restore_run(j->in, target, &opt, report_job_events(j->rep), &j->res, e);
	if (rc == 0 && j->o->new_ids)
		new_ids(j, target);
	dev_close(target);
	if (rc == 0)
		reread_table(j->target);
	return rc;
}

/* A file made for it is removed, unless it has the mark; a disk can't be. */
static void tell_incomplete(const struct job *j, const struct guard_permit *permit, struct err *e)
{
	if (permit->created && !j->res.can_resume)
		unlink(permit->path);
	else if (permit->created)
		err_set(e, e->code, "%s; %s is kept, but isn't complete, so its partition table was left out: --resume goes on there",
			strdupa(e->msg), j->target);
	else if (j->res.unsure && !j->into_parts)
		err_set(e, e->code, "%s; the content of %s isn't complete, and whether its beginning shows a partition table all the same can't be told: don't use it, restore again",
			strdupa(e->msg), j->target);
	else if (j->res.began && !j->into_parts)
		err_set(e, e->code, "%s; what was on %s is lost and the new content isn't complete, so its partition table was left out: %s",
			strdupa(e->msg), j->target, j->res.can_resume ?
			"--resume goes on there, or restore again" : "restore again");
	if (j->many)
		err_set(e, e->code, "%s (disk %u of %u; those before it are complete, those behind it are as they were)",
			strdupa(e->msg), j->number, j->many);
}

/* Before anything is written, so that nobody overwrites a disk for a system that
 * won't start from it. */
static int verdict(struct jobs *a, struct err *e)
{
	if (!a->o->adapt)
		return 0;
	if (!a->v->file->dev) {
		fprintf(stderr, "An image that comes through a pipe can't be looked into before it is restored: whether the system will boot is said afterwards.\n");
		return 0;
	}
	report_step(a->rep, "verdict", a->n > 1 ? "looking into the images" : "looking into the image");
	/* rehost-adapt opens it for itself */
	if (a->passphrase.have && setenv("REHOST_PASSPHRASE", a->passphrase.text, 1))
		return err_set(e, ERR_NOMEM, "out of memory");
	return adapt_verdict(&a->adapt, &a->trouble, e);
}

static int adapt(struct jobs *a, struct err *e)
{
	int trouble = 0;

	if (!a->o->adapt)
		return 0;
	report_step(a->rep, "adapt", "making the system boot on its new hardware");
	if (adapt_target(&a->adapt, &trouble, e))
		return e->code;
	a->trouble |= trouble;
	if (a->trouble)
		report_warning(a->rep, "adapt", 0, 0, "adapting the system left warnings, which stand above");
	return 0;
}

static void tell_done(const struct job *j, uint64_t warnings)
{
	char digest[65];
	struct events_done d = {
		.status = warnings ? 3 : 0, .digest = digest, .path = j->target,
		.bytes = j->res.bytes, .image_bytes = j->res.image_bytes,
		.changed = j->how != RESTORE_ALL ? &j->res.changed : NULL,
		.seconds = (uint64_t)(j->res.seconds + 0.5),
	};

	hex_encode(j->res.digest, 32, digest);
	report_done(j->rep, &d);
}

/* ---- one after the other ---- */

static int copy_all(struct jobs *a, struct err *e)
{
	for (size_t i = 0; i < a->n; i++) {
		uint64_t before = report_warnings(a->rep);

		if (a->n > 1)
			fprintf(stderr, "disk %zu of %zu: %s\n", i + 1, a->n, a->targets[i]);
		if (copy(&a->v[i], &a->permit[i], e) < 0) {
			tell_incomplete(&a->v[i], &a->permit[i], e);
			while (++i < a->n)
				if (a->permit[i].created)
					unlink(a->permit[i].path);
			return e->code;
		}
		a->v[i].warnings = report_warnings(a->rep) - before;
		/* of the last one only what comes behind it tells the end */
		if (i + 1 < a->n)
			tell_done(&a->v[i], a->v[i].warnings);
	}
	return 0;
}

/* What is done to each disk is known now.  --resume of none would be a restore of all. */
static int check_hows(struct jobs *a, struct err *e)
{
	size_t marks = 0;

	for (size_t i = 0; i < a->n; i++) {
		marks += a->v[i].how == RESTORE_RESUME;
		a->ask[i].becomes = a->v[i].how == RESTORE_DELTA ? "which will be made equal to the image" :
			a->v[i].how == RESTORE_RESUME ? "whose interrupted restore goes on" : NULL;
	}
	if (!a->o->resume || marks)
		return 0;
	return err_set(e, ERR_REFUSED, "on none of these disks is an interrupted restore that could go on; nothing was written. `restore --delta` writes only what differs, whatever is there; `restore` begins again");
}

static int restore_steps(struct jobs *a, struct err *e)
{
	uint64_t before;
	int rc = 0;

	for (size_t i = 0; i < a->n && rc == 0; i++) {
		struct job *j = &a->v[i];

		rc = image_file_open(j->one->path, &a->passphrase, &j->image, e);
		j->file = j->image.in;
		if (rc == 0)
			rc = look_into(j, e);
		if (j->into_parts) {
			a->ask[i].whole_part = *j->parts.whole != 0;
			a->ask[i].parts = a->ask[i].whole_part ? NULL : &j->parts.plan.to;
		}
	}
	a->adapt.old_hardware = a->v->hardware;
	if (rc < 0 || (rc = check_hows(a, e)) < 0 || (rc = verdict(a, e)) < 0 ||
	    (rc = guard_permit_write(a->ask, a->n, a->permit, e)) < 0 ||
	    (rc = copy_all(a, e)) < 0)
		return rc;
	before = report_warnings(a->rep);
	if (adapt(a, e))
		return e->code;
	tell_done(&a->v[a->n - 1], a->v[a->n - 1].warnings + report_warnings(a->rep) - before);
	return report_warnings(a->rep) ? 3 : 0;
}

static int check_ways(const struct cmd_opts *o, struct err *e)
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

static int check_parts_options(const struct cmd_opts *o, size_t n, struct err *e)
{
	const char *word = o->into ? "--into" : "--only";

	if (!o->into && !o->n_only)
		return 0;
	if (!strcmp(o->args[0], "-"))
		return err_set(e, ERR_USAGE, "%s needs an image that can be read at random, which a pipe can't", word);
	if (o->delta || o->resume || o->discard || o->zero)
		return err_set(e, ERR_USAGE, "%s and %s: not together; the chosen partitions are written as they are in the image",
			       word, o->delta ? "--delta" : o->resume ? "--resume" : o->discard ? "--discard" : "--zero");
	if (o->new_ids || o->adapt)
		return err_set(e, ERR_USAGE, "%s and %s: the disk keeps its table and ids; %s", word,
			       o->new_ids ? "--new-ids" : "--adapt", o->adapt ? "`rehost adapt DISK` can be run behind it" :
			       "leave it out");
	if (o->into && n > 1)
		return err_set(e, ERR_USAGE, "--into is for one image and one disk");
	return 0;
}

static int check_options(const struct jobs *a, struct err *e)
{
	const struct cmd_opts *o = a->o;

	if (check_ways(o, e) < 0 || check_parts_options(o, a->n, e) < 0)
		return e->code;
	if (o->n_expect_serial && (size_t)o->n_expect_serial != a->n)
		return err_set(e, ERR_USAGE, "--expect-serial is wanted once for each disk, in their order: %zu times, not %d",
			       a->n, o->n_expect_serial);
	return adapt_options_check(&a->adapt, e);
}

static int make_jobs(struct jobs *a, const struct cmd_image *im, struct err *e)
{
	const struct cmd_opts *o = a->o;
	size_t most = (size_t)o->n_args;
	cleanup_free const char **names = calloc(most, sizeof *names);

	if (!names)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (cmd_images_list(im, o->args[0], &a->images, e) < 0)
		return e->code;
	a->targets = calloc(most, sizeof *a->targets);
	a->paths = calloc(most, sizeof *a->paths);
	a->v = calloc(most, sizeof *a->v);
	a->ask = calloc(most, sizeof *a->ask);
	a->permit = calloc(most, sizeof *a->permit);
	if (!a->targets || !a->paths || !a->v || !a->ask || !a->permit)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (cmd_images_match(&a->images, o->args + 1, o->n_args - 1, a->targets, e) < 0)
		return e->code;
	a->n = a->images.n;
	for (size_t i = 0; i < a->n; i++) {
		struct job *j = &a->v[i];

		*j = (struct job){ .o = o, .rep = a->rep, .one = &a->images.v[i], .target = a->targets[i],
				   .number = a->n > 1 ? (unsigned int)i + 1 : 0,
				   .many = a->n > 1 ? (unsigned int)a->n : 0 };
		j->parts.target = j->target;
		j->parts.wish = (struct part_wish){ .image_name = j->one->shown, .into = o->into,
						    .only = cmd_only(o, j->one->name, a->n > 1) };
		j->into_parts = o->into || j->parts.wish.only;
		j->how = o->delta ? RESTORE_DELTA : o->resume ? RESTORE_RESUME : RESTORE_ALL;
		a->paths[i] = j->one->path;
		a->ask[i] = (struct guard_request){
			.target = j->target, .image_path = strcmp(j->one->path, "-") ? j->one->path : NULL,
			.image_name = j->one->name, .fit = &j->fit, .image_kind = j->kind, .yes = o->yes,
			.expect_serial = o->n_expect_serial ? o->expect_serial[i] : NULL,
			.people = stderr, .cancel = &stop_signal };
	}
	for (size_t i = 0; i < a->n; i++)
		names[i] = a->images.v[i].name;
	if (cmd_only_check(o, names, (int)a->n, e) < 0)
		return e->code;
	a->adapt = (struct adapt_run){ .o = o, .targets = a->targets, .images = a->paths, .n = a->n };
	return check_options(a, e);
}

static void jobs_done(struct jobs *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct job *j = &a->v[i];

		restore_parts_done(&j->parts);
		if (j->in != j->file)
			store_close(j->in);
		image_file_close(&j->image);
		json_object_put(j->hardware);
	}
	free(a->v);
	free(a->ask);
	free(a->permit);
	free(a->targets);
	free(a->paths);
	passphrase_done(&a->passphrase);
	cmd_images_done(&a->images);
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct report_params rp = { .job = "restore", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct place_how how = { .cancel = &stop_signal };
	struct jobs a = { .o = o, .passphrase = {
		.file = o->passphrase, .stdin_busy = !strcmp(o->args[0], "-") } };
	struct cmd_image im;
	int rc;

	if (report_new(&rp, &a.rep, e) < 0)
		return e->code;
	rc = cmd_image_open(o->args[0], o, &how, &im, e);
	if (rc == 0) {
		rc = make_jobs(&a, &im, e);
		if (rc == 0 && o->adapt)
			rc = adapt_drivers(&a.adapt, a.paths[0], o->args[0], e);
		if (rc == 0)
			rc = restore_steps(&a, e);
		driver_places_close(&a.adapt.drivers);
		jobs_done(&a);
		rc = cmd_image_close(&im, rc, e);
	}
	if (rc < 0)
		report_error(a.rep, e);
	report_free(a.rep);
	return rc;
}

const struct cmd cmd_restore = {
	.name = "restore", .args = "IMAGE DISK...", .summary = "An image onto a disk",
	.options = OPT_VERIFY | OPT_ONLY | OPT_INTO | OPT_DELTA | OPT_RESUME | OPT_DISCARD | OPT_ZERO |
		OPT_NEW_IDS | OPT_YES | OPT_EXPECT_SERIAL | OPT_WORKERS | OPT_CREDENTIALS |
		OPT_PASSPHRASE | OPT_EVENTS_FD | OPTS_ADAPT,
	.min_args = 2, .max_args = -1, .run = run,
	.text = "Overwrites DISK. Shows first what would be lost and asks for the disk's name;\n"
		"without a terminal it refuses unless --yes is given. Refuses a disk that is\n"
		"mounted or otherwise in use, holds the image, is this system's boot medium,\n"
		"or is too small: one is large enough when all partitions end on it (`info`\n"
		"tells the smallest size); a partition for a whole disk's image and a whole\n"
		"disk for a partition's. A file that isn't there is made.\n"
		"IMAGE may be the directory of a machine with several disks: then give a disk\n"
		"for each image, in the order of `info`, or IMAGE=DISK for those wanted. All is\n"
		"checked and confirmed before the first is written.\n"
		"--delta writes only what differs, and nothing if nothing does. A restore that was\n"
		"interrupted leaves a mark on the disk, by which --resume goes on. What the image\n"
		"doesn't use stays as it is, unless --discard or --zero is given.\n"
		"--only restores these partitions into the same places of a disk that has them in\n"
		"its table, --into one of them into another partition; nothing else is written.\n"
		"--new-ids is for a copy whose original lives on: Windows' boot files follow with\n"
		"--adapt, as do a Linux'; without it they may name ids that are gone.\n"
		"With --adapt first shows whether the system in the image will boot on the new\n"
		"hardware, and refuses if it won't; after the restore it is adapted.\n",
};
