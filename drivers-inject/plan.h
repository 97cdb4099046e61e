/* plan.h: edits of a guest as data, made by planners, shown, applied, checked.
 *
 * A plan lies over a guest's tree: plan_read() gives what a file will hold
 * after the edits so far, so planners can follow each other on one file.  An
 * edit that would change nothing is no edit; so a second plan, made after the
 * first was applied, is empty. */
#ifndef REHOST_ADAPT_PLAN_H
#define REHOST_ADAPT_PLAN_H
#include <json-c/json.h>
#include <stdio.h>
#include <sys/types.h>
#include "drivers-inject/root.h"

enum edit_kind {
	EDIT_WRITE,     /* the file's whole new content (made when missing)  */
	EDIT_REMOVE,    /* a file or link is removed                         */
	EDIT_LINK,      /* a symbolic link is made or changed                */
	EDIT_APPEND,    /* a segment is appended to an initramfs             */
	EDIT_REPLACE,   /* a file's content comes from a stream (fill)       */
	EDIT_DISK,      /* bytes of the disk outside of file systems         */
	EDIT_ACTION,    /* done by a function: NVRAM entries                 */
};

struct plan;
struct edit;

/* Writes the content of an APPEND or REPLACE to fd at its offset; nothing of
 * the guest changes before it has been called in full once into a scratch file. */
typedef int (*edit_fill)(void *ctx, int fd, struct err *e);

struct edit {
	enum edit_kind kind;
	char *path;             /* in the guest, without links; DISK: the disk */
	struct strv reasons;    /* one sentence each; at least one           */
	char *data;             /* WRITE: content; LINK: target; DISK: bytes  */
	size_t len;
	mode_t mode;            /* WRITE of a new file: permissions          */
	uint64_t offset;        /* DISK; APPEND: where it must begin, bytes     */
	edit_fill fill;         /* APPEND, REPLACE                           */
	int (*act)(void *ctx, int undo, struct err *e); /* ACTION            */
	void *ctx;
	void (*ctx_free)(void *ctx);
	struct strv details;    /* lines for people: "+ nvme", "- /dev/sda1"  */
	int optional;           /* its failure is a warning (NVRAM)          */
};

enum verdict {
	VERDICT_UNKNOWN,
	VERDICT_BOOTS,          /* as it is                                  */
	VERDICT_AFTER_EDITS,    /* once the plan's edits are made            */
	VERDICT_WILL_NOT,       /* because of plan->problems                 */
};

/* A device of the target that nothing in the guest drives. */
struct missing {
	char *device;           /* "1af4:1042 Red Hat Virtio 1.0 block device" */
	char *modalias;
	char *hint;             /* where a driver may be found: a sentence   */
	struct strv kernels;    /* the kernels that lack it                  */
	int fatal;              /* without it the system won't boot          */
};

struct plan {
	struct root *root;      /* the caller's */
	struct edit *v;
	size_t n;
	enum verdict verdict;
	int boots_now;          /* Windows: 1, without any edit              */
	struct strv problems;   /* why it will not boot                      */
	struct strv warnings;   /* status 3                                  */
	struct strv notes;
	struct missing *missing;
	size_t n_missing;
	struct json_object *more;       /* joins the document: a planner's own facts */
};

struct plan *plan_new(struct root *r);
struct plan *plan_free(struct plan *p); /* takes NULL, returns NULL */

/* As root_read with ROOT_TEXT_MAX, with the edits so far.  ERR_NOT_FOUND: not
 * there, or to be removed. */
int plan_read(struct plan *p, const char *path, char **ret, size_t *ret_len,
	      struct err *e) must_check;
/* 1: there is such a regular file, with the edits so far. */
int plan_has(struct plan *p, const char *path);

/* Each resolves path's links, so that a file is edited once under one name, and
 * drops an edit that changes nothing.  reason: printf, a sentence. */
int plan_write(struct plan *p, const char *path, const char *data, size_t len,
	       struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 6, 7)));
/* a file that is new gets this mode instead of 0644 */
int plan_write_mode(struct plan *p, const char *path, mode_t mode, const char *data,
		    size_t len, struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 7, 8)));
int plan_remove(struct plan *p, const char *path, struct err *e,
		const char *reason, ...) must_check
	__attribute__((format(printf, 4, 5)));
int plan_link(struct plan *p, const char *path, const char *target,
	      struct err *e, const char *reason, ...) must_check
	__attribute__((format(printf, 5, 6)));
/* The other kinds: an edit to be filled in by the caller; path is copied.
 * NULL: out of memory.  The pointer is good until the next edit. */
struct edit *plan_add(struct plan *p, enum edit_kind kind, const char *path,
		      const char *reason, ...)
	__attribute__((format(printf, 4, 5)));

/* Sentences; each only once.  Out of memory: lost. */
void plan_problem(struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void plan_warn(struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void plan_note(struct plan *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* One per device: kernels are joined ("": none to name). */
int plan_missing(struct plan *p, const char *device, const char *modalias,
		 const char *hint, const char *kernel, int fatal,
		 struct err *e) must_check;

/* docs/INTERFACES.md, "rehost adapt --json". */
struct json_object *plan_json(const struct plan *p);
void plan_print(const struct plan *p, FILE *f);
const char *verdict_name(enum verdict v); /* "boots-after-edits" */
#endif
