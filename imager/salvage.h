/* salvage.h: what is still good in a torn or damaged image file becomes a new, complete
 * image.  What is known to be lost of it is zeros there, and listed as unreadable; so all
 * that works with images works with it, and tells.  Sizes and offsets are bytes.
 *
 * The file is read twice: to see what there is (salvage_look), and to copy it in the order
 * of the disk (salvage_write).  Memory: 152 bytes for each GiB of the disk (at chunks of
 * 1 MiB), 16 for each chunk that comes out of order; no more than SALVAGE_PAGES_MAX and
 * SALVAGE_LATE_MAX of these, and TORN_KNOWN_MAX. */
#ifndef REHOST_SALVAGE_H
#define REHOST_SALVAGE_H
#include "imager/engine.h"
#include "imager/fmt/torn.h"

#define SALVAGE_PAGES_MAX (1u << 18)  /* of 1024 chunks: 38 MiB                */
#define SALVAGE_LATE_MAX (1u << 22)   /* 64 MiB                                */

struct salvage;

struct salvage_source {
	struct blkdev *file;      /* volumes_open_torn()'s; stays the caller's   */
	const struct image_access *access;
	/* Told while looking: bases that can't be used, a lost header, ...; may be NULL. */
	torn_tell *tell;
	void *tell_ctx;
};

struct salvage_found {
	int header_lost, meta_lost, ended; /* ended: END is there                 */
	int missing_known;        /* 0: the header, which knows, is lost         */
	uint64_t bytes;           /* used bytes that are good                    */
	uint64_t lost;            /* in the new image as zeros                   */
	uint64_t missing;         /* used bytes that aren't in it at all, if known */
	uint64_t bad_records;     /* with a good header, but damaged             */
	/* Of the disk, ascending.  lost: zeros in the new image; unknown: what was used there
	 * isn't known, and is in the new image only as far as it is good. */
	const struct byte_range *lost_range, *unknown_range;
	size_t n_lost, n_unknown;
	struct image_params params;
};

/* ERR_CORRUPT: nothing of it is good. */
int salvage_look(const struct salvage_source *src, const struct job_events *ev,
		 struct salvage **ret, struct err *e) must_check;
/* Belongs to s. */
const struct salvage_found *salvage_found(const struct salvage *s);

struct salvage_options {
	const char *from;         /* the damaged file's name, for META           */
	uint64_t split;           /* as capture_options.split                    */
	const char *passphrase;   /* of the old image and the new; NULL: not encrypted */
	const uint8_t *image_id;  /* 16 bytes; NULL: random                      */
};
/* Appends the new image to out; the caller commits it, or aborts.  ret_digest: 32 bytes. */
int salvage_write(struct salvage *s, const struct salvage_options *opt, struct store_out *out,
		  uint8_t *ret_digest, struct err *e) must_check;
struct salvage *salvage_free(struct salvage *s); /* takes NULL, returns NULL */
#endif
