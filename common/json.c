/* json.c: see json.h. */
#include "common/json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/text.h"

struct json_object *json_text(const char *v)
{
	size_t len = strlen(v), room = 3 * len + 1; /* U+FFFD is 3 bytes */
	char *buf = malloc(room);
	struct json_object *o;

	if (!buf)
		return NULL;
	text_from_bytes(v, len, buf, room);
	o = json_object_new_string(buf);
	free(buf);
	return o;
}

void json_put(struct json_object *o, const char *key, struct json_object *v)
{
	if (json_object_object_add(o, key, v) < 0)
		json_object_put(v);
}

void json_put_str(struct json_object *o, const char *key, const char *v)
{
	json_put(o, key, v ? json_text(v) : NULL);
}

void json_put_str_if(struct json_object *o, const char *key, const char *v)
{
	if (v && *v)
		json_put(o, key, json_text(v));
}

void json_put_u64(struct json_object *o, const char *key, uint64_t v)
{
	json_put(o, key, json_object_new_uint64(v));
}

void json_put_bool(struct json_object *o, const char *key, int v)
{
	json_put(o, key, json_object_new_boolean(v != 0));
}

static struct json_object *member(struct json_object *o, const char *key,
				  enum json_type type)
{
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, type))
		return NULL;
	return v;
}

const char *json_get_str(struct json_object *o, const char *key, const char *dflt)
{
	struct json_object *v = member(o, key, json_type_string);

	return v ? json_object_get_string(v) : dflt;
}

uint64_t json_get_u64(struct json_object *o, const char *key, uint64_t dflt)
{
	struct json_object *v = member(o, key, json_type_int);

	return v ? json_object_get_uint64(v) : dflt;
}

int json_get_bool(struct json_object *o, const char *key, int dflt)
{
	struct json_object *v = member(o, key, json_type_boolean);

	return v ? json_object_get_boolean(v) : dflt;
}

struct json_object *json_get_array(struct json_object *o, const char *key)
{
	return member(o, key, json_type_array);
}

struct json_object *json_get_object(struct json_object *o, const char *key)
{
	return member(o, key, json_type_object);
}

int json_parse(const char *text, size_t len, struct json_object **ret,
	       struct err *e)
{
	struct json_tokener *t;
	struct json_object *o;
	size_t end;

	if (len > INT32_MAX)
		return err_set(e, ERR_CORRUPT, "a JSON document of %zu bytes is too long", len);
	t = json_tokener_new_ex(JSON_DEPTH);
	if (!t)
		return err_set(e, ERR_NOMEM, "out of memory for a JSON document");
	o = json_tokener_parse_ex(t, text, (int)len);
	end = json_tokener_get_parse_end(t);
	if (!o || json_tokener_get_error(t) != json_tokener_success) {
		err_set(e, ERR_CORRUPT, "not a JSON document: %s at byte %zu",
			json_tokener_error_desc(json_tokener_get_error(t)), end);
		json_object_put(o);
		json_tokener_free(t);
		return ERR_CORRUPT;
	}
	json_tokener_free(t);
	while (end < len && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (end < len) {
		json_object_put(o);
		return err_set(e, ERR_CORRUPT,
			       "more text after the JSON document, at byte %zu", end);
	}
	*ret = o;
	return 0;
}

int json_print(FILE *f, struct json_object *o, struct err *e)
{
	const char *s = json_object_to_json_string_ext(o,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!s)
		return err_set(e, ERR_NOMEM, "out of memory for a JSON document");
	if (fprintf(f, "%s\n", s) < 0 || fflush(f))
		return err_sys(e, errno, "writing the JSON document to stdout");
	return 0;
}
