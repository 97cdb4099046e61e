/* hive-logs.c: see hive-logs.h. */
#include "drivers-inject/windows/hive-logs.h"
#include <stdio.h>
#include <stdlib.h>
#include "drivers-inject/windows/regf.h"

/* The paths as long as the inputs' names point to them. */
struct logs {
	struct hivelog_input in[HIVELOG_INPUTS_MAX];
	char name[HIVELOG_INPUTS_MAX][TREE_PATH_MAX];
	size_t n;
	uint64_t room;          /* what may still be read                    */
};

static void logs_done(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((void *)l->in[i].bytes);
	l->n = 0;
}

/* Adds PATH + suffix; one that does not exist has no bytes. */
static int add_log(struct tree *t, const char *path, const char *suffix,
		   struct logs *l, struct err *e)
{
	struct hivelog_input *in = &l->in[l->n];
	char *name = l->name[l->n], *bytes = NULL;
	struct tree_node n;
	int r;

	snprintf(name, sizeof l->name[0], "%s%s", path, suffix);
	*in = (struct hivelog_input){ .name = name };
	r = tree_find(t, name, &n, e);
	if (!r && n.type != TREE_FILE)
		r = err_set(e, ERR_CORRUPT, "%s is not a regular file", name);
	else if (!r && n.size > l->room)
		r = err_set(e, ERR_NOMEM, "%s has %llu MB, and only %llu MB of "
			    "memory may be used for it", name,
			    (unsigned long long)n.size >> 20,
			    (unsigned long long)l->room >> 20);
	else if (!r)
		r = tree_head(t, name, n.size, &bytes, &in->len, e);
	if (r && r != ERR_NOT_FOUND)
		return r;
	in->bytes = (const uint8_t *)bytes;
	l->room -= in->len;
	l->n++;
	return 0;
}

static int find_logs(struct tree *t, const char *path, struct logs *l,
		     struct err *e)
{
	int r = add_log(t, path, ".LOG1", l, e);

	if (!r)
		r = add_log(t, path, ".LOG2", l, e);
	if (r || l->in[0].len || l->in[1].len)
		return r;
	logs_done(l);
	r = add_log(t, path, ".LOG", l, e);
	/* none at all: that is said, not that this one is missing */
	if (!r && !l->in[0].bytes)
		logs_done(l);
	return r;
}

int hive_logs_replay(struct tree *t, const char *path, const void *primary,
		     size_t len, uint64_t room, uint8_t **ret, size_t *ret_len,
		     struct hivelog_result *res, struct err *e)
{
	struct hivelog_options opt = { .accept_ktm = 1 };
	struct logs l = { .room = room };
	int r = find_logs(t, path, &l, e);

	opt.size_max = l.room < REGF_SIZE_MAX ? l.room : REGF_SIZE_MAX;
	if (!r)
		r = hivelog_recover(path, primary, len, l.in, l.n, &opt, ret,
				    ret_len, res, e);
	logs_done(&l);
	return r;
}
