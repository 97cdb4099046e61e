/* page-options.c: Capture: the image's name and options, and the summary. */
#include <stdio.h>
#include <string.h>
#include <ctype.h>
#include "tui/page.h"

/* Letters and digits of src in lower case, '-' for what is between. */
static void slug(const char *src, char *out, size_t size)
{
	size_t at = 0;

	for (; *src && at + 1 < size; src++) {
		unsigned char c = (unsigned char)*src;

		if (c < 0x80 && isalnum(c))
			out[at++] = (char)tolower(c);
		else if (at && out[at - 1] != '-')
			out[at++] = '-';
	}
	while (at && out[at - 1] == '-')
		at--;
	out[at] = 0;
}

/* The captured machine's name: what its system calls itself, its product
 * name, its first disk's model. */
static void machine_slug(const struct wiz *w, char *out, size_t size)
{
	const struct model_disk *d = NULL;

	out[0] = 0;
	if (w->job.ndisks)
		d = model_find(&w->disks, w->job.disks[0]);
	for (size_t i = 0; d && !out[0] && i < d->nsystems; i++)
		slug(d->systems[i].hostname, out, size);
	if (!out[0])
		slug(w->machine, out, size);
	if (!out[0] && d)
		slug(d->model, out, size);
	if (!out[0])
		snprintf(out, size, "machine");
}

/* Is there an image, or for several disks a directory, of this name? */
static bool taken(const struct wiz *w, const char *name)
{
	char file[TEXT_MAX + 8];

	snprintf(file, sizeof file, "%s.rhi", name);
	for (size_t i = 0; w->job.ndisks < 2 && i < w->place.nimages; i++)
		if (!strcmp(w->place.images[i].name, file))
			return true;
	for (size_t i = 0; w->job.ndisks > 1 && i < w->place.ndirs; i++)
		if (!strcmp(w->place.dirs[i], name))
			return true;
	return false;
}

/* On FAT, but only once: it may be switched off. */
static void propose_split(struct wiz *w)
{
	const char *part = w->job.place.dev.part.s;
	const struct model_disk *d;
	const struct model_part *p = w->job.place.kind != PLACE_DEV ? NULL :
		model_find_part(&w->disks, part, &d);

	if (p && wiz_is_fat(p->fs)) {
		if (strcmp(w->split_for, part))
			w->job.split = SPLIT_FAT;
		memcpy(w->split_for, part, sizeof w->split_for);
		return;
	}
	if (w->split_for[0] && w->job.split == SPLIT_FAT)
		w->job.split = SPLIT_NO;
	w->split_for[0] = 0;
}

/* A new image of this name would overwrite what was captured of another. */
static bool interrupted(const struct wiz *w, const char *name)
{
	char file[TEXT_MAX + 8];

	snprintf(file, sizeof file, "%s.rhi", name);
	for (size_t i = 0; i < w->place.ncuts; i++)
		if (!strcmp(w->place.cuts[i].name, file))
			return true;
	return false;
}

static void propose_name(struct wiz *w)
{
	char machine[48], name[TEXT_MAX];

	if (w->job.name.s[0] && strcmp(w->job.name.s, w->name_default))
		return;         /* the user's own */
	machine_slug(w, machine, sizeof machine);
	snprintf(name, sizeof name, "%s-%s", machine, w->today);
	for (int i = 2; (taken(w, name) || interrupted(w, name)) && i < 1000; i++)
		snprintf(name, sizeof name, "%s-%s-%d", machine, w->today, i);
	text_put(&w->job.name, name);
	memcpy(w->name_default, name, sizeof name);
}

void wiz_propose_options(struct wiz *w)
{
	propose_name(w);
	propose_split(w);
}

static const char *name_wrong(const struct wiz *w)
{
	const char *s = w->job.name.s;

	if (!s[0])
		return "Type a name for the image.";
	if (strpbrk(s, "/\\:*?\"<>|"))
		return "A name can't hold any of / \\ : * ? \" < > |";
	if (s[0] == '.' || s[0] == '-' || s[0] == ' ')
		return "A name can't begin with a dot, a hyphen or a blank.";
	if (strlen(s) > 200)
		return "The name is too long.";
	if (taken(w, s))
		return "An image of this name is there already: choose another name.";
	return NULL;
}

static const char *const page_files[] = { "left out", "kept", NULL };

static const struct field fields[] = {
	FIELD(FIELD_TEXT, "Image name", job.name,
	      "The file will be called NAME.rhi; for several disks a directory of this "
	      "name is made."),
	{ FIELD_CHOICE, "Compression", offsetof(struct wiz, job.level),
	  "Fast for slow processors and fast networks, small where room is short. "
	  "Space changes it.", level_names },
	FIELD(FIELD_CHECK, "Verify afterwards", job.verify,
	      "Reads the whole image back and checks it. Space changes it."),
	{ FIELD_CHOICE, "Windows page files", offsetof(struct wiz, job.page_files),
	  "Page and hibernation files of Windows are made anew by it: leaving them out "
	  "saves room. Space changes it.", page_files },
	{ FIELD_CHOICE, "Split into files of", offsetof(struct wiz, job.split),
	  "FAT holds files of up to 4095M, a CD 700M. They must stay together. Space "
	  "changes it.", split_names },
	FIELD(FIELD_CHECK, "Encrypt", job.encrypt,
	      "With a passphrase, which is asked for on a page of its own. Space changes it."),
	FIELD(FIELD_CHECK, "Equal data once", job.dedup,
	      "Stores what is on the disk several times only once: for disks with copies of "
	      "virtual machines, say. Space changes it."),
};

