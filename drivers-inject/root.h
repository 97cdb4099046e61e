/* root.h: a guest's file tree: mounted at (or unpacked in) a directory, or an
 * NTFS volume that is not mounted (root-ntfs.h).
 *
 * Paths are the guest's: "/etc/fstab", and every symbolic link in them is
 * resolved inside the guest (openat2(2), RESOLVE_IN_ROOT), so that no link
 * leads out; on NTFS nothing is followed and case is ignored.  What is read is
 * hostile; every read has a limit.  Nothing here writes: apply.h does. */
#ifndef REHOST_ROOT_H
#define REHOST_ROOT_H
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include "common/err.h"
#include "drivers-inject/strv.h"

#define ROOT_TEXT_MAX (4u << 20)  /* bytes of a configuration file; modules.alias
				   * of a large kernel has 1.3 MB           */
#define ROOT_LIST_MAX 65536       /* names taken from one directory          */

struct root;

/* dir: a path of this machine. */
int root_open(const char *dir, struct root **ret, struct err *e) must_check;
struct root *root_close(struct root *r); /* takes NULL, returns NULL */
/* For people: dir, as given; or the device. */
const char *root_dir(const struct root *r);
/* Where adapt keeps what an undo needs, in the guest: "/var/lib/rehost/adapt". */
const char *root_journal_dir(const struct root *r);

/* openat2 with flags (O_CLOEXEC | O_NOCTTY are added).  0 and *ret, an fd for
 * the caller to close; ERR_NOT_FOUND: no such file (e names it).  On NTFS: a copy
 * of a file's content in memory, for reading; else ERR_UNSUPPORTED. */
int root_fd(struct root *r, const char *path, int flags, unsigned int mode,
	    int *ret, struct err *e) must_check;
/* Links followed; root_lstat: not the last one. */
int root_stat(struct root *r, const char *path, struct stat *ret,
	      struct err *e) must_check;
int root_lstat(struct root *r, const char *path, struct stat *ret,
	       struct err *e) must_check;
/* 1: there is such a regular file / directory / anything (a dangling link too) */
int root_has_file(struct root *r, const char *path);
int root_has_dir(struct root *r, const char *path);
int root_exists(struct root *r, const char *path);
/* The whole of a regular file of at most max bytes (else ERR_UNSUPPORTED);
 * *ret gets a NUL behind and is the caller's; ret_len may be NULL. */
int root_read(struct root *r, const char *path, size_t max, char **ret,
	      size_t *ret_len, struct err *e) must_check;
/* Names without . and .., sorted; *ret: strv_done. */
int root_list(struct root *r, const char *path, struct strv *ret,
	      struct err *e) must_check;
/* A link's target, as it stands there. */
int root_readlink(struct root *r, const char *path, char ret[PATH_MAX],
		  struct err *e) must_check;
/* The path of the same file without any symbolic link in it, "/usr/lib/x"; on
 * NTFS in the case and with the long names that its directories have.  The last component need not exist; its directory must. */
int root_resolve(struct root *r, const char *path, char ret[PATH_MAX],
		 struct err *e) must_check;
/* The same of the last component only, which isn't followed: on NTFS it gets the
 * case that its directory has; else path stays. */
int root_spell(struct root *r, char path[PATH_MAX], struct err *e) must_check;
#endif
