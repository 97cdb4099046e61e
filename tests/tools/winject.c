/* winject: writes a driver package into a Windows on a disk file, with nothing else.
 *
 *   winject DISK OFFSET SIZE WINDOWS INF [boot] [plan]
 *
 * OFFSET, SIZE: of the volume, bytes; WINDOWS: its directory; INF: its package is the
 * directory that it is in, names in any case.  boot: the disk hangs on it; plan: only
 * show.  Prints "inf: ...", "dir: ...", "bound: 1", "reused: 0", "edit: PATH", "note:
 * ...", "warning: ...".  Status 1: the sentence is on stderr. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "drivers-inject/apply.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/windows/inject.h"

static int failed(const struct err *e)
{
	fprintf(stderr, "winject: %s\n", e->msg);
	return 1;
}

static int slurp(const char *path, uint8_t **ret, size_t *ret_n, struct err *e)
{
	FILE *f = fopen(path, "rb");
	struct stat st;

	if (!f || fstat(fileno(f), &st) || !S_ISREG(st.st_mode)) {
		if (f)
			fclose(f);
		return err_set(e, ERR_NOT_FOUND, "no file %s", path);
	}
	*ret = malloc((size_t)st.st_size + 1);
	*ret_n = *ret ? fread(*ret, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	return *ret ? 0 : err_set(e, ERR_NOMEM, "out of memory");
}

/* path, with "\", below dir: each name in any case. */
static int find_file(const char *dir, const char *path, char ret[4096])
{
	size_t n = strcspn(path, "\\");
	DIR *d = opendir(dir);
	struct dirent *de;
	int found = -1;

	while (d && found && (de = readdir(d)))
		if (strlen(de->d_name) == n && !strncasecmp(de->d_name, path, n)) {
			char next[4096];

			snprintf(next, sizeof next, "%s/%s", dir, de->d_name);
			if (path[n])
				found = find_file(next, path + n + 1, ret);
			else
				found = snprintf(ret, 4096, "%s", next) < 0;
		}
	if (d)
		closedir(d);
	return found;
}

static int read_file(void *ctx, const struct inf_file *f, uint8_t **ret, size_t *n, struct err *e)
{
	char path[4096], name[4096];

	snprintf(name, sizeof name, "%s%s%s", f->dir, *f->dir ? "\\" : "", f->source);
	if (find_file(ctx, name, path))
		return err_set(e, ERR_NOT_FOUND, "%s: not in the package", name);
	return slurp(path, ret, n, e);
}

static void show(const struct plan *p, const struct win_injected *in)
{
	printf("inf: %s\ndir: %s\nbound: %d\nreused: %d\n", in->inf, in->dir, in->bound, in->reused);
	for (size_t i = 0; i < p->n; i++)
		printf("edit: %s\n", p->v[i].path);
	for (size_t i = 0; i < p->notes.n; i++)
		printf("note: %s\n", p->notes.v[i]);
	for (size_t i = 0; i < p->warnings.n; i++)
		printf("warning: %s\n", p->warnings.v[i]);
}

static int inject(struct win *w, char **argv, unsigned flags, int plan_only, struct err *e)
{
	char *slash = strrchr(argv[5], '/');
	struct win_package pkg = { .name = slash ? slash + 1 : argv[5], .origin = argv[5],
				   .read = read_file };
	struct win_injected done;
	struct inf *inf = NULL;
	struct plan *p = NULL;
	uint8_t *bytes = NULL;
	char dir[4096];
	int rc = slurp(argv[5], &bytes, &pkg.n, e);

	snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - argv[5]) : 1, slash ? argv[5] : ".");
	pkg.ctx = dir;
	pkg.bytes = bytes;
	if (!rc)
		rc = inf_parse(bytes, pkg.n, pkg.name, &inf, e);
	pkg.inf = inf;
	p = plan_new(w->root);
	if (!rc)
		rc = win_inject(w, p, &pkg, flags, &done, e);
	if (!rc)
		rc = win_plan_hives(w, p, e);
	if (!rc)
		show(p, &done);
	if (!rc && !plan_only && p->n)
		rc = plan_apply(p, NULL, e);
	plan_free(p);
	inf_free(inf);
	free(bytes);
	return rc;
}

int main(int argc, char **argv)
{
	struct win_wishes wishes = { .even_dirty = 0 };
	struct write_token t = { .path = argc > 1 ? argv[1] : "" };
	struct blkdev *disk = NULL, *volume = NULL;
	struct root *root = NULL;
	struct tree *tree = NULL;
	struct err e = { 0 };
	struct win w;
	struct stat st;
	unsigned flags = 0;
	int plan_only = 0, rc = 1;

	for (int i = 6; i < argc; i++) {
		flags |= !strcmp(argv[i], "boot") ? WIN_INJECT_BOOT : 0;
		plan_only |= !strcmp(argv[i], "plan");
	}
	if (argc < 6 || stat(argv[1], &st)) {
		fprintf(stderr, "usage: winject DISK OFFSET SIZE WINDOWS INF [boot] [plan]\n");
		return 2;
	}
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	if (dev_open_rw(&t, &disk, &e) ||
	    dev_window(disk, strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), &volume, &e) ||
	    root_ntfs_open(volume, 0, &root, &e) || tree_open(volume, &tree, &e))
		return failed(&e);
	if (win_open(root, tree, argv[4], &wishes, &w, &e)) {
		failed(&e);
	} else {
		rc = inject(&w, argv, flags, plan_only, &e) ? failed(&e) : 0;
		win_done(&w);
	}
	tree_close(tree);
	root_close(root);
	dev_close(volume);
	dev_close(disk);
	return rc;
}
