/* boot.c: whether the target's firmware finds this guest's boot loader, and
 * what makes it do so. */
#include "drivers-inject/fstab.h"
#include "drivers-inject/linux/boot.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

#define VOLUMES_DEEP 16         /* volumes on volumes; a loop ends there     */
#define BIOS_LOADERS (LIN_GRUB2_BIOS | LIN_GRUB_LEGACY | LIN_EXTLINUX | LIN_LILO)
#define EFI_LOADERS (LIN_GRUB2_EFI | LIN_SYSTEMD_BOOT | LIN_UKI)

const struct volume *boot_holder(const struct volumes *v, const struct volume *x)
{
	for (int i = 0; x && x->disk < 0 && i < VOLUMES_DEEP; i++)
		x = x->parent >= 0 && (size_t)x->parent < v->n ? &v->v[x->parent] : NULL;
	return x && x->disk >= 0 ? x : NULL;
}

/* ---- GRUB's directory as GRUB sees it ---- */

static void find_grub(struct boot *b)
{
	static const char *const dirs[] = { "/boot/grub", "/boot/grub2" };
	static const char *const files[] = { "grub.cfg", "i386-pc", "x86_64-efi", "grubenv" };

	for (size_t f = 0; f < sizeof files / sizeof *files; f++)
		for (size_t d = 0; d < 2 && !*b->grub; d++) {
			char path[64];

			snprintf(path, sizeof path, "%s/%s", dirs[d], files[f]);
			/* in other systems a link to /boot/grub2 and back */
			if (root_exists(b->l->root, path))
				snprintf(b->grub, sizeof b->grub, "%s", dirs[d]);
		}
}

/* The subvol= of fstab's line for a mount point; 0: no such line.  ret is ""
 * when the line has none. */
static int fstab_subvol(const char *text, const char *where, char ret[256])
{
	struct fstab_line l;
	size_t pos = 0;
	int found = 0;

	while (fstab_next(text, &pos, &l)) {
		if (strcmp(l.field[FSTAB_DIR], where))
			continue;
		found = 1;
		*ret = 0;
		fstab_value(l.field[FSTAB_OPTIONS], "subvol", ret, 256);
	}
	return found;
}

/* Where the file system of /boot has its tree: "" or "/@". */
static int find_subvol(struct boot *b, const char *where, char ret[264], struct err *e)
{
	cleanup_free char *text = NULL;
	char sub[256] = "";
	int r = plan_read(b->p, "/etc/fstab", &text, NULL, e);

	*ret = 0;
	if (r == ERR_NOMEM)
		return r;
	if (!r && fstab_subvol(text, where, sub) && *sub)
		snprintf(ret, 264, "/%s", sub + strspn(sub, "/"));
	else if (!strcmp(b->l->id, "sles") || strstr(b->l->id, "suse") || strstr(b->l->id_like, "suse"))
		b->no_grub = "its /boot lies in a snapshot of Btrfs that only SUSE's own GRUB finds; "
			     "run grub2-install there from a rescue system";
	return 0;
}

int boot_begin(struct boot *b, struct err *e)
{
	const struct volume *x = b->l->boot_volume;
	int apart = x && x != b->l->root_volume;
	char sub[264] = "";
	int r = 0;

	find_grub(b);
	if (x && !strcmp(x->type, "btrfs"))
		r = find_subvol(b, apart ? "/boot" : "/", sub, e);
	if (!r && *b->grub)
		snprintf(b->grub_on_boot, sizeof b->grub_on_boot, "%s%s", sub,
			 apart ? b->grub + strlen("/boot") : b->grub);
	return r;
}

/* ---- commands of one firmware only ---- */

/* 1: a line begins with the command. */
static int has_command(const char *text, const char *command)
{
	size_t n = strlen(command);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += strspn(p, "\n\t ");
		if (!strncmp(p, command, n) && (p[n] == ' ' || p[n] == '\t'))
			return 1;
	}
	return 0;
}

int boot_cfg_only(struct boot *b, const char *command)
{
	cleanup_free char *text = NULL;
	char path[64];

	snprintf(path, sizeof path, "%s/grub.cfg", b->grub);
	return *b->grub && !plan_read(b->p, path, &text, NULL, NULL) &&
	       has_command(text, command) && !has_command(text, "linux");
}

int boot_menu_is_bls(struct boot *b)
{
	cleanup_free char *text = NULL;
	char path[64];

	snprintf(path, sizeof path, "%s/grub.cfg", b->grub);
	return *b->grub && !plan_read(b->p, path, &text, NULL, NULL) && strstr(text, "blscfg");
}

