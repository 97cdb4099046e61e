/* edit-menus.c: boot loaders' menus: GRUB 2, GRUB legacy, extlinux and syslinux,
 * Boot Loader Specification entries.  They differ in words only: blocks, each with
 * a kernel, perhaps an initramfs, and parameters. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/cmdline.h"

#define BLOCKS_MAX 4096         /* entries of one menu; later ones share one  */

struct menu {
	const char *block[4], *kernel[6], *initrd[4], *params[8];
};

static const struct menu grub2 = {
	.block = { "menuentry", "submenu" },
	.kernel = { "linux", "linux16", "linuxefi", "module", "module2" },
	.initrd = { "initrd", "initrd16", "initrdefi" },
	.params = { "linux", "linux16", "linuxefi", "module", "module2" },
};
static const struct menu grub_legacy = {
	.block = { "title" }, .kernel = { "kernel", "module" }, .initrd = { "initrd" },
	.params = { "kernel", "module" },
};
static const struct menu extlinux = {
	.block = { "label" }, .kernel = { "kernel", "linux" }, .initrd = { "initrd" },
	.params = { "append" },
};
static const struct menu bls = {
	.kernel = { "linux" }, .initrd = { "initrd" }, .params = { "options" },
};

struct block { int has_kernel, own, has_initrd; };

static int word_is(const char *const *words, const char *s, size_t n)
{
	for (; *words; words++)
		if (strlen(*words) == n && !strncasecmp(*words, s, n))
			return 1;
	return 0;
}

/* The second word of a line, options (--unrestricted, --type=) left out. */
static void argument(const char *s, char *ret, size_t size)
{
	size_t n;

	do {
		s += text_word(s);
		s += text_blanks(s);
	} while (!strncmp(s, "--", 2));
	n = text_word(s);
	n = n < size ? n : size - 1;
	memcpy(ret, s, n);
	ret[n] = 0;
}

static void see(struct cmdline *c, const struct menu *m, const char *line, struct block *b)
{
	const char *s = line + text_blanks(line);
	size_t n = text_word(s);
	char arg[512];

	if (!n || *s == '#')
		return;
	argument(s, arg, sizeof arg);
	if (word_is(m->initrd, s, n) || strstr(line, "initrd=")) {
		b->has_initrd = 1;
	} else if (word_is(m->kernel, s, n) && !strncmp(s, "module", 6) && strstr(arg, "initr")) {
		b->has_initrd = 1;      /* Xen's way */
	} else if (word_is(m->kernel, s, n)) {
		b->has_kernel = 1;
		b->own |= cmdline_own_kernel(c, arg);
	}
}

static int starts_block(const struct menu *m, const char *line)
{
	const char *s = line + text_blanks(line);

	return word_is(m->block, s, text_word(s));
}

/* What is to be known of each block before its lines are edited. */
static void survey(struct cmdline *c, const struct menu *m, struct textfile *t,
		     struct block *b)
{
	size_t i = 0;

	while (text_next(t)) {
		if (starts_block(m, t->line) && i + 1 < BLOCKS_MAX)
			i++;
		see(c, m, t->line, &b[i]);
	}
	text_rewind(t);

}

/* Variables of GRUB's that hold parameters (RHEL 8's BLS entries use them), and
 * what Debian's update-grub keeps in comments of menu.lst. */
static int is_template(const struct menu *m, const char *line)
{
	static const char *const set[] = { "kernelopts=", "default_kernelopts=" };
	static const char *const magic[] = { "kopt=", "defoptions=", "altoptions=", "xenkopt=",
					     "xenhopt=", "kopt_" };
	const char *s = line + text_blanks(line);

	if (m == &grub2 && !strncmp(s, "set ", 4)) {
		s += 4 + text_blanks(s + 4);
		for (size_t i = 0; i < sizeof set / sizeof *set; i++)
			if (!strncmp(s, set[i], strlen(set[i])))
				return 1;
	}
	if (m == &grub_legacy && *s == '#') {
		s += 1 + text_blanks(s + 1);
		for (size_t i = 0; i < sizeof magic / sizeof *magic; i++)
			if (!strncmp(s, magic[i], strlen(magic[i])))
				return 1;
	}
	return 0;
}

static int edit_line(struct cmdline *c, const struct menu *m, struct textfile *t,
		     const struct block *b, struct err *e)
{
	struct params_entry x = { .file = t->path, .own = !b->has_kernel || b->own,
				  .bare = b->has_kernel && !b->has_initrd };
	const char *s = t->line + text_blanks(t->line);

	if (is_template(m, t->line)) {
		x.own = 1;
		x.bare = c->all_bare;
	} else if (!word_is(m->params, s, text_word(s))) {
		return 0;
	}
	return cmdline_line(c, t, &x, e);
}

static int edit_menu(struct cmdline *c, const struct menu *m, const char *path, struct err *e)
{
	cleanup_free struct block *b = calloc(BLOCKS_MAX, sizeof *b);
	struct textfile t;
	size_t i = 0;
	int r;

	if (!b)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!cmdline_first(c, path))
		return 0;
	r = text_open(c->p, path, &t, e);
	if (r == 1) {
		r = 0;
		survey(c, m, &t, b);
		while (!r && text_next(&t)) {
			if (starts_block(m, t.line) && i + 1 < BLOCKS_MAX)
				i++;
			r = edit_line(c, m, &t, &b[i], e);
		}
		if (!r)
			r = text_commit(&t, e, "the kernel shall find its volumes by their own "
					"ids, whatever the disk is called");
	}
	text_close(&t);
	return r;
}

int cmdline_grub2(void *ctx, const char *path, struct err *e)
{
	return edit_menu(ctx, &grub2, path, e);
}

int cmdline_grub_legacy(void *ctx, const char *path, struct err *e)
{
	return edit_menu(ctx, &grub_legacy, path, e);
}

int cmdline_extlinux(void *ctx, const char *path, struct err *e)
{
	return edit_menu(ctx, &extlinux, path, e);
}

int cmdline_bls(void *ctx, const char *path, struct err *e)
{
	return edit_menu(ctx, &bls, path, e);
}
