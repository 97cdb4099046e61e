/* ntfsfile.c: see ntfsfile.h. */
#include "imager/fs/ntfsfile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/ntfstime.h>
#include <ntfs-3g/unistr.h>
#include "common/cleanup.h"
#include "common/io.h"

#define COPY_BUF (1u << 20)
#define TAG_WOF 0x80000017u     /* compressed by the Windows overlay filter   */
#define TAG_IS_LINK 0x20000000u /* of a tag: it stands for another file       */

int ntfsfile_err(ntfs_volume *vol, const char *path, struct err *e)
{
	return ntfsio_err(vol, errno, e, path);
}

int ntfsfile_mount(struct blkdev *d, ntfs_volume **ret, struct err *e)
{
	int r = ntfsio_mount(d, ret, e);

	if (r || !ntfs_set_ignore_case(*ret))
		return r;
	r = ntfsio_err(*ret, errno, e, "the table of upper case");
	ntfsio_umount(*ret);
	return r;
}

/* ---- directories ---- */

int ntfsfile_lookup(ntfs_inode *dir, const char *name, uint64_t *ret, struct err *e)
{
	ntfschar *u = NULL;
	int len = ntfs_mbstoucs(name, &u), r = 0;
	u64 mref;

	if (len < 1 || len > 255) {
		free(u);
		return err_set(e, ERR_NOT_FOUND, "%s: '%.300s' is no name on NTFS",
			       dir->vol->dev->d_name, name);
	}
	errno = ENOENT;
	mref = ntfs_inode_lookup_by_name(dir, u, len);
	free(u);
	if (mref == (u64)-1)
		r = ntfsio_err(dir->vol, errno, e, name);
	else
		*ret = MREF(mref);
	return r;
}

struct names {
	int (*add)(void *ctx, const char *name);
	void *ctx;
	int stopped;
};

static int one_name(void *ctx, const ntfschar *name, const int len, const int type,
		    const s64 pos, const MFT_REF mref, const unsigned dt)
{
	struct names *l = ctx;
	char *s = NULL;

	(void)pos, (void)dt;
	/* short names repeat the long ones; NTFS's own files are none of ours */
	if (type == FILE_NAME_DOS || MREF(mref) < FILE_first_user)
		return 0;
	if (ntfs_ucstombs(name, len, &s, 0) < 0)
		return 0; /* half a surrogate pair: nothing we look for */
	if (strcmp(s, ".") && strcmp(s, ".."))
		l->stopped = l->add(l->ctx, s);
	free(s);
	return l->stopped ? -1 : 0;
}

int ntfsfile_names(ntfs_inode *dir, int (*add)(void *ctx, const char *name), void *ctx,
		   struct err *e)
{
	struct names l = { add, ctx, 0 };
	s64 pos = 0;
	int r = 0;

	/* else it gives names in lower case */
	NVolSetCaseSensitive(dir->vol);
	if (ntfs_readdir(dir, &pos, &l, one_name) && !l.stopped)
		r = ntfsio_err(dir->vol, errno, e, "reading a directory");
	NVolClearCaseSensitive(dir->vol);
	return r;
}

/* ---- what a file is ---- */

static uint32_t reparse_tag(ntfs_inode *ni)
{
	s64 size = 0;
	void *v = ntfs_attr_readall(ni, AT_REPARSE_POINT, AT_UNNAMED, 0, &size);
	uint32_t tag = 0;

	if (v && size >= 4)
		tag = le32_to_cpu(*(le32 *)v);
	free(v);
	return tag;
}

static int is_dir(const ntfs_inode *ni)
{
	return !!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY);
}

static int is_reparse(const ntfs_inode *ni)
{
	return !!(ni->flags & FILE_ATTR_REPARSE_POINT);
}

int ntfsfile_plain(ntfs_inode *ni, const char *path, struct err *e)
{
	uint32_t tag;

	if (is_reparse(ni)) {
		tag = reparse_tag(ni);
		return tag == TAG_WOF ?
			err_set(e, ERR_UNSUPPORTED, "%s: compressed by Windows (CompactOS), which can't be "
				"read here; `compact /u /exe` in Windows makes a plain file of it", path) :
			err_set(e, ERR_UNSUPPORTED, "%s: a reparse point (0x%08x), not a plain file", path,
				tag);
	}
	if (is_dir(ni))
		return err_set(e, ERR_UNSUPPORTED, "%s: a directory, not a file", path);
	if (ni->flags & FILE_ATTR_ENCRYPTED)
		return err_set(e, ERR_UNSUPPORTED, "%s: encrypted by Windows (EFS); decrypt it there", path);
	return 0;
}

/* ---- paths ---- */

