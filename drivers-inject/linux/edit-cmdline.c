/* edit-cmdline.c: lin_plan_cmdline: the kernel's parameters wherever a boot
 * loader, its generator or an initramfs's generator keeps them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/cmdline.h"

int cmdline_first(struct cmdline *c, const char *path)
{
	char real[PATH_MAX];

	if (root_resolve(c->l->root, path, real, NULL))
		snprintf(real, sizeof real, "%s", path);
	if (strv_has(&c->done, real))
		return 0;
	/* out of memory: it is looked at twice, which changes nothing */
	(void)strv_add(&c->done, real);
	return 1;
}

int cmdline_line(struct cmdline *c, struct textfile *t, struct params_entry *x, struct err *e)
{
	cleanup_free char *better = NULL;
	int r = params_edit(&c->n, c->p, x, t->line, &better, e);

	if (!r && better)
		text_set(t, better);
	return r;
}

int cmdline_own_kernel(const struct cmdline *c, const char *path)
{
	static const char *const before[] = { "", "/boot", "/boot/efi", "/efi", "/boot/grub",
					      "/boot/extlinux", "/boot/syslinux" };
	const char *name, *end;
	char text[PATH_MAX];

	if (*path == '(' && (end = strchr(path, ')')))
		path = end + 1;
	name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	for (size_t i = 0; i < c->l->n_kernels; i++) {
		const char *image = strrchr(c->l->kernel[i].image, '/');

		if (image && !strcmp(image + 1, name))
			return 1;
	}
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		if (snprintf(text, sizeof text, "%s/%s", before[i], path) >= (int)sizeof text)
			return 0;
		if (root_has_file(c->l->root, text))
			return 1;
	}
	/* a path through a Btrfs subvolume, or from another place */
	if (snprintf(text, sizeof text, "/boot/%s", name) >= (int)sizeof text)
		return 0;
	return *name && root_has_file(c->l->root, text);
}

/* ---- files of shell-like assignments ---- */

/* Where dir is set, every file in it that ends in `path`. */
static const struct shell_file { const char *dir, *path, *key; } shell_files[] = {
	{ NULL, "/etc/default/grub", "GRUB_CMDLINE_" },
	{ "/etc/default/grub.d", ".cfg", "GRUB_CMDLINE_" },
	{ NULL, "/etc/sysconfig/bootloader", "DEFAULT_" },       /* SUSE */
	{ NULL, "/etc/sysconfig/bootloader", "FAILSAFE_" },
	{ NULL, "/etc/sysconfig/bootloader", "XEN_" },
	{ NULL, "/etc/update-extlinux.conf", "root" },           /* Alpine */
	{ NULL, "/etc/update-extlinux.conf", "default_kernel_opts" },
	{ NULL, "/etc/default/extlinux", "EXTLINUX_" },
	{ NULL, "/etc/default/u-boot", "U_BOOT_" },
	{ NULL, "/etc/dracut.conf", "kernel_cmdline" },
	{ "/etc/dracut.conf.d", ".conf", "kernel_cmdline" },
};

struct shell_ctx { struct cmdline *c; const char *key; };

/* Debian's and others' /etc/grub.d/10_linux writes root=/dev/sda1 with that. */
static void allow_uuid(struct cmdline *c, struct textfile *t)
{
	size_t at, len;
	char value[16];

	if (!c->all_bare && text_value(t->line, "GRUB_DISABLE_LINUX_UUID", value, sizeof value) &&
	    !strcmp(value, "true") &&
	    text_assignment(t->line, "GRUB_DISABLE_LINUX_UUID", &at, &len))
		text_splice(t, at, len, "false");
}

static int edit_shell(void *ctx, const char *path, struct err *e)
{
	const struct shell_ctx *s = ctx;
	struct cmdline *c = s->c;
	struct params_entry x = { .file = path, .own = 1, .bare = c->all_bare };
	struct textfile t;
	int r = text_open(c->p, path, &t, e);

	if (r == 1) {
		r = 0;
		while (!r && text_next(&t)) {
			const char *line = t.line + text_blanks(t.line);

			if (!strncmp(line, "export ", 7))
				line += 7;
			if (!strncmp(line, s->key, strlen(s->key)) && strchr(line, '='))
				r = cmdline_line(c, &t, &x, e);
			else if (!strncmp(s->key, "GRUB_", 5))
				allow_uuid(c, &t);
		}
		if (!r)
			r = text_commit(&t, e, "the next boot menu that the guest makes shall name "
					"volumes by their own ids");
	}
	text_close(&t);
	return r;
}

