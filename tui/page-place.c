/* page-place.c: where images are: what kind of place, and its address. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

static const struct {
	const char *name, *what;
} kinds[] = {
	{ "Local disk or USB", "A partition of another disk or of a USB stick." },
	{ "SMB share", "A share of Windows, of Samba or of a NAS." },
	{ "NFS export", "A directory exported by a Unix server or a NAS." },
};

static int place_rows(const struct wiz *w)
{
	(void)w;
	return 3;
}

static enum wiz_act place_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	int *cur = &w->cur[P_PLACE];

	if (ev == EV_CHAR && arg >= '1' && arg <= '3') {
		*cur = arg - '1';
		ev = EV_NEXT;
	}
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	w->job.place.kind = (enum place_kind)*cur;
	if (w->job.place.kind == PLACE_DEV)
		return wiz_task_start(w, T_DISKS);
	return wiz_go(w, w->job.place.kind == PLACE_SMB ? P_SMB : P_NFS);
}

static void place_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, w->job.kind == JOB_CAPTURE ?
			  "Where shall the image be written?" :
			  w->job.kind == JOB_LOGS ? "Where shall the logs be saved?" :
			  "Where is the image?");

	for (int i = 0; i < 3; i++) {
		int attr = draw_mark(c, y, i == w->cur[P_PLACE]);

		canvas_printf(c, y++, BODY_LEFT + 2, attr, "%d  %s", i + 1, kinds[i].name);
	}
	canvas_text(c, y + 1, BODY_LEFT + 5, CELL_PLAIN, kinds[w->cur[P_PLACE]].what);
}

const struct page page_place = {
	.title = "place", .in_job = true, .rows = place_rows, .event = place_event,
	.draw = place_draw, .keys = "Up/Down Move   Enter Continue   Esc Back   F1 Help",
	.help = "For a share or an export this machine needs an address in the network: "
		"see Network settings in the main menu. Nothing is mounted before you "
		"have given its address, and it is unmounted when the job has ended.",
};

/* The i-th partition of all disks that has a file system or could have one. */
static const struct model_part *part_at(const struct wiz *w, int i,
					const struct model_disk **ret_disk)
{
	for (size_t k = 0; k < w->disks.n; k++) {
		const struct model_disk *d = &w->disks.d[k];

		if (i < (int)d->nparts) {
			*ret_disk = d;
			return &d->parts[i];
		}
		i -= (int)d->nparts;
	}
	return NULL;
}

static int part_rows(const struct wiz *w)
{
	size_t n = 0;

	for (size_t k = 0; k < w->disks.n; k++)
		n += w->disks.d[k].nparts;
	return (int)n;
}

static bool mountable(const char *fs)
{
	static const char *const known[] = {
		"ext2", "ext3", "ext4", "vfat", "fat12", "fat16", "fat32", "fat",
		"exfat", "ntfs", "xfs", "btrfs", "f2fs", "iso9660", "udf",
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(fs, known[i]))
			return true;
	return false;
}

bool wiz_is_fat(const char *fs)
{
	return !strncmp(fs, "fat", 3) || !strcmp(fs, "vfat");
}

/* Why this partition can't be the place, or NULL. */
static const char *part_refusal(const struct wiz *w, const struct model_disk *d,
				const struct model_part *p)
{
	bool write = w->job.kind == JOB_CAPTURE || w->job.kind == JOB_LOGS;

	if (!p->fs[0])
		return "no file system was recognised on it";
	if (!mountable(p->fs))
		return "it holds no file system that can be used";
	if (write && (d->read_only || !strcmp(p->fs, "iso9660")))
		return "it can't be written";
	if (w->page == P_DPART && !strcmp(w->job.target, d->path))
		return w->job.kind == JOB_RESTORE ? "its disk will be overwritten" :
			"its disk is the one to be adapted";
	for (size_t i = 0; w->job.kind == JOB_CAPTURE && i < w->job.ndisks; i++)
		if (!strcmp(w->job.disks[i], d->path))
			return "its disk is one of those to be captured";
	return NULL;
}

