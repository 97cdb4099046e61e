/* disk.h: the structures of docs/FORMAT.md as they lie in the file.  Only
 * included under imager/fmt/. */
#ifndef REHOST_FMT_DISK_H
#define REHOST_FMT_DISK_H
#include "common/le.h"

struct record_disk {
	uint8_t magic[8];   /* +0x00 */
	le16 type;          /* +0x08 */
	uint8_t codec;      /* +0x0a */
	uint8_t sealed;     /* +0x0b */
	le32 body_len;      /* +0x0c */
	le32 plain_len;     /* +0x10 */
	le32 map_count;     /* +0x14 */
	le64 seq;           /* +0x18 */
	le64 aux;           /* +0x20 */
	uint8_t image_id[16]; /* +0x28 */
	uint8_t hash[32];   /* +0x38 */
	le32 body_sum;      /* +0x58 */
	le32 head_sum;      /* +0x5c */
};
_Static_assert(sizeof(struct record_disk) == 96, "FORMAT.md 2.1");

struct header_disk {
	uint8_t ident[8];   /* +0x00 */
	le32 version;       /* +0x08 */
	le32 chunk_size;    /* +0x0c */
	le64 must, may;     /* +0x10 */
	le64 disk_size;     /* +0x20 */
	le32 sector_size;   /* +0x28 */
	le32 hash_alg;      /* +0x2c */
	le64 used_bytes;    /* +0x30 */
	le64 used_end;      /* +0x38 */
	le64 created;       /* +0x40 */
	le32 page_chunks;   /* +0x48 */
	le32 zero;          /* +0x4c */
	uint8_t salt[16];   /* +0x50 */
	le32 kdf_ops;       /* +0x60 */
	le32 kdf_mem_kib;   /* +0x64 */
	uint8_t zero2[24];  /* +0x68 */
};
_Static_assert(sizeof(struct header_disk) == 128, "FORMAT.md 2.2");

struct map_disk { le16 start, count; };
_Static_assert(sizeof(struct map_disk) == 4, "FORMAT.md 3");

struct page_disk { le32 entries, map_total; };

struct entry_disk {
	le32 chunk;         /* +0x00 */
	le32 map_count;     /* +0x04 */
	le64 offset;        /* +0x08 */
	le32 body_len;      /* +0x10 */
	le32 plain_len;     /* +0x14 */
	uint8_t codec;      /* +0x18 */
	uint8_t flags;      /* +0x19 */
	uint8_t zero[6];    /* +0x1a */
	uint8_t hash[32];   /* +0x20 */
};
_Static_assert(sizeof(struct entry_disk) == 64, "FORMAT.md 4.1");

struct root_disk { le32 pages, zero; };
struct root_page_disk {
	le64 page;          /* +0x00 */
	le64 offset;        /* +0x08 */
	le32 body_len;      /* +0x10 */
	le32 plain_len;     /* +0x14 */
	le64 used_bytes;    /* +0x18 */
	uint8_t hash[32];   /* +0x20 */
};
_Static_assert(sizeof(struct root_page_disk) == 64, "FORMAT.md 4.2");

struct end_disk {
	uint8_t ident[8];   /* +0x00 */
	le64 file_len;      /* +0x08 */
	le64 meta_off;      /* +0x10 */
	le64 bad_off;       /* +0x18 */
	le64 summary_off;   /* +0x20 */
	le64 root_off;      /* +0x28 */
	le64 chunks;        /* +0x30 */
	le64 zero;          /* +0x38 */
	uint8_t digest[32]; /* +0x40 */
};
_Static_assert(sizeof(struct end_disk) == 96, "FORMAT.md 4.4");

struct ref_disk {
	le32 file;          /* +0x00 0: this image; k: its k-th base */
	le32 plain_len;     /* +0x04 */
	le64 offset;        /* +0x08 of the CHUNK record, logical    */
	uint8_t hash[32];   /* +0x10 of its plain data               */
};
_Static_assert(sizeof(struct ref_disk) == 48, "FORMAT.md 3");

struct volume_disk {
	le64 logical;       /* +0x00 of the first byte behind this record */
	uint8_t zero[24];   /* +0x08 */
};
_Static_assert(sizeof(struct volume_disk) == 32, "FORMAT.md 7");

struct bad_disk { le64 offset, length; };

struct commit_disk {
	le64 next_chunk;    /* +0x00 */
	le32 epoch;         /* +0x08 */
	le32 zero;          /* +0x0c */
	le64 pages;         /* +0x10 */
	le64 zero2;         /* +0x18 */
	uint8_t hash[32];   /* +0x20 */
};
_Static_assert(sizeof(struct commit_disk) == 64, "FORMAT.md 5");
#endif
