/* net.h: the parts of lin_plan_net. */
#ifndef REHOST_LIN_NET_H
#define REHOST_LIN_NET_H
#include "drivers-inject/linux/linux.h"
#include "drivers-inject/linux/textfile.h"

#define NET_NICS_MAX 64         /* of one machine                            */
#define NET_NAME 16             /* IFNAMSIZ, with its NUL                     */
#define NET_MAC 18              /* "52:54:00:12:34:56"                        */

/* An interface that the guest's files know. */
struct net_nic {
	char name[NET_NAME];    /* "": known by MAC only                     */
	char mac[NET_MAC];      /* "": unknown                               */
	char file[128];         /* the first file that configures it; ""     */
	int by_link;            /* a .link file of the guest's names it      */
	char new_mac[NET_MAC];  /* of the NIC that takes its place; "" none  */
};

struct net {
	const struct lin *l;
	const struct lin_wishes *w;
	struct plan *p;
	struct net_nic v[NET_NICS_MAX];
	size_t n;
	int edit;               /* 0: files are read into v; 1: old MACs in them
				 * become new ones                           */
	int has_rules;          /* a file of persistent names by udev rules  */
};

/* "52-54-00-AB-CD-EF ..." at s: 1 and the MAC in lower case with colons. */
int net_mac(const char *s, char ret[NET_MAC]);
/* 1: a name that a wired NIC may have: no bridge, VLAN, Wi-Fi, pattern. */
int net_is_wired(const char *name);
/* Adds what a file says; either may be "", file too (no configuration). */
struct net_nic *net_add(struct net *n, const char *name, const char *mac, const char *file);
/* All files of every network system: see n->edit. */
int net_files(struct net *n, struct err *e) must_check;
/* Which NIC of the target takes the place of which; says what is unclear. */
int net_map(struct net *n, struct err *e) must_check;
#endif
