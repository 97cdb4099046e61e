/* faults.c: a library for LD_PRELOAD that makes files fail.
 *   FAULT_FILE   which: patterns of whole paths (fnmatch), joined by ':'
 *   FAULT_CALLS  which of their calls, joined by commas: read write sync size open
 *                rename close, or all
 *   FAULT_HOW    what becomes of those that are hit:
 *                  eio enospc eintr einval   it fails so
 *                  short              only a part of it is read or written
 *                  slow               it takes FAULT_SLEEP_US longer
 *                  int                SIGINT comes half a second before it
 *                  kill               the process ends before it
 *                  torn               half of a write is made, then the process ends
 *   FAULT_AT     the first that is hit, from 1; 0: none
 *   FAULT_FOR    N: so many are hit; 0: it and all that follow
 *   FAULT_COUNT  a file that gets, as 8 bytes each, how many of FAULT_CALLS' calls there
 *                were, and how many of each kind, in the order above; of all processes,
 *                and going on from what it says
 * or, of reads and writes at certain places:
 *   FAULT_READ   OFF+LEN[,OFF+LEN ...]: reads that touch one of these ranges give EIO,
 *                after FAULT_SLEEP_US
 *   FAULT_FLIP   OFF: reads give the byte there wrong, unless it is 0
 *   FAULT_SAID   path: a line for each read and pwrite of the file: length, "direct" or
 *                "cached", and of the latter also "written"
 *   FAULT_WRITE  N: writes past N bytes of the file give ENOSPC
 *   FAULT_RENAME N: renameat2() with flags fails with errno N, whatever the file
 *   FAULT_CAME   TEXT: the file, with this in it, is there when that fails
 * These files are never flushed for real: whoever reads them afterwards has the same
 * memory.  What stdio reads by itself is seen, what it writes isn't. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#define NEXT(name) do { if (!next) *(void **)&next = dlsym(RTLD_NEXT, name); } while (0)

enum call { READ = 1, WRITE = 2, SYNC = 4, SIZE = 8, OPEN = 16, RENAME = 32, CLOSE = 64 };
enum how { NOTHING, FAILS, SHORT, SLOW, INT, KILL, TORN };

static struct {
	const char *files;
	unsigned int calls, sleep_us;
	enum how how;
	int error;
	uint64_t at, length;
} plan;
#define CALL_KINDS 7
static _Atomic uint64_t own_counts[1 + CALL_KINDS], *counts = own_counts;

static uint64_t number(const char *name)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 10) : 0;
}

__attribute__((constructor)) static void read_plan(void)
{
	static const struct { const char *name; unsigned int call; } calls[] = {
		{ "read", READ }, { "write", WRITE }, { "sync", SYNC }, { "size", SIZE },
		{ "open", OPEN }, { "rename", RENAME }, { "close", CLOSE }, { "all", 127 },
	};
	static const struct { const char *name; enum how how; int error; } hows[] = {
		{ "eio", FAILS, EIO }, { "enospc", FAILS, ENOSPC }, { "eintr", FAILS, EINTR }, { "einval", FAILS, EINVAL },
		{ "short", SHORT, 0 }, { "slow", SLOW, 0 }, { "int", INT, 0 }, { "kill", KILL, 0 }, { "torn", TORN, 0 },
	};
	const char *which = getenv("FAULT_CALLS"), *how = getenv("FAULT_HOW");
	const char *path = getenv("FAULT_COUNT");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *shared;

	for (size_t i = 0; which && i < sizeof calls / sizeof *calls; i++)
		if (strstr(which, calls[i].name))
			plan.calls |= calls[i].call;
	for (size_t i = 0; how && i < sizeof hows / sizeof *hows; i++)
		if (!strcmp(how, hows[i].name)) {
			plan.how = hows[i].how;
			plan.error = hows[i].error;
		}
	plan.at = number("FAULT_AT");
	plan.length = number("FAULT_FOR");
	plan.sleep_us = (unsigned int)number("FAULT_SLEEP_US");
	if (fd >= 0 && ftruncate(fd, sizeof own_counts) == 0) {
		shared = mmap(NULL, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (shared != MAP_FAILED)
			counts = shared;
	}
	if (fd >= 0)
		close(fd);
	plan.files = getenv("FAULT_FILE");  /* last: before, nothing is hit */
}

/* ---- which files ---- */

static int is_path(const char *path)
{
	const char *s = plan.files, *end;
	char one[PATH_MAX];

	for (; s; s = *end ? end + 1 : NULL) {
		end = s + strcspn(s, ":");
		snprintf(one, sizeof one, "%.*s", (int)(end - s), s);
		if (!fnmatch(one, path, 0))
			return 1;
	}
	return 0;
}