/* Where a walk stands: the directories from the root down to here. */
struct walk {
	ntfs_volume *vol;
	uint64_t id[NTFSFILE_DEPTH_MAX];
	size_t at[NTFSFILE_DEPTH_MAX]; /* length of real before each         */
	int depth;
	int at_file;            /* it ended at a file that should be a directory */
	char real[NTFSFILE_PATH_MAX];
	size_t len;
};

static int opened(ntfs_volume *vol, uint64_t id, const char *path, ntfs_inode **ret,
		  struct err *e)
{
	*ret = ntfs_inode_open(vol, id);
	return *ret ? 0 : ntfsio_err(vol, errno == ENOENT ? EIO : errno, e, path);
}

/* The long name that the file itself has in that directory; else `name`. */
static void long_name(ntfs_inode *ni, uint64_t dir, const char *name, char ret[1024])
{
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);

	snprintf(ret, 1024, "%.1000s", name);
	while (ctx && !ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0,
					ctx)) {
		FILE_NAME_ATTR *fn = (FILE_NAME_ATTR *)((u8 *)ctx->attr +
							le16_to_cpu(ctx->attr->value_offset));
		ntfschar u[255];
		char *s = NULL;
		int same;

		memcpy(u, fn->file_name, fn->file_name_length * sizeof *u);
		if (fn->file_name_type == FILE_NAME_DOS || MREF_LE(fn->parent_directory) != dir ||
		    ntfs_ucstombs(u, fn->file_name_length, &s, 0) < 0)
			continue;
		snprintf(ret, 1024, "%.1000s", s);
		same = !strcasecmp(s, name);
		free(s);
		/* of several hard links the one that was named */
		if (same)
			break;
	}
	if (ctx)
		ntfs_attr_put_search_ctx(ctx);
}

static int push(struct walk *w, const char *name, uint64_t id, struct err *e)
{
	size_t n = strlen(name);

	if (w->depth + 1 == NTFSFILE_DEPTH_MAX || n + 2 > sizeof w->real - w->len)
		return err_set(e, ERR_CORRUPT, "%s: a path that is too long or too deep",
			       w->vol->dev->d_name);
	w->id[++w->depth] = id;
	w->at[w->depth] = w->len;
	w->real[w->len++] = '/';
	memcpy(w->real + w->len, name, n + 1);
	w->len += n;
	return 0;
}

/* ni: where the walk stands.  Down to `name`, if one may look into ni. */
static int step_in(struct walk *w, ntfs_inode *ni, const char *name, struct err *e)
{
	ntfs_inode *child;
	char real[1024];
	uint64_t id;
	int r;

	if (w->depth && is_reparse(ni))
		return err_set(e, ERR_UNSUPPORTED, "%s: a junction or link (reparse point 0x%08x), which "
			       "is not followed", w->real, reparse_tag(ni));
	w->at_file = !is_dir(ni);
	if (w->at_file)
		return err_set(e, ERR_NOT_FOUND, "%s: a file, no directory", w->real);
	r = ntfsfile_lookup(ni, name, &id, e);
	if (!r)
		r = opened(w->vol, id, name, &child, e);
	if (r)
		return r;
	long_name(child, w->id[w->depth], name, real);
	ntfs_inode_close(child);
	return push(w, real, id, e);
}

static int step(struct walk *w, const char *name, struct err *e)
{
	ntfs_inode *ni;
	int r;

	if (!*name || !strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		w->len = w->depth ? w->at[w->depth--] : 0;
		w->real[w->len] = 0;
		return 0;
	}
	r = opened(w->vol, w->id[w->depth], w->real, &ni, e);
	if (r)
		return r;
	r = step_in(w, ni, name, e);
	ntfs_inode_close(ni);
	return r;
}

/* Walks path; *ret_rest: what wasn't found of its last component, or NULL. */
static int walk(struct walk *w, const char *path, const char **ret_rest, struct err *e)
{
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret_rest = NULL;
	w->id[0] = FILE_root;
	w->depth = 0;
	w->len = 0;
	*w->real = 0;
	while ((name = strsep(&rest, "/"))) {
		int last = !rest || !rest[strspn(rest, "/")], r = step(w, name, e);

		if (r == ERR_NOT_FOUND && last && !w->at_file)
			*ret_rest = path + (name - copy);
		if (r)
			return r == ERR_NOT_FOUND ?
				err_set(e, r, "%s: no such file on %s", path, w->vol->dev->d_name) : r;
	}
	return 0;
}

static struct walk *walk_new(ntfs_volume *vol, struct err *e)
{
	struct walk *w = calloc(1, sizeof *w);

	if (w)
		w->vol = vol;
	else
		err_set(e, ERR_NOMEM, "out of memory");
	return w;
}

int ntfsfile_open(ntfs_volume *vol, const char *path, ntfs_inode **ret, struct err *e)
{
	cleanup_free struct walk *w = walk_new(vol, e);
	const char *rest;
	int r = w ? walk(w, path, &rest, e) : ERR_NOMEM;

	return r ? r : opened(vol, w->id[w->depth], path, ret, e);
}

