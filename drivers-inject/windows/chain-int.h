/* chain-int.h: what the files of the boot chain share. */
#ifndef REHOST_WINDOWS_CHAIN_INT_H
#define REHOST_WINDOWS_CHAIN_INT_H
#include "drivers-inject/windows/bcd.h"
#include "drivers-inject/windows/chain.h"
#include "drivers-inject/windows/sidevol.h"
#include "imager/part/part.h"

#define CHAIN_BCD_MAX (16u << 20) /* bytes of a BCD; real ones have up to 256 KB */
#define CHAIN_SECTOR 512u       /* what code of a BIOS and BPBs are made for */

/* One volume of the guest, opened when it is first asked for. */
struct chain_vol {
	int tried;              /* 1: open, if side.tree                     */
	struct blkdev *dev;     /* a window of its disk                      */
	struct sidevol side;
};

struct chain_disk {
	int tried;
	struct blkdev *dev;     /* NULL: it can't be opened                  */
	struct part_table *table;       /* NULL: none, or not sound          */
};

struct chain {
	const struct win_chain *c;
	struct plan *p;
	struct chain_disk disk[VOLUME_DISKS_MAX];
	struct chain_vol *vol;  /* as many as volumes                        */
	struct id_map map;      /* old ids that no partition has any more    */
	int system;             /* the volume with the boot files; -1 none   */
};

/* NULL: it can't be read; its partition table may be missing. */
const struct chain_disk *chain_disk(struct chain *ch, int disk);
/* NULL: no partition, not FAT or NTFS, or it can't be read. */
struct sidevol *chain_side(struct chain *ch, int volume);
/* The table's entry of a volume; NULL unknown. */
const struct partition *chain_part(struct chain *ch, int volume);
/* 1: a file or directory on the volume; path with "\" or "/". */
int chain_has(struct chain *ch, int volume, const char *path);
/* "/dev/sda1", or "partition 1 of disk.img", for people. */
const char *chain_name(const struct chain *ch, int volume, char ret[320]);
/* A file of any volume, whole; the caller's.  As tree_head. */
int chain_read(struct chain *ch, int volume, const char *path, size_t max, char **ret,
	       size_t *ret_len, struct err *e) must_check;
/* The file gets this content: by the plan's root on Windows' own volume. */
int chain_put(struct chain *ch, int volume, const char *path, const void *bytes, size_t len,
	      struct err *e, const char *reason) must_check;
/* Bytes of a disk outside of partitions. */
int chain_put_disk(struct chain *ch, int disk, uint64_t off, const void *bytes, size_t len,
		   struct err *e, const char *reason) must_check;

/* The directory of the guest's own volume that Windows is in, with "\": "\Windows". */
void chain_windows_dir(const struct chain *ch, char ret[256]);

/* ---- one step each ---- */
int chain_bios(struct chain *ch, struct err *e) must_check;    /* chain-bios.c */
int chain_uefi(struct chain *ch, struct err *e) must_check;    /* chain-uefi.c */
int chain_hidden(struct chain *ch, int volume, struct err *e) must_check; /* chain-bpb.c */
/* chain-bcd.c: the store at path, made anew when it is gone. */
int chain_store(struct chain *ch, int volume, const char *path, int uefi,
		struct err *e) must_check;
/* The same of a store that needn't be there, WinRE's. */
int chain_store_maybe(struct chain *ch, int volume, const char *path, struct err *e) must_check;
/* chain-ids.c: finds out what the store's old ids mean now; adds to ch->map. */
int chain_derive(struct chain *ch, int volume, const struct bcd *b, struct err *e) must_check;
int chain_mounted(struct chain *ch, struct err *e) must_check; /* chain-mounted.c */
int chain_boot_ini(struct chain *ch, int volume, struct err *e) must_check; /* boot-ini.c */
/* bcd-make.c: a new store's bytes, malloc'd.  template: BCD-Template's. */
int bcd_make(const char *template, size_t len, const struct part_id *system,
	     const struct part_id *windows, const char *windows_dir, int uefi,
	     const char *description, char **ret, size_t *ret_len, struct err *e) must_check;
#endif
