/* initrd-generator.c: what made an initramfs, from what it left inside. */
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/linux/initrd-int.h"

#define INIT_MAX (64u << 10)    /* bytes of /init looked at                   */

const char *initrd_generator_name(enum initrd_generator g)
{
	static const char *const names[] = {
		[GEN_UNKNOWN] = "unknown", [GEN_INITRAMFS_TOOLS] = "initramfs-tools",
		[GEN_DRACUT] = "dracut", [GEN_DRACUT_SYSTEMD] = "dracut-systemd",
		[GEN_MKINITCPIO] = "mkinitcpio", [GEN_MKINITCPIO_SYSTEMD] = "mkinitcpio-systemd",
		[GEN_SUSE_MKINITRD] = "suse-mkinitrd", [GEN_NASH] = "nash",
		[GEN_ALPINE] = "alpine-mkinitfs", [GEN_BOOSTER] = "booster",
		[GEN_MAKE_INITRD] = "make-initrd",
	};

	return names[g];
}

static int has(const struct initrd *i, const char *path)
{
	return tree_walk(&i->tree, path, 1, NULL) != NULL;
}

/* systemd is what runs first */
static int is_systemd(const struct initrd *i)
{
	char path[PATH_MAX];
	const char *p;

	if (!tree_walk(&i->tree, "init", 1, path))
		return 0;
	p = strrchr(path, '/');
	return p && !strcmp(p, "/systemd");
}

static int init_says(struct initrd *i, const char *word)
{
	char *text;
	int r;

	if (initrd_read(i, "init", INIT_MAX, &text, NULL, NULL))
		return 0;
	r = strstr(text, word) != NULL;
	free(text);
	return r;
}

enum initrd_generator generator_find(struct initrd *i)
{
	/* hooks: dracut up to 107 and dracut-ng; the library is in all of them */
	if (has(i, "usr/lib/dracut/hooks") || has(i, "lib/dracut/hooks") ||
	    has(i, "var/lib/dracut/hooks") || has(i, "lib/dracut-lib.sh"))
		return is_systemd(i) ? GEN_DRACUT_SYSTEMD : GEN_DRACUT;
	if (has(i, "scripts/functions") && has(i, "conf/initramfs.conf"))
		return GEN_INITRAMFS_TOOLS;
	if (has(i, "etc/booster.init.yaml"))
		return GEN_BOOSTER;
	if (has(i, "init_functions") && has(i, "config"))
		return GEN_MKINITCPIO;
	if (has(i, "buildconfig") && has(i, "config") && is_systemd(i))
		return GEN_MKINITCPIO_SYSTEMD;
	if (has(i, "run_all.sh") && has(i, "boot"))
		return GEN_SUSE_MKINITRD;
	if (has(i, "sbin/nlplug-findfs"))
		return GEN_ALPINE;
	if (has(i, "etc/initrd") && has(i, ".initrd"))
		return GEN_MAKE_INITRD;
	if (init_says(i, "#!/bin/nash"))
		return GEN_NASH;
	return GEN_UNKNOWN;
}
