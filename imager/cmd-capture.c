/* cmd-capture.c: rehost capture: disks into images. */
#include <libgen.h>
#include <string.h>
#include <unistd.h>
#include "common/hash.h"
#include "common/cleanup.h"
#include "common/units.h"
#include "imager/capture-base.h"
#include "imager/capture-cut.h"
#include "imager/capture-meta.h"
#include "imager/cmd-capture-bad.h"
#include "imager/cmd-capture-dest.h"
#include "imager/disks-json.h"
#include "imager/guard.h"
#include "imager/hardware.h"
#include "imager/imagefile.h"
#include "imager/machine.h"
#include "imager/report.h"

struct job {
	const struct cmd_opts *o;
	struct cont_keys keys;             /* --unlock                 */
	struct report *rep;
	struct json_object *hardware;
	struct json_object *machine_disks; /* NULL: no machine.json */
	struct passphrase passphrase;
	const char *dest;                  /* as given, for messages */
	unsigned int number, many;         /* of how many disks; many 0: only one */
	struct json_object **smart;        /* of each disk; NULL: it says nothing */
};

/* One disk on its way. */
struct shot {
	struct disk disk;
	const char *only;                  /* --only's list, or NULL */
	struct blkdev *dev;
	struct blkdev **others;            /* the other disks of the job */
	size_t n_others;
	struct disk_map *map;
	struct json_object *entry, *meta;
	struct json_object *smart;         /* NULL: it says nothing */
	char path[PATH_MAX];               /* local path, or "-" */
	char shown[PATH_MAX + 1100];       /* as people know it */
	struct store_out *out;
	struct cut cut;                    /* with --resume */
	struct capture_base base;          /* with --base */
	struct capture_bad bad;
	struct capture_result result;
	char digest[65];
};

static void shot_done(struct shot *s)
{
	json_object_put(s->entry);
	json_object_put(s->meta);
	json_object_put(s->smart);
	capture_bad_done(&s->bad);
	cut_done(&s->cut);
	capture_base_done(&s->base);
	map_free(s->map);
	for (size_t i = 0; i < s->n_others; i++)
		dev_close(s->others[i]);
	free(s->others);
	dev_close(s->dev);
}

struct telling { struct job *j; struct shot *s; };

static void tell_region(void *ctx, const struct map_region *r, unsigned int depth)
{
	struct telling *t = ctx;

	(void)depth;
	if (r->whole_by_doubt)
		report_warning(t->j->rep, "whole", r->start, r->size, "%s, %s: %s",
			       t->s->disk.path, r->what, r->note ? r->note : "taken whole");
	else if (r->note)
		fprintf(stderr, "%s: %s\n", r->what, r->note);
}

/* For volumes that lie on several disks.  What is wrong with one is told when its turn
 * comes. */
static int open_others(const struct job *j, struct shot *s, struct err *e)
{
	struct disk d;

	s->others = calloc(j->many + 1, sizeof(struct blkdev *));
	if (!s->others)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (unsigned int i = 0; i < j->many; i++)
		if (i + 1 != j->number && disk_by_path(NULL, j->o->args[i], &d, NULL) == 0 &&
		    dev_open_ro(d.path, &s->others[s->n_others], NULL) == 0)
			s->n_others++;
	return 0;
}

static int read_map(struct job *j, struct shot *s, struct err *e)
{
	struct map_options mo = { .keep_page_files = j->o->page_files, .keys = &j->keys,
				  .only = s->only };
	struct telling t = { j, s };

	report_step(j->rep, "map", "reading partition tables and file systems");
	if (dev_open_ro(s->disk.path, &s->dev, e) < 0 || open_others(j, s, e) < 0)
		return e->code;
	mo.others = s->others;
	mo.n_others = s->n_others;
	if (map_build(s->dev, &mo, &s->map, e) < 0)
		return e->code;
	map_each(s->map, tell_region, &t);
	s->entry = disk_json_identity(NULL, &s->disk);
	disk_json_map(NULL, &s->disk, s->map, 1, s->entry);
	if (s->smart)
		json_put(s->entry, "smart", json_object_get(s->smart));
	if (!j->o->no_systems)
		disk_json_systems(&s->disk, &stop_signal, s->entry);
	return capture_meta(s->entry, j->hardware, s->map, j->o->level, j->o->page_files, &s->meta, e);
}

