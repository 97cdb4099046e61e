/* cutwrite.c: a library for LD_PRELOAD that stops a program at one of its writes to a
 * file.  A flush counts as a write.
 *   CUT_FILE   the file (its device and inode count, not its name)
 *   CUT_AT     the write, from 1; 0: never
 *   CUT_HOW    kill: the process ends before it; torn: in the middle of it;
 *              once: it fails with EIO; dead: it and all that follow do
 *   CUT_COUNT  a file that gets the number of writes, when the process ends
 * The file is never flushed for real: whoever reads it afterwards has the same memory. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long seen;
static pid_t owner;

static int is_it(int fd)
{
	const char *want = getenv("CUT_FILE");
	struct stat a, b;

	return want && !stat(want, &a) && !fstat(fd, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* 1: this write fails; *ret_torn: half of it is to be made, then the end. */
static int hit(int *ret_torn)
{
	const char *at = getenv("CUT_AT"), *how = getenv("CUT_HOW");
	unsigned long n = at ? strtoul(at, NULL, 10) : 0;

	owner = getpid();
	seen++;
	*ret_torn = 0;
	if (!n || seen < n || !how)
		return 0;
	if (!strcmp(how, "kill") || (!strcmp(how, "torn") && seen > n))
		raise(SIGKILL);
	*ret_torn = !strcmp(how, "torn");
	return !strcmp(how, "dead") || (!strcmp(how, "once") && seen == n);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	int torn;

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pwrite64");
	if (!is_it(fd))
		return next(fd, buf, len, off);
	if (hit(&torn)) {
		errno = EIO;
		return -1;
	}
	if (torn) {
		if (next(fd, buf, len / 1024 * 512, off) >= 0)
			raise(SIGKILL);
		return -1;
	}
	return next(fd, buf, len, off);
}

static int flush(int fd, const char *name)
{
	int (*next)(int), torn;

	if (is_it(fd)) {
		errno = EIO;
		return hit(&torn) ? -1 : 0;
	}
	*(void **)&next = dlsym(RTLD_NEXT, name);
	return next(fd);
}

int fsync(int fd)
{
	return flush(fd, "fsync");
}

int fdatasync(int fd)
{
	return flush(fd, "fdatasync");
}

/* Children that were forked before they wrote don't count. */
__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("CUT_COUNT");
	FILE *f = path && owner == getpid() ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%lu\n", seen);
		fclose(f);
	}
}