void wiz_parts_shown(struct wiz *w)
{
	const struct model_disk *d;
	const struct model_part *p = part_at(w, w->cur[w->page], &d);

	if (p && !part_refusal(w, d, p))
		return;
	for (int i = 0; (p = part_at(w, i, &d)); i++)
		if (!part_refusal(w, d, p)) {
			w->cur[w->page] = i;
			return;
		}
}

static enum wiz_act part_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	const struct model_disk *d;
	const struct model_part *p = part_at(w, w->cur[w->page], &d);

	if (ev == EV_CHAR && arg == 'r')
		return wiz_task_start(w, T_DISKS);
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (!p)
		return wiz_beep(w, "There is no partition to choose.");
	if (part_refusal(w, d, p))
		return wiz_beep(w, "%s can't be used: %s.", model_name(p->path),
				part_refusal(w, d, p));
	if (w->page == P_DPART) {
		struct job_place from = { .kind = PLACE_DEV };

		text_put(&from.dev.part, p->path);
		return wiz_folder_of(w, &from);
	}
	text_put(&w->job.place.dev.part, p->path);
	return wiz_go(w, P_DIR);
}

static void part_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	const struct model_disk *d;
	const struct model_part *p = part_at(w, i, &d);
	char size[32];

	text_bytes(size, p->size);
	canvas_text(c, y, 4, attr, part_refusal(w, d, p) ? "-" : " ");
	canvas_column(c, y, 6, 11, attr, p->number ? model_name(p->path) :
		      model_name(d->path));
	canvas_printf(c, y, 18, attr, "%9s", size);
	canvas_column(c, y, 29, 9, attr, draw_fs_name(p->fs));
	canvas_column(c, y, 39, 16, attr, p->label);
	canvas_column(c, y, 56, c->cols - 58, attr, model_title(d));
}

static void part_draw(const struct wiz *w, struct canvas *c)
{
	const struct model_disk *d = NULL;
	const struct model_part *p = part_at(w, w->cur[w->page], &d);
	int y = draw_lead(c, "Which partition?");
	char where[300];
	const char *why = p ? part_refusal(w, d, p) : NULL;

	if (!p) {
		canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), 0, CELL_PLAIN,
			    "No partition was found. Plug in a disk or stick and press "
			    "'r' to look again.");
		return;
	}
	canvas_text(c, y, 4, CELL_PLAIN, "  Partition        Size  System    Label            Disk");
	y = draw_list(w, c, y + 1, 4, part_row) + 1;
	draw_rule(c, y - 1, model_name(p->path));
	snprintf(where, sizeof where, "On %s, serial number %s, %s", model_name(d->path),
		 d->serial[0] ? d->serial : "not known", model_title(d));
	canvas_column(c, y++, 4, c->cols - 6, CELL_PLAIN, where);
	if (why)
		canvas_printf(c, y, 4, CELL_BOLD, "It can't be used: %s.", why);
	else if (wiz_is_fat(p->fs) && w->job.kind == JOB_CAPTURE)
		canvas_wrap(c, y, 4, c->cols - 8, body_last(c), 0, CELL_PLAIN,
			    "FAT holds no file above 4.2 GB: a larger image must be split "
			    "(options). exFAT, NTFS or ext4 have no such limit.");
}

const struct page page_part = {
	.title = "partition", .in_job = true, .rows = part_rows, .event = part_event,
	.draw = part_draw,
	.keys = "Up/Down Move   Enter Continue   r Look again   Esc Back   F1 Help",
	.help = "Every partition of every disk of this machine, USB sticks included. "
		"Plug in a stick now and press 'r' to see it here. A partition on a "
		"disk that is being captured can't hold the image. Those marked '-' can't "
		"be used; the line below says why.\n\n"
		"The partition is mounted only while it is needed.",
};

