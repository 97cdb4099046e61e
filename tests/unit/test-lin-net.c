/* test-lin-net: names and MACs of NICs in each network system's files. */
#include "plantree.h"
#include "drivers-inject/linux/net.h"

#define OLD "00:0c:29:aa:bb:cc"
#define NEW "52:54:00:12:34:56"
#define LINK(name, mac) "# The NIC that takes the place of the old machine's " name ".\n[Match]\nMACAddress=" \
	mac "\n\n[Link]\nName=" name "\n"

static char nic_name[] = "a NIC";

static void nics(struct plantree *t, size_t n, const char *const *macs)
{
	free(t->target.nic);
	t->target.nic = calloc(n + 1, sizeof *t->target.nic);
	t->target.n_nics = n;
	for (size_t i = 0; i < n; i++) {
		strcpy(t->target.nic[i].mac, macs[i]);
		sprintf(t->target.nic[i].ifname, "eth%zu", i);
		t->target.nic[i].name = nic_name;
		t->target.nic[i].has_link = -1;
	}
}

static void start(struct plantree *t, int systemd)
{
	static const char *const one[] = { NEW };

	tree_new(t);
	if (systemd)
		tree_put(t, "/usr/lib/systemd/network/99-default.link", "[Link]\n");
	nics(t, 1, one);
}

/* One file of a system whose only NIC is replaced; name: what it is called. */
static void moves(const char *path, const char *text, const char *want, const char *name)
{
	struct plantree t;
	char link[128], content[256];

	start(&t, 1);
	tree_put(&t, path, text);
	tree_run(&t, lin_plan_net);
	tree_is(&t, path, want ? want : text);
	tree_silent(&t, warnings);
	snprintf(link, sizeof link, "/etc/systemd/network/10-rehost-%s.link", name ? name : "");
	snprintf(content, sizeof content, "# The NIC that takes the place of the old machine's %s.\n"
		 "[Match]\nMACAddress=" NEW "\n\n[Link]\nName=%s\n", name ? name : "", name ? name : "");
	tree_is(&t, link, name ? content : NULL);
	if (!name)
		assert_false(root_has_dir(t.root, "/etc/systemd/network"));
	tree_free(&t);
}

static void test_ifupdown(void **state)
{
	(void)state;
	moves("/etc/network/interfaces",
	      "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n\n"
	      "allow-hotplug enp0s3\niface enp0s3 inet dhcp\n  hwaddress ether " OLD "\n", NULL, "enp0s3");
	moves("/etc/network/interfaces.d/eth", "auto eth0 eth0:1\niface eth0.5 inet dhcp\n", NULL, "eth0");
	moves("/etc/network/interfaces", "auto br0\niface br0 inet dhcp\n\tbridge_ports ens192\n", NULL, "ens192");
	moves("/etc/network/interfaces", "auto lo wlan0\niface wlan0 inet dhcp\n", NULL, NULL);
}

static void test_ifcfg(void **state)
{
	(void)state;
	moves("/etc/sysconfig/network-scripts/ifcfg-eth0",
	      "DEVICE=eth0\nHWADDR=\"00:0C:29:AA:BB:CC\"\nTYPE=Ethernet\nMACADDR=" OLD "\nONBOOT=yes\n",
	      "DEVICE=eth0\nHWADDR=\"" NEW "\"\nTYPE=Ethernet\nMACADDR=" OLD "\nONBOOT=yes\n", "eth0");
	moves("/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\nSTARTMODE='auto'\n", NULL, "eth0");
	moves("/etc/sysconfig/network/ifcfg-br0", "BRIDGE='yes'\nBRIDGE_PORTS='em1'\n", NULL, "em1");
	moves("/etc/sysconfig/network-scripts/ifcfg-lo", "DEVICE=lo\n", NULL, NULL);
	moves("/etc/sysconfig/network-scripts/ifcfg-eth0.bak", "DEVICE=eth0\n", NULL, NULL);
}