static int open_image(struct job *j, struct shot *s, struct err *e)
{
	struct cut_request q = {
		.path = s->path, .shown = s->shown, .overwrite = j->o->overwrite,
		.encrypt = j->o->encrypt, .split = j->o->split != 0,
		.dedup = j->o->dedup, .base = s->base.image,
		.passphrase = &j->passphrase, .meta = s->meta,
	};

	if (j->o->resume && cut_open(&q, &s->out, &s->cut, e) < 0)
		return e->code;
	if (s->cut.why_new)
		fprintf(stderr, "note: an interrupted capture of %s %s; it begins at the front\n",
			s->shown, s->cut.why_new);
	if (j->o->resume)
		return 0;
	return store_create(s->path, j->o->overwrite, &s->out, e);
}

/* After a failure: what can be gone on with stays. */
static void give_up(struct shot *s, struct err *e)
{
	if (s->out->whole || (!s->cut.image && !s->result.commits)) {
		store_abort(s->out);
		return;
	}
	store_leave(s->out);
	if (e->code == ERR_REFUSED && !s->result.commits)
		return;                   /* it would be again */
	err_set(e, e->code, "%s; what was captured so far is kept in %s.part: the same command with --resume goes on there",
		strdupa(e->msg), s->shown);
}

/* Where each partition begins: any system that used one meanwhile wrote there. */
static int make_checks(const struct shot *s, uint64_t **ret, size_t *ret_n, struct err *e)
{
	*ret_n = s->map->n_regions;
	*ret = malloc(*ret_n * sizeof **ret + 1);
	if (!*ret)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = s->map->regions[i].start;
	return 0;
}

static int write_image(struct job *j, struct shot *s, struct err *e)
{
	struct capture_options opt = { .job.workers = j->o->workers, .level = j->o->level,
				       .partial = json_get_array(s->meta, "only") != NULL };
	cleanup_free uint64_t *check = NULL;
	int rc;

	if (j->o->base) {
		if (capture_base_open(j->o->base, j->dest, s->path, j->o->encrypt,
				      &j->passphrase, &s->base, e) < 0)
			return e->code;
		capture_base_meta(&s->base, s->meta);
	}
	opt.meta_json = json_object_to_json_string_ext(s->meta,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!opt.meta_json)
		return err_set(e, ERR_NOMEM, "out of memory for the image's description");
	s->bad.lost = (struct lost){ s->dev, s->others, s->n_others, s->map, LOST_SECONDS };
	if (capture_bad_begin(&s->bad, j->o, &opt, e) < 0 || open_image(j, s, e) < 0)
		return e->code;
	opt.resume = s->cut.image;
	opt.resume_volume = s->cut.volume;
	opt.resume_in_volume = s->cut.in_volume;
	opt.split = j->o->split;
	opt.base = s->base.image;
	opt.dedup = j->o->dedup;
	if (j->o->encrypt && !s->cut.image)
		opt.passphrase = j->passphrase.text;
	opt.commit_seconds = capture_seconds(j->o->checkpoint);
	report_start(j->rep, &(struct events_start){
		.source = s->disk.path, .target = s->shown,
		.bytes_total = extents_bytes(s->map->used),
		.disk = j->many ? j->number : 0, .disks = j->many });
	rc = make_checks(s, &check, &opt.n_check, e);
	opt.check = check;
	if (rc == 0)
		rc = capture_run(s->dev, s->map->used, &opt, s->out, report_job_events(j->rep), &s->result, e);
	if (rc == 0)
		rc = store_commit(s->out, e);
	if (rc < 0) {
		give_up(s, e);
		return rc;
	}
	if (s->result.workers < (unsigned int)j->o->workers)
		fprintf(stderr, "note: --workers %d: there was memory for %u\n", j->o->workers, s->result.workers);
	if (s->result.same)
		fprintf(stderr, "%s of it weren't stored again\n", units_bytes(s->result.same).s);
	if (s->result.resumed)
		fprintf(stderr, "%s of it had been captured before\n", units_bytes(s->result.resumed).s);
	return 0;
}

