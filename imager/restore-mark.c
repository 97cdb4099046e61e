/* restore-mark.c: see restore-mark.h. */
#include "imager/restore-mark.h"
#include <stdio.h>
#include <string.h>
#include "common/hash.h"
#include "common/le.h"
#include "common/text.h"
#include "imager/fmt/record.h"

#define MAGIC "REHOST-RESTORE\0\1" /* 16 bytes, the last one is the version */
#define FLAG_DIGEST 1u
#define FLAG_WIPED 2u

struct mark_disk {
	uint8_t magic[16];                      /* +0x000 */
	uint8_t image_id[16];                   /* +0x010 */
	uint8_t digest[IMAGE_DIGEST_LEN];       /* +0x020 */
	le64 next_chunk;                        /* +0x040 */
	le64 done;                              /* +0x048 */
	le64 total;                             /* +0x050 */
	le64 target_size;                       /* +0x058 */
	le32 flags;                             /* +0x060 */
	uint8_t zero[12];                       /* +0x064 */
	uint8_t name[MARK_NAME_MAX];            /* +0x070 */
	uint8_t zero2[184];                     /* +0x138 */
	le32 sum;                               /* +0x1f0: of all before it */
	uint8_t zero3[12];                      /* +0x1f4: no 55 AA at the end */
};
_Static_assert(sizeof(struct mark_disk) == MARK_LEN, "docs/INTERFACES.md");
#define SUM_AT 0x1f0u

void mark_put(const struct restore_mark *m, uint8_t out[MARK_LEN])
{
	struct mark_disk d = {
		.magic = MAGIC, .next_chunk = le64_make(m->next_chunk),
		.done = le64_make(m->done), .total = le64_make(m->total),
		.target_size = le64_make(m->target_size),
		.flags = le32_make((m->has_digest ? FLAG_DIGEST : 0) | (m->wiped ? FLAG_WIPED : 0)),
	};

	memcpy(d.image_id, m->image_id, sizeof d.image_id);
	if (m->has_digest)
		memcpy(d.digest, m->digest, sizeof d.digest);
	memcpy(d.name, m->name, strnlen(m->name, sizeof d.name));
	memcpy(out, &d, sizeof d);
	d.sum = le32_make(body_sum(out, SUM_AT));
	memcpy(out, &d, sizeof d);
}

int mark_get(const uint8_t in[MARK_LEN], struct restore_mark *ret)
{
	struct restore_mark m = { 0 };
	struct mark_disk d;

	memcpy(&d, in, sizeof d);
	if (memcmp(d.magic, MAGIC, sizeof d.magic) || le32_get(d.sum) != body_sum(in, SUM_AT))
		return 0;
	memcpy(m.image_id, d.image_id, sizeof m.image_id);
	memcpy(m.digest, d.digest, sizeof m.digest);
	text_from_bytes(d.name, sizeof d.name, m.name, sizeof m.name);
	m.has_digest = (le32_get(d.flags) & FLAG_DIGEST) != 0;
	m.wiped = (le32_get(d.flags) & FLAG_WIPED) != 0;
	m.target_size = le64_get(d.target_size);
	m.next_chunk = le64_get(d.next_chunk);
	m.done = le64_get(d.done);
	m.total = le64_get(d.total);
	*ret = m;
	return 1;
}

int mark_read(struct blkdev *d, struct restore_mark *ret)
{
	uint8_t buf[MARK_LEN];

	return d->size >= sizeof buf && dev_read(d, 0, buf, sizeof buf, NULL) == 0 &&
	       mark_get(buf, ret);
}

void mark_text(const struct restore_mark *m, char *ret, size_t size)
{
	char id[33];

	hex_encode(m->image_id, sizeof m->image_id, id);
	snprintf(ret, size, "an interrupted restore of the image %s%s%s%s, %u %% done",
		 m->name, *m->name ? " (" : "", id, *m->name ? ")" : "",
		 m->total ? (unsigned int)((double)m->done * 100 / (double)m->total) : 0);
}

static int other(struct blkdev *d, const char *why, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		       "%s: %s; nothing was written. `restore --delta` writes only what differs, whatever is there; `restore` begins again",
		       d->name, why);
}

int mark_matches(struct blkdev *d, struct image *im, struct restore_mark *ret,
		 struct err *e)
{
	struct restore_mark m;
	char text[400], what[320];

	if (!mark_read(d, &m))
		return other(d, "there is no interrupted restore that could go on", e);
	mark_text(&m, what, sizeof what);
	if (!m.has_digest) {
		snprintf(text, sizeof text, "there is %s, which came through a pipe: where it was can't be known", what);
		return other(d, text, e);
	}
	if (memcmp(m.digest, image_digest(im), sizeof m.digest) ||
	    memcmp(m.image_id, image_params(im)->image_id, sizeof m.image_id)) {
		snprintf(text, sizeof text, "there is %s, which is another image than this one", what);
		return other(d, text, e);
	}
	if (m.target_size != d->size)
		return other(d, "it has another size than when its restore was interrupted", e);
	*ret = m;
	return 0;
}