static int shell_all(struct cmdline *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < sizeof shell_files / sizeof *shell_files && !r; i++) {
		const struct shell_file *f = &shell_files[i];
		struct shell_ctx s = { c, f->key };

		r = f->dir ? text_each(c->p, f->dir, f->path, edit_shell, &s, e) :
			edit_shell(&s, f->path, e);
	}
	return r;
}

/* ---- files that are parameters and nothing else ---- */

static int edit_plain(void *ctx, const char *path, struct err *e)
{
	struct cmdline *c = ctx;
	struct params_entry x = { .file = path, .own = 1, .bare = c->all_bare };
	struct textfile t;
	int r;

	if (!cmdline_first(c, path))
		return 0;
	r = text_open(c->p, path, &t, e);
	if (r == 1) {
		r = 0;
		while (!r && text_next(&t))
			if (t.line[text_blanks(t.line)] != '#')
				r = cmdline_line(c, &t, &x, e);
		if (!r)
			r = text_commit(&t, e, "the kernel shall find its volumes by their own "
					"ids, whatever the disk is called");
	}
	text_close(&t);
	return r;
}

static int plain_all(struct cmdline *c, struct err *e)
{
	static const char *const files[] = { "/etc/kernel/cmdline", "/boot/cmdline.txt",
					     "/boot/firmware/cmdline.txt" };
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		r = edit_plain(c, files[i], e);
	return r ? r : text_each(c->p, "/etc/cmdline.d", ".conf", edit_plain, c, e);
}

/* ---- GRUB's environment ---- */

int cmdline_grubenv(void *ctx, const char *path, struct err *e)
{
	struct cmdline *c = ctx;
	struct params_entry x = { .file = path, .own = 1, .bare = c->all_bare };
	struct textfile t;
	size_t room, used;
	int r;

	if (!cmdline_first(c, path))
		return 0;
	r = text_open(c->p, path, &t, e);
	if (r != 1)
		goto out;
	r = 0;
	room = t.len;
	/* the block is padded with # to its size, which GRUB keeps: it writes
	 * into the file's blocks without knowing the file system */
	for (used = room; used && t.in[used - 1] == '#'; used--)
		;
	t.len = used;
	while (!r && text_next(&t))
		if (!strncmp(t.line, "kernelopts=", 11))
			r = cmdline_line(c, &t, &x, e);
	if (r || !t.changed)
		goto out;
	if (t.out.n > room) {
		plan_warn(c->p, "%s: its %zu bytes don't hold the longer names; set kernelopts "
			  "by grub2-editenv", path, room);
		goto out;
	}
	while (t.out.n < room && !t.out.failed)
		textbuf_add(&t.out, "#", 1);
	r = text_commit(&t, e, "the kernel shall find its volumes by their own ids");
out:
	text_close(&t);
	return r;
}

/* ---- initramfs-tools ---- */

static int edit_resume(void *ctx, const char *path, struct err *e)
{
	struct cmdline *c = ctx;
	struct params_entry x = { .file = path, .own = 1 };
	char name[512], better[80];
	struct textfile t;
	size_t at, len;
	int r = text_open(c->p, path, &t, e);

	if (r == 1) {
		while (text_next(&t))
			if (text_value(t.line, "RESUME", name, sizeof name) &&
			    text_assignment(t.line, "RESUME", &at, &len) &&
			    params_name(&c->n, c->p, &x, "resume", name, better))
				text_splice(&t, at, len, better);
		r = text_commit(&t, e, "the next initramfs shall look for a hibernated system "
				"where the swap area is");
	}
	text_close(&t);
	return r;
}

/* ---- all of it ---- */

