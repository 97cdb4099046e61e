/* drivers-root.c: packages that are on the guest's own disk: see drivers.h. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/drivers-int.h"
#include "drivers-inject/windows/pack.h"

/* Where Windows and makers keep packages.  What is in the driver store is looked at
 * first: <windows>/inf has copies of its INFs. */
static const struct harvest {
	const char *path;
	int in_windows;         /* below the Windows directory */
	enum drivers_place place;
	unsigned depth;
	int archives;
} harvests[] = {
	{ "System32/DriverStore/FileRepository", 1, DRIVERS_STORE, 1, 0 },
	{ "inf", 1, DRIVERS_WINDOWS_INF, 0, 0 },
	/* virt-v2v puts its own there */
	{ "Drivers", 1, DRIVERS_OEM, 8, 1 },
	{ "Drivers", 0, DRIVERS_OEM, 8, 1 },
	{ "SWSetup", 0, DRIVERS_OEM, 8, 1 },            /* HP              */
	{ "SWTOOLS/DRIVERS", 0, DRIVERS_OEM, 8, 1 },    /* Lenovo, IBM     */
	{ "DRV", 0, DRIVERS_OEM, 8, 1 },
	{ "Dell", 0, DRIVERS_OEM, 8, 1 },               /* and Dell/Drivers */
	{ "Intel", 0, DRIVERS_OEM, 8, 1 },
	{ "AMD", 0, DRIVERS_OEM, 8, 1 },
	{ "ATI", 0, DRIVERS_OEM, 8, 1 },
	{ "NVIDIA", 0, DRIVERS_OEM, 8, 1 },
	{ "eSupport", 0, DRIVERS_OEM, 8, 1 },           /* Asus            */
	{ "sysprep/Drivers", 0, DRIVERS_OEM, 8, 1 },
};

/* The directory of that path, whatever its case; 1: it is there.  at: "/" or a path
 * that is there, becomes longer. */
static int find_dir(struct root *r, char at[PATH_MAX], const char *path)
{
	char next[PATH_MAX], name[NAME_MAX + 1];

	while (*(path += strspn(path, "/"))) {
		size_t n = strcspn(path, "/");
		struct strv names = { 0 };
		int found = 0;

		if (n > NAME_MAX || root_list(r, at, &names, NULL))
			return 0;
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		for (size_t i = 0; i < names.n && !found; i++)
			found = pack_same_path(names.v[i], name) && !source_join(at, names.v[i], next) &&
				root_has_dir(r, next);
		strv_done(&names);
		if (!found)
			return 0;
		strcpy(at, next);
		path += n;
	}
	return 1;
}

static int open_guest(struct drivers *d, struct root *r, const char *top, const char *windows,
		      struct drivers_guest **ret, struct err *e)
{
	struct drivers_guest *g = calloc(1, sizeof *g);
	int rc;

	if (!g)
		return err_set(e, ERR_NOMEM, "out of memory for the drivers of %s", top);
	snprintf(g->windows, sizeof g->windows, "%s", windows + strspn(windows, "/"));
	rc = source_dir(r, "/", "/", &g->disk, e);
	if (rc) {
		free(g);
		return rc;
	}
	g->disk->copies = 1;
	rc = drivers_own_source(d, g->disk, e);
	if (rc) {
		free(g);
		return rc;
	}
	rc = drivers_own_guest(d, g, e);
	if (!rc)
		*ret = g;
	return rc;
}

static int harvest_one(struct drivers *d, struct root *r, struct drivers_guest *g,
		       const struct harvest *h, struct err *e)
{
	struct drivers_scan s = { .d = d, .guest = g, .place = h->place, .depth = h->depth,
				  .archives = h->archives };
	char at[PATH_MAX] = "/", label[PATH_MAX + 1];
	int rc;

	if ((h->in_windows && !find_dir(r, at, g->windows)) || !find_dir(r, at, h->path))
		return 0;
	snprintf(label, sizeof label, "%s/", at);
	rc = source_dir(r, at, label, &s.source, e);
	if (rc)
		return rc;
	s.source->copies = 1;
	rc = drivers_own_source(d, s.source, e);
	return rc ? rc : drivers_scan(&s, e);
}

int drivers_add_root(struct drivers *d, struct root *r, const char *windows, struct err *e)
{
	struct drivers_guest *g = NULL;
	int rc = open_guest(d, r, root_dir(r), windows, &g, e);

	for (size_t i = 0; !rc && i < sizeof harvests / sizeof *harvests; i++)
		rc = harvest_one(d, r, g, &harvests[i], e);
	return rc;
}
