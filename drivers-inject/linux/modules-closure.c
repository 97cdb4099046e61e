/* modules-closure.c: a module and all that must be loaded with it. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/modules-private.h"

#define DEPTH_MAX 64            /* chains of dependencies; real ones have < 20 */
#define STEPS_MAX 200000        /* modules looked at; real ones need < 1000    */
#define ALIAS_STEPS 200         /* what reading all aliases counts as          */

enum { NEW, TAKEN, FAILED };    /* what is known of a module */

struct closing {
	const struct modules *m;
	unsigned char *state;   /* one per module */
	struct strv out;
	int depth;
	long steps;
	struct err *e;
};

static int close_module(struct closing *c, struct module *mod);

static int close_hard(struct closing *c, const char *name)
{
	struct module *mod = modules_find(c->m, name);

	if (mod && modules_has_file(c->m, mod))
		return close_module(c, mod);
	if (modules_builtin(c->m, name))
		return 0;
	return err_set(c->e, ERR_NOT_FOUND, "kernel %s has no module %s", c->m->version, name);
}

/* A module that had better be there: what can't be had leaves no trace. */
static int close_optional(struct closing *c, const char *name)
{
	struct module *mod = modules_find(c->m, name);
	size_t before = c->out.n;
	int r;

	if (!mod || !modules_has_file(c->m, mod))
		return 0;
	r = close_module(c, mod);
	if (r != ERR_NOT_FOUND)
		return r;
	while (c->out.n > before) {
		mod = modules_find(c->m, c->out.v[--c->out.n]);
		c->state[mod - c->m->mod] = NEW;
		free(c->out.v[c->out.n]);
	}
	return 0;
}

/* What a soft dependency names: a module or, as libkmod has it, an alias
 * ("crc32c"). */
static int close_soft(struct closing *c, const char *name)
{
	struct strv found = { 0 };
	int r;

	if (modules_find(c->m, name) || modules_builtin(c->m, name))
		return close_optional(c, name);
	c->steps += ALIAS_STEPS;
	r = modules_match(c->m, name, &found, c->e);
	for (size_t i = 0; !r && i < found.n; i++)
		r = close_optional(c, found.v[i]);
	strv_done(&found);
	return r;
}

/* The soft dependencies of one kind: post 0 or 1 */
static int close_softs(struct closing *c, const char *name, int post)
{
	const struct mod_softdep *s = c->m->soft;
	size_t lo = 0, hi = c->m->n_soft;
	int r = 0;

	while (lo < hi) { /* the first line of this name */
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; !r && lo < c->m->n_soft && !strcmp(s[lo].name, name); lo++) {
		cleanup_free char *copy = strdup(s[lo].rest);
		char *rest = copy, *word;
		int which = -1;

		if (!copy)
			return err_set(c->e, ERR_NOMEM, "out of memory");
		while (!r && (word = strsep(&rest, " \t\r"))) {
			if (!strcmp(word, "pre:"))
				which = 0;
			else if (!strcmp(word, "post:"))
				which = 1;
			else if (*word && which == post)
				r = close_soft(c, word);
		}
	}
	return r;
}

/* modules.dep names all dependencies, what is to be loaded first at the end. */
static int close_deps(struct closing *c, const struct module *mod)
{
	cleanup_free char *copy = strdup(mod->deps);
	size_t n;

	if (!copy)
		return err_set(c->e, ERR_NOMEM, "out of memory");
	for (n = strlen(copy); n;) {
		char name[MODULE_NAME_SIZE], *word;
		int r;

		while (n && strchr(" \t\r", copy[n - 1]))
			n--;
		copy[n] = 0;
		while (n && !strchr(" \t\r", copy[n - 1]))
			n--;
		word = copy + n;
		if (!*word)
			continue;
		modules_name(word, name, sizeof name);
		r = close_hard(c, name);
		if (r)
			return r;
	}
	return 0;
}

static int close_module(struct closing *c, struct module *mod)
{
	unsigned char *state = &c->state[mod - c->m->mod];
	int r;

	if (*state == TAKEN)
		return 0;
	if (*state == FAILED)
		return err_set(c->e, ERR_NOT_FOUND, "kernel %s lacks what the module %s needs",
			       c->m->version, mod->name);
	if (++c->steps > STEPS_MAX || c->depth == DEPTH_MAX)
		return err_set(c->e, ERR_CORRUPT, "%s/modules.dep: the dependencies of the "
			       "module %s have no end", c->m->dir, mod->name);
	*state = TAKEN; /* before those it needs: circles end here */
	c->depth++;
	r = close_softs(c, mod->name, 0);
	if (!r)
		r = close_deps(c, mod);
	if (!r && strv_add(&c->out, mod->name) < 0)
		r = err_set(c->e, ERR_NOMEM, "out of memory");
	if (!r)
		r = close_softs(c, mod->name, 1);
	c->depth--;
	if (r == ERR_NOT_FOUND)
		*state = FAILED;
	return r;
}

int modules_closure(const struct modules *m, const char *name, struct strv *ret,
		    struct err *e)
{
	cleanup_free unsigned char *state = calloc(m->n_mods + 1, 1);
	struct closing c = { .m = m, .state = state, .e = e };
	struct module *mod;
	int r;

	if (!state)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < ret->n; i++)
		if ((mod = modules_find(m, ret->v[i])))
			state[mod - m->mod] = TAKEN;
	r = close_hard(&c, name);
	if (!r && c.out.n) {
		char **v = reallocarray(ret->v, ret->n + c.out.n, sizeof *v);

		if (v) {
			memcpy(v + ret->n, c.out.v, c.out.n * sizeof *v);
			ret->v = v;
			ret->n += c.out.n;
			c.out.n = 0; /* the strings are ret's now */
		} else {
			r = err_set(e, ERR_NOMEM, "out of memory");
		}
	}
	strv_done(&c.out);
	return r;
}
