/* model.c: see model.h.  The only file of the wizard, besides model-plan.c and
 * progress.c, that knows JSON. */
#include "tui/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/json.h"
#include "tui/text.h"

typedef struct json_object json;

static void get_str(json *o, const char *key, char *out, size_t size)
{
	text_copy(out, size, json_get_str(o, key, ""));
}
#define GET_STR(o, key, arr) get_str(o, key, arr, sizeof(arr))

static bool get_u64(json *o, const char *key, uint64_t *ret)
{
	uint64_t v = json_get_u64(o, key, UINT64_MAX);

	if (v == UINT64_MAX)
		return false;
	*ret = v;
	return true;
}

static int get_int(json *o, const char *key)
{
	uint64_t v = json_get_u64(o, key, 0);

	return v < INT32_MAX ? (int)v : 0;
}

size_t model_list(json *o, const char *key, json **ret)
{
	size_t n;

	*ret = json_get_array(o, key);
	n = *ret ? json_object_array_length(*ret) : 0;
	return n > MODEL_MAX ? MODEL_MAX : n;
}

json *model_item(json *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

/* The i-th string of a list. */
static void item_str(json *list, size_t i, char *out, size_t size)
{
	json *v = model_item(list, i);

	text_copy(out, size, v ? json_object_get_string(v) : "");
}

static int out_of_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "Not enough memory for the list.");
}

/* Parses text; its caller puts what it gets. */
static json *document(const char *text, size_t len, const char *what,
		      struct err *e)
{
	json *o = NULL;

	if (json_parse(text, len, &o, e))
		err_prefix(e, "The answer of '%s' can't be read", what);
	return o;
}

/* "a; b" of an array of strings, or of objects with a "name". */
static void join(json *o, const char *key, const char *sep, char *out, size_t size)
{
	json *list;
	size_t n = model_list(o, key, &list), at = 0;
	char one[160];

	out[0] = 0;
	for (size_t i = 0; i < n && at < size; i++) {
		json *v = model_item(list, i);

		if (json_object_is_type(v, json_type_object))
			GET_STR(v, "name", one);
		else
			item_str(list, i, one, sizeof one);
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? sep : "", one);
	}
}

static void part_read(json *o, struct model_part *p)
{
	json *m;

	p->number = get_int(o, "number");
	GET_STR(o, "path", p->path);
	get_u64(o, "start", &p->start);
	get_u64(o, "size", &p->size);
	p->used_known = get_u64(o, "used", &p->used);
	GET_STR(o, "fs", p->fs);
	GET_STR(o, "label", p->label);
	if (model_list(o, "mounted", &m))
		item_str(m, 0, p->mounted, sizeof p->mounted);
	for (size_t i = 0, n = model_list(o, "flags", &m); i < n; i++) {
		char flag[16];

		item_str(m, i, flag, sizeof flag);
		p->extended |= !strcmp(flag, "extended");
	}
}

/* The partitions, or the file system of a disk without a table. */
static int parts_read(json *o, struct model_disk *d, struct err *e)
{
	json *list, *whole = json_get_object(o, "filesystem");
	size_t n = model_list(o, "partitions", &list);

	if (!n && !whole)
		return 0;
	d->parts = calloc(n ? n : 1, sizeof *d->parts);
	if (!d->parts)
		return out_of_memory(e);
	d->nparts = n ? n : 1;
	for (size_t i = 0; i < n; i++)
		part_read(model_item(list, i), &d->parts[i]);
	if (!n) {
		part_read(whole, d->parts);
		memcpy(d->parts->path, d->path, sizeof d->path);
		d->parts->number = 0;
		d->parts->size = d->size;
	}
	return 0;
}

