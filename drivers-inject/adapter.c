/* adapter.c: the table of adapters, and the list that they fill. */
#include "drivers-inject/adapter.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/cleanup.h"

const struct guest_adapter *const guest_adapters[] = {
	&adapter_windows,
	&adapter_linux,
	NULL,
};

struct guest *guest_add(struct guest_list *l, const struct guest_adapter *a,
			const struct tree *t)
{
	struct guest **v = reallocarray(l->v, l->n + 1, sizeof *v);
	struct guest *g = calloc(1, sizeof *g);

	if (v)
		l->v = v;
	if (!v || !g) {
		free(g);
		return NULL;
	}
	g->adapter = a;
	g->fs = t->ops->name;
	g->fs_dirty = t->dirty;
	g->win.hibernated = -1;
	g->win.fast_startup = -1;
	v[l->n++] = g;
	return g;
}

static void guest_free(struct guest *g)
{
	strv_done(&g->boot);
	strv_done(&g->notes);
	strv_done(&g->lin.kernels);
	strv_done(&g->win.control_sets);
	strv_done(&g->win.dirty_hives);
	strv_done(&g->win.replayed_hives);
	free(g);
}

void guest_list_done(struct guest_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		guest_free(l->v[i]);
	free(l->v);
	*l = (struct guest_list){ 0 };
}

void guest_note(struct guest *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(&g->notes, fmt, ap);
	va_end(ap);
}
