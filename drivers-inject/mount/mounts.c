/* mounts.c: what a guest's fstab mounts that adapt must see: /boot, the ESP, /usr,
 * /var.  Format: fstab(5), crypttab(5). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/fstab.h"
#include "drivers-inject/mount/int.h"

/* In the order they are mounted. */
static const char *const wanted[] = {
	"/usr", "/var", "/boot", "/boot/efi", "/boot/firmware", "/efi",
};

/* ---- swap files ---- */

static int file_asleep(struct root *r, const char *path)
{
	cleanup_free unsigned char *buf = malloc(65536);
	cleanup_close int fd = -1;
	ssize_t n;

	if (!buf || !root_has_file(r, path) ||
	    root_fd(r, path, O_RDONLY | O_NONBLOCK, 0, &fd, NULL))
		return 0;
	n = pread(fd, buf, 65536, 0);
	return n > 0 && swap_is_asleep(buf, (size_t)n);
}

int swapfile_asleep(struct root *r)
{
	cleanup_free char *text = NULL;
	struct fstab_line l;
	size_t pos = 0;

	if (root_read(r, "/etc/fstab", ROOT_TEXT_MAX, &text, NULL, NULL))
		return 0;
	while (fstab_next(text, &pos, &l))
		if (!strcmp(l.field[FSTAB_TYPE], "swap") && *l.field[FSTAB_SPEC] == '/' && strncmp(l.field[FSTAB_SPEC], "/dev/", 5) &&
		    file_asleep(r, l.field[FSTAB_SPEC]))
			return 1;
	return 0;
}

/* ---- mounting ---- */

/* On a directory of the guest, reached without leaving it.  *ret_done 0: there
 * is no such directory. */
static int mount_at(struct assembly *a, struct assembled_root *r, struct root *root,
		    size_t volume, const char *dir, const char *subvol, int *ret_done,
		    struct err *e)
{
	char target[64], real[PATH_MAX];
	cleanup_close int fd = -1;
	ssize_t n;
	int dirty = 0;

	*ret_done = 0;
	if (root_fd(root, dir, O_PATH | O_DIRECTORY, 0, &fd, NULL))
		return 0;
	snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
	n = readlink(target, real, sizeof real - 1);
	if (n < 0)
		return err_sys(e, errno, "%s", dir);
	real[n] = 0;
	if (fs_mount(a, volume, target, for_writing(a), subvol, &dirty, e) ||
	    undo_add(a->in->undo, UNDO_UMOUNT, e, "%s", real))
		return e->code;
	if (dirty) {
		char text[400];

		assembly_note(a, "%s was not unmounted cleanly; its journal %s",
			      volume_text(a, volume, text, sizeof text),
			      for_writing(a) ? "was replayed" : "is to be replayed before anything is changed");
	}
	if (!*r->volumes.v[volume].mounted)
		snprintf(r->volumes.v[volume].mounted, sizeof r->volumes.v->mounted, "%s", dir);
	*ret_done = 1;
	return 0;
}

static int mount_line(struct assembly *a, struct assembled_root *r, struct root *root,
		      const struct fstab_line *l, struct err *e)
{
	char value[SUBVOL_PATH], subvol[SUBVOL_PATH + 16];
	const struct volume *v;
	int guess = 0, done, btrfs;

	if (!strcmp(l->field[FSTAB_TYPE], "none") || fstab_value(l->field[FSTAB_OPTIONS], "bind", value, sizeof value) ||
	    (*l->field[FSTAB_SPEC] == '/' && strncmp(l->field[FSTAB_SPEC], "/dev/", 5)) || !strcmp(l->field[FSTAB_TYPE], "tmpfs"))
		return 0;
	v = volume_find(&r->volumes, l->field[FSTAB_SPEC], &guess);
	if (!v || !*v->node) {
		assembly_warn(a, "fstab: %s is to be on %s, which is on none of the disks", l->field[FSTAB_DIR], l->field[FSTAB_SPEC]);
		return 0;
	}
	btrfs = !strcmp(v->type, "btrfs");
	if (btrfs && fstab_value(l->field[FSTAB_OPTIONS], "subvolid", value, sizeof value))
		snprintf(subvol, sizeof subvol, "subvolid=%s", value);
	else if (btrfs && fstab_value(l->field[FSTAB_OPTIONS], "subvol", value, sizeof value))
		snprintf(subvol, sizeof subvol, "subvol=%s", value);
	else
		*subvol = 0;
	if (mount_at(a, r, root, (size_t)(v - r->volumes.v), l->field[FSTAB_DIR], *subvol ? subvol : NULL,
		     &done, e)) {
		if (e->code == ERR_NOMEM || e->code == ERR_CANCELLED)
			return e->code;
		assembly_warn(a, "fstab: %s: %s", l->field[FSTAB_DIR], e->msg);
	}
	return 0;
}

