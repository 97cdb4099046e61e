/* draw.c: the frame around every page, what lies over it, and the parts that
 * pages share.  Pure: struct wiz in, cells out. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

int body_last(const struct canvas *c)
{
	return c->rows - 3;
}

int body_width(const struct canvas *c)
{
	return c->cols - 2 * BODY_LEFT;
}

int draw_lead(struct canvas *c, const char *s)
{
	return canvas_wrap(c, BODY_TOP, BODY_LEFT, body_width(c), body_last(c), 0,
			   CELL_BOLD, s) + 1;
}

/* Which row is drawn first when `cur` of n is to be seen in `height` rows. */
static int list_first(int n, int cur, int height)
{
	int first = cur - height / 2;

	if (first > n - height)
		first = n - height;
	return first < 0 ? 0 : first;
}

int draw_mark(struct canvas *c, int y, bool current)
{
	int attr = current ? CELL_REVERSE : CELL_PLAIN;

	canvas_fill(c, y, BODY_LEFT, body_width(c), attr, ' ');
	canvas_text(c, y, BODY_LEFT, attr, current ? ">" : " ");
	return attr;
}

int draw_list(const struct wiz *w, struct canvas *c, int y, int below, draw_row_fn *row)
{
	int n = wiz_page(w)->rows(w), cur = w->cur[w->page], height = body_last(c) + 1 - y - below;
	int first = list_first(n, cur, height);

	for (int i = first; i < n && i < first + height; i++, y++)
		row(w, c, y, i, draw_mark(c, y, i == cur));
	return y;
}

void draw_rule(struct canvas *c, int y, const char *title)
{
	canvas_fill(c, y, BODY_LEFT, body_width(c), CELL_PLAIN, '-');
	if (title[0])
		canvas_printf(c, y, BODY_LEFT + 2, CELL_BOLD, " %s ", title);
}

