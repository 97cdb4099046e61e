/* edit-leftovers.c: lin_plan_leftovers: services of another hypervisor's tools are
 * switched off (never removed: their package stays whole), when asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/linux.h"

#define SERVICES_MAX 12

/* profiles: names of targets on which the tools belong; signs: so does a device
 * with this in its modalias.  files: switched off by being removed. */
static const struct tools {
	const char *what, *profiles, *signs[3];
	const char *services[SERVICES_MAX]; /* of systemd, SysV, OpenRC, Upstart */
	const char *files[4];
} all_tools[] = {
	{ "VMware's tools", " vmware any ", { "v000015AD" },
	  { "open-vm-tools", "vmtoolsd", "vgauthd", "vmware-tools", "vmware-tools-thinprint",
	    "vmware-vgauth", "vmware-USBArbitrator" },
	  { "/etc/modprobe.d/vmware-tools.conf", "/etc/modprobe.d/vmware-fuse.conf",
	    "/etc/udev/rules.d/60-vmware.rules" } },
	{ "VirtualBox's guest additions", " virtualbox any ", { "v000080EE" },
	  { "vboxadd", "vboxadd-service", "vboxadd-x11", "virtualbox-guest-utils", "vboxservice",
	    "virtualbox-guest-x11" }, { NULL } },
	{ "Xen's guest utilities", " xen aws any ", { "xen:", "v00005853" },
	  { "xe-daemon", "xe-linux-distribution", "xen-guest-agent" }, { NULL } },
	{ "Hyper-V's daemons", " hyperv azure any ", { "vmbus:" },
	  { "hv-kvp-daemon", "hv-vss-daemon", "hv-fcopy-daemon", "hypervkvpd", "hypervvssd",
	    "hypervfcopyd", "hv_kvp_daemon", "hv_vss_daemon", "hv_fcopy_daemon" }, { NULL } },
	{ "QEMU's guest agent", " kvm qemu gcp aws any ", { "v00001AF4", "v00001B36", "virtio:" },
	  { "qemu-guest-agent", "qemu-ga", "spice-vdagentd", "spice-vdagent" }, { NULL } },
	{ "Parallels' tools", " parallels any ", { "v00001AB8" }, { "prltoolsd", "prltools" },
	  { NULL } },
};

/* Agents that configure the system from a cloud's data: only told. */
static const char *const agents[] = { "walinuxagent", "waagent", "google-guest-agent",
	"google-startup-scripts", "amazon-ssm-agent", "cloud-init", "hv-netvsc-failover" };

static const char *const unit_dirs[] = { "/etc/systemd/system", "/usr/lib/systemd/system",
					 "/lib/systemd/system" };
static const char *const init_dirs[] = { "/etc/init.d", "/etc/rc.d/init.d" };

static int exists_in(const struct lin *l, const char *const *dirs, size_t n, const char *name,
		     const char *suffix)
{
	char path[256];

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s%s", dirs[i], name, suffix);
		if (root_exists(l->root, path))
			return 1;
	}
	return 0;
}

static int has_unit(const struct lin *l, const char *name)
{
	return exists_in(l, unit_dirs, 3, name, ".service");
}

static int has_init(const struct lin *l, const char *name)
{
	return exists_in(l, init_dirs, 2, name, "");
}

static int has_upstart(const struct lin *l, const char *name)
{
	static const char *const dirs[] = { "/etc/init" };

	return exists_in(l, dirs, 1, name, ".conf");
}

static int has_systemd(const struct lin *l)
{
	return root_has_file(l->root, "/usr/lib/systemd/systemd") ||
	       root_has_file(l->root, "/lib/systemd/systemd");
}

/* A unit that is masked already is no leftover any more. */
static int is_masked(const struct lin *l, const char *name)
{
	char path[256], target[PATH_MAX];

	snprintf(path, sizeof path, "/etc/systemd/system/%s.service", name);
	return !root_readlink(l->root, path, target, NULL) && !strcmp(target, "/dev/null");
}

static int is_installed(const struct lin *l, const char *name)
{
	return (has_unit(l, name) && !is_masked(l, name)) || has_upstart(l, name) ||
	       (has_init(l, name) && !is_masked(l, name));
}

/* ---- where it belongs ---- */

static int belongs(const struct tools *k, const struct hw *t)
{
	return !t || hw_is_one_of(t, k->profiles, k->signs, 3);
}

/* ---- switching off ---- */

static int mask(const struct lin *l, struct plan *p, const char *name, const char *what,
		struct err *e)
{
	char path[256], wants[256];
	struct stat st;

