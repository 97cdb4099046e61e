/* chain-bcd.c: a boot configuration on a volume: its old ids become new ones; one that
 * is gone or can't be read is made anew from the template that Windows has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/windows/chain-int.h"

#define OS_DEVICE 0x21000001

struct store {
	struct chain *ch;
	int volume;             /* where it lies                             */
	const char *path;
	char *bytes;            /* the file                                  */
	size_t len;
	struct hive *h;
	struct bcd b;
};

static void store_done(struct store *s)
{
	free(s->bytes);
	hive_close(s->h);
	bcd_done(&s->b);
}

/* ERR_NOT_FOUND: none there.  ERR_CORRUPT: it can't be used. */
static int store_open(struct store *s, struct err *e)
{
	struct sidevol *side = chain_side(s->ch, s->volume);
	struct err lost = { 0 };
	int r = chain_read(s->ch, s->volume, s->path, CHAIN_BCD_MAX, &s->bytes, &s->len, e);

	if (r)
		return r;
	r = hive_open_edit(side->tree, s->path, 0, &s->h, e);
	/* what was changed last is less than that Windows starts */
	if (r == ERR_REFUSED) {
		lost = *e;
		r = hive_open_edit(side->tree, s->path, 1, &s->h, e);
	}
	if (!r)
		r = bcd_read(s->h, s->path, &s->b, e);
	if (!r && lost.code)
		plan_warn(s->ch->p, "The last changes of the boot menu may be lost: %s", lost.msg);
	return r;
}

/* ---- what it says now ---- */

/* The volume that an element of the object names; -1: none that is there, -2: it names
 * none by an id (the boot device, a search). */
static int volume_of(const struct store *s, const struct bcd_object *o, uint32_t element)
{
	const struct volumes *v = s->ch->c->volumes;
	int found = -2;

	for (size_t i = 0; i < s->b.n_uses; i++) {
		const struct bcd_use *u = &s->b.use[i];
		const struct part_id *now = id_map_find(&s->ch->map, &u->id);
		const struct volume *x;

		if (&s->b.v[u->object] != o || u->element != element)
			continue;
		x = part_id_volume(v, now ? now : &u->id);
		found = x ? (int)(x - v->v) : -1;
	}
	return found;
}

/* 1: it runs from a RAM disk (the recovery environment) or a virtual disk. */
static int is_nested(const struct store *s, const struct bcd_object *o)
{
	for (size_t i = 0; i < s->b.n_uses; i++)
		if (&s->b.v[s->b.use[i].object] == o && s->b.use[i].element == OS_DEVICE &&
		    s->b.use[i].at != BCD_DEVICE_AT)
			return 1;
	return 0;
}

/* An entry of the menu, for people. */
static void tell_loader(const struct store *s, const struct bcd_object *o)
{
	int volume = volume_of(s, o, OS_DEVICE);
	char text[480], name[320];

	bcd_object_text(o, text, sizeof text);
	if (volume >= 0)
		plan_note(s->ch->p, "Windows' boot menu has %s on %s%s", text,
			  chain_name(s->ch, volume, name),
			  strcasecmp(o->id, s->b.standard) ? "" : ", which starts by itself");
	else
		plan_note(s->ch->p, "Windows' boot menu has %s; its partition isn't there", text);
}

/* Does what starts by itself lead to this Windows? */
static void judge(const struct store *s, const struct bcd_object *mine, int uefi)
{
	struct chain *ch = s->ch;
	const struct bcd_object *o = bcd_find(&s->b, s->b.standard);
	char text[480], name[320];
	size_t n = mine ? strlen(mine->path) : 0;
	int volume;

	if (!mine) {
		plan_problem(ch->p, "The boot menu in %s of %s has no entry for this Windows: start its "
			     "repair from Windows' medium, or remove the file and run adapt again, "
			     "which makes a new one", s->path, chain_name(ch, s->volume, name));
		return;
	}
	bcd_object_text(mine, text, sizeof text);
	if (n > 4 && strcasecmp(mine->path + n - 4, uefi ? ".efi" : ".exe"))
		plan_problem(ch->p, "The entry %s of the boot menu starts this Windows by %s, which the "
			     "target doesn't have", text, uefi ? "BIOS" : "UEFI");
	volume = o ? volume_of(s, o, OS_DEVICE) : -1;
	if (o && volume == -1) {
		bcd_object_text(o, text, sizeof text);
		plan_problem(ch->p, "The boot menu in %s of %s starts %s by itself, and its partition "
			     "isn't there", s->path, chain_name(ch, s->volume, name), text);
	}
}

static void tell(const struct store *s, int uefi)
{
	const struct bcd_object *mine = NULL;
	char dir[256];

	chain_windows_dir(s->ch, dir);
	for (size_t i = 0; i < s->b.n; i++) {
		const struct bcd_object *o = &s->b.v[i];

		if (o->kind != BCD_LOADER)
			continue;
		tell_loader(s, o);
		/* "LOCATE" and the like name no partition */
		if (is_nested(s, o) || strncasecmp(o->path, dir, strlen(dir)) || o->path[strlen(dir)] != '\\')
			continue;
		if (volume_of(s, o, OS_DEVICE) == s->ch->c->volume ||
		    (volume_of(s, o, OS_DEVICE) == -2 && !mine))
			mine = o;
	}
	judge(s, mine, uefi);
}

