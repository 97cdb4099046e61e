/* mapfile.c: see mapfile.h. */
#include "imager/mapfile.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/checked.h"
#include "common/cleanup.h"
#include "common/io.h"
#include "common/vec.h"

/* A line has 2 numbers and a character; comments may be longer and are cut. */
#define LINE_MAX_LEN 400
#define OUR_FIRST "# Mapfile. Created by rehost"
/* Of failed blocks: 24 MiB of them. */
#define MARKS_MAX (1u << 20)

/* ---- reading ---- */

struct reader {
	const char *path;
	unsigned int line;
	int seen_status;          /* the line before the blocks                  */
	uint64_t disk_size, end;  /* end: of the last block                      */
	struct mapfile m;
	size_t room;
};

static int wrong(const struct reader *r, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s, line %u: %s; is it a map file of ddrescue, and of this disk?",
		       r->path, r->line, what);
}

/* Decimal, 0x hexadecimal or 0 octal, as C writes them. */
static int number(const char **at, uint64_t *ret)
{
	char *end;

	if (!(**at >= '0' && **at <= '9'))
		return -1;
	errno = 0;
	*ret = strtoull(*at, &end, 0);
	if (errno || end == *at || (*end != ' ' && *end != '\t'))
		return -1;
	*at = end + strspn(end, " \t");
	return 0;
}

static int add_mark(struct reader *r, uint64_t off, uint64_t len, char status, struct err *e)
{
	struct map_mark *v = r->m.n == MARKS_MAX ? NULL :
		vec_room(r->m.mark, r->m.n, &r->room, sizeof *v);

	if (!v)
		return err_set(e, ERR_NOMEM, "%s: too many failed blocks", r->path);
	r->m.mark = v;
	r->m.mark[r->m.n++] = (struct map_mark){ off, len, status };
	return 0;
}

static int take_block(struct reader *r, const char *at, struct err *e)
{
	uint64_t off, len;

	if (number(&at, &off) < 0 || number(&at, &len) < 0 || !*at || !strchr("?*/-+", *at) ||
	    at[1 + strspn(at + 1, " \t\r\n")])
		return wrong(r, "no block (position, size, one of ?*/-+)", e);
	if (!len || (r->end && off != r->end))
		return wrong(r, "the blocks aren't contiguous", e);
	if (add_overflows(off, len, &r->end))
		return wrong(r, "a block behind the end of any disk", e);
	if (*at == MAP_UNTRIED)
		return 0;
	if (r->end > r->disk_size)
		return wrong(r, "a block behind the disk's end", e);
	return *at == MAP_GOOD ? 0 : add_mark(r, off, len, *at, e);
}

/* "position status [pass]": where ddrescue was; not needed here. */
static int take_status(struct reader *r, const char *at, struct err *e)
{
	uint64_t pos;

	if (number(&at, &pos) < 0 || !*at || !strchr("?*/-+FG", *at))
		return wrong(r, "no status line (position, one of ?*/-FG+)", e);
	r->seen_status = 1;
	return 0;
}

static int read_lines(struct reader *r, FILE *f, struct err *e)
{
	char line[LINE_MAX_LEN];
	int begins = 1, ret = 0;

	while (ret == 0 && fgets(line, sizeof line, f)) {
		char *at = line, *hash = strchr(line, '#');
		int whole = strchr(line, '\n') != NULL;

		if (!r->line && !strncmp(line, OUR_FIRST, strlen(OUR_FIRST)))
			r->m.ours = 1;
		if (hash)
			*hash = 0;
		at += strspn(at, " \t\r\n");
		r->line += begins;
		if (begins && *at)
			ret = r->seen_status ? take_block(r, at, e) : take_status(r, at, e);
		if (ret == 0 && begins && !whole && !hash && !feof(f))
			ret = wrong(r, "too long", e);
		begins = whole;
	}
	if (ret == 0 && ferror(f))
		return err_sys(e, errno, "%s", r->path);
	if (ret == 0 && (!r->seen_status || !r->end))
		return wrong(r, "no blocks", e);
	return ret;
}

int mapfile_read(const char *path, uint64_t disk_size, struct mapfile *ret, struct err *e)
{
	struct reader r = { .path = path, .disk_size = disk_size };
	cleanup_fclose FILE *f = fopen(path, "re");
	int rc;

	if (!f && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "%s isn't there", path);
	if (!f)
		return err_sys(e, errno, "%s", path);
	rc = read_lines(&r, f, e);
	if (rc < 0)
		mapfile_done(&r.m);
	else
		*ret = r.m;
	return rc;
}