static int systems_read(json *o, struct model_disk *d, struct err *e)
{
	json *list;
	size_t n = model_list(o, "systems", &list);

	if (!n)
		return 0;
	d->systems = calloc(n, sizeof *d->systems);
	if (!d->systems)
		return out_of_memory(e);
	d->nsystems = n;
	for (size_t i = 0; i < n; i++) {
		struct model_system *s = &d->systems[i];

		GET_STR(model_item(list, i), "kind", s->kind);
		GET_STR(model_item(list, i), "name", s->name);
		GET_STR(model_item(list, i), "hostname", s->hostname);
		s->partition = get_int(model_item(list, i), "partition");
	}
	return 0;
}

static void disk_done(struct model_disk *d)
{
	free(d->parts);
	free(d->systems);
}

static int disk_read(json *o, struct model_disk *d, struct err *e)
{
	json *mark = json_get_object(o, "interrupted"), *smart = json_get_object(o, "smart");

	GET_STR(o, "path", d->path);
	GET_STR(o, "kind", d->kind);
	get_u64(o, "size", &d->size);
	GET_STR(o, "model", d->model);
	GET_STR(o, "serial", d->serial);
	GET_STR(o, "wwn", d->wwn);
	GET_STR(o, "transport", d->transport);
	GET_STR(o, "in_use", d->in_use);
	GET_STR(o, "error", d->error);
	GET_STR(o, "table", d->table);
	d->smart = smart != NULL;
	d->failing = json_get_bool(smart, "failing", false);
	join(smart, "complaints", "; ", d->complaints, sizeof d->complaints);
	GET_STR(mark, "image_id", d->mark_id);
	GET_STR(mark, "digest", d->mark_digest);
	GET_STR(mark, "text", d->mark_text);
	d->removable = json_get_bool(o, "removable", false);
	d->read_only = json_get_bool(o, "read_only", false);
	d->boot_medium = json_get_bool(o, "boot_medium", false);
	if (parts_read(o, d, e))
		return ERR_NOMEM;
	return systems_read(o, d, e);
}

int model_disks_parse(const char *text, size_t len, struct model_disks *ret,
		      struct err *e)
{
	json *list, *o = document(text, len, "rehost disks", e);
	struct model_disks m = { 0 };
	size_t n;
	int rc = 0;

	if (!o)
		return ERR_CORRUPT;
	n = model_list(o, "disks", &list);
	m.d = calloc(n ? n : 1, sizeof *m.d);
	if (!m.d)
		rc = out_of_memory(e);
	for (; !rc && m.n < n; m.n++)
		rc = disk_read(model_item(list, m.n), &m.d[m.n], e);
	json_object_put(o);
	if (rc) {
		model_disks_done(&m);
		return rc;
	}
	model_disks_done(ret);
	*ret = m;
	return 0;
}

void model_disks_done(struct model_disks *m)
{
	for (size_t i = 0; i < m->n; i++)
		disk_done(&m->d[i]);
	free(m->d);
	memset(m, 0, sizeof *m);
}

static void image_read(json *o, struct model_image *m)
{
	GET_STR(o, "name", m->name);
	GET_STR(o, "created", m->created);
	GET_STR(o, "model", m->model);
	GET_STR(o, "serial", m->serial);
	get_u64(o, "size", &m->size);
	get_u64(o, "disk_size", &m->disk_size);
	get_u64(o, "used_bytes", &m->used);
	m->complete = json_get_bool(o, "complete", false);
	m->encrypted = json_get_bool(o, "encrypted", false);
	m->split = json_get_bool(o, "split", false);
	m->based = json_get_bool(o, "base", false);
	m->dedup = json_get_bool(o, "dedup", false);
	m->partial = json_get_bool(o, "partial", false);
	m->told = json_object_object_get_ex(o, "page_files", NULL);
	m->page_files = json_get_bool(o, "page_files", false);
	m->unlocked = json_get_bool(o, "unlock", false);
	join(o, "only", ",", m->only, sizeof m->only);
	join(o, "systems", "; ", m->systems, sizeof m->systems);
}

