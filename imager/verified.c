/* verified.c: see verified.h. */
#include "imager/verified.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "imager/store/store.h"

#define VERIFIED_MAX (1u << 20) /* bytes; a longer one is none of ours          */

static int path_of(const char *image, char *ret, size_t size, struct err *e)
{
	return snprintf(ret, size, "%s.verified", image) < (int)size ? 0 :
		err_set(e, ERR_USAGE, "the path of the image is too long");
}

int verified_write(const char *image, struct json_object *doc, struct err *e)
{
	time_t t = time(NULL);
	struct store_out *out;
	char path[PATH_MAX], when[32];
	const char *text;
	struct tm tm;
	int r = path_of(image, path, sizeof path, e);

	if (r < 0)
		return r;
	json_put_u64(doc, "format", 1);
	json_put_str(doc, "tool", "rehost " REHOST_VERSION);
	if (gmtime_r(&t, &tm) && strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_put_str(doc, "when", when);
	text = json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY);
	if (!text)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (strlen(text) > VERIFIED_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: there are too many findings to keep them", path);
	r = store_create(path, 1, &out, e);
	if (r < 0)
		return r;
	r = store_append(out, text, strlen(text), e);
	if (r == 0)
		r = store_commit(out, e);
	if (r < 0)
		store_abort(out);
	return r;
}

struct json_object *verified_read(const char *image, const char *digest)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *text = malloc(VERIFIED_MAX + 1);
	struct json_object *o = NULL;
	struct err ignored;
	char path[PATH_MAX];
	size_t n;

	if (!text || path_of(image, path, sizeof path, &ignored) < 0)
		return NULL;
	f = fopen(path, "re");
	if (!f)
		return NULL;
	n = fread(text, 1, VERIFIED_MAX + 1, f);
	if (n > VERIFIED_MAX || json_parse(text, n, &o, &ignored) < 0 ||
	    (digest && strcmp(json_get_str(o, "digest", ""), digest))) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

int verified_says_ok(const char *image)
{
	cleanup_json struct json_object *o = verified_read(image, NULL);

	return json_get_bool(o, "ok", 0);
}

int verified_forget(const char *image, struct err *e)
{
	char path[PATH_MAX];
	int r = path_of(image, path, sizeof path, e);

	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = err_sys(e, errno, "%s can't be removed", path);
	return r;
}
