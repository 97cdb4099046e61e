/* io.h: whole reads and writes on a descriptor. */
#ifndef REHOST_IO_H
#define REHOST_IO_H
#include <stddef.h>
#include <sys/types.h>

/* 0, or the errno.  Interrupted and partial calls go on. */
int io_write_all(int fd, const void *buf, size_t len);
/* Up to len bytes; *ret_got < len only at the end of the file.  0 or errno. */
int io_read_full(int fd, void *buf, size_t len, size_t *ret_got);
/* A file that got the name `path` by rename() or open() keeps it when the power fails:
 * its directory is synced.  0 or errno; network file systems that have nothing to do
 * for it are no failure. */
int io_sync_directory(const char *path);
/* The file `path` becomes these bytes, or stays as it is: they are written to PATH.part,
 * made durable and renamed.  0 or errno; then there is no PATH.part. */
int io_replace(const char *path, const void *buf, size_t len, mode_t mode);
/* For the begin of main(): descriptors 0 to 2 that are not open become ones
 * that only fail, so that no disk or image gets such a number and with it what
 * is meant for people.  0 or errno. */
int io_keep_std(void);
/* For a child process that serves others: ignores what a terminal sends to all
 * (SIGINT, SIGTERM, SIGHUP) and SIGPIPE, and lets go of everybody's pipes:
 * descriptors 0 to 2 become /dev/null. */
void io_serve_alone(void);
#endif
