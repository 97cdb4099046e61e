/*
 * Files into and out of an NTFS image without mounting it, by libntfs-3g.
 *
 *   ntfs-tool fill IMAGE DIR     copies the tree below DIR into the image
 *   ntfs-tool hashes IMAGE       "SHA256 SIZE PATH[:STREAM]" of every file
 *
 * Names in DIR that mean something to fill:
 *   *.compressed   a directory whose files are stored compressed
 *   *.fragmented   a directory whose files are stored in pieces
 *   NAME:STREAM    an alternate data stream of NAME
 * Holes of files stay holes.  Symbolic links are left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/unistr.h>
#include <ntfs-3g/volume.h>

#define PIECE (64 * 1024)	/* bytes of a fragmented file that lie together */
#define MAX_WEDGES 1024
#define BLOCK (1024 * 1024)

/* One file (or stream) on its way from the host into the image. */
struct copy {
	int fd;
	off_t size, done;
	ntfs_inode *dir, *ni;
	ntfs_attr *na;
};

static char block[BLOCK];

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *fmt, ...)
{
	va_list ap;
	int e = errno;

	va_start(ap, fmt);
	fputs("ntfs-tool: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(e));
	exit(1);
}

static ntfschar *utf16(const char *name, int *len)
{
	ntfschar *u = NULL;

	*len = ntfs_mbstoucs(name, &u);
	if (*len < 0)
		die("%s: not a name", name);
	return u;
}

static ntfs_inode *create(ntfs_inode *dir, const char *name, mode_t type)
{
	int len;
	ntfschar *u = utf16(name, &len);
	ntfs_inode *ni = ntfs_create(dir, const_cpu_to_le32(0), u, (u8)len, type);

	if (!ni)
		die("%s: cannot be made", name);
	free(u);
	return ni;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static void copy_open(struct copy *c, const char *path)
{
	struct stat st;

	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st))
		die("%s", path);
	c->size = st.st_size;
	c->done = 0;
}

/* Writes up to max more bytes; false when all is written. */
static bool copy_some(struct copy *c, size_t max)
{
	off_t at = lseek(c->fd, c->done, SEEK_DATA);
	ssize_t n;

	if (at < 0 || c->done >= c->size)
		return false;
	n = pread(c->fd, block, max, at);
	if (n <= 0 || ntfs_attr_pwrite(c->na, at, n, block) != n)
		die("writing at %lld", (long long)at);
	c->done = at + n;
	return true;
}

static void copy_close(struct copy *c)
{
	/* a hole at the end, or nothing but a hole */
	if (c->na->data_size < c->size && ntfs_attr_truncate(c->na, c->size))
		die("growing to %lld", (long long)c->size);
	if ((c->na->data_flags & ATTR_COMPRESSION_MASK) && ntfs_attr_pclose(c->na))
		die("closing a compressed file");
	ntfs_attr_close(c->na);
	if (ntfs_inode_close_in_dir(c->ni, c->dir))
		die("closing a file");
	close(c->fd);
}

static void add_file(ntfs_inode *dir, const char *name, const char *path, struct copy *c)
{
	copy_open(c, path);
	c->dir = dir;
	c->ni = create(dir, name, S_IFREG);
	c->na = ntfs_attr_open(c->ni, AT_DATA, AT_UNNAMED, 0);
	if (!c->na)
		die("%s: no data attribute", path);
}

static void copy_forwards(struct copy *c)
{
	while (copy_some(c, BLOCK))
		;
	copy_close(c);
}

/* The cluster after a file's last one, when it is free; else -1. */
static s64 next_cluster(ntfs_attr *na)
{
	s64 lcn = -1;
	u8 bits;

	if (!NAttrNonResident(na) || ntfs_attr_map_whole_runlist(na))
		return -1;
	for (runlist_element *rl = na->rl; rl->length; rl++)
		lcn = rl->lcn + rl->length;
	if (lcn < 0 || lcn >= na->ni->vol->nr_clusters ||
	    ntfs_attr_pread(na->ni->vol->lcnbmp_na, lcn / 8, 1, &bits) != 1)
		return -1;
	return bits & (1u << (lcn % 8)) ? -1 : lcn;
}