/* An array of *ret_n file names; NULL: no memory. */
static char (*names_read(json *o, const char *key, size_t *ret_n))[240]
{
	json *list;
	size_t n = model_list(o, key, &list);
	char (*v)[240] = calloc(n + 1, sizeof *v);

	for (size_t i = 0; v && i < n; i++)
		item_str(list, i, v[i], sizeof v[i]);
	*ret_n = n;
	return v;
}

/* An entry in front of the images: all of a machine's list together. */
static void machine_read(json *o, struct model_place *m)
{
	struct model_image *all = m->images;
	json *list;
	size_t n = model_list(o, "machine", &list);
	char name[240];

	if (!n)
		return;
	memmove(all + 1, all, m->nimages * sizeof *all);
	memset(all, 0, sizeof *all);
	m->nimages++;
	text_copy(all->name, sizeof all->name, MODEL_MACHINE);
	snprintf(all->model, sizeof all->model, "%zu disks of one machine", n);
	all->complete = true;
	for (size_t i = 0; i < n; i++) {
		size_t k = 1;

		item_str(list, i, name, sizeof name);
		while (k < m->nimages && strcmp(m->images[k].name, name))
			k++;
		if (k == m->nimages || !m->images[k].complete) {
			all->complete = false;
			continue;
		}
		all->size += m->images[k].size;
		all->disk_size += m->images[k].disk_size;
		all->used += m->images[k].used;
		memcpy(all->created, m->images[k].created, sizeof all->created);
		if (m->images[k].systems[0] && !all->systems[0])
			memcpy(all->systems, m->images[k].systems, sizeof all->systems);
	}
}

int model_place_parse(const char *text, size_t len, struct model_place *ret,
		      struct err *e)
{
	json *images, *cuts, *o = document(text, len, "rehost place", e);
	struct model_place m = { 0 };

	if (!o)
		return ERR_CORRUPT;
	m.writable = json_get_bool(o, "writable", false);
	m.free_known = get_u64(o, "free", &m.free);
	get_u64(o, "total", &m.total);
	m.nimages = model_list(o, "images", &images);
	m.images = calloc(m.nimages + 2, sizeof *m.images);
	m.ncuts = model_list(o, "interrupted", &cuts);
	m.cuts = calloc(m.ncuts + 1, sizeof *m.cuts);
	for (size_t i = 0; m.cuts && i < m.ncuts; i++)
		image_read(model_item(cuts, i), &m.cuts[i]);
	m.dirs = names_read(o, "directories", &m.ndirs);
	m.drivers = names_read(o, "drivers", &m.ndrivers);
	for (size_t i = 0; m.images && i < m.nimages; i++)
		image_read(model_item(images, i), &m.images[i]);
	if (m.images)
		machine_read(o, &m);
	json_object_put(o);
	if (!m.images || !m.cuts || !m.dirs || !m.drivers) {
		model_place_done(&m);
		return out_of_memory(e);
	}
	model_place_done(ret);
	*ret = m;
	return 0;
}

void model_place_done(struct model_place *m)
{
	free(m->images);
	free(m->cuts);
	free(m->dirs);
	free(m->drivers);
	memset(m, 0, sizeof *m);
}

/* Of an image of chosen partitions: which it doesn't have. */
static void absent_read(json *o, struct model_info *m)
{
	json *list;
	size_t n = model_list(o, "only", &list);

	m->partial = json_get_bool(o, "partial", false);
	for (size_t i = 0; m->partial && i < m->disk.nparts; i++) {
		struct model_part *p = &m->disk.parts[i];

		p->absent = true;
		for (size_t k = 0; k < n; k++)
			if (json_object_get_int64(model_item(list, k)) == p->number)
				p->absent = false;
	}
}

static void hardware_read(json *o, struct model_info *m)
{
	json *hw = json_get_object(json_get_object(o, "hardware"), "dmi");
	char maker[80], product[80];

	GET_STR(hw, "sys_vendor", maker);
	GET_STR(hw, "product_name", product);
	snprintf(m->machine, sizeof m->machine, "%s%s%s", maker,
		 maker[0] && product[0] ? " " : "", product);
}

