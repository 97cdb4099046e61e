/* lin-detect.c: an installed Linux, by os-release(5) or what older systems
 * had in its place, and by its boot files. */
#include "drivers-inject/adapter.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

#define TEXT_FILE_MAX (64u << 10) /* no file read here is honestly longer */

/* Undoes os-release's quoting, in place: "..." with \ escapes, or '...'. */
static char *unquote(char *s)
{
	char quote = *s == '"' || *s == '\'' ? *s : 0;
	char *in = quote ? s + 1 : s, *out = s;

	while (*in && *in != quote) {
		if (*in == '\\' && quote != '\'' && in[1])
			in++;
		*out++ = *in++;
	}
	*out = 0;
	return s;
}

static void take(char *ret, size_t size, const char *value)
{
	snprintf(ret, size, "%s", value);
}

static void parse_os_release(char *text, struct guest *g)
{
	char name[GUEST_TEXT] = "", *line;

	while ((line = strsep(&text, "\n"))) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\r")] = 0;
		if (!value || *line == '#')
			continue;
		*value++ = 0;
		unquote(value);
		if (!strcmp(line, "PRETTY_NAME"))
			take(g->name, sizeof g->name, value);
		else if (!strcmp(line, "NAME"))
			take(name, sizeof name, value);
		else if (!strcmp(line, "VERSION_ID"))
			take(g->version, sizeof g->version, value);
		else if (!strcmp(line, "ID"))
			take(g->lin.id, sizeof g->lin.id, value);
	}
	if (!*g->name)
		take(g->name, sizeof g->name, *name ? name : "Linux");
	if (!*g->lin.id)
		take(g->lin.id, sizeof g->lin.id, "linux");
}

/* What told the name before there was os-release (2012), and still does. */
static const struct {
	const char *path, *id, *prefix;
} release_files[] = {
	{ "/etc/redhat-release", "redhat", "" },
	{ "/etc/SuSE-release", "suse", "" },
	{ "/etc/gentoo-release", "gentoo", "" },
	{ "/etc/slackware-version", "slackware", "" },
	{ "/etc/alpine-release", "alpine", "Alpine Linux " },
	{ "/etc/debian_version", "debian", "Debian " },
	{ "/etc/arch-release", "arch", "Arch Linux" },
};

static int first_line(struct tree *t, const char *path, char *ret, size_t size)
{
	cleanup_free char *text = NULL;

	if (tree_head(t, path, TEXT_FILE_MAX, &text, NULL, NULL))
		return 0;
	text[strcspn(text, "\r\n")] = 0;
	snprintf(ret, size, "%s", text);
	return 1;
}

/* 1: this is a Linux, and *g got what names it. */
static int identify(struct tree *t, struct guest *g)
{
	static const char *const os_release[] = { "/etc/os-release",
						  "/usr/lib/os-release" };
	char line[GUEST_TEXT / 2];

	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *text = NULL;

		if (tree_head(t, os_release[i], TEXT_FILE_MAX, &text, NULL,
			      NULL))
			continue;
		parse_os_release(text, g);
		return 1;
	}
	for (size_t i = 0; i < sizeof release_files / sizeof *release_files;
	     i++) {
		if (!first_line(t, release_files[i].path, line, sizeof line))
			continue;
		snprintf(g->name, sizeof g->name, "%s%s",
			 release_files[i].prefix, line);
		take(g->lin.id, sizeof g->lin.id, release_files[i].id);
		if (*release_files[i].prefix)
			take(g->version, sizeof g->version, line);
		return 1;
	}
	return 0;
}

static void find_hostname(struct tree *t, struct guest *g)
{
	if (!first_line(t, "/etc/hostname", g->hostname, sizeof g->hostname) &&
	    !first_line(t, "/etc/HOSTNAME", g->hostname, sizeof g->hostname)) {
		cleanup_free char *text = NULL;
		char *at;

		/* Red Hat up to 6 */
		if (tree_head(t, "/etc/sysconfig/network", TEXT_FILE_MAX, &text,
			      NULL, NULL))
			return;
		at = strstr(text, "HOSTNAME=");
		if (!at)
			return;
		at += strlen("HOSTNAME=");
		at[strcspn(at, "\r\n")] = 0;
		take(g->hostname, sizeof g->hostname, unquote(at));
	}
}

/* ELF header, System V gABI: class at 4, byte order at 5, machine at 18. */
static const char *elf_machine(const unsigned char *b)
{
	int big = b[5] == 2, bits64 = b[4] == 2;
	int machine = big ? b[18] << 8 | b[19] : b[19] << 8 | b[18];

	switch (machine) {
	case 3:
		return "i686";
	case 8:
		return big ? "mips" : "mipsel";
	case 20:
		return "ppc";
	case 21:
		return big ? "ppc64" : "ppc64le";
	case 22:
		return bits64 ? "s390x" : "s390";
	case 40:
		return "arm";
	case 43:
		return "sparc64";
	case 50:
		return "ia64";
	case 62:
		return bits64 ? "x86_64" : "x32";
	case 183:
		return "aarch64";
	case 243:
		return bits64 ? "riscv64" : "riscv32";
	case 258:
		return "loongarch64";
	default:
		return "";
	}
}

