/* net-files.c: the network configuration of each system: ifupdown, ifcfg (Red
 * Hat, SUSE), NetworkManager, netplan, systemd-networkd, udev's rules.  One walk
 * serves reading and editing: only MACs change. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "drivers-inject/linux/net.h"

int net_mac(const char *s, char ret[NET_MAC])
{
	char mac[NET_MAC];

	for (int i = 0; i < 17; i++) {
		int c = (unsigned char)s[i];

		if (i % 3 == 2 ? (c != ':' && c != '-') : !isxdigit(c))
			return 0;
		mac[i] = i % 3 == 2 ? ':' : (char)tolower(c);
	}
	/* an InfiniBand address goes on */
	if (isxdigit((unsigned char)s[17]) || s[17] == ':' || s[17] == '-')
		return 0;
	mac[17] = 0;
	memcpy(ret, mac, sizeof mac);
	return 1;
}

int net_is_wired(const char *name)
{
	static const char *const others[] = { "lo", "bond", "br", "virbr", "docker", "veth",
		"tun", "tap", "wg", "ppp", "wl", "ww", "ib", "sit", "dummy", "vlan", "team",
		"vmbr", "lxc", "vnet", "macvlan", "ipvlan", "gre", "usb", "default", "all" };
	size_t n = strlen(name);

	if (!n || n >= NET_NAME || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789_-") != n)
		return 0;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		size_t k = strlen(others[i]);

		if (!strncmp(name, others[i], k) && (!name[k] || isdigit((unsigned char)name[k]) ||
						     !strncmp(name, "wl", 2) || !strncmp(name, "br-", 3)))
			return 0;
	}
	return 1;
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

struct net_nic *net_add(struct net *n, const char *name, const char *mac, const char *file)
{
	struct net_nic *by_name = NULL, *by_mac = NULL, *c;

	if (n->edit || (!*name && !*mac))
		return NULL;
	for (size_t i = 0; i < n->n; i++) {
		if (*name && !strcmp(n->v[i].name, name))
			by_name = &n->v[i];
		if (*mac && !strcmp(n->v[i].mac, mac))
			by_mac = &n->v[i];
	}
	/* rules know a MAC's name; what configures the name may know the MAC */
	c = *name ? by_name : by_mac;
	if (!c && by_mac && !*by_mac->name)
		c = by_mac;
	if (!c) {
		if (n->n == NET_NICS_MAX)
			return NULL;
		c = &n->v[n->n++];
		memset(c, 0, sizeof *c);
	}
	if (!*c->name)
		snprintf(c->name, sizeof c->name, "%s", name);
	if (!*c->mac)
		snprintf(c->mac, sizeof c->mac, "%s", mac);
	if (!*c->file)
		snprintf(c->file, sizeof c->file, "%s", file);
	return c;
}

/* "eth0:1" and "eth0.5" are made on eth0. */
static void add_name(struct net *n, const char *word, size_t len, const char *file)
{
	char name[NET_NAME];

	len = len < strcspn(word, ".:@") ? len : strcspn(word, ".:@");
	if (!len || len >= sizeof name)
		return;
	memcpy(name, word, len);
	name[len] = 0;
	if (net_is_wired(name))
		net_add(n, name, "", file);
}

static void add_names(struct net *n, const char *s, const char *file)
{
	while (*s) {
		size_t len = strcspn(s, " \t\"',;");

		add_name(n, s, len, file);
		s += len;
		s += strspn(s, " \t\"',;");
	}
}

static const char *new_mac(const struct net *n, const char *old)
{
	for (size_t i = 0; i < n->n; i++)
		if (*n->v[i].new_mac && !strcmp(n->v[i].mac, old))
			return n->v[i].new_mac;
	return NULL;
}

/* Every old MAC of the line from `from` on becomes the new one, written alike;
 * the first one in *ret_first. */
static void macs(struct net *n, struct textfile *t, size_t from, char ret_first[NET_MAC])
{
	struct textbuf out = { 0 };
	const char *s = t->line + from, *better;
	char mac[NET_MAC];
	int changed = 0;

	textbuf_add(&out, t->line, from);
	while (*s) {
		size_t skip = net_mac(s, mac) ? 17 : 1;

		if (skip == 17 && ret_first && !*ret_first)
			strcpy(ret_first, mac);
		if (skip == 17 && n->edit && (better = new_mac(n, mac)) && strcmp(better, mac)) {
			int upper = strcspn(s, "ABCDEF") < 17;

			for (int i = 0; i < 17; i++)
				mac[i] = i % 3 == 2 ? s[2] : upper ?
					(char)toupper((unsigned char)better[i]) : better[i];
			textbuf_add(&out, mac, 17);
			changed = 1;
		} else {
			textbuf_add(&out, s, skip);
		}
		s += skip;
	}
	t->out.failed |= out.failed;
	if (changed && !out.failed)
		text_set(t, out.s);
	textbuf_done(&out);
}

static int commit(struct net *n, struct textfile *t, struct err *e)
{
	return n->edit ? text_commit(t, e, "the NIC that takes the old one's place has another "
				     "MAC") : 0;
}

/* ---- udev rules: ...ATTR{address}=="MAC"... NAME="eth0" ---- */

static int rules(void *ctx, const char *path, struct err *e)
{
	struct net *n = ctx;
	struct textfile t;
	int r = text_open(n->p, path, &t, e);

	while (r == 1 && text_next(&t)) {
		char mac[NET_MAC] = "", name[NET_NAME] = "";
		const char *at = strstr(t.line, "{address}"), *s;

		if (t.line[text_blanks(t.line)] == '#' || !at)
			continue;
		macs(n, &t, (size_t)(at - t.line), mac);
		/* SLES 10: IMPORT="/lib/udev/rename_netiface %k eth0" */
		s = strstr(t.line, "NAME=\"");
		s = s ? s + 6 : strstr(t.line, "rename_netiface %k ");
		if (s && !strncmp(s, "rename_", 7))
			s += strlen("rename_netiface %k ");
		if (s && strcspn(s, "\" ") < sizeof name)
			snprintf(name, sizeof name, "%.*s", (int)strcspn(s, "\" "), s);
		if (*mac && net_is_wired(name)) {
			net_add(n, name, mac, "");
			n->has_rules = 1;
		}
	}
	if (r == 1)
		r = commit(n, &t, e);
	text_close(&t);
	return r;
}

/* ---- INI-like: systemd's .link and .network, NetworkManager's keyfiles ---- */

struct ini {
	const char *sections[3], *mac_keys[3]; /* where a MAC is matched      */
	const char *name_section, *name_key;
	int is_link;
};

static const struct ini networkd = {
	.sections = { "[Match]" }, .mac_keys = { "MACAddress", "PermanentMACAddress" },
	.name_section = "[Match]", .name_key = "Name",
};
static const struct ini link_file = {
	.sections = { "[Match]" }, .mac_keys = { "MACAddress", "PermanentMACAddress" },
	.name_section = "[Link]", .name_key = "Name", .is_link = 1,
};
static const struct ini nm_keyfile = {
	.sections = { "[ethernet]", "[802-3-ethernet]" }, .mac_keys = { "mac-address" },
	.name_section = "[connection]", .name_key = "interface-name",
};

static int one_of(const char *const *l, const char *s)
{
	for (int i = 0; i < 3 && l[i]; i++)
		if (!strcmp(l[i], s))
			return 1;
	return 0;
}

/* "Key = value": 1 if it is that key; *ret_at: the value. */
static int ini_key(const char *line, const char *key, size_t *ret_at)
{
	const char *s = line + text_blanks(line);
	size_t n = strlen(key);

	if (strncmp(s, key, n))
		return 0;
	s += n + text_blanks(s + n);
	if (*s != '=')
		return 0;
	s++;
	*ret_at = (size_t)(s + text_blanks(s) - line);
	return 1;
}

static int ini(struct net *n, const struct ini *k, const char *path, struct err *e)
{
	char section[32] = "", mac[NET_MAC] = "", names[256] = "";
	struct textfile t;
	size_t at;
	int r = text_open(n->p, path, &t, e), other = 0;

	while (r == 1 && text_next(&t)) {
		const char *s = t.line + text_blanks(t.line);

		if (*s == '[')
			snprintf(section, sizeof section, "%.*s",
				 (int)strcspn(s, "]") + (strchr(s, ']') != NULL), s);
		for (int i = 0; one_of(k->sections, section) && i < 3 && k->mac_keys[i]; i++)
			if (ini_key(t.line, k->mac_keys[i], &at))
				macs(n, &t, at, mac);
		if (!strcmp(section, k->name_section) && ini_key(t.line, k->name_key, &at))
			snprintf(names, sizeof names, "%s", t.line + at);
		if (!strcmp(section, "[connection]") && ini_key(t.line, "type", &at))
			other = strcmp(t.line + at, "ethernet") &&
				strcmp(t.line + at, "802-3-ethernet");
	}
	if (!other && *mac && (!*names || net_is_wired(names))) {
		struct net_nic *c = net_add(n, names, mac, k->is_link ? "" : path);

		if (c && k->is_link)
			c->by_link = 1;
	} else if (!other && !k->is_link) {
		add_names(n, names, path);
	}
	if (r == 1)
		r = commit(n, &t, e);
	text_close(&t);
	return r;
}

static int network_file(void *ctx, const char *path, struct err *e)
{
	return ini(ctx, &networkd, path, e);
}

static int link_files(void *ctx, const char *path, struct err *e)
{
	return ini(ctx, &link_file, path, e);
}

static int keyfile(void *ctx, const char *path, struct err *e)
{
	return ini(ctx, &nm_keyfile, path, e);
}

/* ---- ifcfg-NAME: shell assignments ---- */

static int ifcfg(void *ctx, const char *path, struct err *e)
{
	struct net *n = ctx;
	const char *base = strrchr(path, '/') + 1;
	char mac[NET_MAC] = "", name[NET_NAME] = "", type[32] = "", list[256];
	struct textfile t;
	size_t at, len;
	int r;

	if (strncmp(base, "ifcfg-", 6) || strchr(base, '~') || strstr(base, ".rpm") ||
	    strstr(base, ".bak") || strstr(base, ".orig"))
		return 0;
	r = text_open(n->p, path, &t, e);
	while (r == 1 && text_next(&t)) {
		if (text_assignment(t.line, "HWADDR", &at, &len))
			macs(n, &t, at, mac);
		(void)(text_value(t.line, "DEVICE", name, sizeof name) ||
		       text_value(t.line, "TYPE", type, sizeof type));
		if (text_value(t.line, "BRIDGE_PORTS", list, sizeof list) ||
		    text_value(t.line, "BONDING_SLAVE0", list, sizeof list) ||
		    text_value(t.line, "BONDING_SLAVE1", list, sizeof list))
			add_names(n, list, path);
	}
	if (!*name)
		snprintf(name, sizeof name, "%.*s", NET_NAME - 1, base + 6);
	lower(type);
	if (*type && strcmp(type, "ethernet"))
		;
	else if (net_is_wired(name))
		net_add(n, name, mac, path);
	else
		add_name(n, name, strlen(name), path);
	if (r == 1)
		r = commit(n, &t, e);
	text_close(&t);
	return r;
}

/* ---- ifupdown: it has no MAC to match, only names ---- */

static int interfaces(void *ctx, const char *path, struct err *e)
{
	static const char *const keys[] = { "iface", "auto", "allow-hotplug", "allow-auto",
		"bridge_ports", "bridge-ports", "bond-slaves", "bond_slaves", "slaves",
		"vlan-raw-device", "vlan_raw_device" };
	struct net *n = ctx;
	struct textfile t;
	int r = text_open(n->p, path, &t, e);

	while (r == 1 && text_next(&t)) {
		const char *s = t.line + text_blanks(t.line);

		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
			const char *word = s + strlen(keys[i]);

			if (strncmp(s, keys[i], strlen(keys[i])) || !text_blanks(word))
				continue;
			word += text_blanks(word);
			if (i)
				add_names(n, word, path);
			else    /* its name only; "inet" and "dhcp" follow */
				add_name(n, word, text_word(word), path);
		}
	}
	text_close(&t);
	return r < 0 ? r : 0;
}

