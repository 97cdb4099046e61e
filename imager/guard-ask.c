/* guard-ask.c: the permission to write to disks: all checks, what would be lost, the
 * question; see guard.h. */
#include "imager/guard.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/prompt.h"
#include "imager/blkuse.h"
#include "imager/disks-json.h"

/* What is to be done to a disk, in the two forms of a question. */
struct act { const char *would, *verb; };

static int is_name_of(const struct disk *d, const char *given, const char *word)
{
	return !strcmp(word, d->name) || !strcmp(word, d->path) || !strcmp(word, given);
}

/* One word is to be typed for each target, in their order. */
static int ask(const struct act *act, const struct disk *d, const char *const *given, size_t n,
	       int stdin_busy, struct err *e)
{
	char names[1000] = "", text[1200], answer[PATH_MAX], copy[PATH_MAX], *rest = copy, *word;
	size_t at = 0, right = 0;

	for (size_t i = 0; i < n && at < sizeof names; i++)
		at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? " " : "", d[i].name);
	if (!prompt_possible(stdin_busy))
		return err_set(e, ERR_REFUSED,
			       "%s would be %s; there is no terminal to ask for confirmation on: give --yes if you are sure",
			       n == 1 ? d->path : names, act->would);
	snprintf(text, sizeof text, n == 1 ? "Type the target's name (%s) to %s it: " :
		 "Type the targets' names (%s) to %s them all: ", names, act->verb);
	if (prompt_line(text, 0, stdin_busy, answer, sizeof answer, e) < 0)
		return e->code;
	if (n == 1 && is_name_of(d, *given, answer)) /* may have blanks */
		return 0;
	snprintf(copy, sizeof copy, "%s", answer);
	while ((word = strsep(&rest, " \t")))
		if (*word && (right == n || !is_name_of(&d[right], given[right], word)))
			break;
		else if (*word)
			right++;
	if (word || right < n)
		return err_set(e, ERR_REFUSED, n == 1 ? "\"%s\" is not the target's name; nothing was written" :
			       "\"%s\" are not the targets' names; nothing was written", answer);
	return 0;
}

/* What is at the path now must be what was shown. */
static int check_unchanged(const struct disk *before, const char *path,
			   const char *image_path, struct err *e)
{
	struct disk d;

	if (disk_by_path(NULL, path, &d, e) < 0)
		return err_prefix(e, "the target is gone");
	if (d.major != before->major || d.minor != before->minor || d.ino != before->ino ||
	    d.size != before->size || strcmp(d.serial, before->serial) || strcmp(d.wwn, before->wwn))
		return err_set(e, ERR_REFUSED,
			       "%s is another disk now than the one that was shown; nothing was written", path);
	return guard_target_disk(NULL, &d, image_path, e);
}

/* The evidence that dev_open_rw() and assemble look at. */
static int make_token(const char *target, struct guard_permit *ret, struct err *e)
{
	struct stat st;

	if (stat(target, &st) < 0)
		return err_sys(e, errno, "%s", target);
	ret->token = (struct write_token){
		.path = ret->path,
		.dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev,
		.ino = st.st_ino,
	};
	return 0;
}

/* ---- several targets ---- */

/* A target on its way to a permit. */
struct candidate {
	const struct guard_request *r;
	struct disk d;            /* if there                                 */
	int is_new;               /* a file that is to be made                */
};

/* A file of the image's size, without blocks. */
static int make_file(const struct guard_request *r, struct guard_permit *ret,
		     struct err *e)
{
	cleanup_close int fd = -1;
	struct stat st;
	int made = access(r->target, F_OK) < 0;

