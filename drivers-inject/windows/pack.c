/* pack.c: see pack.h; libarchive's share of it. */
#include "drivers-inject/windows/pack-int.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"

#define BLOCK (64u << 10)       /* read at once */
#define SECTOR 2048             /* of an ISO */
#define DESCRIPTORS 16          /* sectors looked at for what kind of ISO it is */

static char plain(char c)
{
	if (c == '\\')
		return '/';
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

int pack_same_path(const char *a, const char *b)
{
	while (*a && plain(*a) == plain(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

int pack_named(const char *path)
{
	static const char *const kinds[] = { ".zip", ".cab", ".iso", ".7z" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcasecmp(dot, kinds[i]))
			return 1;
	return 0;
}

int pack_too_large(const char *name, const char *path, size_t max, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, "%s: %s has more than %zu bytes, the limit here", name, path,
		       max);
}

const char *pack_below_top(const char *path)
{
	while (*path == '/' || *path == '\\' || (*path == '.' && (path[1] == '/' || path[1] == '\\')))
		path++;
	return path;
}

int pack_add(struct strv *list, const char *path, const char *name, struct err *e)
{
	char turned[PACK_PATH_MAX];
	size_t n;

	path = pack_below_top(path);
	n = strlen(path);
	if (!n || n >= sizeof turned)
		return 0;
	for (size_t i = 0; i <= n; i++)
		turned[i] = path[i] == '\\' ? '/' : path[i];
	if (list->n == PACK_FILES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: more than %d files in it", name, PACK_FILES_MAX);
	return strv_add(list, turned) ? err_set(e, ERR_NOMEM, "out of memory for %s", name) : 0;
}

enum kind { OTHER, CAB, ZIP, SEVENZIP, ISO, UDF };

/* An ISO's descriptors begin at sector 16: "CD001" is ISO 9660 (ECMA-119), "NSR02"
 * or "NSR03" UDF (ECMA-167 2/9); a disc may have both. */
static enum kind kind_of_disc(int fd)
{
	enum kind kind = OTHER;
	uint8_t d[8];

	for (int i = 0; i < DESCRIPTORS && kind != ISO; i++) {
		if (pread(fd, d, sizeof d, (off_t)(16 + i) * SECTOR) != (ssize_t)sizeof d)
			break;
		if (!memcmp(d + 1, "CD001", 5))
			kind = ISO;
		else if (!memcmp(d + 1, "NSR0", 4))
			kind = UDF;
	}
	return kind;
}

static enum kind kind_of(int fd)
{
	static const struct { const char *magic; uint8_t n; enum kind kind; } kinds[] = {
		{ "MSCF\0\0\0\0", 8, CAB }, { "PK\3\4", 4, ZIP }, { "PK\5\6", 4, ZIP },
		{ "7z\xbc\xaf\x27\x1c", 6, SEVENZIP },
	};
	uint8_t head[8] = { 0 };

	if (pread(fd, head, sizeof head, 0) <= 0)
		return OTHER;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!memcmp(head, kinds[i].magic, kinds[i].n))
			return kinds[i].kind;
	return kind_of_disc(fd);
}

static int failed(struct archive *a, const char *name, struct err *e)
{
	const char *why = archive_error_string(a);

	if (archive_errno(a) == ENOMEM)
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	return err_set(e, ERR_CORRUPT, "%s: this archive can't be read: %s", name,
		       why ? why : "no reason is known");
}

static int begin(int fd, const char *name, enum kind kind, struct archive **ret, struct err *e)
{
	struct archive *a = archive_read_new();
	int rc = ARCHIVE_FATAL;

	if (!a)
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	if (lseek(fd, 0, SEEK_SET) == 0)
		rc = kind == ZIP ? archive_read_support_format_zip(a) :
		     kind == ISO ? archive_read_support_format_iso9660(a) :
				   archive_read_support_format_7zip(a);
	if (rc >= ARCHIVE_WARN)
		rc = archive_read_open_fd(a, fd, BLOCK);
	if (rc < ARCHIVE_WARN) {
		rc = failed(a, name, e);
		archive_read_free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

/* The next regular file's path; NULL at the end. */
static int next(struct archive *a, const char *name, struct archive_entry **ret_entry,
		const char **ret, struct err *e)
{
	int rc;

	do {
		rc = archive_read_next_header(a, ret_entry);
		if (rc == ARCHIVE_EOF) {
			*ret = NULL;
			return 0;
		}
		/* a warning: a name has letters that don't exist in this locale */
		if (rc < ARCHIVE_WARN)
			return failed(a, name, e);
		*ret = archive_entry_pathname(*ret_entry);
	} while (!*ret || archive_entry_filetype(*ret_entry) != AE_IFREG);
	return 0;
}

static int list(int fd, const char *name, enum kind kind, struct strv *files, struct err *e)
{
	struct archive_entry *entry;
	struct archive *a;
	const char *path;
	size_t seen = 0;
	int rc = begin(fd, name, kind, &a, e);

	if (rc)
		return rc;
	do {
		rc = next(a, name, &entry, &path, e);
		if (!rc && path)
			rc = pack_add(files, path, name, e);
	} while (!rc && path && seen++ < PACK_FILES_MAX);
	archive_read_free(a);
	return rc;
}

static int content(struct archive *a, const char *name, const char *path, size_t max,
		   uint8_t **ret, size_t *ret_n, struct err *e)
{
	cleanup_free uint8_t *bytes = NULL;
	size_t n = 0, room = 0;

	for (;;) {
		la_ssize_t got;

		if (n == room) {
			uint8_t *more;

			/* one more than max, so that the end is seen */
			room = room ? 2 * room : BLOCK;
			room = room > max ? max + 1 : room;
			more = realloc(bytes, room);
			if (!more)
				return err_set(e, ERR_NOMEM, "out of memory for %s in %s", path, name);
			bytes = more;
		}
		got = archive_read_data(a, bytes + n, room - n);
		if (got < 0)
			return failed(a, name, e);
		if (!got)
			break;
		n += (size_t)got;
		if (n > max)
			return pack_too_large(name, path, max, e);
	}
	*ret = bytes;
	bytes = NULL;
	*ret_n = n;
	return 0;
}

static int find_and_read(int fd, const char *name, enum kind kind, const char *want, size_t max,
			 uint8_t **ret, size_t *ret_n, struct err *e)
{
	struct archive_entry *entry;
	struct archive *a;
	const char *path;
	int rc = begin(fd, name, kind, &a, e);

	if (rc)
		return rc;
	do
		rc = next(a, name, &entry, &path, e);
	while (!rc && path && !pack_same_path(pack_below_top(path), want));
	if (!rc && !path)
		rc = err_set(e, ERR_NOT_FOUND, "%s: there is no %s in it", name, want);
	else if (!rc && archive_entry_is_data_encrypted(entry))
		rc = err_set(e, ERR_UNSUPPORTED, "%s: %s is encrypted; unpack the archive and give the "
			     "directory", name, want);
	else if (!rc)
		rc = content(a, name, want, max, ret, ret_n, e);
	archive_read_free(a);
	return rc;
}

static int no_archive(enum kind kind, const char *name, struct err *e)
{
	if (kind == UDF)
		return err_set(e, ERR_UNSUPPORTED, "%s: this disc image has only a UDF file system, which "
			       "can't be read here; mount it and give the directory", name);
	return err_set(e, ERR_NOT_FOUND, "%s: not a zip, cab, 7z or iso file", name);
}

int pack_list(int fd, const char *name, struct strv *ret, struct err *e)
{
	enum kind kind = kind_of(fd);
	struct strv files = { 0 };
	int rc;

	if (kind == OTHER || kind == UDF)
		return no_archive(kind, name, e);
	rc = kind == CAB ? pack_cab_list(fd, name, &files, e) : list(fd, name, kind, &files, e);
	if (rc)
		strv_done(&files);
	else
		*ret = files;
	return rc;
}

int pack_read(int fd, const char *name, const char *path, size_t max, uint8_t **ret,
	      size_t *ret_n, struct err *e)
{
	enum kind kind = kind_of(fd);

	if (kind == OTHER || kind == UDF)
		return no_archive(kind, name, e);
	return kind == CAB ? pack_cab_read(fd, name, path, max, ret, ret_n, e) :
			     find_and_read(fd, name, kind, path, max, ret, ret_n, e);
}
