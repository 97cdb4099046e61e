/* fuzz hive-edit: any bytes as a hive that is changed, saved and opened again.  What was
 * refused has changed nothing, what went wrong half-way is not saved, and what was saved
 * opens for changing and reads as it did before.
 *
 * The corpus was made by tests/tools/hiveedit from the empty hive of test_winfirst.py, as
 * version 1.3 and 1.5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/hive.h"

#define FEW 5                   /* keys of a key, values of a key: time is short */
#define DEPTH 3
#define PATH 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* FNV-1a over what can be read. */
static void add(uint64_t *sum, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*sum = (*sum ^ ((const uint8_t *)p)[i]) * 0x100000001b3;
}

static void add_values(const struct hive *h, const char *key, uint64_t *sum)
{
	struct strv l = { 0 };

	if (hive_values(h, key, &l))
		return;
	for (size_t i = 0; i < l.n && i < FEW; i++) {
		cleanup_free uint8_t *data = NULL;
		uint32_t type;
		size_t len;

		add(sum, l.v[i], strlen(l.v[i]) + 1);
		if (!hive_value(h, key, l.v[i], &type, &data, &len))
			continue;
		add(sum, &type, sizeof type);
		add(sum, data, len);
	}
	strv_done(&l);
}

static void add_key(const struct hive *h, const char *key, unsigned depth, uint64_t *sum)
{
	struct strv l = { 0 };
	char path[PATH];

	add(sum, key, strlen(key) + 1);
	add_values(h, key, sum);
	if (depth == DEPTH || hive_subkeys(h, key, &l))
		return;
	add(sum, &l.n, sizeof l.n);
	for (size_t i = 0; i < l.n && i < FEW; i++)
		if (snprintf(path, sizeof path, "%s\\%s", key, l.v[i]) < PATH)
			add_key(h, path, depth + 1, sum);
	strv_done(&l);
}

static uint64_t sum_of(const struct hive *h)
{
	uint64_t sum = 0xcbf29ce484222325;

	add_key(h, "", 0, &sum);
	return sum;
}

static void judge(const struct hive *h, size_t changes, int rc, const struct err *e)
{
	if (rc && (e->code != rc || !*e->msg))
		abort();
	if (rc == ERR_UNSUPPORTED && hive_changes(h)->n != changes)
		abort();
}

#define TRY(call) \
	do { \
		struct err e = { 0 }; \
		size_t n = hive_changes(h)->n; \
		int rc = call; \
		judge(h, n, rc, &e); \
	} while (0)

static void change_values(struct hive *h, const char *key)
{
	static const uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct strv l = { 0 };

	if (hive_values(h, key, &l))
		return;
	for (size_t i = 0; i < l.n && i < FEW; i++) {
		cleanup_free uint8_t *data = NULL;
		uint32_t type;
		size_t len;

		if (hive_value(h, key, l.v[i], &type, &data, &len) && len) {
			data[len - 1] ^= 1;
			TRY(hive_set(h, key, l.v[i], type, data, len, &e));
		}
		if (i % 3 == 0)
			TRY(hive_strings_append(h, key, l.v[i], "more", &e));
		else if (i % 3 == 1)
			TRY(hive_set(h, key, l.v[i], REG_BINARY, eight, sizeof eight, &e));
		else
			TRY(hive_unset(h, key, l.v[i], &e));
	}
	strv_done(&l);
}

static void change_key(struct hive *h, const char *key, unsigned depth)
{
	struct strv l = { 0 };
	char path[PATH];

	change_values(h, key);
	if (depth == DEPTH || hive_subkeys(h, key, &l))
		return;
	for (size_t i = 0; i < l.n && i < FEW; i++) {
		if (snprintf(path, sizeof path, "%s\\%s", key, l.v[i]) >= PATH)
			continue;
		change_key(h, path, depth + 1);
		if (i == 1)
			TRY(hive_remove_key(h, path, &e));
	}
	if (snprintf(path, sizeof path, "%s\\mm\\new", key) < PATH)
		TRY(hive_set_dword(h, path, "v", 7, &e));
	strv_done(&l);
}

static void read_again(const struct hive *h, int fd)
{
	off_t n = lseek(fd, 0, SEEK_END);
	cleanup_free uint8_t *bytes = n > 0 ? malloc((size_t)n) : NULL;
	struct hive *again;
	struct err e;

	if (!bytes || pread(fd, bytes, (size_t)n, 0) != n ||
	    hive_open_bytes(bytes, (size_t)n, "saved", 1, &again, &e))
		abort();
	if (hive_dirty(again) || sum_of(again) != sum_of(h))
		abort();
	hive_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hive *h;
	struct err e;
	int fd;

	if (hive_open_bytes(data, size, "input", 1, &h, &e))
		return 0;
	change_key(h, "", 0);
	if (!hive_save(h, &fd, &e)) {
		read_again(h, fd);
		close(fd);
	}
	hive_close(h);
	return 0;
}
