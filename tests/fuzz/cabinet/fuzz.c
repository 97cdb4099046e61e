/* fuzz cabinet: any bytes as a cabinet on a guest's volume.
 *
 * Input: the cabinet; "a.sys" and "B.DLL" are looked for in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/cabinet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A volume with one file, which every path leads to. */
struct one_file {
	struct tree t;
	const uint8_t *data;
	size_t n;
};

static int root(struct tree *t, struct tree_node *ret, struct err *e)
{
	(void)t, (void)e;
	*ret = (struct tree_node){ .id = 5, .type = TREE_DIR };
	return 0;
}

static int lookup(struct tree *t, const struct tree_node *dir, const char *name, struct tree_node *ret,
		  struct err *e)
{
	(void)dir, (void)name, (void)e;
	*ret = (struct tree_node){ .id = 6, .size = ((struct one_file *)t)->n, .type = TREE_FILE };
	return 0;
}

static int read_bytes(struct tree *t, const struct tree_node *n, uint64_t off, void *buf, size_t len,
		      struct err *e)
{
	(void)n, (void)e;
	if (len)
		memcpy(buf, ((struct one_file *)t)->data + off, len);
	return 0;
}

static int list(struct tree *t, const struct tree_node *dir, struct strv *out, struct err *e)
{
	(void)t, (void)dir, (void)out;
	return err_set(e, ERR_NOT_FOUND, "no");
}

static const struct tree_ops ops = { .name = "one", .root = root, .lookup = lookup, .read = read_bytes,
				     .list = list };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a.sys", "B.DLL" };
	struct one_file t = { { .ops = &ops }, data, size };

	for (int i = 0; i < 2; i++) {
		struct err e = { 0 };
		uint8_t *bytes;
		size_t n, sum = 0;

		if (cabinet_read(&t.t, "/x.cab", names[i], &bytes, &n, &e)) {
			if (!*e.msg)
				abort();
			continue;
		}
		for (size_t k = 0; k < n; k++)  /* all of it is there */
			sum += bytes[k];
		if (n > CABINET_FILE_MAX || sum > 255 * n)
			abort();
		free(bytes);
	}
	return 0;
}
