/* efi.c: what a UEFI machine starts: EFI/BOOT's program, or an entry in the
 * firmware's list for the guest's own loader. */
#include "drivers-inject/linux/efi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "imager/part/part.h"

#define EFIVARS "/sys/firmware/efi/efivars"
#define STUB_MAX 4096u          /* a larger grub.cfg is no stub              */

int esp_read(struct esp *s, const char *rel, char **ret, size_t *ret_len)
{
	char path[PATH_MAX];

	if (!esp_path(s->b->l->root, s->dir, rel, path) && !plan_has(s->b->p, path))
		return 0;
	if (!plan_read(s->b->p, path, ret, ret_len, NULL))
		return 1;
	/* larger than a text may be */
	return !root_read(s->b->l->root, path, BOOT_FILE_MAX, ret, ret_len, NULL);
}

/* ---- the guest's own loader ---- */

static int is_uuid_of_guest(const struct volumes *v, const char *uuid)
{
	for (size_t i = 0; i < v->n; i++)
		if (*v->v[i].uuid && !strcasecmp(v->v[i].uuid, uuid))
			return 1;
	return 0;
}

int efi_cfg_is_stale(struct esp *s, const char *text)
{
	const char *p = strstr(text, "search.fs_uuid ");
	char uuid[64];

	return strlen(text) <= STUB_MAX && p && sscanf(p, "search.fs_uuid %63s", uuid) == 1 &&
	       !is_uuid_of_guest(s->b->l->volumes, uuid);
}

/* 4: its grub.cfg names this guest's /boot; 0: another volume; 1: says nothing. */
static int cfg_score(struct esp *s, const char *dir)
{
	const struct volume *x = s->b->l->boot_volume;
	cleanup_free char *text = NULL;
	char rel[192], uuid[64];
	const char *p;

	snprintf(rel, sizeof rel, "EFI/%s/grub.cfg", dir);
	if (!esp_read(s, rel, &text, NULL))
		return 1;
	if (x && *x->uuid && strcasestr(text, x->uuid))
		return 4;
	p = strstr(text, "search.fs_uuid ");
	return !(p && sscanf(p, "search.fs_uuid %63s", uuid) == 1 &&
		 is_uuid_of_guest(s->b->l->volumes, uuid));
}

/* The directories that a distribution's packages use. */
static int is_vendor(const char *id, const char *dir)
{
	static const char *const other[][2] = {
		{ "rhel", "redhat" }, { "ol", "redhat" }, { "linuxmint", "ubuntu" },
		{ "opensuse-leap", "opensuse" }, { "opensuse-tumbleweed", "opensuse" },
		{ "arch", "GRUB" }, { "sled", "sles" },
	};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (!strcmp(id, other[i][0]) && !strcasecmp(dir, other[i][1]))
			return 1;
	return *id && !strcasecmp(id, dir);
}

/* The first of the names that is a program of that kind. */
static int first_of(struct esp *s, const char *dir, const char *const *names, enum efi_kind kind,
		    char ret[128])
{
	for (; *names; names++) {
		cleanup_free char *pe = NULL;
		char name[128], rel[300];
		size_t len;

		snprintf(name, sizeof name, *names, s->a->suffix);
		snprintf(rel, sizeof rel, "EFI/%s/%s", dir, name);
		if (!esp_read(s, rel, &pe, &len) || efi_kind((uint8_t *)pe, len, NULL) != kind)
			continue;
		snprintf(ret, 128, "%s", name);
		return 1;
	}
	return 0;
}

static void judge_dir(struct esp *s, const char *dir, struct efi_loader *best)
{
	static const char *const shims[] = { "shim%s.efi", "shim.efi", NULL };
	static const char *const grubs[] = { "grub%s.efi", "grub.efi", NULL };
	static const char *const systemd[] = { "systemd-boot%s.efi", NULL };
	struct efi_loader l = { .kind = EFI_GRUB };
	int score;

	snprintf(l.dir, sizeof l.dir, "%s", dir);
	if (first_of(s, dir, grubs, EFI_GRUB, l.file)) {
		if (first_of(s, dir, shims, EFI_SHIM, l.file))
			l.kind = EFI_SHIM;
	} else if (first_of(s, dir, systemd, EFI_SYSTEMD_BOOT, l.file)) {
		l.kind = EFI_SYSTEMD_BOOT;
	} else {
		return;
	}
	score = cfg_score(s, dir);
	if (!score)
		return;
	l.score = score + 2 * is_vendor(s->b->l->id, dir);
	if (l.score > best->score)
		*best = l;
}

