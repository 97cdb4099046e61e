/* check-config.c: does what the boot loader and fstab call the root exist, and
 * is it the root?  Without a list of volumes (a bare tree) only names that the
 * old hardware chose are found wrong. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/check-int.h"

static int add_name(const struct lin *l, struct check_result *c, const char *where,
		    const char *name, struct err *e)
{
	const struct volume *v;
	struct check_line *line;
	int guess = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].path, where) && !strcmp(c->v[i].what, name))
			return 0;
	v = l->volumes && l->volumes->n ? volume_find(l->volumes, name, &guess) : NULL;
	line = check_add(c, "", where, name, e);
	if (!line)
		return ERR_NOMEM;
	if (volume_name_is_fragile(name)) {
		snprintf(line->how, sizeof line->how, "a name that this hardware need not have");
	} else if (!l->volumes || !l->volumes->n || !l->root_volume) {
		line->ok = 1;
		snprintf(line->how, sizeof line->how, "not looked up: the volumes are not known");
	} else if (v == l->root_volume) {
		line->ok = 1;
		snprintf(line->how, sizeof line->how, "is the root file system");
	} else {
		snprintf(line->how, sizeof line->how, v ? "is another volume" : "no volume is called so");
	}
	c->ok &= line->ok;
	return 0;
}

/* Every " root=NAME" of a file; GRUB's own variable (set root=) is none. */
static int names_in(const struct lin *l, const char *path, struct check_result *c, struct err *e)
{
	cleanup_free char *text = NULL;
	int rc = 0;

	if (root_read(l->root, path, ROOT_TEXT_MAX, &text, NULL, NULL))
		return 0;
	for (char *line = strtok(text, "\n"); !rc && line; line = strtok(NULL, "\n")) {
		char *at = line;

		line += strspn(line, " \t");
		if (*line == '#' || !strncmp(line, "set ", 4))
			continue;
		while (!rc && (at = strstr(at, "root="))) {
			char name[256];
			size_t n = strcspn(at + 5, " \t\"'");

			if (at > line && strchr(" \t\"'", at[-1]) && n && n < sizeof name &&
			    at[5] != '$' && at[5] != '(') {
				snprintf(name, sizeof name, "%.*s", (int)n, at + 5);
				rc = add_name(l, c, path, name, e);
			}
			at += 5;
		}
	}
	return rc;
}

static int entries(const struct lin *l, const char *dir, struct check_result *c, struct err *e)
{
	struct strv names = { 0 };
	int rc = 0;

	if (root_list(l->root, dir, &names, NULL))
		return 0;
	for (size_t i = 0; !rc && i < names.n; i++) {
		char path[PATH_MAX];
		size_t n = strlen(names.v[i]);

		if (n < 5 || strcmp(names.v[i] + n - 5, ".conf"))
			continue;
		snprintf(path, sizeof path, "%.200s/%.255s", dir, names.v[i]);
		rc = names_in(l, path, c, e);
	}
	strv_done(&names);
	return rc;
}

static int fstab_root(const struct lin *l, struct check_result *c, struct err *e)
{
	cleanup_free char *text = NULL;
	int rc = 0;

	if (root_read(l->root, "/etc/fstab", ROOT_TEXT_MAX, &text, NULL, NULL))
		return 0;
	for (char *line = strtok(text, "\n"); !rc && line; line = strtok(NULL, "\n")) {
		char spec[256], dir[256];

		if (sscanf(line, " %255s %255s", spec, dir) == 2 && *spec != '#' &&
		    !strcmp(dir, "/") && strcmp(spec, "none") && strcmp(spec, "rootfs"))
			rc = add_name(l, c, "/etc/fstab", spec, e);
	}
	return rc;
}

int check_config(const struct lin *l, struct check_result *c, struct err *e)
{
	static const char *const files[] = {
		"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/menu.lst",
		"/boot/grub/grub.conf", "/boot/extlinux/extlinux.conf", "/boot/extlinux.conf",
		"/boot/syslinux/syslinux.cfg", "/etc/kernel/cmdline",
	};
	static const char *const dirs[] = { "/boot/loader/entries", "/boot/efi/loader/entries",
					    "/efi/loader/entries" };
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof files / sizeof *files; i++)
		rc = names_in(l, files[i], c, e);
	for (size_t i = 0; !rc && i < sizeof dirs / sizeof *dirs; i++)
		rc = entries(l, dirs[i], c, e);
	return rc ? rc : fstab_root(l, c, e);
}