	snprintf(path, sizeof path, "/etc/systemd/system/%s.service", name);
	/* a unit of the administrator's own: only not started any more */
	if (!root_lstat(l->root, path, &st, NULL) && S_ISREG(st.st_mode)) {
		snprintf(wants, sizeof wants, "/etc/systemd/system/multi-user.target.wants/%s.service",
			 name);
		return plan_remove(p, wants, e, "%s don't belong on the new machine", what);
	}
	return plan_link(p, path, "/dev/null", e, "%s don't belong on the new machine", what);
}

/* S20name in one runlevel's directory */
static int unlink_rc(struct plan *p, const char *dir, const char *name, const char *what,
		     struct err *e)
{
	struct strv names = { 0 };
	char path[PATH_MAX];
	int r = 0;

	if (root_list(p->root, dir, &names, NULL))
		return 0;
	for (size_t i = 0; i < names.n && !r; i++) {
		const char *s = names.v[i];

		if (*s != 'S' || strspn(s + 1, "0123456789") != 2 || strcmp(s + 3, name))
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, s);
		r = plan_remove(p, path, e, "%s don't belong on the new machine", what);
	}
	strv_done(&names);
	return r;
}

static int unlink_init(struct plan *p, const char *name, const char *what, struct err *e)
{
	static const char *const levels[] = { "default", "boot", "sysinit" };
	char path[256];
	int r = 0;

	for (int level = 0; level <= 6 && !r; level++) {
		snprintf(path, sizeof path, "/etc/rc%d.d", level);
		r = unlink_rc(p, path, name, what, e);
		/* the same directory on Red Hat's, a link there: two paths, one edit */
		snprintf(path, sizeof path, "/etc/rc.d/rc%d.d", level);
		if (!r)
			r = unlink_rc(p, path, name, what, e);
	}
	r = r ? r : unlink_rc(p, "/etc/rcS.d", name, what, e);
	for (size_t i = 0; i < 3 && !r; i++) {
		snprintf(path, sizeof path, "/etc/runlevels/%s/%s", levels[i], name);
		if (root_exists(p->root, path))
			r = plan_remove(p, path, e, "%s don't belong on the new machine", what);
	}
	return r;
}

static int upstart_manual(struct plan *p, const char *name, const char *what, struct err *e)
{
	char path[256];

	snprintf(path, sizeof path, "/etc/init/%s.override", name);
	return plan_write(p, path, "manual\n", 7, e, "%s don't belong on the new machine", what);
}

static int switch_off(const struct lin *l, struct plan *p, const char *name, const char *what,
		      struct err *e)
{
	int r = 0;

	if (has_unit(l, name) || (has_init(l, name) && has_systemd(l)))
		r = mask(l, p, name, what, e);
	if (!r && has_init(l, name))
		r = unlink_init(p, name, what, e);
	if (!r && has_upstart(l, name))
		r = upstart_manual(p, name, what, e);
	return r;
}

static int remove_all(const struct lin *l, struct plan *p, const struct tools *k, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < SERVICES_MAX && k->services[i] && !r; i++)
		if (is_installed(l, k->services[i]))
			r = switch_off(l, p, k->services[i], k->what, e);
	for (size_t i = 0; i < 4 && k->files[i] && !r; i++)
		if (root_exists(l->root, k->files[i]))
			r = plan_remove(p, k->files[i], e, "%s don't belong on the new machine", k->what);
	return r;
}

/* "open-vm-tools, vgauthd"; "" nothing is there */
static void found(const struct lin *l, const char *const *names, size_t n, char ret[512])
{
	size_t len = 0;

	*ret = 0;
	for (size_t i = 0; i < n && names[i] && len < 400; i++)
		if (is_installed(l, names[i]))
			len += (size_t)snprintf(ret + len, 512 - len, "%s%s", len ? ", " : "", names[i]);
}

int lin_plan_leftovers(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		       struct err *e)
{
	char list[512];
	int r = 0;

	for (size_t i = 0; i < sizeof all_tools / sizeof *all_tools && !r; i++) {
		const struct tools *k = &all_tools[i];

		if (belongs(k, w->target))
			continue;
		found(l, k->services, SERVICES_MAX, list);
		if (w->remove_tools)
			r = remove_all(l, p, k, e);
		else if (*list)
			plan_note(p, "%s are installed (%s) and have nothing to do on the new machine; "
				  "--remove-tools switches them off", k->what, list);
	}
	found(l, agents, sizeof agents / sizeof *agents, list);
	if (*list)
		plan_note(p, "agents that configure the system from a cloud's data are installed (%s) "
			  "and stay", list);
	return r;
}
