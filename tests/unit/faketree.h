/* faketree.h: a made /sys and /proc in the test's working directory. */
#ifndef REHOST_TEST_FAKETREE_H
#define REHOST_TEST_FAKETREE_H
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "imager/disks.h"

static char tree_sys[PATH_MAX], tree_proc[PATH_MAX];
static struct kernel_view tree_view = { tree_sys, tree_proc, "/dev" };

static inline void tree_parents(const char *path)
{
	char p[2 * PATH_MAX];

	snprintf(p, sizeof p, "%s", path);
	for (char *s = strchr(p + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = 0;
		assert(mkdir(p, 0755) == 0 || errno == EEXIST);
		*s = '/';
	}
}

static inline void tree_bytes(const char *path, const void *bytes, size_t len)
{
	FILE *f;

	tree_parents(path);
	f = fopen(path, "w");
	assert(f && fwrite(bytes, 1, len, f) == len);
	fclose(f);
}

static inline void tree_text(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

/* to: relative to the tree's root directory, as path is */
static inline void tree_link(const char *path, const char *to)
{
	char root[PATH_MAX], full[2 * PATH_MAX];

	assert(getcwd(root, sizeof root));
	snprintf(full, sizeof full, "%s/%s", root, to);
	tree_parents(path);
	assert(symlink(full, path) == 0 || errno == EEXIST);
}

/* A block device in sysfs: dir is its real directory. */
static inline void tree_block(const char *dir, const char *dev, const char *sectors)
{
	char path[PATH_MAX + 32];
	const char *name = strrchr(dir, '/') + 1;

	snprintf(path, sizeof path, "%s/dev", dir);
	tree_text(path, dev);
	snprintf(path, sizeof path, "%s/size", dir);
	tree_text(path, sectors);
	snprintf(path, sizeof path, "sys/dev/block/%s", dev);
	tree_link(path, dir);
	snprintf(path, sizeof path, "sys/class/block/%s", name);
	tree_link(path, dir);
}

static inline void tree_disk(const char *dir, const char *dev, const char *sectors)
{
	char path[PATH_MAX];

	tree_block(dir, dev, sectors);
	snprintf(path, sizeof path, "sys/block/%s", strrchr(dir, '/') + 1);
	tree_link(path, dir);
}

static inline void tree_part(const char *dir, const char *dev, const char *number)
{
	char path[PATH_MAX + 32];

	tree_block(dir, dev, "2048");
	snprintf(path, sizeof path, "%s/partition", dir);
	tree_text(path, number);
}

/* Makes an empty tree in a new directory and goes there. */
static inline void tree_begin(void)
{
	char dir[] = "tree-XXXXXX", root[PATH_MAX];

	assert(mkdtemp(dir) && chdir(dir) == 0 && getcwd(root, sizeof root));
	snprintf(tree_sys, sizeof tree_sys, "%.4000s/sys", root);
	snprintf(tree_proc, sizeof tree_proc, "%.4000s/proc", root);
	tree_text("sys/block/.keep", "");
	tree_text("proc/self/mountinfo", "");
	tree_text("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

/* The entry of a made tree for a device number, as disk_by_path would give it. */
static inline struct disk tree_disk_entry(const char *dev)
{
	struct disk d = { 0 };
	char root[PATH_MAX], text[64];

	assert(getcwd(root, sizeof root));
	assert(sysfs_real(d.sysdir, "%s/sys/dev/block/%s", root, dev) == 0);
	assert(sscanf(dev, "%u:%u", &d.major, &d.minor) == 2);
	snprintf(d.name, sizeof d.name, "%.60s", strrchr(d.sysdir, '/') + 1);
	snprintf(d.path, sizeof d.path, "/dev/%s", d.name);
	snprintf(d.kind, sizeof d.kind, "%s",
		 sysfs_text(text, sizeof text, "%s/partition", d.sysdir) > 0 ? "part" : "disk");
	return d;
}
#endif
