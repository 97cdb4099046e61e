/* place.c: mounting and unmounting places; see place.h. */
#include "imager/place.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/cleanup.h"
#include "common/run.h"
#include "imager/mountns.h"
#include "imager/store/place-ops.h"

/* For mount.cifs; in memory (/run/rehost), removed right after the mount. */
static int write_creds(const char *path, const struct place_creds *c, struct err *e)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char text[sizeof *c + 64];
	int n;

	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	n = snprintf(text, sizeof text, "username=%s\npassword=%s\n%s%s%s", c->username,
		     c->password, *c->domain ? "domain=" : "", c->domain, *c->domain ? "\n" : "");
	if (write(fd, text, (size_t)n) != n) {
		err_sys(e, errno, "%s", path);
		explicit_bzero(text, sizeof text);
		return e->code;
	}
	explicit_bzero(text, sizeof text);
	return 0;
}

static int explain(const struct place *p, const struct run_result *r, struct err *e)
{
	const struct place_message *m = p->ops->messages;
	char said[300];

	snprintf(said, sizeof said, "%.299s", *r->err ? r->err : "no message");
	for (char *c = said; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
	if (r->timed_out)
		return err_set(e, ERR_IO, "%s: the server did not answer within %u s; check its address and the cable",
			       p->url, p->ops->timeout_s);
	while (m->part && !strcasestr(said, m->part))
		m++;
	if (m->says)
		return err_set(e, ERR_IO, "%s: %s (%s)", p->url, m->says, said);
	return err_set(e, ERR_IO, "%s: mounting failed with status %d: %s", p->url, r->status, said);
}

/* One attempt.  *ret_again: 1 if another split of the path may help. */
static int mount_once(const struct place *p, const struct place_creds *c,
		      const struct place_how *how, const char *part,
		      struct place_mount *m, int *ret_again, struct err *e)
{
	struct place_cmd cmd = { 0 };
	struct run_spec spec = { .argv = cmd.argv, .timeout_s = p->ops->timeout_s,
				 .out_max = 65536, .cancel = how->cancel };
	struct run_result r;
	char creds[PATH_MAX];
	int with_creds = p->ops->creds_on_disk && *c->username, rc;

	*ret_again = 0;
	snprintf(creds, sizeof creds, "%.*s.cred", (int)sizeof creds - 8, m->base);
	if (with_creds && write_creds(creds, c, e) < 0)
		return e->code;
	rc = p->ops->command(p, c, with_creds ? creds : NULL, part, m->base, how->write, &cmd, e);
	if (rc == 0)
		rc = run_program(&spec, &r, e);
	if (with_creds)
		unlink(creds);
	if (rc == ERR_NOT_FOUND)
		return err_set(e, ERR_IO, "%s: the program %s, which mounts it, is not installed",
			       p->url, cmd.argv[0]);
	if (rc < 0)
		return rc;
	if (r.status || r.timed_out) {
		*ret_again = !r.timed_out && p->ops->try_next(r.err);
		explain(p, &r, e);
		rc = e->code;
	}
	run_result_done(&r);
	return rc;
}

/* The directory in the URL, and the file's name behind it ("" for a directory). */
static void dir_and_name(const struct place *p, int as_dir, char *dir, size_t size,
			 const char **name)
{
	const char *slash = strrchr(p->path, '/');

	*name = as_dir || p->is_dir ? "" : slash + 1;
	if (**name)
		snprintf(dir, size, "%.*s", slash == p->path ? 1 : (int)(slash - p->path), p->path);
	else
		snprintf(dir, size, "%s", p->path);
}

int place_mount(const struct place *p, const struct place_creds *c,
		const struct place_how *how, struct place_mount *ret,
		struct err *e)
{
	char dir[sizeof p->path], part[sizeof p->path];
	struct place_mount m = { 0 };
	const char *name;
	int n, rc = ERR_IO, again = 1;

	dir_and_name(p, how->as_dir, dir, sizeof dir, &name);
	if (!strcmp(p->ops->scheme, "smb") && !dir[1])
		return err_set(e, ERR_USAGE, "%s: the image's name is missing behind the share's", p->url);
	mountns_own();
	if (mountns_dir("place", m.base, e) < 0)
		return e->code;
	for (int try = 0; again && (n = p->ops->split(p, dir, try)) >= 0; try++) {
		struct err this = { 0 };

		snprintf(part, sizeof part, "%.*s", n, dir);
		rc = mount_once(p, c, how, part, &m, &again, &this);
		if (rc == 0)
			break;
		if (!try) /* the first attempt's message fits the URL best */
			*e = this;
	}
	if (rc < 0) {
		rmdir(m.base);
		return e->code;
	}
	m.mounted = 1;
	n = snprintf(m.dir, sizeof m.dir, "%s%s%s", m.base, dir[n] && dir[n] != '/' ? "/" : "",
		     strcmp(dir + n, "/") ? dir + n : "");
	if (n >= (int)sizeof m.dir ||
	    (*name && snprintf(m.file, sizeof m.file, "%s/%s", m.dir, name) >= (int)sizeof m.file)) {
		struct err ignored;

		if (place_unmount(&m, &ignored) < 0)
			*e = ignored;
		return err_set(e, ERR_USAGE, "%s: the path is too long", p->url);
	}
	*ret = m;
	return 0;
}

int place_unmount(struct place_mount *m, struct err *e)
{
	const char *argv[] = { "umount", m->base, NULL };
	struct run_spec spec = { .argv = argv, .timeout_s = 120, .out_max = 65536 };
	struct run_result r = { 0 };
	int rc;

	if (!m->mounted)
		return 0;
	m->mounted = 0;
	rc = run_program(&spec, &r, e);
	if (rc == 0 && (r.status || r.timed_out))
		rc = err_set(e, ERR_IO, "the place could not be unmounted: %s",
			     r.timed_out ? "the server does not answer" : r.err);
	run_result_done(&r);
	rmdir(m->base);
	return rc;
}
