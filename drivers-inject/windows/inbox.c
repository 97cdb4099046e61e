/* inbox.c: see inbox.h. */
#include "drivers-inject/windows/inbox.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/cabinet.h"

enum kind { LOOSE, CABINET, PACKED };

/* Windows 2000 to 2003.  A leading "/" is the volume's root, else %SystemRoot%; "@" is
 * i386, amd64 or ia64.  Updates put new kernels and HALs loose into the driver cache;
 * later service packs stand before earlier ones. */
static const struct place {
	enum kind kind;
	const char *dir, *cabinet;
} nt5_places[] = {
	{ LOOSE, "Driver Cache/@", NULL }, { LOOSE, "System32/dllcache", NULL },
	{ LOOSE, "ServicePackFiles/@", NULL }, { CABINET, "Driver Cache/@", "sp4.cab" },
	{ CABINET, "Driver Cache/@", "sp3.cab" }, { CABINET, "Driver Cache/@", "sp2.cab" },
	{ CABINET, "Driver Cache/@", "sp1.cab" }, { CABINET, "Driver Cache/@", "driver.cab" },
	/* the contents of the installation CD, as makers of computers leave it there */
	{ PACKED, "/@", NULL }, { CABINET, "/@", "sp4.cab" }, { CABINET, "/@", "sp3.cab" },
	{ CABINET, "/@", "sp2.cab" }, { CABINET, "/@", "sp1.cab" }, { CABINET, "/@", "driver.cab" },
};

struct search {
	struct win *w;
	const char *name;
	inbox_fits *fits;
	const void *ctx;
	uint8_t *best;
	size_t best_n;
	uint16_t version[4];    /* of best                                   */
	char from[PATH_MAX];
	struct strv searched;   /* places that are there                     */
	struct strv unfit;      /* "PATH (5.1.2600.0)"                       */
};

/* ---- one copy ---- */

