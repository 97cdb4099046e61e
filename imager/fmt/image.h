/* image.h: .rhi images (docs/FORMAT.md): writing one front to back, and reading
 * one at random.  Knows nothing of disks, file systems or threads, and not
 * where a file lives: bytes go out through image_sink and come in from a blkdev.
 * Sizes and offsets are bytes.  An object is used by one thread at a time. */
#ifndef REHOST_IMAGE_H
#define REHOST_IMAGE_H
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/hash.h"
#include "imager/dev/dev.h"



#define IMAGE_CHUNK_DEFAULT (1u << 20)
#define IMAGE_CHUNK_MIN (64u << 10)
#define IMAGE_CHUNK_MAX (4u << 20)
#define IMAGE_DIGEST_LEN 32

/* Must bits (FORMAT.md 2.3). */
#define FEATURE_ENCRYPTED (1u << 0)
#define FEATURE_BASE (1u << 1)
#define FEATURE_SPLIT (1u << 2)
#define FEATURE_DEDUP (1u << 3)
#define FEATURE_PARTIAL (1u << 5)
#define FEATURES_REFER (FEATURE_BASE | FEATURE_DEDUP) /* chunks refer to others */

/* The HEADER record (FORMAT.md 2.2). */
struct image_params {
	uint64_t disk_size, used_bytes, used_end;
	uint32_t sector_size, chunk_size;
	enum hash_alg hash;
	uint64_t created;          /* seconds since 1970-01-01 UTC */
	uint8_t image_id[16];
	uint64_t must, may;        /* feature bits, FEATURE_... */
	uint8_t salt[16];          /* of an encrypted image; and how hard it is to try
				    * passphrases: Argon2id */
	uint32_t kdf_ops, kdf_mem_kib;
};

struct byte_range { uint64_t off, len; };

/* Another image that an image's chunks refer to (FORMAT.md 4.3). */
struct image_base {
	uint8_t image_id[16], digest[IMAGE_DIGEST_LEN];
	char name[256];            /* a file name, to be looked for first         */
	int has_key;               /* it is encrypted; its key                    */
	uint8_t key[32];
};
/* A CHUNK record of this or another image. */
struct chunk_ref {
	uint32_t file;             /* 0: this image; k: its k-th base             */
	uint32_t plain_len;
	uint64_t offset;           /* of the record                               */
	uint8_t hash[32];          /* of its plain data, by this image's hash     */
};

/* What an image may need beside its file; NULL: nothing is at hand. */
struct image_access {
	/* Fills buf with the passphrase of the image of that name; may ask a
	 * person.  ERR_SECRET: there is none. */
	int (*passphrase)(void *ctx, const char *name, char *buf, size_t size, struct err *e);
	/* Opens that base, the image's to close.  NULL: content in bases can't be
	 * read, all else can.  ERR_NOT_FOUND: it isn't there. */
	int (*base)(void *ctx, const struct image_base *b, struct blkdev **ret, struct err *e);
	void *ctx;
};
#define IMAGE_PASSPHRASE_MAX 1024   /* bytes with the 0 behind it */

/* What an encrypted image is written with. */
struct image_key { uint8_t data[32], hash[32]; };
struct image_seal {
	struct image_key key;
	uint8_t wrapped[72];       /* the key as META has it */
};
/* A new key for an image with these parameters, which then say that it is
 * encrypted; they must be complete.  Takes 64 MiB of memory meanwhile. */
int image_seal_new(struct image_params *p, const char *passphrase,
		   struct image_seal *ret, struct err *e) must_check;

/* ---- writing ---- */

/* One range of units (512 bytes) inside a chunk (FORMAT.md 3). */
struct chunk_map { uint16_t start, count; };

#define IMAGE_HEAD_LEN 96 /* of a record's header */

