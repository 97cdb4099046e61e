/* fuzz lintext: configuration files of a Linux guest, through every planner of
 * text.  What is planned is put into the tree; a second plan must then be empty, or,
 * where names were left that are no volume's, a third one.
 *
 * Input: files one behind the other, each a byte (which path, below) and its
 * bytes up to the next 0xff. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/json.h"
#include "drivers-inject/linux/linux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {
	"/etc/fstab", "/etc/crypttab", "/etc/default/grub", "/boot/grub/grub.cfg",
	"/boot/grub/menu.lst", "/boot/loader/entries/a.conf", "/boot/grub2/grubenv",
	"/boot/extlinux.conf", "/etc/lilo.conf", "/etc/zipl.conf", "/etc/kernel/cmdline",
	"/etc/initramfs-tools/conf.d/resume", "/etc/sysconfig/bootloader", "/etc/lvm/lvm.conf",
	"/etc/mdadm.conf", "/etc/network/interfaces", "/etc/netplan/a.yaml",
	"/etc/NetworkManager/system-connections/a", "/etc/sysconfig/network-scripts/ifcfg-eth0",
	"/etc/systemd/network/a.link", "/etc/systemd/network/a.network",
	"/etc/udev/rules.d/70-persistent-net.rules", "/etc/hosts", "/etc/hostname",
	"/etc/multipath.conf", "/etc/smartd.conf",
};
#define N_PATHS (sizeof paths / sizeof *paths)

static const char volumes_json_text[] = "{\"disks\":[{\"path\":\"/dev/vda\"}],\"volumes\":["
	"{\"disk\":0,\"part\":1,\"type\":\"ext4\",\"uuid\":\"aa-01\",\"partuuid\":\"1234abcd-01\",\"mounted\":\"/\"},"
	"{\"disk\":0,\"part\":2,\"type\":\"LVM2_member\",\"uuid\":\"pv\",\"partuuid\":\"1234abcd-02\"},"
	"{\"type\":\"xfs\",\"uuid\":\"aa-03\",\"name\":\"vg/lv\",\"parent\":1},"
	"{\"disk\":0,\"part\":5,\"type\":\"swap\",\"uuid\":\"aa-05\",\"partuuid\":\"1234abcd-05\"},"
	"{\"disk\":0,\"part\":6,\"type\":\"crypto_LUKS\",\"uuid\":\"aa-06\",\"partuuid\":\"1234abcd-06\"},"
	"{\"type\":\"ext4\",\"uuid\":\"aa-07\",\"name\":\"crypt\",\"parent\":4}]}";

static char dir[64];
static struct root *root;
static struct volumes volumes;
static char alias[] = "virtio:d00000002v00001AF4", name[] = "a NIC";
static struct hw_link link_ = { .modalias = alias };
static struct hw_path path_ = { .v = &link_, .n = 1 };
static struct hw_nic nic_ = { .modalias = alias, .name = name, .mac = "52:54:00:12:34:56", .has_link = 1 };
static struct hw target = { .name = "a", .path = &path_, .n_paths = 1, .nic = &nic_, .n_nics = 1 };

static void clean(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	if (system(command))
		abort();
}

static void make_parents(char *full)
{
	for (char *s = strchr(full + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = 0;
		if (mkdir(full, 0755) && errno != EEXIST)
			abort();
		*s = '/';
	}
}

static void put(const char *path, const void *bytes, size_t n)
{
	char full[4096];
	FILE *f;

	snprintf(full, sizeof full, "%s%s", dir, path);
	make_parents(full);
	f = fopen(full, "w");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
		abort();
}

static void start(void)
{
	struct json_object *o;
	struct err e;

	strcpy(dir, "/tmp/rehost-fuzz-XXXXXX");
	if (!mkdtemp(dir) || root_open(dir, &root, &e) ||
	    json_parse(volumes_json_text, strlen(volumes_json_text), &o, &e) ||
	    volumes_from_json(o, &volumes, &e))
		abort();
	json_object_put(o);
	atexit(clean);
	put("/usr/lib/systemd/network/99-default.link", "", 0);
	put("/boot/vmlinuz-1", "", 0);
}

static void remove_all(void)
{
	char full[4096];

	for (size_t i = 0; i < N_PATHS; i++) {
		snprintf(full, sizeof full, "%s%s", dir, paths[i]);
		unlink(full);
	}
}

static struct plan *plan_all(void)
{
	static lin_planner *const planners[] = { lin_plan_fstab, lin_plan_cmdline,
		lin_plan_storage, lin_plan_net, lin_plan_identity };
	struct lin l = { .root = root, .volumes = &volumes, .root_volume = &volumes.v[0],
			 .boot_volume = &volumes.v[0], .boot = LIN_LILO | LIN_ZIPL };
	struct lin_wishes w = { .target = &target, .hostname = "new" };
	struct plan *p = plan_new(root);
	struct err e;

	for (size_t i = 0; i < sizeof planners / sizeof *planners; i++)
		if (planners[i](&l, &w, p, &e))
			abort();
	return p;
}

static void apply(const struct plan *p)
{
	char full[4096];

	for (size_t i = 0; i < p->n; i++) {
		snprintf(full, sizeof full, "%s%s", dir, p->v[i].path);
		if (p->v[i].kind == EDIT_WRITE)
			put(p->v[i].path, p->v[i].data, p->v[i].len);
		else if (unlink(full))
			abort();
	}
}

/* Files that the plan made and the next input must not find. */
static void forget(const struct plan *p)
{
	char full[4096];

	for (size_t i = 0; i < p->n; i++) {
		snprintf(full, sizeof full, "%s%s", dir, p->v[i].path);
		unlink(full);
	}
}

static int left_in(const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (strstr(v->v[i], "is no volume of this guest"))
			return 1;
	return 0;
}

/* Beside /dev/hda1, the guest's own, /dev/sda1 is another disk; when the former has become
 * an id, nothing tells any more that the latter isn't the guest's. */
static int left_names(const struct plan *p)
{
	return left_in(&p->notes) || left_in(&p->warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan *p[3];
	size_t n_plans = 0;

	if (!root)
		start();
	remove_all();
	while (size > 1) {
		const uint8_t *end = memchr(data + 1, 0xff, size - 1);
		size_t n = end ? (size_t)(end - data) - 1 : size - 1;

		put(paths[*data % N_PATHS], data + 1, n);
		n += 1 + (end != NULL);
		data += n;
		size -= n;
	}
	do {
		p[n_plans] = plan_all();
		apply(p[n_plans++]);
	} while (n_plans < 2 || (n_plans == 2 && p[1]->n && left_names(p[0])));
	if (p[n_plans - 1]->n) {
		for (size_t i = 0; i < n_plans; i++)
			plan_print(p[i], stderr);
		abort();
	}
	while (n_plans) {
		forget(p[--n_plans]);
		plan_free(p[n_plans]);
	}
	return 0;
}
