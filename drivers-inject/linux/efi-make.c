/* efi-make.c: the program that a UEFI machine without a boot entry starts,
 * EFI/BOOT/BOOTX64.EFI, copied from the guest's loader or made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/efi.h"

static int put(struct esp *s, const char *dir, const char *name, const char *data, size_t len,
	       struct err *e, const char *reason)
{
	char rel[300], path[PATH_MAX];

	snprintf(rel, sizeof rel, "EFI/%.128s/%.128s", dir, name);
	(void)esp_path(s->b->l->root, s->dir, rel, path);
	return plan_write(s->b->p, path, data, len, e, "%s", reason);
}

static int has(struct esp *s, const char *dir, const char *name)
{
	char rel[300], path[PATH_MAX];

	snprintf(rel, sizeof rel, "EFI/%.128s/%.128s", dir, name);
	return esp_path(s->b->l->root, s->dir, rel, path) || plan_has(s->b->p, path);
}

/* ---- grub.cfg on the ESP ---- */

static int put_stub(struct esp *s, const char *dir, const char *reason, struct err *e)
{
	char text[4096 + 64];
	struct err why = { 0 };

	if (grub_find_boot(s->b, text, 4096, &why)) {
		plan_problem(s->b->p, "GRUB on the EFI system partition can't be told where its "
			     "configuration lies: %s", why.msg);
		return 0;
	}
	strcat(text, "configfile $prefix/grub.cfg\n");
	return put(s, dir, "grub.cfg", text, strlen(text), e, reason);
}

int efi_cfg_plan(struct esp *s, const struct grub_content *c, const char *dir, struct err *e)
{
	cleanup_free char *text = NULL;
	char name[128], rel[192];

	/* "(hd0,gpt2)/boot/grub", or commands that look for it: for others to judge */
	if (*c->prefix == '(' || strstr(c->config, "search.fs_uuid"))
		return 0;
	if (*c->prefix && strncasecmp(c->prefix, "/EFI/", 5))
		return 0;
	snprintf(name, sizeof name, "%s", *c->prefix ? c->prefix + 5 : dir);
	snprintf(rel, sizeof rel, "EFI/%s/grub.cfg", name);
	if (!esp_read(s, rel, &text, NULL))
		return put_stub(s, name, "GRUB looks here for its configuration, and there is none", e);
	if (!efi_cfg_is_stale(s, text))
		return 0;
	return put_stub(s, name, "it looks for a file system that is not there", e);
}

/* ---- shim ---- */

/* The file that a shim starts, by what is written in it (its DEFAULT_LOADER). */
static void second_name(struct esp *s, const char *shim, size_t len, char ret[64])
{
	static const char suse[] = "\\\0g\0r\0u\0b\0.\0e\0f\0i";

	if (memmem(shim, len, suse, sizeof suse - 1))
		snprintf(ret, 64, "grub.efi");
	else
		snprintf(ret, 64, "grub%s.efi", s->a->suffix);
}

/* A shim with fbx64.efi beside it makes boot entries from these and starts one. */
static int has_csv(struct esp *s, const char *dir)
{
	char csv[64];

	snprintf(csv, sizeof csv, "%.*s.CSV", (int)strcspn(s->a->fallback, "."), s->a->fallback);
	return *dir && has(s, dir, csv);
}

/* dir's GRUB, whatever a shim calls it. */
static int read_grub(struct esp *s, const char *dir, char **ret, size_t *len)
{
	static const char *const names[] = { "grub%s.efi", "grub.efi" };
	char name[64], rel[300];

	for (size_t i = 0; i < 2 && *dir; i++) {
		snprintf(name, sizeof name, names[i], s->a->suffix);
		snprintf(rel, sizeof rel, "EFI/%s/%s", dir, name);
		if (esp_read(s, rel, ret, len))
			return 1;
	}
	return 0;
}

int efi_second_stage(struct esp *s, const char *shim, size_t len, const char *dir, struct err *e)
{
	cleanup_free char *grub = NULL;
	struct grub_content c = { 0 };
	char second[64], helper[64], rel[128];
	size_t n;
	int r = 0;

	snprintf(helper, sizeof helper, "fb%s.efi", s->a->suffix);
	if (has(s, "BOOT", helper) && has_csv(s, dir))
		return 0;
	second_name(s, shim, len, second);
	snprintf(rel, sizeof rel, "EFI/BOOT/%s", second);
	if (!esp_read(s, rel, &grub, &n)) {
		if (!read_grub(s, dir, &grub, &n)) {
			plan_problem(s->b->p, "shim in EFI/BOOT wants to start %s, which is missing; "
				     "reinstall GRUB in the guest (grub-install)", second);
			return 0;
		}
		r = put(s, "BOOT", second, grub, n, e, "shim in EFI/BOOT starts it");
	}
	if (r || efi_kind((uint8_t *)grub, n, &c) != EFI_GRUB)
		return r;
	return efi_cfg_plan(s, &c, "BOOT", e);
}

