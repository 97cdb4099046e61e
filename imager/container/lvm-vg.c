/* lvm-vg.c: a volume group as its text describes it: what holds for all of it. */
#include <stdlib.h>
#include <string.h>
#include "imager/container/lvm.h"

/* Sectors: 2^55 bytes, more than LVM allows; sums of such numbers don't overflow. */
#define SECTORS_MAX (1ull << 46)

/* Is every word of the array one of these?  No array is no word. */
static int words_known(const struct lvm_tree *t, const struct lvm_node *in, const char *key,
		       const char *const *known, const char **ret_unknown)
{
	const struct lvm_node *a = lvm_get(t, in, key, LVM_ARRAY);

	for (const struct lvm_node *n = lvm_first(t, a); n; n = lvm_next(t, n)) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], n->text))
			i++;
		*ret_unknown = n->text;
		if (!known[i])
			return 0;
	}
	return 1;
}

/* Names come into messages and onto terminals. */
static int good_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-");

	return n && n <= LVM_NAME_MAX && !name[n];
}

static int check_words(const struct lvm_tree *t, const struct lvm_node *in, const char *what,
		       const char *const *status, struct err *e)
{
	static const char *const none[] = { NULL };
	const char *word = "";

	if (words_known(t, in, "status", status, &word) && words_known(t, in, "flags", none, &word))
		return 0;
	if (!strcmp(word, "EXPORTED"))
		return err_set(e, ERR_UNSUPPORTED, "the volume group was exported");
	return err_set(e, ERR_UNSUPPORTED, "the %s is marked as %.40s", what, good_name(word) ? word : "something unknown");
}

/* The one section of the text, which is the group. */
static const struct lvm_node *find_group(struct lvm_vg *vg, struct err *e)
{
	const struct lvm_node *found = NULL;

	for (const struct lvm_node *n = lvm_first(&vg->tree, &vg->tree.v[0]); n; n = lvm_next(&vg->tree, n)) {
		if (n->kind != LVM_SECTION)
			continue;
		if (found) {
			err_set(e, ERR_CORRUPT, "the metadata describes two volume groups");
			return NULL;
		}
		found = n;
	}
	if (!found || !good_name(found->key)) {
		err_set(e, ERR_CORRUPT, "the metadata describes no volume group");
		return NULL;
	}
	return found;
}

static size_t count(const struct lvm_tree *t, const struct lvm_node *in)
{
	size_t n = 0;

	for (const struct lvm_node *c = lvm_first(t, in); c; c = lvm_next(t, c))
		n++;
	return n;
}

/* UUIDs are written as 6-4-4-4-4-4-6 letters. */
static int same_uuid(const char *text, const char *uuid)
{
	for (; *text; text++) {
		if (*text == '-')
			continue;
		if (*text != *uuid)
			return 0;
		uuid++;
	}
	return !*uuid;
}

const struct lvm_node *lvm_vg_pv(const struct lvm_vg *vg, const char *uuid)
{
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *group = NULL, *all, *found = NULL;

	for (const struct lvm_node *n = lvm_first(t, &t->v[0]); n && !group; n = lvm_next(t, n))
		if (n->kind == LVM_SECTION)
			group = n;
	all = lvm_get(t, group, "physical_volumes", LVM_SECTION);
	for (const struct lvm_node *n = lvm_first(t, all); n; n = lvm_next(t, n))
		if (n->kind == LVM_SECTION && same_uuid(lvm_string(t, n, "id"), uuid)) {
			if (found)
				return NULL;
			found = n;
		}
	return found;
}

