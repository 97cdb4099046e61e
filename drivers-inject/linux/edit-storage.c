/* edit-storage.c: lin_plan_storage: what the layers between disk and file system
 * remember of the old machine's disks. */
#include <stdio.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/storage.h"
#include "drivers-inject/linux/textfile.h"

/* Caches and rules that their programs make anew. */
static int remove_stale(struct plan *p, struct err *e)
{
	static const struct { const char *path, *why; } files[] = {
		{ "/etc/lvm/cache/.cache", "LVM's list of the old machine's devices; it makes a new one" },
		{ "/etc/lvm/.cache", "LVM's list of the old machine's devices; it makes a new one" },
		{ "/etc/blkid.tab", "blkid's list of the old machine's devices; it makes a new one" },
		{ "/etc/blkid/blkid.tab", "blkid's list of the old machine's devices; it makes a new one" },
		{ "/etc/udev/rules.d/70-persistent-cd.rules",
		  "it names the old machine's CD drives; udev makes new rules" },
		{ "/etc/udev/rules.d/z25_persistent-cd.rules",
		  "it names the old machine's CD drives; udev makes new rules" },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof files / sizeof *files && !r; i++)
		if (root_exists(p->root, files[i].path))
			r = plan_remove(p, files[i].path, e, "%s", files[i].why);
	return r;
}

/* A line of the file, comments aside, that says something. */
static int has_line(struct plan *p, const char *path, int (*fits)(const char *line))
{
	struct textfile t;
	int found = 0;

	if (text_open(p, path, &t, NULL) == 1)
		while (!found && text_next(&t)) {
			const char *s = t.line + text_blanks(t.line);

			found = *s && *s != '#' && fits(s);
		}
	text_close(&t);
	return found;
}

static int any(const char *line)
{
	return *line != 0;
}

static int has_wwid(const char *line)
{
	return !strncmp(line, "wwid", 4);
}

static int has_disk(const char *line)
{
	const char *s = strstr(line, "/dev/");
	char name[64];

	if (!s)
		return 0;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(s, " \t\"'{;,") % 63, s);
	return volume_name_is_fragile(name);
}

static void multipath(struct plan *p)
{
	static const char *const lists[] = { "/etc/multipath/wwids", "/etc/multipath/bindings",
		"/var/lib/multipath/wwids", "/var/lib/multipath/bindings" };
	int known = 0;

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (has_line(p, lists[i], any)) {
			plan_warn(p, "%s lists the old machine's disks by their WWIDs: names such as "
				  "/dev/mapper/mpatha exist again only once multipath knows the "
				  "new ones (multipath -a DISK)", lists[i]);
			known = 1;
		}
	if (has_line(p, "/etc/multipath.conf", has_wwid))
		plan_warn(p, "/etc/multipath.conf names disks by WWID: those of the old machine; "
			  "correct it where the new machine has several paths to its disks");
	else if (known)
		plan_note(p, "multipath is in use; if the new machine has one path to its disk, it "
			  "isn't needed there");
}

static void by_disk_name(struct plan *p)
{
	static const char *const files[] = { "/etc/smartd.conf", "/etc/smartmontools/smartd.conf",
		"/etc/hdparm.conf", "/etc/sysconfig/hdparm", "/etc/sysconfig/harddisks",
		"/etc/default/hdparm", "/etc/default/smartmontools", "/etc/hddtemp.db",
		"/etc/sdparm.conf" };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (has_line(p, files[i], has_disk))
			plan_note(p, "%s names disks such as /dev/sda; it is left as it is, and "
				  "booting doesn't need it", files[i]);
}

/* Debian's grub-pc asks where to install GRUB when that disk is not there. */
static void debconf(struct plan *p)
{
	cleanup_free char *text = NULL;
	char *s, *end;

	if (plan_read(p, "/var/cache/debconf/config.dat", &text, NULL, NULL))
		return;
	s = strstr(text, "\nName: grub-pc/install_devices\n");
	end = s ? strstr(s, "\n\n") : NULL;
	if (end)
		*end = 0;
	s = s ? strstr(s, "\nValue: ") : NULL;
	if (s && has_disk(s + 8))
		plan_note(p, "the next update of the package grub-pc will ask which disk to install "
			  "GRUB on, since the old one isn't there; `dpkg-reconfigure grub-pc` "
			  "settles it");
}

int lin_plan_storage(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		     struct err *e)
{
	int r = storage_lvm(l, w, p, e);

	if (!r)
		r = storage_md(l, p, e);
	if (!r)
		r = remove_stale(p, e);
	multipath(p);
	by_disk_name(p);
	debconf(p);
	return r;
}
