/* initrd.h: an initramfs file as the kernel sees it: archives one behind the
 * other, each plain or compressed, later entries over earlier ones. */
#ifndef REHOST_INITRD_H
#define REHOST_INITRD_H
#include <stdint.h>
#include <sys/types.h>
#include "drivers-inject/root.h"

enum initrd_compression {
	INITRD_NONE, INITRD_GZIP, INITRD_XZ, INITRD_LZMA, INITRD_BZIP2,
	INITRD_LZ4, INITRD_ZSTD, INITRD_LZO,
};
const char *initrd_compression_name(enum initrd_compression c);

struct initrd_segment {
	uint64_t offset, length;     /* bytes in the file, padding not counted */
	enum initrd_compression how;
	int early;                   /* microcode, ACPI tables: must stay first */
	size_t entries;
};

/* What made it, found from what it holds. */
enum initrd_generator {
	GEN_UNKNOWN, GEN_INITRAMFS_TOOLS, GEN_DRACUT, GEN_DRACUT_SYSTEMD,
	GEN_MKINITCPIO, GEN_MKINITCPIO_SYSTEMD, GEN_SUSE_MKINITRD, GEN_NASH,
	GEN_ALPINE, GEN_BOOSTER, GEN_MAKE_INITRD,
};
const char *initrd_generator_name(enum initrd_generator g); /* "dracut" */

/* What may be done to it. */
enum initrd_append {
	INITRD_MAY_APPEND,      /* a plain archive at the next multiple of 4  */
	INITRD_MUST_REWRITE,    /* lz4 and a kernel that can't read on behind it:
				 * its last segment is to be made gzip        */
	INITRD_REFUSED,         /* reason says why: a UKI, an ext2 image, ...  */
};

struct initrd_node {
	mode_t mode;
	uint64_t size;
	const char *target;     /* of a symbolic link                        */
};

struct initrd;

/* Reads all of it once.  path: of the guest; kept as name for messages.
 * Memory: an entry's name and place each; contents are kept only of files up
 * to 64 KiB that are not modules or firmware (INITRD_KEEP), the rest is
 * unpacked anew when asked for.  ERR_UNSUPPORTED: nothing a kernel could
 * unpack (an ext2 image, a UKI, LZO...), e says which. */
int initrd_open(struct root *r, const char *path, struct initrd **ret,
		struct err *e) must_check;
/* the same of an open file (tests, fuzzing); fd stays the caller's */
int initrd_open_fd(int fd, const char *name, struct initrd **ret,
		   struct err *e) must_check;
struct initrd *initrd_close(struct initrd *i);

size_t initrd_segments(const struct initrd *i, const struct initrd_segment **ret);
uint64_t initrd_file_size(const struct initrd *i);
enum initrd_generator initrd_generator(const struct initrd *i);
/* kernel: version text, "" unknown (then the safe answer). */
enum initrd_append initrd_how_to_append(const struct initrd *i, const char *kernel,
					char *ret_reason, size_t size);
/* Where in the file an appended archive must begin: a multiple of 4 at or behind
 * its end (behind lz4 with at least 4 bytes between); the caller writes NULs up
 * to there. */
uint64_t initrd_append_offset(const struct initrd *i);

/* The final tree.  Links in path are followed inside it.  ret_path may be NULL
 * or gets the path without links ("usr/lib/modules/..."), PATH_MAX bytes; a last
 * component that isn't there is allowed for it (returns ERR_NOT_FOUND then, with
 * ret_path filled if the directory exists). */
int initrd_find(const struct initrd *i, const char *path, struct initrd_node *ret,
		char *ret_path, struct err *e) must_check;
/* A regular file's content, at most max bytes; *ret has a NUL behind. */
int initrd_read(struct initrd *i, const char *path, size_t max, char **ret,
		size_t *ret_len, struct err *e) must_check;
/* Calls fn for every entry of the final tree below dir ("" all), sorted. */
int initrd_each(struct initrd *i, const char *dir,
		int (*fn)(void *ctx, const char *path, const struct initrd_node *n),
		void *ctx) must_check;
/* Writes the contents of the named regular files (paths without links) to
 * files below out_dir of this machine under their last component with a number
 * in front ("3-ext4.ko"); one pass over the initramfs. ret_names[k] is malloc'd. */
int initrd_extract(struct initrd *i, const char *const *paths, size_t n,
		   const char *out_dir, char **ret_names, struct err *e) must_check;
/* The versions below lib/modules; *ret: strv_done. */
int initrd_kernels(const struct initrd *i, struct strv *ret, struct err *e) must_check;

/* Copies the initramfs to fd with its last compressed segment as gzip (or, of
 * a plain one, as it is), padded to 4: after it a plain archive may follow for
 * every kernel. */
int initrd_rewrite(struct initrd *i, int fd, struct err *e) must_check;
#endif
