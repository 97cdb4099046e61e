/* image-json.c: see image-json.h. */
#include "imager/image-json.h"
#include <string.h>
#include <time.h>
#include "common/hash.h"
#include "common/text.h"
#include "common/units.h"
#include "imager/disks-json.h"
#include "imager/fit.h"
#include "imager/hardware.h"
#include "imager/verified.h"

static void put_hex(struct json_object *o, const char *key, const uint8_t *b, size_t n)
{
	char text[2 * HASH_LEN + 1];

	hex_encode(b, n, text);
	json_put_str(o, key, text);
}

static void put_created(struct json_object *o, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32];
	struct tm tm;

	if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_put_str(o, "created", text);
}

/* What `verify --deep` last said. */
static void put_verified(struct json_object *o, const char *path, const uint8_t *digest)
{
	char text[2 * HASH_LEN + 1];
	struct json_object *v;

	hex_encode(digest, HASH_LEN, text);
	v = verified_read(path, text);
	if (v)
		json_put(o, "verified", v);
}

/* META or SUMMARY; NULL if it is no JSON object (then the image still works). */
static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;
	struct err ignored;

	if (json_parse(text, strlen(text), &o, &ignored) < 0)
		return NULL;
	return o;
}

static void put_systems(struct json_object *o, struct json_object *disk)
{
	struct json_object *from = json_get_array(disk, "systems"), *to = json_object_new_array();

	for (size_t i = 0; from && i < json_object_array_length(from); i++)
		json_object_array_add(to, json_text(json_get_str(
			json_object_array_get_idx(from, i), "name", "?")));
	json_put(o, "systems", to);
}

struct json_object *image_json_short(const char *path, const char *name)
{
	struct json_object *o = json_object_new_object(), *meta, *disk, *dmi;
	struct image_file f = { 0 };
	struct image_ident id;
	struct image *im = NULL;
	struct err e;

	json_put_str(o, "name", name);
	if (image_file_open(path, NULL, &f, &e) < 0 || image_identify(f.in->dev, &id, &e) < 0) {
		json_put_bool(o, "complete", 0);
		json_put_str(o, "error", e.msg);
		if (f.in)
			json_put_u64(o, "size", f.in->dev->size);
		image_file_close(&f);
		return o;
	}
	json_put_u64(o, "size", f.in->dev->size);
	json_put_bool(o, "complete", id.complete);
	put_created(o, id.params.created);
	json_put_u64(o, "disk_size", id.params.disk_size);
	json_put_u64(o, "used_bytes", id.params.used_bytes);
	json_put_bool(o, "encrypted", !!(id.params.must & FEATURE_ENCRYPTED));
	if (id.complete)
		put_verified(o, path, id.digest);
	if (id.complete && image_open(f.in->dev, NULL, &im, &e) == 0) {
		meta = parse(image_meta(im));
		disk = json_get_object(meta, "disk");
		dmi = json_get_object(json_get_object(meta, "hardware"), "dmi");
		json_put_str_if(o, "model", json_get_str(disk, "model", NULL));
		json_put_str_if(o, "serial", json_get_str(disk, "serial", NULL));
		json_put_str_if(o, "machine", json_get_str(dmi, "product_name", NULL));
		put_systems(o, disk);
		json_object_put(meta);
	} else if (id.complete && e.code != ERR_SECRET) {
		json_put_str(o, "error", e.msg);
	}
	image_close(im);
	image_file_close(&f);
	return o;
}

/* Moves nothing: takes another reference of from's member. */
static void put_member(struct json_object *o, struct json_object *from, const char *key)
{
	struct json_object *v;

	if (json_object_is_type(from, json_type_object) &&
	    json_object_object_get_ex(from, key, &v))
		json_put(o, key, json_object_get(v));
}

/* What META says of the options; of an encrypted one it isn't read. */
static void put_begun_with(struct json_object *o, struct blkdev *file)
{
	struct json_object *meta, *unlocked;
	struct image *im = NULL;
	struct err ignored;

	if (image_open_meta(file, NULL, &im, &ignored) < 0)
		return;
	meta = parse(image_meta(im));
	unlocked = json_get_array(meta, "unlocked");
	put_member(o, meta, "only");
	put_member(o, meta, "page_files");
	json_put_bool(o, "unlock", unlocked && json_object_array_length(unlocked));
	json_object_put(meta);
	image_close(im);
}

