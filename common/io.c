/* io.c: see io.h. */
#include "common/io.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"

int io_sync_directory(const char *path)
{
	cleanup_free char *copy = strdup(path);
	cleanup_close int fd = -1;

	if (!copy)
		return ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP) ? errno : 0;
}

/* A descriptor that was given to us may be non-blocking. */
static void wait_for(int fd, short what)
{
	struct pollfd p = { .fd = fd, .events = what };

	poll(&p, 1, -1);
}

int io_write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLOUT);
		else if (n < 0 && errno != EINTR)
			return errno;
		else if (n == 0)
			return EIO;
		else if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

int io_read_full(int fd, void *buf, size_t len, size_t *ret_got)
{
	char *p = buf;

	*ret_got = 0;
	while (*ret_got < len) {
		ssize_t n = read(fd, p + *ret_got, len - *ret_got);

		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLIN);
		else if (n < 0 && errno != EINTR)
			return errno;
		else if (n == 0)
			return 0;
		else if (n > 0)
			*ret_got += (size_t)n;
	}
	return 0;
}

int io_keep_std(void)
{
	for (int fd = 0; fd <= 2; fd++)
		/* the lowest free number; the other way round, so that using it fails */
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return errno;
	return 0;
}

void io_serve_alone(void)
{
	int null = open("/dev/null", O_RDWR);

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}
