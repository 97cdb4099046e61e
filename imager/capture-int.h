/* capture-int.h: between capture.c and capture-late.c only. */
#ifndef REHOST_CAPTURE_INT_H
#define REHOST_CAPTURE_INT_H
#include <json-c/json.h>
#include <stdatomic.h>
#include "imager/base.h"
#include "imager/engine.h"
#include "imager/fmt/chunk.h"
#include "imager/job.h"
#include "imager/mapfile.h"
#include "imager/plan.h"
#include "imager/putoff.h"
#include "imager/rescue.h"
#include "imager/volumes.h"

struct cap_slot {
	struct plan plan;
	struct chunk_out out;
	int put_off;              /* 1: it wasn't read, for the reason `why`     */
	enum putoff_why why;
	struct bad_list bad, unscraped;
	uint8_t *wide, *packed;   /* wide: chunk_room bytes in front are ours too */
	uint8_t *mem;
};

/* Chunks that are read in passes together; buffers as a slot's. */
struct batch {
	struct hard_chunk *h;
	uint8_t **mem;
	size_t n, at, room;       /* at: the next to be handed over              */
};

struct capture {
	struct job job;
	const struct capture_options *opt;
	struct image_params params;
	const struct extents *used;
	struct chunk_reader reader;
	struct codec *codecs[JOB_WORKERS_MAX + 1];
	struct base *base;        /* NULL: none                                  */
	unsigned int n_workers, n_slots;
	struct cap_slot *slots;
	struct image_writer *writer;
	struct store_out *out;
	struct volume_out volumes;
	atomic_int stop;          /* 1: the filling thread shall come to its end */

	/* the filling thread's */
	struct planner planner, ahead;
	struct plan ahead_plan;
	unsigned int n_ahead;     /* chunks that `ahead` is in front             */
	uint64_t ahead_bytes;     /* and their used bytes                        */
	unsigned int hold_hints;  /* for so many chunks nothing is told ahead    */
	struct rescuer rescuer;
	unsigned int failed_chunks;   /* in a row                                */
	uint64_t skip;            /* chunks to leave out, untried                */
	struct putoff room;       /* only what they cost                         */
	size_t known_at;          /* in opt->known                               */
	size_t todo_at;           /* a round's place in todo                     */
	struct batch batch;       /* the last round's                            */
	uint8_t *state;           /* of one chunk, for which there is no room    */

	/* the calling thread's; todo is only read while a round goes on */
	struct putoff todo, next;
	uint64_t done_to, turn;   /* as in mapfile_view                          */
	int round;                /* 0: the first pass                           */
	struct bad_list bad, unscraped;
	uint64_t bytes, resumed, same;
	struct dedup *dedup;      /* NULL: not wanted                            */
	double committed, logged; /* when, by the job's clock                    */
	int log_failed;           /* 1: that was told                            */
	int commit_seconds;       /* below 0: after every chunk                  */
	uint64_t commits;
	json_object *warnings;    /* SUMMARY's                                   */
	json_object *files;       /* SUMMARY's unreadable_files                  */
};

/* A pass of the pipeline with another way to fill slots. */
int capture_pass(struct capture *c, int (*fill)(void *ctx, void *slot, struct err *e),
		 struct err *e) must_check;
int capture_make_buffer(struct capture *c, struct plan *plan, uint8_t **mem,
			uint8_t **wide, struct err *e) must_check;

/* Reads the chunk of slot s, or puts it off.  In the first pass and in the second. */
int capture_read(struct capture *c, struct cap_slot *s, int may_put_off, struct err *e) must_check;
/* What was put off, when all else is read. */
int capture_late(struct capture *c, struct err *e) must_check;
void capture_late_begin(struct capture *c);
void capture_late_done(struct capture *c);
/* A log that can't be written is told, and doesn't end the capture. */
void capture_log(struct capture *c, int finished);
/* SUMMARY's "passes"; NULL if nothing failed. */
json_object *capture_passes(const struct capture *c);
#endif
