/* firstboot-net.c: IPv4 addresses that were typed in, and the network card of the new
 * machine that gets them at the first start.
 *
 * A new card is a new interface for Windows, with DHCP; the settings stay with the old
 * one.  They are read where TCP/IP keeps them: Services\Tcpip\Parameters\Interfaces\
 * {id} (IPAddress, SubnetMask, DefaultGateway, DefaultGatewayMetric, NameServer), the
 * connection's name and its device: Control\Network\{4D36E972...}\{id}\Connection. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/devices.h"
#include "drivers-inject/windows/firstboot.h"

#define INTERFACES "Services\\Tcpip\\Parameters\\Interfaces"
#define CONNECTIONS "Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"

/* ---- reading ---- */

/* The text is an address (not 0.0.0.0): printed anew into ret. */
static int is_address(const char *text, char ret[INET_ADDRSTRLEN])
{
	struct in_addr a;

	return inet_pton(AF_INET, text, &a) == 1 && a.s_addr &&
	       inet_ntop(AF_INET, &a, ret, INET_ADDRSTRLEN);
}

static int add_address(struct strv *l, const char *text)
{
	char address[INET_ADDRSTRLEN];

	if (l->n >= FIRSTBOOT_ADDRS_MAX || !is_address(text, address))
		return 0;
	return strv_add(l, address);
}

/* Pairs: an address without a mask is none. */
static int read_addresses(const struct hive *h, const char *key, struct firstboot_net *n)
{
	struct strv addrs = { 0 }, masks = { 0 };
	char text[INET_ADDRSTRLEN];
	int rc = 0;

	if (hive_strings(h, key, "IPAddress", &addrs) && hive_strings(h, key, "SubnetMask", &masks))
		for (size_t i = 0; !rc && i < addrs.n && i < masks.n; i++)
			if (is_address(addrs.v[i], text) && is_address(masks.v[i], text))
				rc = add_address(&n->addrs, addrs.v[i]) ||
				     add_address(&n->masks, masks.v[i]);
	strv_done(&addrs);
	strv_done(&masks);
	return rc;
}

static int read_gateways(const struct hive *h, const char *key, struct firstboot_net *n)
{
	struct strv l = { 0 }, metric = { 0 };
	int rc = 0;

	if (hive_strings(h, key, "DefaultGateway", &l))
		for (size_t i = 0; !rc && i < l.n; i++)
			rc = add_address(&n->gateways, l.v[i]);
	if (hive_strings(h, key, "DefaultGatewayMetric", &metric) && metric.n)
		n->metric = (unsigned int)strtoul(metric.v[0], NULL, 10);
	if (n->metric > 9999) /* netsh's limit */
		n->metric = 0;
	strv_done(&l);
	strv_done(&metric);
	return rc;
}

/* Separated by commas or blanks. */
static int read_dns(const struct hive *h, const char *key, struct firstboot_net *n)
{
	char text[1024], *rest = text, *word;
	int rc = 0;

	hive_string(h, key, "NameServer", text, sizeof text);
	while (!rc && (word = strsep(&rest, ", ")))
		rc = add_address(&n->dns, word);
	return rc;
}

/* Cards are on these; what Windows makes up itself (tunnels, VPN) is not. */
static int is_card(const char *device)
{
	static const char *const made_up[] = { "ROOT\\", "SWD\\", "SW\\", "BTH\\", "{" };

	for (size_t i = 0; i < sizeof made_up / sizeof *made_up; i++)
		if (!strncasecmp(device, made_up[i], strlen(made_up[i])))
			return 0;
	return *device != 0;
}

static void net_done(struct firstboot_net *n)
{
	strv_done(&n->addrs);
	strv_done(&n->masks);
	strv_done(&n->gateways);
	strv_done(&n->dns);
}

