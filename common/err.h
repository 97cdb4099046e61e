/* err.h: how every function reports failure.
 *
 * A function that can fail returns 0, or one of the negative codes below, and
 * fills *e where the fact is known: what happened, where (path, offset,
 * device), what to do.  Libraries never print and never exit; main() and the
 * screens show e->msg.  Outputs (ret_x) are untouched on failure. */
#ifndef REHOST_ERR_H
#define REHOST_ERR_H

enum err_code {
	ERR_OK = 0,
	ERR_IO = -1,          /* the device or file failed                       */
	ERR_CORRUPT = -2,     /* bytes that break their format's rules           */
	ERR_UNSUPPORTED = -3, /* a known feature that is not implemented         */
	ERR_NOMEM = -4,
	ERR_USAGE = -5,       /* exit status 2                                   */
	ERR_REFUSED = -6,     /* refused for safety: exit status 4               */
	ERR_NOSPACE = -7,     /* the place where an image is written is full     */
	ERR_CANCELLED = -8,   /* by signal                                       */
	ERR_NOT_FOUND = -9,
	ERR_INTERNAL = -10,
	ERR_SECRET = -11,     /* a passphrase is missing or wrong                */
};

struct err {
	int code;             /* an enum err_code */
	char msg[1000];       /* one or two sentences, no newline */
};

#define must_check __attribute__((warn_unused_result))

/* Fills e (which may be NULL) and returns code. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, with ": strerror(errnum)" appended; ENOSPC/EDQUOT give
 * ERR_NOSPACE, ENOMEM gives ERR_NOMEM, all else ERR_IO. */
int err_sys(struct err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "text: " in front of e->msg; returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The exit status (0 1 2 4) that DESIGN.md 3 gives to a code. */
int err_exit_status(int code);

#endif
