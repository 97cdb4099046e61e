/* test-lin-identity: host name, what makes a machine itself, other hypervisors'
 * tools, SELinux's labels. */
#include "plantree.h"

static void rename_to(struct plantree *t, const char *old, const char *name)
{
	tree_new(t);
	strcpy(t->lin.hostname, old);
	t->wishes.hostname = name;
}

static void test_hostname(void **state)
{
	struct plantree t;

	(void)state;
	rename_to(&t, "old", "new-1");
	tree_put(&t, "/etc/hostname", "# a comment\nold\n");
	tree_put(&t, "/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\told.example.com\told # old\n"
		 "10.0.0.7 older old\n::1 localhost ip6-localhost\n");
	tree_put(&t, "/etc/mailname", "old.example.com\n");
	tree_put(&t, "/etc/cloud/cloud.cfg", "preserve_hostname: false\n");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/hostname", "# a comment\nnew-1\n");
	tree_is(&t, "/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tnew-1.example.com\tnew-1 # old\n"
		"10.0.0.7 older new-1\n::1 localhost ip6-localhost\n");
	tree_says(&t, notes, "/etc/mailname");
	tree_says(&t, notes, "cloud-init");
	tree_free(&t);
	/* SUSE: the name with its domain */
	rename_to(&t, "", "new");
	tree_put(&t, "/etc/HOSTNAME", "old.site");
	tree_put(&t, "/etc/sysconfig/network/config", "");
	tree_put(&t, "/etc/hosts", "127.0.0.2 old.site old\n");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/HOSTNAME", "new.site");
	tree_is(&t, "/etc/hosts", "127.0.0.2 new.site new\n");
	tree_is(&t, "/etc/hostname", NULL);
	tree_free(&t);
	/* Red Hat up to 6 */
	rename_to(&t, "old.example.com", "new.example.org");
	tree_put(&t, "/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=\"old.example.com\"\n");
	tree_put(&t, "/etc/hosts", "10.0.0.5 old\n10.0.0.5 old.example.com old\n");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=new.example.org\n");
	tree_is(&t, "/etc/hosts", "10.0.0.5 new.example.org new\n10.0.0.5 new.example.org new\n");
	tree_free(&t);
	/* nothing there; localhost is everybody's name */
	rename_to(&t, "localhost", "new");
	tree_put(&t, "/etc/hosts", "127.0.0.1 localhost localhost.localdomain");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/hostname", "new\n");
	tree_is(&t, "/etc/hosts", "127.0.0.1 localhost localhost.localdomain");
	tree_free(&t);
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = { "", "a b", "-a", "a-", "a..b", "a\nb", ".a", "\xc3\xa4",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggg" };
	struct plantree t;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rename_to(&t, "old", bad[i]);
		t.plan = plan_new(t.root);
		if (lin_plan_identity(&t.lin, &t.wishes, t.plan, &t.e) != ERR_USAGE || t.plan->n)
			fail_msg("'%s' is taken", bad[i]);
		tree_free(&t);
	}
}

