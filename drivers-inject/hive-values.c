/* hive-values.c: what values mean: numbers, strings, lists of strings; see hive.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/hive.h"
#include "drivers-inject/utf16.h"

static int is_string(uint32_t type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ;
}

int hive_dword(const struct hive *h, const char *key, const char *value, uint32_t *ret)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len;

	if (!hive_value(h, key, value, &type, &data, &len) || type != REG_DWORD || len != 4)
		return 0;
	*ret = le32_get(*(const le32 *)data);
	return 1;
}

int hive_strings(const struct hive *h, const char *key, const char *value, struct strv *ret)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len;

	if (!hive_value(h, key, value, &type, &data, &len))
		return 0;
	if (!is_string(type) && type != REG_MULTI_SZ)
		return 0;
	return !utf16_strings(data, len, ret);
}

/* [a, b] */
static void list_text(const struct strv *l, char ret[HIVE_TEXT_MAX])
{
	size_t at = (size_t)snprintf(ret, HIVE_TEXT_MAX, "[");

	for (size_t i = 0; i < l->n && at < HIVE_TEXT_MAX; i++)
		at += (size_t)snprintf(ret + at, HIVE_TEXT_MAX - at, "%s%s", i ? ", " : "", l->v[i]);
	if (at < HIVE_TEXT_MAX)
		snprintf(ret + at, HIVE_TEXT_MAX - at, "]");
}

void hive_value_text(uint32_t type, const uint8_t *data, size_t len, char ret[HIVE_TEXT_MAX])
{
	struct strv l = { 0 };
	size_t at;

	if (type == REG_DWORD && len == 4) {
		snprintf(ret, HIVE_TEXT_MAX, "%u", le32_get(*(const le32 *)data));
	} else if ((is_string(type) || type == REG_MULTI_SZ) && !utf16_strings(data, len, &l)) {
		if (type == REG_MULTI_SZ)
			list_text(&l, ret);
		else
			snprintf(ret, HIVE_TEXT_MAX, "\"%s\"", l.n ? l.v[0] : "");
		strv_done(&l);
	} else {
		at = (size_t)snprintf(ret, HIVE_TEXT_MAX, "type %u, %zu bytes:", type, len);
		for (size_t i = 0; i < len && i < 16; i++)
			at += (size_t)snprintf(ret + at, HIVE_TEXT_MAX - at, " %02x", data[i]);
	}
}

int hive_set_dword(struct hive *h, const char *key, const char *value, uint32_t n, struct err *e)
{
	le32 data = le32_make(n);

	return hive_set(h, key, value, REG_DWORD, &data, sizeof data, e);
}

int hive_set_string(struct hive *h, const char *key, const char *value, uint32_t type,
		    const char *text, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	size_t len;
	int rc = utf16_make(text, &data, &len, e);

	return rc ? rc : hive_set(h, key, value, type, data, len, e);
}

int hive_set_strings(struct hive *h, const char *key, const char *value, const struct strv *l,
		     struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	size_t len;
	int rc = utf16_make_strings(l, &data, &len, e);

	return rc ? rc : hive_set(h, key, value, REG_MULTI_SZ, data, len, e);
}

int hive_strings_drop(struct hive *h, const char *key, const char *value, const char *string,
		      struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t len, left;
	int rc;

	if (!hive_value(h, key, value, &type, &data, &len) ||
	    (!is_string(type) && type != REG_MULTI_SZ))
		return 0;
	rc = utf16_list_drop(data, len, string, &left, e);
	if (rc || left == len)
		return rc;
	if (!utf16_list_has_any(data, left))
		return hive_unset(h, key, value, e);
	return hive_set(h, key, value, type, data, left, e);
}

int hive_strings_append(struct hive *h, const char *key, const char *value, const char *string,
			struct err *e)
{
	cleanup_free uint8_t *data = NULL, *more = NULL;
	uint32_t type = REG_MULTI_SZ;
	size_t len = 0, more_len;
	int rc;

	if (!hive_value(h, key, value, &type, &data, &len))
		len = 0;
	if (!is_string(type) && type != REG_MULTI_SZ)
		return err_set(e, ERR_UNSUPPORTED, "key %s: %s is of type %u, not a list of strings "
			       "(%u); %s is not added to it", key, value, type, REG_MULTI_SZ, string);
	rc = utf16_list_append(data, len, string, &more, &more_len, e);
	/* it only grows when the string was not in it */
	return rc || more_len == len ? rc : hive_set(h, key, value, REG_MULTI_SZ, more, more_len, e);
}
