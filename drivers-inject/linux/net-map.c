/* net-map.c: which NIC of the new machine takes the place of which old one. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "drivers-inject/linux/net.h"

/* The old ones that matter and the new ones that are free, in order. */
struct sides {
	struct net_nic *old[NET_NICS_MAX];
	size_t n_old;
	const struct hw_nic *new[NET_NICS_MAX];
	size_t n_new;
};

static int by_name(const void *a, const void *b)
{
	const struct net_nic *const *x = a, *const *y = b;

	return strverscmp((*x)->name, (*y)->name);
}

/* "eth0, eth1": for sentences */
static void join(char *ret, size_t size, const char *name, const char *more)
{
	size_t n = strlen(ret);

	snprintf(ret + n, size - n, "%s%s%s%s%s", n ? ", " : "", name, *more ? " (" : "", more,
		 *more ? ")" : "");
}

static void collect(struct net *n, struct sides *s)
{
	const struct hw *t = n->w->target;
	int configured = 0;

	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < n->n; i++)
		configured |= *n->v[i].file != 0;
	for (size_t i = 0; i < n->n; i++)
		if ((!configured || *n->v[i].file) && !*n->v[i].new_mac)
			s->old[s->n_old++] = &n->v[i];
	if (s->n_old)
		qsort(s->old, s->n_old, sizeof *s->old, by_name);
	for (size_t i = 0; t && i < t->n_nics && s->n_new < NET_NICS_MAX; i++) {
		char mac[NET_MAC];
		int taken = !net_mac(t->nic[i].mac, mac);

		for (size_t k = 0; k < n->n; k++)
			taken |= !strcmp(n->v[k].new_mac, mac);
		if (!taken)
			s->new[s->n_new++] = &t->nic[i];
	}
}

static void give(struct net_nic *old, const char *mac)
{
	char text[NET_MAC];

	if (net_mac(mac, text))
		strcpy(old->new_mac, text);
}

/* "OLDNAME=MAC": what a person said counts, known to the guest or not. */
static int by_hand(struct net *n, struct err *e)
{
	for (size_t i = 0; i < n->w->nics.n; i++) {
		const char *s = n->w->nics.v[i], *eq = strchr(s, '=');
		char name[NET_NAME], mac[NET_MAC];
		struct net_nic *c = NULL;

		if (!eq || eq - s >= NET_NAME || !net_mac(eq + 1, mac) || eq[18])
			return err_set(e, ERR_USAGE, "%s: not OLDNAME=MAC, as eth0="
				       "52:54:00:12:34:56", s);
		snprintf(name, sizeof name, "%.*s", (int)(eq - s), s);
		if (!net_is_wired(name))
			return err_set(e, ERR_USAGE, "%s: no name of a wired interface", s);
		for (size_t k = 0; k < n->n; k++)
			if (!strcmp(n->v[k].name, name))
				c = &n->v[k];
		if (!c)
			c = net_add(n, name, "", "by hand");
		if (!c)
			return err_set(e, ERR_UNSUPPORTED, "more than %d interfaces", NET_NICS_MAX);
		strcpy(c->new_mac, mac);
	}
	return 0;
}

/* The old machine's inventory knows MACs that the guest's files don't. */
static void old_macs(struct net *n)
{
	const struct hw *o = n->w->old;

	for (size_t i = 0; o && i < o->n_nics; i++) {
		char mac[NET_MAC];

		if (!net_mac(o->nic[i].mac, mac))
			continue;
		for (size_t k = 0; k < n->n; k++)
			if (!*n->v[k].mac && !strcmp(n->v[k].name, o->nic[i].ifname))
				strcpy(n->v[k].mac, mac);
	}
}

/* The same NIC, or a virtual machine's that got the old one's MAC. */
static void same_mac(struct net *n)
{
	struct sides s;

	collect(n, &s);
	for (size_t i = 0; i < s.n_old; i++)
		for (size_t k = 0; k < s.n_new; k++) {
			char mac[NET_MAC];

			if (*s.old[i]->mac && net_mac(s.new[k]->mac, mac) &&
			    !strcmp(s.old[i]->mac, mac))
				give(s.old[i], mac);
		}
}

static const struct hw_nic *only_with_link(const struct sides *s)
{
	const struct hw_nic *found = NULL;

	for (size_t i = 0; i < s->n_new; i++) {
		if (s->new[i]->has_link != 1)
			continue;
		if (found)
			return NULL;
		found = s->new[i];
	}
	return found;
}

/* A profile knows no NICs: what will happen is all that can be said. */
static void tell_profile(struct net *n, const struct sides *s)
{
	for (size_t i = 0; i < s->n_old; i++)
		if (*s->old[i]->name && *s->old[i]->file)
			plan_note(n->p, "%s configures %s; the NICs of %s aren't known, and theirs may "
				  "be called otherwise: run adapt on the new machine, or give "
				  "%s=MAC", s->old[i]->file, s->old[i]->name,
				  n->w->target ? n->w->target->name : "the target",
				  s->old[i]->name);
		else if (*s->old[i]->mac && *s->old[i]->file)
			plan_note(n->p, "%s configures the NIC %s, which the new machine doesn't have",
				  s->old[i]->file, s->old[i]->mac);
}

static void tell_unclear(struct net *n, const struct sides *s)
{
	char old[600] = "", new[600] = "";

	for (size_t i = 0; i < s->n_old; i++)
		join(old, sizeof old, *s->old[i]->name ? s->old[i]->name : s->old[i]->mac,
		     *s->old[i]->name ? s->old[i]->mac : "");
	for (size_t i = 0; i < s->n_new; i++)
		join(new, sizeof new, s->new[i]->mac, s->new[i]->name ? s->new[i]->name : "");
	plan_warn(n->p, "which NIC takes whose place is not clear: the guest has %s, the new machine "
		  "%s; nothing about names was changed; say NAME=MAC for each", old, new);
}

int net_map(struct net *n, struct err *e)
{
	const struct hw_nic *link;
	struct sides s;
	int r = by_hand(n, e);

	if (r)
		return r;
	old_macs(n);
	same_mac(n);
	collect(n, &s);
	link = only_with_link(&s);
	if (!s.n_old)
		return 0;
	/* a profile's cards have no address, a machine may have no card */
	if (!s.n_new) {
		if (!n->w->nics.n)
			tell_profile(n, &s);
	} else if (s.n_old == 1 && (s.n_new == 1 || link)) {
		give(s.old[0], s.n_new == 1 ? s.new[0]->mac : link->mac);
	} else if (s.n_old == s.n_new) {
		for (size_t i = 0; i < s.n_old; i++) {
			give(s.old[i], s.new[i]->mac);
			plan_warn(n->p, "%s becomes the NIC %s (%s) only because of the order: check it",
				  *s.old[i]->name ? s.old[i]->name : s.old[i]->mac,
				  s.new[i]->mac, s.new[i]->name ? s.new[i]->name : "");
		}
	} else {
		tell_unclear(n, &s);
	}
	return 0;
}
