/* ntfsfile.h: files of a mounted NTFS volume by their paths.
 *
 * Paths begin with "/"; case is ignored, as Windows does (the volume's own
 * table), and "." and ".." are taken as they stand: nothing is followed, so a
 * reparse point (junction, symbolic link) on the way is ERR_UNSUPPORTED.  What is
 * read is hostile. */
#ifndef REHOST_NTFSFILE_H
#define REHOST_NTFSFILE_H
#include "imager/fs/ntfsio.h"
#include <ntfs-3g/inode.h>

#define NTFSFILE_PATH_MAX 4096      /* bytes, as PATH_MAX                    */
#define NTFSFILE_DEPTH_MAX 64       /* directories deep                      */
#define NTFSFILE_SIZE_MAX (1u << 30) /* bytes of a file that is copied whole  */

enum ntfsfile_type {
	NTFSFILE_DIR, NTFSFILE_FILE,
	NTFSFILE_LINK,          /* a reparse point that names another file   */
};
struct ntfsfile_stat {
	enum ntfsfile_type type;
	uint64_t id;            /* MFT record, its sequence number above 48 bits */
	uint64_t size;          /* bytes                                     */
	int64_t mtime;          /* seconds since 1970                        */
	uint32_t mtime_ns;
};

/* Mounts d read-only and makes it ignore case: for all functions here. */
int ntfsfile_mount(struct blkdev *d, ntfs_volume **ret, struct err *e) must_check;

/* The entry `name` (UTF-8) of an open directory; ERR_NOT_FOUND. */
int ntfsfile_lookup(ntfs_inode *dir, const char *name, uint64_t *ret, struct err *e) must_check;
/* Calls add with each name but ".", "..", short ones and NTFS's own files, until
 * it returns nonzero. */
int ntfsfile_names(ntfs_inode *dir, int (*add)(void *ctx, const char *name), void *ctx,
		   struct err *e) must_check;

/* The file that path names, for ntfs_inode_close(). */
int ntfsfile_open(ntfs_volume *vol, const char *path, ntfs_inode **ret, struct err *e) must_check;
/* Its directory; *ret_name points to the last component in path, without "/". */
int ntfsfile_open_parent(ntfs_volume *vol, const char *path, ntfs_inode **ret,
			 const char **ret_name, struct err *e) must_check;
int ntfsfile_stat(ntfs_volume *vol, const char *path, struct ntfsfile_stat *ret,
		  struct err *e) must_check;
int ntfsfile_list(ntfs_volume *vol, const char *path, int (*add)(void *ctx, const char *name),
		  void *ctx, struct err *e) must_check;
/* The path as the directories have it: long names, and their case.  The last
 * component need not exist. */
int ntfsfile_real(ntfs_volume *vol, const char *path, char ret[NTFSFILE_PATH_MAX],
		  struct err *e) must_check;
/* Can its content be read and written here?  0, or ERR_UNSUPPORTED with a
 * sentence: encrypted, compressed by WOF, a reparse point, no file. */
int ntfsfile_plain(ntfs_inode *ni, const char *path, struct err *e) must_check;
/* Its whole content to fd, at its offset. */
int ntfsfile_copy(ntfs_volume *vol, const char *path, int fd, struct err *e) must_check;
/* "VOLUME: PATH: reason" of what left errno. */
int ntfsfile_err(ntfs_volume *vol, const char *path, struct err *e);
#endif
