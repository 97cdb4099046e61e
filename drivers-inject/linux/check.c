/* check.c: see check.h.  The initramfs's index files are copied out, and asked
 * as the kernel's tools would ask them there: which module serves this device,
 * is its file in the initramfs, is everything that it needs. */
#include "drivers-inject/linux/check.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/json.h"
#include "common/scratch.h"
#include "common/text.h"
#include "drivers-inject/linux/check-int.h"
#include "drivers-inject/linux/drivers.h"

#define INDEX_MAX (8u << 20)    /* bytes of one index file                    */

struct check_line *check_add(struct check_result *c, const char *kernel, const char *path,
			     const char *what, struct err *e)
{
	struct check_line *v = reallocarray(c->v, c->n + 1, sizeof *v);

	if (!v) {
		err_set(e, ERR_NOMEM, "out of memory");
		return NULL;
	}
	c->v = v;
	v[c->n] = (struct check_line){ .needed = 1 };
	snprintf(v[c->n].kernel, sizeof v->kernel, "%s", kernel);
	snprintf(v[c->n].path, sizeof v->path, "%s", path);
	snprintf(v[c->n].what, sizeof v->what, "%s", what);
	return &v[c->n++];
}

void check_done(struct check_result *c)
{
	free(c->v);
	*c = (struct check_result){ 0 };
}

/* ---- the initramfs's own index ---- */

struct inside {
	struct initrd *in;
	char tmp[SCRATCH_PATH]; /* a copy of its index, as a tree            */
	char base[PATH_MAX];    /* "usr/lib/modules/VERSION" in the initramfs  */
	struct root *root;
	struct modules *m;      /* of the initramfs                          */
	struct modules *kernel; /* of the guest: what is built in            */
};

static void inside_done(struct inside *x)
{
	modules_close(x->m);
	modules_close(x->kernel);
	root_close(x->root);
	initrd_close(x->in);
	scratch_remove(x->tmp);
}

static int copy_index(struct inside *x, const char *dir, struct err *e)
{
	static const char *const names[] = { "modules.dep", "modules.alias", "modules.softdep",
					     "modules.builtin", "modules.builtin.modinfo",
					     "modules.order" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char from[PATH_MAX], to[PATH_MAX];
		cleanup_free char *data = NULL;
		cleanup_close int fd = -1;
		size_t len;

		snprintf(from, sizeof from, "%.3900s/%s", x->base, names[i]);
		if (initrd_read(x->in, from, INDEX_MAX, &data, &len, NULL))
			continue;
		snprintf(to, sizeof to, "%.3900s/%s", dir, names[i]);
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || io_write_all(fd, data, len))
			return err_sys(e, errno, "%s", to);
	}
	return 0;
}

struct placing {
	const struct inside *x;
	const char *dir;
	struct err *e;
};

/* An empty file where the initramfs has a module, so that modules_closure sees
 * which ones are there. */
static int place(void *ctx, const char *path, const struct initrd_node *node)
{
	struct placing *p = ctx;
	const char *rel = path + strlen(p->x->base) + 1;
	char file[PATH_MAX];
	cleanup_close int fd = -1;

	if (!S_ISREG(node->mode) || !strstr(rel, ".ko") || strstr(rel, "..") ||
	    snprintf(file, sizeof file, "%s/%s", p->dir, rel) >= PATH_MAX)
		return 0;
	for (char *c = file + strlen(p->dir) + 1; (c = strchr(c, '/')); c++) {
		*c = 0;
		if (mkdir(file, 0700) && errno != EEXIST)
			return err_sys(p->e, errno, "%s", file);
		*c = '/';
	}
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? err_sys(p->e, errno, "%s", file) : 0;
}

/* x->m stays NULL when the initramfs has no modules of this kernel. */
static int inside_open(struct inside *x, const struct lin *l, const struct lin_kernel *k,
		       struct err *e)
{
	char dir[SCRATCH_PATH + 320], path[300];
	struct initrd_node node;
	int rc = initrd_open(l->root, k->initrd, &x->in, e);

