/* map-dump.c: prints the used map of a disk or of a bare file system.
 *
 *   map-dump [-p] [-k] [-r] [-u FILE] [-w DISK]... DISK...
 *       -p: identify only; -k: keep page files; -r: no extents, only regions; -u: a key;
 *       -w: another disk of the machine
 *
 * Lines: "region START SIZE USED READER FSTYPE DOUBT WHAT" (of a volume in it
 * "volume 0 ...", behind it), "holds TEXT", "ident UUID LABEL", "note TEXT",
 * "extent START SIZE", "total USED PADDED". */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "imager/map.h"
#include "imager/unlock.h"

static void region(void *ctx, const struct map_region *r, unsigned int depth)
{
	(void)ctx;
	printf("%s %llu %llu %llu %s %s %d %s\n", depth ? "volume" : "region",
	       (unsigned long long)r->start, (unsigned long long)r->size,
	       (unsigned long long)r->used, r->reader, r->fs.type[0] ? r->fs.type : "-",
	       r->whole_by_doubt, r->what);
	if (r->holds[0])
		printf("holds %s\n", r->holds);
	if (r->fs.label[0] || r->fs.uuid[0])
		printf("ident %s %s\n", r->fs.uuid, r->fs.label);
	if (r->note)
		printf("note %s\n", r->note);
}

static void dump(const struct disk_map *m, int extents)
{
	struct extents_cursor c;
	uint64_t off, len;

	map_each(m, region, NULL);
	if (!m->used)
		return;
	extents_begin(m->used, &c);
	while (extents && extents_next(&c, &off, &len))
		printf("extent %llu %llu\n", (unsigned long long)off, (unsigned long long)len);
	printf("total %llu %llu\n", (unsigned long long)extents_bytes(m->used),
	       (unsigned long long)extents_padded(m->used));
}

static int one(const char *path, const struct map_options *opt, int extents)
{
	struct blkdev *d;
	struct disk_map *m;
	struct err e = { 0 };

	if (dev_open_ro(path, &d, &e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	if (map_build(d, opt, &m, &e) < 0) {
		fprintf(stderr, "%s: %s\n", path, e.msg);
		dev_close(d);
		return 1;
	}
	dump(m, extents);
	map_free(m);
	dev_close(d);
	return 0;
}

int main(int argc, char **argv)
{
	struct cont_keys keys = { 0 };
	struct map_options opt = { .keys = &keys };
	struct blkdev *with[16];
	const char *unlock[1];
	int c, extents = 1, r = 0;

	opt.others = with;
	while ((c = getopt(argc, argv, "pkru:w:")) != -1) {
		opt.probe_only |= c == 'p';
		opt.keep_page_files |= c == 'k';
		if (c == 'r')
			extents = 0;
		unlock[0] = optarg;
		if (c == '?' || (c == 'u' && unlock_read(unlock, 1, &keys, NULL) < 0) ||
		    (c == 'w' && (opt.n_others == 16 || dev_open_ro(optarg, &with[opt.n_others++], NULL) < 0)))
			return 2;
	}
	for (int i = optind; i < argc; i++)
		r |= one(argv[i], &opt, extents);
	for (size_t i = 0; i < opt.n_others; i++)
		dev_close(with[i]);
	unlock_done(&keys);
	return r;
}
