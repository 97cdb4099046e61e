/* boot-bios.c: what a BIOS starts: the code in the disk's first sector, GRUB's
 * core.img behind it, an active partition's boot sector. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/boot-bios.h"

#define TABLE_AT 446u           /* of the MBR; entries of 16 bytes           */

int bios_open(struct boot *b, struct bios *ret, struct err *e)
{
	const struct volumes *v = b->l->volumes;
	const struct volume *h = boot_holder(v, b->l->boot_volume);
	struct bios s = { .b = b };
	int r;

	if (h && h->disk >= 0 && (size_t)h->disk < v->n_disks)
		s.disk = &v->disk[h->disk];
	else if (v->n_disks == 1)
		s.disk = &v->disk[0];
	if (!s.disk || !*s.disk->path)
		return err_set(e, ERR_NOT_FOUND, "the disk with /boot isn't known here");
	r = dev_open_ro(s.disk->path, &s.dev, e);
	if (!r)
		r = part_read(s.dev, &s.table, e);
	if (!r && s.dev->size < GRUB_SECTOR)
		r = PART_NONE;
	if (r == PART_NONE)
		r = err_set(e, ERR_UNSUPPORTED, "%s has no partition table", s.disk->path);
	if (!r)
		r = dev_read(s.dev, 0, s.mbr, sizeof s.mbr, e);
	if (r) {
		bios_close(&s);
		return r;
	}
	s.gpt = !strcmp(s.table->kind, "gpt");
	*ret = s;
	return 0;
}

void bios_close(struct bios *s)
{
	part_free(s->table);
	dev_close(s->dev);
}

int bios_read_grub(struct bios *s, const char *name, size_t max, char **ret, size_t *len)
{
	char path[64];

	snprintf(path, sizeof path, "%s/i386-pc/%s", s->b->grub, name);
	return *s->b->grub && !root_read(s->b->l->root, path, max, ret, len, NULL);
}

static const struct partition *flagged(const struct bios *s, unsigned int flag)
{
	for (size_t i = 0; i < s->table->n_parts; i++)
		if (s->table->parts[i].flags & flag)
			return &s->table->parts[i];
	return NULL;
}

int bios_put(struct bios *s, uint64_t off, const void *data, size_t len, struct err *e,
	     const char *reason)
{
	cleanup_free char *now = malloc(len);
	struct edit *d;
	int r;

	if (!now)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = dev_read(s->dev, off, now, len, e);
	if (r || !memcmp(now, data, len))
		return r;
	d = plan_add(s->b->p, EDIT_DISK, s->disk->path, "%s", reason);
	if (!d)
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	memcpy(now, data, len);
	d->data = now;
	now = NULL;
	d->len = len;
	d->offset = off;
	return 0;
}

/* ---- does the GRUB that is there start this guest? ---- */

/* The word behind "search.fs_uuid " in GRUB's first commands. */
static int searched_uuid(const char *config, char ret[64])
{
	const char *p = strstr(config, "search.fs_uuid ");

	return p && sscanf(p, "search.fs_uuid %63[0-9A-Za-z-]", ret) == 1;
}

/* The number in "(hd0,msdos3)..." and "(,gpt2)..."; 0: not said that way. */
static unsigned int prefix_partition(const char *prefix)
{
	const char *end = strchr(prefix, ')'), *comma = strchr(prefix, ',');
	unsigned int n = 0;

	if (*prefix != '(' || !end || !comma || comma > end ||
	    (strncmp(comma, ",msdos", 6) && strncmp(comma, ",gpt", 4)))
		return 0;
	return sscanf(comma, ",%*[a-z]%u)", &n) == 1 ? n : 0;
}

int bios_points_here(const struct boot *b, const struct grub_content *c)
{
	const struct volume *x = b->l->boot_volume;
	char uuid[64];
	unsigned int n;

	if (!x)
		return 1;
	if (searched_uuid(c->config, uuid))
		return !*x->uuid || !strcasecmp(uuid, x->uuid);
	n = prefix_partition(c->prefix);
	return !n || (x->part >= 0 && (unsigned int)x->part == n);
}

/* One byte of damage in the first sector is seen by comparing it with boot.img,
 * if that belongs to the core.img on the disk. */
static int code_is_damaged(struct bios *s)
{
	cleanup_free char *boot = NULL, *core = NULL;
	size_t boot_len, len;

	return bios_read_grub(s, "boot.img", GRUB_SECTOR, &boot, &boot_len) &&
	       boot_len == GRUB_SECTOR &&
	       bios_read_grub(s, "core.img", GRUB_CORE_MAX, &core, &len) &&
	       grub_core_same(s->core, s->core_len, (uint8_t *)core, len) &&
	       !grub_boot_same(s->mbr, (uint8_t *)boot);
}

