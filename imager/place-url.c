/* place-url.c: the URL of a place, taken apart. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/store/place-ops.h"

static const struct place_ops *const all_places[] = { &place_smb, &place_nfs, &place_dev, NULL };

int place_is_url(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-");

	return n > 0 && !strncmp(text + n, "://", 3);
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c ? strchr(digits, c) : NULL;
	return p ? (int)(p - digits) : -1;
}

/* Copies len bytes of s with %xx decoded; control characters are refused. */
static int decode(const char *s, size_t len, char *ret, size_t size, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			if (i + 2 >= len || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return err_set(e, ERR_USAGE, "a %% in a URL must be followed by two hexadecimal digits (%%25 is the sign itself)");
			c = hex(s[i + 1]) << 4 | hex(s[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7F)
			return err_set(e, ERR_USAGE, "a URL must not have control characters");
		if (n + 1 >= size)
			return err_set(e, ERR_USAGE, "a part of the URL is too long");
		ret[n++] = (char)c;
	}
	ret[n] = 0;
	return 0;
}

/* [DOMAIN;]USER@ */
static int parse_user(const char *s, size_t len, struct place *p, struct err *e)
{
	const char *semi = memchr(s, ';', len);

	if (memchr(s, ':', len))
		return err_set(e, ERR_USAGE,
			       "a password must not stand in a URL, where others can see it; use --credentials FILE, REHOST_PASSWORD, or wait to be asked");
	if (semi) {
		if (decode(s, (size_t)(semi - s), p->domain, sizeof p->domain, e) < 0)
			return e->code;
		len -= (size_t)(semi + 1 - s);
		s = semi + 1;
	}
	return decode(s, len, p->user, sizeof p->user, e);
}

static int parse_port(const char *s, size_t len, struct place *p, struct err *e)
{
	unsigned int v = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || (v = 10 * v + (unsigned int)(s[i] - '0')) > 65535)
			return err_set(e, ERR_USAGE, "\"%.*s\" is not a port number", (int)len, s);
	}
	if (!v)
		return err_set(e, ERR_USAGE, "a port number from 1 to 65535 must follow the colon");
	p->port = v;
	return 0;
}

