/* chain-bios.c: what a BIOS starts: code in the disk's first sector, which starts the
 * boot sector of the partition that is marked active, which starts \bootmgr (2000 to
 * 2003: \ntldr).
 *
 * The code of the first sector may be anybody's that does this; syslinux's is used.
 * Boot sectors are Microsoft's, and can't be made here. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/chain-int.h"

#define CODE_MAX 440u           /* of the first sector; then the signature   */
#define TABLE_AT 446u           /* four entries of 16 bytes; byte 0: 0x80 active */
#define BOOT_AREA 8192u         /* NTFS: boot code has 16 sectors            */

static const char *first_file(const struct chain *ch)
{
	return ch->c->nt5 ? "/ntldr" : "/bootmgr";
}

/* ---- which partition ---- */

static int is_primary(const struct partition *p)
{
	return p && !(p->flags & (PART_LOGICAL | PART_EXTENDED)) && p->number <= 4;
}

static int active_on(struct chain *ch, int volume)
{
	const struct partition *p = chain_part(ch, volume);

	return is_primary(p) && p->flags & PART_ACTIVE;
}

/* A primary partition; the more the better it is the one with the boot files. */
static int system_score(struct chain *ch, int volume)
{
	const struct volume *x = &ch->c->volumes->v[volume], *mine = &ch->c->volumes->v[ch->c->volume];

	if (!is_primary(chain_part(ch, volume)) || !chain_side(ch, volume) ||
	    strcmp(ch->c->volumes->disk[x->disk].table, "dos"))
		return 0;
	if (!chain_has(ch, volume, first_file(ch)) && x->disk != mine->disk)
		return 0;
	return 1 + 16 * chain_has(ch, volume, first_file(ch)) + 8 * (x->disk == mine->disk) +
	       4 * active_on(ch, volume) + 2 * chain_has(ch, volume, "/Boot/BCD") + (x == mine);
}

static int find_system(struct chain *ch)
{
	int best = 0, found = -1;

	for (size_t i = 0; i < ch->c->volumes->n; i++) {
		int n = system_score(ch, (int)i);

		if (n > best) {
			best = n;
			found = (int)i;
		}
	}
	return found;
}

/* ---- the first sector ---- */

static int is_zero(const uint8_t *p, size_t n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

static int read_code(const struct chain *ch, uint8_t ret[CODE_MAX], size_t *ret_len)
{
	static const char *const files[] = { "/usr/lib/syslinux/mbr/mbr.bin",
		"/usr/share/syslinux/mbr.bin", "/usr/lib/syslinux/mbr.bin", "/usr/lib/syslinux/bios/mbr.bin" };
	FILE *f = ch->c->boot_code ? fopen(ch->c->boot_code, "rb") : NULL;

	for (size_t i = 0; !ch->c->boot_code && !f && i < sizeof files / sizeof *files; i++)
		f = fopen(files[i], "rb");
	if (!f)
		return 0;
	*ret_len = fread(ret, 1, CODE_MAX, f);
	fclose(f);
	return *ret_len >= 64;
}

static int first_sector(struct chain *ch, int disk, const uint8_t sector[CHAIN_SECTOR],
			struct err *e)
{
	const char *path = ch->c->volumes->disk[disk].path;
	uint8_t code[CODE_MAX];
	size_t len;

	if (memmem(sector, CODE_MAX, "GRUB ", 5)) {
		plan_note(ch->p, "The first sector of %s starts GRUB; it was left alone, and must have "
			  "an entry for Windows", path);
		return 0;
	}
	if (!is_zero(sector, CODE_MAX))
		return 0;
	if (!read_code(ch, code, &len)) {
		plan_problem(ch->p, "The first sector of %s has no boot code, and there is none here to "
			     "put there: install the package syslinux-common (mbr.bin)", path);
		return 0;
	}
	return chain_put_disk(ch, disk, 0, code, len, e, "The disk's first sector has no boot code: one "
			      "that starts the active partition (syslinux)");
}

/* Exactly the system partition is marked. */
static int mark_active(struct chain *ch, int volume, const uint8_t sector[CHAIN_SECTOR],
		       struct err *e)
{
	const struct volume *x = &ch->c->volumes->v[volume];
	unsigned int mine = chain_part(ch, volume)->number - 1;
	int r = 0;

	for (unsigned int i = 0; !r && i < 4; i++) {
		uint8_t want = i == mine ? 0x80 : 0;
		uint64_t at = TABLE_AT + 16 * i;

		if (sector[at] == want || (i != mine && sector[at] != 0x80))
			continue;
		r = chain_put_disk(ch, x->disk, at, &want, 1, e, i == mine ?
				   "The partition with Windows' boot files is not marked active" :
				   "Two partitions are marked active; only one may be");
	}
	return r;
}

/* ---- the boot sector ---- */

static int has_word(const uint8_t *p, size_t len, const char *word)
{
	uint8_t wide[32];
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++) {
		wide[2 * i] = (uint8_t)word[i];
		wide[2 * i + 1] = 0;
	}
	return memmem(p, len, word, n) || memmem(p, len, wide, 2 * n);
}

