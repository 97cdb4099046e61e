/* xfs-log.c: is there anything to replay?
 *
 * The log is a ring of units of 512 bytes.  Its writer stamps each of them with
 * the number of its present round, in the first word (what was there is kept in
 * the record's header); a record's header has a magic word there and the number
 * in the second.  So round, then place, say what was written later.  An unmount
 * writes all metadata to its place, and then one last record that says so.
 *
 * Here all of the log is looked at.  It is clean if the newest record is that of
 * an unmount and no unit is newer: also none of a record whose header never got
 * to the disk.  What is older may be anything (xfs_repair leaves gaps).  In any
 * other the trees of free extents on the disk may be older than the log, and
 * following it needs all of Linux' recovery.
 * Source: the journal's chapter of "XFS Algorithms & Data Structures", and
 * xlog_check_unmount_rec() in fs/xfs/xfs_log_recover.c of Linux. */
#include <stdlib.h>
#include <string.h>
#include "imager/fs/xfs.h"

#define UNIT 512u
#define MAGIC 0xfeedbabeu
/* A header of version 2 has a further block for each such part of a record. */
#define HEADER_COVERS 32768u
#define CLIENT_LOG 0xaa
#define FLAG_UNMOUNT 0x20

struct record_disk {
	be32 magic, cycle;       /* +0x00 */
	be32 version;            /* +0x08 */
	be32 len;                /* +0x0c bytes behind the header  */
	be64 lsn;                /* +0x10 cycle, then block        */
	be64 tail_lsn;           /* +0x18 */
	uint8_t crc[4];          /* +0x20 */
	be32 previous;           /* +0x24 */
	be32 ops;                /* +0x28 operations in this record */
	be32 words[64];          /* +0x2c */
	be32 format;             /* +0x12c */
	uint8_t uuid[16];        /* +0x130 */
	be32 size;               /* +0x140 of the buffer; version 2 */
};
_Static_assert(sizeof(struct record_disk) == 0x144, "xfs_log_format.h");

struct op_disk {
	be32 stamp, len;         /* +0x00 */
	uint8_t client, flags;   /* +0x08 */
};

struct log {
	const struct xfs *fs;
	uint64_t start;          /* byte in the volume */
	uint32_t units;
	uint64_t newest;         /* of all units: round << 32 | unit, as in a record's lsn */
	uint64_t record;         /* the same of the headers; 0: none */
};

static int dirty(struct err *e, const char *what)
{
	return err_set(e, ERR_UNSUPPORTED,
		       "it was not unmounted cleanly (%s), and its log is not replayed here; mount and unmount it once",
		       what);
}

static int read_unit(const struct log *l, uint32_t at, void *buf, size_t len, struct err *e)
{
	return dev_read(l->fs->d, l->start + (uint64_t)(at % l->units) * UNIT, buf, len, e);
}

static void look_at(struct log *l, uint32_t at, const uint8_t *p)
{
	struct { be32 word[2]; } h;
	int header;
	uint64_t lsn;

	memcpy(&h, p, sizeof h);
	header = be32_get(h.word[0]) == MAGIC;
	lsn = (uint64_t)be32_get(h.word[header]) << 32 | at;
	if (lsn > l->newest)
		l->newest = lsn;
	if (header && lsn > l->record)
		l->record = lsn;
}

static int scan(struct log *l, struct err *e)
{
	const uint32_t chunk = 128; /* 64 KiB */
	uint8_t *buf = malloc((size_t)chunk * UNIT);
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for the log");
	for (uint32_t at = 0; at < l->units && !r; at += chunk) {
		uint32_t n = l->units - at < chunk ? l->units - at : chunk;

		r = read_unit(l, at, buf, (size_t)n * UNIT, e);
		for (uint32_t i = 0; i < n && !r; i++)
			look_at(l, at + i, buf + (size_t)i * UNIT);
	}
	free(buf);
	return r;
}

/* Units of the newest record's header; 0: it can't be one of this log. */
static uint32_t header_units(const struct log *l, const struct record_disk *h)
{
	uint32_t version = be32_get(h->version), size = be32_get(h->size);

	if (be32_get(h->magic) != MAGIC || be64_get(h->lsn) != l->record ||
	    memcmp(h->uuid, l->fs->uuid, 16) || (version != 1 && version != 2))
		return 0;
	return version == 1 || size <= HEADER_COVERS ? 1 :
	       size / HEADER_COVERS + (size % HEADER_COVERS != 0);
}

/* The one operation of an unmount's record, n units behind its header. */
static int check_unmount(const struct log *l, const struct record_disk *h, uint32_t n,
			 struct err *e)
{
	uint32_t at = (uint32_t)l->record, round = (uint32_t)(l->record >> 32);
	struct op_disk op;
	int r = read_unit(l, at + n, &op, sizeof op, e);

	if (r < 0)
		return r;
	if (be32_get(h->ops) != 1 || be32_get(op.stamp) != round + (at + n >= l->units) ||
	    op.client != CLIENT_LOG || !(op.flags & FLAG_UNMOUNT))
		return dirty(e, "the log's last record is not that of an unmount");
	return 0;
}

int xfs_log_clean(const struct xfs *fs, struct err *e)
{
	struct log l = { .fs = fs, .start = xfs_at(fs, fs->log_ag, fs->log_block),
			 .units = (uint32_t)((uint64_t)fs->log_blocks * fs->block_size / UNIT) };
	struct record_disk h;
	uint32_t at, newest, n;
	uint64_t units;
	int r = scan(&l, e);

	if (r)
		return r;
	if (!l.record)
		return dirty(e, "there is no record in the log");
	at = (uint32_t)l.record;
	newest = (uint32_t)l.newest;
	r = read_unit(&l, at, &h, sizeof h, e);
	if (r < 0)
		return r;
	n = header_units(&l, &h);
	units = n + (be32_get(h.len) + (uint64_t)UNIT - 1) / UNIT;
	if (!n || units > l.units)
		return dirty(e, "the log's last record is not of this file system");
	/* round the ring's end, if need be, which is another round */
	if ((newest >= at ? newest - at : newest + l.units - at) >= units ||
	    (l.newest >> 32) - (l.record >> 32) != (newest < at))
		return dirty(e, "the log's last record is not whole");
	return check_unmount(&l, &h, n, e);
}
