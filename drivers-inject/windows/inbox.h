/* inbox.h: files of Windows itself that it keeps copies of besides the place where
 * they are used: in cabinets, caches and the driver store, all on the guest's volume.
 *
 * An installed Windows has many drivers only there, since it didn't need them so far:
 * on 2000 to 2003 intelide.sys, HALs and the kernel for several processors, on Vista
 * and later whatever its edition left in the driver store. */
#ifndef REHOST_INBOX_H
#define REHOST_INBOX_H
#include "drivers-inject/windows/pe.h"
#include "drivers-inject/windows/win.h"

/* The largest file that is taken: kernels have up to 12 MB, drivers less. */
#define INBOX_FILE_MAX (32u << 20)

/* 1: this is the copy that is wanted. */
typedef int inbox_fits(const void *ctx, const void *bytes, size_t n, const struct pe *pe);

/* The first copy of a file of this processor's kind that fits (NULL: any), newest
 * service pack first; on Vista and later the one of the highest version.  name:
 * "pciide.sys".  *ret is the caller's; from gets the place, for people.
 * ERR_NOT_FOUND: the sentence names the places that were searched, and what was there
 * and didn't fit. */
int inbox_read(struct win *w, const char *name, inbox_fits *fits, const void *ctx,
	       uint8_t **ret, size_t *ret_n, char from[PATH_MAX], struct err *e) must_check;

/* The plan brings the file to below ("System32\\drivers\\pciide.sys") unless there is
 * one.  Errors as above. */
int win_fetch_inbox(struct win *w, struct plan *p, const char *below, struct err *e) must_check;

#endif