/* ---- netplan: YAML as people and installers write it, by indentation ---- */

struct yaml {
	int ethernets, name_at, match_at; /* columns; -1: not inside           */
	char id[NET_NAME], mac[NET_MAC], set_name[NET_NAME];
	int has_match;
};

/* "key: value" with or without quotes; 1 if it is that key. */
static int yaml_key(const char *s, const char *key, const char **ret_value)
{
	size_t n = strlen(key);

	if (strncmp(s, key, n) || s[n] != ':')
		return 0;
	*ret_value = s + n + 1 + text_blanks(s + n + 1);
	return 1;
}

static void yaml_text(const char *v, char *ret, size_t size)
{
	size_t n;

	v += *v == '"' || *v == '\'';
	n = strcspn(v, "\"' \t#,}:");
	snprintf(ret, size, "%.*s", (int)(n < size ? n : size - 1), v);
}

static void yaml_end(struct net *n, struct yaml *y, const char *path)
{
	if (*y->set_name && net_is_wired(y->set_name))
		net_add(n, y->set_name, y->mac, path);
	else if (y->has_match)
		net_add(n, "", y->mac, path);
	else if (net_is_wired(y->id))
		net_add(n, y->id, "", path);
	*y->id = *y->mac = *y->set_name = 0;
	y->has_match = 0;
	y->match_at = -1;
}