static int verify_image(struct job *j, struct shot *s, struct err *e)
{
	struct verify_options opt = { .job.workers = j->o->workers };
	struct verify_result v = { 0 };
	struct image_file f;
	int rc;

	if (image_file_open(s->path, &j->passphrase, &f, e) < 0)
		return e->code;
	rc = verify_run(f.in, &opt, report_job_events(j->rep), &v, e);
	image_file_close(&f);
	if (rc == 0 && (!v.ok || memcmp(v.digest, s->result.digest, sizeof v.digest)))
		rc = err_set(e, ERR_CORRUPT,
			     "%s reads back damaged (%llu bad records): its place loses data; capture to another one",
			     s->shown, (unsigned long long)v.bad);
	return rc;
}

static void remember(struct job *j, const struct shot *s)
{
	struct json_object *o;

	if (!j->machine_disks)
		return;
	o = json_object_new_object();
	json_put_str(o, "image", strrchr(s->path, '/') + 1);
	json_put_str(o, "digest", s->digest);
	json_put_str(o, "path", s->disk.path);
	json_put_u64(o, "size", s->disk.size);
	json_put_str_if(o, "model", s->disk.model);
	json_put_str_if(o, "serial", s->disk.serial);
	json_put_str_if(o, "wwn", s->disk.wwn);
	json_object_array_add(j->machine_disks, o);
}

/* With --resume, its image is there. */
static int seems_done(const struct job *j, const struct shot *s)
{
	return j->o->resume && j->many && access(s->path, F_OK) == 0;
}

/* 1: with --resume, the image of this disk is there, complete. */
static int already_there(struct job *j, struct shot *s, struct err *e)
{
	struct image_file f = { 0 };
	struct image *im = NULL;
	int rc;

	if (!seems_done(j, s))
		return 0;
	s->entry = disk_json_identity(NULL, &s->disk);
	rc = image_file_open(s->path, &j->passphrase, &f, e);
	if (rc == 0)
		rc = image_open(f.in->dev, f.in->access, &im, e);
	if (rc == 0)
		rc = capture_meta_same(image_meta(im), s->entry, s->shown, e);
	if (rc == 0 && !image_key(im) != !j->o->encrypt)
		rc = err_set(e, ERR_REFUSED, "%s is complete and is%s encrypted; go on %s --encrypt",
			     s->shown, image_key(im) ? "" : "n't", image_key(im) ? "with" : "without");
	if (rc == 0) {
		hex_encode(image_digest(im), 32, s->digest);
		fprintf(stderr, "%s is complete already\n", s->shown);
		rc = 1;
	}
	image_close(im);
	image_file_close(&f);
	return rc;
}