/* ---- from the guest's loader on the ESP ---- */

int efi_fallback_from(struct esp *s, const struct efi_loader *l, struct err *e)
{
	cleanup_free char *pe = NULL, *mm = NULL;
	struct grub_content c = { 0 };
	char rel[300], helper[64];
	enum efi_kind kind;
	size_t len, n;
	int r;

	snprintf(rel, sizeof rel, "EFI/%s/%s", l->dir, l->file);
	if (!esp_read(s, rel, &pe, &len))
		return err_set(e, ERR_IO, "%s on the EFI system partition can't be read", rel);
	kind = efi_kind((uint8_t *)pe, len, &c);
	r = put(s, "BOOT", s->a->fallback, pe, len, e, "a machine that has no boot entry for this "
		"system starts this file: a copy of the system's own loader");
	if (r || kind == EFI_SYSTEMD_BOOT)
		return r;
	if (kind == EFI_GRUB)
		return efi_cfg_plan(s, &c, "BOOT", e);
	snprintf(helper, sizeof helper, "mm%s.efi", s->a->suffix);
	snprintf(rel, sizeof rel, "EFI/%s/%s", l->dir, helper);
	if (esp_read(s, rel, &mm, &n))
		r = put(s, "BOOT", helper, mm, n, e, "shim starts it to manage keys");
	return r ? r : efi_second_stage(s, pe, len, l->dir, e);
}

/* ---- from packages' files, the guest's or this system's ---- */

struct signed_set {
	char *shim, *grub, *mm; /* mm may be NULL; malloc'd */
	size_t shim_len, grub_len, mm_len;
};

static void set_done(struct signed_set *x)
{
	free(x->shim);
	free(x->grub);
	free(x->mm);
}

/* names: printf patterns with the architecture's suffix, or its machine. */
static int read_first(struct root *r, const char *lib, const char *const *names,
		      const char *word, char **ret, size_t *len)
{
	for (; *names; names++) {
		char path[PATH_MAX], name[128];

		snprintf(name, sizeof name, *names, word, word);
		snprintf(path, sizeof path, "%s/%s", lib, name);
		if (!root_read(r, path, BOOT_FILE_MAX, ret, len, NULL))
			return 1;
	}
	return 0;
}

/* Debian's and Ubuntu's names, then SUSE's. */
static int read_signed(struct esp *s, struct root *r, const char *lib, struct signed_set *ret)
{
	static const char *const shims[] = { "shim/shim%s.efi.signed", "shim/shim%s.efi.signed.latest", NULL };
	static const char *const mms[] = { "shim/mm%s.efi.signed", "shim/mm%s.efi", NULL };
	struct signed_set x = { 0 };
	char pattern[128];
	const char *const grubs[] = { pattern, NULL };

	snprintf(pattern, sizeof pattern, "grub/%s-signed/grub%%s.efi.signed", s->a->platform);
	if (read_first(r, lib, shims, s->a->suffix, &x.shim, &x.shim_len) &&
	    read_first(r, lib, grubs, s->a->suffix, &x.grub, &x.grub_len)) {
		(void)read_first(r, lib, mms, s->a->suffix, &x.mm, &x.mm_len);
		*ret = x;
		return 1;
	}
	set_done(&x);
	return 0;
}

static int put_signed(struct esp *s, const struct signed_set *x, struct err *e)
{
	struct grub_content c = { 0 };
	char second[64], helper[64];
	int r = put(s, "BOOT", s->a->fallback, x->shim, x->shim_len, e,
		    "the machine starts by UEFI, and the system has no loader for it there: shim");

	second_name(s, x->shim, x->shim_len, second);
	snprintf(helper, sizeof helper, "mm%s.efi", s->a->suffix);
	if (!r)
		r = put(s, "BOOT", second, x->grub, x->grub_len, e, "shim in EFI/BOOT starts it: GRUB");
	if (!r && x->mm)
		r = put(s, "BOOT", helper, x->mm, x->mm_len, e, "shim starts it to manage keys");
	if (r || efi_kind((uint8_t *)x->grub, x->grub_len, &c) != EFI_GRUB)
		return r;
	return efi_cfg_plan(s, &c, "BOOT", e);
}