static void yaml_line(struct net *n, struct yaml *y, struct textfile *t)
{
	const char *s = t->line + text_blanks(t->line), *v, *at;
	int column = (int)(s - t->line);

	if (!*s || *s == '#')
		return;
	if (y->ethernets >= 0 && column <= y->ethernets) {
		yaml_end(n, y, t->path);
		y->ethernets = -1;
	}
	if (yaml_key(s, "ethernets", &v)) {
		y->ethernets = column;
		y->name_at = y->match_at = -1;
		return;
	}
	if (y->ethernets < 0)
		return;
	if (y->name_at < 0)
		y->name_at = column;
	if (column <= y->name_at) {
		yaml_end(n, y, t->path);
		yaml_text(s, y->id, sizeof y->id);
		return;
	}
	if (y->match_at >= 0 && column <= y->match_at)
		y->match_at = -1;
	if (yaml_key(s, "match", &v)) {
		y->match_at = column;
		y->has_match = 1;
	}
	if (yaml_key(s, "set-name", &v))
		yaml_text(v, y->set_name, sizeof y->set_name);
	if (y->match_at >= 0 && column > y->match_at && !*y->set_name && yaml_key(s, "name", &v))
		yaml_text(v, y->set_name, sizeof y->set_name);
	at = y->match_at >= 0 ? strstr(s, "macaddress:") : NULL;
	if (at)
		macs(n, t, (size_t)(at - t->line), y->mac);
}

