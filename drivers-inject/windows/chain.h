/* chain.h: Windows' boot chain, from the firmware to the loader: does each step name
 * and find the next one on the disk as it is now?  What doesn't is mended by edits, or
 * is a problem of the plan.
 *
 *   BIOS   first sector -> active partition's boot sector -> \bootmgr -> \Boot\BCD
 *          (2000 to 2003: \ntldr -> \boot.ini) -> winload.exe
 *   UEFI   EFI system partition: \EFI\BOOT\BOOTX64.EFI -> \EFI\Microsoft\Boot\BCD
 *          -> winload.efi
 *
 * and MountedDevices in SYSTEM, by which Windows then finds its drive letters. */
#ifndef REHOST_WINDOWS_CHAIN_H
#define REHOST_WINDOWS_CHAIN_H
#include "drivers-inject/hive.h"
#include "drivers-inject/hw.h"
#include "drivers-inject/plan.h"
#include "drivers-inject/windows/part-id.h"

struct win_chain {
	const struct volumes *volumes;  /* every volume of the guest's disks */
	int volume;             /* Windows' own, in volumes; plan->root is its tree */
	const char *dir;        /* "/Windows"                                */
	struct hive *system;    /* for changing; NULL: MountedDevices is left */
	int nt5;                /* 2000 to 2003: NTLDR and boot.ini          */
	enum hw_firmware firmware;      /* the target's                      */
	const char *arch;       /* "x64", "x86", "arm64", "arm"; "" unknown  */
	const struct id_map *ids;       /* what ids became, when it is known; NULL */
	const char *boot_code;  /* a file with code for the first sector; NULL:
				 * this machine's syslinux                   */
	/* Opens guest_disk.path for reading; NULL: dev_open_ro().  The device is
	 * closed with dev_close(). */
	int (*disk)(void *ctx, const char *path, struct blkdev **ret, struct err *e);
	void *ctx;
};

/* Adds edits and sentences to p, and changes c->system in memory.  Edits of the disk
 * (EDIT_DISK) name guest_disk.path; they lie in the boot sectors of the table and of
 * partitions, in Windows' own volume only in its boot sectors.  <0: out of memory, or
 * a device failed; what is wrong with the guest is in the plan. */
int win_plan_chain(const struct win_chain *c, struct plan *p, struct err *e) must_check;
#endif
