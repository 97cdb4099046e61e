/* winplan-hal: what is planned for the HAL, the kernel and boot.ini of a Windows.
 *
 *   winplan-hal VOLUME NAME=VALUE...
 *     VOLUME                 a file with nothing but an NTFS file system
 *     dir=WINDOWS            %SystemRoot%
 *     processors=N           of the target; 0 unknown
 *     volumes=FILE volume=N  docs/INTERFACES.md, "volumes", and which of them VOLUME is
 *     fetch=NAME             instead of the plan: win_fetch_inbox() of that name
 *     apply=1 undo=1
 * Prints the plan as JSON.  Only that planner is asked, and the hive is written to
 * the file that hive=FILE names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/json.h"
#include "drivers-inject/apply.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/root-write.h"
#include "drivers-inject/windows/inbox.h"

static int die(const struct err *e)
{
	fprintf(stderr, "winplan-hal: %s\n", e->msg);
	exit(err_exit_status(e->code));
}

static const char *arg(char **argv, const char *name, const char *dflt)
{
	size_t n = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=')
			return *argv + n + 1;
	return dflt;
}

static struct blkdev *open_volume(const char *path, int writing)
{
	struct write_token t = { .path = path };
	struct blkdev *d = NULL;
	struct stat st;
	struct err e = { 0 };

	if (stat(path, &st)) {
		err_set(&e, ERR_IO, "%s: no such file", path);
		die(&e);
	}
	t.dev = st.st_dev;
	t.ino = st.st_ino;
	if (writing ? dev_open_rw(&t, &d, &e) : dev_open_ro(path, &d, &e))
		die(&e);
	return d;
}

static void read_volumes(const char *path, struct volumes *v)
{
	static char text[65536];
	struct json_object *o = NULL;
	FILE *f = fopen(path, "r");
	struct err e = { 0 };

	if (!f || json_parse(text, fread(text, 1, sizeof text, f), &o, &e) || volumes_from_json(o, v, &e))
		die(&e);
	fclose(f);
	json_object_put(o);
}

static void save_hive(struct win *w, const char *path)
{
	struct err e = { 0 };
	uint64_t len;
	int fd, to = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	if (to < 0 || hive_save(w->system, &fd, &e) || file_copy(fd, to, &len, &e))
		die(&e);
	close(fd);
	close(to);
}

static void plan(struct root *r, struct tree *t, char **argv)
{
	struct hw target = { .processors = (unsigned)atoi(arg(argv, "processors", "0")) };
	struct win_wishes wishes = { .target = &target };
	struct plan *p = plan_new(r);
	struct volumes v = { 0 };
	struct json_object *o;
	struct err e = { 0 };
	struct win w;

	if (!p || win_open(r, t, arg(argv, "dir", "WINDOWS"), &wishes, &w, &e))
		die(&e);
	if (arg(argv, "volumes", NULL)) {
		read_volumes(arg(argv, "volumes", NULL), &v);
		w.volumes = &v;
		w.volume = atoi(arg(argv, "volume", "0"));
	}
	if (arg(argv, "fetch", NULL) ? win_fetch_inbox(&w, p, arg(argv, "fetch", NULL), &e) :
	    win_plan_hal(&w, &wishes, p, &e))
		die(&e);
	o = plan_json(p);
	if (json_print(stdout, o, &e))
		die(&e);
	json_object_put(o);
	if (arg(argv, "hive", NULL))
		save_hive(&w, arg(argv, "hive", NULL));
	if (arg(argv, "apply", NULL) && p->n && plan_apply(p, NULL, &e))
		die(&e);
	win_done(&w);
	volumes_done(&v);
	plan_free(p);
}

int main(int argc, char **argv)
{
	int writing = argc > 1 && (arg(argv, "apply", NULL) || arg(argv, "undo", NULL));
	struct undo_result u = { 0 };
	struct blkdev *d;
	struct tree *t = NULL;
	struct root *r;
	struct err e = { 0 };

	if (argc < 2)
		return 2;
	d = open_volume(argv[1], writing);
	if (root_ntfs_open(d, 0, &r, &e) || tree_open(d, &t, &e))
		die(&e);
	if (!arg(argv, "undo", NULL))
		plan(r, t, argv + 2);
	else if (adapt_undo(r, NULL, &u, &e))
		die(&e);
	for (size_t i = 0; i < u.kept.n; i++)
		printf("kept: %s\n", u.kept.v[i]);
	strv_done(&u.kept);
	tree_close(t);
	root_close(r);
	dev_close(d);
	return 0;
}
