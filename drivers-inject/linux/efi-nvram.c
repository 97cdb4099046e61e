/* efi-nvram.c: entries in the firmware's boot list, by efibootmgr(8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/run.h"
#include "drivers-inject/linux/efi.h"
#include "drivers-inject/linux/nvram.h"

#define EFIBOOTMGR_SECONDS 60   /* some firmware takes seconds for a variable */
#define LIST_MAX 65536          /* bytes of its list                         */

/* What an entry is known by: its data is "efi-entry GUID FILE LABEL". */
struct nvram {
	char disk[256], part[16];
	char guid[64];          /* as the list writes it                     */
	char file[300];         /* "\EFI\debian\shimx64.efi"                 */
	char label[128];
};

static int run(const char *const *argv, char **ret, struct err *e)
{
	struct run_spec spec = { .argv = argv, .timeout_s = EFIBOOTMGR_SECONDS, .out_max = LIST_MAX };
	struct run_result res;
	int r = run_program(&spec, &res, e);

	if (r)
		return r;
	if (res.status)
		r = err_set(e, ERR_IO, "efibootmgr failed with status %d: %.300s", res.status, res.err);
	else if (ret && !(*ret = strdup(res.out ? res.out : "")))
		r = err_set(e, ERR_NOMEM, "out of memory");
	run_result_done(&res);
	return r;
}

static int list(char **ret, struct err *e)
{
	static const char *const argv[] = { "efibootmgr", "-v", NULL };

	return run(argv, ret, e);
}

/* Calls of strsep over the list: "Boot0001* debian\tHD(1,GPT,...)/File(\EFI...)".
 * 1: the line is an entry for the file; *number its four digits.  label NULL: any. */
static int is_entry(const char *line, const struct nvram *n, const char *label, char number[5])
{
	const char *tab = strchr(line, '\t');
	size_t len = label ? strlen(label) : 0;

	if (sscanf(line, "Boot%4[0-9A-Fa-f]", number) != 1 || strlen(number) != 4)
		return 0;
	if (label && (!tab || strlen(line) < 10 || strncmp(line + 10, label, len) ||
		      line + 10 + len != tab))
		return 0;
	return strcasestr(line, n->guid) && strcasestr(line, n->file);
}

/* 1: there is one */
static int find(char *text, const struct nvram *n, const char *label, char number[5])
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (is_entry(line, n, label, number))
			return 1;
	return 0;
}

static int create(const struct nvram *n, struct err *e)
{
	const char *argv[] = { "efibootmgr", "--create", "--disk", n->disk, "--part", n->part,
			       "--loader", n->file, "--label", n->label, NULL };
	int r = run(argv, NULL, e);

	return r ? err_prefix(e, "a boot entry of the firmware for %s could not be made", n->file) : 0;
}

static int take_back(const struct nvram *n, struct err *e)
{
	cleanup_free char *text = NULL;
	char number[5];
	const char *argv[] = { "efibootmgr", "--delete-bootnum", "--bootnum", number, NULL };
	int r = list(&text, e);

	if (r || !find(text, n, n->label, number))
		return r;
	return run(argv, NULL, e);
}

static int act(void *ctx, int undo, struct err *e)
{
	return undo ? take_back(ctx, e) : create(ctx, e);
}

int lin_nvram_undo(const char *data, struct err *e)
{
	struct nvram n = { 0 };

	if (sscanf(data, "efi-entry %63s %299s %127[^\n]", n.guid, n.file, n.label) != 3)
		return err_set(e, ERR_CORRUPT, "no boot entry that could be taken back: %.100s", data);
	return take_back(&n, e);
}

/* 0: what the entry needs is known. */
static int describe(struct esp *s, const struct efi_loader *l, struct nvram *n)
{
	const struct volumes *v = s->b->l->volumes;
	const struct volume *x = s->vol;

	if (x->disk < 0 || (size_t)x->disk >= v->n_disks || x->part < 1 || !*x->partuuid)
		return -1;
	snprintf(n->disk, sizeof n->disk, "%s", v->disk[x->disk].path);
	snprintf(n->part, sizeof n->part, "%d", x->part);
	/* of an MBR: "1abd15c0-01", in the list HD(1,MBR,0x1abd15c0,...) */
	if (strlen(x->partuuid) == 11)
		snprintf(n->guid, sizeof n->guid, "0x%.8s", x->partuuid);
	else
		snprintf(n->guid, sizeof n->guid, "%.63s", x->partuuid);
	snprintf(n->file, sizeof n->file, "\\EFI\\%.128s\\%.128s", l->dir, l->file);
	snprintf(n->label, sizeof n->label, "%.60s", l->kind == EFI_UKI ? s->b->l->id : l->dir);
	return strpbrk(n->file, " \t") ? -1 : 0;
}

static int add_edit(struct esp *s, struct nvram *n, struct err *e)
{
	struct edit *d = plan_add(s->b->p, EDIT_ACTION, n->file, "the firmware has no boot entry for "
				  "this system's loader: efibootmgr makes one named %s", n->label);

	if (!d) {
		free(n);
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	}
	d->ctx = n;
	d->ctx_free = free;
	d->act = act;
	d->optional = 1;
	if (asprintf(&d->data, "efi-entry %s %s %s", n->guid, n->file, n->label) < 0) {
		d->data = NULL;
		return err_set(e, ERR_NOMEM, "out of memory for the plan");
	}
	d->len = strlen(d->data);
	return 0;
}

int efi_nvram_plan(struct esp *s, const struct efi_loader *l, const char *efivars, struct err *e)
{
	struct nvram *n = calloc(1, sizeof *n);
	cleanup_free char *text = NULL;
	struct err why = { 0 };
	char number[5];

	if (!n)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (access(efivars, F_OK)) {
		plan_warn(s->b->p, "this machine wasn't started by UEFI, so no boot entry can be made for "
			  "EFI/%s/%s: what it starts is EFI/BOOT/%s", l->dir, l->file, s->a->fallback);
	} else if (describe(s, l, n)) {
		plan_warn(s->b->p, "no boot entry is made: it isn't known on which partition the EFI "
			  "system partition lies");
	} else if (list(&text, &why)) {
		plan_warn(s->b->p, "no boot entry is made: %s", why.msg);
	} else if (!find(text, n, NULL, number)) {
		return add_edit(s, n, e);
	}
	free(n);
	return 0;
}
