/* ntfsput.c: see ntfsput.h. */
#include "imager/fs/ntfsput.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/unistr.h>
#include "common/cleanup.h"
#include "imager/fs/ntfsmeta.h"

#define COPY_BUF (1u << 20)

/* ---- what may be changed ---- */

static int own_file(const ntfs_inode *ni)
{
	return ni->mft_no < FILE_first_user;
}

static int may_write(ntfs_inode *ni, const char *path, struct err *e)
{
	int r = ntfsfile_plain(ni, path, e);

	if (r)
		return r;
	if (own_file(ni))
		return err_set(e, ERR_UNSUPPORTED, "%s: one of NTFS's own files", path);
	if (ni->flags & FILE_ATTR_SPARSE_FILE)
		return err_set(e, ERR_UNSUPPORTED, "%s: a sparse file, which is not written here", path);
	return 0;
}

int ntfsput_may_write(ntfs_volume *vol, const char *path, struct err *e)
{
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, e);

	if (r)
		return r;
	r = may_write(ni, path, e);
	ntfs_inode_close(ni);
	return r;
}

static int good_name(ntfs_volume *vol, const char *name)
{
	ntfschar *u = NULL;
	int len = ntfs_mbstoucs(name, &u), good;

	good = len >= 1 && len <= 255 && !ntfs_forbidden_names(vol, u, len, TRUE);
	free(u);
	return good;
}

int ntfsput_may_make(ntfs_volume *vol, const char *path, struct err *e)
{
	cleanup_free char *copy = strdup(path);
	char *rest = copy, *name;

	if (!copy)
		return err_set(e, ERR_NOMEM, "out of memory");
	while ((name = strsep(&rest, "/")))
		if (*name && !good_name(vol, name))
			return err_set(e, ERR_UNSUPPORTED, "%s: no name for Windows", path);
	return 0;
}

/* An attribute that a file made anew would lack; NULL: none. */
static const char *not_kept(ntfs_inode *ni)
{
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);
	int names = 0, dos = 0;
	const char *why = ctx ? NULL : "attributes that can't be read";

	while (!why && !ntfs_attrs_walk(ctx)) {
		const ATTR_RECORD *a = ctx->attr;
		const FILE_NAME_ATTR *fn = (const FILE_NAME_ATTR *)((const u8 *)a +
								    le16_to_cpu(a->value_offset));

		if (a->type == AT_FILE_NAME) {
			names++;
			dos += fn->file_name_type == FILE_NAME_DOS;
		} else if (a->type == AT_DATA && a->name_length) {
			why = "other streams";
		} else if (a->type != AT_DATA && a->type != AT_STANDARD_INFORMATION &&
			   a->type != AT_SECURITY_DESCRIPTOR && a->type != AT_ATTRIBUTE_LIST) {
			why = "an object id, extended attributes or the like";
		}
	}
	if (ctx)
		ntfs_attr_put_search_ctx(ctx);
	return why ? why : names - dos > 1 ? "other hard links" : NULL;
}

int ntfsput_may_remove(ntfs_volume *vol, const char *path, struct err *e)
{
	const char *why;
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, e);

	if (r)
		return r;
	r = may_write(ni, path, e);
	why = r ? NULL : not_kept(ni);
	if (why)
		r = err_set(e, ERR_UNSUPPORTED, "%s: it has %s, which an undo could not put back; it is "
			    "not removed", path, why);
	ntfs_inode_close(ni);
	return r;
}

/* ---- content ---- */

static int write_bytes(ntfs_attr *na, int fd, const char *path, struct err *e)
{
	cleanup_free char *buf = malloc(COPY_BUF);
	s64 pos = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (;;) {
		ssize_t n = pread(fd, buf, COPY_BUF, pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "%s: its new content", path);
		if (!n)
			return 0;
		errno = EIO;
		if (ntfs_attr_pwrite(na, pos, n, buf) != n)
			return ntfsfile_err(na->ni->vol, path, e);
		pos += n;
	}
}

