/* refs.h: chunks whose content is, all or in part, that of another record: codecs
 * reference and patch (FORMAT.md 3, 4.3), in this file or in a base. */
#ifndef REHOST_FMT_REFS_H
#define REHOST_FMT_REFS_H
#include "imager/fmt/record.h"

#define REF_LEN 48u               /* bytes of one in the file                    */

void ref_put(const struct chunk_ref *ref, uint8_t *out);
void ref_get(const uint8_t *in, struct chunk_ref *ret);

/* What such a chunk is made of, fetched and decrypted, not unpacked. */
struct chunk_refs {
	const uint8_t *inner;     /* its own body: map, reference, frame          */
	const uint8_t *frame;     /* zstd's, with what is named below as prefix; NULL: all of
				   * that is the content                          */
	uint32_t frame_len;
	struct record full;       /* a record that has its content itself         */
	struct chunk_ref full_ref; /* where that is; its file as the image counts  */
	const uint8_t *data;      /* behind full's map                            */
	uint32_t data_len;
	uint8_t *buf[2];          /* of other records, and                        */
	uint8_t *plain;           /* room for what a frame's prefix unpacks to    */
};
/* Bytes of one, about. */
size_t refs_bytes(uint32_t chunk_size);
int refs_new(uint32_t chunk_size, struct chunk_refs **ret, struct err *e) must_check;
struct chunk_refs *refs_free(struct chunk_refs *f);

struct codec;
/* r: a CHUNK of im with codec reference or patch; body: as stored, decrypted in place;
 * f keeps pointing into it.  *ret_wrong: what is wrong with it, or NULL.
 * By one thread at a time for one im. */
int refs_fetch(struct image *im, const struct record *r, uint8_t *body,
	       struct chunk_refs *f, const char **ret_wrong, struct err *e) must_check;
/* Makes *ret, a copy of c with codec reference, the record of c->ref: *ret_buf, malloc'd,
 * holds it. */
int ref_chunk(struct codec *codec, const struct chunk_out *c, struct chunk_out *ret,
	      uint8_t **ret_buf, struct err *e) must_check;
/* What f->full holds, with a codec of any image.  plain: room for it; *ret_plain: into
 * plain or f.  NULL, or what is wrong. */
const char *refs_full(struct codec *c, const struct chunk_refs *f, uint8_t *plain,
		      const uint8_t **ret_plain);
/* 1: a chunk with this codec needs refs_fetch(). */
static inline int refs_needed(const struct record *r)
{
	return r->codec == CODEC_REFERENCE || r->codec == CODEC_PATCH;
}

/* The bases that META lists, opened with what a gives; none if it gives none. */
int bases_open(struct image *im, const struct image_access *a, struct err *e) must_check;
/* Those that can be; of each other one tell() is told why. */
int bases_open_some(struct image *im, const struct image_access *a,
		    void (*tell)(void *ctx, const char *text), void *ctx, struct err *e) must_check;
void bases_close(struct image *im);
#endif
