/* linux.h: an installed Linux as adapt sees it, and its planners. */
#ifndef REHOST_LINUX_H
#define REHOST_LINUX_H
#include "drivers-inject/hw.h"
#include "drivers-inject/linux/initrd.h"
#include "drivers-inject/plan.h"
#include "drivers-inject/volumes.h"

enum lin_boot {                 /* boot loaders with files in the guest, bits */
	LIN_GRUB2_BIOS = 1, LIN_GRUB2_EFI = 2, LIN_GRUB_LEGACY = 4,
	LIN_SYSTEMD_BOOT = 8, LIN_BLS = 16, LIN_EXTLINUX = 32, LIN_LILO = 64,
	LIN_ZIPL = 128, LIN_UKI = 256,
};

struct lin_kernel {
	char version[128];
	char image[256];        /* "/boot/vmlinuz-..."; "" none found         */
	char initrd[256];       /* "/boot/initrd.img-..."; "" none found      */
	char modules[256];      /* "/lib/modules/..."; "" none                */
	enum initrd_generator generator; /* GEN_UNKNOWN also: no initramfs    */
	int uki;                /* image is a unified kernel image            */
	int is_default;         /* what the boot loader starts, if known      */
};

struct lin {
	struct root *root;      /* the caller's                              */
	const struct volumes *volumes;
	char id[64];            /* os-release ID: "debian"                   */
	char id_like[128], version_id[32], name[160], arch[16];
	char hostname[128];
	struct lin_kernel *kernel;
	size_t n_kernels;       /* newest first                              */
	unsigned int boot;      /* LIN_* bits                                */
	const struct volume *root_volume, *boot_volume, *esp_volume; /* NULL unknown;
				 * boot_volume is root's when there is no own */
	int usr_merged;         /* /lib is a link to usr/lib                  */
	int selinux;            /* 1: enforcing or permissive in its config  */
};

/* What the person asked for. */
struct lin_wishes {
	const struct hw *target;
	const struct hw *old;        /* NULL: unknown                        */
	const char *hostname;        /* NULL: keep                           */
	int new_identity;            /* machine-id, SSH host keys, random seed */
	int remove_tools;            /* leftovers of hypervisors' tools       */
	struct strv nics;            /* "OLDNAME=MAC", by hand                */
	int chroot;                  /* the distribution's own generator      */
	int reinstall_boot;          /* 1: boot code anew in any case         */
	int nvram;                   /* 1: running on the target: may write   */
};

/* Fills *ret from the tree; lin_done frees.  volumes must outlive it. */
int lin_scan(struct root *r, const struct volumes *v, struct lin *ret, struct err *e) must_check;
void lin_done(struct lin *l);

/* All planners, and the verdict; *ret: plan_free. */
int lin_plan(const struct lin *l, const struct lin_wishes *w, struct plan **ret,
	     struct err *e) must_check;

/* ---- planners: each adds edits to p, or says why it can't ---- */
typedef int lin_planner(const struct lin *l, const struct lin_wishes *w,
			struct plan *p, struct err *e);
lin_planner lin_plan_drivers;   /* initramfs of every kernel; generator's config */
lin_planner lin_plan_fstab;     /* fstab, crypttab                           */
lin_planner lin_plan_cmdline;   /* root=, resume= in every boot loader's files */
lin_planner lin_plan_storage;   /* LVM, mdadm, multipath, udev's cd rules     */
lin_planner lin_plan_net;       /* NIC names and MACs                        */
lin_planner lin_plan_identity;  /* host name; machine-id, keys on request     */
lin_planner lin_plan_leftovers; /* hypervisors' tools on request             */
lin_planner lin_plan_copies;    /* the same in the initramfs's own copies    */
lin_planner lin_plan_boot;      /* GRUB in the disk, EFI files, NVRAM         */
lin_planner lin_plan_selinux;   /* last: relabel when files are added        */
extern lin_planner *const lin_planners[]; /* in order, NULL at the end       */

/* Adds the guest's files that name NICs, as they are with p's edits: an initramfs
 * with udev in it must hold the same ones (plan_read has their content).  0, or
 * ERR_NOMEM. */
int lin_net_link_files(struct plan *p, struct strv *paths) must_check;
#endif
