/* io.c: see io.h. */
#include "common/io.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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

int io_replace(const char *path, const void *buf, size_t len, mode_t mode)
{
	char part[PATH_MAX];
	int fd, r;

	if (snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
		return ENAMETOOLONG;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return errno;
	r = io_write_all(fd, buf, len);
	if (!r && fsync(fd) < 0)
		r = errno;
	if (close(fd) < 0 && !r)
		r = errno;
	if (!r && rename(part, path) < 0)
		r = errno;
	if (r)
		unlink(part);
	return r ? r : io_sync_directory(path);
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
