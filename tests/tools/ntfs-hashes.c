/* ntfs-hashes: the SHA-256 of every file of an NTFS volume, read without
 * mounting it.  For comparing a volume before and after a move.
 *
 *     ntfs-hashes IMG [OFFSET [SIZE]] | sort
 *
 * IMG: a file or device; the volume lies OFFSET bytes from its start (0) and
 * has SIZE bytes there (default: up to the end).  It is opened read-only.
 * Prints "HEX  ./path/of/file" for the unnamed data of every file that is not
 * NTFS's own, in the order of the directories; so with `sort` it equals
 *     (cd DIR && find . -type f -exec sha256sum {} + | sort)
 * of the tree that ntfs-fill copied in.
 * Exit status 0: all could be read; 1: a message says what could not. */
#include "imager/fs/ntfsio.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/unistr.h>
#include <openssl/evp.h>

static int bad;

static void failed(const char *path)
{
	fprintf(stderr, "ntfs-hashes: %s: %s\n", path, strerror(errno));
	bad = 1;
}

static void hash_file(ntfs_inode *ni, const char *path)
{
	static char buf[1 << 20];
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	s64 n = 0, pos = 0;

	EVP_DigestInit_ex(md, EVP_sha256(), NULL);
	while (na && (n = ntfs_attr_pread(na, pos, sizeof buf, buf)) > 0) {
		EVP_DigestUpdate(md, buf, (size_t)n);
		pos += n;
	}
	if (!na || n < 0 || pos != na->data_size) {
		failed(path);
	} else {
		EVP_DigestFinal_ex(md, sum, NULL);
		for (int i = 0; i < 32; i++)
			printf("%02x", sum[i]);
		printf("  %s\n", path);
	}
	if (na)
		ntfs_attr_close(na);
	EVP_MD_CTX_free(md);
}

struct walk {
	ntfs_volume *vol;
	const char *path;
};

static void hash_tree(ntfs_volume *vol, ntfs_inode *dir, const char *path);

/* ntfs_readdir's callback: one name of a directory. */
static int one(void *ctx, const ntfschar *name, const int len, const int type,
	       const s64 pos, const MFT_REF mref, const unsigned dt)
{
	struct walk *w = ctx;
	char *utf8 = NULL, path[8192];
	ntfs_inode *ni;

	(void)pos, (void)dt;
	if (type == FILE_NAME_DOS || MREF(mref) < FILE_first_user)
		return 0;
	if (ntfs_ucstombs(name, len, &utf8, 0) < 0) {
		failed(w->path);
		return 0;
	}
	snprintf(path, sizeof path, "%s/%s", w->path, utf8);
	ni = strcmp(utf8, ".") && strcmp(utf8, "..") ?
		ntfs_inode_open(w->vol, MREF(mref)) : NULL;
	if (ni && ni->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		hash_tree(w->vol, ni, path);
	else if (ni)
		hash_file(ni, path);
	else if (strcmp(utf8, ".") && strcmp(utf8, ".."))
		failed(path);
	if (ni)
		ntfs_inode_close(ni);
	free(utf8);
	return 0;
}

static void hash_tree(ntfs_volume *vol, ntfs_inode *dir, const char *path)
{
	struct walk w = { vol, path };
	s64 pos = 0;

	if (ntfs_readdir(dir, &pos, &w, one))
		failed(path);
}

int main(int argc, char **argv)
{
	struct blkdev *disk, *d;
	struct err e;
	ntfs_volume *vol;
	ntfs_inode *root;
	uint64_t off, size;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: ntfs-hashes IMG [OFFSET [SIZE]]\n");
		return 2;
	}
	off = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	if (dev_open_ro(argv[1], &disk, &e))
		goto out;
	size = argc > 3 ? strtoull(argv[3], NULL, 0) : disk->size - off;
	if (dev_window(disk, off, size, &d, &e) || ntfsio_mount(d, &vol, &e))
		goto out;
	root = ntfs_inode_open(vol, FILE_root);
	if (!root) {
		failed(argv[1]);
	} else {
		hash_tree(vol, root, ".");
		ntfs_inode_close(root);
	}
	ntfsio_umount(vol);
	dev_close(d);
	dev_close(disk);
	return bad;
out:
	fprintf(stderr, "ntfs-hashes: %s\n", e.msg);
	return 1;
}
