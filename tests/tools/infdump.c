/* infdump.c: what an INF means for one Windows, as JSON.
 *
 *   infdump FILE [--arch x86|amd64|ia64|arm|arm64] [--version 10.0.19045]
 *           [--product 1] [--suite 0] [--section DDINSTALL] [--include DIR]
 *
 * {"version": {...}, "models": [...], "model_notes": [...], "installs": {SECTION: {...}}}:
 * the sections of all models, or the one asked for.  Registry data is hexadecimal.
 * Status 1: no INF, the sentence is on stderr. */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/json.h"
#include "drivers-inject/windows/inf-install.h"
#include "drivers-inject/windows/inf-models.h"

static int read_file(const char *path, void **ret, size_t *ret_n, struct err *e)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc(INF_SIZE_MAX + 1);

	if (!f || !bytes) {
		free(bytes);
		if (f)
			fclose(f);
		return err_set(e, ERR_IO, "cannot read %s", path);
	}
	*ret_n = fread(bytes, 1, INF_SIZE_MAX + 1, f);
	*ret = bytes;
	fclose(f);
	return 0;
}

/* A file of the directory, whatever its case. */
static int read_include(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	DIR *dir = ctx ? opendir(ctx) : NULL;
	struct dirent *de;
	char path[4096];
	int rc = ERR_NOT_FOUND;

	while (dir && rc && (de = readdir(dir)))
		if (!strcasecmp(de->d_name, name)) {
			snprintf(path, sizeof path, "%s/%s", (const char *)ctx, de->d_name);
			rc = read_file(path, bytes, n, e);
		}
	if (dir)
		closedir(dir);
	return rc;
}

static void put_hex(struct json_object *o, const char *key, const uint8_t *data, size_t n)
{
	char *text = malloc(2 * n + 1);

	if (!text)
		abort();
	text[0] = 0;
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	json_put_str(o, key, text);
	free(text);
}

static void put_list(struct json_object *o, const char *key, const char *const *v, size_t n)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, json_text(v[i]));
	json_put(o, key, list);
}

static void put_driver_ver(struct json_object *o, const struct inf_driver_ver *v)
{
	char text[64];

	snprintf(text, sizeof text, "%04u-%02u-%02u %u.%u.%u.%u", v->year, v->month, v->day,
		 v->version[0], v->version[1], v->version[2], v->version[3]);
	json_put_str(o, "driver_ver", text);
}

static struct json_object *notes(const struct inf_notes *notes)
{
	struct json_object *list = json_object_new_array();
	char text[1000];

	for (size_t i = 0; i < notes->n; i++) {
		const struct inf_note *n = &notes->v[i];
		struct json_object *o = json_object_new_object();

		json_put_str(o, "kind", inf_note_kind_name(n->kind));
		json_put_str(o, "what", n->what);
		json_put_str(o, "name", n->name);
		json_put_u64(o, "line", n->line);
		json_put_str(o, "text", inf_note_text(n, text, sizeof text));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *version(const struct inf_version *v)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "signature", v->signature);
	json_put_str(o, "class", v->class);
	json_put_str(o, "class_guid", v->class_guid);
	json_put_str(o, "provider", v->provider);
	json_put_str(o, "catalog", v->catalog);
	json_put_bool(o, "pnp_lockdown", v->pnp_lockdown);
	put_driver_ver(o, &v->driver_ver);
	return o;
}

static struct json_object *models(const struct inf_models *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->n; i++) {
		const struct inf_model *v = &m->v[i];
		struct json_object *o = json_object_new_object();

		json_put_str(o, "manufacturer", v->manufacturer);
		json_put_str(o, "description", v->description);
		json_put_str(o, "section", v->section);
		json_put_str(o, "install", v->install);
		put_list(o, "ids", v->ids, v->n_ids);
		json_put_u64(o, "line", v->line);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *files(const struct inf_install *in)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < in->n_files; i++) {
		const struct inf_file *f = &in->files[i];
		struct json_object *o = json_object_new_object();

		json_put_str(o, "source", f->source);
		json_put_str(o, "dir", f->dir);
		json_put_str(o, "cab", f->cab);
		json_put(o, "dirid", json_object_new_int(f->dirid));
		json_put_str(o, "subdir", f->subdir);
		json_put_str(o, "name", f->name);
		json_put_u64(o, "flags", f->flags);
		json_put_u64(o, "line", f->line);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *registry(const struct inf_install *in)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < in->n_regs; i++) {
		const struct inf_reg *r = &in->regs[i];
		struct json_object *o = json_object_new_object();

		json_put_str(o, "op", inf_reg_op_name(r->op));
		json_put_str(o, "root", inf_root_name(r->root));
		json_put_str(o, "owner", r->owner);
		json_put_str(o, "key", r->key);
		json_put_str(o, "value", r->value);
		json_put_u64(o, "type", r->type);
		put_hex(o, "data", r->data, r->len);
		json_put_u64(o, "flags", r->flags);
		json_put_u64(o, "byte", r->byte);
		json_put_u64(o, "line", r->line);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *service(const struct inf_service *s)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "name", s->name);
	json_put_u64(o, "flags", s->flags);
	json_put_str(o, "display_name", s->display_name);
	json_put_str(o, "description", s->description);
	json_put_u64(o, "type", s->type);
	json_put_u64(o, "start", s->start);
	json_put_u64(o, "error_control", s->error_control);
	json_put(o, "dirid", json_object_new_int(s->dirid));
	json_put_str(o, "binary", s->binary);
	json_put_str(o, "image_path", s->image_path);
	json_put_str(o, "group", s->group);
	json_put_str(o, "start_name", s->start_name);
	json_put_str(o, "security", s->security);
	put_list(o, "dependencies", s->dependencies, s->n_dependencies);
	json_put(o, "boot_flags", s->has_boot_flags ? json_object_new_uint64(s->boot_flags) : NULL);
	json_put_str(o, "event_log", s->event_log);
	json_put_u64(o, "line", s->line);
	return o;
}

