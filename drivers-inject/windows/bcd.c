/* bcd.c: see bcd.h. */
#include "drivers-inject/windows/bcd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/checked.h"
#include "common/cleanup.h"

#define KEY_MAX 128             /* bytes of "Objects\{GUID}\Elements\XXXXXXXX" */

enum {
	E_DEVICE = 0x11000001, E_PATH = 0x12000002, E_DESCRIPTION = 0x12000004,
	E_OS_DEVICE = 0x21000001, E_SYSTEM_ROOT = 0x22000002, E_DEFAULT = 0x23000003,
	E_SDI_DEVICE = 0x31000003, E_SDI_PATH = 0x32000004,
	FORMAT_MASK = 0x0f000000, FORMAT_DEVICE = 0x01000000,
};

/* An object's key name, which a hostile store may make anything of. */
static int is_object_name(const char *name)
{
	return strlen(name) < sizeof ((struct bcd_object *)0)->id && !strchr(name, '\\');
}

static void element_key(char ret[KEY_MAX], const char *object, uint32_t type)
{
	snprintf(ret, KEY_MAX, "Objects\\%s\\Elements\\%08x", object, type);
}

static void text_of(const struct hive *h, const char *object, uint32_t type, char *ret, size_t size)
{
	char key[KEY_MAX];

	element_key(key, object, type);
	hive_string(h, key, "Element", ret, size);
}

/* What the partition must have, told by the element beside it. */
static void find_file(const struct hive *h, const struct bcd_object *o, uint32_t type,
		      const uint8_t *data, size_t len, struct bcd_use *u)
{
	bcd_device_path(data, len, u->at, u->file, sizeof u->file);
	if (*u->file)
		return;
	if (type == E_DEVICE)
		snprintf(u->file, sizeof u->file, "%s", o->path);
	else if (type == E_OS_DEVICE && o->kind != BCD_RESUME) /* there: hiberfil.sys */
		text_of(h, o->id, E_SYSTEM_ROOT, u->file, sizeof u->file);
	else if (type == E_SDI_DEVICE)
		text_of(h, o->id, E_SDI_PATH, u->file, sizeof u->file);
}

static int add_uses(const struct hive *h, struct bcd *b, size_t object, uint32_t type,
		    struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	struct bcd_device found[BCD_DEVICES_MAX];
	struct bcd_use *v;
	char key[KEY_MAX];
	uint32_t reg_type;
	size_t len, n;

	element_key(key, b->v[object].id, type);
	if (!hive_value(h, key, "Element", &reg_type, &data, &len) || reg_type != REG_BINARY)
		return 0;
	n = bcd_devices(data, len, found);
	if (!n)
		return 0;
	v = realloc(b->use, (b->n_uses + n) * sizeof *v);
	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	b->use = v;
	for (size_t i = 0; i < n; i++) {
		struct bcd_use *u = &v[b->n_uses++];

		*u = (struct bcd_use){ .object = object, .element = type, .at = found[i].at,
				       .id = found[i].id };
		find_file(h, &b->v[object], type, data, len, u);
	}
	return 0;
}

static int read_object(const struct hive *h, struct bcd *b, size_t i, const char *id, struct err *e)
{
	struct bcd_object *o = &b->v[i];
	struct strv types = { 0 };
	char key[KEY_MAX];
	int rc = 0;

	snprintf(o->id, sizeof o->id, "%s", id);
	snprintf(key, sizeof key, "Objects\\%s\\Description", id);
	hive_dword(h, key, "Type", &o->kind);
	text_of(h, id, E_DESCRIPTION, o->description, sizeof o->description);
	text_of(h, id, E_PATH, o->path, sizeof o->path);
	snprintf(key, sizeof key, "Objects\\%s\\Elements", id);
	if (hive_subkeys(h, key, &types))
		return 0;
	for (size_t k = 0; !rc && k < types.n; k++) {
		char *end;
		unsigned long type = strtoul(types.v[k], &end, 16);

		if (strlen(types.v[k]) == 8 && !*end && (type & FORMAT_MASK) == FORMAT_DEVICE)
			rc = add_uses(h, b, i, (uint32_t)type, e);
	}
	strv_done(&types);
	return rc;
}

