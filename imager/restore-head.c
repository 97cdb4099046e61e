/* restore-head.c: the disk's first chunk: see restore-int.h.
 *
 * It is written last, and of it the first sector last of all, in a write of its own:
 * that sector holds the mark of an interrupted restore until then, and the boot
 * sector or (protective) MBR from then on, never half of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "imager/readback.h"
#include "imager/restore-int.h"

/* Between two marks: what is done twice after an interruption, at most. */
#define MARK_SECONDS 10

static size_t smaller(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

int head_keep(struct restore *re, const struct spread *sp, struct err *e)
{
	uint32_t first = sp->map[0].start * REC_UNIT;

	re->head_map = malloc(sp->map_count * sizeof *sp->map);
	if (!re->head_map)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	memcpy(re->head_map, sp->map, sp->map_count * sizeof *sp->map);
	for (uint32_t i = 0; i < sp->map_count; i++) {
		uint32_t at = sp->map[i].start * REC_UNIT;

		memcpy(re->head + at, sp->bytes + (at - first),
		       map_bytes(&re->params, 0, &sp->map[i]));
	}
	re->head_spread = *sp;
	re->head_spread.map = re->head_map;
	re->head_spread.bytes = re->head + first;
	re->head_spread.zeros = 0; /* its end may change yet */
	for (uint32_t i = 0; i < sp->map_count; i++)
		re->head_bytes += map_bytes(&re->params, 0, &sp->map[i]);
	return 0;
}

/* ---- the mark ---- */

/* buf begins with the target's first sector. */
static void put_mark(const struct restore *re, uint8_t *buf)
{
	if (re->target->size >= MARK_LEN)
		mark_put(&re->mark, buf);
}

static void mark_fill(struct restore *re)
{
	const char *slash = strrchr(re->in->name, '/');

	re->mark.has_digest = re->im != NULL;
	if (re->im)
		memcpy(re->mark.digest, image_digest(re->im), sizeof re->mark.digest);
	memcpy(re->mark.image_id, re->params.image_id, sizeof re->mark.image_id);
	re->mark.target_size = re->target->size;
	re->mark.total = re->params.used_bytes;
	snprintf(re->mark.name, sizeof re->mark.name, "%s", slash ? slash + 1 : re->in->name);
}

int head_begin(struct restore *re, uint64_t next_chunk, struct err *e)
{
	uint8_t *buf = calloc(1, WIPE_EACH_END);
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	mark_fill(re);
	re->mark.next_chunk = next_chunk;
	re->mark.done = re->bytes;
	re->marked_at = job_seconds(&re->job);
	re->began = 1;
	re->unsure = 1;
	put_mark(re, buf);
	/* what was found there is perhaps of another program and not on the disk yet */
	if (next_chunk)
		r = dev_flush(re->target, e);
	if (r == 0)
		r = dev_write(re->target, 0, buf, re->head_len, e);
	free(buf);
	/* an old partition table must not outlive the first new byte */
	if (r == 0)
		r = dev_flush(re->target, e);
	re->unsure = r < 0;
	return r;
}

static int is_due(const struct restore *re)
{
	return job_seconds(&re->job) - re->marked_at >= MARK_SECONDS ||
	       (re->opt->mark_bytes && re->changed - re->marked_bytes >= re->opt->mark_bytes);
}

int head_mark(struct restore *re, uint64_t next_chunk, int now, struct err *e)
{
	uint8_t buf[MARK_LEN];
	int r;

	re->reached = next_chunk;
	/* whoever reads from a pipe can't go on anyway */
	if (!re->began || !re->im || (!now && !is_due(re)))
		return 0;
	/* what it says is done must be on the disk before it */
	r = dev_flush(re->target, e);
	if (r < 0 || re->target->size < sizeof buf)
		return r;
	re->mark.next_chunk = next_chunk;
	re->mark.done = re->bytes;
	re->marked_at = job_seconds(&re->job);
	re->marked_bytes = re->changed;
	put_mark(re, buf);
	r = dev_write(re->target, 0, buf, sizeof buf, e);
	/* else it would get there with the next one, and a power cut undo both */
	return r < 0 ? r : dev_flush(re->target, e);
}

/* ---- the partition table ---- */

/* Edits the first chunk, which isn't written yet, so that the table fits a target of
 * another size; head_write() writes the backup to the new end.  So the disk never
 * shows a table whose halves don't fit. */
int head_fit(struct restore *re, struct err *e)
{
	const struct image_params *p = &re->params;
	struct gpt_head head = { re->head, p->chunk_size };
	struct gpt_sizes sizes = { p->disk_size, re->target->size, p->sector_size };
	struct err why;
	int r;

	if (re->opt->keep_gpt || !re->head_map)
		return 0;
	r = gpt_move_make(re->target, &head, &sizes, &re->gpt, &why);
	if ((r == 0 || r == ERR_CORRUPT) && re->limit != UINT64_MAX)
		return err_set(e, ERR_CORRUPT, "%s: the partition table isn't the one that was looked at before; did the image change meanwhile?",
			       re->in->name);
	if (r == ERR_CORRUPT) {
		job_warning(&re->job, "gpt", 0, 0, "%s: %s", re->target->name, why.msg);
		return 0;
	}
	if (r < 0 && e)
		*e = why;
	if (r <= 0)
		return r;
	/* on a tiny disk both lie in the first chunk */
	if (re->gpt.off < head.len)
		memcpy(re->head + re->gpt.off, re->gpt.tail,
		       smaller(re->gpt.len, head.len - re->gpt.off));
	return 0;
}

/* ---- the end ---- */

/* 1: the target has these bytes; 0: others, or they can't be read (*e says so). */
static int has_bytes(struct restore *re, uint64_t off, const uint8_t *want, size_t len,
		     struct err *e)
{
	uint8_t *buf = malloc(len);
	int r;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	r = dev_read(re->target, off, buf, len, e);
	if (r == 0)
		r = memcmp(buf, want, len) ? readback_differs(re->target, off, len, e) : 1;
	free(buf);
	return r == ERR_NOMEM || r > 0 ? r : 0;
}

/* has_bytes() for what is used of the head from byte `from` on, and for the moved
 * backup GPT. */
static int rest_is_there(struct restore *re, uint64_t from, struct err *e)
{
	const struct spread *sp = &re->head_spread;
	int r = 1;

	for (uint32_t i = 0; re->head_map && i < sp->map_count && r == 1; i++) {
		uint64_t at = (uint64_t)sp->map[i].start * REC_UNIT;
		uint64_t end = at + map_bytes(&re->params, 0, &sp->map[i]);

		if (at < from)
			at = from;
		if (end > re->limit)
			end = re->limit;
		if (at < end)
			r = has_bytes(re, at, re->head + at, (size_t)(end - at), e);
	}
	if (r == 1 && re->gpt.tail)
		r = has_bytes(re, re->gpt.off, re->gpt.tail, re->gpt.len, e);
	return r;
}

int head_is_there(struct restore *re, struct err *e)
{
	struct restore_mark m;
	int r = 1;

	/* it may stand where the image uses nothing */
	if (mark_read(re->target, &m))
		r = has_bytes(re, 0, re->head, MARK_LEN, e);
	return r == 1 ? rest_is_there(re, 0, e) : r;
}

/* Puts the mark into the first n bytes again.  1: it is there. */
static int mark_again(struct restore *re, size_t n)
{
	uint8_t *buf = calloc(1, n);
	int r = -1;

	if (buf) {
		put_mark(re, buf);
		r = dev_write(re->target, 0, buf, n, NULL);
	}
	if (r == 0)
		r = dev_flush(re->target, NULL);
	dev_forget(re->target);
	r = r == 0 && has_bytes(re, 0, buf, n, NULL) == 1;
	free(buf);
	return r;
}

/* The last write, of the first n bytes.  If it fails they may be there all the same, or
 * something else is: then the disk isn't left like that. */
static int write_first(struct restore *re, size_t n, struct err *e)
{
	int r;

	re->unsure = 1;
	r = dev_write(re->target, 0, re->head, n, e);
	if (r == 0)
		r = dev_flush(re->target, e);
	if (r == 0 && re->opt->verify) {
		dev_forget(re->target);
		r = has_bytes(re, 0, re->head, n, e) == 1 ? 0 : e->code;
	}
	re->unsure = r < 0 && !mark_again(re, n);
	return r;
}

int head_write(struct restore *re, struct err *e)
{
	size_t n = smaller(re->target->sector_size, re->target->size);
	uint8_t *first = malloc(n);
	int r = 0;

	if (!first)
		return err_set(e, ERR_NOMEM, "out of memory for buffers");
	if (re->gpt.tail)
		r = dev_write(re->target, re->gpt.off, re->gpt.tail, re->gpt.len, e);
	/* the mark stays where it is while the rest is written around it */
	memcpy(first, re->head, n);
	memset(re->head, 0, n);
	put_mark(re, re->head);
	if (r == 0 && re->head_map)
		r = spread_write(&re->head_spread, re->target, re->limit, e);
	if (r == 0)
		r = dev_flush(re->target, e);
	memcpy(re->head, first, n);
	free(first);
	if (r == 0 && re->opt->verify) {
		dev_forget(re->target);
		r = rest_is_there(re, n, e) == 1 ? 0 : e->code;
	}
	if (re->opt->how != RESTORE_ALL)
		re->changed += re->head_bytes;
	return r < 0 ? r : write_first(re, n, e);
}

void head_done(struct restore *re)
{
	free(re->head);
	free(re->head_map);
	gpt_move_done(&re->gpt);
}