/* In pieces: after each the next cluster is taken, and given back at the end. */
static void copy_in_pieces(struct copy *c)
{
	ntfs_attr *bitmap = c->ni->vol->lcnbmp_na;
	s64 wedges[MAX_WEDGES], lcn;
	size_t n = 0;

	while (copy_some(c, PIECE)) {
		lcn = n < MAX_WEDGES ? next_cluster(c->na) : -1;
		if (lcn < 0)
			continue;
		if (ntfs_bitmap_set_run(bitmap, lcn, 1))
			die("cluster bitmap at %lld", (long long)lcn);
		wedges[n++] = lcn;
	}
	while (n)
		if (ntfs_bitmap_clear_run(bitmap, wedges[--n], 1))
			die("cluster bitmap at %lld", (long long)wedges[n]);
	copy_close(c);
}

static void add_stream(ntfs_inode *dir, const char *name, const char *path)
{
	const char *colon = strchr(name, ':');
	char file[256];
	struct copy c;
	ntfschar *u;
	u64 ref;
	int len;

	snprintf(file, sizeof(file), "%.*s", (int)(colon - name), name);
	u = utf16(file, &len);
	ref = ntfs_inode_lookup_by_name(dir, u, len);
	free(u);
	if (ref == (u64)-1 || !(c.ni = ntfs_inode_open(dir->vol, ref)))
		die("%s: the file of this stream isn't there", path);
	c.dir = dir;
	copy_open(&c, path);
	u = utf16(colon + 1, &len);
	if (ntfs_attr_add(c.ni, AT_DATA, u, (u8)len, NULL, 0))
		die("%s: stream", path);
	c.na = ntfs_attr_open(c.ni, AT_DATA, u, len);
	if (!c.na)
		die("%s: stream", path);
	copy_forwards(&c);
	free(u);
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static void fill(ntfs_inode *dir, const char *path);

static void fill_directory(ntfs_inode *dir, const char *name, const char *path)
{
	ntfs_inode *ni = create(dir, name, S_IFDIR);

	if (ends_with(name, ".compressed")) {
		ni->flags |= FILE_ATTR_COMPRESSED;
		NInoFileNameSetDirty(ni);
		NInoSetDirty(ni);
	}
	fill(ni, path);
	if (ntfs_inode_close_in_dir(ni, dir))
		die("%s", path);
}

static void fill(ntfs_inode *dir, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, not_dots, alphasort);
	bool pieces = ends_with(path, ".fragmented");
	struct copy c;

	if (n < 0)
		die("%s", path);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char sub[4096];
		struct stat st;

		snprintf(sub, sizeof(sub), "%s/%s", path, name);
		if (lstat(sub, &st))
			die("%s", sub);
		if (S_ISDIR(st.st_mode)) {
			fill_directory(dir, name, sub);
		} else if (S_ISREG(st.st_mode) && strchr(name, ':')) {
			add_stream(dir, name, sub);
		} else if (S_ISREG(st.st_mode)) {
			add_file(dir, name, sub, &c);
			(pieces ? copy_in_pieces : copy_forwards)(&c);
		}
		free(names[i]);
	}
	free(names);
}

static void hash_stream(ntfs_inode *ni, ntfschar *name, u32 len, const char *path)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, name, len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned int size;
	s64 at = 0, n = 0;

	if (!na)
		die("%s: cannot be opened", path);
	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		die("SHA-256");
	while (at < na->data_size) {
		n = ntfs_attr_pread(na, at, BLOCK, block);
		if (n <= 0)
			die("%s: reading at %lld", path, (long long)at);
		EVP_DigestUpdate(ctx, block, (size_t)n);
		at += n;
	}
	EVP_DigestFinal_ex(ctx, digest, &size);
	EVP_MD_CTX_free(ctx);
	for (unsigned int i = 0; i < size; i++)
		printf("%02x", digest[i]);
	printf(" %lld %s\n", (long long)at, path);
	ntfs_attr_close(na);
}