int bcd_read(const struct hive *h, const char *name, struct bcd *ret, struct err *e)
{
	struct strv ids = { 0 };
	struct bcd b = { 0 };
	int rc = 0;

	if (hive_subkeys(h, "Objects", &ids))
		return err_set(e, ERR_CORRUPT, "%s: not a boot configuration (BCD): it has no key "
			       "Objects", name);
	if (ids.n > BCD_OBJECTS_MAX)
		rc = err_set(e, ERR_CORRUPT, "%s: the boot configuration (BCD) has %zu objects; at "
			     "most %d are read", name, ids.n, BCD_OBJECTS_MAX);
	if (!rc && !(b.v = calloc(ids.n + 1, sizeof *b.v)))
		rc = err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !rc && i < ids.n; i++)
		if (is_object_name(ids.v[i]))
			rc = read_object(h, &b, b.n++, ids.v[i], e);
	strv_done(&ids);
	if (rc) {
		bcd_done(&b);
		return rc;
	}
	text_of(h, BCD_BOOTMGR, E_DEFAULT, b.standard, sizeof b.standard);
	*ret = b;
	return 0;
}

void bcd_done(struct bcd *b)
{
	free(b->v);
	free(b->use);
	*b = (struct bcd){ 0 };
}

const struct bcd_object *bcd_find(const struct bcd *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcasecmp(b->v[i].id, id))
			return &b->v[i];
	return NULL;
}

void bcd_object_text(const struct bcd_object *o, char *ret, size_t size)
{
	const char *name = *o->description ? o->description : o->id;

	if (*o->path)
		snprintf(ret, size, "%s (%s)", name, o->path);
	else
		snprintf(ret, size, "%s", name);
}

/* ---- new ids ---- */

static int put_in_file(const struct hive *h, const char *key, const struct bcd_use *u,
		       const struct part_id *now, uint8_t *bytes, size_t len, struct err *e)
{
	size_t at, n;

	if (!hive_value_place(h, key, "Element", &at, &n) || range_outside(at, n, len) ||
	    range_outside(u->at, BCD_PARTITION_SIZE, n))
		return err_set(e, ERR_CORRUPT, "%s: where its bytes lie in the boot configuration "
			       "(BCD) is not known", key);
	bcd_device_put(bytes + at, u->at, now);
	return 0;
}

static int put_in_hive(struct hive *h, const char *key, const struct bcd_use *u,
		       const struct part_id *now, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len;

	if (!hive_value(h, key, "Element", &type, &data, &len) ||
	    range_outside(u->at, BCD_PARTITION_SIZE, len))
		return err_set(e, ERR_CORRUPT, "%s: it is no more there", key);
	bcd_device_put(data, u->at, now);
	return hive_set(h, key, "Element", type, data, len, e);
}

int bcd_rename(const struct bcd *b, struct hive *h, const struct id_map *map, uint8_t *bytes,
	       size_t len, size_t *ret, struct err *e)
{
	size_t n = 0;
	int rc = 0;

	/* first the file's: h's values move when they are set */
	for (int in_file = bytes != NULL; !rc && in_file >= 0; in_file--) {
		n = 0;
		for (size_t i = 0; !rc && i < b->n_uses; i++) {
			const struct bcd_use *u = &b->use[i];
			const struct part_id *now = id_map_find(map, &u->id);
			char key[KEY_MAX];

			if (!now || part_id_same(now, &u->id))
				continue;
			element_key(key, b->v[u->object].id, u->element);
			rc = in_file ? put_in_file(h, key, u, now, bytes, len, e)
				     : put_in_hive(h, key, u, now, e);
			n++;
		}
	}
	if (!rc)
		*ret = n;
	return rc;
}