int draw_fact(struct canvas *c, int y, const char *label, const char *fmt, ...)
{
	enum { LABEL = 18 };
	char buf[2400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (!buf[0])
		strcpy(buf, "-");
	canvas_column(c, y, BODY_LEFT, LABEL - 1, CELL_PLAIN, label);
	return canvas_wrap(c, y, BODY_LEFT + LABEL, body_width(c) - LABEL,
			   body_last(c), 0, CELL_BOLD, buf);
}

/* The value of a text field: its end if it is too long, its length in stars
 * if it is secret; the terminal's cursor where the caret is. */
static void draw_text_field(struct canvas *c, int y, int x, int width, bool secret,
			    bool current, const struct text *t)
{
	char shown[TEXT_MAX], head[TEXT_MAX];
	const char *from = shown;
	int attr = CELL_UNDERLINE | (current ? CELL_BOLD : 0), before;
	uint32_t ch;

	snprintf(shown, sizeof shown, "%s", t->s);
	snprintf(head, sizeof head, "%.*s", (int)t->cur, t->s);
	if (secret)
		for (char *s = shown; *s; s++)
			*s = '*';
	before = secret ? (int)t->cur : text_width(head);
	for (; before >= width; from += utf8_get(from, &ch), before--)
		;
	canvas_text(c, y, x - 1, CELL_PLAIN, "[");
	canvas_fill(c, y, x, width, attr, ' ');
	canvas_column(c, y, x, width, attr, from);
	canvas_text(c, y, x + width, CELL_PLAIN, "]");
	if (current) {
		c->cy = y;
		c->cx = x + before;
	}
}

static void draw_choice(struct canvas *c, int y, int x, bool current,
			const struct field *f, int value)
{
	for (int i = 0; f->choices[i]; i++) {
		x = canvas_text(c, y, x, CELL_PLAIN, i == value ? "(*) " : "( ) ");
		x = canvas_text(c, y, x, current && i == value ? CELL_REVERSE :
				CELL_PLAIN, f->choices[i]) + 3;
	}
}

static void draw_field(const struct wiz *w, struct canvas *c, int y, bool current,
		       const struct field *f)
{
	enum { LABEL = 22 };
	const void *v = (const char *)w + f->off;
	int x = BODY_LEFT + 2 + LABEL, width = body_width(c) - LABEL - 4;

	canvas_text(c, y, BODY_LEFT, CELL_BOLD, current ? ">" : " ");
	canvas_column(c, y, BODY_LEFT + 2, LABEL - 1, current ? CELL_BOLD : CELL_PLAIN,
		      f->label);
	if (f->kind == FIELD_CHOICE)
		draw_choice(c, y, x, current, f, *(const int *)v);
	else if (f->kind == FIELD_CHECK)
		canvas_text(c, y, x, current ? CELL_REVERSE : CELL_PLAIN,
			    *(const bool *)v ? "[x] yes" : "[ ] no");
	else
		draw_text_field(c, y, x, width, f->kind == FIELD_SECRET, current, v);
}

int draw_form(const struct wiz *w, struct canvas *c, int y)
{
	const struct page *p = wiz_page(w);
	int cur = w->cur[w->page];

	for (int i = 0; i < p->nfields; i++)
		draw_field(w, c, y++, i == cur, &p->fields[i]);
	return canvas_wrap(c, y + 1, BODY_LEFT + 2, body_width(c) - 2, body_last(c), 0,
			   CELL_PLAIN, p->fields[cur].hint);
}

const char *draw_fs_name(const char *fs)
{
	static const char *const names[][2] = {
		{ "", "unknown" }, { "LVM2_member", "LVM" }, { "crypto_LUKS", "LUKS" },
		{ "linux_raid_member", "RAID" }, { "isw_raid_member", "RAID" },
		{ "ddf_raid_member", "RAID" }, { "zfs_member", "ZFS" },
		{ "VMFS_volume_member", "VMFS" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(fs, names[i][0]))
			return names[i][1];
	return fs;
}

static void draw_part(struct canvas *c, int y, const struct model_disk *d,
		      const struct model_part *p)
{
	char size[32], used[32] = "", what[200];

	text_bytes(size, p->size);
	if (p->used_known)
		text_bytes(used, p->used);
	snprintf(what, sizeof what, "%s%s%s%s%s", p->label[0] ? "\"" : "", p->label,
		 p->label[0] ? "\"" : "", p->mounted[0] ? "  mounted on " : "",
		 p->mounted);
	canvas_column(c, y, 4, 14, CELL_PLAIN, p->number ? model_name(p->path) :
		      "whole disk");
	canvas_printf(c, y, 18, CELL_PLAIN, "%10s", size);
	canvas_column(c, y, 30, 9, CELL_PLAIN, draw_fs_name(p->fs));
	if (used[0])
		canvas_printf(c, y, 40, CELL_PLAIN, "%9s used", used);
	canvas_column(c, y, used[0] ? 56 : 40, c->cols - (used[0] ? 58 : 42),
		      CELL_PLAIN, what);
	for (size_t i = 0; i < d->nsystems; i++)
		if (d->systems[i].partition == p->number && !what[0])
			canvas_column(c, y, used[0] ? 56 : 40, c->cols -
				      (used[0] ? 58 : 42), CELL_PLAIN,
				      d->systems[i].name);
}

int draw_health(struct canvas *c, int y, int last, const struct model_disk *d)
{
	char text[sizeof d->complaints + 60];

	if (!d->failing || y > last)
		return y;
	snprintf(text, sizeof text, "! It says that it is failing%s%s.", d->complaints[0] ? ": " : "",
		 d->complaints);
	return canvas_wrap(c, y, 4, c->cols - 8, last, 0, CELL_BOLD, text);
}

int draw_contents(struct canvas *c, int y, int last, const struct model_disk *d,
		  size_t skip)
{
	char systems[400], mark[sizeof d->mark_text + 10];

	model_systems(d, systems, sizeof systems);
	if (d->error[0])
		return canvas_wrap(c, y, 4, c->cols - 8, last, 0, CELL_BOLD, d->error);
	if (d->mark_text[0] && y <= last) {
		snprintf(mark, sizeof mark, "It has %s.", d->mark_text);
		y = canvas_wrap(c, y, 4, c->cols - 8, last, 0, CELL_BOLD, mark);
	}
	if (y <= last)
		canvas_column(c, y++, 4, c->cols - 6, CELL_BOLD, systems[0] ? systems :
			      "No operating system was recognised.");
	if (!d->nparts && y <= last)
		canvas_text(c, y++, 4, CELL_PLAIN,
			    "No partitions and no file system were recognised.");
	for (size_t i = skip; i < d->nparts && y <= last; i++) {
		if (y == last && i + 1 < d->nparts) {
			canvas_printf(c, y++, 4, CELL_PLAIN, "... and %zu more",
				      d->nparts - i);
			break;
		}
		draw_part(c, y++, d, &d->parts[i]);
	}
	return y;
}

int draw_lines(struct canvas *c, int y, int last, int width, int skip, const char *s)
{
	char line[4096];        /* the rest of a longer one is left out */
	int all = 0;

	while (*s) {
		size_t n = strcspn(s, "\n");
		int indent, rows;

		snprintf(line, sizeof line, "%.*s", (int)n, s);
		indent = (int)strspn(line, " ");
		rows = canvas_wrapped_rows(width - indent, line + indent);
		if (c && skip < rows)
			y = canvas_wrap(c, y, BODY_LEFT + indent, width - indent, last, skip,
					indent ? CELL_PLAIN : CELL_BOLD, line + indent);
		skip = skip > rows ? skip - rows : 0;
		all += rows;
		s += n + (s[n] == '\n');
	}
	return all;
}

/* An empty box with a title, h rows and the usual width; returns its first
 * inner row. */
static int draw_box(struct canvas *c, int h, const char *title)
{
	int x = 4, width = c->cols - 8, y = (c->rows - h) / 2;

	for (int i = 0; i < h; i++) {
		bool edge = !i || i == h - 1;

		canvas_fill(c, y + i, x, width, CELL_PLAIN, edge ? '-' : ' ');
		canvas_text(c, y + i, x, CELL_PLAIN, edge ? "+" : "|");
		canvas_text(c, y + i, x + width - 1, CELL_PLAIN, edge ? "+" : "|");
	}
	canvas_printf(c, y, x + 2, CELL_REVERSE, " %s ", title);
	c->cy = -1;
	return y + 1;
}

static void draw_message(const struct wiz *w, struct canvas *c, const char *title,
			 const char *s)
{
	int width = c->cols - 12, rows = canvas_wrapped_rows(width, s);
	int shown = rows > 14 ? 14 : rows, y = draw_box(c, shown + 4, title);

	canvas_wrap(c, y + 1, 6, width, y + shown, w->over_cur, CELL_PLAIN, s);
	if (rows > shown)
		canvas_printf(c, y + shown + 2, 8, CELL_PLAIN,
			      " lines %d-%d of %d: Up, Down ", w->over_cur + 1,
			      w->over_cur + shown, rows);
}

static const char *question(const struct wiz *w)
{
	static const char *const stop[] = {
		[JOB_CAPTURE] = "Stop the capture? The unfinished image will be removed.",
		[JOB_RESTORE] = "Stop the restore? The target disk is only partly written "
			"and will not boot.",
		[JOB_VERIFY] = "Stop verifying?",
		[JOB_ADAPT] = "Stop in the middle? Some files may be edited already; 'undo "
			"an adapt' in this task's options puts them back.",
		[JOB_LOGS] = "Stop saving the logs?",
	};

	static const char *const anyway[2][2] = {
		{ "The system will NOT boot on this machine. Restore it all the same?",
		  "The system will NOT boot on this machine. Edit it all the same?" },
		{ "It can't be told whether the system will boot on this machine. Restore it "
		  "all the same?",
		  "It can't be told whether the system will boot on this machine. Edit it all "
		  "the same?" },
	};

	if (w->over == OVER_ANYWAY)
		return anyway[w->plan.verdict != PLAN_WILL_NOT][w->job.kind == JOB_ADAPT];
	if (w->over == OVER_LEAVE)
		return w->page == P_MENU ? "Leave the wizard?" :
			"Go to the main menu? Your answers are kept.";
	return stop[w->job.kind];
}

static void draw_question(const struct wiz *w, struct canvas *c)
{
	static const char *const choices[][2] = {
		[OVER_CANCEL] = { "No, go on", "Yes, stop the job" },
		[OVER_LEAVE] = { "No, stay here", "Yes, leave" },
		[OVER_ANYWAY] = { "No, stay here", "Yes, go on" },
	};
	const char *const *choice = choices[w->over];
	int y = draw_box(c, 9, "Question");

	y = canvas_wrap(c, y + 1, 6, c->cols - 12, y + 3, 0, CELL_BOLD, question(w)) + 1;
	for (int i = 0; i < 2; i++) {
		int attr = i == w->over_cur ? CELL_REVERSE : CELL_PLAIN;

		canvas_text(c, y + i, 6, attr, i == w->over_cur ? "> " : "  ");
		canvas_text(c, y + i, 8, attr, choice[i]);
	}
}

/* Returns the keys that work while it is shown, NULL if nothing is over. */
static const char *draw_over(const struct wiz *w, struct canvas *c)
{
	switch (w->over) {
	case OVER_HELP:
		draw_message(w, c, "Help", wiz_page(w)->help);
		return "Enter Close";
	case OVER_ERROR:
		draw_message(w, c, "Problem", w->msg);
		return "Enter Back to your answers";
	case OVER_NOTE:
		draw_message(w, c, "Done", w->msg);
		return "Enter Continue";
	case OVER_CANCEL:
	case OVER_LEAVE:
	case OVER_ANYWAY:
		draw_question(w, c);
		return "Up/Down Choose   Enter OK   Esc No";
	default:
		return NULL;
	}
}

static const char *draw_wait(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "Please wait.");

	y = canvas_printf(c, y, BODY_LEFT, CELL_PLAIN, "%s...", wiz_task_text(w)) ?
		y + 2 : y;
	if (w->seconds > 1)
		canvas_printf(c, y, BODY_LEFT, CELL_PLAIN, "%u seconds so far.",
			      w->seconds);
	if (w->seconds >= 20)
		canvas_wrap(c, y + 2, BODY_LEFT, body_width(c), body_last(c), 0,
			    CELL_PLAIN, "This takes long. A server that doesn't "
			    "answer, or a failing disk, may be the reason. Esc "
			    "stops it and goes back.");
	return "Esc Stop";
}

static void draw_title(const struct wiz *w, struct canvas *c)
{
	const struct page *p = wiz_page(w);

	canvas_fill(c, 0, 0, c->cols, CELL_REVERSE, ' ');
	canvas_printf(c, 0, 1, CELL_REVERSE | CELL_BOLD, "Rehost - %s%s%s",
		      p->in_job ? wiz_job_word(w) : "", p->in_job ? ": " : "",
		      p->title);
	canvas_text(c, 0, c->cols - 9, CELL_REVERSE, "F1 Help ");
}

static void draw_small(struct canvas *c)
{
	char size[64];

	snprintf(size, sizeof size, "%d x %d", c->cols, c->rows);
	canvas_wrap(c, 0, 0, c->cols, c->rows - 1, 0, CELL_PLAIN,
		    "This screen is too small for Rehost.");
	canvas_printf(c, 2, 0, CELL_PLAIN, "It has %s,", size);
	canvas_text(c, 3, 0, CELL_PLAIN, "80 x 24 are needed.");
	canvas_text(c, 5, 0, CELL_PLAIN, "Make it larger.");
}

void wiz_draw(const struct wiz *w, struct canvas *c)
{
	const char *keys = wiz_page(w)->keys, *over;

	canvas_clear(c);
	if (c->rows < CANVAS_MIN_ROWS || c->cols < CANVAS_MIN_COLS) {
		draw_small(c);
		return;
	}
	draw_title(w, c);
	if (w->task)
		keys = draw_wait(w, c);
	else
		wiz_page(w)->draw(w, c);
	over = w->task ? NULL : draw_over(w, c);
	canvas_text(c, c->rows - 2, BODY_LEFT, CELL_BOLD, w->hint);
	canvas_fill(c, c->rows - 1, 0, c->cols, CELL_REVERSE, ' ');
	canvas_text(c, c->rows - 1, 1, CELL_REVERSE, over ? over : keys);
}