static void test_networkmanager(void **state)
{
	(void)state;
	moves("/etc/NetworkManager/system-connections/Wired.nmconnection",
	      "[connection]\nid=Wired\ntype=ethernet\ninterface-name=ens3\n\n[ethernet]\nmac-address=00:0C:29:AA:BB:CC\n"
	      "cloned-mac-address=" OLD "\n",
	      "[connection]\nid=Wired\ntype=ethernet\ninterface-name=ens3\n\n[ethernet]\nmac-address=" NEW "\n"
	      "cloned-mac-address=" OLD "\n", "ens3");
	/* by MAC only: there is no name to keep */
	moves("/etc/NetworkManager/system-connections/Wired",
	      "[connection]\ntype=802-3-ethernet\n[802-3-ethernet]\nmac-address = " OLD "\n",
	      "[connection]\ntype=802-3-ethernet\n[802-3-ethernet]\nmac-address = " NEW "\n", NULL);
	moves("/etc/NetworkManager/system-connections/W", "[connection]\ntype=wifi\n[wifi]\nmac-address=" OLD "\n",
	      NULL, NULL);
}

static void test_netplan(void **state)
{
	(void)state;
	moves("/etc/netplan/00-installer-config.yaml",
	      "# This is the network config\nnetwork:\n  ethernets:\n    enp0s3:\n      dhcp4: true\n  version: 2\n",
	      NULL, "enp0s3");
	moves("/etc/netplan/50-cloud-init.yaml",
	      "network:\n    version: 2\n    ethernets:\n        lan:\n            match:\n"
	      "                macaddress: \"" OLD "\"\n            dhcp4: true\n            macaddress: " OLD "\n"
	      "            set-name: ens3\n    bridges:\n        br0:\n            macaddress: " OLD "\n",
	      "network:\n    version: 2\n    ethernets:\n        lan:\n            match:\n"
	      "                macaddress: \"" NEW "\"\n            dhcp4: true\n            macaddress: " OLD "\n"
	      "            set-name: ens3\n    bridges:\n        br0:\n            macaddress: " OLD "\n", "ens3");
	moves("/etc/netplan/x.yaml", "network:\n  ethernets:\n    any:\n      match: {macaddress: " OLD "}\n      dhcp4: true\n",
	      "network:\n  ethernets:\n    any:\n      match: {macaddress: " NEW "}\n      dhcp4: true\n", NULL);
	moves("/etc/netplan/x.yaml", "network:\n  ethernets:\n    all:\n      match:\n        name: \"en*\"\n      dhcp4: true\n",
	      NULL, NULL);
}

static void test_networkd(void **state)
{
	struct plantree t;
	struct strv paths = { 0 };

	(void)state;
	moves("/etc/systemd/network/20-wired.network", "[Match]\nName=enp1s0\n[Network]\nDHCP=yes\n", NULL, "enp1s0");
	start(&t, 1);
	tree_put(&t, "/etc/systemd/network/20-wired.network", "[Match]\nMACAddress=" OLD "\n[Link]\nMACAddress=" OLD "\n");
	tree_put(&t, "/etc/systemd/network/10-lan.link", "[Match]\nMACAddress=" OLD "\r\n[Link]\nName=lan0\r\n");
	tree_put(&t, "/etc/network/interfaces", "auto lan0\niface lan0 inet dhcp\n");
	tree_plan(&t, lin_plan_net, NULL);
	assert_int_equal(lin_net_link_files(t.plan, &paths), 0);
	assert_int_equal(paths.n, 1);
	assert_string_equal(paths.v[0], "/etc/systemd/network/10-lan.link");
	tree_apply(&t);
	tree_plan_again(&t, lin_plan_net, NULL);
	tree_is(&t, "/etc/systemd/network/20-wired.network",
		"[Match]\nMACAddress=" NEW "\n[Link]\nMACAddress=" OLD "\n");
	tree_is(&t, "/etc/systemd/network/10-lan.link", "[Match]\nMACAddress=" NEW "\r\n[Link]\nName=lan0\r\n");
	tree_is(&t, "/etc/systemd/network/10-rehost-lan0.link", NULL);
	strv_done(&paths);
	tree_free(&t);
}

#define RULE(mac, name) "SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" mac \
	"\", ATTR{dev_id}==\"0x0\", ATTR{type}==\"1\", KERNEL==\"eth*\", NAME=\"" name "\"\n"

