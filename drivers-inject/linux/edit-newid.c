/* edit-newid.c: what makes a machine itself: machine-id, SSH host keys, seeds,
 * names towards DHCP and iSCSI servers.  Each is removed only where the guest
 * makes a new one by itself, or is told to. */
#include <stdio.h>
#include <string.h>
#include "drivers-inject/linux/identity.h"
#include "drivers-inject/linux/textfile.h"

static int any_file(const struct lin *l, const char *const *paths)
{
	for (; *paths; paths++)
		if (root_has_file(l->root, *paths))
			return 1;
	return 0;
}

static int is_regular(const struct lin *l, const char *path)
{
	struct stat st;

	return !root_lstat(l->root, path, &st, NULL) && S_ISREG(st.st_mode);
}

/* machine-id(5): an empty file is filled at the next start. */
static int machine_id(const struct lin *l, struct plan *p, struct err *e)
{
	char *text = NULL;
	int r = 0;

	if (plan_has(p, "/etc/machine-id") && !plan_read(p, "/etc/machine-id", &text, NULL, NULL)) {
		if (!strncmp(text, "uninitialized", 13))
			plan_note(p, "/etc/machine-id says uninitialized: this system was never "
				  "started, and stays so");
		else
			r = plan_write(p, "/etc/machine-id", "", 0, e, "systemd makes a new machine-id "
				       "at the next start");
		free(text);
	}
	/* mostly a link to the other; D-Bus makes a file of its own anew */
	if (!r && is_regular(l, "/var/lib/dbus/machine-id"))
		r = plan_remove(p, "/var/lib/dbus/machine-id", e, "D-Bus makes a new machine-id at "
				"the next start");
	return r;
}

/* ---- SSH ---- */

/* What makes keys before sshd starts: Fedora and Red Hat (units, then the init
 * script of 6), Debian from 13 on, Arch, SUSE, Alpine. */
static int makes_ssh_keys(const struct lin *l, struct plan *p)
{
	static const char *const units[] = {
		"/usr/lib/systemd/system/sshd-keygen@.service",
		"/usr/lib/systemd/system/sshd-keygen.service",
		"/lib/systemd/system/sshd-keygen.service",
		"/usr/lib/systemd/system/sshdgenkeys.service",
		"/usr/sbin/sshd-gen-keys-start", NULL };
	static const char *const scripts[] = { "/etc/init.d/sshd", "/etc/rc.d/init.d/sshd",
		"/etc/rc.d/rc.sshd" };

	if (any_file(l, units))
		return 1;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		char *text;
		int makes;

		if (plan_read(p, scripts[i], &text, NULL, NULL))
			continue;
		makes = strstr(text, "ssh-keygen") || strstr(text, "ssh_gen_keys") ||
			strstr(text, "KEYGEN");
		free(text);
		if (makes)
			return 1;
	}
	return 0;
}

static const char ssh_unit[] =
	"# Made when this system got a new identity; nothing else here makes host keys.\n"
	"[Unit]\n"
	"Description=New SSH host keys\n"
	"Before=ssh.service sshd.service\n"
	"ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\n"
	"ConditionPathExists=!/etc/ssh/ssh_host_rsa_key\n"
	"\n"
	"[Service]\n"
	"Type=oneshot\n"
	"ExecStart=/usr/bin/ssh-keygen -A\n"
	"\n"
	"[Install]\n"
	"WantedBy=multi-user.target\n";

static int add_ssh_unit(struct plan *p, struct err *e)
{
	int r = plan_write(p, "/etc/systemd/system/rehost-ssh-keys.service", ssh_unit,
			   sizeof ssh_unit - 1, e, "this system doesn't make SSH host keys by itself "
			   "when they are missing");

	return r ? r : plan_link(p, "/etc/systemd/system/multi-user.target.wants/"
				 "rehost-ssh-keys.service", "../rehost-ssh-keys.service", e,
				 "so that it runs at the next start");
}

struct ssh { const struct lin *l; struct plan *p; size_t n; int remove; };

static int ssh_key(void *ctx, const char *path, struct err *e)
{
	struct ssh *s = ctx;

	if (strncmp(path, "/etc/ssh/ssh_host_", 18) || !strstr(path, "key"))
		return 0;
	s->n++;
	return s->remove ? plan_remove(s->p, path, e, "two machines with one SSH host key can't be "
				       "told apart; the next start makes new ones") : 0;
}

static int ssh_keys(const struct lin *l, struct plan *p, struct err *e)
{
	static const char *const systemd[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd",
					       NULL };
	static const char *const keygen[] = { "/usr/bin/ssh-keygen", NULL };
	struct ssh s = { l, p, 0, 0 };
	int r = text_each(p, "/etc/ssh", "", ssh_key, &s, e), by_itself;

	if (r || !s.n)
		return r;
	by_itself = makes_ssh_keys(l, p);
	if (!by_itself && !(any_file(l, systemd) && any_file(l, keygen))) {
		plan_warn(p, "the SSH host keys in /etc/ssh stay: nothing in this guest would make "
			  "new ones, and sshd doesn't start without; run `ssh-keygen -A` there after "
			  "removing them");
		return 0;
	}
	if (!by_itself)
		r = add_ssh_unit(p, e);
	s.remove = 1;
	return r ? r : text_each(p, "/etc/ssh", "", ssh_key, &s, e);
}

/* ---- files that are made anew ---- */

