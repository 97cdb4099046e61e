/* winchain: Windows' boot chain on a disk file.
 *
 *   winchain list BCD              what its elements name: OBJECT ELEMENT OFFSET PARTITION FILE
 *   winchain plan DISK N NAME=VALUE...   N: the partition with Windows
 *   winchain apply DISK N NAME=VALUE...
 *   winchain undo DISK N
 *     dir=/Windows arch=x64 firmware=bios|uefi|unknown nt5=0|1 code=FILE hive=0|1
 *     old=PART,DISK           the GUIDs that the partition N had
 * Prints "problem: ...", "warning: ...", "note: ...", "edit: KIND PATH OFFSET LENGTH
 * REASON" and "hive: CHANGE". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drivers-inject/apply.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/root-write.h"
#include "drivers-inject/windows/bcd.h"
#include "drivers-inject/windows/chain.h"
#include "imager/part/part.h"

static struct blkdev *disk, *volume;

static void die(const struct err *e)
{
	fprintf(stderr, "winchain: %s\n", e->msg);
	exit(1);
}

static const char *arg(char **argv, const char *name, const char *dflt)
{
	size_t n = strlen(name);

	for (; *argv; argv++)
		if (!strncmp(*argv, name, n) && (*argv)[n] == '=')
			return *argv + n + 1;
	return dflt;
}

static int give_disk(void *ctx, const char *path, struct blkdev **ret, struct err *e)
{
	(void)ctx, (void)path, (void)e;
	*ret = disk;
	return 0;
}

/* ---- list ---- */

static int list(const char *path)
{
	static uint8_t bytes[16u << 20];
	FILE *f = fopen(path, "rb");
	struct err e = { 0 };
	struct hive *h;
	struct bcd b;
	char text[PART_ID_TEXT];

	if (!f) {
		perror(path);
		return 1;
	}
	if (hive_open_bytes(bytes, fread(bytes, 1, sizeof bytes, f), path, 0, &h, &e) ||
	    bcd_read(h, path, &b, &e))
		die(&e);
	fclose(f);
	printf("default %s\n", b.standard);
	for (size_t i = 0; i < b.n_uses; i++) {
		const struct bcd_use *u = &b.use[i];

		part_id_text(&u->id, text);
		printf("%s %08x %zu %s: %s\n", b.v[u->object].id, u->element, u->at, text, u->file);
	}
	bcd_done(&b);
	hive_close(h);
	return 0;
}

/* ---- plan, apply, undo ---- */

static void make_volumes(const char *path, struct volumes *v)
{
	struct part_table *t;
	struct err e = { 0 };
	int r = part_read(disk, &t, &e);

	if (r > 0)
		err_set(&e, ERR_NOT_FOUND, "%s: no partition table", path);
	if (r)
		die(&e);
	v->n_disks = 1;
	snprintf(v->disk[0].path, sizeof v->disk[0].path, "%s", path);
	snprintf(v->disk[0].table, sizeof v->disk[0].table, "%s", strcmp(t->kind, "gpt") ? "dos" : "gpt");
	snprintf(v->disk[0].id, sizeof v->disk[0].id, "%s", t->id);
	v->disk[0].size = disk->size;
	v->disk[0].sector_size = disk->sector_size;
	v->v = calloc(t->n_parts + 1, sizeof *v->v);
	if (!v->v)
		abort();
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct partition *p = &t->parts[i];
		struct volume *x = &v->v[v->n];

		if (p->flags & PART_EXTENDED)
			continue;
		*x = (struct volume){ .part = (int)p->number, .parent = -1, .size = p->size, .start = p->start };
		snprintf(x->partuuid, sizeof x->partuuid, "%s", p->uuid);
		v->n++;
	}
	part_free(t);
}

static int fill_from_fd(void *ctx, int fd, struct err *e)
{
	uint64_t len;

	return lseek(*(int *)ctx, 0, SEEK_SET) ? ERR_IO : file_copy(*(int *)ctx, fd, &len, e);
}

static void hive_edit(struct hive *h, struct plan *p, const char *path, int *fd)
{
	struct err e = { 0 };
	struct edit *d;

	for (size_t i = 0; i < hive_changes(h)->n; i++)
		printf("hive: %s\n", hive_changes(h)->v[i]);
	if (!hive_changes(h)->n)
		return;
	d = plan_add(p, EDIT_REPLACE, path, "The registry.");
	if (!d || hive_save(h, fd, &e))
		die(&e);
	d->fill = fill_from_fd;
	d->ctx = fd;
}