/* Fills s->core and s->content of the GRUB that the first sector starts. */
static enum bios_code look_grub(struct bios *s, uint64_t sector, struct err *e)
{
	struct err why;
	int r = grub_core_read(s->dev, sector, &s->core, &s->core_len, &why);

	if (!r)
		r = grub_core_content(s->core, s->core_len, &s->content, &why);
	if (!r && code_is_damaged(s))
		r = err_set(&why, ERR_CORRUPT, "%s: the code in its first sector isn't that of the "
			    "guest's boot.img", s->disk->path);
	if (!r)
		return bios_points_here(s->b, &s->content) ? BIOS_GRUB : BIOS_GRUB_ELSEWHERE;
	err_set(e, r, "%s", why.msg);
	return BIOS_GRUB_BROKEN;
}

static int is_zero(const uint8_t *p, size_t n)
{
	return !p[0] && !memcmp(p, p + 1, n - 1);
}

enum bios_code bios_look(struct bios *s, struct err *e)
{
	uint64_t sector;

	if (grub_is_boot_sector(s->mbr, &sector))
		return look_grub(s, sector, e);
	if (grub_is_stage1(s->mbr))
		return BIOS_STAGE1;
	if (!memcmp(s->mbr + 6, "LILO", 4) || !memcmp(s->mbr + 2, "LILO", 4))
		return BIOS_LILO;
	err_set(e, ERR_CORRUPT, "%s: its first sector has no boot code", s->disk->path);
	return is_zero(s->mbr, GRUB_BOOT_CODE) ? BIOS_EMPTY : BIOS_OTHER;
}

/* The boot sector of the active partition, 1 if there is code in it. */
static int active_sector(struct bios *s, uint8_t ret[GRUB_SECTOR])
{
	const struct partition *x = flagged(s, PART_ACTIVE);

	return x && x->size >= GRUB_SECTOR && !dev_read(s->dev, x->start, ret, GRUB_SECTOR, NULL) &&
	       ret[510] == 0x55 && ret[511] == 0xaa && (ret[0] == 0xeb || ret[0] == 0xe9 || ret[0] == 0xfa);
}

/* ---- loaders other than GRUB 2 ---- */

/* syslinux's code for the first sector, from the guest. */
static int syslinux_mbr(struct bios *s, char **ret, size_t *len)
{
	static const char *const dirs[] = {
		"/usr/lib/syslinux/mbr", "/usr/lib/EXTLINUX", "/usr/lib/syslinux",
		"/usr/lib/syslinux/bios", "/usr/share/syslinux",
	};
	char path[128];

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(path, sizeof path, "%s/%s", dirs[i], s->gpt ? "gptmbr.bin" : "mbr.bin");
		if (root_read(s->b->l->root, path, GRUB_BOOT_CODE, ret, len, NULL))
			continue;
		if (*len >= 64)
			return 1;
		free(*ret);
		*ret = NULL;
	}
	return 0;
}

/* The MBR's entry of the /boot partition is marked active, and no other. */
static int set_active(struct bios *s, struct err *e)
{
	const struct volume *x = boot_holder(s->b->l->volumes, s->b->l->boot_volume);
	uint8_t active = 0x80;

	if (!s->gpt && x && x->part >= 1 && x->part <= 4)
		return bios_put(s, TABLE_AT + 16 * (unsigned int)(x->part - 1), &active, 1, e,
				"extlinux is started from the partition that is marked active, and none is");
	plan_problem(s->b->p, "no partition of %s is marked active, so nothing starts extlinux: "
		     "mark the one with /boot", s->disk->path);
	return 0;
}

int bios_extlinux(struct bios *s, enum bios_code code, int *ret_starts, struct err *e)
{
	cleanup_free char *mbr = NULL;
	uint8_t sector[GRUB_SECTOR];
	size_t len;
	int r = 0;

	*ret_starts = 1;
	if (code == BIOS_EMPTY || s->b->w->reinstall_boot) {
		if (!syslinux_mbr(s, &mbr, &len)) {
			plan_problem(s->b->p, "the first sector of %s has no boot code and the guest "
				     "has no mbr.bin of syslinux: write one to it (440 bytes)",
				     s->disk->path);
			return 0;
		}
		r = bios_put(s, 0, mbr, len, e, "the disk's first sector has no boot code: "
			     "syslinux's, from the guest");
	}
	if (!r && !flagged(s, PART_ACTIVE))
		return set_active(s, e);
	if (!r && (!active_sector(s, sector) || !memmem(sector, sizeof sector, "LINUX", 5)))
		plan_problem(s->b->p, "the active partition of %s has no boot sector of extlinux: "
			     "run extlinux --install on its mounted directory", s->disk->path);
	return r;
}

