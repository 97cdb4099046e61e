/* container.c: the kinds of containers, and what they share. */
#include "imager/container/container.h"
#include <stdlib.h>
#include <string.h>
#include "common/vec.h"
#include "imager/container/kinds.h"

const struct container *const containers[] = {
	&cont_md, &cont_lvm, &cont_luks, &cont_bitlocker, 0
};

struct cont_volume *cont_volume_add(struct container_found *ret, struct err *e)
{
	struct cont_volume *v = vec_room(ret->v, ret->n, &ret->room, sizeof *v);

	if (!v) {
		err_set(e, ERR_NOMEM, "out of memory for a list of volumes");
		return NULL;
	}
	ret->v = v;
	memset(&ret->v[ret->n], 0, sizeof *ret->v);
	return &ret->v[ret->n++];
}

int cont_piece_add(struct cont_volume *v, const struct dev_piece *p, struct err *e)
{
	struct dev_piece *all;

	if (v->n == CONT_PIECES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s is made of more than %u pieces", v->what,
			       CONT_PIECES_MAX);
	all = vec_room(v->v, v->n, &v->room, sizeof *all);
	if (!all)
		return err_set(e, ERR_NOMEM, "out of memory for the pieces of a volume");
	v->v = all;
	v->v[v->n++] = *p;
	return 0;
}

void cont_found_done(struct container_found *f)
{
	for (size_t i = 0; i < f->n; i++)
		cont_volume_done(&f->v[i]);
	free(f->v);
	free(f->covers);
	ranges_done(&f->meta);
	memset(f, 0, sizeof *f);
}