/* [USER@]HOST[:PORT], HOST maybe [IPv6] */
static int parse_host(const char *s, size_t len, struct place *p, struct err *e)
{
	const char *at = memrchr(s, '@', len), *end, *colon;

	if (at) {
		if (parse_user(s, (size_t)(at - s), p, e) < 0)
			return e->code;
		len -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if (len && *s == '[') {
		end = memchr(s, ']', len);
		if (!end)
			return err_set(e, ERR_USAGE, "the ] behind the IPv6 address is missing");
		colon = end + 1 < s + len ? end + 1 : NULL;
		if (colon && *colon != ':')
			return err_set(e, ERR_USAGE, "only :PORT may follow the IPv6 address");
		if (decode(s + 1, (size_t)(end - s - 1), p->host, sizeof p->host, e) < 0)
			return e->code;
	} else {
		colon = memchr(s, ':', len);
		if (decode(s, colon ? (size_t)(colon - s) : len, p->host, sizeof p->host, e) < 0)
			return e->code;
	}
	if (!*p->host)
		return err_set(e, ERR_USAGE, "the server's name or address is missing");
	/* it becomes a word of mount's command line and of its options */
	if (strspn(p->host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:%-") != strlen(p->host) ||
	    *p->host == '-')
		return err_set(e, ERR_USAGE, "\"%s\" is not a server's name or address", p->host);
	return colon ? parse_port(colon + 1, (size_t)(s + len - colon - 1), p, e) : 0;
}

/* Decodes, drops empty parts, refuses "." and "..". */
static int parse_path(const char *s, size_t len, struct place *p, struct err *e)
{
	char raw[sizeof p->path], *save = NULL;
	size_t n = 0;

	if (decode(s, len, raw, sizeof raw, e) < 0)
		return e->code;
	p->is_dir = !len || s[len - 1] == '/';
	p->path[0] = 0;
	for (char *part = strtok_r(raw, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!strcmp(part, ".") || !strcmp(part, ".."))
			return err_set(e, ERR_USAGE, "\"%s\" must not stand in the path of a URL", part);
		if (n + strlen(part) + 2 > sizeof p->path)
			return err_set(e, ERR_USAGE, "the path of the URL is too long");
		n += (size_t)sprintf(p->path + n, "/%s", part);
	}
	if (!n) {
		strcpy(p->path, "/");
		p->is_dir = 1;
	}
	return 0;
}

static int parse_option(const char *s, size_t len, struct place *p, struct err *e)
{
	const char *ok = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *eq = memchr(s, '=', len);
	size_t n = eq ? (size_t)(eq - s) : len;
	struct place_option *o = &p->option[p->n_options];
	const char *const *name = p->ops->options;

	if (p->n_options == PLACE_OPTIONS_MAX)
		return err_set(e, ERR_USAGE, "more than %d mount options", PLACE_OPTIONS_MAX);
	while (*name && (strlen(*name) != n || strncmp(*name, s, n)))
		name++;
	if (!*name)
		return err_set(e, ERR_USAGE, "\"%.*s\" is not a mount option that may stand in a %s:// URL",
			       (int)n, s, p->ops->scheme);
	snprintf(o->name, sizeof o->name, "%s", *name);
	o->value[0] = 0;
	if (eq) {
		len -= n + 1;
		if (!len || len >= sizeof o->value)
			return err_set(e, ERR_USAGE, "the value of the mount option %s is empty or too long", o->name);
		memcpy(o->value, eq + 1, len);
		o->value[len] = 0;
		if (strspn(o->value, ok) != len)
			return err_set(e, ERR_USAGE, "the value of the mount option %s may only have letters, digits and ._-", o->name);
	}
	p->n_options++;
	return 0;
}

/* dev:///dev/sdb1/DIR/NAME: the device's path is its first parts up to one that
 * can be a device: /dev/NAME, /dev/mapper/NAME, /dev/disk/by-x/NAME. */
static int split_device(struct place *p, struct err *e)
{
	int parts = !strncmp(p->path, "/dev/disk/", 10) ? 4 :
		    !strncmp(p->path, "/dev/mapper/", 12) ? 3 : 2;
	char *end = p->path;
	size_t n;

	if (*p->host || strncmp(p->path, "/dev/", 5))
		return err_set(e, ERR_USAGE, "a partition is written as dev:///dev/NAME/DIR/FILE");
	while (parts-- && end)
		end = strchr(end + 1, '/');
	n = end ? (size_t)(end - p->path) : strlen(p->path);
	if (n >= sizeof p->host)
		return err_set(e, ERR_USAGE, "the path of the device is too long");
	memcpy(p->host, p->path, n);
	p->host[n] = 0;
	memmove(p->path, p->path + n, strlen(p->path + n) + 1);
	if (!*p->path) {
		strcpy(p->path, "/");
		p->is_dir = 1;
	}
	return 0;
}

static int unknown_scheme(const char *url, struct err *e)
{
	int n = (int)(strchr(url, ':') - url);

	if (!strncmp(url, "http://", 7) || !strncmp(url, "https://", 8) ||
	    !strncmp(url, "ssh://", 6))
		return err_set(e, ERR_UNSUPPORTED,
			       "%.*s:// is not available in this version; use smb://, nfs://, dev:// or a path (curl and ssh can pipe an image to `-`)",
			       n, url);
	return err_set(e, ERR_USAGE, "%.*s:// is not a kind of place; there are smb://, nfs:// and dev://", n, url);
}

int place_parse(const char *url, struct place *ret, struct err *e)
{
	const struct place_ops *const *ops = all_places;
	struct place p = { 0 };
	const char *s, *q, *end, *slash;

	while (*ops && (strncmp(url, (*ops)->scheme, strlen((*ops)->scheme)) ||
			strncmp(url + strlen((*ops)->scheme), "://", 3)))
		ops++;
	if (!*ops)
		return unknown_scheme(url, e);
	p.ops = *ops;
	if (strlen(url) >= sizeof p.url)
		return err_set(e, ERR_USAGE, "the URL is too long");
	strcpy(p.url, url);
	s = url + strlen(p.ops->scheme) + 3;
	q = strchrnul(s, '?');
	slash = memchr(s, '/', (size_t)(q - s));
	if (!slash)
		slash = q;
	/* without the URL: a password may stand in it */
	if (p.ops != &place_dev && parse_host(s, (size_t)(slash - s), &p, e) < 0)
		return err_prefix(e, "%s://", p.ops->scheme);
	if (p.ops == &place_dev && slash != s)
		return err_set(e, ERR_USAGE, "%s: a partition is written as dev:///dev/NAME/DIR/FILE", url);
	if (parse_path(slash, (size_t)(q - slash), &p, e) < 0)
		return err_prefix(e, "%s", url);
	for (; *q; q = end) {
		end = strchrnul(q + 1, '&');
		if (parse_option(q + 1, (size_t)(end - q - 1), &p, e) < 0)
			return err_prefix(e, "%s", url);
	}
	if (p.ops == &place_dev && split_device(&p, e) < 0)
		return err_prefix(e, "%s", url);
	/* mount.cifs makes it part of a list of options */
	if (p.ops == &place_smb && strchr(p.path, ',') &&
	    strchr(p.path, ',') < strchrnul(p.path + 1, '/'))
		return err_set(e, ERR_USAGE, "%s: a share's name can't have a comma in it", url);
	if (p.ops == &place_smb && !p.path[1])
		return err_set(e, ERR_USAGE, "%s: the share's name is missing: smb://HOST/SHARE/DIR/NAME", url);
	*ret = p;
	return 0;
}

int place_add(struct place_cmd *c, struct err *e, const char *fmt, ...)
{
	size_t n = strlen(c->options);
	va_list ap;
	int k;

	if (n && n + 1 < sizeof c->options)
		c->options[n++] = ',';
	va_start(ap, fmt);
	k = vsnprintf(c->options + n, sizeof c->options - n, fmt, ap);
	va_end(ap);
	if (k < 0 || (size_t)k >= sizeof c->options - n)
		return err_set(e, ERR_USAGE, "the mount options are too long");
	return 0;
}

const char *place_option(const struct place *p, const char *name)
{
	for (size_t i = 0; i < p->n_options; i++)
		if (!strcmp(p->option[i].name, name))
			return p->option[i].value;
	return NULL;
}

int place_add_options(const struct place *p, const char *const *dflt,
		      struct place_cmd *c, struct err *e)
{
	char name[64];

	for (; *dflt; dflt++) {
		snprintf(name, sizeof name, "%.*s", (int)strcspn(*dflt, "="), *dflt);
		/* soft and hard are two words for one thing */
		if (place_option(p, name) || (!strcmp(name, "hard") && place_option(p, "soft")))
			continue;
		if (place_add(c, e, "%s", *dflt) < 0)
			return e->code;
	}
	for (size_t i = 0; i < p->n_options; i++) {
		const struct place_option *o = &p->option[i];

		if (place_add(c, e, "%s%s%s", o->name, *o->value ? "=" : "", o->value) < 0)
			return e->code;
	}
	return 0;
}
