/* json.c: see json.h. */
#include "common/json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at p, 0 if it is none. */
static size_t utf8_len(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2 :
		   (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if (n == 3 && ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)))
		return 0; /* overlong, surrogate */
	if (n == 4 && ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)))
		return 0; /* overlong, above U+10FFFF */
	return n;
}

struct json_object *json_text(const char *v)
{
	size_t len = strlen(v), n = 0;
	char *buf = malloc(3 * len + 1);
	struct json_object *o;

	if (!buf)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)v; *p;) {
		size_t k = *p < 0x20 && *p != '\n' && *p != '\t' ? 0 :
			   *p == 0x7F ? 0 : utf8_len(p);

		memcpy(buf + n, k ? (const char *)p : "\xEF\xBF\xBD", k ? k : 3);
		n += k ? k : 3;
		p += k ? k : 1;
	}
	o = json_object_new_string_len(buf, (int)n);
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
