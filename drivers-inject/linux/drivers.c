/* drivers.c: lin_plan_drivers: every kernel's initramfs gets the drivers that
 * the target's disk needs and that it doesn't have.
 *
 * For each way to the target's disk, each device on it is looked up in this very
 * kernel's aliases; what matches, with all it needs, must be built in or be in
 * the initramfs.  What is missing is appended from the guest's own modules of
 * that kernel, unchanged: never a module of another build. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/chroot.h"
#include "drivers-inject/linux/drivers.h"

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

static int add_once(struct strv *l, const char *s, struct err *e)
{
	return strv_has(l, s) || !strv_add(l, s) ? 0 : no_memory(e);
}

/* "pci:v00001000d00000030sv...bc01sc00i00" */
static int pci_class_is(const char *modalias, const char *class)
{
	const char *bc = strncmp(modalias, "pci:", 4) ? NULL : strstr(modalias, "bc");

	return bc && !strncmp(bc + 2, class, strlen(class));
}

/* 1: without a driver for this device the disk behind it can't be seen.  A PCI
 * bridge, a USB hub, an ATA port works by itself. */
int lin_needs_driver(const struct hw_link *d)
{
	static const char *const buses[] = { "virtio:", "vmbus:", "scsi:", "xen:", "mmc:", "sdio:" };

	if (d->drivers.n || pci_class_is(d->modalias, "01") || pci_class_is(d->modalias, "0Csc03") ||
	    pci_class_is(d->modalias, "0Csc04") || pci_class_is(d->modalias, "08sc05"))
		return 1;
	for (size_t i = 0; i < sizeof buses / sizeof *buses; i++)
		if (!strncmp(d->modalias, buses[i], strlen(buses[i])))
			return 1;
	return 0;
}

/* What of this kernel serves the device: its aliases, and the drivers that the
 * inventory names.  *ret_known: 1 if there is one at all. */
static int link_modules(const struct modules *m, const struct hw_link *d, struct strv *top,
			int *ret_known, struct err *e)
{
	struct strv found = { 0 };
	int known = 0, rc = modules_serve(m, d->modalias, &d->drivers, &found, e);

	for (size_t i = 0; !rc && i < found.n; i++) {
		if (modules_builtin(m, found.v[i])) {
			known = 1;
		} else if (modules_path(m, found.v[i])) {
			known = 1;
			rc = add_once(top, found.v[i], e);
		}
	}
	strv_done(&found);
	*ret_known = known || !lin_needs_driver(d);
	return rc;
}

int lin_path_modules(const struct modules *m, const struct hw_path *path, struct strv *top,
		     const struct hw_link **ret_missing, struct err *e)
{
	*ret_missing = NULL;
	for (size_t i = 0; i < path->n; i++) {
		int known, rc = link_modules(m, &path->v[i], top, &known, e);

		if (rc)
			return rc;
		if (!known && !*ret_missing)
			*ret_missing = &path->v[i];
	}
	return 0;
}

/* ---- where a driver that this kernel lacks may be found ---- */

static int starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Another kernel of the guest that drives all of the path; NULL none. */
static const char *other_kernel(const struct lin *l, const struct hw_path *path, const char *not)
{
	for (size_t i = 0; i < l->n_kernels; i++) {
		const struct hw_link *missing = NULL;
		struct strv top = { 0 };
		struct modules *m;
		int rc;

		if (!strcmp(l->kernel[i].version, not) ||
		    modules_open(l->root, l->kernel[i].modules, &m, NULL))
			continue;
		rc = lin_path_modules(m, path, &top, &missing, NULL);
		strv_done(&top);
		modules_close(m);
		if (!rc && !missing)
			return l->kernel[i].version;
	}
	return NULL;
}

