/* extio.c: a libext2fs io_manager whose bytes come from a blkdev.
 *
 * An io_manager's open() is given a name and nothing else, so the name that
 * extio_open makes up holds the address of its struct extio; no table of open
 * devices, no global. */
#include "imager/fs/extio.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/checked.h"

/* One open file system.  It outlives the channel, so that the reason for a
 * failed ext2fs_open2 can still be told. */
struct extio {
	struct blkdev *dev;
	struct err last;        /* of the last read that failed; code 0: none */
};

static errcode_t extio_manager_open(const char *name, int flags,
				    io_channel *ret);
static errcode_t extio_manager_close(io_channel io);
static errcode_t extio_set_blksize(io_channel io, int blksize);
static errcode_t extio_read_blk64(io_channel io, unsigned long long block,
				  int count, void *data);
static errcode_t extio_cache_readahead(io_channel io, unsigned long long block,
				       unsigned long long count);

static errcode_t extio_read_blk(io_channel io, unsigned long block, int count,
				void *data)
{
	return extio_read_blk64(io, block, count, data);
}

static errcode_t extio_write_blk(io_channel io, unsigned long block, int count,
				 const void *data)
{
	(void)io, (void)block, (void)count, (void)data;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t extio_write_blk64(io_channel io, unsigned long long block,
				   int count, const void *data)
{
	(void)io, (void)block, (void)count, (void)data;
	return EXT2_ET_RO_FILSYS;
}

static errcode_t extio_flush(io_channel io)
{
	(void)io;
	return 0;
}

/* libext2fs never writes to it, only takes it by a pointer to non-const. */
static struct struct_io_manager extio_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "rehost blkdev",
	.open = extio_manager_open,
	.close = extio_manager_close,
	.set_blksize = extio_set_blksize,
	.read_blk = extio_read_blk,
	.write_blk = extio_write_blk,
	.flush = extio_flush,
	.read_blk64 = extio_read_blk64,
	.write_blk64 = extio_write_blk64,
	.cache_readahead = extio_cache_readahead,
};

static errcode_t extio_manager_open(const char *name, int flags,
				    io_channel *ret)
{
	uintptr_t addr;
	io_channel io;

	if (flags & IO_FLAG_RW)
		return EXT2_ET_RO_FILSYS;
	if (sscanf(name, "extio:%" SCNxPTR, &addr) != 1)
		return EXT2_ET_BAD_DEVICE_NAME;
	io = calloc(1, sizeof *io);
	if (!io)
		return EXT2_ET_NO_MEMORY;
	io->name = strdup(name);
	if (!io->name) {
		free(io);
		return EXT2_ET_NO_MEMORY;
	}
	io->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	io->manager = &extio_manager;
	io->block_size = 1024;
	io->refcount = 1;
	io->private_data = (void *)addr;
	*ret = io;
	return 0;
}

static errcode_t extio_manager_close(io_channel io)
{
	if (--io->refcount > 0)
		return 0;
	free(io->name);
	free(io);
	return 0;
}

static errcode_t extio_set_blksize(io_channel io, int blksize)
{
	if (blksize <= 0)
		return EXT2_ET_INVALID_ARGUMENT;
	io->block_size = blksize;
	return 0;
}

/* count: blocks, or, when negative, -count bytes. */
static errcode_t extio_read_blk64(io_channel io, unsigned long long block,
				  int count, void *data)
{
	struct extio *x = io->private_data;
	uint64_t off, len;

	if (count < 0)
		len = -(int64_t)count;
	else
		len = (uint64_t)count * (uint64_t)io->block_size;
	if (mul_overflows((uint64_t)block, (uint64_t)io->block_size, &off) ||
	    range_outside(off, len, x->dev->size)) {
		err_set(&x->last, ERR_CORRUPT,
			"block %llu of %d bytes lies beyond the end, %" PRIu64
			" bytes", block, io->block_size, x->dev->size);
		return EXT2_ET_SHORT_READ;
	}
	if (dev_read(x->dev, off, data, len, &x->last))
		return EXT2_ET_SHORT_READ;
	return 0;
}

static errcode_t extio_cache_readahead(io_channel io, unsigned long long block,
				       unsigned long long count)
{
	struct extio *x = io->private_data;
	uint64_t off, len, bs = (uint64_t)io->block_size;

	if (!mul_overflows((uint64_t)block, bs, &off) &&
	    !mul_overflows((uint64_t)count, bs, &len) &&
	    !range_outside(off, len, x->dev->size))
		dev_will_need(x->dev, off, len);
	return 0;
}

