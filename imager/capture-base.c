/* capture-base.c: see capture-base.h. */
#include "imager/capture-base.h"
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "common/hash.h"
#include "imager/place.h"

static int same_directory(const char *a, const char *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	struct stat s, t;

	snprintf(x, sizeof x, "%s", a);
	snprintf(y, sizeof y, "%s", b);
	return stat(dirname(x), &s) == 0 && stat(dirname(y), &t) == 0 &&
	       s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

static int beside(const char *arg, struct err *e)
{
	return err_set(e, ERR_USAGE, "--base %s: it must lie in the directory of the new image, as later that needs it there",
		       arg);
}

/* The name behind the last slash; *ret_dir: how long what is before it is. */
static const char *last_part(const char *path, size_t *ret_dir)
{
	const char *slash = strrchr(path, '/');

	*ret_dir = slash ? (size_t)(slash - path) : 0;
	return slash ? slash + 1 : path;
}

/* 0 and *ret, the base's name, if both URLs lead into one directory. */
static int same_place(const char *arg, const char *dest, char *ret, size_t size, struct err *e)
{
	struct place a, d;
	size_t a_dir, d_dir;
	const char *name;

	if (!place_is_url(dest) || place_parse(arg, &a, e) < 0 || place_parse(dest, &d, e) < 0)
		return beside(arg, e);
	name = last_part(a.path, &a_dir);
	last_part(d.path, &d_dir);
	if (d.is_dir)
		d_dir = strlen(d.path);
	if (a.ops != d.ops || strcmp(a.host, d.host) || a_dir != d_dir ||
	    strncmp(a.path, d.path, a_dir))
		return beside(arg, e);
	snprintf(ret, size, "%s", name);
	return 0;
}

/* Where it is on this machine. */
static int find(const char *arg, const char *dest, const char *path, char *ret, size_t size,
		struct err *e)
{
	char name[1024] = "", dir[PATH_MAX];
	int at_place = place_is_url(arg) || (place_is_url(dest) && !strchr(arg, '/'));

	if (!at_place) {
		if (snprintf(ret, size, "%s", arg) >= (int)size)
			return err_set(e, ERR_USAGE, "the path of the base image is too long");
		return same_directory(arg, path) ? 0 : beside(arg, e);
	}
	if (!place_is_url(arg))
		snprintf(name, sizeof name, "%s", arg);
	else if (same_place(arg, dest, name, sizeof name, e) < 0)
		return e->code;
	snprintf(dir, sizeof dir, "%s", path);
	if (snprintf(ret, size, "%s/%s", dirname(dir), name) >= (int)size)
		return err_set(e, ERR_USAGE, "the path of the base image is too long");
	return 0;
}

int capture_base_open(const char *arg, const char *dest, const char *path, int encrypt,
		      struct passphrase *p, struct capture_base *ret, struct err *e)
{
	char where[PATH_MAX];
	const char *name;
	int r = find(arg, dest, path, where, sizeof where, e);

	if (r == 0)
		r = image_file_open(where, p, &ret->file, e);
	if (r == 0)
		r = image_open(ret->file.in->dev, ret->file.in->access, &ret->image, e);
	if (r < 0)
		return err_prefix(e, "--base");
	if (image_key(ret->image) && !encrypt)
		return err_set(e, ERR_USAGE, "--base %s is encrypted: give --encrypt, or what it hides would be in the new image's description",
			       arg);
	name = strrchr(where, '/') ? strrchr(where, '/') + 1 : where;
	if (strlen(name) >= sizeof ret->name)
		return err_set(e, ERR_USAGE, "--base %s: its name is too long", arg);
	strcpy(ret->name, name);
	return 0;
}

void capture_base_done(struct capture_base *b)
{
	b->image = image_close(b->image);
	image_file_close(&b->file);
}

static void add(struct json_object *list, const uint8_t *id, const uint8_t *digest,
		const char *name, const uint8_t *key)
{
	struct json_object *o = json_object_new_object();
	char text[2 * HASH_LEN + 1];

	hex_encode(id, 16, text);
	json_put_str(o, "image_id", text);
	hex_encode(digest, IMAGE_DIGEST_LEN, text);
	json_put_str(o, "digest", text);
	json_put_str(o, "name", name);
	if (key) {
		hex_encode(key, 32, text);
		json_put_str(o, "key", text);
		explicit_bzero(text, sizeof text);
	}
	json_object_array_add(list, o);
}

void capture_base_meta(const struct capture_base *b, struct json_object *meta)
{
	struct json_object *list = json_object_new_array();
	const struct image_key *key = image_key(b->image);
	const struct image_base *more;
	size_t n;

	add(list, image_params(b->image)->image_id, image_digest(b->image), b->name,
	    key ? key->data : NULL);
	more = image_bases(b->image, &n);
	for (size_t i = 0; i < n; i++)
		add(list, more[i].image_id, more[i].digest, more[i].name,
		    more[i].has_key ? more[i].key : NULL);
	json_put(meta, "bases", list);
}
