/* boot-embed.c: GRUB's boot.img and core.img into a disk, as grub-bios-setup
 * does: the guest's own where they fit, else made anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/boot-bios.h"

/* Bytes at the begin of a sector behind the MBR by which known programs mark
 * it as theirs (GRUB's embed_signatures). */
static const struct { const char *name, *bytes; size_t len; } foreign[] = {
	{ "FlexNet", "\xd4\x41\xa0\xf5\x03\x00\x03\x00", 8 },
	{ "FlexNet", "\xd8\x41\xa0\xf5\x02\x00\x02\x00", 8 },
	{ "HP Backup and Recovery Manager",
	  "\x70\x8a\x5d\x46\x35\xc5\x1b\x93\xae\x3d\x86\xfd\xb1\x55\x3e\xe0", 16 },
	{ "a HighPoint RAID controller", "ycgl", 4 },
	{ "an Acer registration utility", "GREGRegDone.Tag\x00", 16 },
};

/* Where core.img can go, in sectors of 512 bytes. */
struct place {
	uint64_t first, sectors;
	char what[64];
};

static int find_place(struct bios *s, struct place *ret, struct err *e)
{
	const struct part_table *t = s->table;
	uint64_t end = s->dev->size;

	if (s->dev->sector_size != GRUB_SECTOR || t->sector_size != GRUB_SECTOR)
		return err_set(e, ERR_UNSUPPORTED, "GRUB is started by a BIOS only from disks with "
			       "sectors of 512 bytes, %s has %u", s->disk->path, t->sector_size);
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *x = &t->parts[i];

		if (s->gpt && x->flags & PART_BIOS_BOOT) {
			*ret = (struct place){ x->start / GRUB_SECTOR, x->size / GRUB_SECTOR, "" };
			snprintf(ret->what, sizeof ret->what, "the BIOS boot partition %u", x->number);
			return 0;
		}
		if (x->start < end)
			end = x->start;
	}
	if (s->gpt)
		return err_set(e, ERR_UNSUPPORTED, "%s has a GPT without a BIOS boot partition, and "
			       "GRUB needs one to be started by a BIOS: make one of 1 MiB (type "
			       "21686148-6449-6E6F-744E-656564454649), or let the machine start by "
			       "UEFI", s->disk->path);
	*ret = (struct place){ 1, end / GRUB_SECTOR - 1, "the gap behind the first sector" };
	return 0;
}

/* The sectors where core.img goes hold nothing of another program. */
static int place_is_free(struct bios *s, const struct place *p, size_t len, struct err *e)
{
	cleanup_free uint8_t *buf = NULL;
	int r;

	if (len > p->sectors * GRUB_SECTOR)
		return err_set(e, ERR_UNSUPPORTED, "GRUB's core.img of %zu bytes does not fit into %s "
			       "of %s, %llu bytes", len, p->what, s->disk->path,
			       (unsigned long long)(p->sectors * GRUB_SECTOR));
	buf = malloc(len);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = dev_read(s->dev, p->first * GRUB_SECTOR, buf, len, e);
	for (size_t at = 0; !r && !s->gpt && at < len; at += GRUB_SECTOR)
		for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
			if (!memcmp(buf + at, foreign[i].bytes, foreign[i].len))
				return err_set(e, ERR_REFUSED, "sector %llu of %s, where GRUB would be "
					       "put, holds data of %s",
					       (unsigned long long)(p->first + at / GRUB_SECTOR),
					       s->disk->path, foreign[i].name);
	return r;
}

/* ---- the images ---- */

struct images {
	char *boot, *core;      /* malloc'd */
	size_t boot_len, core_len;
	int made;               /* core was made anew                        */
	const char *from;       /* for people                                */
};

/* The guest's own pair, if it is whole and looks for its /boot. */
static int own_images(struct bios *s, struct images *im)
{
	struct grub_content c;
	uint64_t core;

	im->from = "the guest's own";
	return bios_read_grub(s, "boot.img", GRUB_SECTOR, &im->boot, &im->boot_len) &&
	       im->boot_len == GRUB_SECTOR &&
	       grub_is_boot_sector((const uint8_t *)im->boot, &core) &&
	       bios_read_grub(s, "core.img", GRUB_CORE_MAX, &im->core, &im->core_len) &&
	       !grub_core_content((const uint8_t *)im->core, im->core_len, &c, NULL) &&
	       bios_points_here(s->b, &c);
}

static void images_done(struct images *im)
{
	free(im->boot);
	free(im->core);
	*im = (struct images){ 0 };
}