static void common_files(struct plantree *t)
{
	static const char *const files[] = { "/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_rsa_key.pub",
		"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/sshd_config", "/var/lib/systemd/random-seed",
		"/var/lib/systemd/credential.secret", "/var/lib/NetworkManager/secret_key",
		"/var/lib/NetworkManager/internal-1234-eth0.lease", "/var/lib/NetworkManager/timestamps",
		"/var/lib/dhcp/dhclient.eth0.leases", "/var/lib/dhcp/dhcpd.leases", "/var/lib/wicked/duid.xml",
		"/usr/bin/ssh-keygen" };

	tree_new(t);
	t->wishes.new_identity = 1;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		tree_put(t, files[i], "x");
	tree_put(t, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
}

static void test_new_identity(void **state)
{
	struct plantree t;

	(void)state;
	common_files(&t);
	tree_put(&t, "/usr/lib/systemd/systemd", "");
	tree_link(&t, "/var/lib/dbus/machine-id", "/etc/machine-id");
	tree_put(&t, "/etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.1993-08.org.debian:01:x\n");
	tree_put(&t, "/lib/open-iscsi/startup-checks.sh", "");
	tree_put(&t, "/etc/pki/consumer/cert.pem", "");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/machine-id", "");
	assert_true(root_exists(t.root, "/var/lib/dbus/machine-id"));
	tree_is(&t, "/etc/ssh/ssh_host_rsa_key", NULL);
	tree_is(&t, "/etc/ssh/ssh_host_rsa_key.pub", NULL);
	tree_is(&t, "/etc/ssh/ssh_host_ed25519_key", NULL);
	tree_is(&t, "/etc/ssh/sshd_config", "x");
	tree_is(&t, "/var/lib/systemd/random-seed", NULL);
	tree_is(&t, "/var/lib/systemd/credential.secret", NULL);
	tree_is(&t, "/var/lib/NetworkManager/secret_key", NULL);
	tree_is(&t, "/var/lib/NetworkManager/internal-1234-eth0.lease", NULL);
	tree_is(&t, "/var/lib/NetworkManager/timestamps", "x");
	tree_is(&t, "/var/lib/dhcp/dhclient.eth0.leases", NULL);
	tree_is(&t, "/var/lib/dhcp/dhcpd.leases", "x");
	tree_is(&t, "/var/lib/wicked/duid.xml", NULL);
	tree_is(&t, "/etc/iscsi/initiatorname.iscsi", "GenerateName=yes\n");
	/* Debian 12 makes no keys by itself */
	assert_true(root_has_file(t.root, "/etc/systemd/system/multi-user.target.wants/rehost-ssh-keys.service"));
	tree_says(&t, notes, "/etc/pki/consumer");
	tree_silent(&t, warnings);
	tree_free(&t);
	/* Fedora does */
	common_files(&t);
	tree_put(&t, "/usr/lib/systemd/systemd", "");
	tree_put(&t, "/usr/lib/systemd/system/sshd-keygen@.service", "");
	tree_put(&t, "/var/lib/dbus/machine-id", "x\n");
	tree_put(&t, "/etc/credstore.encrypted/secret", "x");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/ssh/ssh_host_rsa_key", NULL);
	tree_is(&t, "/etc/systemd/system/rehost-ssh-keys.service", NULL);
	tree_is(&t, "/var/lib/dbus/machine-id", NULL);
	tree_is(&t, "/var/lib/systemd/credential.secret", "x");
	tree_free(&t);
	/* Debian 7: nothing would */
	common_files(&t);
	tree_put(&t, "/etc/machine-id", "uninitialized\n");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/ssh/ssh_host_rsa_key", "x");
	tree_says(&t, warnings, "SSH host keys");
	tree_is(&t, "/etc/machine-id", "uninitialized\n");
	tree_free(&t);
	/* RHEL 6: the init script */
	common_files(&t);
	tree_put(&t, "/etc/rc.d/init.d/sshd", "KEYGEN=/usr/bin/ssh-keygen\n");
	tree_put(&t, "/etc/lvm/lvm.conf", "global {\n\tsystem_id_source = \"machineid\"\n}\n");
	tree_run(&t, lin_plan_identity);
	tree_is(&t, "/etc/ssh/ssh_host_rsa_key", NULL);
	tree_says(&t, problems, "machine-id");
	tree_free(&t);
	/* not asked for */
	common_files(&t);
	t.wishes.new_identity = 0;
	tree_run(&t, lin_plan_identity);
	assert_int_equal(t.plan->n, 0);
	tree_free(&t);
}

static void tools(struct plantree *t, const char *target, int remove)
{
	tree_new(t);
	strcpy(t->target.name, target);
	t->wishes.remove_tools = remove;
	tree_put(t, "/usr/lib/systemd/systemd", "");
	tree_put(t, "/lib/systemd/system/open-vm-tools.service", "");
	tree_link(t, "/etc/systemd/system/vmtoolsd.service", "/lib/systemd/system/open-vm-tools.service");
	tree_put(t, "/etc/systemd/system/qemu-guest-agent.service", "own");
	tree_put(t, "/etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service", "");
	tree_put(t, "/etc/init.d/xe-linux-distribution", "");
	tree_put(t, "/etc/rc2.d/S14xe-linux-distribution", "");
	tree_put(t, "/etc/rc2.d/S15xe-linux-distribution-not", "");
	tree_put(t, "/etc/modprobe.d/vmware-tools.conf", "");
	tree_put(t, "/lib/systemd/system/walinuxagent.service", "");
}

static void test_leftovers(void **state)
{
	struct hw_link link = { .modalias = (char []){ "virtio:d00000002v00001AF4" } };
	struct hw_path path = { .v = &link, .n = 1 };
	struct plantree t;
	char target[PATH_MAX];

	(void)state;
	tools(&t, "kvm", 1);
	tree_run(&t, lin_plan_leftovers);
	assert_int_equal(root_readlink(t.root, "/etc/systemd/system/open-vm-tools.service", target, NULL), 0);
	assert_string_equal(target, "/dev/null");
	assert_int_equal(root_readlink(t.root, "/etc/systemd/system/vmtoolsd.service", target, NULL), 0);
	assert_string_equal(target, "/dev/null");
	assert_int_equal(root_readlink(t.root, "/etc/systemd/system/xe-linux-distribution.service", target, NULL), 0);
	tree_is(&t, "/etc/rc2.d/S14xe-linux-distribution", NULL);
	tree_is(&t, "/etc/rc2.d/S15xe-linux-distribution-not", "");
	tree_is(&t, "/etc/modprobe.d/vmware-tools.conf", NULL);
	tree_is(&t, "/etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service", "");
	tree_says(&t, notes, "walinuxagent");
	tree_free(&t);

	tools(&t, "vmware", 1);
	tree_run(&t, lin_plan_leftovers);
	tree_is(&t, "/etc/modprobe.d/vmware-tools.conf", "");
	tree_is(&t, "/etc/systemd/system/qemu-guest-agent.service", "own");
	tree_is(&t, "/etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service", NULL);
	tree_free(&t);

	tools(&t, "kvm", 0);
	tree_run(&t, lin_plan_leftovers);
	assert_int_equal(t.plan->n, 0);
	tree_says(&t, notes, "VMware's tools are installed (open-vm-tools, vmtoolsd)");
	tree_says(&t, notes, "xe-linux-distribution");
	assert_false(strv_says(&t.plan->notes, "QEMU"));
	tree_free(&t);

	/* an inventory says it by its devices */
	tools(&t, "box.json", 0);
	t.target.path = &path;
	t.target.n_paths = 1;
	tree_run(&t, lin_plan_leftovers);
	assert_false(strv_says(&t.plan->notes, "QEMU"));
	t.target.n_paths = 0;
	tree_run(&t, lin_plan_leftovers);
	tree_says(&t, notes, "QEMU");
	tree_free(&t);
	/* before systemd */
	tree_new(&t);
	t.wishes.remove_tools = 1;
	tree_put(&t, "/etc/init.d/vmware-tools", "");
	tree_put(&t, "/etc/rc.d/rc3.d/S03vmware-tools", "");
	tree_put(&t, "/etc/init/vmware-tools.conf", "");
	tree_run(&t, lin_plan_leftovers);
	tree_is(&t, "/etc/rc.d/rc3.d/S03vmware-tools", NULL);
	tree_is(&t, "/etc/init/vmware-tools.override", "manual\n");
	assert_false(root_exists(t.root, "/etc/systemd/system/vmware-tools.service"));
	tree_free(&t);
}

static void test_selinux(void **state)
{
	struct plantree t;

	(void)state;
	rename_to(&t, "old", "new");
	t.lin.selinux = 1;
	tree_put(&t, "/etc/hostname", "old\n");
	tree_run(&t, lin_plan_identity, lin_plan_selinux); /* only what was there */
	tree_is(&t, "/.autorelabel", NULL);
	tree_free(&t);
	rename_to(&t, "", "new");
	t.lin.selinux = 1;
	tree_run(&t, lin_plan_identity, lin_plan_selinux);
	tree_is(&t, "/.autorelabel", "");
	tree_says(&t, notes, "SELinux");
	tree_free(&t);
	rename_to(&t, "", "new");
	tree_run(&t, lin_plan_identity, lin_plan_selinux);
	tree_is(&t, "/.autorelabel", NULL);
	tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostname),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_new_identity),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_selinux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
