/* peek.c: see peek.h. */
#include "imager/peek.h"
#include <stdlib.h>
#include <string.h>

#define PEEK_LEN 224 /* HEADER: 96 bytes of record header, 128 of body */

struct peek {
	struct store_in s;
	struct store_in *below;
	uint8_t head[PEEK_LEN];
	size_t len, given;
};

static int peek_read(struct store_in *s, void *buf, size_t len, size_t *ret_got,
		     struct err *e)
{
	struct peek *p = (struct peek *)s;
	size_t n = p->len - p->given, more = 0;

	if (n > len)
		n = len;
	memcpy(buf, p->head + p->given, n);
	p->given += n;
	if (n < len && store_read(p->below, (char *)buf + n, len - n, &more, e) < 0)
		return e->code;
	*ret_got = n + more;
	return 0;
}

int store_peek(struct store_in *in, struct store_in **ret,
	       struct image_params *ret_params, struct err *e)
{
	struct peek *p = calloc(1, sizeof *p);
	struct image_ident id;
	struct blkdev *head;
	int rc;

	if (!p || !(p->s.name = strdup(in->name))) {
		free(p);
		return err_set(e, ERR_NOMEM, "out of memory for the image");
	}
	p->below = in;
	p->s.read = peek_read;
	p->s.access = in->access;
	rc = store_read(in, p->head, PEEK_LEN, &p->len, e);
	if (rc == 0)
		rc = dev_mem(p->head, p->len, 0, &head, e);
	if (rc == 0) {
		rc = image_identify(head, &id, e);
		dev_close(head);
	}
	if (rc < 0) {
		store_close(&p->s);
		return err_prefix(e, "%s", in->name);
	}
	*ret = &p->s;
	*ret_params = id.params;
	return 0;
}