static int version_order(const uint16_t a[4], const uint16_t b[4])
{
	for (int i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static void unfit(struct search *s, const char *where, const struct pe *pe)
{
	char room[24];

	if (pe->machine != pe_machine_of(s->w->target.arch))
		strv_addf(&s->unfit, "%s (%s)", where, pe_machine_name(pe->machine, room));
	else
		strv_addf(&s->unfit, "%s (version %u.%u.%u.%u)", where, pe->version[0], pe->version[1],
			  pe->version[2], pe->version[3]);
}

/* bytes become the search's. */
static void consider(struct search *s, uint8_t *bytes, size_t n, const char *where)
{
	struct pe pe;

	if (pe_read(bytes, n, where, &pe, NULL)) {
		strv_addf(&s->unfit, "%s (no PE file)", where);
		free(bytes);
		return;
	}
	if (pe.machine != pe_machine_of(s->w->target.arch) || (s->fits && !s->fits(s->ctx, bytes, n, &pe))) {
		unfit(s, where, &pe);
		free(bytes);
	} else if (s->best && version_order(s->version, pe.version) >= 0) {
		free(bytes);
	} else {
		free(s->best);
		s->best = bytes;
		s->best_n = n;
		memcpy(s->version, pe.version, sizeof s->version);
		snprintf(s->from, sizeof s->from, "%s", where);
	}
	pe_done(&pe);
}

/* What can't be read is as what isn't there, but is told. */
static void cannot(struct search *s, const struct err *why)
{
	if (why->code != ERR_NOT_FOUND)
		strv_addf(&s->unfit, "%s", why->msg);
}

static void take_loose(struct search *s, const char *path)
{
	struct err why = { 0 };
	char *bytes;
	size_t n;

	if (root_read(s->w->root, path, INBOX_FILE_MAX, &bytes, &n, &why))
		cannot(s, &why);
	else
		consider(s, (uint8_t *)bytes, n, path);
}

static void take_packed(struct search *s, const char *cabinet, const char *where)
{
	struct err why = { 0 };
	uint8_t *bytes;
	size_t n;

	if (cabinet_read(s->w->tree, cabinet, s->name, &bytes, &n, &why))
		cannot(s, &why);
	else
		consider(s, bytes, n, where);
}

/* ---- Windows 2000 to 2003 ---- */

/* The name that its directory has for "DIR/NAME"; 0: it isn't there. */
static int there(struct search *s, const char *dir, const char *name, char ret[PATH_MAX])
{
	char path[PATH_MAX];

	return snprintf(path, sizeof path, "%s/%s", dir, name) < PATH_MAX &&
	       !root_resolve(s->w->root, path, ret, NULL) && root_has_file(s->w->root, ret);
}

static void search_place(struct search *s, const struct place *at)
{
	static const char *const names[INF_N_ARCHES] = {
		[INF_X86] = "i386", [INF_AMD64] = "amd64", [INF_IA64] = "ia64",
	};
	const char *arch = names[s->w->target.arch], *mark = strchr(at->dir, '@');
	char dir[PATH_MAX], path[PATH_MAX], where[PATH_MAX + 128], name[128];

	if (!arch)
		return;
	snprintf(dir, sizeof dir, "%s%s%.*s%s", *at->dir == '/' ? "" : s->w->dir,
		 *at->dir == '/' ? "" : "/", mark ? (int)(mark - at->dir) : (int)strlen(at->dir), at->dir,
		 mark ? arch : "");
	if (!root_has_dir(s->w->root, dir))
		return;
	snprintf(name, sizeof name, "%s", at->kind == CABINET ? at->cabinet : s->name);
	if (at->kind == PACKED) /* atapi.sy_ */
		name[strlen(name) - 1] = '_';
	snprintf(where, sizeof where, "%s/%s", dir, at->kind == CABINET ? at->cabinet : "");
	if (at->kind != CABINET)
		strv_addf(&s->searched, "%s", dir);
	if (!there(s, dir, name, path))
		return;
	if (at->kind == CABINET)
		strv_addf(&s->searched, "%s", path);
	snprintf(where, sizeof where, at->kind == CABINET ? "%s: %s" : "%s", path, s->name);
	if (at->kind == LOOSE)
		take_loose(s, path);
	else
		take_packed(s, path, where);
}

static void search_nt5(struct search *s)
{
	for (size_t i = 0; i < sizeof nt5_places / sizeof *nt5_places && !s->best; i++)
		search_place(s, &nt5_places[i]);
}

/* ---- Vista and later ---- */

/* Directories below dir whose name begins with begin and has part in it. */
static int search_dirs(struct search *s, const char *below, const char *begin, const char *part,
		       struct err *e)
{
	char dir[PATH_MAX], in[PATH_MAX], path[PATH_MAX];
	struct strv names = { 0 };
	int rc = win_path(s->w, below, dir, e);

	if (rc || !root_has_dir(s->w->root, dir))
		return rc;
	strv_addf(&s->searched, "%s", dir);
	rc = root_list(s->w->root, dir, &names, e);
	for (size_t i = 0; !rc && i < names.n; i++) {
		if (strncasecmp(names.v[i], begin, strlen(begin)) || !strcasestr(names.v[i], part) ||
		    snprintf(in, sizeof in, "%s/%s", dir, names.v[i]) >= PATH_MAX)
			continue;
		if (there(s, in, s->name, path))
			take_loose(s, path);
	}
	strv_done(&names);
	return rc;
}

/* FileRepository\mshdc.inf_amd64_0123456789abcdef; the side-by-side store has the same
 * packages as amd64_mshdc.inf_31bf3856ad364e35_VERSION_none_HASH. */
static int search_stores(struct search *s, struct err *e)
{
	const char *arch = inf_arch_name(s->w->target.arch);
	char part[32], begin[32];
	int rc;

	snprintf(part, sizeof part, ".inf_%s_", arch);
	snprintf(begin, sizeof begin, "%s_", arch);
	rc = search_dirs(s, "System32\\DriverStore\\FileRepository", "", part, e);
	if (!rc && !s->best)
		rc = search_dirs(s, "winsxs", begin, ".inf_", e);
	return rc;
}

/* ---- */

static void list(const struct strv *l, char *ret, size_t size)
{
	size_t at = 0;

	*ret = 0;
	for (size_t i = 0; i < l->n && at < size; i++)
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? ", " : "", l->v[i]);
}

static int not_found(const struct search *s, struct err *e)
{
	char places[500], others[300];

	list(&s->searched, places, sizeof places);
	list(&s->unfit, others, sizeof others);
	return err_set(e, ERR_NOT_FOUND, "%s has no %s%s in %s%s%s", s->w->name, s->unfit.n ? "fitting " : "",
		       s->name, *places ? places : "any of the places where it keeps copies",
		       *others ? "; not taken: " : "", others);
}

int inbox_read(struct win *w, const char *name, inbox_fits *fits, const void *ctx, uint8_t **ret,
	       size_t *ret_n, char from[PATH_MAX], struct err *e)
{
	struct search s = { .w = w, .name = name, .fits = fits, .ctx = ctx };
	int rc = 0;

	if (!*name || strlen(name) > 100 || strpbrk(name, "/\\"))
		return err_set(e, ERR_USAGE, "\"%.100s\" is no name of a file of Windows", name);
	if (w->generation == WIN_NT5)
		search_nt5(&s);
	else
		rc = search_stores(&s, e);
	if (!rc && !s.best)
		rc = not_found(&s, e);
	if (rc) {
		free(s.best);
	} else {
		*ret = s.best;
		*ret_n = s.best_n;
		strcpy(from, s.from);
	}
	strv_done(&s.searched);
	strv_done(&s.unfit);
	return rc;
}

int win_fetch_inbox(struct win *w, struct plan *p, const char *below, struct err *e)
{
	const char *slash = strrchr(below, '\\');
	cleanup_free uint8_t *bytes = NULL;
	char path[PATH_MAX], from[PATH_MAX];
	size_t n;
	int rc;

	if (win_has(w, p, below))
		return 0;
	rc = inbox_read(w, slash ? slash + 1 : below, NULL, NULL, &bytes, &n, from, e);
	if (!rc)
		rc = win_path(w, below, path, e);
	return rc ? rc : plan_write(p, path, (const char *)bytes, n, e,
				    "%s is needed there, and this Windows has it as %s",
				    slash ? slash + 1 : below, from);
}