static void driver_hint(const struct lin *l, const struct lin_kernel *k, const char *other,
			char *ret, size_t size)
{
	const char *id = l->id, *like = l->id_like;

	if (other)
		snprintf(ret, size, "Kernel %s of this system has one: choose it at the start.", other);
	else if (strstr(k->version, "cloud") && (!strcmp(id, "debian") || strstr(like, "debian")))
		snprintf(ret, size, "The cloud kernel leaves it out: install linux-image-%s on the "
			 "old machine and capture again.", *l->arch ? l->arch : "amd64");
	else if (!strcmp(id, "ubuntu") || strstr(like, "ubuntu"))
		snprintf(ret, size, "Install linux-modules-extra-%s on the old machine and capture "
			 "again.", k->version);
	else if (starts(id, "sle") || starts(id, "opensuse") || strstr(like, "suse"))
		snprintf(ret, size, "kernel-default-base leaves it out: install kernel-default on the "
			 "old machine and capture again.");
	else if (strstr(like, "rhel") || !strcmp(id, "rhel") || !strcmp(id, "fedora"))
		snprintf(ret, size, "Install kernel-modules-%s (or, where Red Hat dropped the device, "
			 "a kmod package of it) on the old machine and capture again.", k->version);
	else if (!strcmp(id, "alpine"))
		snprintf(ret, size, "The virt kernel leaves it out: install linux-lts on the old "
			 "machine and capture again.");
	else
		snprintf(ret, size, "Install a kernel that drives it on the old machine and capture "
			 "again, or choose another controller for the target.");
}

static int tell_missing(const struct lin *l, const struct lin_kernel *k, const struct hw_path *path,
			const struct hw_link *d, struct plan *p, struct err *e)
{
	char hint[400];

	driver_hint(l, k, other_kernel(l, path, k->version), hint, sizeof hint);
	return plan_missing(p, d->name && *d->name ? d->name : d->modalias, d->modalias, hint,
			    k->version, path->required && k->is_default, e);
}

/* ---- what an initramfs lacks ---- */

struct have {
	struct strv modules;    /* names that it has                          */
	struct err e;
};

static int have_module(void *ctx, const char *path, const struct initrd_node *node)
{
	struct have *h = ctx;
	char name[256];

	if (!S_ISREG(node->mode) || !strstr(path, ".ko"))
		return 0;
	modules_name(path, name, sizeof name);
	return strv_add(&h->modules, name) ? no_memory(&h->e) : 0;
}

int lin_initrd_modules(struct initrd *in, const char *version, struct strv *ret, struct err *e)
{
	struct have h = { 0 };
	struct initrd_node node;
	char dir[300] = "lib", real[PATH_MAX];
	int rc;

	/* nash has them in /lib itself */
	if (initrd_generator(in) != GEN_NASH)
		snprintf(dir, sizeof dir, "lib/modules/%.250s", version);
	if (initrd_find(in, dir, &node, real, NULL))
		return 0;
	rc = initrd_each(in, real, have_module, &h);
	if (rc) {
		if (e)
			*e = h.e;
		strv_done(&h.modules);
		return rc;
	}
	*ret = h.modules;
	return 0;
}

/* The firmware file of the guest, compressed or not; 0 when there is none. */
static int find_firmware(const struct lin *l, const char *name, const char *version, char ret[PATH_MAX])
{
	static const char *const suffixes[] = { "", ".xz", ".zst" };
	const char *dirs[] = { "/lib/firmware/updates", NULL, "/lib/firmware" };
	char own[200];

	snprintf(own, sizeof own, "/lib/firmware/%.150s", version);
	dirs[1] = own;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			if (snprintf(ret, PATH_MAX, "%s/%s%s", dirs[i], name, suffixes[k]) < PATH_MAX &&
			    root_has_file(l->root, ret))
				return 1;
	return 0;
}

static int add_firmware(const struct lin *l, struct initrd *in, const struct modules *m,
			const char *module, struct segment *s, struct edit *d, struct strv *done,
			struct err *e)
{
	struct strv names = { 0 };
	int rc = modules_firmware(m, module, &names, e);