/* GRUB legacy and LILO name their files by sector: only looked at. */
static void look_old(struct bios *s, enum bios_code code)
{
	unsigned int bits = s->b->l->boot;

	if (code == BIOS_STAGE1)
		plan_note(s->b->p, "GRUB legacy in the first sector of %s finds its next stage by "
			  "sector numbers; they hold as long as the partitions lie as they did",
			  s->disk->path);
	else if (code == BIOS_LILO)
		plan_warn(s->b->p, "LILO finds its kernel by sector numbers: what adapt changes in "
			  "initramfs files moves them; run lilo in the guest before it is started");
	else
		plan_problem(s->b->p, "the first sector of %s has no boot code, and the guest's boot "
			     "loader (%s) can't be installed from outside: start it from a rescue "
			     "system and run %s", s->disk->path,
			     bits & LIN_LILO ? "LILO" : "GRUB legacy",
			     bits & LIN_LILO ? "lilo" : "grub-install");
}

/* ---- what to do ---- */

/* Another system's boot code stands there; 1: it is to be left. */
static int leave_other(struct bios *s, enum bios_code code, int *ret_starts)
{
	uint8_t sector[GRUB_SECTOR];
	uint64_t core;
	cleanup_free char *mine = NULL;
	size_t len;

	if (s->b->w->reinstall_boot)
		return 0;
	if (code == BIOS_OTHER && active_sector(s, sector)) {
		*ret_starts = 1;
		if (grub_is_boot_sector(sector, &core))
			plan_note(s->b->p, "the active partition of %s starts GRUB", s->disk->path);
		else
			plan_warn(s->b->p, "the boot code in the first sector of %s isn't GRUB's and "
				  "starts the active partition: it was left alone; --reinstall-boot "
				  "puts GRUB there", s->disk->path);
		return 1;
	}
	if (code != BIOS_GRUB_ELSEWHERE)
		return 0;
	if (!bios_read_grub(s, "core.img", GRUB_CORE_MAX, &mine, &len) ||
	    grub_core_same(s->core, s->core_len, (const uint8_t *)mine, len))
		return 0; /* this guest's own, made for another layout */
	*ret_starts = 1;
	plan_warn(s->b->p, "GRUB in the first sector of %s looks for %s, not for this system's /boot: "
		  "it may be another system's and was left alone; --reinstall-boot "
		  "replaces it", s->disk->path,
		  *s->content.config ? "another file system" : s->content.prefix);
	return 1;
}

static int plan_open(struct bios *s, int *ret_starts, struct err *e)
{
	struct err why = { 0 };
	enum bios_code code = bios_look(s, &why);
	unsigned int bits = s->b->l->boot;

	if (code == BIOS_GRUB && !s->b->w->reinstall_boot) {
		*ret_starts = 1;
		plan_note(s->b->p, "GRUB in the first sector of %s is whole and finds /boot",
			  s->disk->path);
		return 0;
	}
	if (bits & LIN_EXTLINUX && !(bits & LIN_GRUB2_BIOS))
		return bios_extlinux(s, code, ret_starts, e);
	if (bits & (LIN_GRUB_LEGACY | LIN_LILO) && !(bits & LIN_GRUB2_BIOS)) {
		*ret_starts = code == BIOS_STAGE1 || code == BIOS_LILO;
		look_old(s, code);
		return 0;
	}
	if (leave_other(s, code, ret_starts))
		return 0;
	return bios_install(s, code, why.msg, ret_starts, e);
}

int boot_bios_plan(struct boot *b, int *ret_starts, struct err *e)
{
	struct err why = { 0 };
	struct bios s;
	int r = bios_open(b, &s, &why);

	*ret_starts = 0;
	if (r == ERR_NOMEM)
		return err_set(e, r, "%s", why.msg);
	if (r == ERR_NOT_FOUND) {
		plan_note(b->p, "the boot code was not looked at: %s", why.msg);
		*ret_starts = -1;
		return 0;
	}
	if (r) {
		plan_problem(b->p, "this target starts by BIOS, and the disk's boot code can't be "
			     "looked at: %s", why.msg);
		return 0;
	}
	r = plan_open(&s, ret_starts, e);
	free(s.core);
	bios_close(&s);
	return r;
}
