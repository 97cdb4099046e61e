/* engine.h: the jobs: capture, restore, verify.  Reading, hashing with
 * compression (workers), and ordered writing overlap; memory is a fixed number
 * of chunks, whatever the disk's size.  No printing, no options, no guards:
 * the commands do those.  Sizes and offsets are bytes. */
#ifndef REHOST_ENGINE_H
#define REHOST_ENGINE_H
#include "common/err.h"
#include "imager/dev/dev.h"
#include "imager/extents.h"
#include "imager/fmt/image.h"
#include "imager/store/store.h"

/* How a job speaks and is stopped.  Any function may be NULL.  All are called
 * by the thread that runs the job, never at the same time.  The words and
 * their meaning: docs/INTERFACES.md, "Events". */
struct job_events {
	/* step: "copy", "retry", "flush", "verify"; text: a sentence for people */
	void (*step)(void *ctx, const char *step, const char *text);
	/* Used bytes done and in all; written: bytes of image written (capture)
	 * or read.  Called after each chunk: the callee limits its rate. */
	void (*progress)(void *ctx, const char *step, uint64_t done,
			 uint64_t total, uint64_t written);
	/* code: "unreadable" "unreadable-file" "log" "damaged" "sector-size" "gpt"; off, len: on the disk, 0 and 0
	 * where they don't apply.  A job with warnings ends with status 3. */
	void (*warning)(void *ctx, const char *code, const char *text,
			uint64_t off, uint64_t len);
	/* 1: stop as soon as possible; the job fails with ERR_CANCELLED */
	int (*cancelled)(void *ctx);
	void *ctx;
};

/* What they cost: docs/BENCHMARKS.md. */
enum image_level { LEVEL_FAST, LEVEL_BALANCED, LEVEL_SMALL };
/* 0 and *ret, or ERR_USAGE, which names the words there are. */
int image_level_parse(const char *word, enum image_level *ret,
		      struct err *e) must_check;
const char *image_level_name(enum image_level l);

struct job_options {
	/* threads that hash and (de)compress; 0: as many as there are
	 * processors; -1: none, all in the calling thread.  At most
	 * JOB_WORKERS_MAX, and so many that their buffers fit in 48 MiB (14 at
	 * level balanced).  The image's bytes don't depend on it. */
	int workers;
};
#define JOB_WORKERS_MAX 16

/* ---- capture ---- */

struct mapfile;

/* What unreadable bytes belong to. */
struct lost_file {
	const char *path;         /* NULL: no file's                             */
	const char *what;         /* "file", "directory", or whose they are      */
	const char *where;        /* "ext4, partition 2"                         */
	uint64_t off, len;        /* bytes of the disk                           */
};

struct capture_options {
	struct job_options job;
	enum image_level level;
	const char *meta_json;    /* META's whole JSON text (FORMAT.md 2.4)      */
	int partial;              /* 1: META's `only` says which partitions used has */
	/* The rest may be zero: defaults.  Tests fix them for equal bytes. */
	uint32_t chunk_size;      /* what suits the level                        */
	enum hash_alg hash;       /* hash_best()                                 */
	uint64_t created;         /* now                                         */
	const uint8_t *image_id;  /* 16 bytes; random                            */
	int plain_summary;        /* 1: SUMMARY without times                    */
	/* Seconds between two points from which an interrupted capture can go on
	 * (COMMIT records); 0: CAPTURE_COMMIT_DEFAULT; below 0: after every chunk.
	 * None are made where out can't be made durable (a pipe). */
	int commit_seconds;
	/* An image of the same disk, opened with its bases: what is equal or nearly isn't
	 * stored again.  meta_json lists it and its bases, in this order.  NULL: none. */
	struct image *base;
	int dedup;                /* 1: equal chunks of this image are stored once */
	/* Bytes that a volume may have at most (volumes.h); 0: one file. */
	uint64_t split;
	/* Encrypts the image, unless NULL; of one that is gone on with, NULL. */
	const char *passphrase;
	/* To go on with an image that image_open_cut() opened, or NULL; out is
	 * store_resume()'s, and is cut to the image when all was compared.
	 * meta_json, created, hash, chunk_size, image_id are the image's then.
	 * Refused (ERR_REFUSED) when the used map isn't the same, or what is
	 * compared differs: the chunks that hold a byte of check, and one of 64. */
	struct image *resume;
	unsigned int resume_volume;  /* store_keep()'s: where the image ends   */
	uint64_t resume_in_volume;
	const uint64_t *check;    /* disk offsets, ascending                     */
	size_t n_check;
	/* Places that are hard to read (docs/decisions/0016-bad-disks.md).  How often
	 * sectors that failed are tried again; 0: CAPTURE_RETRY_PASSES; below 0:
	 * not at all. */
	int retry_passes;
	/* Seconds for all of it, once the rest is read; 0: CAPTURE_RETRY_SECONDS;
	 * below 0: as long as it takes. */
	double retry_seconds;
	const char *log;          /* path of a map file to write, or NULL        */
	const struct mapfile *known; /* what such a file said before, or NULL     */
	/* Names what lies in unreadable ranges: calls say() for each; may be NULL. */
	void (*name_bad)(void *ctx, const struct byte_range *bad, size_t n,
			 void (*say)(void *to, const struct lost_file *f), void *to);
	void *name_ctx;
};
#define CAPTURE_COMMIT_DEFAULT 30
#define CAPTURE_RETRY_PASSES 1
#define CAPTURE_RETRY_SECONDS 3600