/* 1: made; 0: there are no signed programs (then *e is empty). */
static int make_signed(struct esp *s, int live, int *ret_made, struct err *e)
{
	struct signed_set x = { 0 };
	struct root *here = NULL;
	int r = 0, found;

	*ret_made = 0;
	if (live && root_open(s->b->live, &here, NULL))
		return 0;
	found = read_signed(s, live ? here : s->b->l->root, live ? "" : "/usr/lib", &x);
	if (found) {
		r = put_signed(s, &x, e);
		*ret_made = !r;
	}
	if (found && !r && live && s->b->w->target->secure_boot != 0 && strcmp(s->b->l->id, "debian"))
		plan_warn(s->b->p, "shim and GRUB are this live system's (Debian's): with Secure Boot on "
			  "they start kernels signed by Debian only; switch it off, or install the "
			  "guest's own shim package");
	set_done(&x);
	root_close(here);
	return r;
}

static int make_unsigned(struct esp *s, const struct grub_source *src, int *ret_made, struct err *e)
{
	cleanup_free char *pe = NULL;
	struct err why = { 0 };
	size_t len;
	int r = grub_make(s->b, src, s->a->platform, &pe, &len, &why);

	if (r == ERR_NOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r) {
		plan_problem(s->b->p, "this target starts by UEFI, and GRUB can't be made for it: %s",
			     why.msg);
		return 0;
	}
	*ret_made = 1;
	if (s->b->w->target->secure_boot > 0)
		plan_problem(s->b->p, "the target has Secure Boot on, and no signed GRUB is there for "
			     "this guest: switch it off, or install shim and a signed GRUB in the guest");
	else if (s->b->w->target->secure_boot < 0)
		plan_warn(s->b->p, "GRUB for UEFI isn't signed: it starts only with Secure Boot off");
	return put(s, "BOOT", s->a->fallback, pe, len, e, src->live ?
		   "the machine starts by UEFI, and the system has no loader for it there: GRUB, made "
		   "from the files of this live system" :
		   "the machine starts by UEFI, and the system has no loader for it there: GRUB, made "
		   "from the guest's modules");
}

/* The menu of a Fedora or RHEL is made of entries that only their GRUB reads. */
static int menu_fits(struct esp *s)
{
	if (!boot_menu_is_bls(s->b))
		return 1;
	plan_problem(s->b->p, "this target starts by UEFI, the guest has no GRUB for it, and this live "
		     "system's does not read the guest's menu (BLS entries): install grub2-efi-x64 and "
		     "shim-x64 in the guest before it is captured");
	return 0;
}

int efi_fallback_make(struct esp *s, int *ret_made, struct err *e)
{
	static const char *const sd[] = { "systemd-boot%s.efi.signed", "systemd-boot%s.efi", NULL };
	cleanup_free char *pe = NULL;
	struct grub_source src;
	struct err why = { 0 };
	size_t len;
	int r;

	*ret_made = 0;
	if (s->b->l->boot & LIN_SYSTEMD_BOOT && !*s->b->grub) {
		if (!read_first(s->b->l->root, "/usr/lib/systemd/boot/efi", sd, s->a->suffix, &pe, &len)) {
			plan_problem(s->b->p, "systemd-boot's program is missing on the EFI system "
				     "partition and in the guest");
			return 0;
		}
		*ret_made = 1;
		return put(s, "BOOT", s->a->fallback, pe, len, e,
			   "a machine that has no boot entry for this system starts this file");
	}
	r = make_signed(s, 0, ret_made, e);
	if (r || *ret_made)
		return r;
	if (!grub_source_find(s->b, s->a->platform, &src, &why) && !src.live)
		return make_unsigned(s, &src, ret_made, e);
	if (!menu_fits(s))
		return 0;
	plan_note(s->b->p, "the guest has no GRUB for UEFI: this system's is taken; install the guest's "
		  "own (grub-efi, shim) so that updates reach it");
	r = make_signed(s, 1, ret_made, e);
	if (r || *ret_made)
		return r;
	if (!*why.msg)
		return make_unsigned(s, &src, ret_made, e);
	plan_problem(s->b->p, "this target starts by UEFI: %s", why.msg);
	return 0;
}
