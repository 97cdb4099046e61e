/* drivers-folder.c: what the folders of a collection say of the Windows that a package
 * is for, where its INF doesn't: virtio-win keeps one package for each in w10, w8.1,
 * 2k12R2, ..., with INFs that would suit them all. */
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/drivers-int.h"

static const struct folder {
	const char *name;       /* in virtio-win's spelling, and others'     */
	unsigned major, minor;
	int server;             /* 1: of servers                             */
	unsigned build;         /* the first build; 0: any                   */
} folders[] = {
	{ "2k", 5, 0, 0, 0 }, { "xp", 5, 1, 0, 0 }, { "winxp", 5, 1, 0, 0 },
	{ "2k3", 5, 2, 1, 0 }, { "2k8", 6, 0, 1, 0 }, { "vista", 6, 0, 0, 0 },
	{ "w7", 6, 1, 0, 0 }, { "win7", 6, 1, 0, 0 }, { "2k8R2", 6, 1, 1, 0 },
	{ "w8", 6, 2, 0, 0 }, { "win8", 6, 2, 0, 0 }, { "2k12", 6, 2, 1, 0 },
	{ "w8.1", 6, 3, 0, 0 }, { "win8.1", 6, 3, 0, 0 }, { "2k12R2", 6, 3, 1, 0 },
	{ "w10", 10, 0, 0, 10240 }, { "win10", 10, 0, 0, 10240 }, { "w11", 10, 0, 0, 22000 },
	{ "win11", 10, 0, 0, 22000 }, { "2k16", 10, 0, 1, 14393 }, { "2k19", 10, 0, 1, 17763 },
	{ "2k22", 10, 0, 1, 20348 }, { "2k25", 10, 0, 1, 26100 },
};

static const struct folder *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (strlen(folders[i].name) == len && !strncasecmp(folders[i].name, name, len))
			return &folders[i];
	return NULL;
}

/* The last folder of the path that names a Windows. */
static const struct folder *folder_of(const char *path)
{
	const struct folder *last = NULL, *f;

	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1)
		if ((f = find(path, (size_t)(slash - path))))
			last = f;
	return last;
}

/* Windows 10 and 11 (2016 to 2025) share a version: of folders that aren't too new the
 * newest is the best, and its own kind of Windows before a server's or workstation's. */
unsigned drivers_folder_score(const char *path, const struct inf_target *t)
{
	const struct folder *f = folder_of(path);
	unsigned score;

	if (!f)
		return 10;
	if (f->major != t->major || f->minor != t->minor || f->build > t->build)
		return DRIVERS_OTHER_WINDOWS;
	score = f->build > 20000 ? 0 : f->build > 17000 ? 1 : f->build > 14000 ? 2 : 3;
	return f->server == (t->product != 1) ? score : 4 + score;
}