struct json_object *image_json_cut(const char *path, const char *name)
{
	struct json_object *o = NULL;
	struct image_file f = { 0 };
	struct image_ident id;
	struct err ignored;

	if (image_file_open(path, NULL, &f, &ignored) == 0 &&
	    image_identify(f.in->dev, &id, &ignored) == 0) {
		o = json_object_new_object();
		json_put_str(o, "name", name);
		json_put_u64(o, "size", f.in->dev->size);
		put_created(o, id.params.created);
		json_put_u64(o, "disk_size", id.params.disk_size);
		json_put_u64(o, "used_bytes", id.params.used_bytes);
		json_put_bool(o, "encrypted", !!(id.params.must & FEATURE_ENCRYPTED));
		json_put_bool(o, "split", !!(id.params.must & FEATURE_SPLIT));
		json_put_bool(o, "base", !!(id.params.must & FEATURE_BASE));
		json_put_bool(o, "dedup", !!(id.params.must & FEATURE_DEDUP));
		json_put_bool(o, "partial", !!(id.params.must & FEATURE_PARTIAL));
		put_begun_with(o, f.in->dev);
	}
	image_file_close(&f);
	return o;
}

static void put_params(struct json_object *o, const struct image_params *p, uint64_t file_len)
{
	json_put_u64(o, "format", 1);
	put_hex(o, "image_id", p->image_id, sizeof p->image_id);
	put_created(o, p->created);
	json_put_u64(o, "disk_size", p->disk_size);
	json_put_u64(o, "sector_size", p->sector_size);
	json_put_u64(o, "used_bytes", p->used_bytes);
	json_put_u64(o, "used_end", p->used_end);
	json_put_u64(o, "stored_bytes", file_len);
	json_put_u64(o, "chunk_size", p->chunk_size);
	json_put_str(o, "hash", hash_name(p->hash));
	json_put_bool(o, "encrypted", !!(p->must & FEATURE_ENCRYPTED));
	json_put_bool(o, "partial", !!(p->must & FEATURE_PARTIAL));
}

/* Absent when the image is too damaged to tell.  ret_bad: set if it can't be read. */
static void put_smallest(struct json_object *o, struct image *im, const char *path,
			 struct err *ret_bad)
{
	struct err why;
	struct fit f;
	int r = fit_image(im, path, &f, &why);

	if (r == 0)
		json_put_u64(o, "smallest_target", f.smallest);
	else if (r == ERR_IO)
		*ret_bad = why;
}

static void put_bad(struct json_object *o, const struct image *im)
{
	struct json_object *a = json_object_new_array(), *r;
	const struct byte_range *bad;
	size_t n;

	bad = image_bad(im, &n);
	for (size_t i = 0; i < n; i++) {
		r = json_object_new_object();
		json_put_u64(r, "offset", bad[i].off);
		json_put_u64(r, "length", bad[i].len);
		json_object_array_add(a, r);
	}
	json_put(o, "unreadable", a);
}

/* The chain: what it needs, and whether that is there. */
static int put_bases(struct json_object *o, const struct image *im, const char *dir)
{
	const struct image_base *b;
	struct json_object *a, *one;
	int missing = 0;
	size_t n;

	b = image_bases(im, &n);
	a = n ? json_object_new_array() : NULL;
	for (size_t i = 0; i < n; i++) {
		struct blkdev *file = NULL;
		struct image_ident id;
		struct err why;
		int rc = base_file_open(dir, &b[i], &file, &why), found;

		if (rc == 0)
			rc = image_identify(file, &id, &why);
		found = rc == 0 && id.complete && !memcmp(id.digest, b[i].digest, sizeof id.digest);
		dev_close(file);
		one = json_object_new_object();
		json_put_str(one, "name", b[i].name);
		put_hex(one, "image_id", b[i].image_id, sizeof b[i].image_id);
		put_hex(one, "digest", b[i].digest, sizeof b[i].digest);
		json_put_bool(one, "found", found);
		if (rc == ERR_IO)
			json_put_str(one, "error", why.msg);
		json_object_array_add(a, one);
		missing += !found;
	}
	if (a)
		json_put(o, "bases", a);
	return missing;
}