int efi_loader_find(struct esp *s, struct efi_loader *ret, struct err *e)
{
	struct efi_loader best = { 0 };
	struct strv names = { 0 };
	char path[PATH_MAX];
	int r = 0;

	if (esp_path(s->b->l->root, s->dir, "EFI", path))
		r = root_list(s->b->l->root, path, &names, e);
	for (size_t i = 0; !r && i < names.n; i++)
		if (strcasecmp(names.v[i], "BOOT") && strcasecmp(names.v[i], "Microsoft") &&
		    strlen(names.v[i]) < sizeof best.dir)
			judge_dir(s, names.v[i], &best);
	strv_done(&names);
	if (!r)
		*ret = best;
	return r;
}

/* The newest unified kernel, by name: what an entry may start without a loader. */
static void find_uki(struct esp *s, struct efi_loader *ret)
{
	struct strv names = { 0 };
	char path[PATH_MAX];

	if (!esp_path(s->b->l->root, s->dir, "EFI/Linux", path) ||
	    root_list(s->b->l->root, path, &names, NULL))
		return;
	strv_sort_versions(&names);
	for (size_t i = 0; i < names.n; i++) {
		size_t n = strlen(names.v[i]);

		if (n < 5 || n >= sizeof ret->file || strcasecmp(names.v[i] + n - 4, ".efi"))
			continue;
		*ret = (struct efi_loader){ .dir = "Linux", .kind = EFI_UKI };
		snprintf(ret->file, sizeof ret->file, "%s", names.v[i]);
	}
	strv_done(&names);
}

/* ---- EFI/BOOT ---- */

/* The directory below EFI with a program of the same bytes; "" none. */
static void same_program(struct esp *s, const char *pe, size_t len, const char *mine, char ret[256])
{
	struct strv dirs = { 0 }, names = { 0 };
	char efi[PATH_MAX], dir[PATH_MAX + 257], rel[520];

	*ret = 0;
	if (!esp_path(s->b->l->root, s->dir, "EFI", efi) ||
	    root_list(s->b->l->root, efi, &dirs, NULL))
		return;
	for (size_t i = 0; i < dirs.n; i++) {
		snprintf(dir, sizeof dir, "%s/%s", efi, dirs.v[i]);
		if (!strcasecmp(dirs.v[i], "BOOT") || root_list(s->b->l->root, dir, &names, NULL))
			continue;
		for (size_t k = 0; k < names.n; k++) {
			cleanup_free char *other = NULL;
			size_t n;

			snprintf(rel, sizeof rel, "EFI/%.250s/%.250s", dirs.v[i], names.v[k]);
			if (!esp_read(s, rel, &other, &n) || n != len || memcmp(pe, other, n))
				continue;
			if (!*ret || !strcasecmp(dirs.v[i], mine))
				snprintf(ret, 256, "%s", dirs.v[i]);
		}
		strv_done(&names);
		names = (struct strv){ 0 };
	}
	strv_done(&dirs);
}

/* EFI/BOOT has a program; is it this guest's, and has it what it needs? */
static int plan_present(struct esp *s, const struct efi_loader *l, const char *pe, size_t len,
			int *ret_mine, struct err *e)
{
	struct grub_content c = { 0 };
	enum efi_kind kind = efi_kind((const uint8_t *)pe, len, &c);
	char owner[256];

	same_program(s, pe, len, l->dir, owner);
	*ret_mine = (!*owner || !*l->dir || !strcasecmp(owner, l->dir)) &&
		    (kind == EFI_SHIM || kind == EFI_GRUB || kind == EFI_SYSTEMD_BOOT || kind == EFI_UKI);
	/* shims are alike from one system to the next: what they start counts */
	if (kind == EFI_SHIM && *owner && *l->dir && strcasecmp(owner, l->dir) && l->kind == EFI_SHIM) {
		cleanup_free char *mine = NULL;
		char rel[300];
		size_t n;

		snprintf(rel, sizeof rel, "EFI/%s/%s", l->dir, l->file);
		*ret_mine = esp_read(s, rel, &mine, &n) && n == len && !memcmp(mine, pe, n);
	}
	if (*ret_mine && s->b->w->reinstall_boot && *l->dir && l->kind != EFI_UKI)
		return efi_fallback_from(s, l, e);
	if (!*ret_mine) {
		plan_warn(s->b->p, "EFI/BOOT/%s on the EFI system partition is %s and was left alone: a "
			  "machine that has no boot entry for this system starts that one",
			  s->a->fallback, kind == EFI_WINDOWS ? "Windows'" : *owner ? owner :
			  "not a boot loader of Linux");
		return 0;
	}
	plan_note(s->b->p, "EFI/BOOT/%s is there", s->a->fallback);
	if (kind == EFI_SHIM)
		return efi_second_stage(s, pe, len, l->dir, e);
	return kind == EFI_GRUB ? efi_cfg_plan(s, &c, "BOOT", e) : 0;
}

