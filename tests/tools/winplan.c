/* winplan: plans what is chosen for a Windows on an NTFS volume in a file, and makes it
 * so.
 *
 *   winplan FILE NAME=VALUE...
 *     offset=N size=N            the volume in the file, bytes (all of it)
 *     planners=leftovers,identity,firstboot    (all of these)
 *     profile=NAME | hardware=FILE    the target's; old=FILE the old machine's inventory
 *     hostname=NAME unattend=FILE nic=NAME=MAC (repeatable)
 *     new_identity=1 remove_tools=1 keep_reboot=1
 *     stage=DIRECTORY:INF        a package for the first start (repeatable): its files
 *     dir=Windows apply=1 undo=1
 * Prints "warning: ...", "note: ...", "edit: KIND PATH LENGTH REASON", "change: ..." for
 * each change of a hive. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "drivers-inject/apply.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/windows/plan-firstboot.h"

static void die(const struct err *e)
{
	fprintf(stderr, "winplan: %s\n", e->msg);
	exit(1);
}

/* The i-th of that name. */
static const char *nth(char **argv, const char *name, int i, const char *dflt)
{
	size_t n = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=' && !i--)
			return *argv + n + 1;
	return dflt;
}

static const char *arg(char **argv, const char *name, const char *dflt)
{
	return nth(argv, name, 0, dflt);
}

static long long number(char **argv, const char *name)
{
	return atoll(arg(argv, name, "0"));
}

static struct blkdev *open_volume(char **argv, struct blkdev **ret_file)
{
	struct write_token t = { .path = argv[1] };
	struct blkdev *d;
	struct stat st;
	struct err e;
	uint64_t size;

	if (stat(argv[1], &st))
		exit(2);
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	if (dev_open_rw(&t, ret_file, &e))
		die(&e);
	size = number(argv, "size") ? (uint64_t)number(argv, "size") : (*ret_file)->size;
	if (dev_window(*ret_file, (uint64_t)number(argv, "offset"), size, &d, &e))
		die(&e);
	return d;
}

static void inventory(const char *path, struct hw *ret)
{
	struct json_object *o = json_object_from_file(path);
	struct err e;

	if (!o || hw_from_json(o, path, NULL, ret, &e))
		die(&e);
	json_object_put(o);
}

/* ---- packages ---- */

static int read_file(void *ctx, const char *file, uint8_t **ret, size_t *ret_len, struct err *e)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", (const char *)ctx, file);
	f = fopen(path, "re");
	*ret = malloc(1 << 20);
	if (!f || !*ret)
		return err_set(e, ERR_IO, "cannot read %s", path);
	*ret_len = fread(*ret, 1, 1 << 20, f);
	fclose(f);
	return 0;
}

static int is_file(const struct dirent *d)
{
	return *d->d_name != '.';
}

/* "DIRECTORY:INF"; the result is the directory: the package's ctx, for free(). */
static char *stage(struct win *w, const char *what)
{
	char *dir = strdup(what), *inf = strrchr(dir, ':');
	const char *files[64];
	struct dirent **list;
	struct err e;
	int n;

	*inf++ = 0;
	n = scandir(dir, &list, is_file, alphasort);
	if (n < 0 || n > 64)
		exit(2);
	for (int i = 0; i < n; i++)
		files[i] = list[i]->d_name;
	if (win_stage_add(w, &(struct win_stage){ strrchr(dir, '/') + 1, inf, dir, files, (size_t)n,
						  read_file, dir }, &e))
		printf("refused: %s\n", e.msg);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return dir;
}

/* ---- planning ---- */

static void print(const struct plan *p)
{
	static const char *const kinds[] = { "write", "remove", "link", "append", "replace",
					     "disk", "action" };

	for (size_t i = 0; i < p->warnings.n; i++)
		printf("warning: %s\n", p->warnings.v[i]);
	for (size_t i = 0; i < p->notes.n; i++)
		printf("note: %s\n", p->notes.v[i]);
	for (size_t i = 0; i < p->n; i++) {
		printf("edit: %s %s %zu %s\n", kinds[p->v[i].kind], p->v[i].path, p->v[i].len,
		       p->v[i].reasons.v[0]);
		for (size_t k = 0; k < p->v[i].details.n; k++)
			printf("change: %s\n", p->v[i].details.v[k]);
	}
}

static void choose(char **argv, win_planner *ret[4])
{
	static const struct { const char *name; win_planner *f; } all[] = {
		{ "leftovers", win_plan_leftovers }, { "identity", win_plan_identity },
		{ "firstboot", win_plan_firstboot },
	};
	const char *chosen = arg(argv, "planners", "leftovers,identity,firstboot");
	int n = 0;

	for (int i = 0; i < 3; i++)
		if (strstr(chosen, all[i].name))
			ret[n++] = all[i].f;
	ret[n] = NULL;
}

static void plan(char **argv, struct root *r, struct tree *t)
{
	struct hw target = { 0 }, old = { 0 };
	struct strv nics = { 0 };
	struct win_wishes wishes = {
		.target = &target, .old = arg(argv, "old", NULL) ? &old : NULL, .nics = &nics,
		.hostname = arg(argv, "hostname", NULL), .unattend = arg(argv, "unattend", NULL),
		.new_identity = (int)number(argv, "new_identity"), .even_dirty = 1,
		.remove_tools = (int)number(argv, "remove_tools"),
		.keep_reboot = (int)number(argv, "keep_reboot"),
	};
	win_planner *planners[4];
	char *packages[8] = { NULL };
	struct plan *p;
	struct err e = { 0 };
	struct win w;

	if (arg(argv, "hardware", NULL))
		inventory(arg(argv, "hardware", NULL), &target);
	else if (hw_profile(arg(argv, "profile", "kvm"), &target, &e))
		die(&e);
	if (wishes.old)
		inventory(arg(argv, "old", NULL), &old);
	for (int i = 0; nth(argv, "nic", i, NULL); i++)
		if (strv_add(&nics, nth(argv, "nic", i, NULL)))
			exit(1);
	if (win_open(r, t, arg(argv, "dir", "Windows"), &wishes, &w, &e))
		die(&e);
	for (int i = 0; i < 8 && nth(argv, "stage", i, NULL); i++)
		packages[i] = stage(&w, nth(argv, "stage", i, NULL));
	choose(argv, planners);
	if (win_plan_with(planners, &w, &wishes, &p, &e))
		die(&e);
	print(p);
	if (number(argv, "apply") && p->n && plan_apply(p, NULL, &e))
		die(&e);
	plan_free(p);
	win_done(&w);
	for (int i = 0; i < 8; i++)
		free(packages[i]);
	hw_done(&target);
	hw_done(&old);
	strv_done(&nics);
}

int main(int argc, char **argv)
{
	struct undo_result u = { 0 };
	struct blkdev *file, *d;
	struct root *r;
	struct tree *t;
	struct err e;

	if (argc < 2)
		return 2;
	d = open_volume(argv, &file);
	if (root_ntfs_open(d, ROOT_NTFS_EVEN_DIRTY, &r, &e))
		die(&e);
	if (number(argv, "undo")) {
		if (adapt_undo(r, NULL, &u, &e))
			die(&e);
		for (size_t i = 0; i < u.kept.n; i++)
			printf("kept: %s\n", u.kept.v[i]);
		strv_done(&u.kept);
	} else {
		if (tree_open(d, &t, &e))
			die(&e);
		plan(argv, r, t);
		tree_close(t);
	}
	root_close(r);
	dev_close(d);
	dev_close(file);
	return 0;
}
