/* generators.c: what the programs that make initramfs files read: inside the
 * image, to load modules by name, and in the guest's /etc, so that the next
 * kernel update makes images with the same drivers.  ADAPT facts per generator:
 * initramfs-tools(7), dracut.conf(5), dracut.cmdline(7), mkinitcpio.conf(5),
 * SUSE's /etc/sysconfig/kernel, Red Hat's mkinitrd (nash), Alpine's mkinitfs. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/drivers.h"

#define KNOB_MAX (256u << 10)   /* bytes of a file in the image that is merged */

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

#define LIST_MAX 12             /* modules listed by name                     */

/* "before a between b after"; NULL: no memory */
static char *join(const struct strv *l, const char *before, const char *between, const char *after)
{
	size_t len = strlen(before) + strlen(after) + 1;
	char *ret, *at;

	for (size_t i = 0; i < l->n; i++)
		len += strlen(l->v[i]) + strlen(between);
	ret = malloc(len);
	if (!ret)
		return NULL;
	at = stpcpy(ret, before);
	for (size_t i = 0; i < l->n; i++)
		at = stpcpy(stpcpy(at, i ? between : ""), l->v[i]);
	strcpy(at, after);
	return ret;
}

static char *append(const char *a, const char *b)
{
	char *ret = malloc(strlen(a) + strlen(b) + 2);

	if (ret)
		strcpy(stpcpy(stpcpy(ret, a), *a && a[strlen(a) - 1] != '\n' ? "\n" : ""), b);
	return ret;
}

/* 1: word stands in text between characters that no name has. */
static int has_word(const char *text, const char *word)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p++)
		if ((p == text || !strchr(name, p[-1])) && (!p[n] || !strchr(name, p[n])))
			return 1;
	return 0;
}

static int not_yet(const char *text, const struct strv *modules, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < modules->n; i++)
		if (!has_word(text, modules->v[i]) && strv_add(ret, modules->v[i]))
			return no_memory(e);
	return 0;
}

/* ---- inside the image ---- */

/* Loads what hardware asks for by itself: udev; Alpine's finder of file systems. */
static int loads_by_modalias(struct initrd *in)
{
	static const char *const programs[] = {
		"lib/systemd/systemd-udevd", "usr/lib/systemd/systemd-udevd", "sbin/udevd",
		"usr/bin/udevd", "usr/sbin/udevd", "lib/udev/udevd", "usr/lib/udev/udevd",
		"bin/udevadm", "usr/bin/udevadm", "sbin/udevadm", "sbin/nlplug-findfs",
		"usr/sbin/nlplug-findfs",
	};
	struct initrd_node node;

	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!initrd_find(in, programs[i], &node, NULL, NULL))
			return 1;
	return 0;
}

/* The image's file with text at its end, as a new one of the segment. */
static int merge(struct initrd *in, struct segment *s, const char *path, const char *text,
		 struct err *e)
{
	cleanup_free char *old = NULL, *merged = NULL;
	char real[PATH_MAX];
	struct initrd_node node;
	int rc = initrd_find(in, path, &node, real, e);

	if (rc && (rc != ERR_NOT_FOUND || !*real))
		return rc;
	if (!rc && (rc = initrd_read(in, real, KNOB_MAX, &old, NULL, e)))
		return rc;
	merged = append(old ? old : "", text);
	if (!merged)
		return no_memory(e);
	return segment_add_data(s, real, old ? node.mode & 07777 : 0644, merged, strlen(merged), e);
}

/* nash runs what stands in its init: the modules go before it makes the device
 * nodes (mkblkdevs), else at the begin of what looks for the root. */
static int nash_init(struct initrd *in, struct segment *s, const struct strv *modules, struct err *e)
{
	static const char *const marks[] = { "\nmkblkdevs", "\nmkrootdev", "\nmount " };
	cleanup_free char *old = NULL, *lines = NULL, *text = NULL;
	char *at = NULL;
	int rc = initrd_read(in, "init", KNOB_MAX, &old, NULL, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < 3 && !at; i++)
		at = strstr(old, marks[i]);
	if (!at)
		return err_set(e, ERR_UNSUPPORTED, "its init has no line before which drivers could "
			       "be loaded");
	lines = join(modules, "\ninsmod /lib/", ".ko\ninsmod /lib/", ".ko");
	text = lines ? malloc(strlen(old) + strlen(lines) + 1) : NULL;
	if (!text)
		return no_memory(e);
	memcpy(text, old, (size_t)(at - old));
	strcpy(stpcpy(text + (at - old), lines), at);
	return segment_add_data(s, "init", 0755, text, strlen(text), e);
}

