/* place.c: the places of images, as fields and as URLs (job.h; the URLs'
 * form: docs/INTERFACES.md, Places). */
#include <stdio.h>
#include <string.h>
#include "tui/job.h"

const char *const nfs_versions[] = { "automatic", "4.2", "4.1", "3", NULL };

struct out {
	char *at, *end;
};

static void put(struct out *o, const char *s)
{
	while (*s && o->at < o->end)
		*o->at++ = *s++;
	*o->at = 0;
}

/* As put, with what would end or confuse a URL's path as %XX. */
static void put_encoded(struct out *o, const char *s)
{
	char hex[4];

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= 0x20 || c == 0x7f || strchr("%?#\"<>\\", c))
			snprintf(hex, sizeof hex, "%%%02X", c);
		else
			snprintf(hex, sizeof hex, "%c", c);
		put(o, hex);
	}
}

/* A path component or several, without '/' at its ends, after one '/'. */
static void put_path(struct out *o, const char *s)
{
	char copy[TEXT_MAX];
	size_t n;

	s += strspn(s, "/");
	snprintf(copy, sizeof copy, "%s", s);
	for (n = strlen(copy); n && copy[n - 1] == '/'; n--)
		copy[n - 1] = 0;
	if (!copy[0])
		return;
	put(o, "/");
	put_encoded(o, copy);
}

static void put_host(struct out *o, const char *host, const char *port)
{
	bool v6 = strchr(host, ':') && host[0] != '[';

	put(o, v6 ? "[" : "");
	put_encoded(o, host);
	put(o, v6 ? "]" : "");
	if (port[0]) {
		put(o, ":");
		put_encoded(o, port);
	}
}

/* "?vers=3&nolock": options are written with ',' or '&' between them. */
static void put_options(struct out *o, const char *version, const char *options)
{
	char copy[TEXT_MAX];

	snprintf(copy, sizeof copy, "%s", options);
	for (char *c = copy; *c; c++)
		if (*c == ',' || *c == ' ')
			*c = '&';
	if (version[0] || copy[0])
		put(o, "?");
	if (version[0]) {
		put(o, "vers=");
		put(o, version);
	}
	if (version[0] && copy[0])
		put(o, "&");
	put(o, copy);
}

void job_place_url(const struct job_place *p, const char *file, char out[JOB_URL_MAX])
{
	struct out o = { out, out + JOB_URL_MAX - 1 };

	out[0] = 0;
	switch (p->kind) {
	case PLACE_DEV:
		put(&o, "dev://");
		put_path(&o, p->dev.part.s);
		put_path(&o, p->dev.dir.s);
		put_path(&o, file);
		break;
	case PLACE_SMB:
		put(&o, "smb://");
		put_host(&o, p->smb.host.s, p->smb.port.s);
		put_path(&o, p->smb.share.s);
		put_path(&o, p->smb.dir.s);
		put_path(&o, file);
		put_options(&o, "", p->smb.options.s);
		break;
	case PLACE_NFS:
		put(&o, "nfs://");
		put_host(&o, p->nfs.host.s, p->nfs.port.s);
		put_path(&o, p->nfs.share.s);
		put_path(&o, p->nfs.dir.s);
		put_path(&o, file);
		put_options(&o, p->nfs.version ? nfs_versions[p->nfs.version] : "",
			    p->nfs.options.s);
		break;
	case PLACE_PATH:
		put(&o, p->path.s);
		put(&o, file[0] && strcmp(p->path.s, "/") ? "/" : "");
		put(&o, file);
		break;
	}
}

struct text *job_place_dir(struct job_place *p)
{
	switch (p->kind) {
	case PLACE_DEV:
		return &p->dev.dir;
	case PLACE_SMB:
		return &p->smb.dir;
	case PLACE_NFS:
		return &p->nfs.dir;
	default:
		return &p->path;
	}
}

/* Of a path that begins at the root of this machine that is as far as one gets. */
bool job_place_top(const struct job_place *p)
{
	const char *dir = job_place_dir((struct job_place *)(uintptr_t)p)->s;

	return !dir[0] || (p->kind == PLACE_PATH && (!strcmp(dir, "/") || !strcmp(dir, ".")));
}

