/* segment.c: see segment.h; the rules are the kernel's
 * (driver-api/early-userspace/buffer-format.rst, init/initramfs.c):
 * directories before what is in them, none that exists already (one in the place of a
 * link would remove the link: lib -> usr/lib), later files over earlier ones. */
#include "drivers-inject/linux/segment.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/scratch.h"
#include "drivers-inject/linux/cpio.h"

#define FILES_MAX 20000         /* a kernel has 6000 modules                  */

struct seg_file {
	char *dest;
	char *from;             /* a path of the guest, or NULL: data         */
	char *data;
	size_t len;
	mode_t mode;
	int module;             /* dest lies in the initramfs's module tree   */
};

struct segment {
	struct root *root;
	char *initrd, *kernel_dir;
	int rewrite;
	struct seg_file *v;
	size_t n;
	int modules;            /* how many of v are modules                  */
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for an initramfs segment");
}

struct segment *segment_new(struct root *r, const char *initrd, const char *kernel_dir, int rewrite)
{
	struct segment *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->root = r;
	s->rewrite = rewrite;
	s->initrd = strdup(initrd);
	s->kernel_dir = strdup(kernel_dir ? kernel_dir : "");
	return s->initrd && s->kernel_dir ? s : segment_free(s);
}

struct segment *segment_free(struct segment *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].dest);
		free(s->v[i].from);
		free(s->v[i].data);
	}
	free(s->v);
	free(s->initrd);
	free(s->kernel_dir);
	free(s);
	return NULL;
}

void segment_free_ctx(void *s)
{
	segment_free(s);
}

int segment_is_empty(const struct segment *s)
{
	return !s->n;
}

static struct seg_file *add(struct segment *s, const char *dest, mode_t mode, struct err *e)
{
	struct seg_file *v;

	if (s->n == FILES_MAX) {
		err_set(e, ERR_UNSUPPORTED, "%s: more than %d files to add", s->initrd, FILES_MAX);
		return NULL;
	}
	v = reallocarray(s->v, s->n + 1, sizeof *v);
	if (!v) {
		no_memory(e);
		return NULL;
	}
	s->v = v;
	v[s->n] = (struct seg_file){ .dest = strdup(dest), .mode = mode };
	if (!v[s->n].dest) {
		no_memory(e);
		return NULL;
	}
	return &v[s->n++];
}

int segment_add_file(struct segment *s, const char *dest, mode_t mode, const char *from,
		     struct err *e)
{
	struct seg_file *f = add(s, dest, mode, e);

	if (!f)
		return e ? e->code : ERR_NOMEM;
	f->from = strdup(from);
	return f->from ? 0 : no_memory(e);
}

int segment_add_data(struct segment *s, const char *dest, mode_t mode, const char *data,
		     size_t len, struct err *e)
{
	struct seg_file *f = add(s, dest, mode, e);

	if (!f)
		return e ? e->code : ERR_NOMEM;
	f->data = malloc(len + 1);
	if (!f->data)
		return no_memory(e);
	memcpy(f->data, data, len);
	f->len = len;
	return 0;
}