const struct page page_dpart = {
	.title = "driver disk", .in_job = true, .rows = part_rows, .event = part_event,
	.draw = part_draw,
	.keys = "Up/Down Move   Enter Continue   r Look again   Esc Back   F1 Help",
	.help = "Where the drivers are: every partition of every disk of this machine, USB "
		"sticks and CDs included. Plug in a stick now and press 'r' to see it here. "
		"Those marked '-' can't be used; the line below says why.\n\n"
		"The partition is mounted read-only, and only while it is needed.",
};

static enum wiz_act address_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	const char *why;
	int field;

	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	why = job_place_check(&w->job.place, &field);
	if (why) {
		w->cur[w->page] = field;
		return wiz_beep(w, "%s", why);
	}
	/* an adapt has no image: drivers are there */
	return w->job.kind == JOB_ADAPT ? wiz_folder_of(w, &w->job.place) :
		wiz_task_start(w, T_PLACE);
}

#define SMB(m) job.place.smb.m
#define NFS(m) job.place.nfs.m
static const struct field dir_fields[] = {
	FIELD(FIELD_TEXT, "Directory", job.place.dev.dir,
	      "The folder on the partition, as images/2026. Empty: the topmost one."),
};
static const struct field smb_fields[] = {
	FIELD(FIELD_TEXT, "Server", SMB(host), "Its name or address, as 192.0.2.10."),
	FIELD(FIELD_TEXT, "Share", SMB(share), "The share's name alone, as images."),
	FIELD(FIELD_TEXT, "Directory", SMB(dir),
	      "A folder in the share, as machines/old. Empty: the topmost one."),
	FIELD(FIELD_TEXT, "User", SMB(user), "Empty: as a guest, without a password."),
	FIELD(FIELD_SECRET, "Password", SMB(password), "It is not shown and not stored."),
	FIELD(FIELD_TEXT, "Domain", SMB(domain),
	      "The user's Windows domain. Empty for a NAS and most single servers."),
	FIELD(FIELD_TEXT, "Port", SMB(port), "Empty: 445, the usual one."),
	FIELD(FIELD_TEXT, "More options", SMB(options),
	      "Mount options, as seal or vers=3.0, separated by commas. Usually empty."),
};
static const struct field nfs_fields[] = {
	FIELD(FIELD_TEXT, "Server", NFS(host), "Its name or address, as 192.0.2.10."),
	FIELD(FIELD_TEXT, "Export", NFS(share), "The exported path, as /srv/images."),
	FIELD(FIELD_TEXT, "Directory", NFS(dir),
	      "A folder in the export, as machines/old. Empty: the topmost one."),
	{ FIELD_CHOICE, "NFS version", offsetof(struct wiz, job.place.nfs.version),
	  "Automatic takes the highest that the server offers. Space changes it.",
	  nfs_versions },
	FIELD(FIELD_TEXT, "Port", NFS(port), "Empty: 2049, the usual one."),
	FIELD(FIELD_TEXT, "More options", NFS(options),
	      "Mount options, as nolock or mountport=20480, separated by commas. "
	      "Usually empty."),
};
#define FIELDS(f) .fields = f, .nfields = sizeof f / sizeof *f

static void dir_draw(const struct wiz *w, struct canvas *c)
{
	char lead[160];

	snprintf(lead, sizeof lead, "Which directory on %.80s?", w->job.place.dev.part.s);
	draw_form(w, c, draw_lead(c, lead));
}

static void smb_draw(const struct wiz *w, struct canvas *c)
{
	draw_form(w, c, draw_lead(c, "The share's address, and who you are there:"));
}

static void nfs_draw(const struct wiz *w, struct canvas *c)
{
	draw_form(w, c, draw_lead(c, "The export's address:"));
}

#define FORM_KEYS "Tab/Up/Down Field   Enter Connect   Esc Back   F1 Help"
#define FORM_HELP "Tab and the arrow keys go from field to field, Enter connects. " \
	"Ctrl-U empties a field. Space changes a choice.\n\n"

