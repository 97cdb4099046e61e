/* faults.c: a library for LD_PRELOAD that makes one file fail.
 *   FAULT_FILE   real path of the file
 *   FAULT_READ   OFF+LEN[,OFF+LEN ...]: reads that touch one of these ranges give EIO
 *   FAULT_FLIP   OFF: reads give the byte there wrong, unless it is 0
 *   FAULT_SLEEP_US  N: such a read takes so long
 *   FAULT_SAID   path: a line for each read of the file: length, "direct" or "cached"
 *   FAULT_WRITE  N: writes past N bytes of the file give ENOSPC
 *   FAULT_RENAME N: renameat2() with flags fails with errno N, whatever the file
 *   FAULT_CAME   TEXT: the file, with this in it, is there when that fails */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_it(int fd)
{
	const char *want = getenv("FAULT_FILE");
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (!want || n < 0)
		return 0;
	path[n] = 0;
	return !strcmp(path, want);
}

static int read_fails(int fd, uint64_t off, size_t len)
{
	const char *range = getenv("FAULT_READ");
	unsigned long long a, n;

	for (; range; range = strchr(range, ',') ? strchr(range, ',') + 1 : NULL)
		if (sscanf(range, "%llu+%llu", &a, &n) == 2 && off < a + n &&
		    a < off + len && is_it(fd)) {
			usleep((useconds_t)atoi(getenv("FAULT_SLEEP_US") ? getenv("FAULT_SLEEP_US") : "0"));
			return 1;
		}
	return 0;
}

static void flip(int fd, uint8_t *buf, ssize_t n, uint64_t off)
{
	const char *text = getenv("FAULT_FLIP");
	uint64_t at = text ? strtoull(text, NULL, 10) : 0;

	if (text && n > 0 && at >= off && at - off < (uint64_t)n && buf[at - off] && is_it(fd))
		buf[at - off] ^= 0xff;
}

static void say(int fd, size_t len)
{
	const char *path = getenv("FAULT_SAID");
	FILE *f = path && is_it(fd) ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%zu %s\n", len, fcntl(fd, F_GETFL) & O_DIRECT ? "direct" : "cached");
	fclose(f);
}

ssize_t pread64(int fd, void *buf, size_t len, off64_t off)
{
	static ssize_t (*next)(int, void *, size_t, off64_t);
	ssize_t n;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pread64");
	say(fd, len);
	if (read_fails(fd, (uint64_t)off, len)) {
		errno = EIO;
		return -1;
	}
	n = next(fd, buf, len, off);
	flip(fd, buf, n, (uint64_t)off);
	return n;
}

ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t room)
{
	(void)room;
	return pread64(fd, buf, len, off);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static ssize_t (*next)(int, const void *, size_t);
	const char *limit = getenv("FAULT_WRITE");

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "write");
	if (limit && is_it(fd) &&
	    (uint64_t)lseek64(fd, 0, SEEK_CUR) + len > strtoull(limit, NULL, 10)) {
		errno = ENOSPC;
		return -1;
	}
	return next(fd, buf, len);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	static int (*next)(int, const char *, int, const char *, unsigned int);
	const char *number = getenv("FAULT_RENAME");

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "renameat2");
	if (!flags || !number)
		return next(from_dir, from, to_dir, to, flags);
	if (getenv("FAULT_CAME")) {
		FILE *f = fopen(to, "wx");

		if (f) {
			fputs(getenv("FAULT_CAME"), f);
			fclose(f);
		}
	}
	errno = atoi(number);
	return -1;
}
