/* json.h: small helpers over json-c.  Strings from disks and firmware are
 * hostile: what isn't valid UTF-8, and control characters, become U+FFFD, so
 * that what is printed is always a JSON document. */
#ifndef REHOST_JSON_H
#define REHOST_JSON_H
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include "common/err.h"

/* Each adds key to the object o.  Out of memory leaves the key out. */
void json_put_str(struct json_object *o, const char *key, const char *v); /* NULL: null */
void json_put_str_if(struct json_object *o, const char *key, const char *v); /* NULL or "": no key */
void json_put_u64(struct json_object *o, const char *key, uint64_t v);
void json_put_bool(struct json_object *o, const char *key, int v);
/* v: ownership passes to o; NULL: null */
void json_put(struct json_object *o, const char *key, struct json_object *v);
/* A string for an array. */
struct json_object *json_text(const char *v);

/* v if key is a string, else dflt; lives as long as o. */
const char *json_get_str(struct json_object *o, const char *key, const char *dflt);
uint64_t json_get_u64(struct json_object *o, const char *key, uint64_t dflt);
int json_get_bool(struct json_object *o, const char *key, int dflt);
/* NULL if absent or not of that type */
struct json_object *json_get_array(struct json_object *o, const char *key);
struct json_object *json_get_object(struct json_object *o, const char *key);

/* Parses one whole document (nothing but blanks may follow); at most
 * JSON_DEPTH deep.  *ret: json_object_put() it. */
#define JSON_DEPTH 32
int json_parse(const char *text, size_t len, struct json_object **ret,
	       struct err *e) must_check;
/* Prints o indented, with a newline; ERR_IO when the stream fails. */
int json_print(FILE *f, struct json_object *o, struct err *e) must_check;

static inline void cleanup_json_(struct json_object **o)
{
	json_object_put(*o);
}
#define cleanup_json __attribute__((cleanup(cleanup_json_)))
#endif
