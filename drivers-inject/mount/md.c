/* md.c: Linux software RAID, by mdadm: only the members that were found here,
 * only by their array's UUID, read-only first. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/run.h"
#include "drivers-inject/mount/int.h"
#include "imager/sysfs.h"

#define MEMBERS_MAX 64
#define MD_FIRST 127            /* as mdadm, which counts down from there    */
#define SECONDS 60

/* blkid's 8-4-4-4-12 as mdadm's 8:8:8:8 */
static void md_uuid(const char *uuid, char ret[40])
{
	size_t n = 0, digits = 0;

	for (; *uuid && n + 2 < 40; uuid++) {
		if (!isxdigit((unsigned char)*uuid))
			continue;
		if (digits && digits % 8 == 0)
			ret[n++] = ':';
		ret[n++] = *uuid;
		digits++;
	}
	ret[n] = 0;
}

static int free_number(void)
{
	for (int i = MD_FIRST; i >= 0; i--)
		if (!sysfs_exists("/sys/block/md%d", i))
			return i;
	return -1;
}

static int write_text(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);

	return fd >= 0 && write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

/* All volumes that are members of the array of volume `first`. */
static size_t members(struct assembly *a, size_t first, const char **ret)
{
	const struct volume *v = a->volumes.v;
	size_t n = 0;

	for (size_t i = first; i < a->volumes.n && n < MEMBERS_MAX; i++) {
		if (strcmp(v[i].type, "linux_raid_member") || strcmp(v[i].uuid, v[first].uuid))
			continue;
		a->in->state[i].opened = 1;
		ret[n++] = v[i].node;
	}
	return n;
}

static int assemble(struct assembly *a, size_t first, const char *node, int *ret_ok,
		    struct err *e)
{
	const char *argv[MEMBERS_MAX + 8] = { "mdadm", "--assemble", "--readonly", "--run",
					      "--config=none", NULL, node };
	char uuid[40], option[64], text[400];
	struct run_result r;

	md_uuid(a->volumes.v[first].uuid, uuid);
	snprintf(option, sizeof option, "--uuid=%s", uuid);
	argv[5] = option;
	members(a, first, argv + 7);
	if (tool_run(a, argv, SECONDS, &r, e)) {
		if (e->code != ERR_NOT_FOUND)
			return e->code;
		assembly_warn(a, "%s: %s", volume_text(a, first, text, sizeof text), e->msg);
		return 0;
	}
	*ret_ok = !r.status;
	if (r.status)
		assembly_warn(a, "%s: the array of this disk can't be assembled: %s",
			      volume_text(a, first, text, sizeof text), r.err);
	run_result_done(&r);
	return *ret_ok ? undo_add(a->in->undo, UNDO_MD, e, "%s", node) : 0;
}

static int open_one(struct assembly *a, size_t first, size_t *ret_new, struct err *e)
{
	struct volume v = { .disk = -1, .part = -1, .parent = (int)first };
	int number = free_number(), ok = 0;
	size_t at;

	snprintf(v.node, sizeof v.node, "/dev/md%d", number);
	/* blkid gives the array's name as its members' label */
	snprintf(v.name, sizeof v.name, "%s", a->volumes.v[first].label);
	if (assemble(a, first, v.node, &ok, e))
		return e->code;
	if (!ok)
		return 0;
	if (sysfs_u64(0, "/sys/block/md%d/md/degraded", number))
		assembly_note(a, "array %s: a member is missing", *v.name ? v.name : v.node);
	++*ret_new;
	return volume_add(a, &v, 0, &at, e);
}

int md_open(struct assembly *a, size_t *ret_new, struct err *e)
{
	const char *load[] = { "modprobe", "-q", "md_mod", NULL };
	struct run_result r;
	size_t n = a->volumes.n;

	for (size_t i = 0; i < n; i++) {
		if (a->in->state[i].opened || strcmp(a->volumes.v[i].type, "linux_raid_member"))
			continue;
		if (!sysfs_exists("/sys/module/md_mod") && tool_run(a, load, SECONDS, &r, e) == 0)
			run_result_done(&r);
		if (open_one(a, i, ret_new, e))
			return e->code;
	}
	return 0;
}

int md_make_writable(struct assembly *a, struct err *e)
{
	for (size_t i = 0; i < a->volumes.n; i++) {
		const struct volume *v = &a->volumes.v[i];
		const char *argv[] = { "mdadm", "--readwrite", v->node, NULL };
		char path[128];
		struct run_result r;
		int rc = 0;

		if (strncmp(v->node, "/dev/md", 7) || strchr(v->node, 'p'))
			continue;
		snprintf(path, sizeof path, "/sys/block/%.64s/md/sync_action", v->node + 5);
		/* its own machine shall resync it, not this one */
		if (sysfs_exists("%s", path) && write_text(path, "frozen"))
			assembly_note(a, "array %s: its resync could not be held back", v->name);
		if (tool_run(a, argv, SECONDS, &r, e))
			return e->code;
		if (r.status)
			rc = err_set(e, ERR_IO, "array %s can't be written: %s", v->name, r.err);
		run_result_done(&r);
		if (rc)
			return rc;
	}
	return 0;
}
