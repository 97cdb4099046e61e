/* drivers.c: driver packages that drivers.h finds, and what drives a device, as JSON.
 *
 *   drivers [--arch A] [--version V] [--product N] [--suite N] [--hw ID]... [--compat ID]...
 *           [--root DIR] [--ntfs FILE [--offset BYTES]] [--windows /Windows] [PATH...]
 *
 * {"packages": [...], "matches": [...], "notes": [...]}: matches if there is a --hw or
 * --compat.  Status 1: the sentence is on stderr. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/hash.h"
#include "common/json.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/windows/drivers.h"

struct options {
	struct inf_target target;
	const char *hw[64], *compat[64];
	size_t n_hw, n_compat;
	const char *root, *ntfs, *windows;
	uint64_t offset;
};

static struct json_object *texts(const struct strv *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->n; i++)
		json_object_array_add(list, json_text(v->v[i]));
	return list;
}

static void put_digest(struct json_object *o, const uint8_t *bytes, size_t n)
{
	uint8_t digest[HASH_LEN];
	char hex[2 * HASH_LEN + 1];
	struct hasher *h;
	struct err e;

	if (hasher_new(&h, &e) || hash_bytes(h, HASH_SHA256, bytes, n, digest, &e))
		abort();
	hasher_free(h);
	hex_encode(digest, HASH_LEN, hex);
	json_put_str(o, "sha256", hex);
}

static struct json_object *files(const struct drivers_match *m)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->install.n_files; i++) {
		struct json_object *o = json_object_new_object();
		uint8_t *bytes;
		struct err e;
		size_t n;

		json_put_str(o, "name", m->install.files[i].name);
		if (drivers_read(m->package, &m->install.files[i], &bytes, &n, &e)) {
			json_put_str(o, "error", e.msg);
		} else {
			put_digest(o, bytes, n);
			free(bytes);
		}
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *package(const struct drivers_package *p)
{
	struct json_object *o = json_object_new_object();
	uint8_t *bytes;
	struct err e;
	size_t n;

	json_put_str(o, "origin", p->origin);
	json_put_str(o, "place", drivers_place_name(p->place));
	if (drivers_read_name(p, p->inf, &bytes, &n, &e)) {
		json_put_str(o, "error", e.msg);
	} else {
		put_digest(o, bytes, n);
		free(bytes);
	}
	return o;
}

static struct json_object *match(const struct drivers_match *m)
{
	struct json_object *o = package(m->package);
	const struct inf_driver_ver *v = &m->rank.driver_ver;
	char text[64];

	json_put_str(o, "model", m->model->description);
	json_put_str(o, "id", m->id);
	json_put_str(o, "section", m->install.section);
	json_put_u64(o, "rank", m->rank.rank);
	snprintf(text, sizeof text, "%04u-%02u-%02u %u.%u.%u.%u", v->year, v->month, v->day,
		 v->version[0], v->version[1], v->version[2], v->version[3]);
	json_put_str(o, "driver_ver", text);
	json_put_str(o, "reason", m->reason);
	json_put_bool(o, "signed", m->is_signed);
	json_put(o, "warnings", texts(&m->warnings));
	json_put(o, "files", files(m));
	return o;
}

static int find(struct drivers *d, const struct options *opt, struct json_object *top, struct err *e)
{
	const struct inf_device device = { opt->hw, opt->n_hw, opt->compat, opt->n_compat };
	struct json_object *list = json_object_new_array();
	struct drivers_match *m;
	size_t n;
	int rc = drivers_find(d, &device, &opt->target, &m, &n, e);

	json_put(top, "matches", list);
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, match(&m[i]));
	drivers_matches_free(m, n);
	return 0;
}

static int show(struct drivers *d, const struct options *opt, struct err *e)
{
	struct json_object *top = json_object_new_object(), *list = json_object_new_array();
	int rc = 0;

	for (size_t i = 0; i < d->n; i++)
		json_object_array_add(list, package(d->packages[i]));
	json_put(top, "packages", list);
	if (opt->n_hw + opt->n_compat)
		rc = find(d, opt, top, e);
	json_put(top, "notes", texts(&d->notes));
	if (!rc)
		rc = json_print(stdout, top, e);
	json_object_put(top);
	return rc;
}

/* What a root on an NTFS volume stands on; both NULL for a directory. */
struct volume {
	struct blkdev *whole, *part;
};

static int open_guest(const struct options *opt, struct volume *v, struct root **ret, struct err *e)
{
	int rc;

	if (opt->root)
		return root_open(opt->root, ret, e);
	rc = dev_open_ro(opt->ntfs, &v->whole, e);
	if (rc)
		return rc;
	rc = dev_window(v->whole, opt->offset, v->whole->size - opt->offset, &v->part, e);
	return rc ? rc : root_ntfs_open(v->part, 0, ret, e);
}

static int run(char **paths, const struct options *opt, struct err *e)
{
	struct volume v = { 0 };
	struct root *root = NULL;
	struct drivers *d = NULL;
	int rc = drivers_new(&d, e);

	for (; !rc && *paths; paths++)
		rc = drivers_add_path(d, *paths, *paths, e);
	if (!rc && (opt->root || opt->ntfs))
		rc = open_guest(opt, &v, &root, e);
	if (!rc && root)
		rc = drivers_add_root(d, root, opt->windows, e);
	if (!rc)
		rc = show(d, opt, e);
	drivers_free(d);
	root_close(root);
	if (v.part)
		dev_close(v.part);
	if (v.whole)
		dev_close(v.whole);
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
	case 'h':
		opt->hw[opt->n_hw++] = optarg;
		return opt->n_hw < 64 ? 0 : -1;
	case 'c':
		opt->compat[opt->n_compat++] = optarg;
		return opt->n_compat < 64 ? 0 : -1;
	case 'r':
		opt->root = optarg;
		return 0;
	case 'n':
		opt->ntfs = optarg;
		return 0;
	case 'o':
		opt->offset = strtoull(optarg, NULL, 0);
		return 0;
	case 'w':
		opt->windows = optarg;
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
		{ "hw", required_argument, NULL, 'h' }, { "compat", required_argument, NULL, 'c' },
		{ "root", required_argument, NULL, 'r' }, { "ntfs", required_argument, NULL, 'n' },
		{ "offset", required_argument, NULL, 'o' }, { "windows", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { .target = { INF_AMD64, 10, 0, 19045, 1, 0 }, .windows = "/Windows" };
	struct err e = { 0 };
	int c, bad = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		bad |= option(c, &opt) < 0;
	if (bad) {
		fprintf(stderr, "usage: drivers [--hw ID] [--root DIR] [PATH...]; see its source\n");
		return 2;
	}
	if (run(argv + optind, &opt, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	return 0;
}