/* struct lvm_pv and struct lvm_lv begin with their name. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct lvm_pv *lvm_find_pv(const struct lvm_vg *vg, const char *name)
{
	return bsearch(&name, vg->pv, vg->n_pv, sizeof *vg->pv, by_name);
}

struct lvm_lv *lvm_find_lv(const struct lvm_vg *vg, const char *name)
{
	return bsearch(&name, vg->lv, vg->n_lv, sizeof *vg->lv, by_name);
}

static int read_pvs(struct lvm_vg *vg, const struct lvm_node *group, struct err *e)
{
	static const char *const status[] = { "ALLOCATABLE", NULL };
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *all = lvm_get(t, group, "physical_volumes", LVM_SECTION);
	int r = 0;

	vg->pv = calloc(count(t, all) + 1, sizeof *vg->pv);
	if (!vg->pv)
		return err_set(e, ERR_NOMEM, "out of memory for a volume group");
	for (const struct lvm_node *n = lvm_first(t, all); n && !r; n = lvm_next(t, n)) {
		struct lvm_pv *pv = &vg->pv[vg->n_pv++];

		if (n->kind != LVM_SECTION)
			return err_set(e, ERR_CORRUPT, "the metadata of a volume group lists something that is no physical volume");
		pv->name = n->key;
		pv->member = -1;
		r = check_words(t, n, "physical volume", status, e);
		if (!r)
			r = lvm_number(t, n, "pe_start", SECTORS_MAX, &pv->at, e);
		if (!r)
			r = lvm_number(t, n, "pe_count", SECTORS_MAX, &pv->extents, e);
		pv->at *= LVM_SECTOR;
	}
	qsort(vg->pv, vg->n_pv, sizeof *vg->pv, by_name);
	return r;
}

static int read_lvs(struct lvm_vg *vg, const struct lvm_node *group, struct err *e)
{
	const struct lvm_tree *t = &vg->tree;
	const struct lvm_node *all = lvm_get(t, group, "logical_volumes", LVM_SECTION);
	size_t n_all = count(t, all);

	if (n_all > 4096) /* LVM itself gets slow long before */
		return err_set(e, ERR_UNSUPPORTED, "the volume group has %zu logical volumes", n_all);
	vg->lv = calloc(n_all + 1, sizeof *vg->lv);
	if (!vg->lv)
		return err_set(e, ERR_NOMEM, "out of memory for a volume group");
	for (const struct lvm_node *n = lvm_first(t, all); n; n = lvm_next(t, n)) {
		if (n->kind != LVM_SECTION || !good_name(n->key))
			return err_set(e, ERR_CORRUPT, "the metadata of a volume group lists something that is no logical volume");
		vg->lv[vg->n_lv].node = n;
		vg->lv[vg->n_lv++].name = n->key;
	}
	qsort(vg->lv, vg->n_lv, sizeof *vg->lv, by_name);
	return 0;
}

int lvm_vg_read(char *text, struct lvm_vg *ret, struct err *e)
{
	static const char *const status[] = { "RESIZEABLE", "READ", "WRITE", NULL };
	const struct lvm_node *group;
	uint64_t sectors = 0;
	int r;

	memset(ret, 0, sizeof *ret);
	ret->text = text;
	r = lvm_parse(text, &ret->tree, e);
	if (r < 0)
		return r;
	group = find_group(ret, e);
	if (!group)
		return ERR_CORRUPT;
	ret->name = group->key;
	if (strcmp(lvm_string(&ret->tree, group, "format"), "lvm2") &&
	    lvm_get(&ret->tree, group, "format", LVM_STRING))
		return err_set(e, ERR_UNSUPPORTED, "the volume group isn't of the format lvm2");
	r = check_words(&ret->tree, group, "volume group", status, e);
	if (!r)
		r = lvm_number(&ret->tree, group, "seqno", UINT64_MAX - 1, &ret->seqno, e);
	if (!r)
		r = lvm_number(&ret->tree, group, "extent_size", SECTORS_MAX, &sectors, e);
	if (!r && !sectors)
		r = err_set(e, ERR_CORRUPT, "the extents of a volume group have no size");
	ret->extent = sectors * LVM_SECTOR;
	if (!r)
		r = read_pvs(ret, group, e);
	return r ? r : read_lvs(ret, group, e);
}

void lvm_vg_done(struct lvm_vg *vg)
{
	for (size_t i = 0; i < vg->n_lv; i++)
		free(vg->lv[i].out.v);
	free(vg->lv);
	free(vg->pv);
	lvm_tree_done(&vg->tree);
	free(vg->text);
	memset(vg, 0, sizeof *vg);
}
