/* nfs.c: an NFS export, by the kernel's nfs. */
#include <stdio.h>
#include <string.h>
#include "imager/store/place-ops.h"

/* hard: a server that goes away and comes back is waited for.  retry=0: one that
 * doesn't answer is told at once, not after 2 minutes.  nolock: version 3's
 * locks need a daemon, and nobody else writes the same image. */
static const char *const defaults[] = {
	"hard", "timeo=150", "retrans=2", "retry=0", "nolock", "noatime", NULL
};

static const char *const allowed[] = {
	"vers", "nfsvers", "minorversion", "proto", "mountproto", "mountport",
	"mountvers", "sec", "rsize", "wsize", "hard", "soft", "timeo", "retrans",
	"nolock", "noresvport", "noacl", NULL
};

static const struct place_message messages[] = {
	{ "access denied", "the server does not export this directory to this machine" },
	{ "No such file or directory", "the server has no such export" },
	{ "Connection refused", "nothing answers at this address and port; is the NFS server running?" },
	{ "timed out", "the server did not answer in time; check its address and the cable" },
	{ "No route to host", "no way to the server was found; check its address and the cable" },
	{ "Network is unreachable", "the network is not reachable; is this machine's address set?" },
	{ "Failed to resolve server", "no address was found for this server's name" },
	{ "not supported", "the server does not speak this version of NFS; try ?vers=3 or ?vers=4.2" },
	{ "No such device", "this kernel has no nfs module" },
	{ "Not a directory", "that is not a directory on the server" },
	{ "incorrect mount option", "the kernel did not accept the mount options" },
	{ "Operation not permitted", "the mount was not permitted: it needs root, and the server may want a privileged port" },
	{ "must be superuser", "mounting needs root" },
	{ "Stale file handle", "the server's export has changed; restart its NFS service" },
	{ NULL, NULL }
};

/* Nobody can see in a URL where the export ends.  The longest first: a server
 * that exports /srv also gives /srv/images by itself, mostly; then up. */
static int split(const struct place *p, const char *dir, int try)
{
	size_t n = strlen(dir);

	(void)p;
	for (; try; try--) {
		if (n <= 1)
			return -1;
		while (n && dir[n - 1] != '/')
			n--;
		if (n > 1)
			n--;
	}
	return (int)n;
}

static int command(const struct place *p, const struct place_creds *c,
		   const char *creds, const char *part, const char *base,
		   int write, struct place_cmd *ret, struct err *e)
{
	int v6 = strchr(p->host, ':') != NULL;

	(void)c;
	(void)creds;
	snprintf(ret->what, sizeof ret->what, "%s%s%s:%s", v6 ? "[" : "", p->host,
		 v6 ? "]" : "", part);
	if (place_add(ret, e, "%s", write ? "rw" : "ro") < 0 ||
	    (p->port && place_add(ret, e, "port=%u", p->port) < 0) ||
	    place_add_options(p, defaults, ret, e) < 0)
		return e->code;
	ret->argv[0] = "mount.nfs";
	ret->argv[1] = ret->what;
	ret->argv[2] = base;
	ret->argv[3] = "-o";
	ret->argv[4] = ret->options;
	return 0;
}

static int try_next(const char *message)
{
	return strstr(message, "No such file or directory") ||
	       strstr(message, "access denied") || strstr(message, "Not a directory");
}

const struct place_ops place_nfs = {
	.scheme = "nfs", .timeout_s = 90, .options = allowed,
	.messages = messages, .split = split, .command = command,
	.try_next = try_next,
};
