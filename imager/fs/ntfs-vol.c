/* ntfs-vol.c: used clusters of NTFS, by libntfs-3g.
 *
 * $Bitmap tells them; every MFT record is read too, and what its attributes
 * refer to is joined, in case that $Bitmap is wrong.
 *
 * A hibernated Windows (its "fast startup" too, the usual shutdown) flushed
 * the volume but left it mounted.  Then page files are kept, since the resumed
 * system needs them; so they are on a volume with a dirty mark.
 *
 * A log that is not clean without hibernation is a crash: clusters may be
 * known to $LogFile alone, which is not replayed here.  Refused: taken whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "imager/fs/ntfsstate.h"
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/mft.h>
#include <ntfs-3g/unistr.h>
#include "common/cleanup.h"
#include "imager/fs/ntfs.h"
#include "imager/fs/pagefile.h"

#define CHUNK (64u << 10)

struct page_file { MFT_REF ref; char name[16]; };

struct walk {
	ntfs_volume *vol;
	const struct fs_options *opt;
	struct emit emit;
	struct ranges extra, cut;
	struct page_file files[4];
	int n_files;
	int hibernated, unclean;
	uint64_t marked;         /* bytes that $Bitmap marks */
	uint64_t sent;           /* bytes that went to out   */
	const struct extent_sink *out;
};

static int sent(void *ctx, uint64_t off, uint64_t len)
{
	struct walk *w = ctx;

	w->sent += len;
	return w->out->used(w->out->ctx, off, len);
}

static int add_run(void *ctx, uint64_t lcn, uint64_t clusters, struct err *e)
{
	struct walk *w = ctx;
	uint64_t cs = w->vol->cluster_size;

	return ranges_add(&w->extra, lcn * cs, (lcn + clusters) * cs, e);
}

static int add_runlist(const ntfs_volume *vol, const runlist_element *rl, uint64_t skip,
		       struct ranges *l, struct err *e)
{
	uint64_t cs = vol->cluster_size;