int segment_add_module(struct segment *s, const char *rel, struct err *e)
{
	char from[PATH_MAX];
	int rc;

	if (snprintf(from, sizeof from, "%s/%s", s->kernel_dir, rel) >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", rel);
	rc = segment_add_file(s, rel, 0644, from, e);
	if (!rc) {
		s->v[s->n - 1].module = 1;
		s->modules++;
	}
	return rc;
}

/* ---- writing ---- */

/* One writing of the segment. */
struct out {
	struct segment *s;
	struct initrd *initrd;
	struct cpio_out *cpio;
	char base[PATH_MAX];    /* "usr/lib/modules/6.1.0-50-amd64" there      */
	struct strv dirs;       /* made by this segment                       */
	char tmp[SCRATCH_PATH]; /* a directory of this machine                */
};

/* Makes the directories above dest that neither the initramfs nor this segment
 * has. */
static int out_parents(struct out *o, const char *dest, struct err *e)
{
	char dir[PATH_MAX];

	for (const char *p = strchr(dest, '/'); p; p = strchr(p + 1, '/')) {
		struct initrd_node node;
		int rc;

		snprintf(dir, sizeof dir, "%.*s", (int)(p - dest), dest);
		if (strv_has(&o->dirs, dir))
			continue;
		rc = initrd_find(o->initrd, dir, &node, NULL, NULL);
		if (!rc && !S_ISDIR(node.mode))
			return err_set(e, ERR_UNSUPPORTED, "%s: %s in it is no directory",
				       o->s->initrd, dir);
		if (!rc)
			continue;
		rc = cpio_out_dir(o->cpio, dir, 0755, e);
		if (rc)
			return rc;
		if (strv_add(&o->dirs, dir))
			return no_memory(e);
	}
	return 0;
}

static int out_fd(struct out *o, const char *dest, mode_t mode, int fd, struct err *e)
{
	struct stat st;
	int rc = out_parents(o, dest, e);

	if (rc)
		return rc;
	if (fstat(fd, &st))
		return err_sys(e, errno, "%s", dest);
	return cpio_out_fd(o->cpio, dest, mode, fd, (uint64_t)st.st_size, e);
}

static int out_file(struct out *o, const struct seg_file *f, struct err *e)
{
	cleanup_close int fd = -1;
	char dest[PATH_MAX];
	int rc;

	if (snprintf(dest, sizeof dest, "%s%s%s", f->module ? o->base : "", f->module ? "/" : "",
		     f->dest) >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", f->dest);
	if (!f->from) {
		rc = out_parents(o, dest, e);
		return rc ? rc : cpio_out_file(o->cpio, dest, f->mode, f->data, f->len, e);
	}
	rc = root_fd(o->s->root, f->from, O_RDONLY, 0, &fd, e);
	return rc ? rc : out_fd(o, dest, f->mode, fd, e);
}

/* ---- the index of all modules: those there, and those added ---- */

struct union_tree {
	struct out *o;
	struct modules *m;
	struct mod_file *files;
	char **paths;           /* of files                                   */
	size_t n;
	struct strv extract;    /* modules that only the initramfs has        */
	struct err e;
};

static int is_module(const char *path)
{
	const char *name = strrchr(path, '/'), *ko = name ? strstr(name, ".ko") : NULL;

	return ko && (!ko[3] || ko[3] == '.');
}

static int union_add(struct union_tree *u, const char *rel, int fd)
{
	struct mod_file *files = reallocarray(u->files, u->n + 1, sizeof *files);
	char **paths;

	if (files)
		u->files = files;
	paths = reallocarray(u->paths, u->n + 1, sizeof *paths);
	if (paths)
		u->paths = paths;
	if (!files || !paths || !(paths[u->n] = strdup(rel)))
		return no_memory(&u->e);
	files[u->n] = (struct mod_file){ paths[u->n], fd };
	u->n++;
	return 0;
}

static int union_has(const struct union_tree *u, const char *rel)
{
	for (size_t i = 0; i < u->n; i++)
		if (!strcmp(u->paths[i], rel))
			return 1;
	return 0;
}

/* A module that the initramfs has: the guest's file of that name has the same
 * symbols and aliases. */
static int union_old(void *ctx, const char *path, const struct initrd_node *node)
{
	struct union_tree *u = ctx;
	char name[256], from[PATH_MAX];
	const char *rel, *mine;
	int fd, rc;

	if (!S_ISREG(node->mode) || !is_module(path))
		return 0;
	rel = path + strlen(u->o->base) + 1;
	modules_name(rel, name, sizeof name);
	mine = modules_path(u->m, name);
	if (!mine)
		return strv_add(&u->extract, path) ? no_memory(&u->e) : 0;
	if (snprintf(from, sizeof from, "%s/%s", u->o->s->kernel_dir, mine) >= PATH_MAX)
		return err_set(&u->e, ERR_UNSUPPORTED, "%s: the path is too long", mine);
	rc = root_fd(u->o->s->root, from, O_RDONLY, 0, &fd, NULL);
	if (rc)
		return strv_add(&u->extract, path) ? no_memory(&u->e) : 0;
	rc = union_add(u, rel, fd);
	if (rc)
		close(fd);
	return rc;
}

static int union_new(struct union_tree *u)
{
	const struct segment *s = u->o->s;

	for (size_t i = 0; i < s->n; i++) {
		int fd, rc;

		if (!s->v[i].module || union_has(u, s->v[i].dest))
			continue;
		rc = root_fd(s->root, s->v[i].from, O_RDONLY, 0, &fd, &u->e);
		if (!rc && (rc = union_add(u, s->v[i].dest, fd)))
			close(fd);
		if (rc)
			return rc;
	}
	return 0;
}

static int union_extract(struct union_tree *u)
{
	char **names = calloc(u->extract.n + 1, sizeof *names);
	char dir[SCRATCH_PATH + 16];
	int rc;

	if (!names)
		return no_memory(&u->e);
	snprintf(dir, sizeof dir, "%s/extracted", u->o->tmp);
	rc = mkdir(dir, 0700) ? err_sys(&u->e, errno, "%s", dir) : 0;
	if (!rc && u->extract.n)
		rc = initrd_extract(u->o->initrd, (const char *const *)u->extract.v, u->extract.n,
				    dir, names, &u->e);
	for (size_t i = 0; !rc && i < u->extract.n; i++) {
		char path[PATH_MAX];
		int fd;

		snprintf(path, sizeof path, "%s/%.200s", dir, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		rc = fd < 0 ? err_sys(&u->e, errno, "%s", path)
			    : union_add(u, u->extract.v[i] + strlen(u->o->base) + 1, fd);
	}
	for (size_t i = 0; i < u->extract.n; i++)
		free(names[i]);
	free(names);
	return rc;
}

/* depmod's results, each over the one that the initramfs has. */
static int out_index(struct out *o, const char *dir, struct err *e)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort), rc = 0;

	if (n < 0)
		return err_sys(e, errno, "%s", dir);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX], dest[PATH_MAX];
		cleanup_close int fd = -1;

		if (!rc && !strncmp(names[i]->d_name, "modules.", 8)) {
			snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			if (snprintf(dest, sizeof dest, "%.3800s/%s", o->base, names[i]->d_name) <
				    PATH_MAX && fd >= 0)
				rc = out_fd(o, dest, 0644, fd, e);
			else
				rc = err_sys(e, errno, "%s", path);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

static int make_index(struct out *o, struct err *e)
{
	struct union_tree u = { .o = o };
	char dir[SCRATCH_PATH + 16];
	int rc = modules_open(o->s->root, o->s->kernel_dir, &u.m, e);

	if (rc)
		return rc;
	rc = initrd_each(o->initrd, o->base, union_old, &u);
	if (!rc)
		rc = union_new(&u);
	if (!rc)
		rc = union_extract(&u);
	if (rc && e)
		*e = u.e;
	snprintf(dir, sizeof dir, "%s/index", o->tmp);
	if (!rc && mkdir(dir, 0700))
		rc = err_sys(e, errno, "%s", dir);
	if (!rc)
		rc = modindex_make(u.m, u.files, u.n, dir, e);
	if (!rc)
		rc = out_index(o, dir, e);
	for (size_t i = 0; i < u.n; i++) {
		close(u.files[i].fd);
		free(u.paths[i]);
	}
	free(u.files);
	free(u.paths);
	strv_done(&u.extract);
	modules_close(u.m);
	return rc;
}

/* ---- all of it ---- */

/* Where the initramfs has, or will have, its kernel's modules. */
static int find_base(struct out *o, struct err *e)
{
	const char *version = strrchr(o->s->kernel_dir, '/');
	char path[300];
	struct initrd_node node;
	int rc;

	if (!o->s->modules)
		return 0;
	snprintf(path, sizeof path, "lib/modules/%.250s", version ? version + 1 : "");
	rc = initrd_find(o->initrd, path, &node, o->base, e);
	if (rc != ERR_NOT_FOUND || *o->base)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	/* no lib/modules at all: below where lib leads */
	rc = initrd_find(o->initrd, "lib", &node, o->base, e);
	if (rc && (rc != ERR_NOT_FOUND || !*o->base))
		return rc;
	snprintf(path, sizeof path, "/modules/%.250s", version ? version + 1 : "");
	if (strlen(o->base) + strlen(path) >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", o->base);
	strcat(o->base, path);
	return 0;
}

/* Each module is an open file for depmod. */
static void raise_files(size_t n)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < n + 4096) {
		l.rlim_cur = l.rlim_max < n + 16384 ? l.rlim_max : n + 16384;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

int segment_fill(void *ctx, int fd, struct err *e)
{
	struct out o = { .s = ctx };
	int rc = scratch_make(NULL, o.tmp, e);

	if (rc)
		return rc;
	raise_files(o.s->n);
	rc = initrd_open(o.s->root, o.s->initrd, &o.initrd, e);
	if (!rc)
		rc = find_base(&o, e);
	if (!rc && o.s->rewrite)
		rc = initrd_rewrite(o.initrd, fd, e);
	if (!rc)
		rc = cpio_out_open(fd, &o.cpio, e);
	for (size_t i = 0; !rc && i < o.s->n; i++)
		rc = out_file(&o, &o.s->v[i], e);
	if (!rc && o.s->modules)
		rc = make_index(&o, e);
	if (!rc)
		rc = cpio_out_close(o.cpio, e);
	else
		cpio_out_abort(o.cpio);
	initrd_close(o.initrd);
	strv_done(&o.dirs);
	scratch_remove(o.tmp);
	return rc;
}