/* ---- new ids ---- */

/* The hive as a whole: it was completed from its logs, so its bytes moved. */
static int save_whole(struct store *s, struct err *e)
{
	cleanup_close int fd = -1;
	char *bytes = malloc(CHAIN_BCD_MAX);
	size_t len;
	int n, r = bytes ? hive_save(s->h, &fd, e) : err_set(e, ERR_NOMEM, "out of memory");

	if (!r && (n = io_read_full(fd, bytes, CHAIN_BCD_MAX, &len)))
		r = err_sys(e, n, "%s in memory", s->path);
	if (r) {
		free(bytes);
		return r;
	}
	free(s->bytes);
	s->bytes = bytes;
	s->len = len;
	return 0;
}

static int rename_ids(struct store *s, struct err *e)
{
	int dirty = hive_dirty(s->h);
	char reason[600], name[320];
	size_t n = 0;
	int r = bcd_rename(&s->b, s->h, &s->ch->map, dirty ? NULL : (uint8_t *)s->bytes, s->len, &n, e);

	if (!r && n && dirty)
		r = save_whole(s, e);
	if (r || !n)
		return r;
	snprintf(reason, sizeof reason, "The boot configuration %s of %s names partitions by ids that "
		 "they don't have any more, in %zu place%s", s->path,
		 chain_name(s->ch, s->volume, name), n, n == 1 ? "" : "s");
	return chain_put(s->ch, s->volume, s->path, s->bytes, s->len, e, reason);
}

/* ---- a new store ---- */

static int make_store(struct chain *ch, int volume, const char *path, int uefi, const char *why,
		      struct err *e)
{
	const struct volumes *v = ch->c->volumes;
	struct part_id system, windows;
	cleanup_free char *template = NULL, *bytes = NULL;
	char from[320], dir[256], name[320], reason[1600];
	struct err other = { 0 };
	size_t len;
	int r;

	snprintf(from, sizeof from, "%s/System32/config/BCD-Template", ch->c->dir);
	r = chain_read(ch, ch->c->volume, from, CHAIN_BCD_MAX, &template, &len, &other);
	if (!r && (!part_id_of(v, &v->v[volume], &system) ||
		   !part_id_of(v, &v->v[ch->c->volume], &windows)))
		r = err_set(&other, ERR_NOT_FOUND, "the partitions have no ids");
	chain_windows_dir(ch, dir);
	if (!r)
		r = bcd_make(template, len, &system, &windows, dir, uefi, "Windows", &bytes, &len, &other);
	if (r == ERR_NOMEM)
		return err_set(e, r, "%s", other.msg);
	if (r) {
		plan_problem(ch->p, "%s %s, and a new one can't be made: %s; start the repair from "
			     "Windows' medium (bcdboot)", path, why, other.msg);
		return 0;
	}
	snprintf(reason, sizeof reason, "%.400s of %s %.400s: a new one, from %s", path,
		 chain_name(ch, volume, name), why, from);
	r = chain_put(ch, volume, path, bytes, len, e, reason);
	if (!r)
		plan_note(ch->p, "%s is made anew: the menu has this Windows alone, without the recovery "
			  "environment (reagentc /enable in Windows brings that back)", path);
	return r;
}

static int use_store(struct store *s, int uefi, struct err *e)
{
	int r = chain_derive(s->ch, s->volume, &s->b, e);

	if (!r)
		r = rename_ids(s, e);
	if (!r)
		tell(s, uefi);
	return r;
}

int chain_store(struct chain *ch, int volume, const char *path, int uefi, struct err *e)
{
	struct store s = { .ch = ch, .volume = volume, .path = path };
	struct err why = { 0 };
	char name[320];
	int r = store_open(&s, &why);

	if (!r)
		r = use_store(&s, uefi, e);
	else if (r == ERR_NOT_FOUND)
		r = make_store(ch, volume, path, uefi, "is missing", e);
	else if (r == ERR_CORRUPT)
		r = make_store(ch, volume, path, uefi, why.msg, e);
	else if (r == ERR_NOMEM || r == ERR_IO)
		r = err_set(e, r, "%s", why.msg);
	else {
		plan_problem(ch->p, "The boot configuration %s of %s can't be looked at: %s", path,
			     chain_name(ch, volume, name), why.msg);
		r = 0;
	}
	store_done(&s);
	return r;
}

int chain_store_maybe(struct chain *ch, int volume, const char *path, struct err *e)
{
	struct store s = { .ch = ch, .volume = volume, .path = path };
	struct err why = { 0 };
	char name[320];
	int r = store_open(&s, &why);

	if (!r)
		r = chain_derive(ch, volume, &s.b, e);
	else if (r == ERR_NOMEM || r == ERR_IO)
		r = err_set(e, r, "%s", why.msg);
	else if (r == ERR_NOT_FOUND)
		r = 0;
	else {
		plan_warn(ch->p, "The boot configuration %s of %s can't be looked at: %s", path,
			  chain_name(ch, volume, name), why.msg);
		r = 0;
	}
	if (!r && s.b.v)
		r = rename_ids(&s, e);
	store_done(&s);
	return r;
}