/* 1: moving to the other firmware is hopeless, and why was said. */
static int stuck(struct boot *b, const char *firmware, const char *command, const char *other)
{
	const struct lin *l = b->l;
	char path[64];

	if (!l->boot && !*b->grub) {
		plan_problem(b->p, "this target starts by %s, and no boot loader was found in the guest: "
			     "its /boot may lie on a volume that isn't there", firmware);
		return 1;
	}
	if (!(l->boot & (LIN_GRUB2_BIOS | LIN_GRUB2_EFI)) && !*b->grub) {
		plan_problem(b->p, "this target starts by %s, and the guest's boot loader by %s only; "
			     "it has no GRUB 2 that could be set up for both: install one in it first, "
			     "or let the target start by %s", firmware, other, other);
		return 1;
	}
	snprintf(path, sizeof path, "%s/grub.cfg", b->grub);
	if (!*b->grub || !plan_has(b->p, path)) {
		plan_problem(b->p, "this target starts by %s, and the guest has no GRUB configuration "
			     "in /boot/grub or /boot/grub2 that could be used there (it has one for "
			     "%s only): make one with grub-mkconfig, or let the target start by %s",
			     firmware, other, other);
		return 1;
	}
	if (boot_cfg_only(b, command)) {
		plan_problem(b->p, "this target starts by %s, and %s starts Linux by the command %s, "
			     "which GRUB has under %s only: make a new one with grub-mkconfig",
			     firmware, path, command, other);
		return 1;
	}
	return 0;
}

/* ---- by firmware ---- */

static int is_x86(const char *arch)
{
	return !*arch || !strcmp(arch, "x86_64") ||
	       (arch[0] == 'i' && strlen(arch) == 4 && !strcmp(arch + 2, "86"));
}

static int plan_bios(struct boot *b, struct err *e)
{
	int starts;

	if (!is_x86(b->l->arch)) {
		plan_problem(b->p, "the target starts by BIOS, which no machine of the guest's "
			     "architecture (%s) has", b->l->arch);
		return 0;
	}
	if (!(b->l->boot & BIOS_LOADERS) && stuck(b, "BIOS", "linuxefi", "UEFI"))
		return 0;
	if (!(b->l->boot & BIOS_LOADERS))
		plan_note(b->p, "the guest was started by UEFI; for a BIOS GRUB is put into the disk");
	return boot_bios_plan(b, &starts, e);
}

static int plan_efi(struct boot *b, struct err *e)
{
	int starts;

	if (!(b->l->boot & EFI_LOADERS) && stuck(b, "UEFI", "linux16", "BIOS"))
		return 0;
	return boot_efi_plan(b, &starts, e);
}

/* Problems from, up to (not with) to are only worth a note: the other firmware
 * starts the guest. */
static void demote(struct plan *p, size_t from, size_t to)
{
	if (from == to)
		return;
	for (size_t i = from; i < to; i++) {
		plan_note(p, "%s", p->problems.v[i]);
		free(p->problems.v[i]);
	}
	memmove(p->problems.v + from, p->problems.v + to,
		(p->problems.n - to) * sizeof *p->problems.v);
	p->problems.n -= to - from;
}

/* The target's firmware isn't known: what starts it now shall go on doing so.
 * A guest may have files of a loader that it never used. */
static int plan_both(struct boot *b, struct err *e)
{
	unsigned int bits = b->l->boot;
	size_t before = b->p->problems.n, between, after;
	int r = 0;

	if (!(bits & (BIOS_LOADERS | EFI_LOADERS))) {
		plan_warn(b->p, "no boot loader was found in the guest, and it isn't known how the "
			  "target starts");
		return 0;
	}
	if (bits & BIOS_LOADERS && is_x86(b->l->arch))
		r = plan_bios(b, e);
	between = b->p->problems.n;
	if (!r && bits & EFI_LOADERS)
		r = plan_efi(b, e);
	after = b->p->problems.n;
	if (bits & EFI_LOADERS && after == between)
		demote(b->p, before, between);
	else if (bits & BIOS_LOADERS && between == before)
		demote(b->p, between, after);
	plan_note(b->p, "it isn't known whether the target starts by BIOS or UEFI; the guest starts by %s",
		  !(bits & EFI_LOADERS) ? "BIOS" : bits & BIOS_LOADERS ? "both" : "UEFI");
	return r;
}

int lin_plan_boot_live(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		       const char *live, struct err *e)
{
	struct boot b = { .l = l, .w = w, .p = p, .live = live ? live : "/usr/lib" };
	int r = boot_begin(&b, e);

	if (r)
		return r;
	if (l->boot & LIN_ZIPL) {
		plan_note(p, "zipl's boot record names its kernel by block numbers and was left alone");
		return 0;
	}
	if (w->target->firmware == HW_FW_BIOS)
		return plan_bios(&b, e);
	return w->target->firmware == HW_FW_EFI ? plan_efi(&b, e) : plan_both(&b, e);
}

int lin_plan_boot(const struct lin *l, const struct lin_wishes *w, struct plan *p, struct err *e)
{
	return lin_plan_boot_live(l, w, p, NULL, e);
}