static int info_read(json *o, struct model_info *m, struct err *e)
{
	const char *error = json_get_str(o, "error", NULL);
	json *list;

	GET_STR(o, "name", m->name);
	m->complete = json_get_bool(o, "complete", false) && !error;
	m->encrypted = json_get_bool(o, "encrypted", false);
	m->locked = m->encrypted && error && strstr(error, "passphrase");
	GET_STR(o, "created", m->created);
	GET_STR(o, "image_id", m->image_id);
	GET_STR(o, "digest", m->digest);
	GET_STR(o, "level", m->level);
	get_u64(o, "disk_size", &m->disk_size);
	get_u64(o, "used_bytes", &m->used);
	if (!get_u64(o, "smallest_target", &m->smallest))
		m->smallest = m->disk_size;
	get_u64(o, "stored_bytes", &m->stored);
	m->unreadable = model_list(o, "unreadable", &list);
	m->nwarnings = model_list(o, "warnings", &list);
	hardware_read(o, m);
	if (disk_read(json_get_object(o, "disk"), &m->disk, e))
		return ERR_NOMEM;
	absent_read(o, m);
	return 0;
}

/* `rehost info` of a machine's directory. */
static int infos_read(json *o, json *list, size_t n, struct model_info *m, struct err *e)
{
	int rc = 0;

	m->of = calloc(n, sizeof *m->of);
	if (!m->of)
		return out_of_memory(e);
	m->complete = true;
	for (; !rc && m->nof < n; m->nof++) {
		struct model_info *one = &m->of[m->nof];

		rc = info_read(model_item(list, m->nof), one, e);
		m->complete &= one->complete;
		m->encrypted |= one->encrypted;
		m->locked |= one->locked;
		m->disk_size += one->disk_size;
		m->used += one->used;
		m->stored += one->stored;
		m->unreadable += one->unreadable;
		memcpy(m->created, one->created, sizeof m->created);
	}
	hardware_read(o, m);
	return rc;
}

int model_info_parse(const char *text, size_t len, struct model_info *ret,
		     struct err *e)
{
	json *list, *o = document(text, len, "rehost info", e);
	struct model_info m = { 0 };
	size_t n;
	int rc;

	if (!o)
		return ERR_CORRUPT;
	n = model_list(o, "images", &list);
	rc = n ? infos_read(o, list, n, &m, e) : info_read(o, &m, e);
	json_object_put(o);
	if (rc) {
		model_info_done(&m);
		return rc;
	}
	model_info_done(ret);
	*ret = m;
	return 0;
}

void model_info_done(struct model_info *m)
{
	for (size_t i = 0; i < m->nof; i++)
		disk_done(&m->of[i].disk);
	free(m->of);
	disk_done(&m->disk);
	memset(m, 0, sizeof *m);
}

int model_net_parse(const char *text, size_t len, struct model_net *ret,
		    struct err *e)
{
	json *list, *o = document(text, len, "rehost-net status", e);
	struct model_net m = { 0 };

	if (!o)
		return ERR_CORRUPT;
	GET_STR(o, "gateway", m.gateway);
	join(o, "dns", " ", m.dns, sizeof m.dns);
	m.n = model_list(o, "interfaces", &list);
	m.i = calloc(m.n + 1, sizeof *m.i);
	for (size_t k = 0; m.i && k < m.n; k++) {
		struct model_iface *f = &m.i[k];

		GET_STR(model_item(list, k), "name", f->name);
		GET_STR(model_item(list, k), "mac", f->mac);
		GET_STR(model_item(list, k), "method", f->method);
		f->link = json_get_bool(model_item(list, k), "link", false);
		join(model_item(list, k), "addresses", " ", f->addresses,
		     sizeof f->addresses);
	}
	json_object_put(o);
	if (!m.i)
		return out_of_memory(e);
	model_net_done(ret);
	*ret = m;
	return 0;
}

void model_net_done(struct model_net *m)
{
	free(m->i);
	memset(m, 0, sizeof *m);
}