struct capture_result {
	uint8_t digest[32];       /* the root digest                             */
	uint64_t bytes;           /* used bytes captured                         */
	uint64_t image_bytes;     /* the image's length                          */
	uint64_t bad_bytes;       /* unreadable, stored as zeros                 */
	uint64_t bad_ranges;
	uint64_t warnings;        /* how often events->warning was called        */
	uint64_t same;            /* of bytes: that weren't stored again, as the base or
				   * this image has them                         */
	uint64_t resumed;         /* of bytes: that were in the image already    */
	unsigned int workers;     /* threads that there was room for             */
	uint64_t commits;         /* points to go on from; set when it failed, too */
	double seconds;
};

/* Reads the used ranges of src and appends an image to out.  It neither
 * commits nor aborts out: the caller does (store_commit on 0, store_abort
 * else).  What can't be read at once is read after all else, in passes; sectors that
 * can't be read then are stored as zeros, listed in the image and told by a
 * warning each (ranges joined).  A disk from which nothing can be read any more,
 * not even what could be before, ends the job. */
int capture_run(struct blkdev *src, const struct extents *used,
		const struct capture_options *opt, struct store_out *out,
		const struct job_events *ev, struct capture_result *ret,
		struct err *e) must_check;

/* ---- restore ---- */

enum restore_how {
	RESTORE_ALL,
	/* Reads the target, and writes only what differs from the image; nothing at all
	 * if no used byte does. */
	RESTORE_DELTA,
	/* Goes on where a restore of this image to this target was interrupted
	 * (restore-mark.h); ERR_REFUSED if none was. */
	RESTORE_RESUME,
};

/* Of the target, what the image doesn't use (where old signatures may stand it becomes
 * zeros first): */
enum restore_unused {
	UNUSED_KEEP,
	UNUSED_DISCARD,           /* tells the disk; a warning where it can't */
	UNUSED_ZERO,              /* reads as zeros afterwards */
};

struct restore_options {
	struct job_options job;
	/* These need an image that can be read at random, as does UNUSED_DISCARD and
	 * UNUSED_ZERO: ERR_USAGE for a pipe. */
	enum restore_how how;
	enum restore_unused unused;
	/* Besides the time (10 s): the mark is renewed after so many bytes; 0: never */
	uint64_t mark_bytes;
	/* Read everything back from the target and compare hashes.  Needs an
	 * image that can be read at random: ERR_USAGE for a pipe. */
	int verify;
	/* Ranges of the target to fill with zeros before the copy, beside its
	 * first and last MiB (always): places where old signatures may stand,
	 * e.g. each partition's first and last MiB.  Those in the image's used
	 * map get their content afterwards.  Clipped to the target. */
	const struct byte_range *wipe;
	size_t n_wipe;
	/* Ranges that stay as they are, whatever else is said here: partitions that
	 * the image doesn't have.  Ascending, not overlapping, outside its used map. */
	const struct byte_range *keep;
	size_t n_keep;
	/* 1: leave the partition table as it was captured even when the target
	 * is larger (the backup GPT then isn't at the disk's end).  A smaller one
	 * is refused. */
	int keep_gpt;
};

struct restore_result {
	uint8_t digest[32];       /* of the image, checked                       */
	uint64_t bytes;           /* used bytes that are right now               */
	uint64_t changed;         /* of these: written                           */
	uint64_t image_bytes;
	uint64_t bad_ranges;      /* the image's own unreadable ranges: a warning each */
	uint64_t warnings;
	int gpt_moved;            /* 1: the backup GPT is at the new end now     */
	double seconds;
	int began;                /* 1: writing began; set when it failed, too   */
	int can_resume;           /* 1: and RESTORE_RESUME can go on; set as began */
	int unsure;               /* 1: it failed, and whether the beginning looks as if
				   * all were complete can't be told; set as began */
};

/* Writes the image to target in disk order, without how from front to back.  The
 * first chunk of the disk, with its partition table, comes last, after all else is
 * on the disk and the image's end was seen and checked; its first sector last of all:
 * until then the target's first MiB is zeros with a mark (restore-mark.h) that says
 * how far it got.  RESTORE_DELTA makes it so as soon as a difference is found.
 *
 * An image file that can be read at random is refused before the first write if it
 * isn't complete.  What doesn't fit (fit.h) is refused before the first write, too;
 * on a smaller disk the GPT's backup is made anew at its end.  A damaged record ends
 * the job (ERR_CORRUPT).  Ends with a flush of the target. */
int restore_run(struct store_in *in, struct blkdev *target,
		const struct restore_options *opt, const struct job_events *ev,
		struct restore_result *ret, struct err *e) must_check;

/* ---- verify ---- */

struct verify_bad {
	const char *record;       /* "header" "meta" "chunk" "page" "commit" "bad"
				   * "summary" "root" "end", or "record" if not known */
	uint64_t offset;          /* in the image file                           */
	int has_disk_range;       /* 1: disk_offset, disk_len: what of the disk is lost */
	uint64_t disk_offset, disk_len;
	const char *text;         /* a sentence                                  */
};

struct verify_options {
	struct job_options job;
	/* Called for each bad record, in file order. */
	void (*bad)(void *ctx, const struct verify_bad *b);
	void *bad_ctx;
};

struct verify_result {
	int ok;                   /* 1: complete and nothing bad                 */
	struct image_params params;
	uint8_t digest[32];       /* if ok                                       */
	uint64_t bytes;           /* plain bytes checked                         */
	uint64_t chunks;          /* CHUNK records checked                       */
	uint64_t bad;             /* how often opt->bad was called               */
	uint64_t image_bytes;
	double seconds;
};

/* Reads every record.  Returns 0 with ret->ok = 0 when the image is damaged;
 * negative only when it can't be read, isn't an image, is of a feature that
 * isn't implemented, or the job was cancelled. */
int verify_run(struct store_in *in, const struct verify_options *opt,
	       const struct job_events *ev, struct verify_result *ret,
	       struct err *e) must_check;

#endif