void mapfile_done(struct mapfile *m)
{
	free(m->mark);
	*m = (struct mapfile){ 0 };
}

/* ---- writing ---- */

struct writer {
	const struct mapfile_view *v;
	FILE *f;
	uint64_t off, len;        /* the block that isn't written yet            */
	char status;
	size_t i_todo, i_next, i_bad, i_unscraped, i_known;
};

static void put_block(struct writer *w, uint64_t off, uint64_t len, char status)
{
	if (w->len && status == w->status && w->off + w->len == off) {
		w->len += len;
		return;
	}
	if (w->len)
		fprintf(w->f, "0x%08" PRIX64 "  0x%08" PRIX64 "  %c\n", w->off, w->len, w->status);
	w->off = off;
	w->len = len;
	w->status = status;
}

/* Is off in the list?  Then, and if not, it is so up to *until. */
static int in_list(const struct bad_list *l, size_t *i, uint64_t off, uint64_t *until)
{
	while (*i < l->n && l->range[*i].off + l->range[*i].len <= off)
		(*i)++;
	if (*i == l->n)
		return 0;
	if (l->range[*i].off > off) {
		if (l->range[*i].off < *until)
			*until = l->range[*i].off;
		return 0;
	}
	if (l->range[*i].off + l->range[*i].len < *until)
		*until = l->range[*i].off + l->range[*i].len;
	return 1;
}

/* Of bytes that weren't tried now: what was known before, or `status`. */
static char before(struct writer *w, uint64_t off, uint64_t *until, char status)
{
	const struct mapfile *k = w->v->known;
	const struct map_mark *m;

	while (k && w->i_known < k->n && k->mark[w->i_known].off + k->mark[w->i_known].len <= off)
		w->i_known++;
	if (!k || w->i_known == k->n)
		return status;
	m = &k->mark[w->i_known];
	if (m->off > off) {
		*until = m->off < *until ? m->off : *until;
		return status;
	}
	*until = m->off + m->len < *until ? m->off + m->len : *until;
	return m->status;
}

/* What is known of the used bytes [off, *until); *until comes nearer. */
static char status_at(struct writer *w, uint64_t off, uint64_t *until)
{
	const struct mapfile_view *v = w->v;
	uint64_t chunk = off / v->chunk_size;
	const struct putoff_run *run = chunk < v->turn ?
		putoff_find(v->next, &w->i_next, chunk) : putoff_find(v->todo, &w->i_todo, chunk);

	if (off >= v->done_to)
		return before(w, off, until, MAP_UNTRIED);
	if (*until > (chunk + 1) * v->chunk_size)
		*until = (chunk + 1) * v->chunk_size;
	if (run)
		return before(w, off, until,
			      run->why == PUTOFF_SKIPPED ? MAP_UNTRIED : MAP_UNTRIMMED);
	if (!in_list(v->bad, &w->i_bad, off, until))
		return MAP_GOOD;
	return in_list(v->unscraped, &w->i_unscraped, off, until) ? MAP_UNSCRAPED : MAP_BAD;
}

static void put_all(struct writer *w)
{
	struct extents_cursor c;
	uint64_t off, len, at = 0, until;

	extents_begin(w->v->used, &c);
	while (extents_next(&c, &off, &len)) {
		if (off > at)
			put_block(w, at, off - at, MAP_UNTRIED);
		for (at = off; at < off + len; at = until) {
			char status;

			until = off + len;
			status = status_at(w, at, &until);
			put_block(w, at, until - at, status);
		}
	}
	if (at < w->v->disk_size)
		put_block(w, at, w->v->disk_size - at, MAP_UNTRIED);
	put_block(w, 0, 0, 0); /* the last one is written by it */
}

int mapfile_write(const char *path, const struct mapfile_view *v, struct err *e)
{
	struct writer w = { .v = v };
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	w.f = open_memstream(&text, &len);
	if (!w.f)
		return err_set(e, ERR_NOMEM, "out of memory for the log");
	fprintf(w.f, OUR_FIRST " %s\n"
		"# current_pos  current_status  current_pass\n0x%08" PRIX64 "     %c               1\n"
		"#      pos        size  status\n", REHOST_VERSION,
		v->finished ? 0 : v->done_to, v->finished ? MAP_GOOD : MAP_UNTRIED);
	put_all(&w);
	r = ferror(w.f);
	if (fclose(w.f) || r)
		return err_set(e, ERR_NOMEM, "out of memory for the log");
	r = io_replace(path, text, len, 0666);
	return r ? err_sys(e, r, "%s", path) : 0;
}
