/* apply.c: makes a plan's edits: first all backups and the journal are on the
 * disk, then the edits are made one by one, then the journal says "done". */
#include "drivers-inject/apply.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/undo.h"

struct run {
	struct plan *p;
	const struct apply_host *h;
	struct journal j;       /* entry i belongs to the plan's edit i      */
};

static void step(const struct run *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void step(const struct run *a, const char *fmt, ...)
{
	char text[PATH_MAX + 64];
	va_list ap;

	if (!a->h || !a->h->step)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	a->h->step(a->h->ctx, text);
}

/* ---- the run's directory ---- */

static int new_run(struct run *a, struct err *e)
{
	const char *dir = root_journal_dir(a->p->root);
	struct strv names = { 0 };
	char path[PATH_MAX];
	int last = 0, rc = root_list(a->p->root, dir, &names, e);

	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	for (size_t i = 0; !rc && i < names.n; i++) {
		int n = atoi(names.v[i]);

		last = n > last && n <= JOURNAL_RUNS_MAX ? n : last;
	}
	if (!rc)
		strv_done(&names);
	if (last == JOURNAL_RUNS_MAX)
		return err_set(e, ERR_REFUSED, "%s: there are %d runs; remove old ones", dir,
			       last);
	snprintf(a->j.dir, sizeof a->j.dir, "%s/%04d", dir, last + 1);
	snprintf(path, sizeof path, "%s/files/x", a->j.dir);
	return root_make_parents(a->p->root, path, &a->j.made, e);
}

/* A new file of the run, "files/3" or "files/3.new": its path, and an fd to write
 * it to, for root_new_done. */
static int run_file(struct run *a, size_t i, const char *suffix, char ret_path[PATH_MAX],
		    int *ret_fd, struct err *e)
{
	snprintf(ret_path, PATH_MAX, "%s/files/%zu%s", a->j.dir, i, suffix);
	return root_new(a->p->root, ret_path, 0600, ret_fd, e);
}

/* ---- backups ---- */

static int back_up_bytes(struct run *a, size_t i, const char *bytes, size_t len, struct err *e)
{
	char path[PATH_MAX];
	cleanup_close int fd = -1;
	int n, rc = run_file(a, i, "", path, &fd, e);

	if (rc)
		return rc;
	n = io_write_all(fd, bytes, len);
	rc = n ? err_sys(e, n, "%s: writing the backup", path)
	       : root_new_done(a->p->root, path, 0600, fd, e);
	if (rc)
		return rc;
	a->j.v[i].backup = strdup(path);
	return a->j.v[i].backup ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

static int back_up_file(struct run *a, size_t i, int from, struct err *e)
{
	char path[PATH_MAX];
	cleanup_close int fd = -1;
	int rc = run_file(a, i, "", path, &fd, e);

	if (!rc && (rc = file_copy(from, fd, NULL, e)))
		err_prefix(e, "%s: the backup of %s", path, a->j.v[i].path);
	if (!rc)
		rc = root_new_done(a->p->root, path, 0600, fd, e);
	if (rc)
		return rc;
	a->j.v[i].backup = strdup(path);
	return a->j.v[i].backup ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* What stands at the edit's path now. */
static int back_up_path(struct run *a, size_t i, struct err *e)
{
	struct journal_entry *d = &a->j.v[i];
	char target[PATH_MAX];
	cleanup_close int fd = -1;
	struct stat st;
	int rc = root_lstat(a->p->root, d->path, &st, e);

	d->was = WAS_ABSENT;
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	d->was = S_ISLNK(st.st_mode) ? WAS_LINK : WAS_FILE;
	if (d->was == WAS_FILE && !S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: neither a file nor a link", d->path);
	rc = file_meta_get(a->p->root, d->path, &d->meta, e);
	if (rc)
		return rc;
	d->old_size = (uint64_t)st.st_size;
	if (d->was == WAS_LINK) {
		rc = root_readlink(a->p->root, d->path, target, e);
		if (!rc && !(d->target = strdup(target)))
			rc = err_set(e, ERR_NOMEM, "out of memory");
		return rc;
	}
	rc = root_fd(a->p->root, d->path, O_RDONLY | O_NOFOLLOW, 0, &fd, e);
	if (!rc)
		rc = file_digest(fd, UINT64_MAX, d->old_digest, e);
	/* an initramfs is only cut back */
	if (rc || d->kind == EDIT_APPEND)
		return rc;
	return lseek(fd, 0, SEEK_SET) ? err_sys(e, errno, "%s", d->path)
				      : back_up_file(a, i, fd, e);
}

static int back_up_disk(struct run *a, size_t i, const struct edit *d, struct err *e)
{
	cleanup_free char *old = malloc(d->len + 1);
	struct blkdev *dev;
	int rc;

	if (!old)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!a->h || !a->h->disk)
		return err_set(e, ERR_REFUSED, "%s: boot code is written only when the disk itself "
			       "is named, not --root", d->path);
	rc = a->h->disk(a->h->ctx, d->path, &dev, e);
	if (!rc)
		rc = dev_read(dev, d->offset, old, d->len, e);
	if (rc)
		return rc;
	a->j.v[i].offset = d->offset;
	rc = bytes_digest(d->data, d->len, a->j.v[i].new_digest, e);
	return rc ? rc : back_up_bytes(a, i, old, d->len, e);
}

/* ---- the new contents of streams, whole, before anything changes ---- */

static int fill(struct run *a, size_t i, const struct edit *d, struct err *e)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	int rc = run_file(a, i, ".new", path, &fd, e);

	if (rc)
		return rc;
	rc = d->fill(d->ctx, fd, e);
	if (!rc)
		rc = root_new_done(a->p->root, path, 0600, fd, e);
	if (rc)
		return err_prefix(e, "%s", d->path);
	/* of an initramfs the digest is taken when it is whole */
	return d->kind == EDIT_REPLACE ? file_digest(fd, UINT64_MAX, a->j.v[i].new_digest, e) : 0;
}

static int may(struct run *a, const struct edit *d, struct err *e)
{
	static const enum root_change changes[] = {
		[EDIT_WRITE] = ROOT_WRITE, [EDIT_REPLACE] = ROOT_WRITE, [EDIT_REMOVE] = ROOT_REMOVE,
		[EDIT_LINK] = ROOT_LINK, [EDIT_APPEND] = ROOT_APPEND,
	};

	return d->kind == EDIT_DISK || d->kind == EDIT_ACTION ? 0 :
		root_may(a->p->root, d->path, changes[d->kind], e);
}

static int prepare(struct run *a, size_t i, struct err *e)
{
	const struct edit *d = &a->p->v[i];
	struct journal_entry *n = journal_add(&a->j, d->kind, d->path);
	int rc;

	if (!n)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (d->kind == EDIT_ACTION) {
		n->undo = d->data ? strdup(d->data) : NULL;
		return 0;
	}
	if (d->kind == EDIT_DISK)
		return back_up_disk(a, i, d, e);
	rc = back_up_path(a, i, e);
	if (rc)
		return rc;
	if (d->kind == EDIT_APPEND && n->was != WAS_FILE)
		return err_set(e, ERR_NOT_FOUND, "%s: there is no such initramfs", d->path);
	if (d->kind == EDIT_LINK && !(n->new_target = strdup(d->data)))
		return err_set(e, ERR_NOMEM, "out of memory");
	if (d->kind == EDIT_WRITE)
		return bytes_digest(d->data, d->len, n->new_digest, e);
	return d->kind == EDIT_APPEND || d->kind == EDIT_REPLACE ? fill(a, i, d, e) : 0;
}

/* ---- the edits ---- */

static int open_new(struct run *a, size_t i, int *ret, struct err *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/files/%zu.new", a->j.dir, i);
	return root_fd(a->p->root, path, O_RDONLY | O_NOFOLLOW, 0, ret, e);
}

#define PAD_MAX 512             /* zeros before a segment; 4 to 7 are needed     */

/* The segment begins at a multiple of 4 of the file (buffer-format.rst), behind
 * lz4 after at least 4 zeros; they belong to nobody. */
static int append(struct run *a, size_t i, struct err *e)
{
	static const char zeros[PAD_MAX];
	uint64_t at = a->p->v[i].offset;
	struct journal_entry *n = &a->j.v[i];
	cleanup_close int from = -1, to = -1;
	int x, rc = open_new(a, i, &from, e);

	if (!rc)
		rc = root_fd(a->p->root, n->path, O_RDWR | O_APPEND | O_NOFOLLOW, 0, &to, e);
	if (rc)
		return rc;
	if (at < n->old_size)
		at = (n->old_size + 3) / 4 * 4;
	if (at - n->old_size > PAD_MAX)
		return err_set(e, ERR_INTERNAL, "%s: a segment %llu bytes behind its end", n->path,
			       (unsigned long long)(at - n->old_size));
	x = io_write_all(to, zeros, (size_t)(at - n->old_size));
	if (x)
		return err_sys(e, x, "%s: appending to it", n->path);
	rc = file_copy(from, to, NULL, e);
	if (!rc && fsync(to))
		rc = err_sys(e, errno, "writing it out");
	if (rc)
		return err_prefix(e, "%s: appending to it", n->path);
	return file_digest(to, UINT64_MAX, n->new_digest, e);
}

static int put_data(struct run *a, size_t i, const struct edit *d, struct err *e)
{
	struct file_meta meta = a->j.v[i].meta; /* borrowed */
	cleanup_close int fd = -1;
	int rc = 0;

	meta.mtime = (struct timespec){ 0 };
	if (d->kind == EDIT_REPLACE) {
		rc = open_new(a, i, &fd, e);
	} else {
		fd = memfd_create("edit", MFD_CLOEXEC);
		if (fd < 0 || io_write_all(fd, d->data, d->len))
			rc = err_set(e, ERR_NOMEM, "out of memory for %s", d->path);
	}
	if (!rc)
		rc = root_make_parents(a->p->root, d->path, &a->j.made, e);
	if (rc)
		return rc;
	return root_put(a->p->root, d->path, fd, d->mode ? d->mode : 0644,
			a->j.v[i].was == WAS_FILE ? &meta : NULL, e);
}

static int put_disk(struct run *a, const struct edit *d, struct err *e)
{
	struct blkdev *dev;
	int rc = a->h->disk(a->h->ctx, d->path, &dev, e);

	if (!rc)
		rc = dev_write(dev, d->offset, d->data, d->len, e);
	return rc ? rc : dev_flush(dev, e);
}

static int make_edit(struct run *a, size_t i, struct err *e)
{
	struct edit *d = &a->p->v[i];
	int rc;

	step(a, "%s %s", d->kind == EDIT_REMOVE ? "removing" : "writing", d->path);
	switch (d->kind) {
	case EDIT_WRITE:
	case EDIT_REPLACE:
		return put_data(a, i, d, e);
	case EDIT_REMOVE:
		return root_remove(a->p->root, d->path, e);
	case EDIT_LINK:
		rc = root_make_parents(a->p->root, d->path, &a->j.made, e);
		return rc ? rc : root_put_link(a->p->root, d->path, d->data, NULL, e);
	case EDIT_APPEND:
		return append(a, i, e);
	case EDIT_DISK:
		return put_disk(a, d, e);
	case EDIT_ACTION:
		return d->act(d->ctx, 0, e);
	}
	return err_set(e, ERR_INTERNAL, "an edit of an unknown kind");
}

static int make_edits(struct run *a, struct err *e)
{
	for (size_t i = 0; i < a->p->n; i++) {
		int rc = make_edit(a, i, e);

		if (rc && a->p->v[i].optional) {
			plan_warn(a->p, "%s", e->msg);
			free(a->j.v[i].undo);
			a->j.v[i].undo = NULL;
			rc = 0;
		}
		if (rc)
			return rc;
	}
	return 0;
}

static int drop_scratch(struct run *a, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < a->p->n; i++)
		if (a->p->v[i].fill) {
			snprintf(path, sizeof path, "%s/files/%zu.new", a->j.dir, i);
			rc = root_remove(a->p->root, path, e);
		}
	return rc;
}

/* Something failed halfway: all back, and *e says how that went. */
static int roll_back(struct run *a, struct err *e)
{
	struct undo_result res = { 0 };
	struct err other = { 0 }, why = *e;
	int code = e->code, rc;

	step(a, "taking back what was changed");
	rc = undo_run(a->p->root, &a->j, a->h, &res, &other);
	if (!rc && !res.kept.n)
		rc = journal_remove(a->p->root, &a->j, &other);
	if (rc || res.kept.n)
		err_set(e, code, "%.400s; taking the changes back failed too: %.300s; run `rehost "
			"adapt --undo` on it", why.msg, rc ? other.msg : res.kept.v[0]);
	else
		err_set(e, code, "%.800s; everything was put back as it was", why.msg);
	strv_done(&res.kept);
	return code;
}

int plan_apply(struct plan *p, const struct apply_host *h, struct err *e)
{
	struct run a = { .p = p, .h = h };
	int interrupted, rc;

	if (!p->n)
		return 0;
	rc = adapt_interrupted(p->root, &interrupted, e);
	if (!rc && interrupted)
		rc = err_set(e, ERR_REFUSED, "an earlier adapt of this system was interrupted; take "
			     "it back first: rehost adapt --undo");
	for (size_t i = 0; !rc && i < p->n; i++)
		rc = may(&a, &p->v[i], e);
	if (!rc)
		rc = new_run(&a, e);
	if (rc) {
		journal_done(&a.j);
		return rc;
	}
	step(&a, "backing up what will be changed");
	for (size_t i = 0; !rc && i < p->n; i++)
		rc = prepare(&a, i, e);
	if (!rc)
		rc = journal_save(p->root, &a.j, e);
	if (rc) {
		/* nothing was changed yet */
		err_prefix(e, journal_remove(p->root, &a.j, NULL) ?
			   "nothing was changed, but the first backups stay: `rehost adapt --undo` "
			   "removes them" : "nothing was changed");
		journal_done(&a.j);
		return rc;
	}
	rc = make_edits(&a, e);
	if (!rc)
		rc = drop_scratch(&a, e);
	a.j.done = !rc;
	if (!rc)
		rc = journal_save(p->root, &a.j, e);
	if (rc) {
		a.j.done = 0;
		rc = roll_back(&a, e);
	}
	journal_done(&a.j);
	return rc;
}