static void find_arch(struct tree *t, struct guest *g)
{
	static const char *const programs[] = {
		"/bin/ls", "/bin/sh", "/usr/bin/ls", "/usr/bin/env",
		"/sbin/init", "/lib/systemd/systemd",
		"/usr/lib/systemd/systemd", "/bin/busybox",
	};

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		cleanup_free char *head = NULL;
		size_t len;

		if (tree_head(t, programs[i], 20, &head, &len, NULL) ||
		    len < 20 || memcmp(head, "\177ELF", 4))
			continue;
		take(g->arch, sizeof g->arch,
		     elf_machine((const unsigned char *)head));
		if (*g->arch)
			return;
	}
}

/* Directories of modules that depmod has seen: what a removed kernel left
 * behind has no modules.dep. */
static void find_module_dirs(struct tree *t, const char *dir, struct guest *g)
{
	struct strv names = { 0 };
	char path[TREE_PATH_MAX];

	if (tree_list(t, dir, &names, NULL))
		return;
	for (size_t i = 0; i < names.n; i++) {
		snprintf(path, sizeof path, "%s/%s/modules.dep", dir,
			 names.v[i]);
		if (tree_has(t, path, TREE_FILE) &&
		    !strv_has(&g->lin.kernels, names.v[i]))
			(void)strv_add(&g->lin.kernels, names.v[i]);
	}
	strv_done(&names);
}

static void find_kernels(struct tree *t, struct guest *g)
{
	static const char *const prefixes[] = { "vmlinuz-", "vmlinux-",
						"kernel-", "Image-" };
	struct strv names = { 0 };

	if (!tree_list(t, "/boot", &names, NULL)) {
		for (size_t i = 0; i < names.n; i++)
			for (size_t k = 0; k < 4; k++) {
				size_t len = strlen(prefixes[k]);

				if (!strncmp(names.v[i], prefixes[k], len) &&
				    !strv_has(&g->lin.kernels,
					      names.v[i] + len))
					(void)strv_add(&g->lin.kernels,
						       names.v[i] + len);
			}
		strv_done(&names);
	}
	find_module_dirs(t, "/lib/modules", g);
	find_module_dirs(t, "/usr/lib/modules", g);
	strv_sort_versions(&g->lin.kernels);
}

static void find_boot_loaders(struct tree *t, struct guest *g)
{
	static const struct {
		const char *path, *name;
	} traces[] = {
		{ "/boot/grub/grub.cfg", "grub" },
		{ "/boot/grub2/grub.cfg", "grub" },
		{ "/boot/grub/menu.lst", "grub-legacy" },
		{ "/boot/grub/grub.conf", "grub-legacy" },
		{ "/boot/loader/loader.conf", "systemd-boot" },
		{ "/efi/loader/loader.conf", "systemd-boot" },
		{ "/boot/extlinux/extlinux.conf", "extlinux" },
		{ "/boot/syslinux/syslinux.cfg", "syslinux" },
		{ "/etc/lilo.conf", "lilo" },
		{ "/etc/zipl.conf", "zipl" },
	};

	for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
		if (tree_has(t, traces[i].path, TREE_FILE) &&
		    !strv_has(&g->boot, traces[i].name))
			(void)strv_add(&g->boot, traces[i].name);
}

static int lin_detect(struct tree *t, struct guest_list *found, struct err *e)
{
	struct guest g = { 0 }, *ret;

	if (!identify(t, &g))
		return 0;
	ret = guest_add(found, &adapter_linux, t);
	if (!ret)
		return err_set(e, ERR_NOMEM, "out of memory");
	memcpy(ret->name, g.name, sizeof g.name);
	memcpy(ret->version, g.version, sizeof g.version);
	memcpy(ret->lin.id, g.lin.id, sizeof g.lin.id);
	find_hostname(t, ret);
	find_arch(t, ret);
	find_kernels(t, ret);
	find_boot_loaders(t, ret);
	if (!ret->lin.kernels.n)
		guest_note(ret, "No kernel was found: /boot may be a file "
			   "system of its own.");
	if (ret->fs_dirty)
		guest_note(ret, "The file system was not unmounted cleanly; "
			   "what its journal still holds was not looked at.");
	return 0;
}

const struct guest_adapter adapter_linux = {
	.kind = "linux",
	.detect = lin_detect,
};