/* 0 or 3, or negative */
static int capture_steps(struct job *j, struct shot *s, struct err *e)
{
	uint64_t before = report_warnings(j->rep);
	char warning[1200];
	struct events_done d = { 0 };
	int rc = already_there(j, s, e);

	if (rc > 0)
		remember(j, s);
	if (rc)
		return rc < 0 ? rc : 0;
	if (!s->disk.size)
		return err_set(e, ERR_NOT_FOUND,
			       "%s has no bytes to capture; is there a medium in the drive, or was the file cut off?",
			       s->disk.path);
	if (guard_source_disk(NULL, &s->disk, j->o->yes, warning, sizeof warning, e) < 0 ||
	    guard_image_path(NULL, &s->disk, s->path, e) < 0)
		return e->code;
	if (*warning)
		report_warning(j->rep, "mounted", 0, 0, "%s", warning);
	if (read_map(j, s, e) < 0)
		return e->code;
	dest_tell_space(s->path, s->shown, extents_bytes(s->map->used), j->o->split != 0);
	if (write_image(j, s, e) < 0 || (j->o->verify && verify_image(j, s, e) < 0))
		return e->code;
	hex_encode(s->result.digest, 32, s->digest);
	remember(j, s);
	d = (struct events_done){
		.status = report_warnings(j->rep) > before || json_get_bool(s->smart, "failing", 0) ? 3 : 0,
		.digest = s->digest, .path = s->shown, .bytes = s->result.bytes,
		.image_bytes = s->result.image_bytes, .seconds = (uint64_t)(s->result.seconds + 0.5),
	};
	report_done(j->rep, &d);
	return d.status;
}

/* Disk number i of the command line, and where its image goes. */
static int find_disk(const struct job *j, int i, const struct cmd_image *im, struct shot *s,
		     struct err *e)
{
	char name[NAME_MAX + 1];

	if (disk_by_path(NULL, j->o->args[i], &s->disk, e) < 0)
		return e->code;
	if (!im->is_dir) {
		snprintf(s->path, sizeof s->path, "%s", im->path);
		snprintf(s->shown, sizeof s->shown, "%s", j->dest);
		return 0;
	}
	dest_name(&s->disk, name, sizeof name);
	snprintf(s->shown, sizeof s->shown, "%s%s%s", j->dest,
		 j->dest[strlen(j->dest) - 1] == '/' ? "" : "/", name);
	if (snprintf(s->path, sizeof s->path, "%s/%s", im->path, name) >= (int)sizeof s->path)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	return 0;
}

/* Before anything is read of any of them. */
static int ask_health(struct job *j, const struct cmd_image *im, int n, struct err *e)
{
	j->smart = calloc((size_t)n, sizeof *j->smart);
	if (!j->smart)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (int i = 0; i < n; i++) {
		struct shot s = { 0 };

		if (find_disk(j, i, im, &s, e) < 0)
			return e->code;
		if (!seems_done(j, &s))
			j->smart[i] = capture_smart(j->rep, &s.disk);
	}
	return 0;
}

static int capture_one(struct job *j, int i, const struct cmd_image *im, struct err *e)
{
	struct shot s = { .smart = json_object_get(j->smart[i]) };
	int rc = find_disk(j, i, im, &s, e);

	s.only = cmd_only(j->o, j->o->args[i], j->many > 0);
	if (rc == 0)
		rc = capture_steps(j, &s, e);
	shot_done(&s);
	return rc;
}

static int same_disk(const struct disk *a, const struct disk *b)
{
	return a->major == b->major && a->minor == b->minor && a->ino == b->ino;
}

/* Before the first of several disks is read: no two of them are one or would
 * get one name, and nothing of another capture would be replaced. */
static int check_names(const struct job *j, const char *dir, struct err *e)
{
	char **args = j->o->args, path[PATH_MAX + NAME_MAX + 2], a[NAME_MAX + 1], b[NAME_MAX + 1];
	int n = j->o->n_args - 1;
	struct disk d, other;

	for (int i = 0; i < n; i++) {
		if (disk_by_path(NULL, args[i], &d, e) < 0)
			return e->code;
		dest_name(&d, a, sizeof a);
		for (int k = 0; k < i; k++) {
			if (disk_by_path(NULL, args[k], &other, e) < 0)
				return e->code;
			dest_name(&other, b, sizeof b);
			if (same_disk(&d, &other))
				return err_set(e, ERR_USAGE, "%s and %s are the same disk", args[k], args[i]);
			if (!strcmp(a, b))
				return err_set(e, ERR_REFUSED, "the images of %s and %s would both be named %s; capture one of them to another place",
					       args[k], args[i], a);
		}
		snprintf(path, sizeof path, "%s/%s", dir, a);
		if (!j->o->overwrite && !j->o->resume && access(path, F_OK) == 0)
			return err_set(e, ERR_REFUSED, "%s holds %s already; choose another directory, or give --overwrite",
				       j->dest, a);
	}
	snprintf(path, sizeof path, "%s/machine.json", dir);
	if (j->machine_disks && !j->o->overwrite && access(path, F_OK) == 0)
		return err_set(e, ERR_REFUSED, "%s holds the images of a machine already; choose another directory, or give --overwrite",
			       j->dest);
	return 0;
}

