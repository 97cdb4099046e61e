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

/* Traces that each leaves whatever it was told to include; those of the lists
 * are all there, in the order of the table, first one wins. */
static const struct {
	enum initrd_generator g;
	const char *has[3];
} traces[] = {
	/* its library (base module); dracut-ng moved the hooks to /var */
	{ GEN_DRACUT, { "lib/dracut-lib.sh" } },
	{ GEN_DRACUT, { "usr/lib/dracut-lib.sh" } },
	{ GEN_DRACUT, { "lib/dracut/hooks" } },
	{ GEN_DRACUT, { "var/lib/dracut/hooks" } },
	{ GEN_INITRAMFS_TOOLS, { "scripts/functions", "conf/initramfs.conf" } },
	{ GEN_BOOSTER, { "etc/booster.init.yaml" } },
	/* both by mkinitcpio itself, the second one since 2006; init_functions
	 * by its base hook, which the systemd hook replaces */
	{ GEN_MKINITCPIO, { "config", "init_functions" } },
	{ GEN_MKINITCPIO, { "config", "buildconfig" } },
	{ GEN_SUSE_MKINITRD, { "run_all.sh", "boot" } },
	{ GEN_ALPINE, { "sbin/nlplug-findfs" } },
	{ GEN_ALPINE, { "usr/sbin/nlplug-findfs" } },
	{ GEN_ALPINE, { "usr/bin/nlplug-findfs" } },
	{ GEN_MAKE_INITRD, { "lib/uevent/handlers" } },
	{ GEN_MAKE_INITRD, { "lib/initrd/post" } },
};

static enum initrd_generator with_systemd(enum initrd_generator g)
{
	return g == GEN_DRACUT ? GEN_DRACUT_SYSTEMD :
	       g == GEN_MKINITCPIO ? GEN_MKINITCPIO_SYSTEMD : g;
}

enum initrd_generator generator_find(struct initrd *i)
{
	for (size_t k = 0; k < sizeof traces / sizeof *traces; k++) {
		size_t n = 0;

		while (n < 3 && traces[k].has[n] && has(i, traces[k].has[n]))
			n++;
		if (n == 3 || !traces[k].has[n])
			return is_systemd(i) ? with_systemd(traces[k].g) : traces[k].g;
	}
	return init_says(i, "#!/bin/nash") ? GEN_NASH : GEN_UNKNOWN;
}
