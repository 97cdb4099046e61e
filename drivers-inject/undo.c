/* undo.c: takes back what apply.c did, from the journal.  Each entry is
 * looked at first: what is still (or again) as before needs nothing, what is
 * as adapt left it is put back, all else was changed by somebody since and
 * is left alone.  So an undo that was interrupted can be run again. */
#include "drivers-inject/undo.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"

enum state { STATE_OLD, STATE_NEW, STATE_OTHER };

/* What stands at path now: WAS_*, a file's digest, a link's target. */
static int look(struct root *r, const char *path, enum journal_was *ret, char digest[65],
		char target[PATH_MAX], struct err *e)
{
	cleanup_close int fd = -1;
	struct stat st;
	int rc = root_lstat(r, path, &st, e);

	*digest = *target = 0;
	if (rc == ERR_NOT_FOUND) {
		*ret = WAS_ABSENT;
		return 0;
	}
	if (rc)
		return rc;
	if (S_ISLNK(st.st_mode)) {
		*ret = WAS_LINK;
		return root_readlink(r, path, target, e);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: no longer a file", path);
	*ret = WAS_FILE;
	rc = root_fd(r, path, O_RDONLY | O_NOFOLLOW, 0, &fd, e);
	return rc ? rc : file_digest(fd, UINT64_MAX, digest, e);
}

static int is_old(const struct journal_entry *d, enum journal_was now, const char *digest,
		  const char *target)
{
	return now == d->was && (now != WAS_FILE || !strcmp(digest, d->old_digest)) &&
	       (now != WAS_LINK || (d->target && !strcmp(target, d->target)));
}

static int is_new(const struct journal_entry *d, enum journal_was now, const char *digest,
		  const char *target)
{
	switch (d->kind) {
	case EDIT_REMOVE:
		return now == WAS_ABSENT;
	case EDIT_LINK:
		return now == WAS_LINK && d->new_target && !strcmp(target, d->new_target);
	default:
		return now == WAS_FILE && !strcmp(digest, d->new_digest);
	}
}

/* An initramfs is as it was up to its old end; what follows is ours, or the
 * part of it that was written before an interruption. */
static int is_appended(struct root *r, const struct journal_entry *d, int *ret, struct err *e)
{
	cleanup_close int fd = -1;
	char digest[65];
	struct stat st;
	int rc = root_fd(r, d->path, O_RDONLY | O_NOFOLLOW, 0, &fd, e);

	if (rc)
		return rc;
	if (fstat(fd, &st))
		return err_sys(e, errno, "%s", d->path);
	rc = (uint64_t)st.st_size < d->old_size ? 0 : file_digest(fd, d->old_size, digest, e);
	*ret = !rc && (uint64_t)st.st_size >= d->old_size && !strcmp(digest, d->old_digest);
	return rc;
}

static int entry_state(struct root *r, const struct journal *j, const struct journal_entry *d,
		       enum state *ret, struct err *e)
{
	char digest[65], target[PATH_MAX];
	enum journal_was now = WAS_ABSENT;
	int appended = 0, rc = look(r, d->path, &now, digest, target, e);

	if (rc)
		return rc;
	*ret = is_old(d, now, digest, target) ? STATE_OLD :
	       is_new(d, now, digest, target) ? STATE_NEW : STATE_OTHER;
	if (*ret == STATE_OTHER && d->kind == EDIT_APPEND && !j->done && now == WAS_FILE) {
		rc = is_appended(r, d, &appended, e);
		if (appended)
			*ret = STATE_NEW;
	}
	return rc;
}

static int cut(struct root *r, const struct journal_entry *d, struct err *e)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, d->meta.mtime };
	cleanup_close int fd = -1;
	int rc = root_fd(r, d->path, O_RDWR | O_NOFOLLOW, 0, &fd, e);

	if (rc)
		return rc;
	if (ftruncate(fd, (off_t)d->old_size) || futimens(fd, times) || fsync(fd))
		return err_sys(e, errno, "%s: cutting it back to %llu bytes", d->path,
			       (unsigned long long)d->old_size);
	return 0;
}

static int put_back(struct root *r, const struct journal_entry *d, struct err *e)
{
	cleanup_close int fd = -1;
	int rc;

	if (d->was == WAS_ABSENT)
		return root_remove(r, d->path, e);
	if (d->kind == EDIT_APPEND)
		return cut(r, d, e);
	rc = root_make_parents(r, d->path, NULL, e);
	if (rc)
		return rc;
	if (d->was == WAS_LINK)
		return root_put_link(r, d->path, d->target ? d->target : "", &d->meta, e);
	if (!d->backup)
		return err_set(e, ERR_CORRUPT, "%s: the journal names no backup", d->path);
	rc = root_fd(r, d->backup, O_RDONLY | O_NOFOLLOW, 0, &fd, e);
	return rc ? rc : root_put(r, d->path, fd, 0644, &d->meta, e);
}

