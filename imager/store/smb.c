/* smb.c: a share of a Windows or Samba server, by the kernel's cifs. */
#include <stdio.h>
#include <string.h>
#include "imager/store/place-ops.h"

/* hard: a server that goes away and comes back is waited for (a signal still
 * ends the wait).  echo_interval: a dead one is noticed after 30 s, not 2 min.
 * cache=none for writing: data are at the server when write returns, so that
 * a full share is told at the place where it happens, and memory stays free. */
static const char *const defaults_write[] = {
	"hard", "echo_interval=15", "cache=none", "uid=0", "gid=0", "nobrl", NULL
};
static const char *const defaults_read[] = {
	"hard", "echo_interval=15", "uid=0", "gid=0", "nobrl", NULL
};

static const char *const allowed[] = {
	"vers", "sec", "seal", "sign", "cache", "hard", "soft", "echo_interval",
	"rsize", "wsize", "iocharset", "nodfs", "noserverino", "guest", "nobrl", NULL
};

static const struct place_message messages[] = {
	{ "error(13)", "the server refused the user name or password, or this user may not use the share" },
	{ "error(1)", "the kernel did not allow the mount; this needs root" },
	{ "error(2)", "the server has no such share, or no such directory in it" },
	{ "error(19)", "this kernel has no cifs module" },
	{ "error(22)", "the kernel did not accept the mount options" },
	{ "error(95)", "the server does not speak this version of SMB; an old one may need ?vers=1.0 or ?vers=2.0" },
	{ "error(101)", "the network is not reachable; is this machine's address set?" },
	{ "error(104)", "the server closed the connection; is it an SMB server?" },
	{ "error(110)", "the server did not answer in time" },
	{ "error(111)", "nothing answers at this address and port" },
	{ "error(112)", "the server ended the connection; it may want another version of SMB (?vers=2.0)" },
	{ "error(113)", "no way to the server was found; check its address and the cable" },
	{ "error(115)", "the server did not answer; check its address and the cable" },
	{ "error(126)", "the server wants another kind of log-in (Kerberos), which is not supported" },
	{ "error(5)", "the server answered with an error" },
	{ "could not resolve address", "no address was found for this server's name" },
	{ "Unable to find suitable address", "nothing answers at this server's addresses" },
	{ "only root can", "mounting needs root" },
	{ NULL, NULL }
};

/* "/SHARE" is what is mounted */
static int split(const struct place *p, const char *dir, int try)
{
	const char *slash = strchr(dir + 1, '/');

	(void)p;
	if (try || !dir[1])
		return -1;
	return slash ? (int)(slash - dir) : (int)strlen(dir);
}

static int command(const struct place *p, const struct place_creds *c,
		   const char *creds, const char *part, const char *base,
		   int write, struct place_cmd *ret, struct err *e)
{
	snprintf(ret->what, sizeof ret->what, "//%s%s", p->host, part);
	if (place_add(ret, e, "%s", write ? "rw" : "ro") < 0 ||
	    (p->port && place_add(ret, e, "port=%u", p->port) < 0))
		return e->code;
	if (creds && place_add(ret, e, "credentials=%s", creds) < 0)
		return e->code;
	if (!creds && !*c->username && !place_option(p, "guest") &&
	    place_add(ret, e, "guest") < 0)
		return e->code;
	if (place_add_options(p, write ? defaults_write : defaults_read, ret, e) < 0)
		return e->code;
	ret->argv[0] = "mount.cifs";
	ret->argv[1] = ret->what;
	ret->argv[2] = base;
	ret->argv[3] = "-o";
	ret->argv[4] = ret->options;
	return 0;
}

static int try_next(const char *message)
{
	(void)message;
	return 0;
}

const struct place_ops place_smb = {
	.scheme = "smb", .wants_creds = 1, .creds_on_disk = 1, .timeout_s = 60,
	.options = allowed, .messages = messages, .split = split,
	.command = command, .try_next = try_next,
};