static void show(const struct plan *p)
{
	static const char *const kinds[] = { "write", "remove", "link", "append", "replace", "disk", "action" };

	for (size_t i = 0; i < p->problems.n; i++)
		printf("problem: %s\n", p->problems.v[i]);
	for (size_t i = 0; i < p->warnings.n; i++)
		printf("warning: %s\n", p->warnings.v[i]);
	for (size_t i = 0; i < p->notes.n; i++)
		printf("note: %s\n", p->notes.v[i]);
	for (size_t i = 0; i < p->n; i++)
		printf("edit: %s %s %llu %zu %s\n", kinds[p->v[i].kind], p->v[i].path,
		       (unsigned long long)p->v[i].offset, p->v[i].len, p->v[i].reasons.v[0]);
}

static enum hw_firmware firmware(const char *name)
{
	return !strcmp(name, "bios") ? HW_FW_BIOS : !strcmp(name, "uefi") ? HW_FW_EFI : HW_FW_UNKNOWN;
}

/* What a caller knows that made new ids. */
static void known_ids(const char *old, const struct volumes *v, int windows, struct id_map *ret)
{
	struct part_id was = { .gpt = 1 }, now;
	struct err e;
	char part[37];

	if (!old)
		return;
	snprintf(part, sizeof part, "%s", old);
	if (strlen(old) != 73 || !guid_parse(part, was.part) || !guid_parse(old + 37, was.disk) ||
	    !part_id_of(v, &v->v[windows], &now) || id_map_add(ret, &was, &now, &e))
		abort();
}

static void run(struct root *r, const struct volumes *v, int windows, const char *what, char **argv)
{
	struct apply_host host = { .disk = give_disk };
	struct win_chain c = { .volumes = v, .volume = windows, .dir = arg(argv, "dir", "/Windows"),
		.arch = arg(argv, "arch", "x64"), .nt5 = atoi(arg(argv, "nt5", "0")),
		.firmware = firmware(arg(argv, "firmware", "unknown")), .boot_code = arg(argv, "code", NULL) };
	struct plan *p = plan_new(r);
	struct id_map ids = { 0 };
	struct err e = { 0 };
	struct tree *t = NULL;
	char path[4096];
	int fd = -1;

	snprintf(path, sizeof path, "%s/System32/config/SYSTEM", c.dir);
	if (atoi(arg(argv, "hive", "1")) && (tree_open(volume, &t, &e) ||
					     hive_open_edit(t, path, 1, &c.system, &e)))
		die(&e);
	tree_close(t);
	known_ids(arg(argv, "old", NULL), v, windows, &ids);
	c.ids = &ids;
	if (!p || win_plan_chain(&c, p, &e))
		die(&e);
	if (c.system)
		hive_edit(c.system, p, path, &fd);
	show(p);
	if (!strcmp(what, "apply") && plan_apply(p, &host, &e))
		die(&e);
	plan_free(p);
	hive_close(c.system);
	id_map_done(&ids);
	if (fd >= 0)
		close(fd);
}

static void undo(struct root *r)
{
	struct apply_host host = { .disk = give_disk };
	struct undo_result res = { 0 };
	struct err e = { 0 };

	if (adapt_undo(r, &host, &res, &e))
		die(&e);
	for (size_t i = 0; i < res.kept.n; i++)
		printf("kept: %s\n", res.kept.v[i]);
	strv_done(&res.kept);
}

int main(int argc, char **argv)
{
	struct volumes v = { 0 };
	struct err e = { 0 };
	struct root *r;
	struct stat st;
	int windows = -1;

	if (argc == 3 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc < 4 || stat(argv[2], &st)) {
		fprintf(stderr, "usage: winchain list BCD | winchain plan|apply|undo DISK N [NAME=VALUE...]\n");
		return 2;
	}

	const struct write_token token = { argv[2], st.st_dev, st.st_ino };

	if (!strcmp(argv[1], "plan") ? dev_open_ro(argv[2], &disk, &e) : dev_open_rw(&token, &disk, &e))
		die(&e);
	make_volumes(argv[2], &v);
	for (size_t i = 0; i < v.n; i++)
		if (v.v[i].part == atoi(argv[3]))
			windows = (int)i;
	if (windows < 0 ||
	    dev_window(disk, v.v[windows].start, v.v[windows].size, &volume, &e) ||
	    root_ntfs_open(volume, ROOT_NTFS_EVEN_DIRTY, &r, &e))
		die(&e);
	if (!strcmp(argv[1], "undo"))
		undo(r);
	else
		run(r, &v, windows, argv[1], argv + 4);
	root_close(r);
	dev_close(volume);
	dev_close(disk);
	volumes_done(&v);
	return 0;
}
