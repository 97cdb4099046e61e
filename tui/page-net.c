/* page-net.c: the network: interfaces, and the address of one. */
#include <stdio.h>
#include <string.h>
#include "tui/page.h"

static int net_rows(const struct wiz *w)
{
	return (int)w->net.n;
}

/* The first of words separated by blanks. */
static void first_word(const char *s, struct text *t)
{
	char word[TEXT_MAX];

	snprintf(word, sizeof word, "%.*s", (int)strcspn(s, " "), s);
	text_put(t, word);
}

/* The form starts from what the interface has, if it is another than before. */
static enum wiz_act open_iface(struct wiz *w)
{
	const struct model_iface *f;

	if (!w->net.n)
		return wiz_beep(w, "No network interface was found.");
	f = &w->net.i[w->cur[P_NET]];
	if (strcmp(w->iface, f->name)) {
		memcpy(w->iface, f->name, sizeof w->iface);
		w->net_fixed = !strcmp(f->method, "static");
		first_word(f->addresses, &w->net_address);
		text_put(&w->net_gateway, w->net.gateway);
		text_put(&w->net_dns, w->net.dns);
		w->cur[P_IFACE] = 0;
	}
	return wiz_go(w, P_IFACE);
}

static enum wiz_act net_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	if (ev == EV_NEXT)
		return open_iface(w);
	if (ev == EV_CHAR && arg == 'r')
		return wiz_task_start(w, T_NET);
	return ACT_DEFAULT;
}

static void net_row(const struct wiz *w, struct canvas *c, int y, int i, int attr)
{
	const struct model_iface *f = &w->net.i[i];

	canvas_column(c, y, 4, 11, attr, f->name);
	canvas_column(c, y, 16, 6, attr, f->link ? "yes" : "no");
	canvas_column(c, y, 23, 8, attr, !strcmp(f->method, "dhcp") ? "DHCP" :
		      !strcmp(f->method, "static") ? "fixed" : "-");
	canvas_column(c, y, 32, 18, attr, f->mac);
	canvas_column(c, y, 51, c->cols - 53, attr, f->addresses[0] ? f->addresses : "none");
}

static void net_draw(const struct wiz *w, struct canvas *c)
{
	int y = draw_lead(c, "The network interfaces of this machine:");

	if (!w->net.n) {
		canvas_wrap(c, y, BODY_LEFT, body_width(c), body_last(c), 0, CELL_PLAIN,
			    "No network interface was found. Its driver may be missing "
			    "here; a USB network adapter is another way. 'r' looks again.");
		return;
	}
	canvas_text(c, y, 4, CELL_PLAIN, "Interface   Cable  How      MAC address        Addresses");
	y = draw_list(w, c, y + 1, 5, net_row);
	y = draw_fact(c, y + 1, "Gateway", "%s", w->net.gateway);
	draw_fact(c, y, "Name servers", "%s", w->net.dns);
}

const struct page page_net = {
	.title = "Network", .rows = net_rows, .event = net_event, .draw = net_draw,
	.keys = "Up/Down Move   Enter Change   r Look again   Esc Back   F1 Help",
	.help = "At start every interface with a cable asks for an address by DHCP. Enter "
		"changes one: ask again, or give it a fixed address.",
};

static const char *const methods[] = { "DHCP", "fixed address", NULL };
static const struct field fields[] = {
	{ FIELD_CHOICE, "How", offsetof(struct wiz, net_fixed),
	  "DHCP asks a server for everything; the other fields are then not used. Space "
	  "changes it.", methods },
	FIELD(FIELD_TEXT, "Address/prefix", net_address,
	      "As 192.0.2.10/24; /24 is the netmask 255.255.255.0."),
	FIELD(FIELD_TEXT, "Gateway", net_gateway, "As 192.0.2.1. Empty: none."),
	FIELD(FIELD_TEXT, "Name server", net_dns, "As 192.0.2.53. Empty: none."),
};

/* Only the characters of addresses; `slash`: with a prefix length. */
static bool address_bad(const char *s, bool slash)
{
	const char *at = strchr(s, '/');
	size_t len = strspn(s, "0123456789abcdefABCDEF.:");

	if (slash)
		return !at || at != s + len || !len || !at[1] ||
		       strspn(at + 1, "0123456789") != strlen(at + 1) || strlen(at) > 4;
	return s[len] != 0;
}

static enum wiz_act wrong(struct wiz *w, int field, const char *text)
{
	w->cur[P_IFACE] = field;
	return wiz_beep(w, "%s", text);
}

static enum wiz_act iface_event(struct wiz *w, enum wiz_ev ev, int arg)
{
	(void)arg;
	if (ev != EV_NEXT)
		return ACT_DEFAULT;
	if (w->net_fixed && address_bad(w->net_address.s, true))
		return wrong(w, 1, "Write the address with its prefix, as 192.0.2.10/24.");
	if (w->net_fixed && address_bad(w->net_gateway.s, false))
		return wrong(w, 2, "Write the gateway's address, as 192.0.2.1, or nothing.");
	if (w->net_fixed && address_bad(w->net_dns.s, false))
		return wrong(w, 3, "Write one address, as 192.0.2.53, or nothing.");
	return wiz_task_start(w, T_NET_SET);
}

static void iface_draw(const struct wiz *w, struct canvas *c)
{
	char lead[100];

	snprintf(lead, sizeof lead, "How does %s get its address?", w->iface);
	draw_form(w, c, draw_lead(c, lead));
}

const struct page page_iface = {
	.title = "Network: interface", .fields = fields,
	.nfields = sizeof fields / sizeof *fields, .event = iface_event,
	.draw = iface_draw,
	.keys = "Tab/Up/Down Field   Space Change   Enter Apply   Esc Back   F1 Help",
	.help = "A fixed address lasts until the machine is restarted; nothing is stored "
		"on any disk.",
};