static int plan_absent(struct esp *s, const struct efi_loader *l, int *ret_starts, struct err *e)
{
	if (*l->dir && l->kind != EFI_UKI) {
		*ret_starts = 1;
		return efi_fallback_from(s, l, e);
	}
	if (l->kind == EFI_UKI) {
		*ret_starts = 1;
		plan_warn(s->b->p, "EFI/BOOT/%s is missing and the guest is started as a unified "
			  "kernel (EFI/Linux/%s): only a boot entry of the firmware starts it",
			  s->a->fallback, l->file);
		return 0;
	}
	return efi_fallback_make(s, ret_starts, e);
}

static int plan_on_esp(struct esp *s, int *ret_starts, struct err *e)
{
	struct efi_loader l;
	cleanup_free char *pe = NULL;
	char rel[64];
	size_t len;
	int mine = 0, r = efi_loader_find(s, &l, e);

	if (r)
		return r;
	if (!*l.dir)
		find_uki(s, &l);
	if (l.kind == EFI_SHIM || l.kind == EFI_GRUB) {
		cleanup_free char *grub = NULL;
		struct grub_content c;
		char path[300];

		snprintf(path, sizeof path, "EFI/%s/grub%s.efi", l.dir, s->a->suffix);
		if (esp_read(s, path, &grub, &len) && efi_kind((uint8_t *)grub, len, &c) == EFI_GRUB)
			r = efi_cfg_plan(s, &c, l.dir, e);
	}
	snprintf(rel, sizeof rel, "EFI/BOOT/%s", s->a->fallback);
	if (!r && esp_read(s, rel, &pe, &len) && efi_kind((uint8_t *)pe, len, NULL) != EFI_NONE) {
		r = plan_present(s, &l, pe, len, &mine, e);
		*ret_starts = mine || *l.dir;
		if (!r && !*ret_starts)
			plan_problem(s->b->p, "this target starts by UEFI, and the EFI system "
				     "partition has no loader of this system: EFI/BOOT/%s isn't its own",
				     s->a->fallback);
	} else if (!r) {
		r = plan_absent(s, &l, ret_starts, e);
	}
	if (!r && *l.dir && s->b->w->nvram)
		r = efi_nvram_plan(s, &l, EFIVARS, e);
	return r;
}

/* An ESP that isn't mounted in the tree: its number on the guest's disks; 0. */
static unsigned int esp_on_disks(const struct volumes *v)
{
	unsigned int found = 0;

	for (size_t i = 0; i < v->n_disks && !found; i++) {
		struct part_table *t = NULL;
		struct blkdev *d;

		if (!*v->disk[i].path || dev_open_ro(v->disk[i].path, &d, NULL))
			continue;
		if (!part_read(d, &t, NULL))
			for (size_t k = 0; k < t->n_parts && !found; k++)
				if (t->parts[k].flags & PART_ESP)
					found = t->parts[k].number;
		part_free(t);
		dev_close(d);
	}
	return found;
}

/* 1: there is none that can be used, and why was said. */
static int no_esp(struct esp *s)
{
	unsigned int number;

	if (s->vol && *s->vol->mounted)
		return 0;
	if (s->b->l->volumes && !s->b->l->volumes->n_disks && !s->vol) {
		plan_note(s->b->p, "the EFI system partition was not looked at: the disk isn't known here");
		return 1;
	}
	number = s->vol || !s->b->l->volumes ? 0 : esp_on_disks(s->b->l->volumes);
	if (s->vol || number)
		plan_problem(s->b->p, "this target starts by UEFI, and the EFI system partition could not "
			     "be read: its FAT is damaged (fsck.vfat), or the guest has no directory "
			     "/boot/efi to mount it on (make one)");
	else
		plan_problem(s->b->p, "this target starts by UEFI, and the guest's disk has no EFI system "
			     "partition: make one (FAT, 100 MiB or more) and put the guest's boot "
			     "loader on it, or let the target start by BIOS");
	return 1;
}

int boot_efi_plan(struct boot *b, int *ret_starts, struct err *e)
{
	struct esp s = { .b = b, .a = efi_arch_find(b->l->arch), .vol = b->l->esp_volume };

	*ret_starts = 0;
	if (!s.a) {
		plan_problem(b->p, "the guest's architecture (%s) has no UEFI", b->l->arch);
		return 0;
	}
	if (no_esp(&s))
		return 0;
	snprintf(s.dir, sizeof s.dir, "%s", s.vol->mounted);
	return plan_on_esp(&s, ret_starts, e);
}