int ntfsfile_open_parent(ntfs_volume *vol, const char *path, ntfs_inode **ret,
			 const char **ret_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[NTFSFILE_PATH_MAX];
	int r;

	if (!slash || !slash[1] || slash - path >= NTFSFILE_PATH_MAX)
		return err_set(e, ERR_INTERNAL, "%.300s: not an absolute path of a file", path);
	snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
	r = ntfsfile_open(vol, dir, ret, e);
	if (!r && (!is_dir(*ret) || (*dir && is_reparse(*ret)))) {
		ntfs_inode_close(*ret);
		r = err_set(e, ERR_UNSUPPORTED, "%s: not a plain directory", dir);
	}
	*ret_name = slash + 1;
	return r;
}

int ntfsfile_real(ntfs_volume *vol, const char *path, char ret[NTFSFILE_PATH_MAX], struct err *e)
{
	cleanup_free struct walk *w = walk_new(vol, e);
	struct err why = { 0 };
	const char *rest;
	int r = w ? walk(w, path, &rest, &why) : ERR_NOMEM;

	if (w && r == ERR_NOT_FOUND && rest) {
		char name[1024];

		snprintf(name, sizeof name, "%.*s", (int)strcspn(rest, "/"), rest);
		r = push(w, name, 0, &why);
	}
	if (r)
		return w ? err_set(e, r, "%s", why.msg) : r;
	strcpy(ret, w->len ? w->real : "/");
	return 0;
}

/* ---- whole files ---- */

static int stat_inode(ntfs_inode *ni, const char *path, struct ntfsfile_stat *ret, struct err *e)
{
	struct ntfsfile_stat s = {
		.id = MK_MREF(ni->mft_no, le16_to_cpu(ni->mrec->sequence_number)),
	};
	struct timespec t = ntfs2timespec(ni->last_data_change_time);
	ntfs_attr *na;

	s.mtime = t.tv_sec;
	s.mtime_ns = (uint32_t)t.tv_nsec;
	s.type = is_reparse(ni) && reparse_tag(ni) & TAG_IS_LINK ? NTFSFILE_LINK :
		 is_dir(ni) ? NTFSFILE_DIR : NTFSFILE_FILE;
	if (s.type == NTFSFILE_FILE) {
		na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
		if (!na)
			return ntfsfile_err(ni->vol, path, e);
		s.size = (uint64_t)na->data_size;
		ntfs_attr_close(na);
	}
	*ret = s;
	return 0;
}

int ntfsfile_stat(ntfs_volume *vol, const char *path, struct ntfsfile_stat *ret, struct err *e)
{
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, e);

	if (r)
		return r;
	r = stat_inode(ni, path, ret, e);
	ntfs_inode_close(ni);
	return r;
}

int ntfsfile_list(ntfs_volume *vol, const char *path, int (*add)(void *ctx, const char *name),
		  void *ctx, struct err *e)
{
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, e);

	if (r)
		return r;
	if (is_reparse(ni))
		r = ntfsfile_plain(ni, path, e);
	else if (!is_dir(ni))
		r = err_set(e, ERR_NOT_FOUND, "%s: a file, no directory", path);
	else
		r = ntfsfile_names(ni, add, ctx, e);
	ntfs_inode_close(ni);
	return r;
}

static int copy_data(ntfs_inode *ni, const char *path, int fd, struct err *e)
{
	cleanup_free char *buf = malloc(COPY_BUF);
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	s64 pos = 0, n = 1;
	int r = 0;

	if (!buf || !na)
		r = buf ? ntfsfile_err(ni->vol, path, e) : err_set(e, ERR_NOMEM, "out of memory");
	if (!r && na->data_size > (s64)NTFSFILE_SIZE_MAX)
		r = err_set(e, ERR_UNSUPPORTED, "%s: %lld bytes, the limit is %u", path,
			    (long long)na->data_size, NTFSFILE_SIZE_MAX);
	while (!r && pos < na->data_size) {
		errno = EIO;
		n = ntfs_attr_pread(na, pos, COPY_BUF, buf);
		if (n <= 0)
			r = ntfsfile_err(ni->vol, path, e);
		else if ((r = io_write_all(fd, buf, (size_t)n)))
			r = err_sys(e, r, "%s: a copy of it", path);
		pos += n;
	}
	if (na)
		ntfs_attr_close(na);
	return r;
}

int ntfsfile_copy(ntfs_volume *vol, const char *path, int fd, struct err *e)
{
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, e);

	if (r)
		return r;
	r = ntfsfile_plain(ni, path, e);
	if (!r)
		r = copy_data(ni, path, fd, e);
	ntfs_inode_close(ni);
	return r;
}