/* 1: it is a card's, with addresses of its own; -1: out of memory. */
static int read_net(struct win *w, const char *id, struct firstboot_net *n)
{
	char key[WIN_KEY_MAX];
	uint32_t dhcp = 1;

	*n = (struct firstboot_net){ .moves = 0 };
	win_key(key, w->set, CONNECTIONS "\\%s\\Connection", id);
	hive_string(w->system, key, "Name", n->name, sizeof n->name);
	hive_string(w->system, key, "PnpInstanceID", n->device, sizeof n->device);
	win_key(key, w->set, INTERFACES "\\%s", id);
	if (!is_card(n->device) || !hive_dword(w->system, key, "EnableDHCP", &dhcp) || dhcp)
		return 0;
	if (read_addresses(w->system, key, n) || read_gateways(w->system, key, n) ||
	    read_dns(w->system, key, n)) {
		net_done(n);
		return -1;
	}
	if (!n->addrs.n)
		net_done(n);
	return n->addrs.n > 0;
}

static int read_nets(struct win *w, struct plan *p, struct firstboot_nets *all, struct err *e)
{
	struct strv ids = { 0 };
	char key[WIN_KEY_MAX];
	int rc = 0;

	win_key(key, w->set, INTERFACES);
	if (hive_subkeys(w->system, key, &ids))
		return 0;
	for (size_t i = 0; rc >= 0 && i < ids.n; i++) {
		struct firstboot_net n;

		rc = read_net(w, ids.v[i], &n);
		if (rc == 1 && all->n < FIRSTBOOT_NETS_MAX) {
			all->v[all->n++] = n;
		} else if (rc == 1) {
			plan_warn(p, "The address %s: more than %d network cards have addresses that "
				  "were typed in; set it by hand after the first start", n.addrs.v[0],
				  FIRSTBOOT_NETS_MAX);
			net_done(&n);
		}
	}
	strv_done(&ids);
	return rc < 0 ? err_set(e, ERR_NOMEM, "out of memory") : 0;
}

/* ---- which card takes which place ---- */

/* The device that an interface was on is one that this modalias describes. */
static int is_on(const struct firstboot_net *n, const char *modalias)
{
	struct strv hardware = { 0 }, compatible = { 0 };
	size_t len = 0;

	if (!win_pci_ids(modalias, -1, &hardware, &compatible) && hardware.n)
		len = strlen(hardware.v[0]);
	if (len && (strncasecmp(n->device, hardware.v[0], len) || !strchr("\\&", n->device[len])))
		len = 0;
	strv_done(&hardware);
	strv_done(&compatible);
	return len > 0;
}

/* Only where one interface and one card of the old machine fit each other: nothing
 * in the registry tells two equal cards' addresses. */
static void find_old_mac(struct firstboot_nets *all, struct firstboot_net *n, const struct hw *old)
{
	const struct hw_nic *found = NULL;
	size_t cards = 0, nets = 0;

	for (size_t i = 0; old && i < old->n_nics; i++)
		if (old->nic[i].modalias && is_on(n, old->nic[i].modalias)) {
			found = &old->nic[i];
			cards++;
		}
	for (size_t i = 0; found && i < all->n; i++)
		nets += is_on(&all->v[i], found->modalias) != 0;
	if (cards == 1 && nets == 1)
		snprintf(n->old_mac, sizeof n->old_mac, "%s", found->mac);
}

static int is_taken(const struct firstboot_nets *all, const char *mac)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].moves && !strcasecmp(all->v[i].mac, mac))
			return 1;
	return 0;
}

static void give(struct firstboot_net *n, const char *mac)
{
	snprintf(n->mac, sizeof n->mac, "%s", mac);
	n->moves = 1;
}

/* It goes into a script. */
static int is_mac(const char *s)
{
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
			return 0;
	return !s[17];
}