	fd = open(r->target, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s: can't be made", r->target);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size)
		return err_set(e, ERR_REFUSED, "%s was made by somebody else meanwhile", r->target);
	if (ftruncate(fd, (off_t)r->fit->disk_size) < 0) {
		err_sys(e, errno, "%s: can't be made %llu bytes long (does its file system allow files of that size?)",
			r->target, (unsigned long long)r->fit->disk_size);
		if (made)
			unlink(r->target);
		return e->code;
	}
	ret->created = made;
	ret->token = (struct write_token){ .path = ret->path, .dev = st.st_dev, .ino = st.st_ino };
	return 0;
}

/* A misspelt disk, however its directory is written, must not become a file in
 * memory that looks like a success. */
static int is_in_dev(const char *path)
{
	char copy[PATH_MAX], real[PATH_MAX];

	snprintf(copy, sizeof copy, "%s", path);
	if (!realpath(dirname(copy), real))
		return !strncmp(path, "/dev/", 5);
	return !strcmp(real, "/dev") ||
	       (!strncmp(real, "/dev/", 5) && strncmp(real, "/dev/shm", 8));
}

static int check_fit(const struct guard_request *r, const struct disk *d, struct err *e)
{
	struct blkdev *dev;
	int rc;

	if (dev_open_ro(d->path, &dev, e) < 0)
		return e->code;
	if (!strcmp(d->kind, "file"))
		dev->sector_size = r->fit->sector_size;
	rc = fit_check(r->fit, dev, e);
	dev_close(dev);
	return rc;
}

static const char *image_of(const struct guard_request *r)
{
	return r->image_path ? r->image_path : GUARD_STDIN;
}

static int into_parts(const struct guard_request *r)
{
	return r->parts || r->whole_part;
}

/* Which disk it is, and whether it is the one that was meant. */
static int identify(struct candidate *c, struct err *e)
{
	const struct guard_request *r = c->r;
	struct stat st;
	int there = stat(r->target, &st) == 0;

	if (strlen(r->target) >= PATH_MAX)
		return err_set(e, ERR_USAGE, "the path of the target is too long");
	if (!there && is_in_dev(r->target))
		return err_set(e, ERR_NOT_FOUND,
			       "%s: there is no such disk; `rehost disks` lists the disks", r->target);
	if (r->expect_serial && !there)
		return err_set(e, ERR_REFUSED, "%s: there is no such disk, so none with the serial number \"%s\"",
			       r->target, r->expect_serial);
	c->is_new = !into_parts(r) && (!there || (S_ISREG(st.st_mode) && !st.st_size && !r->expect_serial));
	if (c->is_new && there) {
		c->d.ino = st.st_ino;
		c->d.major = major(st.st_dev);
		c->d.minor = minor(st.st_dev);
	}
	if (c->is_new)
		return 0;
	if (disk_by_path(NULL, r->target, &c->d, e) < 0 ||
	    (r->expect_serial && guard_serial(&c->d, r->expect_serial, e) < 0))
		return e->code;
	return 0;
}

static int check_one(const struct candidate *c, struct err *e)
{
	const struct guard_request *r = c->r;

	if (c->is_new)
		return 0;
	if (guard_target_disk(NULL, &c->d, image_of(r), e) < 0)
		return e->code;
	if (into_parts(r))
		return 0;
	if (guard_kind(&c->d, r->image_kind, r->fit->has_table, e) < 0)
		return e->code;
	return check_fit(r, &c->d, e);
}

/* No two of the targets may be one, and none may hold another's image. */
static int check_pair(const struct candidate *a, const struct candidate *b, struct err *e)
{
	int same;

	if (a->is_new || b->is_new)
		same = !strcmp(a->r->target, b->r->target) ||
			(a->d.ino && a->d.ino == b->d.ino && a->d.major == b->d.major &&
			 a->d.minor == b->d.minor);
	else
		same = guard_same_disk(NULL, &a->d, &b->d);
	if (same)
		return err_set(e, ERR_REFUSED, "%s and %s are the same disk, or one is a part of the other; each image needs one of its own",
			       a->r->target, b->r->target);
	if (!a->is_new && guard_target_disk(NULL, &a->d, image_of(b->r), e) < 0)
		return e->code;
	return b->is_new ? 0 : guard_target_disk(NULL, &b->d, image_of(a->r), e);
}

/* Leaves of the disk's entry what is about these partitions. */
static void keep_parts(struct json_object *disk, const struct part_choice *parts)
{
	static const struct { const char *list, *number; } of[] = {
		{ "partitions", "number" }, { "systems", "partition" } };

	for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
		struct json_object *a = json_get_array(disk, of[k].list);

		for (size_t i = a ? json_object_array_length(a) : 0; i--;)
			if (!part_chosen(parts, (unsigned int)json_get_u64(
					json_object_array_get_idx(a, i), of[k].number, 0)))
				json_object_array_del_idx(a, i, 1);
	}
}

