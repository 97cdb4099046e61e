/* inject-reg.c: one registry operation of an INF on a hive.
 *
 * Microsoft, "INF AddReg Directive", "INF DelReg Directive", "INF BitReg Directive". */
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/inject-int.h"
#include "drivers-inject/utf16.h"

static int join(char ret[WIN_KEY_MAX], const char *root, const char *key, struct err *e)
{
	int n = snprintf(ret, WIN_KEY_MAX, "%s%s%s", root, *root && *key ? "\\" : "", key);

	return n < WIN_KEY_MAX ? 0 : err_set(e, ERR_UNSUPPORTED, "an INF names a registry key of more "
					     "than %u bytes: %.60s...", WIN_KEY_MAX - 1, ret);
}

int inject_add_string(struct hive *h, const char *key, const char *value, const char *text,
		      struct err *e)
{
	size_t before = hive_changes(h)->n;
	int rc = hive_strings_append(h, key, value, text, e);

	return rc ? rc : hive_changes(h)->n > before;
}

static int strings(struct hive *h, const char *key, const struct inf_reg *r, struct err *e)
{
	struct strv l = { 0 };
	int rc = 0;

	if (utf16_strings(r->data, r->len, &l))
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !rc && i < l.n; i++)
		rc = (r->op == INF_REG_APPEND ? hive_strings_append : hive_strings_drop)
		     (h, key, r->value, l.v[i], e);
	strv_done(&l);
	return rc;
}

/* Only of a value that is there. */
static int bits(struct hive *h, const char *key, const struct inf_reg *r, struct err *e)
{
	cleanup_free uint8_t *data = NULL;
	uint32_t type;
	size_t n;

	if (!hive_value(h, key, r->value, &type, &data, &n) || r->byte >= n || !r->len)
		return 0;
	if (r->op == INF_REG_SET_BITS)
		data[r->byte] |= r->data[0];
	else
		data[r->byte] &= (uint8_t)~r->data[0];
	return hive_set(h, key, r->value, type, data, n, e);
}

static int set(struct hive *h, const char *key, const struct inf_reg *r, struct err *e)
{
	cleanup_free uint8_t *old = NULL;
	uint32_t type;
	size_t n;
	int there = hive_value(h, key, r->value, &type, &old, &n);

	if ((there && r->flags & INF_REG_NOCLOBBER) || (!there && r->flags & INF_REG_OVERWRITEONLY))
		return 0;
	return hive_set(h, key, r->value, r->type, r->data, r->len, e);
}

/* key is below, or is */
static int below(const char *key, const char *top)
{
	size_t n = strlen(top);

	return !strncasecmp(key, top, n) && (!n || !key[n] || key[n] == '\\');
}

/* What a later operation of the same installation makes is not deleted before it: the
 * result is the same, and a second time there is nothing to do. */
static int made_later(const struct inf_install *in, size_t i)
{
	const struct inf_reg *d = &in->regs[i];

	for (size_t k = i + 1; k < in->n_regs; k++) {
		const struct inf_reg *r = &in->regs[k];

		if ((r->op != INF_REG_SET && r->op != INF_REG_KEY && r->op != INF_REG_APPEND) ||
		    r->root != d->root || strcasecmp(r->owner, d->owner))
			continue;
		if (d->op == INF_REG_DELETE_KEY ? below(r->key, d->key) :
		    !strcasecmp(r->key, d->key) && !strcasecmp(r->value, d->value))
			return 1;
	}
	return 0;
}

int inject_reg(struct hive *h, const char *root_key, const struct inf_install *in, size_t i,
	       struct err *e)
{
	const struct inf_reg *r = &in->regs[i];
	char key[WIN_KEY_MAX];

	if (join(key, root_key, r->key, e))
		return ERR_UNSUPPORTED;
	switch (r->op) {
	case INF_REG_SET:
		return set(h, key, r, e);
	case INF_REG_KEY:
		return hive_make_key(h, key, e);
	case INF_REG_DELETE_VALUE:
		return made_later(in, i) ? 0 : hive_unset(h, key, r->value, e);
	case INF_REG_DELETE_KEY:
		/* never the key that the root stands for: a service, a hive */
		return !*r->key || made_later(in, i) ? 0 : hive_remove_key(h, key, e);
	case INF_REG_APPEND:
	case INF_REG_REMOVE_STRING:
		return strings(h, key, r, e);
	case INF_REG_SET_BITS:
	case INF_REG_CLEAR_BITS:
		return bits(h, key, r, e);
	}
	return 0;
}

const struct inf_reg *inject_filters(const struct inf_install *in, const char *name)
{
	const struct inf_reg *found = NULL;

	for (size_t i = 0; i < in->n_regs; i++) {
		const struct inf_reg *r = &in->regs[i];

		if (r->root == INF_HARDWARE_KEY && !*r->key && !strcasecmp(r->value, name) &&
		    (r->op == INF_REG_SET || r->op == INF_REG_APPEND))
			found = r;
	}
	return found;
}