const struct page page_dir = {
	.title = "directory", .in_job = true, FIELDS(dir_fields), .event = address_event,
	.draw = dir_draw, .keys = FORM_KEYS,
	.help = FORM_HELP "The directory must exist; a slash separates its parts.",
};
const struct page page_smb = {
	.title = "SMB share", .in_job = true, FIELDS(smb_fields), .event = address_event,
	.draw = smb_draw, .keys = FORM_KEYS,
	.help = FORM_HELP "In Windows' notation \\\\server\\share\\folder: the server's "
		"name, the share's name, and the folder go into their own fields.\n\n"
		"The password is given to the program that mounts the share, on no "
		"command line, and is in no log.",
};
const struct page page_nfs = {
	.title = "NFS export", .in_job = true, FIELDS(nfs_fields), .event = address_event,
	.draw = nfs_draw, .keys = FORM_KEYS,
	.help = FORM_HELP "'showmount -e SERVER' on any Unix machine lists a server's "
		"exports. The server must allow this machine's address, and root must "
		"be allowed to write there (no_root_squash), or the directory must be "
		"writable for everybody.",
};

static uint64_t needed(const struct wiz *w, bool *ret_exact)
{
	uint64_t sum = 0;

	*ret_exact = true;
	for (size_t i = 0; i < w->job.ndisks; i++) {
		const struct model_disk *d = model_find(&w->disks, w->job.disks[i]);
		bool exact = false;

		sum += d ? model_disk_used(d, &exact) : 0;
		*ret_exact = *ret_exact && exact;
	}
	return sum;
}

static bool tight(const struct wiz *w)
{
	bool exact;

	return w->place.free_known && w->place.free < needed(w, &exact);
}

static int check_rows(const struct wiz *w)
{
	(void)w;
	return 2;
}

/* Row 0 is the safer one: where it may not fit, that's another place. */
static enum wiz_act check_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if ((w->cur[P_CHECK] == 0) == tight(w)) {
		wiz_go_back(w);
		while (w->page != P_PLACE && w->nback)
			wiz_go_back(w);
		return ACT_NONE;
	}
	return wiz_to_options(w);
}

static void check_draw(const struct wiz *w, struct canvas *c)
{
	const char *const rows[2][2] = { { "Continue", "Choose another place" },
					 { "Choose another place", "Try it anyway" } };
	char url[JOB_URL_MAX], fr[32], need[32];
	bool exact, small = tight(w);
	int y;

	job_place_url(&w->job.place, "", url);
	text_bytes(fr, w->place.free);
	text_bytes(need, needed(w, &exact));
	y = draw_lead(c, small ? "The place may be too small." :
		      "The place can be used.");
	y = draw_fact(c, y, "Place", "%s", url);
	y = draw_fact(c, y, "Writable", "yes");
	y = draw_fact(c, y, "Free", "%s", w->place.free_known ? fr : "not known");
	y = draw_fact(c, y, "Needed", "at most about %s (%s)", need, exact ?
		      "what is used on the disks; compression makes it less" :
		      "an estimate: parts whose use isn't known count whole; "
		      "compression makes it less");
	y = draw_fact(c, y, "Images there", "%zu", w->place.nimages) + 1;
	for (int i = 0; i < 2; i++) {
		int attr = draw_mark(c, y, i == w->cur[P_CHECK]);

		canvas_text(c, y++, BODY_LEFT + 2, attr, rows[small][i]);
	}
}

const struct page page_check = {
	.title = "place checked", .in_job = true, .rows = check_rows,
	.event = check_event, .draw = check_draw,
	.keys = "Up/Down Move   Enter Choose   Esc Back   F1 Help",
	.help = "The place was connected to, and a file was written there and removed "
		"again. The size needed is what is used on the disks: the image is "
		"compressed, usually to a half or two thirds of it, but that can't be "
		"known before. Data that is compressed already (films, archives) or "
		"encrypted does not get smaller.",
};