	for (size_t i = 0; !rc && i < names.n; i++) {
		char from[PATH_MAX], dest[PATH_MAX], line[PATH_MAX];
		struct initrd_node node;
		int found;

		if (strv_has(done, names.v[i]) || strstr(names.v[i], "..") ||
		    !find_firmware(l, names.v[i], modules_version(m), from))
			continue;
		found = !initrd_find(in, from + 1, &node, dest, NULL);
		rc = strv_add(done, names.v[i]) ? no_memory(e) : 0;
		if (rc || found)
			continue;
		/* where lib is a link to usr/lib, below usr/lib */
		if (initrd_find(in, "lib", &node, dest, NULL))
			strcpy(dest, "lib");
		if (strlen(dest) + strlen(from) >= PATH_MAX)
			continue;
		strcat(dest, from + strlen("/lib"));
		rc = segment_add_file(s, dest, 0644, from, e);
		snprintf(line, sizeof line, "+ %.4000s", from);
		if (!rc && strv_add(&d->details, line))
			rc = no_memory(e);
	}
	strv_done(&names);
	return rc;
}

/* ---- one initramfs ---- */

struct job {
	const struct lin *l;
	const struct lin_wishes *w;
	struct plan *p;
	struct strv added;      /* top modules added to any initramfs         */
};

/* What the target needs of this kernel: top-level modules of every path. */
static int needed(struct job *j, const struct lin_kernel *k, const struct modules *m,
		  struct strv *top, int *ret_fatal, struct err *e)
{
	const struct hw *t = j->w->target;
	size_t usable = 0;
	int rc = 0;

	*ret_fatal = 0;
	for (size_t i = 0; !rc && i < t->n_paths; i++) {
		const struct hw_link *missing;
		struct strv mine = { 0 };

		rc = lin_path_modules(m, &t->path[i], &mine, &missing, e);
		if (!rc && missing) {
			rc = tell_missing(j->l, k, &t->path[i], missing, j->p, e);
			*ret_fatal |= t->path[i].required;
		} else {
			usable++;
		}
		for (size_t n = 0; !rc && !missing && n < mine.n; n++)
			rc = add_once(top, mine.v[n], e);
		strv_done(&mine);
	}
	/* of several ways one is enough */
	*ret_fatal |= t->n_paths && !usable;
	return rc;
}

static int lacks(struct plan *p, const struct modules *m, const struct strv *top,
		 const struct strv *have, struct strv *ret, struct strv *ret_top, struct err *e)
{
	for (size_t i = 0; i < top->n; i++) {
		struct strv all = { 0 };
		struct err why = { 0 };
		size_t before = ret->n;
		int rc = modules_closure(m, top->v[i], &all, &why);

		if (rc == ERR_NOT_FOUND) {
			plan_warn(p, "Module %s of kernel %s: %s", top->v[i], modules_version(m),
				  why.msg);
			strv_done(&all);
			continue;
		}
		if (rc && e)
			*e = why;
		for (size_t k = 0; !rc && k < all.n; k++)
			if (!strv_has(have, all.v[k]))
				rc = add_once(ret, all.v[k], e);
		strv_done(&all);
		if (!rc && ret->n > before)
			rc = add_once(ret_top, top->v[i], e);
		if (rc)
			return rc;
	}
	return 0;
}

static int fill_edit(struct job *j, const struct modules *m, struct initrd *in, struct segment *s,
		     struct edit *d, const struct strv *add, struct err *e)
{
	struct strv firmware = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < add->n; i++) {
		char line[300];

		rc = initrd_generator(in) == GEN_NASH ? lin_nash_module(s, m, add->v[i], e)
						      : segment_add_module(s, modules_path(m, add->v[i]), e);
		snprintf(line, sizeof line, "+ %.250s", add->v[i]);
		if (!rc && strv_add(&d->details, line))
			rc = no_memory(e);
		if (!rc)
			rc = add_firmware(j->l, in, m, add->v[i], s, d, &firmware, e);
	}
	strv_done(&firmware);
	return rc;
}

