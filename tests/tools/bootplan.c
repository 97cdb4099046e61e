/* bootplan: plans the boot chain of a tree and a disk file, and makes it so.
 *
 *   bootplan ROOT DISK NAME=VALUE...
 *     firmware=bios|efi|unknown  arch=x86_64  id=debian  secure=0|1
 *     boot=N root=N esp=N        partition numbers; boot is root's when missing
 *     type=ext4 uuid=U           of the /boot volume; holder=TYPE: what holds it
 *     mounted=/boot/efi          where the ESP is in the tree
 *     bits=N                     LIN_* bits instead of those found
 *     live=DIR reinstall=1 nvram=1 apply=1 undo=1
 * Prints "problem: ...", "warning: ...", "note: ...", "edit: KIND PATH OFFSET LENGTH
 * REASON" and, first, "loaders: BITS". */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "drivers-inject/apply.h"
#include "drivers-inject/linux/boot.h"
#include "drivers-inject/linux/kernels.h"
#include "drivers-inject/linux/nvram.h"
#include "imager/part/part.h"

static struct blkdev *disk;

static void die(const struct err *e)
{
	fprintf(stderr, "bootplan: %s\n", e->msg);
	exit(1);
}

static const char *arg(char **argv, const char *name, const char *dflt)
{
	size_t n = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=')
			return *argv + n + 1;
	return dflt;
}

static int number(char **argv, const char *name, int dflt)
{
	const char *s = arg(argv, name, NULL);

	return s ? atoi(s) : dflt;
}

static int give_disk(void *ctx, const char *path, struct blkdev **ret, struct err *e)
{
	struct stat st;
	struct write_token t = { .path = path };

	(void)ctx;
	if (!disk) {
		if (stat(path, &st))
			return err_set(e, ERR_IO, "%s", path);
		t.dev = st.st_dev;
		t.ino = st.st_ino;
		if (dev_open_rw(&t, &disk, e))
			return e->code;
	}
	*ret = disk;
	return 0;
}

static int undo_action(void *ctx, const char *data, struct err *e)
{
	(void)ctx;
	return lin_nvram_undo(data, e);
}

static const struct apply_host host = { .disk = give_disk, .undo_action = undo_action };

/* The volumes of the disk's partitions; the /boot one by type, uuid, holder. */
static void make_volumes(const char *path, char **argv, struct volumes *v)
{
	int boot = number(argv, "boot", number(argv, "root", 1)), root = number(argv, "root", boot);
	struct part_table *t = NULL;
	struct blkdev *d;
	struct err e;

	if (dev_open_ro(path, &d, &e))
		die(&e);
	v->n_disks = 1;
	snprintf(v->disk[0].path, sizeof v->disk[0].path, "%s", path);
	v->v = calloc(64, sizeof *v->v);
	if (part_read(d, &t, &e) < 0)
		die(&e);
	for (size_t i = 0; t && i < t->n_parts && i < 60; i++) {
		const struct partition *x = &t->parts[i];
		struct volume *o = &v->v[v->n++];

		*o = (struct volume){ .part = (int)x->number, .start = x->start, .size = x->size,
				      .parent = -1 };
		snprintf(o->partuuid, sizeof o->partuuid, "%s", x->uuid);
		if (o->part == boot || o->part == root) {
			snprintf(o->type, sizeof o->type, "%s", arg(argv, "type", "ext4"));
			snprintf(o->uuid, sizeof o->uuid, "%s", o->part == boot ? arg(argv, "uuid", "") : "0-0");
		}
		if (o->part == number(argv, "esp", 0)) {
			snprintf(o->type, sizeof o->type, "vfat");
			snprintf(o->mounted, sizeof o->mounted, "%s", arg(argv, "mounted", "/boot/efi"));
		}
	}
	part_free(t);
	dev_close(d);
}

static const struct volume *by_part(const struct volumes *v, int part)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].part == part)
			return &v->v[i];
	return NULL;
}

