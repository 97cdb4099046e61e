/* edit-identity.c: lin_plan_identity: the host name, when a new one is wanted;
 * edit-newid.c has what makes a clone another machine. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/linux/identity.h"
#include "drivers-inject/linux/textfile.h"

/* hostname(7): letters, digits, "-" and "."; the kernel takes 64 bytes. */
static int is_hostname(const char *s)
{
	size_t n = strlen(s), label = 0;

	if (!n || n > 64)
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (s[i] == '.' || !s[i]) {
			if (!label || label > 63 || s[i - 1] == '-')
				return 0;
			label = 0;
		} else if (isalnum((unsigned char)s[i]) || (s[i] == '-' && label)) {
			label++;
		} else {
			return 0;
		}
	}
	return 1;
}

struct rename {
	struct plan *p;
	char old[128];          /* without domain; "" unknown                */
	const char *new;
	int files;              /* that hold the name                        */
};

/* The new name, with the old one's domain when it brings none itself. */
static void renamed(const struct rename *c, const char *old, char ret[256])
{
	const char *dot = strchr(old, '.');

	snprintf(ret, 256, "%s%s", c->new, dot && !strchr(c->new, '.') ? dot : "");
}

/* 1: s is the old name, alone or with a domain. */
static int is_old(const struct rename *c, const char *s, size_t len)
{
	size_t n = strlen(c->old);

	return n && len >= n && !strncasecmp(s, c->old, n) && (len == n || s[n] == '.');
}

static int name_file(struct rename *c, const char *path, struct err *e)
{
	struct textfile t;
	char name[256];
	int r = text_open(c->p, path, &t, e), done = 0;

	if (r == 1) {
		while (text_next(&t)) {
			const char *s = t.line + text_blanks(t.line);

			if (done || !*s || *s == '#')
				continue;
			renamed(c, s, name);
			text_set(&t, name);
			done = 1;
		}
		if (!done)
			text_add(&t, c->new);
		c->files++;
		r = text_commit(&t, e, "the host name shall be %s", c->new);
	}
	text_close(&t);
	return r;
}

/* KEY=old-name in a file of shell assignments */
static int name_key(struct rename *c, const char *path, const char *key, struct err *e)
{
	char old[256], name[256];
	struct textfile t;
	size_t at, len;
	int r;

	/* SUSE: /etc/sysconfig/network is a directory */
	if (!plan_has(c->p, path))
		return 0;
	r = text_open(c->p, path, &t, e);
	if (r == 1) {
		while (text_next(&t)) {
			if (!text_value(t.line, key, old, sizeof old) ||
			    !text_assignment(t.line, key, &at, &len))
				continue;
			renamed(c, old, name);
			if (strcmp(old, name))
				text_splice(&t, at, len, name);
			c->files++;
		}
		r = text_commit(&t, e, "the host name shall be %s", c->new);
	}
	text_close(&t);
	return r;
}

/* What stands for one old name there: the full name, or (a second one without a
 * domain) what is in front of its domain. */
static void host_name(const struct rename *c, const char *old, int *full_seen, char ret[520])
{
	char full[256];

	renamed(c, old, full);
	if (strchr(old, '.') || !strchr(full, '.')) {
		strcpy(ret, full);
	} else if (*full_seen) {
		snprintf(ret, 520, "%.*s", (int)strcspn(full, "."), full);
	} else {
		snprintf(ret, 520, "%s %.*s", full, (int)strcspn(full, "."), full);
	}
	*full_seen |= strchr(full, '.') != NULL;
}

/* The names of one line of hosts(5) behind the address. */
static void hosts_line(const struct rename *c, struct textfile *t)
{
	struct textbuf out = { 0 };
	const char *s = t->line;
	char old[128], name[520];
	int word = 0, full_seen = 0;

	while (*s && *s != '#') {
		size_t blanks = text_blanks(s), len;

		textbuf_add(&out, s, blanks);
		s += blanks;
		len = strcspn(s, " \t#");
		if (len && word++ && len < sizeof old && is_old(c, s, len)) {
			snprintf(old, sizeof old, "%.*s", (int)len, s);
			host_name(c, old, &full_seen, name);
			textbuf_str(&out, name);
		} else {
			textbuf_add(&out, s, len);
		}
		s += len;
	}
	textbuf_str(&out, s);
	if (out.failed)
		t->out.failed = 1;
	else
		text_set(t, out.s ? out.s : "");
	textbuf_done(&out);
}