static int remove_files(struct plan *p, struct err *e)
{
	static const struct { const char *path, *why; } files[] = {
		{ "/var/lib/systemd/random-seed", "two machines must not start from one random seed" },
		{ "/var/lib/urandom/random-seed", "two machines must not start from one random seed" },
		{ "/var/lib/misc/random-seed", "two machines must not start from one random seed" },
		{ "/var/lib/random-seed", "two machines must not start from one random seed" },
		{ "/boot/efi/loader/random-seed", "two machines must not start from one random seed" },
		{ "/efi/loader/random-seed", "two machines must not start from one random seed" },
		{ "/boot/loader/random-seed", "two machines must not start from one random seed" },
		{ "/var/lib/NetworkManager/secret_key",
		  "NetworkManager makes its addresses and DHCP ids from it, and a new one when it is missing" },
		{ "/var/lib/dhcpcd/duid", "the machine's id towards DHCP servers; dhcpcd makes a new one" },
		{ "/var/lib/dhcpcd5/duid", "the machine's id towards DHCP servers; dhcpcd makes a new one" },
		{ "/etc/dhcpcd.duid", "the machine's id towards DHCP servers; dhcpcd makes a new one" },
		{ "/var/lib/wicked/duid.xml", "the machine's id towards DHCP servers; wicked makes a new one" },
		{ "/var/lib/wicked/iaid.xml", "the machine's id towards DHCP servers; wicked makes a new one" },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		if (root_exists(p->root, files[i].path))
			r = plan_remove(p, files[i].path, e, "%s", files[i].why);
	return r;
}

/* Clients' leases; dhcpd's, a server's, lie in the same directory. */
static int lease(void *ctx, const char *path, struct err *e)
{
	const char *name = strrchr(path, '/') + 1;

	if (strncmp(name, "dhclient", 8) && strncmp(name, "lease-", 6) &&
	    strncmp(name, "internal-", 9) && !strstr(name, ".lease"))
		return 0;
	if (!strncmp(name, "dhcpd", 5))
		return 0;
	return plan_remove(ctx, path, e, "an address that was lent to the old machine, and its id "
			   "towards the DHCP server");
}

static int leases(struct plan *p, struct err *e)
{
	static const char *const dirs[] = { "/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/dhcp3",
		"/var/lib/NetworkManager", "/var/lib/dhcpcd", "/var/lib/wicked" };
	int r = 0;

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs && !r; i++)
		r = text_each(p, dirs[i], "", lease, p, e);
	return r;
}

/* The name towards iSCSI targets, which may be allowed there by it. */
static int iscsi(const struct lin *l, struct plan *p, struct err *e)
{
	static const char path[] = "/etc/iscsi/initiatorname.iscsi", generate[] = "GenerateName=yes\n";
	static const char *const debian[] = { "/lib/open-iscsi/startup-checks.sh",
		"/usr/lib/open-iscsi/startup-checks.sh", NULL };
	static const char *const others[] = { "/usr/lib/systemd/system/iscsi-init.service",
		"/sbin/iscsi-gen-initiatorname", "/usr/sbin/iscsi-gen-initiatorname", NULL };

	if (!plan_has(p, path))
		return 0;
	if (any_file(l, debian))
		return plan_write(p, path, generate, sizeof generate - 1, e, "open-iscsi makes a new "
				  "initiator name; the targets must allow it");
	if (any_file(l, others))
		return plan_remove(p, path, e, "the guest makes a new iSCSI initiator name; the targets "
				   "must allow it");
	plan_warn(p, "%s stays: nothing in this guest makes a new iSCSI initiator name "
		  "(iscsi-iname prints one)", path);
	return 0;
}

/* The key that systemd's credentials are encrypted with. */
static int credential_secret(struct plan *p, struct err *e)
{
	static const char path[] = "/var/lib/systemd/credential.secret";
	struct strv names = { 0 };
	int used;

	if (!root_exists(p->root, path))
		return 0;
	used = !root_list(p->root, "/etc/credstore.encrypted", &names, NULL) && names.n;
	strv_done(&names);
	if (used) {
		plan_note(p, "%s stays: the credentials in /etc/credstore.encrypted need it", path);
		return 0;
	}
	return plan_remove(p, path, e, "a secret of the old machine; systemd makes a new one");
}

static void notes(const struct lin *l, struct plan *p)
{
	static const struct { const char *path, *what; } files[] = {
		{ "/etc/pki/consumer/cert.pem", "Red Hat's subscription (subscription-manager clean, then register)" },
		{ "/etc/zypp/credentials.d/SCCcredentials", "SUSE's registration (SUSEConnect --cleanup, then register)" },
		{ "/var/lib/ubuntu-advantage/private/machine-token.json", "Ubuntu Pro (pro detach, then attach)" },
		{ "/etc/nvme/hostnqn", "NVMe over fabrics (nvme gen-hostnqn)" },
		{ "/var/lib/puppet/ssl/private_keys", "Puppet's certificate" },
		{ "/etc/puppetlabs/puppet/ssl/private_keys", "Puppet's certificate" },
		{ "/etc/salt/pki/minion/minion.pem", "Salt's key" },
		{ "/etc/krb5.keytab", "Kerberos (the domain's account of this host)" },
	};

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (root_exists(l->root, files[i].path))
			plan_note(p, "%s stays: it is the old machine's identity for %s", files[i].path,
				  files[i].what);
}

int identity_new(const struct lin *l, struct plan *p, struct err *e)
{
	int r = machine_id(l, p, e);

	if (!r)
		r = ssh_keys(l, p, e);
	if (!r)
		r = remove_files(p, e);
	if (!r)
		r = leases(p, e);
	if (!r)
		r = iscsi(l, p, e);
	if (!r)
		r = credential_secret(p, e);
	notes(l, p);
	return r;
}