/* The /boot volume lies on a volume of this type then. */
static void add_holder(struct volumes *v, struct lin *l, const char *type)
{
	struct volume *h = &v->v[l->boot_volume - v->v], *x = &v->v[v->n++];

	*x = *h;
	x->disk = x->part = -1;
	x->parent = (int)(h - v->v);
	snprintf(h->type, sizeof h->type, "%s", type);
	snprintf(h->uuid, sizeof h->uuid, "aaaa-bbbb");
	if (l->root_volume == l->boot_volume)
		l->root_volume = x;
	l->boot_volume = x;
}

static void print(const struct plan *p)
{
	static const char *const kinds[] = { "write", "remove", "link", "append", "replace",
					     "disk", "action" };

	for (size_t i = 0; i < p->problems.n; i++)
		printf("problem: %s\n", p->problems.v[i]);
	for (size_t i = 0; i < p->warnings.n; i++)
		printf("warning: %s\n", p->warnings.v[i]);
	for (size_t i = 0; i < p->notes.n; i++)
		printf("note: %s\n", p->notes.v[i]);
	for (size_t i = 0; i < p->n; i++)
		printf("edit: %s %s %llu %zu %s\n", kinds[p->v[i].kind], p->v[i].path,
		       (unsigned long long)p->v[i].offset, p->v[i].len,
		       p->v[i].reasons.n ? p->v[i].reasons.v[0] : "");
}

static int plan(struct root *r, char **argv, const char *path)
{
	struct volumes v = { 0 };
	struct hw target = { .secure_boot = number(argv, "secure", -1) };
	struct lin l = { .root = r, .volumes = &v };
	struct lin_wishes w = { .target = &target, .reinstall_boot = number(argv, "reinstall", 0),
				.nvram = number(argv, "nvram", 0) };
	const char *fw = arg(argv, "firmware", "bios"), *live = arg(argv, "live", NULL);
	struct plan *p = plan_new(r);
	struct err e = { 0 };
	size_t warned;

	target.firmware = !strcmp(fw, "bios") ? HW_FW_BIOS : !strcmp(fw, "efi") ? HW_FW_EFI : HW_FW_UNKNOWN;
	make_volumes(path, argv, &v);
	snprintf(l.arch, sizeof l.arch, "%s", arg(argv, "arch", "x86_64"));
	snprintf(l.id, sizeof l.id, "%s", arg(argv, "id", "debian"));
	l.boot_volume = by_part(&v, number(argv, "boot", number(argv, "root", 1)));
	l.root_volume = by_part(&v, number(argv, "root", number(argv, "boot", 1)));
	l.esp_volume = by_part(&v, number(argv, "esp", 0));
	if (arg(argv, "holder", NULL))
		add_holder(&v, &l, arg(argv, "holder", ""));
	if (lin_find_boot(&l, &e))
		die(&e);
	printf("loaders: %u\n", l.boot);
	l.boot = (unsigned int)number(argv, "bits", (int)l.boot);
	if (lin_plan_boot_live(&l, &w, p, live, &e))
		die(&e);
	print(p);
	warned = p->warnings.n;
	if (number(argv, "apply", 0) && p->n && plan_apply(p, &host, &e))
		die(&e);
	for (size_t i = warned; i < p->warnings.n; i++)
		printf("failed: %s\n", p->warnings.v[i]);
	plan_free(p);
	free(v.v);
	return 0;
}

int main(int argc, char **argv)
{
	struct undo_result u = { 0 };
	struct root *r;
	struct err e;

	if (argc < 3 || root_open(argv[1], &r, &e))
		return 2;
	if (!number(argv + 3, "undo", 0))
		plan(r, argv + 3, argv[2]);
	else if (adapt_undo(r, &host, &u, &e))
		die(&e);
	for (size_t i = 0; i < u.kept.n; i++)
		printf("kept: %s\n", u.kept.v[i]);
	strv_done(&u.kept);
	dev_close(disk);
	root_close(r);
	return 0;
}