static int undo_file(struct root *r, const struct journal *j, const struct journal_entry *d,
		     struct undo_result *ret, struct err *e)
{
	enum state s;
	int rc = entry_state(r, j, d, &s, e);

	if (rc || s == STATE_OLD)
		return rc;
	if (s == STATE_OTHER) {
		strv_addf(&ret->kept, "%s was changed after adapt and is left as it is%s%s", d->path,
		     d->backup ? "; what it held before adapt is in " : "",
		     d->backup ? d->backup : "");
		return 0;
	}
	ret->files++;
	return put_back(r, d, e);
}

/* Bytes of the disk are compared and put back alike. */
static int undo_disk(struct root *r, const struct journal *j, const struct journal_entry *d,
		     const struct apply_host *h, struct undo_result *ret, struct err *e)
{
	cleanup_free char *old = NULL, *now = NULL;
	char digest[65];
	struct blkdev *dev;
	size_t len;
	int rc;

	if (!h || !h->disk) {
		strv_addf(&ret->kept, "%s: boot code at offset %llu: undo it by naming the disk, not --root",
		     d->path, (unsigned long long)d->offset);
		return 0;
	}
	rc = d->backup ? root_read(r, d->backup, 64u << 20, &old, &len, e)
		       : err_set(e, ERR_CORRUPT, "%s: the journal names no backup", d->path);
	if (!rc)
		rc = h->disk(h->ctx, d->path, &dev, e);
	if (rc)
		return rc;
	now = malloc(len + 1);
	if (!now)
		return err_set(e, ERR_NOMEM, "out of memory");
	rc = dev_read(dev, d->offset, now, len, e);
	if (rc || !memcmp(old, now, len))
		return rc;
	rc = bytes_digest(now, len, digest, e);
	if (!rc && j->done && strcmp(digest, d->new_digest)) {
		strv_addf(&ret->kept, "%s: the boot code at offset %llu was changed after adapt and is left as "
		     "it is", d->path, (unsigned long long)d->offset);
		return 0;
	}
	if (rc)
		return rc;
	ret->files++;
	rc = dev_write(dev, d->offset, old, len, e);
	return rc ? rc : dev_flush(dev, e);
}

static int undo_entry(struct root *r, const struct journal *j, const struct journal_entry *d,
		      const struct apply_host *h, struct undo_result *ret, struct err *e)
{
	if (d->kind == EDIT_DISK)
		return undo_disk(r, j, d, h, ret, e);
	if (d->kind != EDIT_ACTION)
		return undo_file(r, j, d, ret, e);
	if (!d->undo)
		return 0;
	if (!h || !h->undo_action) {
		strv_addf(&ret->kept, "%s: not taken back here", d->path);
		return 0;
	}
	/* the firmware of another machine has nothing of it */
	if (h->undo_action(h->ctx, d->undo, e)) {
		strv_addf(&ret->kept, "%s: %s", d->path, e ? e->msg : "failed");
		return 0;
	}
	ret->files++;
	return 0;
}

int undo_run(struct root *r, const struct journal *j, const struct apply_host *h,
	     struct undo_result *ret, struct err *e)
{
	for (size_t i = j->n; i > 0; i--) {
		int rc = undo_entry(r, j, &j->v[i - 1], h, ret, e);

		if (rc)
			return rc;
	}
	return 0;
}

int adapt_undo(struct root *r, const struct apply_host *h, struct undo_result *ret, struct err *e)
{
	struct undo_result res = { 0 };
	struct strv runs = { 0 };
	int rc = journal_list(r, &runs, e);

	for (size_t i = runs.n; !rc && i > 0; i--) {
		struct journal j;
		size_t kept = res.kept.n;

		rc = journal_load(r, runs.v[i - 1], &j, e);
		if (rc)
			break;
		rc = undo_run(r, &j, h, &res, e);
		/* what was left keeps its backups; older runs would meet it too */
		if (!rc && res.kept.n == kept)
			rc = journal_remove(r, &j, e);
		res.runs++;
		journal_done(&j);
		if (res.kept.n != kept)
			break;
	}
	strv_done(&runs);
	if (!rc)
		rc = journal_sweep(r, e);
	if (rc)
		strv_done(&res.kept);
	else
		*ret = res;
	return rc;
}

int adapt_interrupted(struct root *r, int *ret, struct err *e)
{
	struct strv runs = { 0 };
	int found = 0, rc = journal_list(r, &runs, e);

	for (size_t i = 0; !rc && i < runs.n; i++) {
		struct journal j;

		rc = journal_load(r, runs.v[i], &j, e);
		if (rc)
			break;
		found |= !j.done;
		journal_done(&j);
	}
	strv_done(&runs);
	if (!rc)
		*ret = found;
	return rc;
}