/* The clusters of an attribute, as a list that ends with length 0 (the caller's); none of
 * one that lies in its record. */
static int clusters_of(ntfs_attr *na, runlist_element **ret)
{
	size_t n = 0;

	if (!NAttrNonResident(na)) {
		*ret = calloc(1, sizeof **ret);
		return *ret ? 0 : -1;
	}
	if (ntfs_attr_map_whole_runlist(na))
		return -1;
	while (na->rl[n].length)
		n++;
	*ret = calloc(n + 1, sizeof **ret);
	if (!*ret)
		return -1;
	memcpy(*ret, na->rl, n * sizeof **ret);
	return 0;
}

static int mark_used(ntfs_volume *vol, const runlist_element *rl, int used)
{
	int r = 0;

	for (; !r && rl->length; rl++)
		if (rl->lcn >= 0)
			r = used ? ntfs_bitmap_set_run(vol->lcnbmp_na, rl->lcn, rl->length)
				 : ntfs_bitmap_clear_run(vol->lcnbmp_na, rl->lcn, rl->length);
	return r;
}

/* Anew from its start, into clusters that were free: the old content is there until the
 * file's record says otherwise, which a commit (redo.h) writes after them. */
static int write_data(ntfs_inode *ni, int fd, const char *path, struct err *e)
{
	cleanup_free runlist_element *old = NULL;
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	int r = 0;

	if (!na)
		return ntfsfile_err(ni->vol, path, e);
	if (clusters_of(na, &old) || ntfs_attr_truncate(na, 0) || mark_used(ni->vol, old, 1))
		r = ntfsfile_err(ni->vol, path, e);
	if (!r)
		r = write_bytes(na, fd, path, e);
	if (!r && na->data_flags & ATTR_COMPRESSION_MASK && ntfs_attr_pclose(na))
		r = ntfsfile_err(ni->vol, path, e);
	if (!r && mark_used(ni->vol, old, 0))
		r = ntfsfile_err(ni->vol, path, e);
	ntfs_attr_close(na);
	return r;
}

/* ---- making ---- */

static int close_inode(ntfs_inode *ni, const char *path, struct err *e)
{
	ntfs_volume *vol = ni->vol;

	return ntfs_inode_close(ni) ? ntfsfile_err(vol, path, e) : 0;
}

static ntfs_inode *create(ntfs_inode *dir, const char *name, mode_t type)
{
	ntfschar *u = NULL;
	int len = ntfs_mbstoucs(name, &u);
	ntfs_inode *ni = NULL;

	if (len >= 1 && len <= 255)
		ni = ntfs_create(dir, const_cpu_to_le32(0), u, (u8)len, type);
	free(u);
	return ni;
}

/* Consumes both inodes.  dos: the short name; NULL: none. */
static int finish_name(ntfs_inode *ni, ntfs_inode *dir, const char *path, const char *dos,
		       struct err *e)
{
	ntfs_volume *vol = dir->vol;
	int r = 0;

	if (dos)
		return ntfs_set_ntfs_dos_name(ni, dir, dos, strlen(dos), 0) ?
			ntfsfile_err(vol, path, e) : 0;
	if (ntfs_inode_close_in_dir(ni, dir))
		r = ntfsfile_err(vol, path, e);
	if (ntfs_inode_close(dir) && !r)
		r = ntfsfile_err(vol, path, e);
	return r;
}

/* A new file or directory, with a descriptor, open.  meta (or NULL) has its short
 * name. */
