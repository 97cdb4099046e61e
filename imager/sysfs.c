/* sysfs.c: see sysfs.h. */
#include "imager/sysfs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/vec.h"

const struct kernel_view kernel_view_real = { "/sys", "/proc", "/dev" };

static ssize_t read_path(const char *path, void *buf, size_t size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;

	if (fd < 0)
		return -1;
	while (n < size) {
		ssize_t k = read(fd, (char *)buf + n, size - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		n += (size_t)k;
	}
	return (ssize_t)n;
}

#define MAKE_PATH(path, fmt)                                            \
	char path[PATH_MAX];                                            \
	do {                                                            \
		va_list ap_;                                            \
		va_start(ap_, fmt);                                     \
		vsnprintf(path, sizeof path, fmt, ap_);                 \
		va_end(ap_);                                            \
	} while (0)

int sysfs_text(char *buf, size_t size, const char *fmt, ...)
{
	ssize_t n;
	size_t a = 0, len;

	MAKE_PATH(path, fmt);
	buf[0] = 0;
	n = read_path(path, buf, size - 1);
	if (n < 0)
		return -1;
	for (ssize_t i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = ' ';
	len = (size_t)n;
	while (len && strchr(" \t\r\n", buf[len - 1]))
		len--;
	while (a < len && strchr(" \t\r\n", buf[a]))
		a++;
	memmove(buf, buf + a, len - a);
	buf[len - a] = 0;
	return (int)(len - a);
}

ssize_t sysfs_bytes(void *buf, size_t size, const char *fmt, ...)
{
	MAKE_PATH(path, fmt);
	return read_path(path, buf, size);
}

uint64_t sysfs_u64(uint64_t dflt, const char *fmt, ...)
{
	char text[64], *end;
	unsigned long long v;

	MAKE_PATH(path, fmt);
	if (sysfs_text(text, sizeof text, "%s", path) <= 0)
		return dflt;
	errno = 0;
	v = strtoull(text, &end, 0);
	return errno || *end ? dflt : v;
}

int sysfs_exists(const char *fmt, ...)
{
	MAKE_PATH(path, fmt);
	return access(path, F_OK) == 0;
}

void sysfs_link_name(char *buf, size_t size, const char *fmt, ...)
{
	char to[PATH_MAX], *slash;
	ssize_t n;

	MAKE_PATH(path, fmt);
	n = readlink(path, to, sizeof to - 1);
	to[n < 0 ? 0 : n] = 0;
	slash = strrchr(to, '/');
	snprintf(buf, size, "%s", slash ? slash + 1 : to);
}

int sysfs_real(char *buf, const char *fmt, ...)
{
	MAKE_PATH(path, fmt);
	return realpath(path, buf) ? 0 : -1;
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

char **sysfs_names(const char *fmt, ...)
{
	size_t n = 0, room = 0;
	char **names = NULL, **more;
	struct dirent *de;
	int failed;
	DIR *d;

	MAKE_PATH(path, fmt);
	d = opendir(path);
	if (!d)
		return NULL;
	while ((errno = 0, de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		more = vec_room(names, n + 1, &room, sizeof *names);
		if (!more)
			break;
		names = more;
		if (!(names[n] = strdup(de->d_name)))
			break;
		names[++n] = NULL;
	}
	failed = errno;
	closedir(d);
	if (failed) {
		sysfs_names_free(names);
		errno = failed;
		return NULL;
	}
	if (n)
		qsort(names, n, sizeof *names, by_version);
	else if (!names && (names = malloc(sizeof *names)))
		names[0] = NULL;
	return names;
}

void sysfs_names_free(char **names)
{
	for (char **p = names; p && *p; p++)
		free(*p);
	free(names);
}