/* An EFI system partition that fstab doesn't name, as systems have that mount it
 * when they need it. */
static int mount_esp(struct assembly *a, struct assembled_root *r, struct root *root,
		     struct err *e)
{
	/* the last one for a guest that started by BIOS so far */
	static const char *const dirs[] = { "/boot/efi", "/efi", "/mnt" };
	int esp = -1, done = 0;

	for (size_t i = 0; i < a->volumes.n; i++) {
		if (!a->in->state[i].esp || strcmp(a->volumes.v[i].type, "vfat"))
			continue;
		if (esp >= 0 || *r->volumes.v[i].mounted)
			return 0; /* two: nobody knows which; or it is mounted */
		esp = (int)i;
	}
	for (size_t i = 0; esp >= 0 && !done && i < sizeof dirs / sizeof *dirs; i++)
		if (mount_at(a, r, root, (size_t)esp, dirs[i], NULL, &done, e)) {
			assembly_warn(a, "the EFI system partition: %s", e->msg);
			return 0;
		}
	return 0;
}

int fstab_mount(struct assembly *a, struct assembled_root *r, struct err *e)
{
	cleanup_free char *text = NULL;
	struct fstab_line l;
	struct root *root;
	int rc = root_open(r->dir, &root, e);

	if (rc)
		return rc;
	for (size_t i = 0; rc == 0 && i < sizeof wanted / sizeof *wanted; i++) {
		size_t pos = 0;

		/* anew: lines are cut up, and /etc may be a link into /usr */
		free(text);
		text = NULL;
		if (root_read(root, "/etc/fstab", ROOT_TEXT_MAX, &text, NULL, NULL))
			continue;
		while (rc == 0 && fstab_next(text, &pos, &l)) {
			size_t n = strlen(l.field[FSTAB_DIR]);

			while (n > 1 && l.field[FSTAB_DIR][n - 1] == '/')
				l.field[FSTAB_DIR][--n] = 0;
			if (strcmp(l.field[FSTAB_DIR], wanted[i]))
				continue;
			rc = mount_line(a, r, root, &l, e);
			break;
		}
	}
	if (rc == 0)
		rc = mount_esp(a, r, root, e);
	root_close(root);
	return rc;
}

void crypttab_names(struct assembly *a, struct root *r, struct volumes *v)
{
	cleanup_free char *text = NULL;
	struct fstab_line l;    /* crypttab: name, device, key, options */
	size_t pos = 0;
	int guess;

	(void)a;
	if (root_read(r, "/etc/crypttab", ROOT_TEXT_MAX, &text, NULL, NULL))
		return;
	while (fstab_next(text, &pos, &l)) {
		const struct volume *luks = volume_find(v, l.field[FSTAB_DIR], &guess);

		for (size_t i = 0; luks && i < v->n; i++)
			if (v->v[i].parent == (int)(luks - v->v) && strcmp(luks->type, "LVM2_member"))
				snprintf(v->v[i].name, sizeof v->v->name, "%.255s", l.field[FSTAB_SPEC]);
	}
}
