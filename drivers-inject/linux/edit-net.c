/* edit-net.c: lin_plan_net: the NIC that takes an old one's place gets its name,
 * and what the guest says about the old MAC is said about the new one. */
#include <stdio.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/net.h"

#define LINK_DIR "/etc/systemd/network"
#define RULES "/etc/udev/rules.d/70-persistent-net.rules"

/* systemd's udev (209 on) names NICs by .link files; it came with one. */
static int has_link_files(const struct lin *l)
{
	return root_has_file(l->root, "/usr/lib/systemd/network/99-default.link") ||
	       root_has_file(l->root, "/lib/systemd/network/99-default.link");
}

/* udev before that: rules that a generator writes, one a NIC. */
static int has_rules_generator(const struct lin *l)
{
	static const char *const files[] = {
		"/lib/udev/rules.d/75-persistent-net-generator.rules",
		"/usr/lib/udev/rules.d/75-persistent-net-generator.rules",
		"/etc/udev/rules.d/75-persistent-net-generator.rules",
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (root_has_file(l->root, files[i]))
			return 1;
	return 0;
}

static int link_file(struct net *n, const struct net_nic *c, struct err *e)
{
	char path[128], text[256];

	snprintf(path, sizeof path, LINK_DIR "/10-rehost-%s.link", c->name);
	snprintf(text, sizeof text, "# The NIC that takes the place of the old machine's %s.\n"
		 "[Match]\nMACAddress=%s\n\n[Link]\nName=%s\n", c->name, c->new_mac, c->name);
	return plan_write(n->p, path, text, strlen(text), e, "the NIC %s shall be called %s, as "
			  "the old one in the guest's configuration", c->new_mac, c->name);
}

/* 1: the rules, as they will be, give that name to that MAC. */
static int has_rule(struct net *n, const struct net_nic *c)
{
	struct textfile t;
	char name[32], mac[NET_MAC];
	int found = 0;

	snprintf(name, sizeof name, "NAME=\"%s\"", c->name);
	if (text_open(n->p, RULES, &t, NULL) == 1)
		while (!found && text_next(&t)) {
			const char *at = strstr(t.line, "{address}==\"");

			found = at && t.line[text_blanks(t.line)] != '#' && strstr(t.line, name) &&
				net_mac(at + 12, mac) && !strcmp(mac, c->new_mac);
		}
	text_close(&t);
	return found;
}

/* A rule as udev's own generator writes them. */
static int add_rule(struct net *n, const struct net_nic *c, struct err *e)
{
	cleanup_free char *text = NULL;
	struct textbuf out = { 0 };
	char rule[256];
	size_t len = 0;
	int r;

	if (has_rule(n, c))
		return 0;
	r = plan_read(n->p, RULES, &text, &len, e);
	if (r && r != ERR_NOT_FOUND)
		return r;
	snprintf(rule, sizeof rule, "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", "
		 "ATTR{address}==\"%s\", ATTR{dev_id}==\"0x0\", ATTR{type}==\"1\", NAME=\"%s\"\n",
		 c->new_mac, c->name);
	textbuf_add(&out, text ? text : "", len);
	if (len && text[len - 1] != '\n')
		textbuf_str(&out, "\n");
	textbuf_str(&out, rule);
	r = out.failed ? err_set(e, ERR_NOMEM, "out of memory") :
		plan_write(n->p, RULES, out.s, out.n, e, "the NIC %s shall be called %s, as the old "
			   "one in the guest's configuration", c->new_mac, c->name);
	textbuf_done(&out);
	return r;
}

/* The same NIC, which this system's udev calls the same: nothing moved. */
static int is_unmoved(const struct net *n, const struct net_nic *c)
{
	const struct hw *t = n->w->target;

	/* the kernel's own names come as they come */
	if (strcmp(c->mac, c->new_mac) || !strncmp(c->name, "eth", 3))
		return 0;
	for (size_t i = 0; t && i < t->n_nics; i++) {
		char mac[NET_MAC];

		if (net_mac(t->nic[i].mac, mac) && !strcmp(mac, c->new_mac))
			return !strcmp(t->nic[i].ifname, c->name);
	}
	return 0;
}

static int name_nic(struct net *n, const struct net_nic *c, struct err *e)
{
	if (!*c->name || !*c->new_mac || is_unmoved(n, c))
		return 0;
	plan_note(n->p, "%s will be the NIC %s%s%s", c->name, c->new_mac,
		  *c->mac && strcmp(c->mac, c->new_mac) ? ", in the place of " : "",
		  *c->mac && strcmp(c->mac, c->new_mac) ? c->mac : "");
	if (has_link_files(n->l))
		return c->by_link ? 0 : link_file(n, c, e);
	if (n->has_rules || has_rules_generator(n->l))
		return add_rule(n, c, e);
	if (strcmp(c->name, "eth0"))
		plan_warn(n->p, "nothing in this guest gives NICs their names (no udev that can): "
			  "check that %s is still called so", c->name);
	return 0;
}

/* Names that the kernel gives itself can't be exchanged among NICs by udev. */
static void warn_kernel_names(struct net *n)
{
	int count = 0;

	for (size_t i = 0; i < n->n; i++)
		count += *n->v[i].new_mac && !strncmp(n->v[i].name, "eth", 3);
	if (count > 1 && has_link_files(n->l))
		plan_warn(n->p, "several NICs keep names such as eth0, which the kernel gives too: udev "
			  "can't rename one to a name that another still has; check them after "
			  "the first start");
}

/* Configuration that stays with a MAC which no NIC has. */
static void tell_left(struct net *n)
{
	for (size_t i = 0; i < n->n; i++)
		if (!*n->v[i].new_mac && *n->v[i].file && *n->v[i].mac && n->w->target &&
		    n->w->target->n_nics)
			plan_note(n->p, "%s still names the MAC %s", n->v[i].file, n->v[i].mac);
}

int lin_plan_net(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		 struct err *e)
{
	struct net n = { .l = l, .w = w, .p = p };
	int r = net_files(&n, e);

	if (!r)
		r = net_map(&n, e);
	n.edit = 1;
	if (!r)
		r = net_files(&n, e);
	for (size_t i = 0; i < n.n && !r; i++)
		r = name_nic(&n, &n.v[i], e);
	if (!r) {
		warn_kernel_names(&n);
		tell_left(&n);
	}
	return r;
}

static int has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && !strcmp(s + n - k, suffix);
}

int lin_net_link_files(struct plan *p, struct strv *paths)
{
	static const char dir[] = LINK_DIR "/";
	struct strv names = { 0 };
	int r = 0;

	if (!root_list(p->root, LINK_DIR, &names, NULL))
		for (size_t i = 0; i < names.n && !r; i++) {
			char path[PATH_MAX];

			snprintf(path, sizeof path, "%s%s", dir, names.v[i]);
			if (has_suffix(path, ".link") && !strv_has(paths, path) &&
			    plan_has(p, path))
				r = strv_add(paths, path);
		}
	strv_done(&names);
	for (size_t i = 0; i < p->n && !r; i++)
		if (p->v[i].kind == EDIT_WRITE && !strncmp(p->v[i].path, dir, sizeof dir - 1) &&
		    has_suffix(p->v[i].path, ".link") && !strv_has(paths, p->v[i].path))
			r = strv_add(paths, p->v[i].path);
	if (!r && !strv_has(paths, RULES) && plan_has(p, RULES))
		r = strv_add(paths, RULES);
	return r ? ERR_NOMEM : 0;
}
