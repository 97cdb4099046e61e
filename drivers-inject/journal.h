/* journal.h: what one run of adapt changed in a guest, kept in the guest, below
 * root_journal_dir():
 *
 *   /var/lib/rehost/adapt/0001/journal.json   what was touched, and how it was
 *   /var/lib/rehost/adapt/0001/files/N        the old content of entry N
 *
 * (on NTFS /rehost-adapt/0001/...; only SYSTEM and administrators read it).  The journal and all old contents are on the disk before the first change. */
#ifndef REHOST_JOURNAL_H
#define REHOST_JOURNAL_H
#include "drivers-inject/plan.h"
#include "drivers-inject/root-write.h"

#define JOURNAL_RUNS_MAX 9999
#define JOURNAL_MAX (8u << 20)  /* bytes of a journal.json                   */

enum journal_was { WAS_ABSENT, WAS_FILE, WAS_LINK };

struct journal_entry {
	enum edit_kind kind;
	char *path;             /* in the guest; DISK: the disk              */
	enum journal_was was;
	char *target;           /* of the link that was                      */
	char *backup;           /* "/var/lib/.../files/3"; NULL none         */
	struct file_meta meta;  /* of what was                               */
	uint64_t old_size;      /* APPEND: bytes before                      */
	uint64_t offset;        /* DISK                                      */
	char old_digest[65], new_digest[65]; /* SHA-256 of the whole content (DISK: of
				 * the bytes); "" where there is none          */
	char *new_target;       /* of the link that is                       */
	char *undo;             /* ACTION: what undoes it; NULL nothing       */
};

struct journal {
	char dir[64];           /* "/var/lib/rehost/adapt/0001"              */
	int done;               /* all edits were made; else: interrupted    */
	struct journal_entry *v;
	size_t n;
	struct strv made;       /* directories that were made, outermost first */
};

void journal_done(struct journal *j);
/* The runs that can be undone, oldest first, as directories. */
int journal_list(struct root *r, struct strv *ret, struct err *e) must_check;
int journal_load(struct root *r, const char *dir, struct journal *ret, struct err *e) must_check;
int journal_save(struct root *r, const struct journal *j, struct err *e) must_check;
/* Room for one more entry; NULL: no memory. */
struct journal_entry *journal_add(struct journal *j, enum edit_kind kind, const char *path);
/* Removes the run with its files, and the directories above that are empty. */
int journal_remove(struct root *r, const struct journal *j, struct err *e) must_check;
/* Removes what runs left that were interrupted before their journal was written,
 * or behind its removal. */
int journal_sweep(struct root *r, struct err *e) must_check;
#endif