/* The unnamed stream and every named one of a file. */
static void hash_file(ntfs_inode *ni, const char *path)
{
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);

	if (!ctx)
		die("%s", path);
	while (!ntfs_attr_lookup(AT_DATA, NULL, 0, CASE_SENSITIVE, 0, NULL, 0, ctx)) {
		ATTR_RECORD *a = ctx->attr;
		ntfschar *name = (ntfschar *)((char *)a + le16_to_cpu(a->name_offset));
		char full[4096], *stream = NULL;

		if (a->non_resident && a->lowest_vcn)
			continue;	/* a later part of a stream already seen */
		if (a->name_length && ntfs_ucstombs(name, a->name_length, &stream, 0) < 0)
			die("%s: stream's name", path);
		snprintf(full, sizeof(full), stream ? "%s:%s" : "%s", path, stream);
		hash_stream(ni, a->name_length ? name : AT_UNNAMED, a->name_length, full);
		free(stream);
	}
	ntfs_attr_put_search_ctx(ctx);
}

struct walk {
	ntfs_volume *vol;
	const char *path;
};

static void hash_inode(ntfs_volume *vol, MFT_REF ref, const char *path);

static int visit(void *arg, const ntfschar *name, const int len, const int type,
		 const s64 pos, const MFT_REF ref, const unsigned dt)
{
	struct walk *w = arg;
	char sub[4096], *mbs = NULL;

	(void)pos;
	(void)dt;
	if (type == FILE_NAME_DOS || MREF(ref) < FILE_first_user)
		return 0;
	if (ntfs_ucstombs(name, len, &mbs, 0) < 0)
		die("%s: a name in it", w->path);
	if (strcmp(mbs, ".") && strcmp(mbs, "..")) {
		snprintf(sub, sizeof(sub), "%s/%s", w->path, mbs);
		hash_inode(w->vol, ref, sub);
	}
	free(mbs);
	return 0;
}

static void hash_inode(ntfs_volume *vol, MFT_REF ref, const char *path)
{
	ntfs_inode *ni = ntfs_inode_open(vol, ref);
	struct walk w = { vol, path };
	s64 pos = 0;

	if (!ni)
		die("%s: cannot be opened", *path ? path : "/");
	if (!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY))
		hash_file(ni, path);
	else if (ntfs_readdir(ni, &pos, &w, visit))
		die("%s: cannot be listed", *path ? path : "/");
	ntfs_inode_close(ni);
}

static void fill_image(const char *image, const char *dir)
{
	ntfs_volume *vol = ntfs_mount(image, 0);
	ntfs_inode *root;

	if (!vol)
		die("%s", image);
	NVolSetCompression(vol);
	root = ntfs_inode_open(vol, FILE_root);
	if (!root)
		die("%s: root directory", image);
	fill(root, dir);
	if (ntfs_inode_close(root) || ntfs_umount(vol, FALSE))
		die("%s", image);
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C.UTF-8");
	ntfs_set_char_encoding("C.UTF-8");
	if (argc == 4 && !strcmp(argv[1], "fill")) {
		fill_image(argv[2], argv[3]);
	} else if (argc == 3 && !strcmp(argv[1], "hashes")) {
		ntfs_volume *vol = ntfs_mount(argv[2], NTFS_MNT_RDONLY);

		if (!vol)
			die("%s", argv[2]);
		hash_inode(vol, FILE_root, "");
		ntfs_umount(vol, FALSE);
	} else {
		fputs("usage: ntfs-tool fill IMAGE DIR | hashes IMAGE\n", stderr);
		return 2;
	}
	return fflush(stdout) ? 1 : 0;
}