static void kernel_lost(struct plan *p, const struct lin_kernel *k, const char *why)
{
	if (k->is_default)
		plan_problem(p, "Kernel %s, which starts by default: %s", k->version, why);
	else
		plan_warn(p, "Kernel %s will not start on the target: %s", k->version, why);
}

/* --chroot: the guest's program makes the whole file anew. */
static int plan_chroot(struct job *j, const struct lin_kernel *k, const struct strv *add_top,
		       struct err *e)
{
	const char *why = chroot_refuses(j->l, k);
	struct edit *d;
	int rc = 0;

	if (why) {
		kernel_lost(j->p, k, why);
		return 0;
	}
	d = plan_add(j->p, EDIT_REPLACE, k->initrd, "Made anew by the system's own program, with "
		     "all drivers (--chroot).");
	if (!d)
		return no_memory(e);
	rc = chroot_new(j->l, k, j->p, add_top, &d->ctx, e);
	d->fill = chroot_fill;
	d->ctx_free = chroot_free;
	for (size_t i = 0; !rc && i < add_top->n; i++)
		rc = add_once(&j->added, add_top->v[i], e);
	return rc;
}

int lin_segment(const struct lin *l, const struct lin_kernel *k, struct initrd *in,
		struct plan *p, const char *reason, struct segment **ret, struct edit **ret_edit,
		struct err *e)
{
	char why[500];
	enum initrd_append how = initrd_how_to_append(in, k->version, why, sizeof why);
	struct segment *s;
	struct edit *d;

	*ret = NULL;
	/* one archive a run: an undo cuts the file once */
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->v[i].path, k->initrd) || !p->v[i].fill)
			continue;
		*ret = p->v[i].fill == segment_fill ? p->v[i].ctx : NULL;
		*ret_edit = &p->v[i];
		return *ret && !strv_has(&p->v[i].reasons, reason) &&
		       strv_add(&p->v[i].reasons, reason) ? no_memory(e) : 0;
	}
	if (how == INITRD_REFUSED) {
		kernel_lost(p, k, why);
		return 0;
	}
	s = segment_new(l->root, k->initrd, k->modules, how == INITRD_MUST_REWRITE);
	d = s ? plan_add(p, how == INITRD_MUST_REWRITE ? EDIT_REPLACE : EDIT_APPEND, k->initrd,
			 "%s", reason) : NULL;
	if (!d) {
		segment_free(s);
		return no_memory(e);
	}
	d->fill = segment_fill;
	d->offset = how == INITRD_MUST_REWRITE ? 0 : initrd_append_offset(in);
	d->ctx = s;
	d->ctx_free = segment_free_ctx;
	*ret = s;
	*ret_edit = d;
	return 0;
}

static int plan_segment(struct job *j, const struct lin_kernel *k, const struct modules *m,
			struct initrd *in, const struct strv *top, const struct strv *add,
			const struct strv *add_top, struct err *e)
{
	char reason[700];
	struct segment *s;
	struct edit *d;
	int rc;

	snprintf(reason, sizeof reason, "%zu drivers that %s needs and this initramfs (%s, kernel %s) "
		 "doesn't have.", add->n, j->w->target->name, initrd_generator_name(k->generator),
		 k->version);
	rc = lin_segment(j->l, k, in, j->p, reason, &s, &d, e);
	if (rc || !s)
		return rc;
	rc = fill_edit(j, m, in, s, d, add, e);
	if (!rc)
		rc = lin_add_knob(in, s, j->p, initrd_generator(in) == GEN_NASH ? add : top, e);
	for (size_t i = 0; !rc && i < add_top->n; i++)
		rc = add_once(&j->added, add_top->v[i], e);
	return rc;
}

static int plan_initrd(struct job *j, const struct lin_kernel *k, const struct modules *m,
		       struct strv *top, struct err *e)
{
	struct strv have = { 0 }, add = { 0 }, add_top = { 0 };
	struct initrd *in;
	struct err why = { 0 };
	int rc = initrd_open(j->l->root, k->initrd, &in, &why);