static int code_of(errcode_t rc)
{
	switch (rc) {
	case EXT2_ET_BAD_MAGIC:
		return ERR_NOT_FOUND;
	case EXT2_ET_UNSUPP_FEATURE:
	case EXT2_ET_RO_UNSUPP_FEATURE:
	case EXT2_ET_REV_TOO_HIGH:
	case EXT2_ET_UNKNOWN_CSUM:
		return ERR_UNSUPPORTED;
	case EXT2_ET_NO_MEMORY:
	case ENOMEM:
		return ERR_NOMEM;
	case EXT2_ET_FILE_NOT_FOUND:
		return ERR_NOT_FOUND;
	default:
		return ERR_CORRUPT;
	}
}

/* The two that a person meets most are said in words of our own. */
static int extio_tell(const struct extio *x, errcode_t rc, struct err *e,
		      const char *what)
{
	const char *why = NULL;

	if (rc == EXT2_ET_SHORT_READ && x->last.code) {
		return err_set(e, x->last.code, "%s: %s: %.700s", x->dev->name,
			       what, x->last.msg);
	}
	if (rc == EXT2_ET_BAD_MAGIC)
		why = "there is no ext2/3/4 superblock";
	else if (code_of(rc) == ERR_UNSUPPORTED)
		why = "the file system has features that are not known here";
	if (why)
		return err_set(e, code_of(rc), "%s: %s: %s", x->dev->name, what,
			       why);
	return err_set(e, code_of(rc), "%s: %s: %s", x->dev->name, what,
		       error_message(rc));
}

int extio_err(ext2_filsys fs, errcode_t rc, struct err *e, const char *what)
{
	return extio_tell(fs->io->private_data, rc, e, what);
}

/* libext2fs reserves memory for as many group descriptors as the superblock
 * implies, up to hundreds of GB; they must fit on the device at least. */
static int check_groups(struct blkdev *d, struct err *e)
{
	struct ext2_super_block sb;
	uint64_t blocks, groups;
	uint32_t per_group;
	int r;

	if (range_outside(1024, sizeof sb, d->size))
		return 0;
	r = dev_read(d, 1024, &sb, sizeof sb, e);
	if (r || ext2fs_le16_to_cpu(sb.s_magic) != EXT2_SUPER_MAGIC)
		return r;
	blocks = ext2fs_le32_to_cpu(sb.s_blocks_count);
	if (ext2fs_le32_to_cpu(sb.s_feature_incompat) &
	    EXT4_FEATURE_INCOMPAT_64BIT)
		blocks |= (uint64_t)ext2fs_le32_to_cpu(sb.s_blocks_count_hi)
			  << 32;
	per_group = ext2fs_le32_to_cpu(sb.s_blocks_per_group);
	groups = per_group ? blocks / per_group : 0;
	if (groups <= d->size / EXT2_MIN_DESC_SIZE)
		return 0;
	return err_set(e, ERR_CORRUPT, "%s: the superblock tells of %llu block "
		       "groups, more than %llu bytes can hold", d->name,
		       (unsigned long long)groups, (unsigned long long)d->size);
}

int extio_open(struct blkdev *d, int flags, uint64_t superblock,
	       unsigned int block_size, ext2_filsys *ret, struct err *e)
{
	char name[64];
	struct extio *x;
	ext2_filsys fs = NULL;
	errcode_t rc;
	int r;

	if (flags & EXT2_FLAG_RW || superblock > INT32_MAX)
		return err_set(e, ERR_INTERNAL,
			       "%s: extio_open: bad flags or superblock",
			       d->name);
	r = superblock ? 0 : check_groups(d, e);
	if (r)
		return r;
	x = calloc(1, sizeof *x);
	if (!x)
		return err_set(e, ERR_NOMEM, "%s: out of memory", d->name);
	x->dev = d;
	/* com_err's list of messages; adding them twice does nothing */
	initialize_ext2_error_table();
	snprintf(name, sizeof name, "extio:%" PRIxPTR, (uintptr_t)x);
	rc = ext2fs_open2(name, NULL, flags | EXT2_FLAG_64BITS,
			  (int)superblock, block_size, &extio_manager, &fs);
	if (rc) {
		int code = extio_tell(x, rc, e, "opening the file system");

		/* left behind when the caller set EXT2_FLAG_NOFREE_ON_ERROR */
		ext2fs_free(fs);
		free(x);
		return code;
	}
	*ret = fs;
	return 0;
}

ext2_filsys extio_close(ext2_filsys fs)
{
	struct extio *x;

	if (!fs)
		return NULL;
	x = fs->io->private_data;
	ext2fs_free(fs);
	free(x);
	return NULL;
}