static void put_texts(struct json_object *o, const struct image *im)
{
	struct json_object *meta = parse(image_meta(im)), *sum = parse(image_summary(im));

	put_member(o, sum, "warnings");
	put_member(o, sum, "seconds");
	put_member(o, sum, "passes");
	put_member(o, sum, "unreadable_files");
	put_member(o, meta, "level");
	put_member(o, meta, "tool");
	put_member(o, meta, "left_out");
	put_member(o, meta, "only");
	put_member(o, meta, "page_files");
	put_member(o, meta, "unlocked");
	put_member(o, meta, "salvaged");
	put_member(o, meta, "disk");
	put_member(o, meta, "map");
	put_member(o, meta, "hardware");
	json_object_put(meta);
	json_object_put(sum);
}

int image_json_full(const char *path, struct passphrase *p, struct json_object **ret,
		    struct err *ret_bad, struct err *e)
{
	struct image_access no_bases;
	struct image_file f = { 0 };
	struct json_object *o;
	struct image_ident id;
	struct image *im = NULL;

	ret_bad->code = 0;
	if (image_file_open(path, p, &f, e) < 0)
		return e->code;
	if (image_identify(f.in->dev, &id, e) < 0) {
		image_file_close(&f);
		return e->code;
	}
	no_bases = f.access;
	no_bases.base = NULL;    /* one that is missing hides nothing else */
	o = json_object_new_object();
	if (!id.complete)
		err_set(ret_bad, ERR_CORRUPT,
			"%s is not complete: its end is missing; it can't be restored", path);
	else if (image_open(f.in->dev, &no_bases, &im, ret_bad) < 0)
		json_put_str(o, "error", ret_bad->msg);
	/* one that has its end, but fails its checks, isn't called complete */
	json_put_bool(o, "complete", im || (id.complete && (ret_bad->code == ERR_UNSUPPORTED ||
							  ret_bad->code == ERR_SECRET)));
	put_params(o, &id.params, f.in->dev->size);
	if (im) {
		put_hex(o, "digest", image_digest(im), IMAGE_DIGEST_LEN);
		json_put_u64(o, "chunks", image_chunks(im));
		put_verified(o, path, image_digest(im));
		put_smallest(o, im, path, ret_bad);
		put_bad(o, im);
		put_texts(o, im);
		if (put_bases(o, im, f.dir))
			err_set(ret_bad, ERR_NOT_FOUND, "%s needs other images that aren't beside it, or aren't as they were", path);
	}
	image_close(im);
	image_file_close(&f);
	*ret = o;
	return 0;
}

static void text_line(FILE *f, const char *title, const char *text)
{
	fputs(title, f);
	text_print(f, text ? text : "?");
	fputc('\n', f);
}

static void text_list(FILE *f, struct json_object *o, const char *key, const char *title)
{
	struct json_object *a = json_get_array(o, key);

	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		text_line(f, title, json_object_get_string(json_object_array_get_idx(a, i)));
}

/* Numbers come from META, too: whatever isn't one is 0. */
static void text_only(FILE *f, struct json_object *o)
{
	struct json_object *a = json_get_array(o, "only");

	fputs("only a part of the disk: the partition table and", f);
	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		fprintf(f, "%s %lld", i ? "," : " partition",
			(long long)json_object_get_int64(json_object_array_get_idx(a, i)));
	fputs(a && json_object_array_length(a) ? "; the others are not in this image\n" :
	      " no partition\n", f);
}

/* How the source's hard places were read. */
static void passes_text(FILE *f, struct json_object *passes)
{
	for (size_t i = 0; passes && i < json_object_array_length(passes); i++) {
		struct json_object *p = json_object_array_get_idx(passes, i);

		if (!json_get_u64(p, "failed", 0))
			continue;
		fputs("reading by ", f);
		text_print(f, json_get_str(p, "pass", "?"));
		fprintf(f, ": %llu of %llu reads failed\n",
			(unsigned long long)json_get_u64(p, "failed", 0),
			(unsigned long long)json_get_u64(p, "reads", 0));
	}
}

