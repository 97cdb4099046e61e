/* copies.c: lin_plan_copies: an initramfs has copies of some of the guest's
 * configuration files.  Where the plan edits such a file, the same lines of the
 * copy are edited, in the archive that is appended.  Runs after the planners of
 * those files. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/chroot.h"
#include "drivers-inject/linux/drivers.h"

#define COPY_MAX (1u << 20)     /* bytes of a copy                           */

static const struct {
	const char *inside, *guest;
} copies[] = {
	{ "etc/crypttab", "/etc/crypttab" },
	{ "cryptroot/crypttab", "/etc/crypttab" },
	{ "etc/fstab", "/etc/fstab" },
	{ "conf/conf.d/resume", "/etc/initramfs-tools/conf.d/resume" },
	{ "etc/lvm/lvm.conf", "/etc/lvm/lvm.conf" },
	{ "etc/mdadm.conf", "/etc/mdadm.conf" },
	{ "etc/mdadm/mdadm.conf", "/etc/mdadm/mdadm.conf" },
	{ "etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/70-persistent-net.rules" },
};

/* ---- lines ---- */

struct lines {
	char *text;             /* cut up                                    */
	char **v;
	size_t n;
};

static int cut(const char *text, struct lines *ret)
{
	size_t room = 2;
	char *rest;

	for (const char *p = text; *p; p++)
		room += *p == '\n';
	ret->text = rest = strdup(text);
	ret->v = calloc(room, sizeof *ret->v);
	ret->n = 0;
	if (!ret->text || !ret->v)
		return -1;
	while (rest)
		ret->v[ret->n++] = strsep(&rest, "\n");
	return 0;
}

static void lines_done(struct lines *l)
{
	free(l->text);
	free(l->v);
}

/* What a line of the old file became in the new one; the line itself if both
 * files don't have the same lines otherwise. */
static const char *became(const struct lines *old, const struct lines *new, const char *line)
{
	if (old->n != new->n || !*line)
		return line;
	for (size_t i = 0; i < old->n; i++)
		if (!strcmp(old->v[i], line))
			return new->v[i];
	return line;
}

/* *ret: the copy with the file's edits, NULL when nothing changes. */
static int edit_copy(const char *old, const char *new, const char *copy, char **ret, struct err *e)
{
	struct lines a = { 0 }, b = { 0 }, c = { 0 };
	size_t room = strlen(copy) + 1;
	int changed = 0, rc = 0;
	char *at;

	*ret = NULL;
	if (!strcmp(copy, old)) {
		*ret = strcmp(old, new) ? strdup(new) : NULL;
		return *ret || !strcmp(old, new) ? 0 : err_set(e, ERR_NOMEM, "out of memory");
	}
	if (cut(old, &a) || cut(new, &b) || cut(copy, &c))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !rc && i < c.n; i++) {
		const char *to = became(&a, &b, c.v[i]);

		changed |= strcmp(to, c.v[i]) != 0;
		room += strlen(to) + 1;
	}
	if (!rc && changed && !(*ret = malloc(room)))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	at = *ret;
	for (size_t i = 0; at && i < c.n; i++)
		at = stpcpy(stpcpy(at, i ? "\n" : ""), became(&a, &b, c.v[i]));
	lines_done(&a);
	lines_done(&b);
	lines_done(&c);
	return rc;
}

/* ---- one initramfs ---- */

/* --chroot: made anew, of the edited files. */
static int made_anew(const struct plan *p, const char *initrd)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].fill == chroot_fill && !strcmp(p->v[i].path, initrd))
			return 1;
	return 0;
}

struct copying {
	const struct lin *l;
	const struct lin_kernel *k;
	struct plan *p;
	struct initrd *in;
};

static int put(struct copying *c, const char *inside, const char *data, struct err *e)
{
	char line[PATH_MAX + 16];
	struct segment *s;
	struct edit *d;
	int rc = lin_segment(c->l, c->k, c->in, c->p,
			     "Copies of edited files that this initramfs holds.", &s, &d, e);

	if (rc || !s)
		return rc;
	rc = segment_add_data(s, inside, 0644, data, strlen(data), e);
	snprintf(line, sizeof line, "~ %s", inside);
	return !rc && strv_add(&d->details, line) ? err_set(e, ERR_NOMEM, "out of memory") : rc;
}

static int copy_one(struct copying *c, const char *inside, const char *guest, struct err *e)
{
	cleanup_free char *old = NULL, *new = NULL, *copy = NULL, *edited = NULL;
	char real[PATH_MAX];
	struct initrd_node node;
	int rc;

	if (initrd_find(c->in, inside, &node, real, NULL) || !S_ISREG(node.mode) ||
	    initrd_read(c->in, real, COPY_MAX, &copy, NULL, NULL) ||
	    root_read(c->l->root, guest, ROOT_TEXT_MAX, &old, NULL, NULL) ||
	    plan_read(c->p, guest, &new, NULL, NULL))
		return 0;
	rc = edit_copy(old, new, copy, &edited, e);
	return rc || !edited ? rc : put(c, real, edited, e);
}

/* A network card whose driver is in the initramfs gets its name there. */
static int copy_links(struct copying *c, struct err *e)
{
	struct strv paths = { 0 };
	struct initrd_node node;
	char dir[PATH_MAX];
	int rc;

	/* udev's own .link files show that it knows them */
	if (initrd_find(c->in, "lib/systemd/network", &node, dir, NULL) &&
	    initrd_find(c->in, "usr/lib/systemd/network", &node, dir, NULL))
		return 0;
	rc = lin_net_link_files(c->p, &paths);
	for (size_t i = 0; !rc && i < paths.n; i++) {
		cleanup_free char *data = NULL, *there = NULL;
		const char *inside = paths.v[i] + 1;

		if (strncmp(inside, "etc/systemd/network/10-rehost-", 30) ||
		    plan_read(c->p, paths.v[i], &data, NULL, NULL))
			continue;
		if (!initrd_read(c->in, inside, COPY_MAX, &there, NULL, NULL) && !strcmp(there, data))
			continue;
		rc = put(c, inside, data, e);
	}
	strv_done(&paths);
	return rc < 0 && e && !e->code ? err_set(e, ERR_NOMEM, "out of memory") : rc;
}

int lin_plan_copies(const struct lin *l, const struct lin_wishes *w, struct plan *p, struct err *e)
{
	int rc = 0;

	(void)w;
	for (size_t i = 0; !rc && i < l->n_kernels; i++) {
		struct copying c = { .l = l, .k = &l->kernel[i], .p = p };

		/* one that can't be opened was told by the drivers' planner */
		if (!*c.k->initrd || made_anew(p, c.k->initrd) ||
		    initrd_open(l->root, c.k->initrd, &c.in, NULL))
			continue;
		for (size_t k = 0; !rc && k < sizeof copies / sizeof *copies; k++)
			rc = copy_one(&c, copies[k].inside, copies[k].guest, e);
		if (!rc)
			rc = copy_links(&c, e);
		initrd_close(c.in);
	}
	return rc;
}