static int netplan(void *ctx, const char *path, struct err *e)
{
	struct net *n = ctx;
	struct yaml y = { .ethernets = -1, .name_at = -1, .match_at = -1 };
	struct textfile t;
	int r = text_open(n->p, path, &t, e);

	while (r == 1 && text_next(&t))
		yaml_line(n, &y, &t);
	yaml_end(n, &y, path);
	if (r == 1)
		r = commit(n, &t, e);
	text_close(&t);
	return r;
}

/* ---- all ---- */

int net_files(struct net *n, struct err *e)
{
	static const struct {
		const char *path, *suffix; /* suffix NULL: path is a file        */
		int (*fn)(void *ctx, const char *path, struct err *e);
	} files[] = {
		{ "/etc/udev/rules.d/70-persistent-net.rules", NULL, rules },
		{ "/etc/udev/rules.d/30-net_persistent_names.rules", NULL, rules },
		{ "/etc/udev/rules.d/z25_persistent-net.rules", NULL, rules },
		{ "/etc/systemd/network", ".link", link_files },
		{ "/etc/systemd/network", ".network", network_file },
		{ "/etc/sysconfig/network-scripts", "", ifcfg },
		{ "/etc/sysconfig/network", "", ifcfg },
		{ "/etc/NetworkManager/system-connections", "", keyfile },
		{ "/etc/network/interfaces", NULL, interfaces },
		{ "/etc/network/interfaces.d", "", interfaces },
		{ "/etc/netplan", ".yaml", netplan },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		r = files[i].suffix ? text_each(n->p, files[i].path, files[i].suffix,
						files[i].fn, n, e) :
			files[i].fn(n, files[i].path, e);
	return r;
}
