/* fstab.c: what a guest's fstab mounts that adapt must see: /boot, the ESP, /usr,
 * /var.  Format: fstab(5), crypttab(5). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/mount/int.h"

/* In the order they are mounted. */
static const char *const wanted[] = {
	"/usr", "/var", "/boot", "/boot/efi", "/boot/firmware", "/efi",
};

/* fstab writes blanks as \040. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to = *s++;
		}
	}
	*to = 0;
}

static char *word(char **line)
{
	char *w = *line + strspn(*line, " \t"), *end = w + strcspn(w, " \t");

	*line = *end ? end + 1 : end;
	*end = 0;
	unescape(w);
	return w;
}

int fstab_next(char *text, size_t *pos, struct fstab_line *ret)
{
	while (text[*pos]) {
		char *line = text + *pos, *end = line + strcspn(line, "\n");

		*pos = (size_t)(end - text) + (*end != 0);
		*end = 0;
		line[strcspn(line, "\r")] = 0;
		ret->spec = word(&line);
		if (!*ret->spec || *ret->spec == '#')
			continue;
		ret->dir = word(&line);
		ret->type = word(&line);
		ret->options = word(&line);
		if (*ret->dir)
			return 1;
	}
	return 0;
}

const char *fstab_value(const char *options, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	for (const char *o = options; *o;) {
		size_t len = strcspn(o, ",");

		if (len >= n && !strncmp(o, name, n) && (len == n || o[n] == '=')) {
			size_t from = len > n ? n + 1 : n;

			snprintf(buf, size, "%.*s", (int)(len - from), o + from);
			return buf;
		}
		o += len + (o[len] == ',');
	}
	return NULL;
}

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
		if (!strcmp(l.type, "swap") && *l.spec == '/' && strncmp(l.spec, "/dev/", 5) &&
		    file_asleep(r, l.spec))
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

	if (!strcmp(l->type, "none") || fstab_value(l->options, "bind", value, sizeof value) ||
	    (*l->spec == '/' && strncmp(l->spec, "/dev/", 5)) || !strcmp(l->type, "tmpfs"))
		return 0;
	v = volume_find(&r->volumes, l->spec, &guess);
	if (!v || !*v->node) {
		assembly_warn(a, "fstab: %s is to be on %s, which is on none of the disks", l->dir, l->spec);
		return 0;
	}
	btrfs = !strcmp(v->type, "btrfs");
	if (btrfs && fstab_value(l->options, "subvolid", value, sizeof value))
		snprintf(subvol, sizeof subvol, "subvolid=%s", value);
	else if (btrfs && fstab_value(l->options, "subvol", value, sizeof value))
		snprintf(subvol, sizeof subvol, "subvol=%s", value);
	else
		*subvol = 0;
	if (mount_at(a, r, root, (size_t)(v - r->volumes.v), l->dir, *subvol ? subvol : NULL,
		     &done, e)) {
		if (e->code == ERR_NOMEM || e->code == ERR_CANCELLED)
			return e->code;
		assembly_warn(a, "fstab: %s: %s", l->dir, e->msg);
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
			size_t n = strlen(l.dir);

			while (n > 1 && l.dir[n - 1] == '/')
				l.dir[--n] = 0;
			if (strcmp(l.dir, wanted[i]))
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
		const struct volume *luks = volume_find(v, l.dir, &guess);

		for (size_t i = 0; luks && i < v->n; i++)
			if (v->v[i].parent == (int)(luks - v->v) && strcmp(luks->type, "LVM2_member"))
				snprintf(v->v[i].name, sizeof v->v->name, "%s", l.spec);
	}
}
