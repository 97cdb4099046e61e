/* kernels.c: the kernels of a guest, each with its modules and initramfs.
 *
 * A kernel is a file in /boot (vmlinuz-VERSION and the like; Arch and Alpine
 * name a flavour instead, which a file in the module directory or its name
 * tells), or .../MACHINE-ID/VERSION/linux as kernel-install(8) lays it out.  An
 * initramfs belongs to the kernel whose version its name holds, or whose
 * modules it holds.  A kernel with two of them (Arch's fallback) is listed
 * twice. */
#include "drivers-inject/linux/kernels.h"
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

#define KERNELS_MAX 64          /* a machine that never removed one           */

static int add_kernel(struct lin *l, const struct lin_kernel *k, struct err *e)
{
	struct lin_kernel *v;

	if (l->n_kernels == KERNELS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %d kernels in the guest", KERNELS_MAX);
	v = reallocarray(l->kernel, l->n_kernels + 1, sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	l->kernel = v;
	v[l->n_kernels++] = *k;
	return 0;
}

/* ---- module directories, and which flavour each one is ---- */

struct flavour {
	char version[128];
	char dir[256];
	char name[128];         /* Arch: pkgbase "linux"; Alpine: "lts"; ""   */
};

static void find_flavour(struct lin *l, struct flavour *f)
{
	cleanup_free char *text = NULL;
	char path[300];
	const char *dash;

	snprintf(path, sizeof path, "%s/pkgbase", f->dir);
	if (!root_read(l->root, path, 256, &text, NULL, NULL)) {
		text[strcspn(text, "\r\n")] = 0;
		snprintf(f->name, sizeof f->name, "%.100s", text);
		return;
	}
	/* "6.6.58-0-lts" */
	dash = strrchr(f->version, '-');
	if (!strcmp(l->id, "alpine") && dash)
		snprintf(f->name, sizeof f->name, "%s", dash + 1);
}

static size_t find_modules(struct lin *l, struct flavour *ret, size_t max)
{
	static const char *const dirs[] = { "/lib/modules", "/usr/lib/modules" };
	size_t n = 0;

	for (size_t k = 0; k < 2; k++) {
		struct strv names = { 0 };

		if (root_list(l->root, dirs[k], &names, NULL))
			continue;
		for (size_t i = 0; i < names.n && n < max; i++) {
			struct flavour f = { 0 };
			char path[300];
			size_t seen = 0;

			if (strlen(names.v[i]) >= sizeof f.version)
				continue;
			snprintf(f.version, sizeof f.version, "%s", names.v[i]);
			snprintf(f.dir, sizeof f.dir, "%s/%s", dirs[k], names.v[i]);
			snprintf(path, sizeof path, "%.255s/modules.dep", f.dir);
			while (seen < n && strcmp(ret[seen].version, f.version))
				seen++;
			if (seen < n || !root_has_file(l->root, path))
				continue;
			find_flavour(l, &f);
			ret[n++] = f;
		}
		strv_done(&names);
	}
	return n;
}

/* ---- kernel images ---- */

static const char *const image_prefixes[] = { "vmlinuz-", "vmlinux-", "kernel-", "Image-", "bzImage-",
					      "zImage-" };

/* What follows the prefix in "vmlinuz-6.1.0-50-amd64"; NULL for another file. */
static const char *image_suffix(const char *name)
{
	for (size_t i = 0; i < sizeof image_prefixes / sizeof *image_prefixes; i++) {
		size_t n = strlen(image_prefixes[i]);

		if (!strncmp(name, image_prefixes[i], n) && name[n])
			return name + n;
	}
	return NULL;
}

static int is_regular(struct root *r, const char *path)
{
	struct stat st;

	return !root_lstat(r, path, &st, NULL) && S_ISREG(st.st_mode);
}

/* The kernel that the modules in f are for: its image, "" none. */
static void image_of(struct lin *l, const struct flavour *f, const struct strv *boot, char ret[256])
{
	*ret = 0;
	for (size_t i = 0; i < boot->n; i++) {
		const char *name = strrchr(boot->v[i], '/') + 1, *suffix = image_suffix(name);
		char with[160];

		snprintf(with, sizeof with, "/%s/linux", f->version);
		if (!(suffix && (!strcmp(suffix, f->version) ||
				 (*f->name && !strcmp(suffix, f->name)))) &&
		    !strstr(boot->v[i], with))
			continue;
		if (is_regular(l->root, boot->v[i]))
			snprintf(ret, 256, "%.255s", boot->v[i]);
	}
	if (*ret)
		return;
	snprintf(ret, 256, "%.240s/vmlinuz", f->dir);
	if (!is_regular(l->root, ret))
		*ret = 0;
}

/* ---- initramfs files ---- */

static int is_initramfs_name(const char *name)
{
	return (!strncmp(name, "initrd", 6) || !strncmp(name, "initramfs", 9) ||
		!strncmp(name, "mininitrd", 9)) && !strstr(name, "kdump") &&
	       !strstr(name, ".old") && !strstr(name, ".bak") && !strstr(name, ".dpkg");
}

/* text holds word, and no letter, digit, dot or dash continues it on the right
 * (6.1.0-5-amd64 isn't in initrd.img-6.1.0-5-amd64-dbg; ".img" may follow). */
static int holds(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; n && (p = strstr(p, word)); p++)
		if (!p[n] || !strncmp(p + n, ".img", 4) || p[n] == '/' ||
		    !strcmp(p + n, "-fallback.img") || !strcmp(p + n, ".gz"))
			return 1;
	return 0;
}

/* The kernel whose modules the initramfs holds, -1 none of them. */
static int by_content(struct lin *l, const char *path, const struct flavour *f, size_t n)
{
	struct initrd *i;
	struct strv versions = { 0 };
	int found = -1;

	if (initrd_open(l->root, path, &i, NULL))
		return -1;
	if (!initrd_kernels(i, &versions, NULL))
		for (size_t k = 0; k < n; k++)
			if (strv_has(&versions, f[k].version))
				found = (int)k;
	strv_done(&versions);
	initrd_close(i);
	return found;
}

/* Which of the kernels an initramfs is for; -1: none that is installed. */
static int owner(struct lin *l, const char *path, const struct flavour *f, size_t n)
{
	const char *name = strrchr(path, '/') + 1;
	int found = -1;

	/* the longest version that it holds */
	for (size_t k = 0; k < n; k++) {
		char flavour[160];

		snprintf(flavour, sizeof flavour, "-%s", f[k].name);
		if ((holds(path, f[k].version) || (*f[k].name && holds(name, flavour))) &&
		    (found < 0 || strlen(f[k].version) > strlen(f[found].version)))
			found = (int)k;
	}
	return found >= 0 ? found : by_content(l, path, f, n);
}

/* Files of /boot and of .../MACHINE-ID/VERSION/ below it and below the ESP;
 * whole paths, links left out. */
static int list_boot(struct lin *l, const char *dir, int depth, struct strv *out, struct err *e)
{
	struct strv names = { 0 };
	char path[PATH_MAX];
	int rc = 0;

	if (root_list(l->root, dir, &names, NULL))
		return 0; /* none is no failure */

	for (size_t i = 0; !rc && i < names.n; i++) {
		struct stat st;

		if (snprintf(path, sizeof path, "%s/%s", dir, names.v[i]) >= 256 ||
		    root_lstat(l->root, path, &st, NULL))
			continue;
		if (S_ISREG(st.st_mode) && strv_add(out, path))
			rc = err_set(e, ERR_NOMEM, "out of memory");
		/* a machine id has 32 characters; below it, any version */
		else if (S_ISDIR(st.st_mode) && (depth == 1 || strlen(names.v[i]) == 32) && depth < 2)
			rc = list_boot(l, path, depth + 1, out, e);
	}
	strv_done(&names);
	return rc;
}

/* ---- together ---- */

static int add_kernels_of(struct lin *l, const struct flavour *f, const char *image,
			  const int *owners, const struct strv *boot, int k, struct err *e)
{
	struct lin_kernel x = { 0 };
	int found = 0, rc = 0;

	snprintf(x.version, sizeof x.version, "%s", f->version);
	snprintf(x.modules, sizeof x.modules, "%s", f->dir);
	snprintf(x.image, sizeof x.image, "%s", image);
	for (size_t i = 0; !rc && i < boot->n; i++) {
		if (owners[i] != k)
			continue;
		snprintf(x.initrd, sizeof x.initrd, "%.255s", boot->v[i]);
		found = 1;
		rc = add_kernel(l, &x, e);
	}
	/* modules that a removed kernel left behind have neither */
	if (!rc && !found && *image) {
		*x.initrd = 0;
		rc = add_kernel(l, &x, e);
	}
	return rc;
}

static int newest_first(const void *a, const void *b)
{
	return -strverscmp(((const struct lin_kernel *)a)->version,
			   ((const struct lin_kernel *)b)->version);
}

/* The first entry of grub.cfg or menu.lst is what starts when nobody chose. */
static void find_default(struct lin *l)
{
	static const char *const files[] = { "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg",
					     "/boot/grub/grub.conf", "/boot/grub/menu.lst" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		cleanup_free char *text = NULL;

		if (root_read(l->root, files[i], ROOT_TEXT_MAX, &text, NULL, NULL))
			continue;
		for (char *line = text; line && *line; line = strchr(line, '\n')) {
			char *end;

			line += strspn(line, " \t\n");
			if (strncmp(line, "linux", 5) && strncmp(line, "kernel", 6))
				continue;
			end = line + strcspn(line, "\n");
			for (size_t k = 0; k < l->n_kernels; k++) {
				const char *name = strrchr(l->kernel[k].image, '/');
				const char *at = name ? strstr(line, name) : NULL;

				if (at && at < end && strchr(" \t\n", at[strlen(name)])) {
					l->kernel[k].is_default = 1;
					return;
				}
			}
		}
	}
	if (l->n_kernels)
		l->kernel[0].is_default = 1;
}

static void find_generators(struct lin *l)
{
	for (size_t i = 0; i < l->n_kernels; i++) {
		struct initrd *in;

		if (!*l->kernel[i].initrd || initrd_open(l->root, l->kernel[i].initrd, &in, NULL))
			continue;
		l->kernel[i].generator = initrd_generator(in);
		initrd_close(in);
	}
}

int lin_find_kernels(struct lin *l, struct err *e)
{
	static const char *const dirs[] = { "/boot", "/boot/efi", "/efi" };
	cleanup_free struct flavour *f = calloc(KERNELS_MAX, sizeof *f);
	cleanup_free int *owners = NULL;
	struct strv boot = { 0 };
	size_t n;
	int rc = f ? 0 : err_set(e, ERR_NOMEM, "out of memory");

	for (size_t i = 0; !rc && i < 3; i++)
		rc = list_boot(l, dirs[i], 0, &boot, e);
	n = rc ? 0 : find_modules(l, f, KERNELS_MAX);
	owners = calloc(boot.n + 1, sizeof *owners);
	if (!rc && !owners)
		rc = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !rc && i < boot.n; i++)
		owners[i] = is_initramfs_name(strrchr(boot.v[i], '/') + 1) ?
			    owner(l, boot.v[i], f, n) : -1;
	for (size_t k = 0; !rc && k < n; k++) {
		char image[256];

		image_of(l, &f[k], &boot, image);
		rc = add_kernels_of(l, &f[k], image, owners, &boot, (int)k, e);
	}
	strv_done(&boot);
	if (rc)
		return rc;
	if (l->n_kernels)
		qsort(l->kernel, l->n_kernels, sizeof *l->kernel, newest_first);
	find_default(l);
	find_generators(l);
	return 0;
}
