/* edit-fstab.c: fstab(5) and crypttab(5): names that hardware chose become ones
 * that a volume carries itself. */
#include <string.h>
#include "drivers-inject/fstab.h"
#include "drivers-inject/linux/names.h"
#include "drivers-inject/linux/textfile.h"

static const char why[] = "names such as /dev/sda1 depend on the hardware; the "
			  "volume's own UUID doesn't";

static int has_systemd(const struct lin *l)
{
	return root_has_file(l->root, "/usr/lib/systemd/systemd") ||
	       root_has_file(l->root, "/lib/systemd/systemd");
}

/* What the guest does at boot about a line whose device isn't there. */
static const char *consequence(const struct lin *l, const struct fstab_line *f)
{
	int swap = !strcmp(f->field[FSTAB_TYPE], "swap");

	if (!has_systemd(l))
		return swap ? "booting goes on without it" :
			strcmp(f->field[5], "0") && *f->field[5] ?
			"checking it fails, and booting stops with a root shell; remove the line" :
			"it isn't mounted";
	if (swap)
		return "systemd waits 90 s for it (unless its options say otherwise) and goes "
		       "on without it; add nofail or remove the line";
	return "systemd waits 90 s for it (unless its options say otherwise) and then starts "
	       "the emergency shell; add nofail or remove the line";
}

static void warn_missing(const struct lin *l, struct plan *p, const struct fstab_line *f)
{
	if (text_said_enough(p))
		return;
	if (fstab_option(f->field[FSTAB_OPTIONS], "noauto") || fstab_option(f->field[FSTAB_OPTIONS], "nofail"))
		plan_note(p, "/etc/fstab: %s (%s) is no volume of this guest; the line is left "
			  "as it is, and booting doesn't need it", f->field[FSTAB_SPEC], f->field[FSTAB_DIR]);
	else if (!strcmp(f->field[FSTAB_DIR], "/"))
		plan_warn(p, "/etc/fstab: %s, the root file system, is no volume of this guest; "
			  "correct the line", f->field[FSTAB_SPEC]);
	else
		plan_warn(p, "/etc/fstab: %s (%s) is no volume of this guest: %s", f->field[FSTAB_SPEC],
			  strcmp(f->field[FSTAB_TYPE], "swap") ? f->field[FSTAB_DIR] : "swap",
			  consequence(l, f));
}

static const struct volume *fstab_volume(const struct lin_names *n, const struct fstab_line *f)
{
	const struct volume *v = lin_names_find(n, f->field[FSTAB_SPEC], f->field[FSTAB_TYPE]);

	/* where this tree lies is known without names */
	if (!v && !strcmp(f->field[FSTAB_DIR], "/"))
		v = n->l->root_volume;
	return v;
}

static void fstab_line(const struct lin_names *n, struct textfile *t)
{
	const struct volume *v;
	struct fstab_line f;
	char name[80];

	if (!fstab_parse(t->line, &f) || fstab_is_removable(&f) ||
	    fstab_option(f.field[FSTAB_OPTIONS], "bind") || fstab_option(f.field[FSTAB_OPTIONS], "rbind"))
		return;
	if (!volume_name_is_fragile(f.field[0]) && !lin_names_partuuid_gone(n, f.field[0])) {
		if (lin_names_gone(n, f.field[0]))
			warn_missing(n->l, t->p, &f);
		return;
	}
	v = fstab_volume(n, &f);
	if (!v)
		warn_missing(n->l, t->p, &f);
	else if (lin_names_stable(n, v, 0, name))
		text_splice(t, f.at[0], f.len[0], name);
	else
		plan_warn(t->p, "/etc/fstab: %s (%s) has no UUID of its own to be called by; the "
			  "line is left as it is and may name another volume on the new machine",
			  f.field[0], f.field[1]);
}

/* What is made anew at each boot has no UUID that stays. */
static int is_volatile(const struct fstab_line *f)
{
	return fstab_option(f->field[FSTAB_OPTIONS], "swap") || fstab_option(f->field[FSTAB_OPTIONS], "tmp") ||
	       fstab_option(f->field[FSTAB_OPTIONS], "tmp=") || fstab_option(f->field[FSTAB_OPTIONS], "plain") ||
	       !strncmp(f->field[2], "/dev/random", 11) ||
	       !strncmp(f->field[2], "/dev/urandom", 12) ||
	       !strncmp(f->field[2], "/dev/hw_random", 14);
}

static void crypttab_line(const struct lin_names *n, struct textfile *t)
{
	const struct volume *v;
	struct fstab_line f;
	char name[80];
	int anew;

	if (!fstab_parse(t->line, &f) || text_said_enough(t->p))
		return;
	/* DEVICE:/path, the key as a file on another volume */
	if (strstr(f.field[2], ":/"))
		*strstr(f.field[2], ":/") = 0;
	if (volume_name_is_fragile(f.field[2]))
		plan_warn(t->p, "/etc/crypttab: the key of %s lies on %s, a name that another "
			  "machine need not have", f.field[0], f.field[2]);
	if (!volume_name_is_fragile(f.field[1]) && !lin_names_partuuid_gone(n, f.field[1])) {
		if (lin_names_gone(n, f.field[1]))
			plan_warn(t->p, "/etc/crypttab: %s (%s) is no volume of this guest: it "
				  "can't be opened", f.field[1], f.field[0]);
		return;
	}
	anew = is_volatile(&f);
	v = lin_names_find(n, f.field[1], anew ? NULL : "crypto_LUKS");
	if (v && lin_names_stable(n, v, anew, name))
		text_splice(t, f.at[1], f.len[1], name);
	else
		plan_warn(t->p, "/etc/crypttab: %s (%s) %s; the line is left as it is", f.field[1],
			  f.field[0], v ? "has no id of its own to be called by" :
			  "is no volume of this guest");
}

static int edit(const struct lin_names *n, struct plan *p, const char *path,
		void (*line)(const struct lin_names *, struct textfile *), struct err *e)
{
	struct textfile t;
	int r = text_open(p, path, &t, e);

	if (r == 1) {
		while (text_next(&t))
			line(n, &t);
		r = text_commit(&t, e, "%s", why);
	}
	text_close(&t);
	return r;
}

int lin_plan_fstab(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		   struct err *e)
{
	struct lin_names n;
	int r = lin_names_load(l, p, &n, e);

	(void)w;
	if (r)
		return r;
	n.each_once = 1;
	r = edit(&n, p, "/etc/fstab", fstab_line, e);
	n.each_once = 0;
	if (!r)
		r = edit(&n, p, "/etc/crypttab", crypttab_line, e);
	lin_names_done(&n);
	return r;
}