static void test_rules(void **state)
{
	static const char rules[] = "# PCI device 0x8086:0x100e (e1000)\n" RULE(OLD, "eth0") RULE("00:00:00:00:00:09", "eth1");
	struct plantree t;
	struct strv paths = { 0 };

	(void)state;
	/* RHEL 6: both the rule and HWADDR */
	start(&t, 0);
	tree_put(&t, "/etc/udev/rules.d/70-persistent-net.rules", rules);
	tree_put(&t, "/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nHWADDR=" OLD "\n");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/udev/rules.d/70-persistent-net.rules",
		"# PCI device 0x8086:0x100e (e1000)\n" RULE(NEW, "eth0") RULE("00:00:00:00:00:09", "eth1"));
	tree_is(&t, "/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nHWADDR=" NEW "\n");
	assert_int_equal(t.plan->n, 2);
	tree_silent(&t, warnings);
	assert_int_equal(lin_net_link_files(t.plan, &paths), 0);
	assert_int_equal(paths.n, 1);
	strv_done(&paths);
	tree_free(&t);
	/* Debian 7: the generator is there, a rule not yet */
	start(&t, 0);
	tree_put(&t, "/lib/udev/rules.d/75-persistent-net-generator.rules", "");
	tree_put(&t, "/etc/network/interfaces", "auto eth3\niface eth3 inet dhcp\n");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/udev/rules.d/70-persistent-net.rules",
		"SUBSYSTEM==\"net\", ACTION==\"add\", DRIVERS==\"?*\", ATTR{address}==\"" NEW
		"\", ATTR{dev_id}==\"0x0\", ATTR{type}==\"1\", NAME=\"eth3\"\n");
	tree_free(&t);
	/* SLES 10 */
	start(&t, 0);
	tree_put(&t, "/etc/udev/rules.d/30-net_persistent_names.rules",
		 "SUBSYSTEM==\"net\", ACTION==\"add\", SYSFS{address}==\"" OLD "\", IMPORT=\"/lib/udev/rename_netiface %k eth0\"\n");
	tree_put(&t, "/etc/sysconfig/network/ifcfg-eth0", "BOOTPROTO='dhcp'\n");
	tree_plan(&t, lin_plan_net, NULL);
	tree_apply(&t);
	tree_is(&t, "/etc/udev/rules.d/30-net_persistent_names.rules",
		"SUBSYSTEM==\"net\", ACTION==\"add\", SYSFS{address}==\"" NEW "\", IMPORT=\"/lib/udev/rename_netiface %k eth0\"\n");
	tree_free(&t);
	/* Alpine: no udev at all */
	start(&t, 0);
	tree_put(&t, "/etc/network/interfaces", "auto eth1\niface eth1 inet dhcp\n");
	tree_run(&t, lin_plan_net);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "eth1");
	tree_free(&t);
}

