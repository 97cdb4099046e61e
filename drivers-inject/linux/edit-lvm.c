/* edit-lvm.c: what keeps LVM from seeing a physical volume under its new name:
 * the devices file, and filters in lvm.conf(5). */
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/storage.h"
#include "drivers-inject/linux/textfile.h"

#define PATTERNS_MAX 128        /* of one filter */
#define PATTERN_LEN 200

/* How kernels call disks, by what stands on the way to one. */
static const struct kind {
	const char *name;       /* of the first partition: to try a filter with */
	const char *accept;     /* all of the kind                           */
	const char *signs[6];   /* in a link's modalias or drivers           */
} kinds[] = {
	{ "/dev/nvme0n1p1", "^/dev/nvme[0-9]+n[0-9]+(p[0-9]+)?$", { "bc01sc08", "nvme" } },
	{ "/dev/vda1", "^/dev/vd[a-z]+[0-9]*$",
	  { "virtio:d00000002", "virtio_blk", "v00001AF4d00001001", "v00001AF4d00001042" } },
	{ "/dev/xvda1", "^/dev/xvd[a-z]+[0-9]*$", { "xen:vbd", "xen_blkfront", "xen-blkfront" } },
	{ "/dev/mmcblk0p1", "^/dev/mmcblk[0-9]+(p[0-9]+)?$", { "mmc_block", "mmc:" } },
	{ "/dev/sda1", "^/dev/sd[a-z]+[0-9]*$", { NULL } },
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static int link_is(const struct hw_link *k, const char *sign)
{
	if (k->modalias && strstr(k->modalias, sign))
		return 1;
	for (size_t i = 0; i < k->drivers.n; i++)
		if (!strcmp(k->drivers.v[i], sign))
			return 1;
	return 0;
}

static size_t kind_of(const struct hw_path *path)
{
	for (size_t k = 0; k < N_KINDS; k++)
		for (size_t i = 0; i < path->n; i++)
			for (size_t s = 0; kinds[k].signs[s]; s++)
				if (link_is(&path->v[i], kinds[k].signs[s]))
					return k;
	return N_KINDS - 1;
}

/* ---- a filter: [ "a|regex|", "r/regex/", ... ] ---- */

struct filter {
	const char *name;       /* "filter", "global_filter"                 */
	size_t open;            /* where its [ or its only string stands     */
	int is_list;
	struct { char accept; char regex[PATTERN_LEN]; } v[PATTERNS_MAX];
	size_t n;
	int strange;            /* something that isn't understood here       */
};

/* LVM's regular expressions are its own, a subset of POSIX's; what differs is
 * not tried. */
static int is_plain_regex(const char *s)
{
	for (; *s; s++)
		if (strchr("{}", *s) || (*s == '\\' && isalnum((unsigned char)s[1])) ||
		    iscntrl((unsigned char)*s))
			return 0;
	return 1;
}

/* "a|x|": the character behind a or r ends the pattern too; [ ( { pair up. */
static void take_pattern(struct filter *f, const char *s, size_t len)
{
	static const char pairs[] = "[](){}";
	const char *pair;
	char end;

	pair = len > 2 ? strchr(pairs, s[1]) : NULL;
	end = pair && *pair && (pair - pairs) % 2 == 0 ? pair[1] : len > 2 ? s[1] : 0;
	if (len < 3 || (*s != 'a' && *s != 'r') || s[len - 1] != end ||
	    len - 3 >= PATTERN_LEN || f->n == PATTERNS_MAX) {
		f->strange = 1;
		return;
	}
	f->v[f->n].accept = *s == 'a';
	memcpy(f->v[f->n].regex, s + 2, len - 3);
	f->v[f->n].regex[len - 3] = 0;
	f->strange |= !is_plain_regex(f->v[f->n].regex);
	f->n++;
}

static const char *skip(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n,");
		if (*s != '#')
			return s;
		s += strcspn(s, "\n");
	}
}

/* Reads the value that stands behind "="; at: in text */
static void take_value(struct filter *f, const char *text, const char *s)
{
	s = skip(s);
	f->open = (size_t)(s - text);
	f->is_list = *s == '[';
	if (f->is_list)
		s = skip(s + 1);
	while (*s == '"') {
		size_t len = strcspn(s + 1, "\"\n");

		if (s[1 + len] != '"')
			break;
		take_pattern(f, s + 1, len);
		s += len + 2;
		if (!f->is_list)
			return;
		s = skip(s);
	}
	f->strange |= !f->is_list || *s != ']';
}

/* The last assignment of that name in the file counts; 1: there is one. */
static int find_filter(const char *text, const char *name, struct filter *f)
{
	const char *line = text;
	size_t n = strlen(name);
	int found = 0;

	while (*line) {
		const char *s = line + strspn(line, " \t");

		if (!strncmp(s, "devices/", 8))
			s += 8;
		if (!strncmp(s, name, n)) {
			s += n + strspn(s + n, " \t");
			if (*s == '=') {
				*f = (struct filter){ .name = name };
				take_value(f, text, s + 1);
				found = 1;
			}
		}
		line += strcspn(line, "\n");
		line += *line != 0;
	}
	return found;
}