int lin_nash_module(struct segment *s, const struct modules *m, const char *name, struct err *e)
{
	char dest[300], from[PATH_MAX];

	snprintf(dest, sizeof dest, "lib/%.250s.ko", name);
	if (snprintf(from, sizeof from, "%s/%s", modules_dir(m), modules_path(m, name)) >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", name);
	return segment_add_file(s, dest, 0644, from, e);
}

int lin_add_knob(struct initrd *in, struct segment *s, struct plan *p,
		 const struct strv *modules, struct err *e)
{
	cleanup_free char *text = NULL;
	enum initrd_generator g = initrd_generator(in);

	if (g == GEN_NASH)
		return nash_init(in, s, modules, e);
	if (loads_by_modalias(in))
		return 0;
	switch (g) {
	case GEN_INITRAMFS_TOOLS:
		text = join(modules, "", "\n", "\n");
		return text ? merge(in, s, "conf/modules", text, e) : no_memory(e);
	case GEN_DRACUT:
	case GEN_DRACUT_SYSTEMD:
		text = join(modules, "rd.driver.pre=", ",", "\n");
		return text ? merge(in, s, "etc/cmdline.d/90-rehost.conf", text, e) : no_memory(e);
	case GEN_MKINITCPIO:
		text = join(modules, "MODULES=\"$MODULES ", " ", "\"\n");
		return text ? merge(in, s, "config", text, e) : no_memory(e);
	case GEN_MKINITCPIO_SYSTEMD:
		text = join(modules, "", "\n", "\n");
		return text ? merge(in, s, "etc/modules-load.d/90-rehost.conf", text, e) : no_memory(e);
	default:
		plan_warn(p, "An initramfs (%s) has no udev and no list of modules that is known: it may "
			  "not load the drivers that were added.", initrd_generator_name(g));
		return 0;
	}
}

/* ---- the generator's configuration in the guest ---- */

#define WHY "So that the next kernel update keeps the drivers."

/* The file with text at its end; made when missing. */
static int keep_appended(struct plan *p, const char *path, const struct strv *modules,
			 const char *before, const char *between, const char *after, struct err *e)
{
	cleanup_free char *old = NULL, *text = NULL, *merged = NULL;
	struct strv add = { 0 };
	int rc = plan_read(p, path, &old, NULL, e);

	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	rc = not_yet(old ? old : "", modules, &add, e);
	if (!rc && add.n) {
		text = join(&add, before, between, after);
		merged = text ? append(old ? old : "", text) : NULL;
		rc = merged ? plan_write(p, path, merged, strlen(merged), e, WHY) : no_memory(e);
	}
	strv_done(&add);
	return rc;
}

/* NAME="a b" or NAME=(a b): the words get more at the end of the last such line. */
static int keep_in_list(struct plan *p, const char *path, const char *name, const char *close,
			const struct strv *modules, struct err *e)
{
	cleanup_free char *old = NULL, *text = NULL, *words = NULL;
	struct strv add = { 0 };
	char *at = NULL, *end;
	size_t n = strlen(name);
	int rc = plan_read(p, path, &old, NULL, e);

	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	for (char *line = old; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, n) && line[n] == '=')
			at = line;
	}
	end = at ? strpbrk(at + n + 2, close) : NULL;
	if (!end || memchr(at, '\n', (size_t)(end - at))) {
		char before[64], after[4];

		snprintf(before, sizeof before, "%s=%c", name, *close == ')' ? '(' : '"');
		snprintf(after, sizeof after, "%c\n", *close);
		return keep_appended(p, path, modules, before, " ", after, e);
	}
	rc = not_yet(old, modules, &add, e);
	if (!rc && add.n) {
		words = join(&add, " ", " ", "");
		text = words ? malloc(strlen(old) + strlen(words) + 1) : NULL;
		if (text) {
			memcpy(text, old, (size_t)(end - old));
			strcpy(stpcpy(text + (end - old), words), end);
			rc = plan_write(p, path, text, strlen(text), e, WHY);
		} else {
			rc = no_memory(e);
		}
	}
	strv_done(&add);
	return rc;
}

/* alias scsi_hostadapterN MODULE, with the next free N (mkinitrd takes them all). */
static int keep_nash(struct plan *p, const struct strv *modules, struct err *e)
{
	cleanup_free char *old = NULL, *text = NULL;
	struct strv add = { 0 };
	int n = 0, rc = plan_read(p, "/etc/modprobe.conf", &old, NULL, e);

	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	text = strdup(old ? old : "");
	for (const char *s = old; s && (s = strstr(s, "alias scsi_hostadapter")); s++)
		n++;
	rc = text ? not_yet(text, modules, &add, e) : no_memory(e);
	for (size_t i = 0; !rc && i < add.n; i++) {
		char line[300], *more;

		snprintf(line, sizeof line, "alias scsi_hostadapter%d %.200s\n", n, add.v[i]);
		if (!n)
			snprintf(line, sizeof line, "alias scsi_hostadapter %.200s\n", add.v[i]);
		n++;
		more = append(text, line);
		free(text);
		text = more;
		if (!text)
			rc = no_memory(e);
	}
	if (!rc && add.n)
		rc = plan_write(p, "/etc/modprobe.conf", text, strlen(text), e, WHY);
	strv_done(&add);
	return rc;
}