/* A chunk after compression, ready to be written; workers make it. */
struct chunk_out {
	uint64_t number;
	uint8_t codec, flags;      /* FORMAT.md 2.1, 4.1                        */
	uint32_t plain_len, map_count;
	const struct chunk_map *map;
	struct chunk_ref ref;      /* codec reference: then there is no record  */
	uint8_t hash[32];          /* of the plain data                         */
	uint32_t body_sum;         /* of the body as stored                     */
	uint32_t body_len;
	/* IMAGE_HEAD_LEN bytes that the writer fills with the header, then
	 * body_len bytes: the map as on disk, and the data.  The caller's. */
	uint8_t *record;
};

/* Where bytes go: append only. */
struct image_sink {
	int (*append)(void *ctx, const void *buf, size_t len, struct err *e);
	/* The next len bytes are one record, which stays in one volume; may be NULL */
	int (*begin)(void *ctx, uint64_t len, struct err *e);
	void *ctx;
};

/* What stands at the beginning of each volume but the first (FORMAT.md 7). */
#define VOLUME_LEN 128
int volume_put(const struct image_params *p, unsigned int number, uint64_t logical,
	       uint8_t *out, struct err *e) must_check;
/* NULL and *ret_logical, or what is wrong with it. */
const char *volume_get(const uint8_t *in, const struct image_params *p, unsigned int number,
		       uint64_t *ret_logical);

struct image_writer;
/* Writes HEADER and META.  meta_json: one JSON object.  seal: NULL if p isn't of an
 * encrypted image; not copied. */
int image_writer_new(const struct image_params *p, const char *meta_json,
		     const struct image_seal *seal, const struct image_sink *sink, struct image_writer **ret,
		     struct err *e) must_check;
/* Ascending chunk numbers; then those that were put off, in any order. */
int image_writer_chunk(struct image_writer *w, const struct chunk_out *c,
		       struct err *e) must_check;
/* Instead of image_writer_chunk(): chunk `number` comes late, after all others.
 * Its page of the index is kept in memory until then (80 KiB and the chunks'
 * maps): the caller limits how many pages. */
int image_writer_put_off(struct image_writer *w, uint64_t number,
			 struct err *e) must_check;
/* Makes what was written so far a point from which an interrupted capture goes
 * on (FORMAT.md 5); it counts once the caller has made it durable.  bad: all
 * unreadable ranges so far. */
int image_writer_commit(struct image_writer *w, const struct byte_range *bad,
			size_t n_bad, struct err *e) must_check;
struct image;
/* Goes on with what image_open_cut() opened; sink appends behind
 * image_file_len(im). */
int image_writer_resume(struct image *im, const struct image_sink *sink,
			struct image_writer **ret, struct err *e) must_check;
/* After image_writer_resume(): chunk `number` of the used map isn't in im and comes
 * late; ascending, all of them. */
int image_writer_missing(struct image_writer *w, struct image *im, uint64_t number,
			 struct err *e) must_check;
/* Writes the rest, END last.  bad: ascending, not touching, inside the used
 * map.  ret_digest: 32 bytes. */
int image_writer_finish(struct image_writer *w, const struct byte_range *bad,
			size_t n_bad, const char *summary_json,
			uint8_t *ret_digest, struct err *e) must_check;
uint64_t image_writer_len(const struct image_writer *w); /* bytes so far */
/* Where the last chunk's record stands. */
uint64_t image_writer_last(const struct image_writer *w);
struct image_writer *image_writer_free(struct image_writer *w);

/* ---- reading at random ---- */

/* What the HEADER says: reads the first 224 bytes only. */
int image_params_of(struct blkdev *file, struct image_params *ret, struct err *e) must_check;
/* A glance for lists: reads the first 224 and the last 192 bytes only.  An
 * image with features that this version doesn't know is still identified.
 * Fails with ERR_NOT_FOUND when the file isn't a .rhi image. */
struct image_ident {
	struct image_params params;
	int complete;              /* END is there and fits the file's length   */
	uint8_t digest[32];        /* if complete; not checked against the rest */
};
int image_identify(struct blkdev *file, struct image_ident *ret,
		   struct err *e) must_check;

