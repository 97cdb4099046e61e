/* volume.c: a container's volume by itself: its device, made of pieces of the device
 * below, and a copy of it that outlives the container. */
#include <stdlib.h>
#include <string.h>
#include "imager/container/container.h"

/* The pieces that are read, of a device that begins at `start` of the one below. */
static int map_pieces(struct blkdev *d, const struct cont_volume *v, uint64_t start,
		      struct blkdev **ret, struct err *e)
{
	struct dev_piece *p = calloc(v->n_read ? v->n_read : 1, sizeof *p);
	int rc;

	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory for the pieces of a volume");
	for (size_t i = 0; i < v->n_read; i++) {
		p[i] = v->v[i];
		if (p[i].off != DEV_PIECE_ZEROS)
			p[i].off -= start;
	}
	rc = dev_map(d, p, v->n_read, v->size, ret, e);
	free(p);
	return rc;
}

int cont_volume_open(const struct cont_volume *v, struct blkdev *below, struct cont_open *ret,
		     struct err *e)
{
	struct cont_open o = { 0 };
	uint64_t start = v->crypt ? v->crypt_start : 0;
	int rc = dev_window(below, start, below->size - start, &o.window, e);

	if (!rc && v->crypt)
		rc = dev_crypt(o.window, v->crypt, &o.plain, e);
	if (!rc)
		rc = map_pieces(o.plain ? o.plain : o.window, v, start, &o.d, e);
	if (rc < 0)
		cont_open_done(&o);
	else
		*ret = o;
	return rc;
}

void cont_open_done(struct cont_open *o)
{
	dev_close(o->d);
	dev_close(o->plain);
	dev_close(o->window);
	memset(o, 0, sizeof *o);
}

struct cont_volume *cont_volume_copy(const struct cont_volume *v)
{
	struct cont_volume *c = malloc(sizeof *c);

	if (!c)
		return NULL;
	*c = *v;
	c->room = v->n;
	c->v = malloc(v->n * sizeof *v->v + 1);
	c->crypt = v->crypt ? malloc(sizeof *v->crypt) : NULL;
	if (!c->v || (v->crypt && !c->crypt)) {
		free(c->v);
		free(c->crypt);
		free(c);
		return NULL;
	}
	if (v->n)
		memcpy(c->v, v->v, v->n * sizeof *v->v);
	if (v->crypt)
		*c->crypt = *v->crypt;
	return c;
}

void cont_volume_done(struct cont_volume *v)
{
	if (v->crypt)
		explicit_bzero(v->crypt, sizeof *v->crypt);
	free(v->crypt);
	free(v->v);
}

struct cont_volume *cont_volume_free(struct cont_volume *v)
{
	if (v)
		cont_volume_done(v);
	free(v);
	return NULL;
}