static void verified_text(FILE *f, struct json_object *v)
{
	struct json_object *a = json_get_array(v, "findings");

	if (!v)
		return;
	fputs(json_get_bool(v, "ok", 0) ? "verified in depth " : "verified in depth, NOT WHOLE, ", f);
	text_print(f, json_get_str(v, "when", "?"));
	fputs(json_get_bool(v, "partly", 0) ? ", but not all of it\n" : "\n", f);
	for (size_t i = 0; a && i < json_object_array_length(a); i++)
		text_line(f, "finding: ", json_get_str(json_object_array_get_idx(a, i), "text", NULL));
	text_list(f, v, "not_checked", "not looked into: ");
}

static void bases_text(FILE *f, struct json_object *bases)
{
	for (size_t i = 0; bases && i < json_object_array_length(bases); i++) {
		struct json_object *b = json_object_array_get_idx(bases, i);

		fputs(i ? "and from " : "what differs from ", f);
		text_print(f, json_get_str(b, "name", "?"));
		fprintf(f, ", digest %s", json_get_str(b, "digest", "?"));
		if (json_get_str(b, "error", NULL))
			text_line(f, ": ", json_get_str(b, "error", NULL));
		else
			fputs(json_get_bool(b, "found", 0) ? "\n" : ": missing or changed\n", f);
	}
}

/* What comes from META is another machine's word: only by text_print. */
void image_text(FILE *f, struct json_object *o)
{
	struct json_object *hw = json_get_object(o, "hardware"), *disk = json_get_object(o, "disk");
	struct json_object *dmi = json_get_object(hw, "dmi"), *bad = json_get_array(o, "unreadable");
	struct json_object *salvaged = json_get_object(o, "salvaged");

	fprintf(f, "image of %s, made %s%s\n", units_bytes(json_get_u64(o, "disk_size", 0)).s,
		json_get_str(o, "created", "?"),
		json_get_bool(o, "complete", 0) ? "" : ", NOT COMPLETE");
	fprintf(f, "used %s, stored %s, %s%s\n", units_bytes(json_get_u64(o, "used_bytes", 0)).s,
		units_bytes(json_get_u64(o, "stored_bytes", 0)).s, json_get_str(o, "hash", "?"),
		json_get_bool(o, "encrypted", 0) ? ", encrypted" : "");
	if (json_get_u64(o, "smallest_target", 0))
		fprintf(f, "smallest target disk: %llu bytes (%s)\n",
			(unsigned long long)json_get_u64(o, "smallest_target", 0),
			units_bytes(json_get_u64(o, "smallest_target", 0)).s);
	if (json_get_bool(o, "partial", 0))
		text_only(f, o);
	if (json_get_str(o, "level", NULL))
		text_line(f, "level: ", json_get_str(o, "level", NULL));
	if (json_get_str(o, "digest", NULL))
		text_line(f, "digest: ", json_get_str(o, "digest", NULL));
	if (json_get_str(dmi, "product_name", NULL)) {
		fputs("machine: ", f);
		text_print(f, json_get_str(dmi, "sys_vendor", "?"));
		fputc(' ', f);
		text_print(f, json_get_str(dmi, "product_name", "?"));
		text_line(f, ", serial ", json_get_str(dmi, "product_serial", NULL));
	}
	if (disk)
		disk_text(f, disk, 0);
	bases_text(f, json_get_array(o, "bases"));
	if (salvaged)
		text_line(f, "salvaged from ", json_get_str(salvaged, "from", NULL));
	text_list(f, o, "left_out", "left out: ");
	if (bad && json_object_array_length(bad))
		fprintf(f, "unreadable ranges of the source: %zu\n", json_object_array_length(bad));
	passes_text(f, json_get_array(o, "passes"));
	verified_text(f, json_get_object(o, "verified"));
	text_list(f, o, "warnings", "warning: ");
}