/* file stays the caller's and must outlive the image.  Checks HEADER, META, BAD,
 * SUMMARY, ROOT and END against the root digest.  Memory: about 64 bytes per
 * page (1024 chunks), META and SUMMARY, and a cache of about 10 MiB.
 * ERR_NOT_FOUND: not an image; ERR_CORRUPT: damaged, or not complete;
 * ERR_UNSUPPORTED: a feature, which e names; ERR_SECRET: it is encrypted, and a has no
 * passphrase for it, or a wrong one.  a: may be NULL, used only now. */
int image_open(struct blkdev *file, const struct image_access *a, struct image **ret,
	       struct err *e) must_check;
/* One that was cut off: as it was at its last good COMMIT.  image_file_len() is
 * the length up to there, image_bad() what was unreadable so far, image_summary()
 * NULL, image_digest() zeros.  ERR_NOT_FOUND: not an image, or no COMMIT in it. */
int image_open_cut(struct blkdev *file, const struct image_access *a,
		   struct image **ret, struct err *e) must_check;
/* The same without looking for it: image_params() and image_meta() only. */
int image_open_meta(struct blkdev *file, const struct image_access *a,
		    struct image **ret, struct err *e) must_check;
/* NULL: it isn't encrypted. */
const struct image_key *image_key(const struct image *im);
/* All chunks below this number are in an image that was cut off. */
uint64_t image_next(const struct image *im);
struct image *image_close(struct image *im);   /* takes NULL, returns NULL */

/* What these return belongs to the image and lives as long. */
const struct image_params *image_params(const struct image *im);
/* Those that META lists, whether opened or not. */
const struct image_base *image_bases(const struct image *im, size_t *ret_n);
const char *image_meta(const struct image *im);        /* JSON text, 0-ended */
const char *image_summary(const struct image *im);     /* JSON text, 0-ended */
const struct byte_range *image_bad(const struct image *im, size_t *ret_n);
const uint8_t *image_digest(const struct image *im);   /* 32 bytes */
uint64_t image_file_len(const struct image *im);
uint64_t image_chunks(const struct image *im);

/* Every used range, ascending, touching ones joined; reads one PAGE after the
 * other.  A nonzero return of used stops the walk and is returned. */
int image_extents(struct image *im,
		  int (*used)(void *ctx, uint64_t off, uint64_t len), void *ctx,
		  struct err *e) must_check;

/* The end of the last used byte that lies in none of `except` (ascending by
 * off), bytes; 0: there is none.  Reads PAGEs from the last one on until it is
 * found. */
int image_end_without(struct image *im, const struct byte_range *except, size_t n,
		      uint64_t *ret, struct err *e) must_check;

/* One chunk of the index. */
struct image_chunk {
	uint64_t number;           /* it covers [number*C, number*C + C)  */
	uint64_t offset;           /* of its record in the file           */
	uint32_t body_len, plain_len, map_count;
	uint8_t codec, flags;
	uint8_t hash[32];
	const struct chunk_map *map; /* valid until the next call on the image */
};
/* Ascending.  c: all zero to begin, then left alone.  1: *ret is the next used
 * chunk; 0: there is no more.  Anything else may be read in between. */
struct image_cursor { size_t page; uint32_t entry; };
int image_next_chunk(struct image *im, struct image_cursor *c,
		     struct image_chunk *ret, struct err *e) must_check;

/* 1: *ret is the entry of that chunk; 0: nothing of it is used. */
int image_find(struct image *im, uint64_t number, struct image_chunk *ret,
	       struct err *e) must_check;

/* Bytes of the disk; what isn't in the used map reads as zeros.  Content is
 * checked against its hash before any of it is handed out. */
int image_read(struct image *im, uint64_t off, void *buf, size_t len,
	       struct err *e) must_check;

#endif
