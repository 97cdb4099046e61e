/* ntfsroot.h: one NTFS volume (ntfsvol.h) as a root, for each test anew. */
#ifndef REHOST_TEST_NTFSROOT_H
#define REHOST_TEST_NTFSROOT_H
#include "tests/unit/ntfsvol.h"

static struct cutdev cut;
static struct root *root;

static inline void open_root(void)
{
	struct err e = { 0 };

	if (root_ntfs_open(&cut.d, 0, &root, &e))
		fail_msg("%s", e.msg);
}

static inline void make_root(const char *options)
{
	vol_make(&cut, options);
	open_root();
}

static inline int setup(void **state)
{
	(void)state;
	make_root("");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	root = root_close(root);
	cut_free(&cut);
	return 0;
}

static inline char *text_of(size_t len, char c)
{
	char *s = malloc(len + 1);

	memset(s, c, len);
	s[len] = 0;
	return s;
}

static inline void plan_text(struct plan *p, const char *path, size_t len, char c)
{
	struct err e = { 0 };
	char *s = text_of(len, c);

	if (plan_write(p, path, s, len, &e, "Because."))
		fail_msg("%s", e.msg);
	free(s);
}

static inline void apply(struct plan *p)
{
	struct err e = { 0 };

	if (plan_apply(p, NULL, &e))
		fail_msg("%s", e.msg);
}
#endif