bool job_place_enter(struct job_place *p, const char *name)
{
	struct text *dir = job_place_dir(p);
	size_t n = strlen(dir->s);
	char path[TEXT_MAX];

	if (strcmp(name, "..")) {
		if ((size_t)snprintf(path, sizeof path, "%s%s%s", dir->s,
				     n && dir->s[n - 1] != '/' ? "/" : "", name) >= sizeof path)
			return false;
		text_put(dir, path);
		return true;
	}
	memcpy(path, dir->s, n + 1);
	while (n && path[n - 1] == '/')
		path[--n] = 0;
	while (n && path[n - 1] != '/')
		path[--n] = 0;
	while (n && path[n - 1] == '/')
		path[--n] = 0;
	if (!n && p->kind == PLACE_PATH)
		strcpy(path, dir->s[0] == '/' ? "/" : ".");
	text_put(dir, path);
	return true;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | (c >= 'A' ? 0x20 : 0)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decodes %XX of n bytes at s into t; false if it doesn't fit. */
static bool decode(struct text *t, const char *s, size_t n)
{
	char out[TEXT_MAX];
	size_t at = 0;

	for (size_t i = 0; i < n && at < sizeof out; i++) {
		char c = s[i];

		if (c == '%' && i + 2 < n && hex_digit(s[i + 1]) >= 0 &&
		    hex_digit(s[i + 2]) >= 0) {
			c = (char)(hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		}
		out[at++] = c;
	}
	if (at >= sizeof out)
		return false;
	out[at] = 0;
	text_put(t, out);
	return true;
}

/* Takes "?a=1&b" off *len bytes of url into t, as "a=1,b". */
static bool take_options(const char *url, size_t *len, struct text *t)
{
	const char *q = memchr(url, '?', *len);

	if (!q)
		return true;
	if (!decode(t, q + 1, *len - (size_t)(q + 1 - url)))
		return false;
	for (char *c = t->s; *c; c++)
		if (*c == '&')
			*c = ',';
	*len = (size_t)(q - url);
	return true;
}

/* HOST[:PORT] or [V6][:PORT] in n bytes. */
static bool take_host(const char *s, size_t n, struct text *host, struct text *port)
{
	const char *end = n && *s == '[' ? memchr(s, ']', n) : NULL;
	const char *colon = end ? (end + 1 < s + n ? end + 1 : NULL) : memchr(s, ':', n);
	size_t hlen = colon ? (size_t)(colon - s) : n;

	if (n && *s == '[' && !end)
		return false;
	if (colon && (*colon != ':' || !decode(port, colon + 1, n - hlen - 1)))
		return false;
	if (end) {
		s++;
		hlen = (size_t)(end - s);
	}
	return hlen && decode(host, s, hlen);
}

/* Cuts path at the end of its nth component ("/a/b/c", 2: "/a/b" stays) and
 * puts what follows, without '/', into rest. */
static void cut_after(struct text *path, unsigned n, struct text *rest)
{
	char *at = path->s;

	while (n-- && *at)
		at += 1 + strcspn(at + 1, "/");
	text_put(rest, *at ? at + 1 : at);
	*at = 0;
	path->cur = (unsigned)strlen(path->s);
}

/* Moves the last component of path to file. */
static bool cut_file(struct text *path, char *file)
{
	char *slash = strrchr(path->s, '/');
	char *name = slash ? slash + 1 : path->s;

	if (strlen(name) >= 240)
		return false;
	strcpy(file, name);
	if (slash)
		*slash = 0;
	else
		text_put(path, ".");
	if (slash == path->s)
		text_put(path, slash[1] || *file ? "/" : "");
	path->cur = (unsigned)strlen(path->s);
	return true;
}

/* What follows "scheme://", n bytes, by the scheme's own rule. */
static bool parse_rest(const char *s, size_t n, struct job_place *p, char *file)
{
	struct text *path = p->kind == PLACE_DEV ? &p->dev.part :
		p->kind == PLACE_SMB ? &p->smb.share : &p->nfs.share;
	const char *slash;

	if (p->kind == PLACE_SMB && !take_options(s, &n, &p->smb.options))
		return false;
	if (p->kind == PLACE_NFS && !take_options(s, &n, &p->nfs.options))
		return false;
	slash = memchr(s, '/', n);
	if (!slash || !decode(path, slash, n - (size_t)(slash - s)) ||
	    !cut_file(path, file))
		return false;
	if (p->kind == PLACE_DEV) {
		cut_after(path, strncmp(path->s, "/dev/mapper/", 12) ? 2 : 3,
			  &p->dev.dir);
		return slash == s;
	}
	if (p->kind == PLACE_SMB) {
		cut_after(path, 1, &p->smb.dir);
		memmove(path->s, path->s + 1, strlen(path->s)); /* no '/' before */
		return path->s[0] && take_host(s, (size_t)(slash - s), &p->smb.host,
					       &p->smb.port);
	}
	return take_host(s, (size_t)(slash - s), &p->nfs.host, &p->nfs.port);
}

int job_place_parse(const char *url, struct job_place *ret, char *ret_file, struct err *e)
{
	static const char *const schemes[] = { "dev://", "smb://", "nfs://" };
	struct job_place p = { .kind = PLACE_PATH };
	char file[240];
	bool ok;

	for (int i = 0; i < 3; i++)
		if (!strncmp(url, schemes[i], 6))
			p.kind = (enum place_kind)i;
	if (p.kind != PLACE_PATH) {
		ok = parse_rest(url + 6, strlen(url + 6), &p, file);
	} else {
		ok = !strstr(url, "://") && strlen(url) < TEXT_MAX;
		text_put(&p.path, ok ? url : "");
		ok = ok && cut_file(&p.path, file);
	}
	if (!ok)
		return err_set(e, ERR_USAGE, "'%s' is no place: write "
			       "smb://HOST/SHARE/DIR/NAME, nfs://HOST/EXPORT/DIR/NAME, "
			       "dev:///dev/PARTITION/DIR/NAME or a path.", url);
	*ret = p;
	strcpy(ret_file, file);
	return 0;
}

static bool port_bad(const struct text *t)
{
	return strspn(t->s, "0123456789") != strlen(t->s) || strlen(t->s) > 5;
}

static bool options_bad(const struct text *t)
{
	for (const char *s = t->s; *s; s++)
		if (!strchr("=,_.- ", *s) && !(*s >= '0' && *s <= '9') &&
		    !((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z'))
			return true;
	return false;
}

static bool host_bad(const struct text *t)
{
	return !t->s[0] || strpbrk(t->s, " /\\@?#");
}

const char *job_place_check(const struct job_place *p, int *ret_field)
{
	const char *why = NULL;

#define WRONG(cond, field, text) \
	if (!why && (cond)) { why = text; *ret_field = field; }
	switch (p->kind) {
	case PLACE_SMB:
		WRONG(host_bad(&p->smb.host), 0, "Type the server's name or address, as 192.0.2.10.")
		WRONG(!p->smb.share.s[0], 1, "Type the name of the share.")
		WRONG(strpbrk(p->smb.share.s, "/\\"), 1, "The share's name alone: its folders go to 'Directory'.")
		WRONG(port_bad(&p->smb.port), 6, "The port is a number; leave it empty for the usual one.")
		WRONG(options_bad(&p->smb.options), 7, "Options are words as seal,vers=3.0")
		break;
	case PLACE_NFS:
		WRONG(host_bad(&p->nfs.host), 0, "Type the server's name or address, as 192.0.2.10.")
		WRONG(!p->nfs.share.s[0], 1, "Type the exported path, as /srv/images.")
		WRONG(port_bad(&p->nfs.port), 4, "The port is a number; leave it empty for the usual one.")
		WRONG(options_bad(&p->nfs.options), 5, "Options are words as nolock,mountport=20480")
		break;
	default:
		break;
	}
#undef WRONG
	return why;
}
