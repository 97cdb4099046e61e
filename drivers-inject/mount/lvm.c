/* lvm.c: volume groups, by lvm(8), which sees the guest's physical volumes and
 * no other device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/run.h"
#include "drivers-inject/mount/int.h"
#include "imager/sysfs.h"

#define CONFIG_MAX 7000         /* of undo.c's steps                         */
#define GROUPS_MAX 32
#define SECONDS 120
#define COLUMNS "vg_name,lv_name,lv_dm_path,lv_active,lv_attr"

struct group { char name[128]; size_t pv; };  /* pv: its first volume        */
struct groups { struct group v[GROUPS_MAX]; size_t n; };

struct config { char s[CONFIG_MAX]; size_t n; };

static void put(struct config *c, const char *fmt, const char *word)
{
	int n = c->n < sizeof c->s ? snprintf(c->s + c->n, sizeof c->s - c->n, fmt, word) : 0;

	c->n += n > 0 ? (size_t)n : 0;
}

/* lvm.conf(5): only our devices; no udev, no daemons, nothing kept on this
 * machine; for reading every volume is activated read-only. */
static int make_config(struct assembly *a, const struct groups *g, struct config *c,
		       struct err *e)
{
	c->n = 0;
	for (int i = 0; i < 2; i++) {
		put(c, i ? "global_filter=[%s" : "devices{filter=[%s", "");
		for (size_t k = 0; k < a->volumes.n; k++)
			if (!strcmp(a->volumes.v[k].type, "LVM2_member"))
				put(c, "\"a|^%s$|\",", a->volumes.v[k].node);
		put(c, "\"r|.*|\"] %s", "");
	}
	put(c, "%s", "use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source=\"none\"} "
	    "activation{udev_sync=0 udev_rules=0 verify_udev_operations=0 monitoring=0");
	for (size_t i = 0; !for_writing(a) && i < g->n; i++) {
		put(c, i ? "%s" : "%s read_only_volume_list=[", i ? "," : "");
		put(c, "\"%s\"", g->v[i].name);
	}
	put(c, "%s} ", !for_writing(a) && g->n ? "]" : "");
	put(c, "global{locking_dir=\"%s\" use_lvmpolld=0 use_lvmlockd=0 thin_check_executable=\"\" cache_check_executable=\"\"} ",
	    a->in->base);
	put(c, "%s", "backup{backup=0 archive=0} log{syslog=0}");
	if (c->n >= sizeof c->s)
		return err_set(e, ERR_UNSUPPORTED, "too many LVM physical volumes");
	return 0;
}

/* lvm COMMAND with those options; its output, one line a thing, "a|b". */
static int report(const struct assembly *a, const char *command, const char *columns,
		  const struct config *c, struct run_result *ret, struct err *e)
{
	const char *argv[] = { "lvm", command, "--noheadings", "--separator", "|", "--unbuffered",
			       "-o", columns, "--config", c->s, NULL };
	return tool_run(a, argv, SECONDS, ret, e);
}

static char *word(char **line)
{
	char *w = strsep(line, "|");

	return w ? w + strspn(w, " \t") : (char *)"";
}

static void groups_add(struct groups *g, const char *name, size_t pv)
{
	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->v[i].name, name))
			return;
	if (!*name || g->n == GROUPS_MAX || strlen(name) >= sizeof g->v->name)
		return;
	snprintf(g->v[g->n].name, sizeof g->v->name, "%s", name);
	g->v[g->n++].pv = pv;
}

static int find_groups(struct assembly *a, struct groups *g, struct err *e)
{
	cleanup_free struct config *c = malloc(sizeof *c);
	struct run_result r;
	char *line, *rest;

	g->n = 0;
	if (!c)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (make_config(a, g, c, e) || report(a, "pvs", "pv_name,vg_name", c, &r, e))
		return e->code;
	rest = r.out;
	while (rest && (line = strsep(&rest, "\n"))) {
		char *pv = word(&line), *vg = word(&line);

		for (size_t i = 0; i < a->volumes.n; i++)
			if (!strcmp(a->volumes.v[i].node, pv))
				groups_add(g, vg, i);
	}
	run_result_done(&r);
	return 0;
}

