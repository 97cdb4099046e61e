/* bootini.h: boot.ini, the menu of ntldr (Windows 2000 to 2003).
 *
 * Microsoft, "Overview of the Boot.ini File", "Boot Options in a Boot.ini File"
 * (windows-driver-docs, devtest); Knowledge Base 102873 for the paths.  The text is
 * in the code page of that Windows, which nobody knows here: it is kept as bytes,
 * and every line that isn't changed stays as it is, with its line end. */
#ifndef REHOST_BOOTINI_H
#define REHOST_BOOTINI_H
#include "common/err.h"
#include "drivers-inject/strv.h"

/* Real ones have less than 1 KB. */
#define BOOTINI_SIZE_MAX 65536u
/* ntldr shows no more than the first ten (Knowledge Base 99743). */
#define BOOTINI_ENTRIES_MAX 10
/* A menu without a number of seconds. */
#define BOOTINI_NO_TIMEOUT (-2)

/* path="title" options */
struct bootini_entry {
	size_t line;            /* of bootini.lines                          */
	char *path;             /* multi(0)disk(0)rdisk(0)partition(1)\WINDOWS,
				 * or C:\CMDCONS\BOOTSECT.DAT                 */
	char *title;            /* without quotes, in an unknown code page   */
	char *options;          /* "/fastdetect /noexecute=optin"            */
};

struct bootini {
	struct strv lines;      /* each with its line end                    */
	const char *eol;        /* what new lines get: as the first line     */
	struct bootini_entry *entry;
	size_t n;
	char *dflt;             /* default=; NULL: none                      */
	int timeout;            /* seconds; -1: for ever; BOOTINI_NO_TIMEOUT */
};

/* name: for messages.  ERR_CORRUPT: no text of 8-bit characters, or too long. */
int bootini_parse(const void *bytes, size_t n, const char *name, struct bootini *ret,
		  struct err *e) must_check;
void bootini_done(struct bootini *b);
/* As a file; *ret gets a NUL behind and is the caller's. */
int bootini_bytes(const struct bootini *b, char **ret, size_t *ret_n, struct err *e) must_check;

/* The entry that default= means, the first with that path; -1: none. */
int bootini_default(const struct bootini *b);

/* Each changes lines and reads them anew: pointers into b are not good any more. */

/* A line before the entry `at`, with its path: the default, if `at` was it.
 * ERR_UNSUPPORTED: there are BOOTINI_ENTRIES_MAX, the last would be lost. */
int bootini_add(struct bootini *b, size_t at, const char *title, const char *options,
		struct err *e) must_check;
int bootini_set_path(struct bootini *b, size_t at, const char *path, struct err *e) must_check;
int bootini_set_options(struct bootini *b, size_t at, const char *options, struct err *e) must_check;
int bootini_set_default(struct bootini *b, const char *path, struct err *e) must_check;
int bootini_set_timeout(struct bootini *b, int seconds, struct err *e) must_check;

/* 1: an option /NAME or /NAME=VALUE is there; value: cut to size, "" without one. */
int bootini_option(const char *options, const char *name, char *value, size_t size);
/* The options without those of that name; *ret: malloc'd. */
int bootini_without(const char *options, const char *name, char **ret, struct err *e) must_check;

/* A path of the firmware's (ARC): multi(a)disk(b)rdisk(c)partition(d)\DIR, or scsi(),
 * signature() in the place of multi(). */
struct bootini_arc {
	int bios;               /* multi(): the disk is reached by the BIOS; else by
				 * \ntbootdd.sys, a driver of the old hardware */
	unsigned adapter, disk, rdisk, partition; /* partition from 1, adapter 0 of
				 * signature()                               */
	const char *dir;        /* "\WINDOWS", in path                       */
};
/* 1: it is one. */
int bootini_arc(const char *path, struct bootini_arc *ret);

#endif
