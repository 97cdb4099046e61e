/* segment.h: what is to be added to one initramfs, as a list of files. */
#ifndef REHOST_SEGMENT_H
#define REHOST_SEGMENT_H
#include "drivers-inject/linux/initrd.h"
#include "drivers-inject/linux/modules.h"

struct segment;

/* kernel may be NULL when no modules are added.  initrd: a path of the guest.
 * rewrite: the segment follows a rewritten copy of the initramfs instead of
 * the initramfs itself (INITRD_MUST_REWRITE). */
struct segment *segment_new(struct root *r, const char *initrd, const char *kernel_dir,
			    int rewrite);
struct segment *segment_free(struct segment *s); /* takes NULL, returns NULL */
void segment_free_ctx(void *s);
/* dest: in the initramfs, without links and leading "/".  from: a path of the
 * guest, whose bytes are taken. */
int segment_add_file(struct segment *s, const char *dest, mode_t mode, const char *from,
		     struct err *e) must_check;
int segment_add_data(struct segment *s, const char *dest, mode_t mode, const char *data,
		     size_t len, struct err *e) must_check;
/* The module's file, at kernel_dir/rel of the guest; makes the index of the
 * initramfs's modules and the added ones be written anew. */
int segment_add_module(struct segment *s, const char *rel, struct err *e) must_check;
int segment_is_empty(const struct segment *s);
/* An edit_fill: writes the archive (after the rewritten initramfs). */
int segment_fill(void *s, int fd, struct err *e) must_check;
#endif