	if (rc)
		return rc;
	snprintf(path, sizeof path, "lib/modules/%.250s", k->version);
	if (initrd_find(x->in, path, &node, x->base, NULL))
		return 0;
	rc = scratch_make(NULL, x->tmp, e);
	if (rc)
		return rc;
	snprintf(dir, sizeof dir, "%s/lib", x->tmp);
	rc = mkdir(dir, 0700);
	snprintf(dir, sizeof dir, "%s/lib/modules", x->tmp);
	rc = rc ? rc : mkdir(dir, 0700);
	snprintf(dir, sizeof dir, "%s/%s", x->tmp, path);
	if (rc || mkdir(dir, 0700))
		return err_sys(e, errno, "%s", dir);
	rc = copy_index(x, dir, e);
	if (!rc)
		rc = initrd_each(x->in, x->base, place, &(struct placing){ x, dir, e });
	if (!rc)
		rc = root_open(x->tmp, &x->root, e);
	snprintf(dir, sizeof dir, "/%s", path);
	if (!rc && modules_open(x->root, dir, &x->m, NULL))
		x->m = NULL;
	if (!rc && modules_open(l->root, k->modules, &x->kernel, NULL))
		x->kernel = NULL;
	return rc;
}

static int has_file(const struct inside *x, const char *module)
{
	const char *path = modules_path(x->m, module);
	char full[PATH_MAX];
	struct initrd_node node;

	snprintf(full, sizeof full, "%.2000s/%.2000s", x->base, path ? path : "");
	return path && !initrd_find(x->in, full, &node, NULL, NULL) && S_ISREG(node.mode);
}

/* 1: module and all that it needs are there; else why says what isn't. */
static int loads(const struct inside *x, const char *module, char *why, size_t size)
{
	struct strv all = { 0 };
	struct err e = { 0 };
	int ok;

	if ((x->kernel && modules_builtin(x->kernel, module)) || modules_builtin(x->m, module)) {
		snprintf(why, size, "%s is built into the kernel", module);
		return 1;
	}
	ok = !modules_closure(x->m, module, &all, &e);
	if (!ok)
		snprintf(why, size, "%s: %.200s", module, e.msg);
	for (size_t i = 0; ok && i < all.n; i++)
		if (!has_file(x, all.v[i])) {
			snprintf(why, size, "%s needs %s, which is not in the initramfs", module,
				 all.v[i]);
			ok = 0;
		}
	if (ok)
		snprintf(why, size, "%s with %zu others is in the initramfs", module,
			 all.n ? all.n - 1 : 0);
	strv_done(&all);
	return ok;
}

/* The first driver of the device that loads. */
static int served(const struct inside *x, const struct hw_link *d, char *how, size_t size,
		  int *ret_any, struct err *e)
{
	struct strv found = { 0 };
	int ok = 0, rc = modules_serve(x->m, d->modalias, &d->drivers, &found, e);

	if (!rc && x->kernel && !found.n) {
		/* a built-in driver isn't in every initramfs's index */
		rc = modules_serve(x->kernel, d->modalias, &d->drivers, &found, e);
		for (size_t i = 0; !rc && i < found.n && !ok; i++)
			if (modules_builtin(x->kernel, found.v[i]))
				ok = loads(x, found.v[i], how, size);
	}
	for (size_t i = 0; !rc && !ok && i < found.n; i++)
		ok = loads(x, found.v[i], how, size);
	*ret_any = found.n || d->drivers.n;
	strv_done(&found);
	return rc ? rc : ok;
}

static int check_path(struct check_result *c, const struct inside *x, const struct lin_kernel *k,
		      const struct hw_path *path, int *ret_ok, struct err *e)
{
	*ret_ok = 1;
	for (size_t i = 0; i < path->n; i++) {
		const struct hw_link *d = &path->v[i];
		char how[300] = "no driver in the initramfs answers to it";
		struct check_line *line;
		int any, ok = served(x, d, how, sizeof how, &any, e);

		if (ok < 0)
			return ok;
		/* bridges and buses work by themselves */
		if (!any && !lin_needs_driver(d))
			continue;
		line = check_add(c, k->version, path->name, d->name && *d->name ? d->name :
				 d->modalias, e);
		if (!line)
			return ERR_NOMEM;
		line->ok = ok || !lin_needs_driver(d);
		line->needed = path->required;
		snprintf(line->how, sizeof line->how, "%s", how);
		*ret_ok &= line->ok;
	}
	return 0;
}

