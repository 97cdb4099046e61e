/* chain-uefi.c: what a UEFI firmware starts: the EFI system partition (ESP), Windows'
 * boot manager there, and the fallback program that a machine starts which has no entry
 * for it: the firmware's own list of entries does not travel with a disk. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/efi.h"
#include "drivers-inject/windows/chain-int.h"

#define MANAGER "/EFI/Microsoft/Boot/bootmgfw.efi"

/* ---- the ESP ---- */

/* 0: none; the more the better. */
static int esp_score(struct chain *ch, int volume)
{
	const struct volume *x = &ch->c->volumes->v[volume];
	const struct partition *part = chain_part(ch, volume);
	struct sidevol *s = part ? chain_side(ch, volume) : NULL;
	int flagged = part && part->flags & PART_ESP;

	if (!s || s->tree->ops != &tree_fat || !(flagged || chain_has(ch, volume, MANAGER)))
		return 0;
	return 1 + 8 * chain_has(ch, volume, MANAGER) +
	       4 * (x->disk == ch->c->volumes->v[ch->c->volume].disk) +
	       2 * flagged;
}

static int find_esp(struct chain *ch)
{
	int best = 0, found = -1;

	for (size_t i = 0; i < ch->c->volumes->n; i++) {
		int n = esp_score(ch, (int)i);

		if (n > best) {
			best = n;
			found = (int)i;
		}
	}
	return found;
}

/* ---- programs ---- */

/* A program that is missing comes from the copies that Windows keeps.  must: else it
 * can't start. */
static int put_program(struct chain *ch, int esp, const char *name, int must, struct err *e)
{
	char to[128], from[400], reason[800], vol[320];
	cleanup_free char *bytes = NULL;
	struct err why = { 0 };
	size_t len;
	int r;

	snprintf(to, sizeof to, "/EFI/Microsoft/Boot/%s", name);
	if (chain_has(ch, esp, to))
		return 0;
	snprintf(from, sizeof from, "%s/Boot/EFI/%s", ch->c->dir, name);
	r = chain_read(ch, ch->c->volume, from, SIDEVOL_FILE_MAX, &bytes, &len, &why);
	if (r && must)
		plan_problem(ch->p, "%s of %s is missing, and Windows' own copy can't be read: %s", to,
			     chain_name(ch, esp, vol), why.msg);
	if (r)
		return 0;
	snprintf(reason, sizeof reason, "%s of %s is missing; Windows' own copy is put there", to,
		 chain_name(ch, esp, vol));
	return chain_put(ch, esp, to, bytes, len, e, reason);
}

static const char *fallback_name(const char *arch)
{
	static const struct { const char *arch, *name; } names[] = {
		{ "x64", "BOOTX64.EFI" }, { "x86", "BOOTIA32.EFI" }, { "arm64", "BOOTAA64.EFI" },
		{ "arm", "BOOTARM.EFI" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(arch, names[i].arch))
			return names[i].name;
	return NULL;
}

/* What stands at the fallback's place is another system's: left alone, it may be the
 * only way to that. */
static void leave_fallback(struct chain *ch, const char *path)
{
	plan_warn(ch->p, "%s on the EFI system partition is not Windows' boot manager and was left "
		  "alone: a machine that has no entry for Windows in its firmware starts that; "
		  "choose Windows there, or make an entry for %s", path, MANAGER);
}

static int fallback(struct chain *ch, int esp, struct err *e)
{
	const char *name = fallback_name(ch->c->arch);
	cleanup_free char *manager = NULL, *now = NULL;
	size_t len, have;
	char path[64];

	if (!name || chain_read(ch, esp, MANAGER, SIDEVOL_FILE_MAX, &manager, &len, NULL))
		return 0; /* told already */
	snprintf(path, sizeof path, "/EFI/BOOT/%s", name);
	if (!chain_read(ch, esp, path, SIDEVOL_FILE_MAX, &now, &have, NULL)) {
		if (have == len && !memcmp(now, manager, len))
			return 0;
		if (have && efi_kind((const uint8_t *)now, have, NULL) != EFI_WINDOWS) {
			leave_fallback(ch, path);
			return 0;
		}
		return chain_put(ch, esp, path, manager, len, e, "The fallback boot program is an older "
				 "boot manager of Windows than the one that is installed");
	}
	return chain_put(ch, esp, path, manager, len, e, "A machine whose firmware has no entry for "
			 "Windows starts the fallback program, and there is none: Windows' boot "
			 "manager is copied there");
}

/* ---- the table ---- */

/* Windows' loaders stop at a blank entry of a GPT. */
static void blank_entries(struct chain *ch)
{
	const struct partition *mine = chain_part(ch, ch->c->volume);
	const struct chain_disk *d = chain_disk(ch, ch->c->volumes->v[ch->c->volume].disk);
	unsigned int before = 0;

	if (!mine || !d->table || strcmp(d->table->kind, "gpt"))
		return;
	for (size_t i = 0; i < d->table->n_parts; i++)
		before += d->table->parts[i].number < mine->number;
	if (before + 1 < mine->number)
		plan_warn(ch->p, "The partition table has %u blank entr%s before Windows' partition "
			  "%u: some Windows stop with 0x7B then; sort the entries (sgdisk --sort)",
			  mine->number - 1 - before, mine->number - 1 - before == 1 ? "y" : "ies",
			  mine->number);
}

int chain_uefi(struct chain *ch, struct err *e)
{
	int esp = find_esp(ch), r;

	blank_entries(ch);
	if (ch->c->nt5) {
		plan_problem(ch->p, "The target starts by UEFI, and this Windows only by BIOS: let the "
			     "target start by BIOS (legacy, CSM)");
		return 0;
	}
	if (esp < 0) {
		plan_problem(ch->p, "The target starts by UEFI, and there is no EFI system partition on "
			     "the disks of this Windows: let the target start by BIOS (legacy, CSM)");
		return 0;
	}
	ch->system = esp;
	r = put_program(ch, esp, "bootmgfw.efi", 1, e);
	if (!r)
		r = put_program(ch, esp, "memtest.efi", 0, e);
	if (!r)
		r = fallback(ch, esp, e);
	if (!r)
		r = chain_store(ch, esp, "/EFI/Microsoft/Boot/BCD", 1, e);
	return r ? r : chain_store_maybe(ch, esp, "/EFI/Microsoft/Recovery/BCD", e);
}
