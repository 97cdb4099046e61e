/* modules-unpack.c: the bytes of a module file, which may be compressed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drivers-inject/linux/modules-private.h"

struct bytes {
	unsigned char *buf;
	size_t len, room;
	const char *name;
};

static int add_bytes(void *ctx, const uint8_t *p, size_t n, struct err *e)
{
	struct bytes *b = ctx;

	if (n > MODULE_BYTES_MAX - b->len)
		return err_set(e, ERR_UNSUPPORTED, "%s: unpacks to more than %u MiB", b->name,
			       MODULE_BYTES_MAX >> 20);
	if (n > b->room - b->len) {
		size_t room = b->room ? b->room : 256 << 10;
		unsigned char *more;

		while (room - b->len < n)
			room *= 2;
		more = realloc(b->buf, room);
		if (!more)
			return err_set(e, ERR_NOMEM, "%s: out of memory for unpacking it", b->name);
		b->buf = more;
		b->room = room;
	}
	memcpy(b->buf + b->len, p, n);
	b->len += n;
	return 0;
}

static int add_plain(int fd, struct bytes *b, struct err *e)
{
	uint8_t part[65536];
	ssize_t n;
	int r = 0;

	while (!r && (n = pread(fd, part, sizeof part, (off_t)b->len)) != 0) {
		if (n > 0)
			r = add_bytes(b, part, (size_t)n, e);
		else if (errno != EINTR)
			r = err_sys(e, errno, "%s", b->name);
	}
	return r;
}

enum initrd_compression module_packing(int fd)
{
	uint8_t head[UNPACK_MAGIC];
	ssize_t n = pread(fd, head, sizeof head, 0);

	return n > 0 ? unpack_guess(head, (size_t)n) : INITRD_NONE;
}

int module_read(int fd, const char *name, unsigned char **ret, size_t *ret_len, struct err *e)
{
	enum initrd_compression how = module_packing(fd);
	struct bytes b = { .name = name };
	struct stat st;
	uint64_t end;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "%s: is no regular file", name);
	r = how == INITRD_NONE ? add_plain(fd, &b, e) :
	    unpack_stream(fd, name, 0, how, add_bytes, &b, &end, e);
	if (r) {
		free(b.buf);
		return r;
	}
	*ret = b.buf;
	*ret_len = b.len;
	return 0;
}