/* 1 accepts, 0 rejects, -1 no pattern says anything; the first that matches. */
static int filter_says(struct filter *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		regex_t re;
		int r;

		if (regcomp(&re, f->v[i].regex, REG_EXTENDED | REG_NOSUB)) {
			f->strange = 1;
			return -1;
		}
		r = regexec(&re, name, 0, NULL, 0);
		regfree(&re);
		if (!r)
			return f->v[i].accept;
	}
	return -1;
}

/* ---- edits ---- */

struct lvm {
	struct plan *p;
	const char *path;
	int want[N_KINDS];      /* kinds of disk that the target may have    */
};

/* Puts what is rejected in front of the list. */
static int open_filter(const struct lvm *v, struct filter *f, struct err *e)
{
	cleanup_free char *text = NULL;
	struct textbuf out = { 0 };
	size_t len;
	int r = 0, n = 0;

	for (size_t k = 0; k < N_KINDS; k++)
		n += v->want[k] && filter_says(f, kinds[k].name) == 0;
	if (f->strange) {
		plan_note(v->p, "%s: %s was not understood; if it names disks, LVM may not see "
			  "its volumes on the new machine", v->path, f->name);
		return 0;
	}
	if (!n)
		return 0;
	r = plan_read(v->p, v->path, &text, &len, e);
	if (r)
		return r;
	textbuf_add(&out, text, f->open + (size_t)f->is_list);
	if (!f->is_list)
		textbuf_str(&out, "[");
	for (size_t k = 0; k < N_KINDS; k++) {
		if (!v->want[k] || filter_says(f, kinds[k].name) != 0)
			continue;
		textbuf_str(&out, " \"a|");
		textbuf_str(&out, kinds[k].accept);
		textbuf_str(&out, "|\",");
	}
	if (!f->is_list) {
		size_t end = f->open + 1 + strcspn(text + f->open + 1, "\"") + 1;

		textbuf_str(&out, " ");
		textbuf_add(&out, text + f->open, end - f->open);
		textbuf_str(&out, " ]");
		textbuf_add(&out, text + end, len - end);
	} else {
		textbuf_add(&out, text + f->open + 1, len - f->open - 1);
	}
	if (out.failed)
		r = err_set(e, ERR_NOMEM, "out of memory for %s", v->path);
	else
		r = plan_write(v->p, v->path, out.s, out.n, e, "LVM's %s rejects the disk by its "
			       "new name, so the volume groups on it would not be found", f->name);
	textbuf_done(&out);
	return r;
}

static int edit_conf(struct lvm *v, const char *path, struct err *e)
{
	static const char *const names[] = { "filter", "global_filter" };
	int r = 0;

	v->path = path;
	for (size_t i = 0; i < 2 && !r; i++) {
		cleanup_free char *text = NULL;
		cleanup_free struct filter *f = malloc(sizeof *f);
		struct err why = { 0 };
		size_t len;

		r = plan_read(v->p, path, &text, &len, &why);
		if (r == ERR_NOT_FOUND)
			return 0;
		if (!f || r == ERR_NOMEM)
			return err_set(e, ERR_NOMEM, "out of memory for %s", path);
		if (r || strlen(text) != len) {
			plan_warn(v->p, "%s was not looked at: %s", path,
				  r ? why.msg : "it has NUL bytes");
			return 0;
		}
		if (find_filter(text, names[i], f))
			r = open_filter(v, f, e);
	}
	return r;
}

/* 1: a physical volume is a partition or a disk.  One in an array or in a LUKS
 * volume keeps its name, and a filter may hide the members for good reason. */
static int on_disks(const struct volumes *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->v[i].type, "LVM2_member") && v->v[i].disk >= 0)
			return 1;
	return 0;
}

int storage_lvm(const struct lin *l, const struct lin_wishes *w, struct plan *p, struct err *e)
{
	struct lvm v = { .p = p };
	int r = 0;

	for (size_t i = 0; w->target && i < w->target->n_paths; i++)
		v.want[kind_of(&w->target->path[i])] = 1;
	if (on_disks(l->volumes)) {
		r = edit_conf(&v, "/etc/lvm/lvm.conf", e);
		if (!r)
			r = edit_conf(&v, "/etc/lvm/lvmlocal.conf", e);
	}
	/* RHEL 9: LVM uses only what stands there, by the disks' serial numbers */
	if (!r)
		r = plan_remove(p, "/etc/lvm/devices/system.devices", e, "it lists the old "
				"machine's disks, and LVM would use no others; without it LVM "
				"looks at all (vgimportdevices makes a new one)");
	return r;
}
