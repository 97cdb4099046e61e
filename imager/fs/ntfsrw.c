/* ntfsrw.c: see ntfsrw.h. */
#include "imager/fs/ntfsrw.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/ntfsfile.h"
#include "imager/fs/ntfsput.h"
#include "imager/fs/ntfsroom.h"

struct ntfsrw {
	struct blkdev *d;       /* the caller's                              */
	struct blkdev *redo;    /* over it; NULL: for reading only           */
	ntfs_volume *view;      /* mounted read-only over redo; NULL: not now */
	uint64_t mark;
	int unfinished;         /* a commit failed behind its mark           */
};

/* ---- what an interrupted edit left ---- */

static int recover_at(struct blkdev *d, uint64_t at, struct err *e)
{
	enum redo_found found;
	int pending = 0, r;

	if (d->ops->write)
		return dev_redo_recover(d, at, &found, e);
	r = dev_redo_pending(d, at, &pending, e);
	if (!r && pending)
		r = err_set(e, ERR_REFUSED, "%s: an edit of it was interrupted and is to be finished "
			    "first: take it back with `rehost adapt --undo`", d->name);
	return r;
}

static int recover(struct blkdev *d, struct err *e)
{
	uint64_t at[NTFS_MARKS_MAX];
	size_t n;
	int r = ntfs_mark_places(d, at, &n, e);

	for (size_t i = 0; !r && i < n; i++)
		r = recover_at(d, at[i], e);
	return r;
}

/* ---- opening ---- */

static int mount_view(struct ntfsrw *w, struct err *e)
{
	return w->view ? 0 : ntfsfile_mount(w->redo ? w->redo : w->d, &w->view, e);
}

static int open_rw(struct ntfsrw *w, unsigned int even, struct err *e)
{
	int r = ntfs_mark_choose(w->d, &w->mark, e);

	if (!r)
		r = dev_redo(w->d, &w->redo, e);
	if (!r)
		r = mount_view(w, e);
	return r ? r : ntfs_may_write(w->view, even, e);
}

/* ERR_NOT_FOUND: it isn't NTFS.  The boot sector is read before anything else. */
static int is_ntfs(struct blkdev *d, struct err *e)
{
	char id[8] = { 0 };
	int r = ntfs_not_locked(d, e);

	if (!r && d->size >= 512)
		r = dev_read(d, 3, id, sizeof id, e);
	if (!r && memcmp(id, "NTFS    ", sizeof id))
		r = err_set(e, ERR_NOT_FOUND, "%s: not an NTFS volume", d->name);
	return r;
}

int ntfsrw_finish(struct blkdev *d, struct err *e)
{
	uint64_t at[NTFS_MARKS_MAX];
	size_t n;

	/* what can't be said of a volume, those say who want it */
	return is_ntfs(d, NULL) || ntfs_mark_places(d, at, &n, NULL) ? 0 : recover(d, e);
}

int ntfsrw_open(struct blkdev *d, unsigned int even, struct ntfsrw **ret, struct err *e)
{
	struct ntfsrw *w;
	int r = is_ntfs(d, e);

	if (!r)
		r = recover(d, e);
	if (r)
		return r;
	w = calloc(1, sizeof *w);
	if (!w)
		return err_set(e, ERR_NOMEM, "out of memory");
	w->d = d;
	r = d->ops->write ? open_rw(w, even, e) : mount_view(w, e);
	if (r)
		ntfsrw_close(w);
	else
		*ret = w;
	return r;
}

struct ntfsrw *ntfsrw_close(struct ntfsrw *w)
{
	if (w) {
		ntfsio_umount(w->view);
		dev_close(w->redo);
		free(w);
	}
	return NULL;
}

int ntfsrw_view(struct ntfsrw *w, ntfs_volume **ret, struct err *e)
{
	int r = 0;

	if (w->unfinished)
		r = recover(w->d, e);
	if (!r) {
		w->unfinished = 0;
		r = mount_view(w, e);
	}
	if (!r)
		*ret = w->view;
	return r;
}

/* ---- an edit ---- */

/* The volume's flags are written twice, so that the first of the log's writes is
 * that of the dirty flag, and the last takes it away again. */
static int dirty_meanwhile(struct ntfsrw *w, ntfs_volume *vol, struct err *e)
{
	const le16 flags = vol->flags;
	int r = 0;

	if (flags & VOLUME_IS_DIRTY || !dev_redo_log_size(w->redo))
		return 0;
	dev_redo_first_begin(w->redo);
	if (ntfs_volume_write_flags(vol, flags | VOLUME_IS_DIRTY))
		r = ntfsio_err(vol, errno, e, "the dirty flag");
	if (!r)
		r = dev_redo_first_end(w->redo, e);
	if (!r && ntfs_volume_write_flags(vol, flags))
		r = ntfsio_err(vol, errno, e, "the dirty flag");
	return r;
}

static int commit(struct ntfsrw *w, struct err *e)
{
	struct redo_extent room[REDO_EXTENTS_MAX];
	uint64_t need = 0;
	size_t n = 0;
	int r = mount_view(w, e);
	struct ntfs_free before = { w->view, w->redo };

	if (!r)
		r = dev_redo_early(w->redo, ntfs_was_free, &before, e);
	if (!r)
		need = dev_redo_log_size(w->redo);
	if (!r && need > REDO_LOG_MAX)
		r = err_set(e, ERR_UNSUPPORTED, "%s: too much for one edit: %llu MiB", w->d->name,
			    (unsigned long long)need >> 20);
	if (!r && need)
		r = ntfs_room(w->view, w->redo, need, room, &n, e);
	if (!r)
		r = dev_redo_commit(w->redo, w->mark, room, n, &w->unfinished, e);
	if (r && w->unfinished)
		err_prefix(e, "the disk failed while it was written to; run `rehost adapt --undo` "
			   "before it is used again, which finishes this edit and takes all back");
	return r;
}

int ntfsrw_edit(struct ntfsrw *w, int (*change)(ntfs_volume *vol, void *ctx, struct err *e),
		void *ctx, struct err *e)
{
	ntfs_volume *vol;
	int r, c;

	if (!w->redo)
		return err_set(e, ERR_REFUSED, "%s is opened read-only", w->d->name);
	/* what the library has cached would be of before */
	r = ntfsrw_view(w, &vol, e);
	w->view = ntfsio_umount(w->view);
	if (!r)
		r = ntfsio_mount_rw(w->redo, &vol, e);
	if (r)
		return r;
	if (ntfs_set_ignore_case(vol))
		r = ntfsio_err(vol, errno, e, "the table of upper case");
	if (!r)
		r = change(vol, ctx, e);
	if (!r)
		r = dirty_meanwhile(w, vol, e);
	c = ntfsio_finish(vol, r ? NULL : e);
	r = r ? r : c;
	if (!r)
		r = commit(w, e);
	if (r) {
		w->view = ntfsio_umount(w->view);
		dev_redo_discard(w->redo);
	}
	return r;
}

/* ---- hibernation ---- */

static int remove_session(ntfs_volume *vol, void *ctx, struct err *e)
{
	(void)ctx;
	return ntfsput_remove(vol, "/hiberfil.sys", e);
}

int ntfsrw_forget_hibernation(struct blkdev *d, struct err *e)
{
	struct ntfsrw *w;
	int r = ntfsrw_open(d, NTFS_EVEN_HIBERNATED | NTFS_EVEN_DIRTY, &w, e);

	if (r)
		return r;
	r = ntfsrw_edit(w, remove_session, NULL, e);
	ntfsrw_close(w);
	return r;
}