/* The path of a descriptor; "" if it has none. */
static void path_of(int fd, char path[static PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = 0;
}

static int is_it(int fd)
{
	int was = errno, r;
	char path[PATH_MAX];

	if (!plan.files)
		return 0;
	path_of(fd, path);
	r = is_path(path);
	errno = was;
	return r;
}

static int is_name(int dir, const char *name)
{
	char path[2 * PATH_MAX] = "";
	size_t n;

	if (!plan.files)
		return 0;
	if (*name != '/') {
		path_of(dir, path);
		n = strlen(path);
		path[n++] = '/';
		while (!strncmp(name, "./", 2))
			name += 2;
		snprintf(path + n, sizeof path - n, "%s", name);
		name = path;
	}
	return is_path(name);
}

/* ---- what becomes of a call ---- */

/* Of one that is to be counted: FAILS and errno is set, else what is left to do.
 * *len, where there is one: how much of it. */
static enum how hit(enum call call, size_t *len)
{
	uint64_t n;

	atomic_fetch_add(&counts[ffs((int)call)], 1);
	if (!(plan.calls & call))
		return NOTHING;
	n = atomic_fetch_add(counts, 1) + 1;
	if (!plan.at || n < plan.at || (plan.length && n - plan.at >= plan.length))
		return NOTHING;
	if (plan.how == KILL || (plan.how == TORN && call != WRITE))
		raise(SIGKILL);
	if (plan.how == INT) {
		kill(getpid(), SIGINT);
		usleep(500000);
	}
	if (plan.how == SLOW)
		usleep(plan.sleep_us);
	if (plan.how == FAILS)
		errno = plan.error;
	if (plan.how == TORN && len)
		*len = *len / 1024 * 512;
	/* a byte, a half, all but one */
	if (plan.how == SHORT && len && *len > 1)
		*len = n % 3 == 0 ? 1 : n % 3 == 1 ? *len / 2 : *len - 1;
	return plan.how;
}

static int read_fails(int fd, uint64_t off, size_t len)
{
	const char *range = getenv("FAULT_READ");
	unsigned long long a, n;

	for (; range; range = strchr(range, ',') ? strchr(range, ',') + 1 : NULL)
		if (sscanf(range, "%llu+%llu", &a, &n) == 2 && off < a + n &&
		    a < off + len && is_it(fd)) {
			usleep(plan.sleep_us);
			errno = EIO;
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

static void say(int fd, size_t len, const char *more)
{
	const char *path = getenv("FAULT_SAID");
	FILE *f = path && is_it(fd) ? fopen(path, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%zu %s%s\n", len, fcntl(fd, F_GETFL) & O_DIRECT ? "direct" : "cached", more);
	fclose(f);
}

/* ---- the calls ---- */

ssize_t pread64(int fd, void *buf, size_t len, off64_t off)
{
	static ssize_t (*next)(int, void *, size_t, off64_t);
	ssize_t n;

	NEXT("pread64");
	say(fd, len, "");
	if (read_fails(fd, (uint64_t)off, len) || (is_it(fd) && hit(READ, &len) == FAILS))
		return -1;
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

ssize_t read(int fd, void *buf, size_t len)
{
	static ssize_t (*next)(int, void *, size_t);

	NEXT("read");
	if (is_it(fd) && hit(READ, &len) == FAILS)
		return -1;
	return next(fd, buf, len);
}

ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	(void)room;
	return read(fd, buf, len);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);
	enum how how;
	ssize_t n;

	NEXT("pwrite64");
	say(fd, len, " written");
	how = is_it(fd) ? hit(WRITE, &len) : NOTHING;
	if (how == FAILS)
		return -1;
	n = next(fd, buf, len, off);
	if (how == TORN)
		raise(SIGKILL);
	return n;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static ssize_t (*next)(int, const void *, size_t);
	enum how how = is_it(fd) ? hit(WRITE, &len) : NOTHING;
	const char *limit = getenv("FAULT_WRITE");
	ssize_t n;

	NEXT("write");
	if (how == FAILS)
		return -1;
	if (limit && is_it(fd) &&
	    (uint64_t)lseek64(fd, 0, SEEK_CUR) + len > strtoull(limit, NULL, 10)) {
		errno = ENOSPC;
		return -1;
	}
	n = next(fd, buf, len);
	if (how == TORN)
		raise(SIGKILL);
	return n;
}

int fsync(int fd)
{
	static int (*next)(int);

	NEXT("fsync");
	if (!is_it(fd))
		return next(fd);
	return hit(SYNC, NULL) == FAILS ? -1 : 0;
}

int fdatasync(int fd)
{
	return fsync(fd);
}

/* Only begun, it says nothing that is to be believed. */
int sync_file_range(int fd, off64_t off, off64_t len, unsigned int flags)
{
	static int (*next)(int, off64_t, off64_t, unsigned int);

	NEXT("sync_file_range");
	if (!(flags & SYNC_FILE_RANGE_WAIT_AFTER) || !is_it(fd))
		return next(fd, off, len, flags);
	return hit(SYNC, NULL) == FAILS ? -1 : 0;
}

int ftruncate64(int fd, off64_t len)
{
	static int (*next)(int, off64_t);

	NEXT("ftruncate64");
	return is_it(fd) && hit(SIZE, NULL) == FAILS ? -1 : next(fd, len);
}

int fallocate64(int fd, int mode, off64_t off, off64_t len)
{
	static int (*next)(int, int, off64_t, off64_t);

	NEXT("fallocate64");
	return is_it(fd) && hit(SIZE, NULL) == FAILS ? -1 : next(fd, mode, off, len);
}

int openat64(int dir, const char *path, int flags, ...)
{
	static int (*next)(int, const char *, int, ...);
	va_list more;
	mode_t mode;

	NEXT("openat64");
	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return is_name(dir, path) && hit(OPEN, NULL) == FAILS ? -1 : next(dir, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return openat64(AT_FDCWD, path, flags, mode);
}

DIR *opendir(const char *path)
{
	static DIR *(*next)(const char *);

	NEXT("opendir");
	return is_name(AT_FDCWD, path) && hit(OPEN, NULL) == FAILS ? NULL : next(path);
}

struct dirent64 *readdir64(DIR *d)
{
	static struct dirent64 *(*next)(DIR *);

	NEXT("readdir64");
	/* never interrupted */
	return plan.error != EINTR && is_it(dirfd(d)) && hit(READ, NULL) == FAILS ? NULL : next(d);
}

/* Linux has closed it all the same. */
int close(int fd)
{
	static int (*next)(int);
	int r = is_it(fd) && hit(CLOSE, NULL) == FAILS ? -1 : 0, error = errno;

	NEXT("close");
	if (next(fd) < 0)
		return -1;
	errno = error;
	return r;
}

int rename(const char *from, const char *to)
{
	static int (*next)(const char *, const char *);

	NEXT("rename");
	if ((is_name(AT_FDCWD, from) || is_name(AT_FDCWD, to)) && hit(RENAME, NULL) == FAILS)
		return -1;
	return next(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	static int (*next)(int, const char *, int, const char *, unsigned int);
	const char *error = getenv("FAULT_RENAME");

	NEXT("renameat2");
	if ((is_name(from_dir, from) || is_name(to_dir, to)) && hit(RENAME, NULL) == FAILS)
		return -1;
	if (!flags || !error)
		return next(from_dir, from, to_dir, to, flags);
	if (getenv("FAULT_CAME")) {
		FILE *f = fopen(to, "wx");

		if (f) {
			fputs(getenv("FAULT_CAME"), f);
			fclose(f);
		}
	}
	errno = atoi(error);
	return -1;
}

/* ---- stdio: its own calls are the C library's, so these files get other ones ---- */

static struct { FILE *f; int fd; } streams[16];

static ssize_t stream_read(void *fd, char *buf, size_t len)
{
	return read(*(int *)fd, buf, len);
}

static int stream_close(void *fd)
{
	int r = close(*(int *)fd);

	*(int *)fd = -1;
	return r;
}

FILE *fopen64(const char *path, const char *mode)
{
	static FILE *(*next)(const char *, const char *);
	static const cookie_io_functions_t io = {
		.read = stream_read, .close = stream_close };
	size_t i = 0;
	int fd;

	NEXT("fopen64");
	if (*mode != 'r' || !is_name(AT_FDCWD, path))
		return next(path, mode);
	fd = open64(path, O_RDONLY | O_CLOEXEC);
	while (i < sizeof streams / sizeof *streams && streams[i].f && streams[i].fd >= 0)
		i++;
	if (fd < 0 || i == sizeof streams / sizeof *streams)
		return NULL;
	streams[i].fd = fd;
	streams[i].f = fopencookie(&streams[i].fd, mode, io);
	return streams[i].f;
}

int fileno(FILE *f)
{
	static int (*next)(FILE *);

	NEXT("fileno");
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		if (streams[i].f == f && streams[i].fd >= 0)
			return streams[i].fd;
	return next(f);
}
