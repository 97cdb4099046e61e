/* modindex.c: depmod(8) over some modules of a guest's kernel.
 *
 * depmod sees a tree of links to the caller's open files, under a made-up
 * version and without this machine's configuration.  It knows compression by
 * the first bytes, whatever a file's name is; only what Debian's can't read is
 * unpacked: gzip, and zstd without the size in its head (kmod 34).  Names in
 * ".ko.gz" it passes over: such a file is "x.ko" for it, and gets its own name
 * back in the results. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/run.h"
#include "drivers-inject/linux/modindex.h"
#include "drivers-inject/linux/modules-private.h"

#define VERSION "6.0.0"         /* depmod wants one; no result holds it */
#define SECONDS_MAX 300         /* for a thousand packed modules on an old machine */

struct indexing {
	const struct modules *m;
	const struct mod_file *files;
	size_t n;
	char tree[PATH_MAX];    /* removed at the end */
	char dir[PATH_MAX];     /* in it, where modules lie and results come */
	struct err *e;
};

static int no_room(struct indexing *x)
{
	return err_set(x->e, ERR_USAGE, "%s: too long a path", x->tree);
}

static int is_gzip_name(const char *path)
{
	size_t n = strlen(path);

	return n > 6 && !strcmp(path + n - 6, ".ko.gz");
}

/* Makes path's directories below base; the tree is new and nobody else's. */
static int make_parents(struct indexing *x, const char *path)
{
	char p[2 * PATH_MAX];

	snprintf(p, sizeof p, "%s/%s", x->dir, path);
	for (char *s = p + strlen(x->dir) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			return err_sys(x->e, errno, "making %s", p);
		*s = '/';
	}
	return 0;
}

/* What depmod can't unpack by itself */
static int must_unpack(int fd)
{
	unsigned char head[18]; /* RFC 8878: a frame's head has at most that */
	ssize_t n = pread(fd, head, sizeof head, 0);

	switch (module_packing(fd)) {
	case INITRD_NONE:
	case INITRD_XZ:
		return 0;
	case INITRD_ZSTD:
		return n > 0 && ZSTD_getFrameContentSize(head, (size_t)n) == ZSTD_CONTENTSIZE_UNKNOWN;
	default:
		return 1;
	}
}

static int write_file(struct indexing *x, const char *path, const void *bytes, size_t len)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int n = fd < 0 ? errno : io_write_all(fd, bytes, len);

	return n ? err_sys(x->e, n, "writing %s", path) : 0;
}

static int add_file(struct indexing *x, const struct mod_file *f)
{
	char path[2 * PATH_MAX], target[64];
	cleanup_free unsigned char *bytes = NULL;
	size_t len;
	int r;

	if (!modules_path_ok(f->path))
		return err_set(x->e, ERR_CORRUPT, "\"%.200s\" is no path of a kernel module", f->path);
	r = make_parents(x, f->path);
	if (r)
		return r;
	snprintf(path, sizeof path, "%s/%s", x->dir, f->path);
	if (is_gzip_name(f->path))
		path[strlen(path) - 3] = 0;
	if (must_unpack(f->fd)) {
		r = module_read(f->fd, f->path, &bytes, &len, x->e);
		return r ? r : write_file(x, path, bytes, len);
	}
	snprintf(target, sizeof target, "/proc/%ld/fd/%d", (long)getpid(), f->fd);
	if (symlink(target, path) < 0)
		return err_sys(x->e, errno, "making %s", path);
	return 0;
}

/* The kernel's own lists, which depmod reads and an initramfs keeps. */
static int add_lists(struct indexing *x)
{
	static const char *const names[] = { "modules.order", "modules.builtin",
					     "modules.builtin.modinfo" };
	char from[PATH_MAX], to[2 * PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < sizeof names / sizeof *names; i++) {
		cleanup_free char *text = NULL;
		size_t len;

		snprintf(from, sizeof from, "%s/%s", x->m->dir, names[i]);
		r = root_read(x->m->root, from, MODULES_TEXT_MAX, &text, &len, x->e);
		if (r == ERR_NOT_FOUND) { /* old kernels */
			r = 0;
			continue;
		}
		snprintf(to, sizeof to, "%s/%s", x->dir, names[i]);
		if (!r)
			r = write_file(x, to, text, len);
	}
	return r;
}

