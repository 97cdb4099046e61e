/* edit-mdadm.c: mdadm.conf(5): arrays are found by what their members say, not
 * by what the members are called. */
#include <stdio.h>
#include <string.h>
#include "drivers-inject/linux/storage.h"
#include "drivers-inject/linux/textfile.h"

/* Keywords count from their third letter on, in either case. */
static int keyword(const char *line, const char *word)
{
	size_t n = text_word(line);

	return n >= 3 && n <= strlen(word) && !strncasecmp(line, word, n);
}

/* Device names there may be patterns: /dev/sd[ab]1, /dev/sd* */
static int is_fragile(const char *s, size_t n)
{
	static const char *const kinds[] = { "/dev/sd", "/dev/hd", "/dev/vd", "/dev/xvd",
		"/dev/nvme", "/dev/cciss/", "/dev/disk/by-path/", "/dev/disk/by-id/" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (n >= strlen(kinds[i]) && !strncmp(s, kinds[i], strlen(kinds[i])))
			return 1;
	return 0;
}

static int has_fragile_word(const char *line)
{
	for (const char *s = line; *s;) {
		size_t n = text_word(s);

		if (*s == '#')
			return 0;
		if (is_fragile(s, n))
			return 1;
		s += n;
		s += text_blanks(s);
	}
	return 0;
}

/* A word of the line that begins so; its length in *ret_n. */
static const char *find_word(const char *line, const char *start, size_t *ret_n)
{
	for (const char *s = line + text_blanks(line); *s;) {
		size_t n = text_word(s);

		if (*s == '#')
			return NULL;
		if (!strncasecmp(s, start, strlen(start))) {
			*ret_n = n;
			return s;
		}
		s += n;
		s += text_blanks(s);
	}
	return NULL;
}

/* The only array that the guest's disks are members of, as mdadm writes it:
 * four words of eight digits. */
static int only_array(const struct lin *l, char ret[40])
{
	const char *uuid = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->volumes->n; i++) {
		const struct volume *v = &l->volumes->v[i];

		if (strcmp(v->type, "linux_raid_member") || !*v->uuid)
			continue;
		if (uuid && strcmp(uuid, v->uuid))
			return 0;
		uuid = v->uuid;
	}
	if (!uuid)
		return 0;
	for (; *uuid; uuid++) {
		if (*uuid == '-')
			continue;
		if (!strchr("0123456789abcdefABCDEF", *uuid) || n > 34)
			return 0;
		if (n % 9 == 8)
			ret[n++] = ':';
		ret[n++] = *uuid;
	}
	ret[n] = 0;
	return n == 35;
}

struct md {
	const struct lin *l;
	struct textfile t;
	int in_device;          /* a DEVICE line that goes, or its continuation */
	int in_array, array_has_id;
	int containers;
};

/* Which lines of ARRAY (with their continuations) say more than devices=? */
static int array_has_id(const char *line)
{
	static const char *const ids[] = { "uuid=", "name=", "super-minor=", "container=",
					   "member=" };
	size_t n;

	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (find_word(line, ids[i], &n))
			return 1;
	return 0;
}

/* Looks ahead over the lines that continue this one. */
static int entry_has_id(const struct textfile *t)
{
	const char *s = t->in + t->start;

	do {
		char line[2048];
		size_t n = strcspn(s, "\r\n");

		snprintf(line, sizeof line, "%.*s", (int)(n < 2000 ? n : 2000), s);
		if (array_has_id(line))
			return 1;
		s += n;
		s += strspn(s, "\r\n");
	} while (*s == ' ' || *s == '\t');
	return 0;
}

static void array_line(struct md *m)
{
	struct textfile *t = &m->t;
	char uuid[40], text[64] = "";
	size_t n, at;
	const char *s = find_word(t->line, "devices=", &n);

	if (!s || !is_fragile(s + 8, n - 8) || text_said_enough(t->p))
		return;
	at = (size_t)(s - t->line);
	if (!m->array_has_id && !only_array(m->l, uuid)) {
		plan_warn(t->p, "%s: an array is known by its members' device names only (%.200s); "
			  "write its UUID there", t->path, s);
		return;
	}
	if (!m->array_has_id) {
		snprintf(text, sizeof text, "UUID=%s", uuid);
		m->array_has_id = 1;
	} else {                        /* with the blank before it */
		while (at && text_blanks(t->line + at - 1)) {
			at--;
			n++;
		}
	}
	text_splice(t, at, n, text);
}

static void line(struct md *m)
{
	struct textfile *t = &m->t;
	int goes_on = text_blanks(t->line) > 0;

	if (!goes_on && *t->line != '#') {
		m->in_array = keyword(t->line, "ARRAY");
		m->array_has_id = m->in_array && entry_has_id(t);
		m->in_device = 0;
		if (keyword(t->line, "DEVICE") && has_fragile_word(t->line)) {
			m->in_device = 1;
			text_set(t, m->containers ? "DEVICE partitions containers" :
				 "DEVICE partitions");
			return;
		}
	} else if (goes_on && m->in_device) {
		text_drop(t);
		return;
	}
	if (m->in_array)
		array_line(m);
}

struct md_ctx { const struct lin *l; struct plan *p; };

static int edit(void *ctx, const char *path, struct err *e)
{
	const struct md_ctx *c = ctx;
	struct md m = { .l = c->l };
	int r = text_open(c->p, path, &m.t, e);

	if (r == 1) {
		/* arrays of a firmware's format lie in containers */
		m.containers = strstr(m.t.in, "container") || strstr(m.t.in, "imsm") ||
			       strstr(m.t.in, "ddf");
		while (text_next(&m.t))
			line(&m);
		r = text_commit(&m.t, e, "an array's members are called otherwise on the new "
				"machine; what they hold says which array they belong to");
	}
	text_close(&m.t);
	return r;
}

int storage_md(const struct lin *l, struct plan *p, struct err *e)
{
	struct md_ctx c = { l, p };
	int r = edit(&c, "/etc/mdadm.conf", e);

	if (!r)
		r = edit(&c, "/etc/mdadm/mdadm.conf", e);
	if (!r)
		r = text_each(p, "/etc/mdadm.conf.d", ".conf", edit, &c, e);
	if (!r)
		r = text_each(p, "/etc/mdadm/mdadm.conf.d", ".conf", edit, &c, e);
	return r;
}
