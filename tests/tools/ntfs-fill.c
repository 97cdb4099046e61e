/* ntfs-fill: copies a directory of this machine into an NTFS volume, without
 * mounting it.  For tests only: it writes to the volume.
 *
 *     ntfs-fill IMG DIR [SUBDIR]
 *
 * IMG: a file (or device) that holds an NTFS volume from its first byte, as
 * mkntfs makes it; for a partition fill a file of its own and dd it into
 * place.  Every directory and regular file below DIR is made in the volume's
 * root, or in its directory SUBDIR, which is made too ("Windows/System32").
 * What exists as a directory is kept; what exists as a file is an error.
 * Exit status 0: all of it is there; 1: a message says what failed. */
#include "imager/fs/ntfsio.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/unistr.h>

static void die(const char *what, const char *path)
{
	fprintf(stderr, "ntfs-fill: %s: %s: %s\n", path, what,
		strerror(errno));
	exit(1);
}

/* The entry `name` of dir as an open inode: a directory (made if absent) or
 * a new regular file. */
static ntfs_inode *entry(ntfs_inode *dir, const char *name, int is_dir)
{
	ntfschar *u = NULL;
	int len = ntfs_mbstoucs(name, &u);
	ntfs_inode *ni = NULL;
	u64 mref;

	if (len < 1 || len > 255)
		die("bad name", name);
	mref = ntfs_inode_lookup_by_name(dir, u, len);
	if (mref != (u64)-1) {
		errno = EEXIST;
		if (!is_dir)
			die("is there already", name);
		ni = ntfs_inode_open(dir->vol, MREF(mref));
		if (ni && !(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY))
			die("is a file", name);
	} else {
		ni = ntfs_create(dir, const_cpu_to_le32(0), u, (u8)len,
				 is_dir ? S_IFDIR : S_IFREG);
	}
	if (!ni)
		die("can't be made", name);
	free(u);
	return ni;
}

static void copy_data(ntfs_inode *ni, int fd, const char *path)
{
	static char buf[1 << 20];
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	s64 pos = 0;
	ssize_t n;

	if (!na)
		die("no data attribute", path);
	while ((n = read(fd, buf, sizeof buf)) > 0) {
		if (ntfs_attr_pwrite(na, pos, n, buf) != n)
			die("writing", path);
		pos += n;
	}
	if (n < 0)
		die("reading", path);
	ntfs_attr_close(na);
}

static void copy_tree(ntfs_inode *dir, int fd, const char *path);

static void copy_entry(ntfs_inode *dir, int dirfd, const char *name,
		       const char *path)
{
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW);
	struct stat st;
	char sub[PATH_MAX];
	ntfs_inode *ni;

	snprintf(sub, sizeof sub, "%s/%s", path, name);
	if (fd < 0 || fstat(fd, &st))
		die("open", sub);
	errno = EINVAL;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		die("neither a directory nor a regular file", sub);
	ni = entry(dir, name, S_ISDIR(st.st_mode));
	if (S_ISDIR(st.st_mode))
		copy_tree(ni, fd, sub);
	else
		copy_data(ni, fd, sub);
	/* dir holds a copy of the times and sizes, and is open */
	if (ntfs_inode_close_in_dir(ni, dir))
		die("closing", sub);
	close(fd);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *de)
{
	return strcmp(de->d_name, ".") && strcmp(de->d_name, "..");
}

/* Sorted, so that the same tree gives the same volume. */
static void copy_tree(ntfs_inode *dir, int fd, const char *path)
{
	struct dirent **list;
	int n = scandirat(fd, ".", &list, not_dots, by_name);

	if (n < 0)
		die("reading the directory", path);
	for (int i = 0; i < n; i++) {
		copy_entry(dir, fd, list[i]->d_name, path);
		free(list[i]);
	}
	free(list);
}

/* Copies fd's tree into the directory `path` below dir, which is made. */
static void copy_into(ntfs_inode *dir, char *path, int fd, const char *from)
{
	char *first = strsep(&path, "/");
	ntfs_inode *ni;

	while (first && !*first)
		first = strsep(&path, "/");
	if (!first) {
		copy_tree(dir, fd, from);
		return;
	}
	ni = entry(dir, first, 1);
	copy_into(ni, path, fd, from);
	if (ntfs_inode_close_in_dir(ni, dir))
		die("closing", first);
}

int main(int argc, char **argv)
{
	ntfs_volume *vol;
	ntfs_inode *dir;
	char none[] = "";
	int fd;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: ntfs-fill IMG DIR [SUBDIR]\n");
		return 2;
	}
	vol = ntfs_mount(argv[1], 0);
	if (!vol)
		die("opening the volume", argv[1]);
	fd = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die("open", argv[2]);
	dir = ntfs_inode_open(vol, FILE_root);
	if (!dir)
		die("opening the root directory", argv[1]);
	copy_into(dir, argc == 4 ? argv[3] : none, fd, argv[2]);
	if (ntfs_inode_close(dir) || ntfs_umount(vol, FALSE))
		die("closing the volume", argv[1]);
	close(fd);
	return 0;
}