static enum wiz_act options_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	const char *why;

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	why = name_wrong(w);
	if (why) {
		w->cur[P_OPTIONS] = 0;
		return wiz_beep(w, "%s", why);
	}
	return wiz_options_next(w);
}

enum wiz_act wiz_options_next(struct wiz *w)
{
	enum wiz_page seal = w->job.resume ? P_SECRET : P_SEAL; /* a new one twice */

	if (w->page == P_OPTIONS || w->page == P_CUT) {
		wiz_bases_shown(w);
		if (wiz_bases(w) && (w->page == P_OPTIONS || w->cut_based))
			return wiz_go(w, P_BASE);
	}
	if (w->page != seal && w->job.encrypt) {
		w->cur[seal] = 0;
		return wiz_go(w, seal);
	}
	return wiz_go(w, P_SUMMARY);
}

static void options_draw(const struct wiz *w, struct canvas *c)
{
	draw_form(w, c, draw_lead(c, "The image's name, and how it is made:"));
}

const struct page page_options = {
	.title = "options", .in_job = true, .fields = fields,
	.nfields = sizeof fields / sizeof *fields, .event = options_event,
	.draw = options_draw,
	.keys = "Tab/Up/Down Field   Space Change   Enter Continue   Esc Back   F1 Help",
	.help = "Balanced compression is right in most cases.\n\n"
		"Verify afterwards reads the image back from the place and compares "
		"every part with its checksum: about as long again as reading the image "
		"takes.\n\n"
		"Windows' page file (pagefile.sys, swapfile.sys) and hibernation file "
		"(hiberfil.sys) hold nothing that lasts, unless Windows is hibernated "
		"now: then shut it down properly first.\n\n"
		"A split image is NAME.rhi, NAME.rhi.001 and so on; keep them together.\n\n"
		"If an older image of this disk is in the place, the next page asks "
		"whether only the differences are to be stored.",
};

static enum wiz_act summary_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev == EV_NEXT)
		return wiz_job_begin(w);
	return ACT_DEFAULT;
}

/* Disks that say that they are failing. */
static int draw_failing(const struct wiz *w, struct canvas *c, int y)
{
	const struct model_disk *d, *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < w->job.ndisks; i++) {
		d = model_find(&w->disks, w->job.disks[i]);
		if (!d || !d->failing)
			continue;
		first = first ? first : d;
		n++;
	}
	if (!first)
		return y;
	return n > 1 ? draw_fact(c, y, "Attention", "%zu of these disks say that they are failing", n) :
		draw_fact(c, y, "Attention", "%s says that it is failing%s%.120s", model_name(first->path),
			  first->complaints[0] ? ": " : "", first->complaints);
}

static void summary_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, w->job.resume ? "Ready. Enter goes on with the capture; the disk is only read." :
			  "Ready. Enter starts the capture; the disks are only read.");
	char url[JOB_URL_MAX], size[32];

	for (size_t i = 0; i < w->job.ndisks; i++) {
		const struct model_disk *d = model_find(&w->disks, w->job.disks[i]);

		if (!d)
			continue;
		text_bytes(size, d->size);
		if (y > body_last(c) - 14 && i + 1 < w->job.ndisks) {
			y = draw_fact(c, y, "", "and %zu more", w->job.ndisks - i);
			break;
		}
		y = draw_fact(c, y, i ? "" : "Disks", "%s  %s  %s  %s",
			      model_name(d->path), size, d->model, d->serial);
		if (job_only(&w->job, d->path))
			y = draw_fact(c, y, "", "only these partitions: %s", job_only(&w->job, d->path));
	}
	y = draw_failing(w, c, y);
	job_place_url(&w->job.place, "", url);
	y = draw_fact(c, y, "Place", "%s", url);
	y = draw_fact(c, y, "Image", "%s%s", w->job.name.s,
		      w->job.ndisks > 1 ? "/, one image for each disk" : ".rhi");
	y = draw_fact(c, y, "Compression", "%s", level_names[w->job.level]);
	y = draw_fact(c, y, "Verify", "%s", w->job.verify ? "yes, afterwards" : "no");
	y = draw_fact(c, y, "Page files", "%s", page_files[w->job.page_files]);
	if (w->job.split)
		y = draw_fact(c, y, "Split", "into files of %s", split_names[w->job.split]);
	if (w->job.encrypt)
		y = draw_fact(c, y, "Encrypted", "yes; without the passphrase nobody can read it");
	if (w->job.dedup)
		y = draw_fact(c, y, "Equal data", "stored once");
	if (w->job.base[0])
		draw_fact(c, y, "Base", "%s: what differs from it is stored", w->job.base);
}

const struct page page_summary = {
	.title = "summary", .in_job = true, .event = summary_event, .draw = summary_draw,
	.keys = "Enter Start the capture   Esc Back   F1 Help",
	.help = "This is what will be done. Esc leads back to change it.\n\n"
		"The capture can be stopped at any time; what was captured by then is kept, "
		"and offered when the disk is captured to this place again.",
};