static int capture_all(struct job *j, struct cmd_image *im, struct err *e)
{
	int status = 0, rc, n = j->o->n_args - 1;
	char dir[PATH_MAX];

	snprintf(dir, sizeof dir, "%s", im->path);
	if (strcmp(im->path, "-") &&
	    dest_make_dir(im->is_dir ? im->path : dirname(dir), j->dest, e) < 0)
		return e->code;
	if (im->is_dir && check_names(j, im->path, e) < 0)
		return e->code;
	if (ask_health(j, im, n, e) < 0)
		return e->code;
	/* nor is any read while the partitions chosen of another aren't there */
	if (cmd_only_look(j->o, (const char *const *)j->o->args, n, e) < 0)
		return e->code;
	for (int i = 0; i < n; i++) {
		if (n > 1)
			fprintf(stderr, "disk %d of %d: %s\n", i + 1, n, j->o->args[i]);
		j->number = (unsigned int)i + 1;
		rc = capture_one(j, i, im, e);
		if (rc < 0)
			return rc;
		if (rc)
			status = rc;
	}
	/* it isn't encrypted, and the images have the inventory, too */
	if (j->machine_disks &&
	    machine_write(im->path, j->machine_disks, j->o->encrypt ? NULL : j->hardware, e) < 0)
		return e->code;
	return status;
}

/* A partition of the source as place: refused before it is mounted. */
static int check_place(const struct cmd_opts *o, struct err *e)
{
	const char *dest = o->args[o->n_args - 1];
	struct place p;
	struct disk d;

	if (strncmp(dest, "dev://", 6))
		return 0;
	if (place_parse(dest, &p, e) < 0)
		return e->code;
	for (int i = 0; i < o->n_args - 1; i++)
		if (disk_by_path(NULL, o->args[i], &d, e) < 0 ||
		    guard_place_device(NULL, &d, p.host, e) < 0)
			return e->code;
	return 0;
}

/* Standard output can neither be read again nor replaced nor kept. */
static int check_pipe(const struct cmd_opts *o, struct err *e)
{
	const struct { int given; const char *text; } no[] = {
		{ o->n_args > 2, "a pipe takes one disk; for several, name a directory" },
		{ o->verify, "--verify needs an image that can be read again, which a pipe can't" },
		{ o->base || o->dedup, "--base and --dedup make an image that must be looked up, which a pipe can't" },
		{ o->split != 0, "--split makes several files, which a pipe can't" },
		{ o->resume, "--resume needs an image that can be read again, which a pipe can't" },
		{ o->checkpoint >= 0, "--checkpoint makes points to go on from, which a pipe has none of" },
		{ o->overwrite, "--overwrite replaces an image, and a pipe has none" },
		{ isatty(1), "an image is not written to a terminal; pipe it, or name a file" },
	};

	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (no[i].given)
			return err_set(e, ERR_USAGE, "%s", no[i].text);
	return 0;
}

static int check_args(const struct cmd_opts *o, struct err *e)
{
	const char *dest = o->args[o->n_args - 1];

	if (o->passphrase && !o->encrypt)
		return err_set(e, ERR_USAGE, "--passphrase-file is for an encrypted image: give --encrypt, too");
	if (o->base && o->n_args > 2)
		return err_set(e, ERR_USAGE, "--base is for one disk; capture the disks one by one");
	if (o->log && o->n_args > 2)
		return err_set(e, ERR_USAGE, "--log is of one disk; capture the disks one by one");
	if (strcmp(dest, "-"))
		return 0;
	if (o->events_fd == 1)
		return err_set(e, ERR_USAGE, "--events-fd 1: the image goes to standard output, so events can't; give another descriptor");
	return check_pipe(o, e);
}