	for (; rl && rl->length > 0; rl++) {
		uint64_t len = (uint64_t)rl->length * cs, s = len < skip ? len : skip;
		int r;

		skip -= s;
		if (rl->lcn < 0)
			continue;
		r = ranges_add(l, (uint64_t)rl->lcn * cs + s, (uint64_t)rl->lcn * cs + len, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int found(void *ctx, const ntfschar *name, const int len, const int type,
		 const s64 pos, const MFT_REF ref, const unsigned int dt)
{
	struct walk *w = ctx;
	char plain[16] = "";

	(void)pos, (void)dt;
	if (type == FILE_NAME_DOS || len >= (int)sizeof plain ||
	    w->n_files == (int)(sizeof w->files / sizeof *w->files))
		return 0;
	for (int i = 0; i < len; i++)
		plain[i] = le16_to_cpu(name[i]) < 127 ? (char)le16_to_cpu(name[i]) : '?';
	if (page_file_name(plain)) {
		memcpy(w->files[w->n_files].name, plain, sizeof plain);
		w->files[w->n_files++].ref = ref;
	}
	return 0;
}

static int find_page_files(struct walk *w, struct err *e)
{
	ntfs_inode *root = ntfs_inode_open(w->vol, FILE_root);
	s64 pos = 0;
	int r = 0;

	if (!root || ntfs_readdir(root, &pos, w, found) < 0)
		r = ntfsio_err(w->vol, errno, e, "reading the root directory");
	if (root)
		ntfs_inode_close(root);
	return r;
}

/* Looks at one: is it in use; else its clusters go to w->cut. */
static int page_file(struct walk *w, const struct page_file *f, int leave_out,
		     struct err *e)
{
	ntfs_inode *ni = ntfs_inode_open(w->vol, f->ref);
	ntfs_attr *na = ni ? ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0) : NULL;
	uint8_t head[8] = { 0 };
	uint64_t before = ranges_bytes(&w->cut);
	int in_use = 1, r = 0;

	if (!na)
		goto out; /* a name without data: nothing to leave out */
	if (ntfs_attr_pread(na, 0, sizeof head, head) == (s64)sizeof head)
		in_use = page_file_in_use(head, sizeof head);
	if (page_file_hibernated(head, sizeof head))
		w->hibernated = 1;
	if (!leave_out || !NAttrNonResident(na) ||
	    na->data_flags & (ATTR_COMPRESSION_MASK | ATTR_IS_ENCRYPTED | ATTR_IS_SPARSE))
		goto out;
	if (in_use) {
		fs_note(&w->opt->notes, "%s holds a hibernated system or a crash dump and was kept.", f->name);
		goto out;
	}
	if (ntfs_attr_map_whole_runlist(na) < 0) {
		r = ntfsio_err(w->vol, errno, e, f->name);
		goto out;
	}
	r = add_runlist(w->vol, na->rl, PAGE_FILE_HEAD, &w->cut, e);
	if (!r && ranges_bytes(&w->cut) > before)
		fs_note(&w->opt->notes, "%s was left out (%llu bytes); Windows makes it anew.",
			f->name, (unsigned long long)(ranges_bytes(&w->cut) - before));
out:
	if (na)
		ntfs_attr_close(na);
	if (ni)
		ntfs_inode_close(ni);
	return r;
}

/* Decides what may be trusted; see the top. */
static int judge_state(struct walk *w, struct err *e)
{
	int dirty = (w->vol->flags & VOLUME_IS_DIRTY) != 0, clean, r;
	enum ntfs_log state;

	r = find_page_files(w, e);
	for (int i = 0; i < w->n_files && !r; i++)
		r = page_file(w, &w->files[i], 0, e);
	r = r ? r : ntfs_log_state(w->vol, &state, e);
	if (r)
		return r;
	clean = state == NTFS_LOG_CLEAN;
	if (!clean && !w->hibernated)
		return err_set(e, ERR_UNSUPPORTED,
			       "the volume was not shut down cleanly (or is the second volume of a Windows in fast startup); to capture only what is in use, start Windows and run \"shutdown /s /t 0\"");
	w->unclean = dirty || w->hibernated || !clean;
	if (w->hibernated)
		fs_note(&w->opt->notes, "Windows is hibernated (fast startup does that too): hiberfil.sys and the page file were kept, as the volume needs them to resume.");
	else if (dirty)
		fs_note(&w->opt->notes, "The volume is marked dirty: chkdsk will run at the next start.");
	if (w->unclean || w->opt->keep_page_files)
		return 0;
	for (int i = 0; i < w->n_files && !r; i++)
		r = page_file(w, &w->files[i], 1, e);
	ranges_sort(&w->cut);
	return r;
}

static int is_page_file(const struct walk *w, uint64_t number)
{
	for (int i = 0; i < w->n_files; i++)
		if (MREF(w->files[i].ref) == number)
			return 1;
	return 0;
}

/* n records from number `first` on: what they refer to goes to w->extra.  Those
 * of page files don't, if they are left out. */
static int join_records(struct walk *w, uint8_t *buf, uint64_t first, uint64_t n,
			struct err *e)
{
	size_t size = w->vol->mft_record_size;
	int r = 0;

	for (uint64_t i = 0; i < n && !r; i++) {
		uint8_t *rec = buf + i * size;

		if (w->cut.n && is_page_file(w, ntfs_record_owner(rec, first + i)))
			continue;
		r = ntfs_record_runs(rec, size, first + i, (uint64_t)w->vol->nr_clusters,
				     add_run, w, e);
	}
	return r;
}

static int join_mft(struct walk *w, struct err *e)
{
	ntfs_volume *vol = w->vol;
	size_t rec = vol->mft_record_size, n = rec > CHUNK ? 1 : CHUNK / rec;
	cleanup_free uint8_t *buf = malloc(n * rec);
	s64 end = vol->mft_na->initialized_size / (s64)rec * (s64)rec;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for MFT records");
	for (s64 pos = 0; pos < end;) {
		s64 want = end - pos < (s64)(n * rec) ? end - pos : (s64)(n * rec);
		int r;

		if (ntfs_attr_pread(vol->mft_na, pos, want, buf) != want)
			return ntfsio_err(vol, errno, e, "reading the MFT");
		r = join_records(w, buf, (uint64_t)(pos / (s64)rec), (uint64_t)(want / (s64)rec), e);
		if (r == ERR_UNSUPPORTED && !w->unclean) {
			fs_note(&w->opt->notes, "$Bitmap was believed without a look at all files, of which there are too many.");
			return 0;
		}
		if (r < 0)
			return r;
		pos += want;
	}
	return 0;
}

/* A page file whose clusters another file has, too, is kept. */
static int check_cut(struct walk *w, struct err *e)
{
	struct ranges both = { 0 };
	int r = 0;

	for (size_t i = 0; i < w->cut.n && !r; i++)
		r = ranges_add(&both, w->cut.v[i].start, w->cut.v[i].end, e);
	if (!r)
		r = ranges_intersect(&both, &w->extra, e);
	if (!r && both.n) {
		w->cut.n = 0;
		fs_note(&w->opt->notes, "Page files were kept after all, as other files use the same clusters: run chkdsk.");
	}
	ranges_done(&both);
	return r;
}

/* The system files that hold all else together. */
static int add_system(struct walk *w, struct err *e)
{
	ntfs_volume *vol = w->vol;
	ntfs_attr *const all[] = { vol->mft_na, vol->mftbmp_na, vol->mftmirr_na, vol->lcnbmp_na };
	int r = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all && !r; i++) {
		if (!all[i] || !NAttrNonResident(all[i]))
			continue;
		if (ntfs_attr_map_whole_runlist(all[i]) < 0)
			r = ntfsio_err(vol, errno, e, "reading a system file's run list");
		else
			r = add_runlist(vol, all[i]->rl, 0, &w->extra, e);
	}
	return r;
}

static int walk_bitmap(struct walk *w, struct err *e)
{
	ntfs_volume *vol = w->vol;
	cleanup_free uint8_t *buf = malloc(CHUNK);
	uint64_t n = (uint64_t)vol->nr_clusters, cs = vol->cluster_size;
	int r = 0;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for $Bitmap");
	if ((uint64_t)vol->lcnbmp_na->data_size < (n + 7) / 8)
		return err_set(e, ERR_CORRUPT, "$Bitmap has %lld bytes for %llu clusters",
			       (long long)vol->lcnbmp_na->data_size, (unsigned long long)n);
	for (uint64_t c = 0; c < n && !r; c += CHUNK * 8) {
		uint64_t bits = n - c < CHUNK * 8 ? n - c : CHUNK * 8;
		s64 len = (s64)((bits + 7) / 8);

		if (ntfs_attr_pread(vol->lcnbmp_na, (s64)(c / 8), len, buf) != len)
			return ntfsio_err(vol, errno, e, "reading $Bitmap");
		if (bits % 8) /* those after the last cluster are set */
			buf[len - 1] &= (uint8_t)((1 << bits % 8) - 1);
		for (s64 i = 0; i < len; i++)
			w->marked += (uint64_t)__builtin_popcount(buf[i]) * cs;
		r = emit_bitmap(&w->emit, buf, bits, c * cs, cs);
	}
	return r;
}

static int walk_volume(struct walk *w, struct err *e)
{
	int r = judge_state(w, e);

	if (!r)
		r = add_system(w, e);
	if (!r)
		r = join_mft(w, e);
	ranges_sort(&w->extra);
	if (!r)
		r = check_cut(w, e);
	if (r)
		return r;
	w->emit.extra = &w->extra;
	w->emit.cut = &w->cut;
	r = walk_bitmap(w, e);
	if (!r)
		r = emit_finish(&w->emit);
	if (!r && w->sent + w->emit.bytes_cut > w->marked)
		fs_note(&w->opt->notes, "$Bitmap marks %llu bytes as free that files use; they are included. Run chkdsk.",
			(unsigned long long)(w->sent + w->emit.bytes_cut - w->marked));
	return r;
}

int ntfs_vol_walk(struct blkdev *d, const struct fs_options *opt,
		  const struct extent_sink *out, struct err *e)
{
	struct walk w = { .opt = opt, .out = out };
	struct extent_sink counting = { sent, &w };
	int r = ntfsio_mount(d, &w.vol, e);

	if (r < 0)
		return r;
	w.emit.out = &counting;
	w.emit.size = d->size;
	r = walk_volume(&w, e);
	ranges_done(&w.extra);
	ranges_done(&w.cut);
	ntfsio_umount(w.vol);
	return r;
}
