/* mounts.c: see mounts.h.  Formats: proc_pid_mountinfo(5), proc_swaps(5). */
#include "imager/mounts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "common/cleanup.h"

/* Blanks and backslashes stand there as \040 and so on. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

int mounts_device(const struct kernel_view *k, const char *path,
		  struct blkdev_id *ret)
{
	struct stat st;
	const char *name = strrchr(path, '/');
	char text[32];

	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode)) {
		ret->major = major(st.st_rdev);
		ret->minor = minor(st.st_rdev);
		return 0;
	}
	/* a made tree, or a mount whose node was removed since */
	if (strncmp(path, "/dev/", 5) || !name ||
	    sysfs_text(text, sizeof text, "%s/class/block/%s/dev", k->sys, name + 1) < 0 ||
	    sscanf(text, "%u:%u", &ret->major, &ret->minor) != 2)
		return -1;
	return 0;
}

/* The next field of a line whose fields end at single blanks; an empty one at
 * the line's end. */
static char *field(char **save)
{
	static char nothing[1];
	char *f = strsep(save, " \n");

	return f ? f : nothing;
}

static int parse_mount(const struct kernel_view *k, char *line, struct mount_entry *m)
{
	char *save = line, *f, *opts, *source;

	memset(m, 0, sizeof *m);
	field(&save);
	field(&save);
	if (sscanf(field(&save), "%u:%u", &m->st_dev.major, &m->st_dev.minor) != 2)
		return -1;
	field(&save); /* root inside the file system */
	f = field(&save);
	unescape(f);
	snprintf(m->where, sizeof m->where, "%s", f);
	opts = field(&save);
	m->read_only = !strncmp(opts, "ro", 2) && (!opts[2] || opts[2] == ',');
	do
		f = field(&save);
	while (save && strcmp(f, "-"));
	snprintf(m->fstype, sizeof m->fstype, "%s", field(&save));
	source = field(&save);
	unescape(source);
	snprintf(m->source, sizeof m->source, "%s", source);
	if (m->st_dev.major)
		m->dev = m->st_dev;
	else /* btrfs and others have a number of their own */
		mounts_device(k, m->source, &m->dev);
	return 0;
}

int mounts_each(const struct kernel_view *k, mount_each_fn *each, void *ctx)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	char path[PATH_MAX];
	struct mount_entry m;
	size_t room = 0;
	int r = 0;

	snprintf(path, sizeof path, "%s/self/mountinfo", k->proc);
	f = fopen(path, "re");
	while (f && !r && getline(&line, &room, f) > 0)
		if (parse_mount(k, line, &m) == 0)
			r = each(ctx, &m);
	return r;
}

int swaps_each(const struct kernel_view *k, mount_each_fn *each, void *ctx)
{
	cleanup_fclose FILE *f = NULL;
	cleanup_free char *line = NULL;
	char path[PATH_MAX];
	size_t room = 0;
	int r = 0;

	snprintf(path, sizeof path, "%s/swaps", k->proc);
	f = fopen(path, "re");
	while (f && !r && getline(&line, &room, f) > 0) {
		struct mount_entry m = { .where = "swap", .fstype = "swap" };

		if (line[0] != '/')
			continue; /* the heading */
		line[strcspn(line, " \t\n")] = 0;
		unescape(line);
		snprintf(m.source, sizeof m.source, "%s", line);
		if (mounts_device(k, m.source, &m.dev) < 0 &&
		    blkuse_of_file(k, m.source, &m.dev) < 0)
			continue;
		r = each(ctx, &m);
	}
	return r;
}
