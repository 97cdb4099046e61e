/* torn-int.h: between torn.c, torn-look.c and torn-known.c only. */
#ifndef REHOST_FMT_TORN_INT_H
#define REHOST_FMT_TORN_INT_H
#include "imager/fmt/image-int.h"
#include "imager/fmt/torn.h"

#define TORN_WINDOW (64u << 10)

/* Where records with content of their own are, by hash: for references. */
struct torn_known {
	struct known { uint64_t key, at; } *v;
	size_t n, room;           /* room: a power of two, or 0                  */
	int full;                 /* 1: some aren't in it                        */
};

struct torn {
	struct blkdev *file;
	struct image *im;         /* not all of one: what unpacking needs        */
	uint64_t pos;
	uint8_t *window;          /* TORN_WINDOW                                 */
	uint8_t *body, *plain;    /* with what torn_rec promises around          */
	size_t body_room, plain_room;
	struct chunk_map *map;
	uint32_t map_room;
	struct torn_known known;
	uint64_t taken;           /* the place of the record that is being unpacked */
	int header_lost;
	struct err unread;        /* the first place that the medium didn't give */
};

/* 1: *ret is the next good header at or behind t->pos, of that id (NULL: any), and
 * *ret_at where; 0: there is none. */
int torn_head(struct torn *t, const uint8_t *id, struct record *ret, uint64_t *ret_at,
	      struct err *e) must_check;
/* As dev_read, but what the medium doesn't give is zeros. */
int torn_read(struct torn *t, uint64_t at, void *buf, size_t len, struct err *e) must_check;
/* Its body into t->body + IMAGE_HEAD_LEN.  1: and its sum is right. */
int torn_body(struct torn *t, const struct record *r, uint64_t at, struct err *e) must_check;
/* Unpacks it, too, by t->im's parameters and key. */
int torn_take(struct torn *t, const struct record *r, uint64_t at, struct torn_rec *ret,
	      struct err *e) must_check;

/* ---- torn-look.c ---- */
/* t->im's id and parameters, and whether the HEADER is lost. */
int torn_look(struct torn *t, struct err *e) must_check;

/* ---- torn-known.c ---- */
int known_add(struct torn_known *k, const uint8_t *hash, uint64_t at, struct err *e) must_check;
/* 0: it isn't there. */
int known_find(const struct torn_known *k, const uint8_t *hash, uint64_t *ret_at);
#endif