/* A feature of its own: a list of files, and its name in mkinitfs.conf. */
static int keep_alpine(const struct lin *l, const struct strv *modules, struct plan *p, struct err *e)
{
	struct strv paths = { 0 }, feature = { 0 };
	struct modules *m = NULL;
	int rc = l->n_kernels ? modules_open(l->root, l->kernel[0].modules, &m, e) : 0;

	for (size_t i = 0; !rc && m && i < modules->n; i++) {
		const char *path = modules_path(m, modules->v[i]);
		char name[300];

		/* mkinitfs takes names without the suffix of the compression */
		snprintf(name, sizeof name, "%.*s*", path ? (int)(strstr(path, ".ko") + 3 - path) : 0,
			 path ? path : "");
		if (path && strv_add(&paths, name))
			rc = no_memory(e);
	}
	modules_close(m);
	if (!rc && strv_add(&feature, "rehost"))
		rc = no_memory(e);
	if (!rc)
		rc = keep_appended(p, "/etc/mkinitfs/features.d/rehost.modules", &paths, "", "\n", "\n", e);
	if (!rc)
		rc = keep_in_list(p, "/etc/mkinitfs/mkinitfs.conf", "features", "\"", &feature, e);
	strv_done(&paths);
	strv_done(&feature);
	return rc;
}

/* A target of any kind: all drivers, loaded when their hardware is there, are
 * better than a long list of ones that are loaded always. */
static int keep_all(struct plan *p, const char *path, const char *text, struct err *e)
{
	return plan_write(p, path, text, strlen(text), e, WHY);
}

#define DRACUT_CONF "/etc/dracut.conf.d"
#define DRACUT_OURS DRACUT_CONF "/zz-rehost.conf"       /* read last          */

/* A driver that the configuration leaves out stays out, whatever adds it. */
static void warn_omitted(const struct lin *l, struct plan *p)
{
	struct strv names = { 0 };

	if (root_list(l->root, DRACUT_CONF, &names, NULL))
		return;
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *text = NULL;
		char path[PATH_MAX];
		char *rest, *line;

		snprintf(path, sizeof path, DRACUT_CONF "/%s", names.v[i]);
		if (root_read(l->root, path, ROOT_TEXT_MAX, &text, NULL, NULL))
			continue;
		rest = text;
		while ((line = strsep(&rest, "\n")))
			if (!strncmp(line, "omit_drivers", 12))
				plan_warn(p, "%s leaves drivers out (%s): should one of the new machine's "
					  "be among them, the next kernel update makes an initramfs that "
					  "does not boot", path, line);
	}
	strv_done(&names);
}

static int keep_dracut(const struct lin *l, const struct strv *modules, struct plan *p,
		       struct err *e)
{
	warn_omitted(l, p);
	if (modules->n > LIST_MAX)
		return keep_all(p, DRACUT_OURS, "hostonly=\"no\"\n", e);
	return keep_appended(p, DRACUT_OURS, modules, "add_drivers+=\" ", " ", " \"\n", e);
}

static int keep_for(const struct lin *l, enum initrd_generator g, const struct strv *modules,
		    struct plan *p, struct err *e)
{
	switch (g) {
	case GEN_INITRAMFS_TOOLS:
		if (modules->n > LIST_MAX)
			return keep_all(p, "/etc/initramfs-tools/conf.d/rehost", "MODULES=most\n", e);
		return keep_appended(p, "/etc/initramfs-tools/modules", modules, "", "\n", "\n", e);
	case GEN_DRACUT:
	case GEN_DRACUT_SYSTEMD:
		return keep_dracut(l, modules, p, e);
	case GEN_MKINITCPIO:
	case GEN_MKINITCPIO_SYSTEMD:
		if (root_has_dir(l->root, "/etc/mkinitcpio.conf.d"))
			return keep_appended(p, "/etc/mkinitcpio.conf.d/90-rehost.conf", modules,
					     "MODULES+=(", " ", ")\n", e);
		return keep_in_list(p, "/etc/mkinitcpio.conf", "MODULES", ")", modules, e);
	case GEN_SUSE_MKINITRD:
		return keep_in_list(p, "/etc/sysconfig/kernel", "INITRD_MODULES", "\"", modules, e);
	case GEN_NASH:
		return keep_nash(p, modules, e);
	case GEN_ALPINE:
		return keep_alpine(l, modules, p, e);
	default:
		plan_note(p, "The program that makes this system's initramfs isn't known: after the "
			  "next kernel update see that the new one has the drivers.");
		return 0;
	}
}

int lin_keep_drivers(const struct lin *l, const struct strv *modules, struct plan *p, struct err *e)
{
	unsigned int done = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < l->n_kernels; i++) {
		enum initrd_generator g = l->kernel[i].generator;

		if (!(done & 1u << g))
			rc = keep_for(l, g, modules, p, e);
		done |= 1u << g;
	}
	return rc;
}