static int boot_sector(struct chain *ch, int volume, struct err *e)
{
	struct sidevol *s = chain_side(ch, volume);
	const char *word = ch->c->nt5 ? "NTLDR" : "BOOTMGR";
	cleanup_free uint8_t *area = malloc(BOOT_AREA);
	char name[320];
	int r;

	if (!area)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (s->below->size < BOOT_AREA)
		return 0;
	r = dev_read(s->below, 0, area, BOOT_AREA, e);
	if (!r && !has_word(area, BOOT_AREA, word))
		plan_problem(ch->p, "The boot sector of %s doesn't start Windows (it doesn't name %s), and "
			     "such code can't be made here: start the repair from Windows' medium and run "
			     "`%s`", chain_name(ch, volume, name), word,
			     ch->c->nt5 ? "fixboot" : "bootsect /nt60 SYS");
	return r;
}

/* ---- the first file ---- */

static int first_program(struct chain *ch, int volume, struct err *e)
{
	char from[400], reason[800], name[320];
	cleanup_free char *bytes = NULL;
	struct err why = { 0 };
	size_t len;

	if (chain_has(ch, volume, first_file(ch)))
		return 0;
	snprintf(from, sizeof from, "%s/Boot/PCAT/bootmgr", ch->c->dir);
	if (ch->c->nt5)
		err_set(&why, ERR_NOT_FOUND, "Windows keeps none");
	else if (!chain_read(ch, ch->c->volume, from, SIDEVOL_FILE_MAX, &bytes, &len, &why)) {
		snprintf(reason, sizeof reason, "/bootmgr of %s is missing; Windows' own copy is put "
			 "there", chain_name(ch, volume, name));
		return chain_put(ch, volume, "/bootmgr", bytes, len, e, reason);
	}
	plan_problem(ch->p, "%s of %s is missing, and there is no copy of it: %s", first_file(ch),
		     chain_name(ch, volume, name), why.msg);
	return 0;
}

static int plan_disk(struct chain *ch, int volume, struct err *e)
{
	const struct volume *x = &ch->c->volumes->v[volume];
	uint8_t sector[CHAIN_SECTOR];
	int r = dev_read(chain_disk(ch, x->disk)->dev, 0, sector, sizeof sector, e);

	if (!r)
		r = first_sector(ch, x->disk, sector, e);
	if (!r)
		r = mark_active(ch, volume, sector, e);
	if (!r)
		r = boot_sector(ch, volume, e);
	if (!r && volume != ch->c->volume)
		r = chain_hidden(ch, volume, e);
	return r ? r : first_program(ch, volume, e);
}

int chain_bios(struct chain *ch, struct err *e)
{
	const struct volumes *v = ch->c->volumes;
	const char *path = v->disk[v->v[ch->c->volume].disk].path;
	int system = find_system(ch), r;

	if (system < 0 && !strcmp(v->disk[v->v[ch->c->volume].disk].table, "gpt")) {
		plan_problem(ch->p, "The target starts by BIOS, and Windows starts from a disk with a GPT "
			     "(%s) by UEFI only: let the target start by UEFI", path);
		return 0;
	}
	if (system < 0) {
		plan_problem(ch->p, "%s has no primary partition that a BIOS could start Windows from",
			     path);
		return 0;
	}
	ch->system = system;
	r = plan_disk(ch, system, e);
	if (r)
		return r;
	return ch->c->nt5 ? chain_boot_ini(ch, system, e) : chain_store(ch, system, "/Boot/BCD", 0, e);
}