/* nash has no index: its init loads files by name. */
static int check_nash(struct check_result *c, const struct inside *x, const struct lin *l,
		      const struct lin_kernel *k, const struct hw *t, int *ret_ok, struct err *e)
{
	cleanup_free char *init = NULL;
	struct modules *m;
	int rc = initrd_read(x->in, "init", INDEX_MAX, &init, NULL, e);

	if (!rc)
		rc = modules_open(l->root, k->modules, &m, e);
	if (rc)
		return rc;
	*ret_ok = 0;
	for (size_t i = 0; !rc && i < t->n_paths; i++) {
		const struct hw_link *missing;
		struct strv top = { 0 };
		int ok;

		rc = lin_path_modules(m, &t->path[i], &top, &missing, e);
		ok = !rc && !missing;
		for (size_t n = 0; ok && n < top.n; n++) {
			char file[300], line[320];
			struct initrd_node node;
			struct check_line *out;

			snprintf(file, sizeof file, "lib/%.250s.ko", top.v[n]);
			snprintf(line, sizeof line, "insmod /%s", file);
			out = check_add(c, k->version, t->path[i].name, top.v[n], e);
			if (!out)
				rc = ERR_NOMEM;
			else if ((out->ok = !initrd_find(x->in, file, &node, NULL, NULL) &&
					    strstr(init, line)))
				snprintf(out->how, sizeof out->how, "init loads /%s", file);
			else
				snprintf(out->how, sizeof out->how, "init doesn't load /%s", file);
			ok = out && out->ok;
		}
		strv_done(&top);
		*ret_ok |= ok;
	}
	modules_close(m);
	return rc;
}

static int check_kernel(struct check_result *c, const struct lin *l, const struct lin_kernel *k,
			const struct hw *t, int *ret_ok, struct err *e)
{
	struct inside x = { 0 };
	int rc, all = 1, some = 0;

	*ret_ok = 0;
	rc = inside_open(&x, l, k, e);
	if (!rc && initrd_generator(x.in) == GEN_NASH) {
		rc = check_nash(c, &x, l, k, t, ret_ok, e);
	} else if (!rc && !x.m) {
		struct check_line *line = check_add(c, k->version, "initramfs", k->initrd, e);

		if (line)
			snprintf(line->how, sizeof line->how, "it has no modules of this kernel");
		rc = line ? 0 : ERR_NOMEM;
	} else {
		for (size_t i = 0; !rc && i < t->n_paths; i++) {
			int ok;

			rc = check_path(c, &x, k, &t->path[i], &ok, e);
			all &= ok || !t->path[i].required;
			some |= ok;
		}
		*ret_ok = all && (some || !t->n_paths);
	}
	inside_done(&x);
	return rc;
}

int lin_check(const struct lin *l, const struct hw *target, struct check_result *ret, struct err *e)
{
	struct check_result c = { .ok = l->n_kernels > 0 };
	int rc = 0, ok;

	for (size_t i = 0; !rc && i < l->n_kernels; i++) {
		const struct lin_kernel *k = &l->kernel[i];

		if (!*k->initrd)
			continue;
		rc = check_kernel(&c, l, k, target, &ok, e);
		c.ok &= ok || !k->is_default;
	}
	if (!rc)
		rc = check_config(l, &c, e);
	if (rc)
		check_done(&c);
	else
		*ret = c;
	return rc;
}

struct json_object *check_json(const struct check_result *c)
{
	struct json_object *o = json_object_new_object(), *a = json_object_new_array();

	json_put_bool(o, "ok", c->ok);
	for (size_t i = 0; i < c->n; i++) {
		struct json_object *x = json_object_new_object();

		json_put_str_if(x, "kernel", c->v[i].kernel);
		json_put_str(x, "path", c->v[i].path);
		json_put_str(x, "what", c->v[i].what);
		json_put_str(x, "how", c->v[i].how);
		json_put_bool(x, "ok", c->v[i].ok);
		json_put_bool(x, "needed", c->v[i].needed);
		json_object_array_add(a, x);
	}
	json_put(o, "lines", a);
	return o;
}

void check_print(const struct check_result *c, FILE *f)
{
	fprintf(f, "check: %s\n", c->ok ? "it will find its root file system" : "FAILED");
	for (size_t i = 0; i < c->n; i++) {
		fputs(c->v[i].ok ? "  ok  " : c->v[i].needed ? "  NO  " : "  no  ", f);
		text_print(f, c->v[i].kernel);
		fputs(*c->v[i].kernel ? " " : "", f);
		text_print(f, c->v[i].path);
		fputs(": ", f);
		text_print(f, c->v[i].what);
		fputs(": ", f);
		text_print(f, c->v[i].how);
		fputc('\n', f);
	}
}