/* TREE/lib is a link to usr/lib, so that a depmod built for either finds it. */
static int make_tree(struct indexing *x, const char *out_dir)
{
	static const char *const dirs[] = { "usr", "usr/lib", "usr/lib/modules",
					    "usr/lib/modules/" VERSION, "config" };
	char path[PATH_MAX + 64];

	if (snprintf(x->tree, sizeof x->tree, "%s/tree-XXXXXX", out_dir) >= (int)sizeof x->tree - 64)
		return no_room(x);
	if (!mkdtemp(x->tree)) {
		x->tree[0] = 0;
		return err_sys(x->e, errno, "making a directory in %s", out_dir);
	}
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		snprintf(path, sizeof path, "%s/%s", x->tree, dirs[i]);
		if (mkdir(path, 0700) < 0)
			return err_sys(x->e, errno, "making %s", path);
	}
	snprintf(path, sizeof path, "%s/lib", x->tree);
	if (symlink("usr/lib", path) < 0)
		return err_sys(x->e, errno, "making %s", path);
	if (snprintf(x->dir, sizeof x->dir, "%s/usr/lib/modules/" VERSION, x->tree) >=
	    (int)sizeof x->dir)
		return no_room(x);
	return 0;
}

static int run_depmod(struct indexing *x)
{
	char config[PATH_MAX + 16];
	const char *argv[] = { "depmod", "-b", x->tree, "-C", config, VERSION, NULL };
	struct run_spec spec = { .argv = argv, .timeout_s = SECONDS_MAX, .out_max = 65536 };
	struct run_result res = { 0 };
	int r;

	snprintf(config, sizeof config, "%s/config", x->tree);
	r = run_program(&spec, &res, x->e);
	if (r == ERR_NOT_FOUND) { /* not in the PATH of who isn't root */
		argv[0] = "/sbin/depmod";
		r = run_program(&spec, &res, x->e);
	}
	if (r == ERR_NOT_FOUND)
		return err_set(x->e, r, "the program depmod is not installed (package kmod)");
	if (r)
		return r;
	/* of a module that it can't read it says so and ends well */
	if (res.timed_out || res.status || strstr(res.err, "ERROR:"))
		r = err_set(x->e, ERR_CORRUPT, "depmod failed on the modules of kernel %s (%s): %s",
			    x->m->version, res.timed_out ? "it took too long" : "a damaged module?",
			    res.err);
	run_result_done(&res);
	return r;
}

/* The path as the caller named it, which may end in ".gz" */
static const char *own_path(const struct indexing *x, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < x->n; i++)
		if (!strncmp(x->files[i].path, path, len) &&
		    (!x->files[i].path[len] || !strcmp(x->files[i].path + len, ".gz")))
			return x->files[i].path;
	return path;
}

/* "a.ko: b.ko c.ko" with the files' own names; *ret is malloc'd. */
static int own_line(struct indexing *x, char *line, char **ret)
{
	char *word, *rest = line, *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int first = 1;

	if (!f)
		return err_set(x->e, ERR_NOMEM, "out of memory");
	while ((word = strsep(&rest, " "))) {
		size_t len = strlen(word);

		if (first && len && word[len - 1] == ':') {
			word[len - 1] = 0;
			fprintf(f, "%s:", own_path(x, word));
		} else {
			fprintf(f, " %s", own_path(x, word));
		}
		first = 0;
	}
	if (fclose(f)) {
		free(text);
		return err_set(x->e, ERR_NOMEM, "out of memory");
	}
	*ret = text;
	return 0;
}