/* One kind of file in a vendor's directory of an ESP: EFI/VENDOR/NAME. */
static int each_vendor(struct cmdline *c, const char *esp, struct err *e)
{
	static const struct {
		const char *name;
		int (*fn)(void *ctx, const char *path, struct err *e);
	} files[] = {
		{ "grub.cfg", cmdline_grub2 }, { "custom.cfg", cmdline_grub2 },
		{ "grub.conf", cmdline_grub_legacy }, { "grubenv", cmdline_grubenv },
		{ "elilo.conf", cmdline_lilo }, { "syslinux.cfg", cmdline_extlinux },
	};
	struct strv vendors = { 0 };
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof path, "%s/EFI", esp);
	if (root_list(c->l->root, path, &vendors, NULL))
		return 0;
	for (size_t i = 0; i < vendors.n && !r; i++)
		for (size_t k = 0; k < sizeof files / sizeof *files && !r; k++) {
			if (snprintf(path, sizeof path, "%s/EFI/%s/%s", esp, vendors.v[i],
				     files[k].name) < (int)sizeof path &&
			    root_has_file(c->l->root, path))
				r = files[k].fn(c, path, e);
		}
	strv_done(&vendors);
	return r;
}

static int esp_all(struct cmdline *c, const char *esp, struct err *e)
{
	char path[PATH_MAX];
	int r = each_vendor(c, esp, e);

	snprintf(path, sizeof path, "%s/loader/entries", esp);
	return r ? r : text_each(c->p, path, ".conf", cmdline_bls, c, e);
}

static int menus_all(struct cmdline *c, struct err *e)
{
	static const struct {
		const char *path;
		int (*fn)(void *ctx, const char *path, struct err *e);
	} files[] = {
		{ "/boot/grub/grub.cfg", cmdline_grub2 }, { "/boot/grub2/grub.cfg", cmdline_grub2 },
		{ "/boot/grub/custom.cfg", cmdline_grub2 },
		{ "/boot/grub2/custom.cfg", cmdline_grub2 },
		{ "/etc/grub.d/40_custom", cmdline_grub2 },
		{ "/boot/grub/menu.lst", cmdline_grub_legacy },
		{ "/boot/grub/grub.conf", cmdline_grub_legacy },
		{ "/boot/grub/grubenv", cmdline_grubenv },
		{ "/boot/grub2/grubenv", cmdline_grubenv },
		{ "/boot/extlinux/extlinux.conf", cmdline_extlinux },
		{ "/boot/extlinux/linux.cfg", cmdline_extlinux },
		{ "/boot/extlinux.conf", cmdline_extlinux },
		{ "/extlinux.conf", cmdline_extlinux },
		{ "/boot/syslinux/syslinux.cfg", cmdline_extlinux },
		{ "/boot/syslinux.cfg", cmdline_extlinux },
		{ "/etc/lilo.conf", cmdline_lilo }, { "/etc/elilo.conf", cmdline_lilo },
		{ "/etc/zipl.conf", cmdline_zipl },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		r = files[i].fn(c, files[i].path, e);
	return r;
}

int lin_plan_cmdline(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		     struct err *e)
{
	static const char *const esp[] = { "/boot/efi", "/efi", "/boot" };
	struct cmdline c = { .l = l, .p = p, .all_bare = l->n_kernels > 0 };
	int r = lin_names_load(l, p, &c.n, e);

	(void)w;
	if (r)
		return r;
	for (size_t i = 0; i < l->n_kernels; i++)
		c.all_bare &= !*l->kernel[i].initrd && !l->kernel[i].uki;
	r = menus_all(&c, e);
	for (size_t i = 0; i < sizeof esp / sizeof *esp && !r; i++)
		r = esp_all(&c, esp[i], e);
	if (!r && l->esp_volume && *l->esp_volume->mounted)
		r = esp_all(&c, l->esp_volume->mounted, e);
	if (!r)
		r = shell_all(&c, e);
	if (!r)
		r = plain_all(&c, e);
	if (!r)
		r = edit_resume(&c, "/etc/initramfs-tools/initramfs.conf", e);
	if (!r)
		r = text_each(p, "/etc/initramfs-tools/conf.d", "", edit_resume, &c, e);
	strv_done(&c.done);
	lin_names_done(&c.n);
	return r;
}
