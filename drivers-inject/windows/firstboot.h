/* firstboot.h: between plan-firstboot.c, stage.c, firstboot-net.c and
 * firstboot-script.c. */
#ifndef REHOST_WIN_FIRSTBOOT_INT_H
#define REHOST_WIN_FIRSTBOOT_INT_H
#include <stdio.h>
#include "drivers-inject/windows/plan-firstboot.h"

/* ---- stage.c ---- */

struct win_stages {
	struct win_stage *v;
	size_t n;
};

/* Their files as edits. */
int firstboot_packages(struct win *w, struct plan *p, struct err *e) must_check;

/* ---- firstboot-net.c ---- */

#define FIRSTBOOT_NETS_MAX 32   /* network cards with addresses of their own */
#define FIRSTBOOT_ADDRS_MAX 64  /* addresses of one; gateways, name servers      */

/* An interface whose IPv4 addresses somebody typed in.  Every address is one:
 * checked, and printed anew. */
struct firstboot_net {
	char name[128];         /* of the connection, for people only        */
	char device[256];       /* "PCI\\VEN_8086&DEV_100F&SUBSYS_...\\..."     */
	struct strv addrs, masks, gateways, dns;
	unsigned int metric;    /* of the gateways; 0: Windows chooses       */
	char old_mac[18];       /* "" unknown                                */
	char mac[18];           /* the card that takes its place; "": the only one */
	int moves;
};

struct firstboot_nets {
	struct firstboot_net v[FIRSTBOOT_NETS_MAX];
	size_t n;
};

/* Reads them, and finds the cards that take their places; warns of what is unclear. */
int firstboot_nets(struct win *w, const struct win_wishes *wishes, struct plan *p,
		   struct firstboot_nets *ret, struct err *e) must_check;
void firstboot_nets_done(struct firstboot_nets *n);

/* ---- firstboot-script.c ---- */

/* A control set whose AutoReboot the script puts back. */
struct firstboot_restore {
	const char *set;
	uint32_t auto_reboot;
};

struct firstboot {
	const struct win *win;
	const struct win_stages *stages;        /* for pnputil; NULL: none   */
	int packages_stay;      /* DevicePath names them                     */
	const struct firstboot_nets *nets;
	struct firstboot_restore restore[WIN_SETS_MAX];
	size_t n_restore;
};

/* The script and the registry file that it imports first, with CR and LF; *ret:
 * malloc'd. */
int firstboot_script(const struct firstboot *f, char **ret, size_t *ret_len, struct err *e)
	must_check;
int firstboot_reg(const struct firstboot *f, char **ret, size_t *ret_len, struct err *e) must_check;
#endif