static void test_mapping(void **state)
{
	static const char *const two[] = { "52:54:00:00:00:01", "52:54:00:00:00:02" };
	struct plantree t;

	(void)state;
	start(&t, 1);
	nics(&t, 2, two);
	tree_put(&t, "/etc/network/interfaces", "auto ens10 ens9\n");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/systemd/network/10-rehost-ens9.link", LINK("ens9", "52:54:00:00:00:01"));
	tree_is(&t, "/etc/systemd/network/10-rehost-ens10.link", LINK("ens10", "52:54:00:00:00:02"));
	tree_says(&t, warnings, "only because of the order");
	tree_free(&t);
	/* one of two has a cable */
	start(&t, 1);
	nics(&t, 2, two);
	t.target.nic[1].has_link = 1;
	tree_put(&t, "/etc/network/interfaces", "auto ens9\n");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/systemd/network/10-rehost-ens9.link", LINK("ens9", "52:54:00:00:00:02"));
	tree_silent(&t, warnings);
	tree_free(&t);
	/* not clear */
	start(&t, 1);
	nics(&t, 2, two);
	tree_put(&t, "/etc/network/interfaces", "auto ens9\n");
	tree_run(&t, lin_plan_net);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "the guest has ens9, the new machine 52:54:00:00:00:01 (a NIC), 52:54:00:00:00:02");
	/* by hand */
	strv_add(&t.wishes.nics, "ens9=52-54-00-00-00-02");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/systemd/network/10-rehost-ens9.link", LINK("ens9", "52:54:00:00:00:02"));
	tree_silent(&t, warnings);
	strv_add(&t.wishes.nics, "ens9=nonsense");
	plan_free(t.plan);
	t.plan = plan_new(t.root);
	assert_int_equal(lin_plan_net(&t.lin, &t.wishes, t.plan, &t.e), ERR_USAGE);
	tree_free(&t);
	/* a profile */
	start(&t, 1);
	nics(&t, 0, NULL);
	tree_put(&t, "/etc/network/interfaces", "auto ens9\n");
	tree_run(&t, lin_plan_net);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, notes, "/etc/network/interfaces configures ens9; the NICs of kvm");
	tree_free(&t);
	/* the same MAC in another slot, and the old machine's inventory */
	start(&t, 1);
	t.old.nic = calloc(1, sizeof *t.old.nic);
	t.old.n_nics = 1;
	strcpy(t.old.nic->mac, "52:54:00:00:00:02");
	strcpy(t.old.nic->ifname, "ens9");
	t.wishes.old = &t.old;
	nics(&t, 2, two);
	tree_put(&t, "/etc/network/interfaces", "auto ens9\n");
	tree_run(&t, lin_plan_net);
	tree_is(&t, "/etc/systemd/network/10-rehost-ens9.link", LINK("ens9", "52:54:00:00:00:02"));
	tree_free(&t);
}

static void test_unmoved(void **state)
{
	struct plantree t;

	(void)state;
	start(&t, 1);
	strcpy(t.target.nic->ifname, "ens9");
	tree_put(&t, "/etc/sysconfig/network-scripts/ifcfg-ens9", "DEVICE=ens9\nHWADDR=" NEW "\n");
	tree_run(&t, lin_plan_net);
	assert_int_equal(t.plan->n, 0);
	tree_free(&t);
}

static void test_hostile(void **state)
{
	static char big[1 << 20];
	static const char nul[] = "auto \0eth0\n\0\n";
	struct plantree t;
	char mac[NET_MAC], name[64];

	(void)state;
	assert_false(net_mac("00:0c:29:aa:bb:c", mac));
	assert_false(net_mac("00:0c:29:aa:bb:cc:dd", mac));
	assert_false(net_mac("00:0c:29:aa:bb:gg", mac));
	assert_true(net_mac("00-0C-29-AA-BB-CC\"", mac));
	assert_string_equal(mac, OLD);
	assert_false(net_is_wired("eth0/../../x"));
	assert_false(net_is_wired("eth0 eth1"));
	assert_false(net_is_wired("a-name-that-is-too-long"));
	start(&t, 1);
	memset(big, 'e', sizeof big - 1);
	memcpy(big, "auto ", 5);
	tree_put(&t, "/etc/network/interfaces", big);
	tree_put_bytes(&t, "/etc/network/interfaces.d/nul", nul, sizeof nul - 1);
	memcpy(big, "[[[[\n", 5);
	tree_put(&t, "/etc/systemd/network/a.network", big);
	tree_put(&t, "/etc/netplan/a.yaml", big);
	tree_put(&t, "/etc/netplan/b.yaml", "ethernets:\nethernets:\n \n  :\n   match:\n    macaddress:\n x");
	tree_link(&t, "/etc/sysconfig/network-scripts/ifcfg-loop", "ifcfg-loop");
	tree_link(&t, "/etc/NetworkManager/system-connections/up", "../../../../../../etc/shadow");
	for (int i = 0; i < 100; i++) {
		sprintf(name, "/etc/sysconfig/network/ifcfg-eth%d", i);
		tree_put(&t, name, "");
	}
	tree_run(&t, lin_plan_net);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, warnings, "not clear");
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ifupdown),
		cmocka_unit_test(test_ifcfg),
		cmocka_unit_test(test_networkmanager),
		cmocka_unit_test(test_netplan),
		cmocka_unit_test(test_networkd),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_unmoved),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