static int make(ntfs_volume *vol, const char *path, mode_t type, enum ntfs_access access,
		const struct ntfs_meta *meta, ntfs_inode **ret, struct err *e)
{
	uint8_t sd[NTFS_SD_OWN_MAX];
	size_t len = ntfs_sd_make(S_ISDIR(type), access, sd);
	const char *name, *dos;
	ntfs_inode *dir, *ni;
	uint64_t id;
	int r = ntfsfile_open_parent(vol, path, &dir, &name, e);

	if (r)
		return r;
	ni = good_name(vol, name) ? create(dir, name, type) : NULL;
	if (!ni) {
		r = good_name(vol, name) ? ntfsfile_err(vol, path, e) : ntfsput_may_make(vol, name, e);
		ntfs_inode_close(dir);
		return r;
	}
	id = ni->mft_no;
	dos = meta ? meta->dos_name : ntfs_name_is_short(name) ? name : "";
	r = finish_name(ni, dir, path, *dos ? dos : NULL, e);
	if (r)
		return r;
	*ret = ntfs_inode_open(vol, id);
	if (!*ret)
		return ntfsfile_err(vol, path, e);
	r = ntfs_sd_set(*ret, path, sd, len, e);
	if (r)
		ntfs_inode_close(*ret);
	return r;
}

static int put_into(ntfs_inode *ni, const char *path, int fd, const struct ntfs_meta *meta,
		    int times, struct err *e)
{
	int r = may_write(ni, path, e);

	if (!r)
		r = write_data(ni, fd, path, e);
	if (!r && meta)
		r = ntfs_sd_set(ni, path, meta->sd, meta->sd_len, e);
	if (!r && meta)
		ntfs_attributes_set(ni, meta->attributes);
	if (!r && meta && times)
		ntfs_times_set(ni, meta->times);
	else if (!r)
		ntfs_inode_update_times(ni, NTFS_UPDATE_MCTIME);
	return r;
}

int ntfsput_file(ntfs_volume *vol, const char *path, int fd, enum ntfs_access access,
		 const struct ntfs_meta *meta, int times, struct err *e)
{
	struct err why = { 0 };
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, path, &ni, &why), c;

	if (r == ERR_NOT_FOUND)
		r = make(vol, path, S_IFREG, access, meta, &ni, &why);
	if (r)
		return err_set(e, r, "%s", why.msg);
	r = put_into(ni, path, fd, meta, times, e);
	c = close_inode(ni, path, r ? NULL : e);
	return r ? r : c;
}

int ntfsput_dir(ntfs_volume *vol, const char *path, enum ntfs_access access, struct err *e)
{
	ntfs_inode *ni;
	int r = make(vol, path, S_IFDIR, access, NULL, &ni, e);

	return r ? r : close_inode(ni, path, e);
}

/* ---- removing ---- */

/* Consumes both inodes. */
static int delete(ntfs_inode *ni, ntfs_inode *dir, const char *name, const char *path,
		  struct err *e)
{
	ntfs_volume *vol = dir->vol;
	ntfschar *u = NULL;
	int len = ntfs_mbstoucs(name, &u), r = 0;

	if (len < 1 || len > 255) {
		ntfs_inode_close(ni);
		ntfs_inode_close(dir);
		r = err_set(e, ERR_INTERNAL, "%s: no name on NTFS", path);
	} else if (ntfs_delete(vol, NULL, ni, dir, u, (u8)len)) {
		r = errno == ENOTEMPTY ? err_set(e, ERR_REFUSED, "%s: the directory is not empty", path) :
					 ntfsfile_err(vol, path, e);
	}
	free(u);
	return r;
}

int ntfsput_remove(ntfs_volume *vol, const char *path, struct err *e)
{
	struct err why = { 0 };
	const char *name;
	ntfs_inode *ni, *dir;
	int r = ntfsfile_open(vol, path, &ni, &why);

	if (r)
		return r == ERR_NOT_FOUND ? 0 : err_set(e, r, "%s", why.msg);
	if (own_file(ni)) {
		ntfs_inode_close(ni);
		return err_set(e, ERR_UNSUPPORTED, "%s: one of NTFS's own files", path);
	}
	r = ntfsfile_open_parent(vol, path, &dir, &name, e);
	if (r) {
		ntfs_inode_close(ni);
		return r;
	}
	return delete(ni, dir, name, path, e);
}