static int run(const struct cmd_opts *o, struct err *e)
{
	struct job j = { .o = o, .dest = o->args[o->n_args - 1], .many = o->n_args > 2 ? (unsigned int)o->n_args - 1 : 0 };
	struct report_params rp = { .job = "capture", .events_fd = o->events_fd,
				    .people = stderr, .cancel = &stop_signal };
	struct place_how how = { .write = 1, .as_dir = j.many > 0, .cancel = &stop_signal };
	struct cmd_image im;
	int rc;

	if (check_args(o, e) < 0 || report_new(&rp, &j.rep, e) < 0)
		return e->code;
	j.passphrase.file = o->passphrase;
	rc = o->encrypt ? passphrase_get(&j.passphrase, j.dest, 1, e) : 0;
	if (rc == 0)
		rc = check_place(o, e);
	if (rc == 0)
		rc = unlock_read(o->unlock, o->n_unlock, &j.keys, e);
	if (rc == 0)
		rc = hardware_json(NULL, NULL, &j.hardware, e);
	if (rc == 0)
		rc = cmd_image_open(j.dest, o, &how, &im, e);
	if (rc == 0) {
		if (j.many)
			j.machine_disks = json_object_new_array();
		rc = cmd_image_close(&im, capture_all(&j, &im, e), e);
	}
	if (rc < 0)
		report_error(j.rep, e);
	passphrase_done(&j.passphrase);
	unlock_done(&j.keys);
	for (unsigned int i = 0; j.smart && i < (unsigned int)o->n_args - 1; i++)
		json_object_put(j.smart[i]);
	free(j.smart);
	json_object_put(j.machine_disks);
	json_object_put(j.hardware);
	report_free(j.rep);
	return rc;
}

const struct cmd cmd_capture = {
	.name = "capture", .args = "DISK... DEST", .summary = "Disks into images",
	.options = OPT_LEVEL | OPT_VERIFY | OPT_RESUME | OPT_CHECKPOINT | OPT_SPLIT | OPT_ENCRYPT |
		   OPT_BASE | OPT_DEDUP | OPT_PASSPHRASE | OPT_PAGE_FILES | OPT_ONLY | OPT_UNLOCK |
		   OPT_OVERWRITE | OPT_YES |
		   OPT_LOG | OPT_RETRY_PASSES | OPT_RETRY_TIME | OPT_NO_SYSTEMS | OPT_WORKERS |
		   OPT_CREDENTIALS | OPT_EVENTS_FD,
	.min_args = 2, .max_args = -1, .run = run,
	.text = "Stores the used bytes of a disk in the image DEST. With several disks DEST is a\n"
		"directory: each disk becomes one image, machine.json describes the machine.\n"
		"The disk is only read. One with a file system mounted read-write is refused,\n"
		"unless --yes is given. An existing image is refused, unless --overwrite is.\n"
		"With --only the image has the partition table, what lies between partitions\n"
		"and the chosen ones, by number (as `map` shows them), name or PARTUUID.\n"
		"What was interrupted (a full or lost share, power) is in DEST.part: --resume goes\n"
		"on from its last checkpoint, if the disk is still as it was.\n"
		"What can't be read at once is read after all the rest, by the sector; what can't\n"
		"be read at all becomes zeros, is listed in the image, and the status is 3.\n"
		"--base: IMAGE, in the same directory, must stay there: the new one has only what\n"
		"differs, and is useless without it.\n"
		"--split: DEST has the first volume, DEST.001 the second and so on.\n"
		"--encrypt: nobody reads the image without the passphrase, nor changes it unseen.\n",
};