static struct json_object *services(const struct inf_install *in)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < in->n_services; i++)
		json_object_array_add(list, service(&in->services[i]));
	return list;
}

static struct json_object *filters(const struct inf_install *in)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < in->n_filters; i++) {
		struct json_object *o = json_object_new_object();

		json_put_str(o, "name", in->filters[i].name);
		json_put_str(o, "position", in->filters[i].position);
		json_put_str(o, "level", in->filters[i].level);
		json_put_u64(o, "line", in->filters[i].line);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *install(const struct inf_install *in)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "section", in->section);
	put_driver_ver(o, &in->driver_ver);
	json_put_u64(o, "feature_score", in->feature_score);
	json_put(o, "files", files(in));
	json_put(o, "registry", registry(in));
	json_put(o, "services", services(in));
	json_put(o, "filters", filters(in));
	json_put(o, "notes", notes(&in->notes));
	return o;
}

struct options {
	struct inf_target target;
	const char *section, *include;
};

static int one_install(const struct inf *f, const char *section, const struct options *opt,
		       struct json_object *all, struct err *e)
{
	const struct inf_source source = { read_include, (void *)opt->include };
	struct inf_install in;
	struct json_object *o;
	int rc;

	if (json_object_object_get_ex(all, section, NULL))
		return 0;
	rc = inf_install_get(f, section, &opt->target, NULL, &source, &in, e);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	o = rc ? json_object_new_object() : install(&in);
	if (rc)
		json_put_str(o, "error", e->msg);
	else
		inf_install_done(&in);
	json_put(all, section, o);
	return 0;
}

static int dump(const struct inf *f, const struct options *opt, struct json_object *top,
		struct err *e)
{
	struct json_object *installs = json_object_new_object();
	struct inf_version v;
	struct inf_models m;
	int rc = inf_version_get(f, &opt->target, &v, e);

	json_put(top, "installs", installs);
	if (rc)
		return rc;
	json_put(top, "version", version(&v));
	inf_version_done(&v);
	rc = inf_models_get(f, &opt->target, &m, e);
	if (rc)
		return rc;
	json_put(top, "models", models(&m));
	json_put(top, "model_notes", notes(&m.notes));
	if (opt->section)
		rc = one_install(f, opt->section, opt, installs, e);
	for (size_t i = 0; !opt->section && !rc && i < m.n; i++)
		rc = one_install(f, m.v[i].install, opt, installs, e);
	inf_models_done(&m);
	return rc;
}

static int run(const char *path, const struct options *opt, struct err *e)
{
	const char *slash = strrchr(path, '/');
	struct json_object *top = json_object_new_object();
	struct inf *f = NULL;
	void *bytes = NULL;
	size_t n;
	int rc = read_file(path, &bytes, &n, e);

	if (!rc)
		rc = inf_parse(bytes, n, slash ? slash + 1 : path, &f, e);
	free(bytes);
	if (!rc)
		rc = dump(f, opt, top, e);
	if (!rc)
		rc = json_print(stdout, top, e);
	json_object_put(top);
	inf_free(f);
	return rc;
}

static int option(int c, struct options *opt)
{
	struct inf_target *t = &opt->target;
	int arch;

	switch (c) {
	case 'a':
		arch = inf_arch_parse(optarg, strlen(optarg));
		t->arch = (enum inf_arch)arch;
		return arch;
	case 'v':
		return sscanf(optarg, "%u.%u.%u", &t->major, &t->minor, &t->build) >= 2 ? 0 : -1;
	case 'p':
		t->product = (unsigned)strtoul(optarg, NULL, 0);
		return 0;
	case 's':
		t->suite = (unsigned)strtoul(optarg, NULL, 0);
		return 0;
	case 'S':
		opt->section = optarg;
		return 0;
	case 'i':
		opt->include = optarg;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "arch", required_argument, NULL, 'a' }, { "version", required_argument, NULL, 'v' },
		{ "product", required_argument, NULL, 'p' }, { "suite", required_argument, NULL, 's' },
		{ "section", required_argument, NULL, 'S' }, { "include", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { .target = { INF_AMD64, 10, 0, 19045, 1, 0 } };
	struct err e = { 0 };
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		bad |= option(c, &opt) < 0;
	if (bad || optind + 1 != argc) {
		fprintf(stderr, "usage: infdump FILE [--arch A] [--version V] [--product N]"
			" [--suite N] [--section S] [--include DIR]\n");
		return 2;
	}
	if (run(argv[optind], &opt, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return 0;
}
