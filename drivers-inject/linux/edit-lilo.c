/* edit-lilo.c: lilo.conf, elilo.conf, zipl.conf: KEY=VALUE lines in sections that
 * begin with image= or [name].  LILO and zipl compile them: until their program
 * runs again in the guest, what they wrote to the disk stays as it was. */
#include <stdio.h>
#include <string.h>
#include "drivers-inject/linux/cmdline.h"

#define SECTIONS_MAX 64         /* LILO's menu has 19 at most                 */

/* KEY = VALUE with blanks allowed around "="; value: its place in line. */
static int key_is(const char *line, const char *key, size_t *ret_at)
{
	const char *s = line + text_blanks(line);
	size_t n = strlen(key);

	if (strncasecmp(s, key, n))
		return 0;
	s += n + text_blanks(s + n);
	if (*s != '=')
		return 0;
	s += 1 + text_blanks(s + 1);
	*ret_at = (size_t)(s - line);
	return 1;
}

static int starts_section(const char *line)
{
	size_t at;

	return key_is(line, "image", &at) || key_is(line, "other", &at) ||
	       line[text_blanks(line)] == '[';
}

/* Root by name alone; LILO wants quotes around a value with "=" in it. */
static void root_line(struct cmdline *c, struct textfile *t, const struct params_entry *x,
		      int initrd, size_t at)
{
	size_t quoted = t->line[at] == '"';
	size_t len = strcspn(t->line + at + quoted, quoted ? "\"" : " \t\"#");
	char name[512], better[80], text[90];

	if (!len || len >= sizeof name)
		return;
	memcpy(name, t->line + at + quoted, len);
	name[len] = 0;
	/* LILO looks the device up when it runs and hands the kernel its number;
	 * there is no way around that without an initramfs */
	if (!initrd && volume_name_is_fragile(name)) {
		plan_warn(c->p, "%s: without an initramfs root=%s must stay, and is right only "
			  "where the disk is called so again", t->path, name);
		return;
	}
	if (!params_name(&c->n, c->p, x, "root", name, better))
		return;
	snprintf(text, sizeof text, "\"%s\"", better);
	text_splice(t, at, len + 2 * quoted, text);
}

/* Which sections have an initramfs; 0: what stands before the first. */
static void survey(struct textfile *t, char *has_initrd)
{
	size_t i = 0, at;

	while (text_next(t)) {
		if (starts_section(t->line) && i + 1 < SECTIONS_MAX)
			i++;
		if (key_is(t->line, "initrd", &at) || key_is(t->line, "ramdisk", &at))
			has_initrd[i] = 1;
	}
	text_rewind(t);
	for (size_t k = 1; k <= i; k++)
		has_initrd[k] |= has_initrd[0];
	for (size_t k = 1; k <= i; k++)
		has_initrd[0] |= has_initrd[k];
}

static int edit_line(struct cmdline *c, struct textfile *t, int initrd, struct err *e)
{
	struct params_entry x = { .file = t->path, .own = 1 };
	size_t at;

	if (key_is(t->line, "root", &at)) {
		root_line(c, t, &x, initrd, at);
		return 0;
	}
	x.bare = !initrd;
	if (key_is(t->line, "append", &at) || key_is(t->line, "addappend", &at) ||
	    key_is(t->line, "literal", &at) || key_is(t->line, "parameters", &at))
		return cmdline_line(c, t, &x, e);
	return 0;
}

static int edit(struct cmdline *c, const char *path, int *ret_changed, struct err *e)
{
	char has_initrd[SECTIONS_MAX] = { 0 };
	struct textfile t;
	size_t i = 0;
	int r = text_open(c->p, path, &t, e);

	*ret_changed = 0;
	if (r == 1) {
		r = 0;
		survey(&t, has_initrd);
		while (!r && text_next(&t)) {
			if (starts_section(t.line) && i + 1 < SECTIONS_MAX)
				i++;
			r = edit_line(c, &t, has_initrd[i], e);
		}
		*ret_changed = t.changed;
		if (!r)
			r = text_commit(&t, e, "the kernel shall find its volumes by their own "
					"ids, whatever the disk is called");
	}
	text_close(&t);
	return r;
}

/* Only this loader starts the guest, so what it compiled decides. */
static void must_rerun(struct cmdline *c, const char *program, const char *path, unsigned int bit)
{
	if ((c->l->boot & ~(unsigned int)LIN_BLS) == bit)
		plan_problem(c->p, "%s boots this system, and what it wrote to the disk still holds "
			     "the old device names; run `%s` in the guest (chroot) once %s is "
			     "edited", program, program, path);
	else
		plan_warn(c->p, "%s is edited, but takes effect only once `%s` has run in the "
			  "guest", path, program);
}

/* 1: the compiled file is older than its configuration. */
static int is_stale(struct cmdline *c, const char *compiled, const char *path)
{
	struct stat a, b;

	return !root_stat(c->l->root, compiled, &a, NULL) &&
	       !root_stat(c->l->root, path, &b, NULL) &&
	       (a.st_mtim.tv_sec < b.st_mtim.tv_sec);
}

int cmdline_lilo(void *ctx, const char *path, struct err *e)
{
	struct cmdline *c = ctx;
	int changed, r;

	if (!cmdline_first(c, path))
		return 0;
	r = edit(c, path, &changed, e);
	/* elilo.conf is read at each boot */
	if (!r && strstr(path, "/lilo.conf") && (changed || is_stale(c, "/boot/map", path)) &&
	    c->l->boot & LIN_LILO)
		must_rerun(c, "lilo", path, LIN_LILO);
	return r;
}

int cmdline_zipl(void *ctx, const char *path, struct err *e)
{
	struct cmdline *c = ctx;
	int changed, r;

	if (!cmdline_first(c, path))
		return 0;
	r = edit(c, path, &changed, e);
	if (!r && (changed || is_stale(c, "/boot/bootmap", path)) && c->l->boot & LIN_ZIPL)
		must_rerun(c, "zipl", path, LIN_ZIPL);
	return r;
}
