/* place.h: places where images live that must be mounted first: smb://, nfs://,
 * dev://.  Mounted by the kernel's clients (mount.cifs, mount.nfs, mount) in a
 * directory of its own, in a mount namespace of its own, so that nothing stays
 * mounted when the process dies.  docs/INTERFACES.md, "Places". */
#ifndef REHOST_PLACE_H
#define REHOST_PLACE_H
#include <limits.h>
#include <signal.h>
#include "common/err.h"

#define PLACE_OPTIONS_MAX 16

struct place_option { char name[24], value[64]; }; /* value "" if none */

struct place {
	const struct place_ops *ops;
	char url[1024];           /* as given                                  */
	char host[256];           /* dev: the device's path; no [] around IPv6 */
	unsigned int port;        /* 0: the protocol's                         */
	char user[128], domain[128]; /* from the URL, "" if not given          */
	char path[1024];          /* behind the host, begins with '/', decoded, no
				   * "." or "..", no double or final '/'       */
	int is_dir;               /* the URL ended with '/' (or has no path)   */
	struct place_option option[PLACE_OPTIONS_MAX];
	size_t n_options;
};

struct place_creds {
	char username[128], password[512], domain[128]; /* "" if none */
};

/* "scheme://": 1 for any scheme, also unknown ones. */
int place_is_url(const char *text);
/* ERR_USAGE says which part is wrong; ERR_UNSUPPORTED: a scheme of a later
 * version. */
int place_parse(const char *url, struct place *ret, struct err *e) must_check;

/* Lines username= password= domain= (as mount.cifs reads them).  Refuses a file
 * that others may read. */
int place_creds_file(const char *path, struct place_creds *ret,
		     struct err *e) must_check;
/* From file (if not NULL), else REHOST_USERNAME, REHOST_PASSWORD,
 * REHOST_DOMAIN, else, if p needs them and a person can be asked, by a prompt;
 * else nothing ("" for a guest).  The URL's user and domain fill gaps. */
int place_creds_get(const struct place *p, const char *file, int stdin_busy,
		    struct place_creds *ret, struct err *e) must_check;

struct place_mount {
	char base[PATH_MAX];      /* the mount point                           */
	char dir[PATH_MAX];       /* the URL's directory, under base           */
	char file[PATH_MAX];      /* dir/NAME; "" if the URL is a directory    */
	int mounted;
};

struct place_how {
	int write;                /* 1: read-write                             */
	int as_dir;               /* 1: the URL's last part is a directory too */
	const volatile sig_atomic_t *cancel;
};

/* Mounts.  Errors are sentences for people: wrong password, no such share,
 * host not reached, ... */
int place_mount(const struct place *p, const struct place_creds *c,
		const struct place_how *how, struct place_mount *ret,
		struct err *e) must_check;
/* Unmounts what place_mount mounted; an error means that the last writes may
 * be lost. */
int place_unmount(struct place_mount *m, struct err *e) must_check;

#endif
