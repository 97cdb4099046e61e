/* volume.c: the VOLUME record (FORMAT.md 7). */
#include <string.h>
#include "imager/fmt/disk.h"
#include "imager/fmt/record.h"

_Static_assert(VOLUME_LEN == IMAGE_HEAD_LEN + sizeof(struct volume_disk), "FORMAT.md 7");

static int body_hash(const struct image_params *p, const struct volume_disk *d,
		     uint8_t *ret, struct err *e)
{
	struct hasher *h;
	int r = hasher_new(&h, e);

	if (r < 0)
		return r;
	r = hash_plain(h, p->hash, d, sizeof *d, ret, e);
	hasher_free(h);
	return r;
}

int volume_put(const struct image_params *p, unsigned int number, uint64_t logical,
	       uint8_t *out, struct err *e)
{
	struct volume_disk d = { .logical = le64_make(logical) };
	struct record r = {
		.type = REC_VOLUME, .aux = number, .body_len = sizeof d,
		.plain_len = sizeof d, .body_sum = body_sum(&d, sizeof d),
	};
	int rc = body_hash(p, &d, r.hash, e);

	if (rc < 0)
		return rc;
	memcpy(r.image_id, p->image_id, sizeof r.image_id);
	record_put(&r, out);
	memcpy(out + IMAGE_HEAD_LEN, &d, sizeof d);
	return 0;
}

const char *volume_get(const uint8_t *in, const struct image_params *p, unsigned int number,
		       uint64_t *ret_logical)
{
	static const uint8_t zero[24];
	struct volume_disk d;
	struct record r;
	uint8_t hash[32];
	const char *wrong = record_get(in, &r);

	if (wrong)
		return wrong;
	memcpy(&d, in + IMAGE_HEAD_LEN, sizeof d);
	if (r.type != REC_VOLUME || r.codec || r.body_len != sizeof d || r.seq ||
	    r.body_sum != body_sum(&d, sizeof d) || memcmp(d.zero, zero, sizeof zero) ||
	    body_hash(p, &d, hash, NULL) < 0 || memcmp(hash, r.hash, sizeof hash))
		return "doesn't begin as a volume must";
	if (memcmp(r.image_id, p->image_id, sizeof r.image_id))
		return "belongs to another image";
	if (r.aux != number)
		return "is another volume of the image than its name says";
	*ret_logical = le64_get(d.logical);
	return NULL;
}