	if (rc == ERR_NOMEM) {
		if (e)
			*e = why;
		return rc;
	}
	if (rc) {
		kernel_lost(j->p, k, why.msg);
		return 0;
	}
	rc = lin_initrd_modules(in, k->version, &have, e);
	if (!rc)
		rc = lacks(j->p, m, top, &have, &add, &add_top, e);
	if (!rc && add.n && j->w->chroot)
		rc = plan_chroot(j, k, &add_top, e);
	else if (!rc && add.n)
		rc = plan_segment(j, k, m, in, top, &add, &add_top, e);
	strv_done(&have);
	strv_done(&add);
	strv_done(&add_top);
	initrd_close(in);
	return rc;
}

/* No initramfs: all must be built in. */
static void check_builtin(struct job *j, const struct lin_kernel *k, const struct strv *top)
{
	char why[400] = "it has no initramfs, and these drivers are modules:";

	for (size_t i = 0; i < top->n; i++)
		snprintf(why + strlen(why), sizeof why - strlen(why), " %s", top->v[i]);
	if (top->n)
		kernel_lost(j->p, k, why);
}

static int plan_kernel(struct job *j, const struct lin_kernel *k, struct err *e)
{
	struct strv top = { 0 };
	struct modules *m;
	int fatal, rc;

	if (k->uki) {
		kernel_lost(j->p, k, "it is a unified kernel image: its initramfs is inside a signed "
			    "file and can't be added to; rebuild it on the old machine with the "
			    "target's drivers, then capture again.");
		return 0;
	}
	rc = modules_open(j->l->root, k->modules, &m, e);
	if (rc == ERR_NOT_FOUND) {
		kernel_lost(j->p, k, "its modules are not there.");
		return 0;
	}
	if (rc)
		return rc;
	rc = needed(j, k, m, &top, &fatal, e);
	if (!rc && fatal)
		kernel_lost(j->p, k, "it has no driver for the way to the disk (see below).");
	if (!rc && *k->initrd)
		rc = plan_initrd(j, k, m, &top, e);
	else if (!rc)
		check_builtin(j, k, &top);
	strv_done(&top);
	modules_close(m);
	return rc;
}

/* A network card without a driver doesn't keep the system from starting. */
static int plan_nics(struct job *j, struct err *e)
{
	for (size_t k = 0; k < j->l->n_kernels; k++) {
		struct modules *m;
		int rc = 0;

		if (modules_open(j->l->root, j->l->kernel[k].modules, &m, NULL))
			continue;
		for (size_t i = 0; !rc && i < j->w->target->n_nics; i++) {
			const struct hw_nic *n = &j->w->target->nic[i];
			struct strv found = { 0 };
			char hint[400];

			rc = modules_match(m, n->modalias, &found, e);
			if (!rc && !found.n) {
				driver_hint(j->l, &j->l->kernel[k], NULL, hint, sizeof hint);
				rc = plan_missing(j->p, n->name && *n->name ? n->name : n->modalias,
						  n->modalias, hint, j->l->kernel[k].version, 0, e);
			}
			strv_done(&found);
		}
		modules_close(m);
		if (rc)
			return rc;
	}
	return 0;
}

int lin_plan_drivers(const struct lin *l, const struct lin_wishes *w, struct plan *p, struct err *e)
{
	struct job j = { .l = l, .w = w, .p = p };
	int rc = 0;

	if (!l->n_kernels)
		plan_problem(p, "No kernel was found: /boot may be a file system that isn't there.");
	for (size_t i = 0; !rc && i < l->n_kernels; i++)
		rc = plan_kernel(&j, &l->kernel[i], e);
	if (!rc)
		rc = plan_nics(&j, e);
	if (!rc && j.added.n)
		rc = lin_keep_drivers(l, &j.added, p, e);
	strv_done(&j.added);
	return rc;
}