static int show_loss(const struct candidate *c, int many, struct err *e)
{
	const struct guard_request *r = c->r;
	struct disk_json_options opt = { .systems = !r->yes, .cancel = r->cancel };
	cleanup_json struct json_object *o = NULL;

	if (many && !c->is_new && r->becomes)
		fprintf(r->people, "%s goes to this one, %s:\n", r->image_name, r->becomes);
	else if (many)
		fprintf(r->people, "%s goes to:\n", r->image_name);
	else if (!c->is_new)
		fprintf(r->people, "%s, %s:\n", r->parts ? "The partitions" : "The target", r->becomes ? r->becomes :
			r->parts ? "which will be overwritten, and nothing else of the disk" :
			"all of which will be overwritten");
	if (c->is_new) {
		if (many)
			fprintf(r->people, "  %s, a new file\n", r->target);
		return 0;
	}
	if (disk_json(NULL, &c->d, &opt, &o, e) < 0)
		return e->code;
	if (r->parts)
		keep_parts(o, r->parts);
	disk_text(r->people, o, 2);
	return 0;
}

static int ask_all(const struct candidate *c, size_t n, struct err *e)
{
	static const struct act all = { "overwritten", "overwrite" };
	static const struct act parts = { "changed", "overwrite these partitions of" };
	cleanup_free struct disk *d = calloc(n, sizeof *d);
	cleanup_free const char **given = calloc(n, sizeof *given);
	size_t k = 0;

	if (!d || !given)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		if (!c[i].is_new && !c[i].r->yes) {
			d[k] = c[i].d;
			given[k++] = c[i].r->target;
		}
	return k ? ask(n == 1 && c->r->parts ? &parts : &all, d, given, k, !c->r->image_path, e) : 0;
}

static int permit(const struct candidate *c, struct guard_permit *ret, struct err *e)
{
	const struct guard_request *r = c->r;

	if (c->is_new)
		return make_file(r, ret, e);
	if (check_unchanged(&c->d, r->target, image_of(r), e) < 0)
		return e->code;
	return make_token(r->target, ret, e);
}

static int check_all(struct candidate *c, size_t n, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = identify(&c[i], e);
		if (rc == 0)
			rc = check_one(&c[i], e);
		for (size_t k = 0; k < i && rc == 0; k++)
			rc = check_pair(&c[k], &c[i], e);
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = show_loss(&c[i], n > 1, e);
	if (rc == 0 && n > 1)
		fprintf(c->r->people, "All that is listed will be overwritten.\n");
	return rc;
}

int guard_permit_write(const struct guard_request *r, size_t n, struct guard_permit *ret,
		       struct err *e)
{
	cleanup_free struct candidate *c = calloc(n, sizeof *c);
	size_t i;
	int rc;

	if (!c)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		c[i].r = &r[i];
		ret[i].created = 0;
		snprintf(ret[i].path, sizeof ret[i].path, "%s", r[i].target);
	}
	rc = check_all(c, n, e);
	if (rc == 0)
		rc = ask_all(c, n, e);
	for (i = 0; i < n && rc == 0; i++)
		rc = permit(&c[i], &ret[i], e);
	while (rc < 0 && i--)
		if (ret[i].created)
			unlink(ret[i].path);
	return rc;
}

int guard_permit_edit(const char *target, int yes, struct guard_permit *ret, struct err *e)
{
	static const struct act act = { "changed", "change" };
	struct disk d;

	ret->created = 0;
	if (strlen(target) >= sizeof ret->path)
		return err_set(e, ERR_USAGE, "the path of the disk is too long");
	snprintf(ret->path, sizeof ret->path, "%s", target);
	if (disk_by_path(NULL, target, &d, e) < 0 || guard_target_disk(NULL, &d, NULL, e) < 0 ||
	    (!yes && ask(&act, &d, &target, 1, 0, e) < 0) ||
	    check_unchanged(&d, target, NULL, e) < 0)
		return e->code;
	return make_token(target, ret, e);
}
