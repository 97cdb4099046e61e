/* report.h: what was found, as JSON (docs/INTERFACES.md) and as text. */
#ifndef REHOST_REPORT_H
#define REHOST_REPORT_H
#include <json-c/json.h>
#include <stdio.h>
#include "drivers-inject/adapter.h"

/* s as a JSON string, null if it is "".  Bytes that are not UTF-8, and those
 * that could steer a terminal, become '?'. */
struct json_object *report_text(const char *s);

/* One entry of "systems", without "partition" and "root". */
struct json_object *report_guest(const struct guest *g);

/* The whole document (search.h) for people, on f. */
void report_print(struct json_object *doc, const char *disk, FILE *f);

#endif
