/* sysfs.h: small text attributes of /sys and /proc, under roots that tests can
 * replace by a made tree. */
#ifndef REHOST_SYSFS_H
#define REHOST_SYSFS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the kernel shows itself.  NULL in place of it means kernel_view_real. */
struct kernel_view {
	const char *sys;   /* "/sys" */
	const char *proc;  /* "/proc" */
	const char *dev;   /* "/dev" */
};
extern const struct kernel_view kernel_view_real;

/* Reads the file whose path is made from fmt into buf: blanks at both ends cut,
 * 0 byte behind.  Returns its length, or -1 (then buf is ""). */
int sysfs_text(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Raw bytes; number read or -1. */
ssize_t sysfs_bytes(void *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A decimal or 0x number; dflt if absent or no number. */
uint64_t sysfs_u64(uint64_t dflt, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int sysfs_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The last component of what the symlink points to; "" if there is none. */
void sysfs_link_name(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The real path of fmt's path into buf (4096 bytes); 0, or -1. */
int sysfs_real(char *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The names in a directory (no dot files), sorted so that sda < sda2 < sda10 < sdb,
 * as a NULL-terminated array; NULL and errno if it can't be read or there is no memory.
 * sysfs_names_free takes NULL. */
char **sysfs_names(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void sysfs_names_free(char **names);

static inline void cleanup_names_(char ***n)
{
	sysfs_names_free(*n);
}
#define cleanup_names __attribute__((cleanup(cleanup_names_)))
#endif
