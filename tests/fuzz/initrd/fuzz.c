/* fuzz initrd: an initramfs file, read as adapt reads it; what is found must be
 * consistent, and what may be appended to must still be so when rewritten. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "drivers-inject/linux/initrd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define READS 8                 /* files whose content is asked for          */

struct seen {
	struct initrd *i;
	char path[READS][4096];
	size_t n, entries;
};

static int each(void *ctx, const char *path, const struct initrd_node *n)
{
	struct seen *s = ctx;

	if (!*path || (S_ISLNK(n->mode) && !n->target) || strlen(path) > 4095)
		abort();
	if (S_ISREG(n->mode) && n->size < 100000 && s->n < READS)
		strcpy(s->path[s->n++], path);
	s->entries++;
	return 0;
}

static void read_some(struct seen *s)
{
	struct err e;

	for (size_t k = 0; k < s->n; k++) {
		struct initrd_node n;
		char *text, path[4096];
		size_t len;

		/* a path without links is found as itself */
		if (initrd_find(s->i, s->path[k], &n, path, &e) || strcmp(path, s->path[k]))
			abort();
		if (initrd_read(s->i, s->path[k], 100000, &text, &len, &e))
			continue;
		if (len != n.size || text[len])
			abort();
		free(text);
	}
}

static void check_segments(struct initrd *i, size_t size)
{
	const struct initrd_segment *s;
	size_t n = initrd_segments(i, &s);
	uint64_t end = 0;

	for (size_t k = 0; k < n; k++) {
		if (s[k].offset < end || s[k].offset + s[k].length > size)
			abort();
		end = s[k].offset + s[k].length;
	}
	if (!n || initrd_append_offset(i) < size || initrd_append_offset(i) % 4)
		abort();
}

static void rewrite(struct seen *s)
{
	int fd = memfd_create("rewritten", 0);
	char why[1100];
	struct seen again = { 0 };
	struct err e;

	if (!initrd_rewrite(s->i, fd, &e)) {
		if (initrd_open_fd(fd, "rewritten", &again.i, &e) ||
		    initrd_how_to_append(again.i, "", why, sizeof why) != INITRD_MAY_APPEND ||
		    initrd_each(again.i, "", each, &again) || again.entries != s->entries)
			abort();
		initrd_close(again.i);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", 0);
	struct seen *s = calloc(1, sizeof *s);
	struct strv kernels;
	char why[1100];
	struct err e = { 0 };

	if (fd < 0 || !s || write(fd, data, size) != (ssize_t)size)
		abort();
	if (initrd_open_fd(fd, "input", &s->i, &e)) {
		if (!e.code || !*e.msg)
			abort();
	} else {
		check_segments(s->i, size);
		if (initrd_each(s->i, "", each, s))
			abort();
		read_some(s);
		if (!initrd_kernels(s->i, &kernels, &e))
			strv_done(&kernels);
		if (initrd_how_to_append(s->i, "6.1", why, sizeof why) != INITRD_REFUSED)
			rewrite(s);
		initrd_close(s->i);
	}
	close(fd);
	free(s);
	return 0;
}