/* Reads modules.dep of the tree into lines. */
static int read_dep(struct indexing *x, struct strv *ret)
{
	char path[PATH_MAX + 16];
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof path, "%s/modules.dep", x->dir);
	f = fopen(path, "re");
	if (!f)
		return err_sys(x->e, errno, "%s", path);
	while (!r && (n = getline(&line, &room, f)) > 0) {
		char *own = NULL;

		line[strcspn(line, "\n")] = 0;
		r = own_line(x, line, &own);
		if (!r && strv_add(ret, own) < 0)
			r = err_set(x->e, ERR_NOMEM, "out of memory");
		free(own);
	}
	if (!r && ferror(f))
		r = err_set(x->e, ERR_IO, "%s can't be read", path);
	return r;
}

static int has_line(const struct strv *lines, const char *path)
{
	char wanted[MODULE_NAME_SIZE], name[MODULE_NAME_SIZE];

	modules_name(path, wanted, sizeof wanted);
	for (size_t i = 0; i < lines->n; i++) {
		char *colon = strchr(lines->v[i], ':');

		if (!colon)
			continue;
		*colon = 0;
		modules_name(lines->v[i], name, sizeof name);
		*colon = ':';
		if (!strcmp(name, wanted))
			return 1;
	}
	return 0;
}

/* Writes modules.dep and its index anew where files are named ".ko.gz", and
 * makes sure that depmod took every module. */
static int finish_dep(struct indexing *x)
{
	struct strv lines = { 0 };
	char path[PATH_MAX + 32];
	int r = read_dep(x, &lines), gzip = 0;

	for (size_t i = 0; !r && i < x->n; i++) {
		gzip |= is_gzip_name(x->files[i].path);
		if (!has_line(&lines, x->files[i].path))
			r = err_set(x->e, ERR_CORRUPT, "depmod could not read the module %s",
				    x->files[i].path);
	}
	if (!r && gzip) {
		snprintf(path, sizeof path, "%s/modules.dep", x->dir);
		r = modindex_write_text(path, &lines, x->e);
		snprintf(path, sizeof path, "%s/modules.dep.bin", x->dir);
		if (!r)
			r = modindex_write_bin(path, &lines, x->e);
	}
	strv_done(&lines);
	return r;
}

/* Moves the results out of the tree. */
static int take_results(struct indexing *x, const char *out_dir)
{
	char from[PATH_MAX + 300], to[PATH_MAX + 300];
	DIR *d = opendir(x->dir);
	struct dirent *de;
	int r = 0;

	if (!d)
		return err_sys(x->e, errno, "%s", x->dir);
	while (!r && (de = readdir(d))) {
		if (strncmp(de->d_name, "modules.", 8))
			continue;
		snprintf(from, sizeof from, "%s/%s", x->dir, de->d_name);
		snprintf(to, sizeof to, "%s/%s", out_dir, de->d_name);
		if (rename(from, to) < 0)
			r = err_sys(x->e, errno, "moving %s to %s", from, to);
	}
	closedir(d);
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st, (void)type, (void)w;
	return remove(path);
}

int modindex_make(const struct modules *m, const struct mod_file *files, size_t n,
		  const char *out_dir, struct err *e)
{
	struct indexing *x = calloc(1, sizeof *x);
	int r;

	if (!x)
		return err_set(e, ERR_NOMEM, "out of memory");
	*x = (struct indexing){ .m = m, .files = files, .n = n, .e = e };
	r = make_tree(x, out_dir);
	for (size_t i = 0; !r && i < n; i++)
		r = add_file(x, &files[i]);
	if (!r)
		r = add_lists(x);
	if (!r)
		r = run_depmod(x);
	if (!r)
		r = finish_dep(x);
	if (!r)
		r = take_results(x, out_dir);
	if (*x->tree && nftw(x->tree, remove_one, 16, FTW_DEPTH | FTW_PHYS) && !r)
		r = err_sys(e, errno, "removing %s", x->tree);
	free(x);
	return r;
}