/* What --nic says: "Ethernet=52:54:00:12:34:56" */
static void give_wished(struct firstboot_net *n, const struct strv *nics)
{
	size_t len = strlen(n->name);

	for (size_t i = 0; len && nics && i < nics->n; i++)
		if (!strncasecmp(nics->v[i], n->name, len) && nics->v[i][len] == '=' &&
		    is_mac(nics->v[i] + len + 1))
			give(n, nics->v[i] + len + 1);
}

static int is_wired(const struct hw_nic *c)
{
	return is_mac(c->mac) && strncmp(c->ifname, "wl", 2) && strncmp(c->ifname, "ww", 2);
}

/* The only card that is left; where several are, the only one with a cable. */
static const struct hw_nic *only_card(const struct firstboot_nets *all, const struct hw *t)
{
	const struct hw_nic *card = NULL, *linked = NULL;
	size_t cards = 0, links = 0;

	for (size_t i = 0; i < t->n_nics; i++) {
		if (!is_wired(&t->nic[i]) || is_taken(all, t->nic[i].mac))
			continue;
		card = &t->nic[i];
		cards++;
		if (t->nic[i].has_link == 1) {
			linked = &t->nic[i];
			links++;
		}
	}
	return cards == 1 ? card : links == 1 ? linked : NULL;
}

static size_t known_macs(const struct hw *t)
{
	size_t n = 0;

	for (size_t i = 0; t && i < t->n_nics; i++)
		n += is_mac(t->nic[i].mac);
	return n;
}

static void give_same(struct firstboot_nets *all, struct firstboot_net *n, const struct hw *t)
{
	for (size_t i = 0; t && !n->moves && is_mac(n->old_mac) && i < t->n_nics; i++)
		if (!strcasecmp(t->nic[i].mac, n->old_mac) && !is_taken(all, n->old_mac))
			give(n, n->old_mac);
}

/* The last one, when it is one. */
static void give_rest(struct firstboot_nets *all, const struct hw *t)
{
	struct firstboot_net *last = NULL;
	const struct hw_nic *card;
	size_t left = 0;

	for (size_t i = 0; i < all->n; i++)
		if (!all->v[i].moves) {
			last = &all->v[i];
			left++;
		}
	if (left != 1)
		return;
	card = t ? only_card(all, t) : NULL;
	if (card)
		give(last, card->mac);
	else if (!known_macs(t) && all->n == 1)
		give(last, "");
}

static void tell(struct plan *p, const struct firstboot_net *n)
{
	if (!n->moves)
		plan_warn(p, "The address %s of the network connection \"%s\": which card of the new "
			  "machine takes it isn't known; set it by hand after the first start, or say "
			  "it: --nic \"%s=MAC\"", n->addrs.v[0], n->name, n->name);
	else if (*n->mac)
		plan_note(p, "The network settings of \"%s\" (%s) go to the card %s at the first start",
			  n->name, n->addrs.v[0], n->mac);
	else
		plan_note(p, "The network settings of \"%s\" (%s) go to the new machine's network card "
			  "at the first start, if it has just one", n->name, n->addrs.v[0]);
}

int firstboot_nets(struct win *w, const struct win_wishes *wishes, struct plan *p,
		   struct firstboot_nets *ret, struct err *e)
{
	struct firstboot_nets all = { .n = 0 };
	int rc = read_nets(w, p, &all, e);

	if (rc) {
		firstboot_nets_done(&all);
		return rc;
	}
	for (size_t i = 0; i < all.n; i++) {
		find_old_mac(&all, &all.v[i], wishes->old);
		give_wished(&all.v[i], wishes->nics);
	}
	for (size_t i = 0; i < all.n; i++)
		give_same(&all, &all.v[i], wishes->target);
	give_rest(&all, wishes->target);
	for (size_t i = 0; i < all.n; i++)
		tell(p, &all.v[i]);
	*ret = all;
	return 0;
}

void firstboot_nets_done(struct firstboot_nets *n)
{
	for (size_t i = 0; i < n->n; i++)
		net_done(&n->v[i]);
	n->n = 0;
}