static int known(const struct assembly *a, const char *name)
{
	for (size_t i = 0; i < a->volumes.n; i++)
		if (!strcmp(a->volumes.v[i].name, name))
			return 1;
	return 0;
}

/* Lines "vg|lv|/dev/mapper/vg-lv|active|attributes" */
static int add_volumes(struct assembly *a, const struct group *g, char *text, size_t *ret_new,
		       struct err *e)
{
	char *line;

	while (text && (line = strsep(&text, "\n"))) {
		struct volume v = { .disk = -1, .part = -1, .parent = (int)g->pv };
		char *vg = word(&line), *lv = word(&line), *node = word(&line),
		     *active = word(&line), *attr = word(&line);
		size_t at;

		if (strcmp(vg, g->name) || strcmp(active, "active") || *attr == 't')
			continue; /* t: a thin pool, which holds no data of its own */
		snprintf(v.name, sizeof v.name, "%s/%s", vg, lv);
		snprintf(v.node, sizeof v.node, "%s", node);
		if (known(a, v.name) || access(node, F_OK) < 0)
			continue;
		++*ret_new;
		if (volume_add(a, &v, 0, &at, e))
			return e->code;
	}
	return 0;
}

/* 1: volumes of that group are active, and not by us: another copy of it is in
 * use on this machine, which must not be touched. */
static int active_elsewhere(const struct assembly *a, const struct group *g, char *text)
{
	char *line, prefix[sizeof g->name + 2];

	snprintf(prefix, sizeof prefix, "%s/", g->name);
	for (size_t i = 0; i < a->volumes.n; i++)
		if (!strncmp(a->volumes.v[i].name, prefix, strlen(prefix)))
			return 0;
	while (text && (line = strsep(&text, "\n"))) {
		char *vg = word(&line);

		word(&line);
		word(&line);
		if (!strcmp(vg, g->name) && !strcmp(word(&line), "active"))
			return 1;
	}
	return 0;
}

static int activate(struct assembly *a, const struct group *g, const struct config *c,
		    size_t *ret_new, struct err *e)
{
	const char *argv[] = { "lvm", "vgchange", "-ay", "--config", c->s, "--", g->name, NULL };
	struct run_result r;
	int rc;

	if (report(a, "lvs", COLUMNS, c, &r, e))
		return e->code;
	rc = active_elsewhere(a, g, r.out);
	run_result_done(&r);
	if (rc) {
		assembly_warn(a, "volume group %s stays closed: another copy of it is active on this machine", g->name);
		return 0;
	}
	if (undo_add(a->in->undo, UNDO_VG, e, "%s\n%s", c->s, g->name) ||
	    tool_run(a, argv, SECONDS, &r, e))
		return e->code;
	if (r.status)
		assembly_warn(a, "volume group %s can't be activated whole: %s", g->name, r.err);
	run_result_done(&r);
	if (report(a, "lvs", COLUMNS, c, &r, e))
		return e->code;
	rc = add_volumes(a, g, r.out, ret_new, e);
	run_result_done(&r);
	return rc;
}

int lvm_open(struct assembly *a, size_t *ret_new, struct err *e)
{
	cleanup_free struct config *c = malloc(sizeof *c);
	cleanup_free struct groups *g = malloc(sizeof *g);
	const char *load[] = { "modprobe", "-q", "dm_mod", NULL };
	struct run_result r;
	size_t any = 0;

	for (size_t i = 0; i < a->volumes.n; i++) {
		if (strcmp(a->volumes.v[i].type, "LVM2_member") || a->in->state[i].opened)
			continue;
		a->in->state[i].opened = 1;
		any++;
	}
	if (!any)
		return 0;
	if (!c || !g)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (!sysfs_exists("/sys/module/dm_mod") && tool_run(a, load, SECONDS, &r, e) == 0)
		run_result_done(&r);
	if (find_groups(a, g, e)) {
		if (e->code != ERR_NOT_FOUND)
			return e->code;
		assembly_warn(a, "LVM volumes can't be opened: %s", e->msg);
		return 0;
	}
	if (make_config(a, g, c, e))
		return e->code;
	for (size_t i = 0; i < g->n; i++)
		if (activate(a, &g->v[i], c, ret_new, e))
			return e->code;
	return 0;
}