static int hosts(struct rename *c, struct err *e)
{
	struct textfile t;
	int r = text_open(c->p, "/etc/hosts", &t, e);

	if (r == 1) {
		while (text_next(&t))
			hosts_line(c, &t);
		r = text_commit(&t, e, "the host name shall be %s, and resolve to this machine",
				c->new);
	}
	text_close(&t);
	return r;
}

static void notes(const struct rename *c)
{
	if (plan_has(c->p, "/etc/mailname"))
		plan_note(c->p, "/etc/mailname, the name in mail addresses, stays as it is");
	if (plan_has(c->p, "/etc/cloud/cloud.cfg")) {
		struct textfile t;
		int keeps = 0;

		if (text_open(c->p, "/etc/cloud/cloud.cfg", &t, NULL) == 1)
			while (text_next(&t))
				keeps |= !strncmp(t.line, "preserve_hostname: true", 23);
		text_close(&t);
		if (!keeps)
			plan_note(c->p, "cloud-init may set the host name again at the first start "
				  "(preserve_hostname: true in /etc/cloud/cloud.cfg keeps it from that)");
	}
}

static void find_old(const struct lin *l, struct rename *c)
{
	static const char *const files[] = { "/etc/hostname", "/etc/HOSTNAME" };
	struct textfile t;

	snprintf(c->old, sizeof c->old, "%s", l->hostname);
	for (size_t i = 0; i < 2 && !*c->old; i++) {
		if (text_open(c->p, files[i], &t, NULL) == 1)
			while (!*c->old && text_next(&t))
				if (*t.line != '#')
					snprintf(c->old, sizeof c->old, "%s",
						 t.line + text_blanks(t.line));
		text_close(&t);
	}
	if (!*c->old && plan_has(c->p, "/etc/sysconfig/network"))
		text_file_value(c->p, "/etc/sysconfig/network", "HOSTNAME", c->old, sizeof c->old);
	c->old[strcspn(c->old, ". \t")] = 0;
	/* every machine is called so; hosts(5) needs it to stay */
	if (!strcasecmp(c->old, "localhost"))
		*c->old = 0;
}

static int rename_host(const struct lin *l, struct plan *p, const char *name, struct err *e)
{
	struct rename c = { .p = p, .new = name };
	int r;

	if (!is_hostname(name))
		return err_set(e, ERR_USAGE, "%s: not a host name: letters, digits, - and ., at "
			       "most 64", name);
	find_old(l, &c);
	r = name_file(&c, "/etc/hostname", e);
	if (!r)
		r = name_file(&c, "/etc/HOSTNAME", e);
	if (!r)
		r = name_key(&c, "/etc/sysconfig/network", "HOSTNAME", e);
	if (!r)
		r = name_key(&c, "/etc/conf.d/hostname", "hostname", e);
	if (!r && !c.files) {
		char text[80];

		snprintf(text, sizeof text, "%s\n", name);
		r = plan_write(p, "/etc/hostname", text, strlen(text), e,
			       "the host name shall be %s", name);
	}
	if (!r)
		r = hosts(&c, e);
	notes(&c);
	return r;
}

/* LVM may mark volume groups as belonging to one host (lvmsystemid(7)). */
static void lvm_system_id(const struct lin_wishes *w, struct plan *p)
{
	static const char *const files[] = { "/etc/lvm/lvm.conf", "/etc/lvm/lvmlocal.conf" };

	for (size_t i = 0; i < 2; i++) {
		struct textfile t;
		int by_name = 0, by_id = 0;

		if (text_open(p, files[i], &t, NULL) == 1)
			while (text_next(&t)) {
				const char *s = t.line + text_blanks(t.line);

				if (strncmp(s, "system_id_source", 16))
					continue;
				by_name = strstr(s, "\"uname\"") != NULL;
				by_id = strstr(s, "\"machineid\"") || strstr(s, "\"appmachineid\"");
			}
		text_close(&t);
		if ((by_name && w->hostname) || (by_id && w->new_identity))
			plan_problem(p, "%s: volume groups belong to a host by its %s, which changes: "
				     "LVM would refuse the guest's own (vgchange --systemid \"\" "
				     "first, or keep the identity)", files[i],
				     by_name ? "name" : "machine-id");
	}
}

int lin_plan_identity(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		      struct err *e)
{
	int r = w->hostname ? rename_host(l, p, w->hostname, e) : 0;

	if (!r && w->new_identity)
		r = identity_new(l, p, e);
	if (!r && (w->hostname || w->new_identity))
		lvm_system_id(w, p);
	return r;
}