static int make_images(struct bios *s, struct images *im, struct err *e)
{
	struct grub_source src;
	uint64_t core;
	int r = grub_source_find(s->b, "i386-pc", &src, e);

	if (!r && src.live && boot_menu_is_bls(s->b))
		return err_set(e, ERR_UNSUPPORTED, "the guest has no GRUB for BIOS, and this live "
			       "system's does not read the guest's menu (BLS entries): install "
			       "grub2-pc in the guest before it is captured");
	if (!r)
		r = grub_source_read(s->b, &src, "boot.img", &im->boot, &im->boot_len, e);
	if (!r && (im->boot_len != GRUB_SECTOR ||
		   !grub_is_boot_sector((const uint8_t *)im->boot, &core)))
		r = err_set(e, ERR_CORRUPT, "%s/boot.img isn't GRUB's", src.dir);
	if (!r)
		r = grub_make(s->b, &src, "i386-pc", &im->core, &im->core_len, e);
	if (r)
		return r;
	im->made = 1;
	im->from = src.live ? "made from the files of this live system" :
		   "made anew from the guest's modules";
	if (!src.live || src.lean)
		return 0;
	plan_note(s->b->p, "the guest has no GRUB for BIOS: this system's was taken, with all "
		  "modules that a usual grub.cfg wants; install grub-pc in the guest so that "
		  "updates reach it");
	return 0;
}

/* The files that the guest's own grub-install would leave. */
static int keep_images(struct bios *s, const struct images *im, struct err *e)
{
	char dir[64], path[80];
	int r;

	snprintf(dir, sizeof dir, "%s/i386-pc", s->b->grub);
	if (!im->made || !root_has_dir(s->b->l->root, dir))
		return 0;
	snprintf(path, sizeof path, "%s/core.img", dir);
	r = plan_write(s->b->p, path, im->core, im->core_len, e,
		       "GRUB's core.img that is put into the disk");
	snprintf(path, sizeof path, "%s/boot.img", dir);
	return r ? r : plan_write(s->b->p, path, im->boot, im->boot_len, e,
				  "GRUB's boot.img that is put into the disk");
}

static const char *what_is_wrong(enum bios_code code)
{
	switch (code) {
	case BIOS_EMPTY:
		return "the disk's first sector has no boot code";
	case BIOS_OTHER:
		return "the code in the disk's first sector starts nothing: no partition is active";
	case BIOS_GRUB_BROKEN:
		return "GRUB's core.img on the disk is not whole";
	case BIOS_GRUB_ELSEWHERE:
		return "GRUB on the disk looks for /boot where it was before";
	default:
		return "boot code anew, as asked for";
	}
}

static int has_active(const struct part_table *t)
{
	unsigned int all = 0;

	for (size_t i = 0; i < t->n_parts; i++)
		all |= t->parts[i].flags;
	return (all & PART_ACTIVE) != 0;
}

static int put_images(struct bios *s, const struct images *im, enum bios_code code,
		      const struct place *p, struct err *e)
{
	cleanup_free uint8_t *core = NULL;
	cleanup_free char *text = NULL;
	uint8_t boot[GRUB_BOOT_CODE];
	size_t len;
	int r = grub_embed((const uint8_t *)im->boot, (const uint8_t *)im->core, im->core_len,
			   p->first, s->mbr, boot, &core, &len, e);

	if (r)
		return r;
	if (asprintf(&text, "%s: GRUB's boot.img; the partition table is kept", what_is_wrong(code)) < 0) {
		text = NULL;
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	r = bios_put(s, 0, boot, sizeof boot, e, text);
	free(text);
	text = NULL;
	if (!r && asprintf(&text, "%s: GRUB's core.img (%s) into %s", what_is_wrong(code), im->from,
			   p->what) < 0) {
		text = NULL;
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	if (!r)
		r = bios_put(s, p->first * GRUB_SECTOR, core, len, e, text);
	if (!r && !s->gpt && !has_active(s->table))
		plan_note(s->b->p, "no partition of %s is marked active; GRUB doesn't need it, but some "
			  "machines' BIOS starts only disks that have one", s->disk->path);
	return r ? r : keep_images(s, im, e);
}

int bios_install(struct bios *s, enum bios_code code, const char *why, int *ret_starts,
		 struct err *e)
{
	struct images im = { 0 };
	struct place p;
	struct err no = { 0 };
	int r = find_place(s, &p, &no);

	if (!r && !own_images(s, &im)) {
		images_done(&im);
		r = make_images(s, &im, &no);
	}
	if (!r)
		r = place_is_free(s, &p, (im.core_len + GRUB_SECTOR - 1) / GRUB_SECTOR * GRUB_SECTOR, &no);
	if (!r) {
		r = put_images(s, &im, code, &p, e);
		*ret_starts = !r;
	} else if (r != ERR_NOMEM) {
		plan_problem(s->b->p, "this target starts by BIOS: %s%s%s", *why ? why : "",
			     *why ? "; GRUB can't be put there: " : "", no.msg);
		r = 0;
	} else {
		err_set(e, r, "%s", no.msg);
	}
	images_done(&im);
	return r;
}
