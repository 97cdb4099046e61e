/* assemble.c: see assemble.h: disks, then layer on layer until nothing new
 * appears, then the systems found on them. */
#include "drivers-inject/mount/assemble.h"
#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/run.h"
#include "common/text.h"
#include "drivers-inject/mount/int.h"
#include "imager/mountns.h"

#define LAYERS_MAX 8            /* LUKS in LVM in LUKS in an array ...       */
#define RELEASE_MS 2000         /* for the kernel to let go of a loop device */

/* ---- notes ---- */

static void sentence(struct strv *l, const char *fmt, va_list ap)
{
	char raw[2000], text[2000];

	vsnprintf(raw, sizeof raw, fmt, ap);
	text_from_bytes(raw, strlen(raw), text, sizeof text);
	if (!strv_has(l, text) && strv_add(l, text))
		return; /* out of memory: lost */
}

void assembly_note(struct assembly *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sentence(&a->notes, fmt, ap);
	va_end(ap);
}

void assembly_warn(struct assembly *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sentence(&a->warnings, fmt, ap);
	va_end(ap);
}

const char *volume_text(const struct assembly *a, size_t i, char *buf, size_t size)
{
	const struct assemble_request *q = &a->in->q;
	const struct volume *w = &a->volumes.v[i];
	const char *disk = w->disk < 0 ? "" : q->shown ? q->shown[w->disk] : q->disk[w->disk];

	if (w->disk >= 0 && w->part > 0)
		snprintf(buf, size, "partition %d of %s", w->part, disk);
	else if (w->disk >= 0)
		snprintf(buf, size, "%s", disk);
	else
		snprintf(buf, size, "%s", *w->name ? w->name : w->node);
	return buf;
}

/* ---- what is on a volume ---- */

static void value(blkid_probe pr, const char *name, char *ret, size_t size)
{
	const char *v;

	if (blkid_probe_lookup_value(pr, name, &v, NULL) == 0)
		snprintf(ret, size, "%s", v);
}

static const char *const asleep[] = {
	"S1SUSPEND", "S2SUSPEND", "ULSUSPEND", "LINHIB0001",
	"\xed\xc3\x02\xe9\x98\x56\xe5\x0c", /* TuxOnIce */
};

int swap_is_asleep(const unsigned char *buf, size_t len)
{
	for (size_t page = 4096; page <= 65536 && page <= len; page *= 2)
		for (size_t i = 0; i < sizeof asleep / sizeof *asleep; i++)
			if (!memcmp(buf + page - 10, asleep[i], strlen(asleep[i])))
				return 1;
	return 0;
}

static int fd_asleep(int fd)
{
	cleanup_free unsigned char *buf = malloc(65536);
	ssize_t n = buf ? pread(fd, buf, 65536, 0) : 0;

	return n > 0 && swap_is_asleep(buf, (size_t)n);
}

/* *ret_table: 1 if there is a partition table and nothing else. */
static int identify(struct volume *v, struct vol_state *s, int *ret_table, struct err *e)
{
	cleanup_close int fd = open(v->node, O_RDONLY | O_CLOEXEC);
	char table[32] = "";
	blkid_probe pr;

	if (fd < 0)
		return err_sys(e, errno, "%s", v->node);
	pr = blkid_new_probe();
	if (!pr || blkid_probe_set_device(pr, fd, 0, 0)) {
		blkid_free_probe(pr);
		return err_set(e, ERR_IO, "%s: can't be looked into", v->node);
	}
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
					  BLKID_SUBLKS_LABEL);
	blkid_probe_enable_partitions(pr, 1);
	if (blkid_do_safeprobe(pr) == 0) {
		value(pr, "TYPE", v->type, sizeof v->type);
		value(pr, "UUID", v->uuid, sizeof v->uuid);
		value(pr, "LABEL", v->label, sizeof v->label);
		value(pr, "PTTYPE", table, sizeof table);
	}
	if (!v->size)
		v->size = (uint64_t)blkid_probe_get_size(pr);
	blkid_free_probe(pr);
	*ret_table = !*v->type && *table;
	s->asleep = !strcmp(v->type, "swsuspend") || (!strcmp(v->type, "swap") && fd_asleep(fd));
	return 0;
}

int volume_add(struct assembly *a, const struct volume *v, int esp, size_t *ret,
	       struct err *e)
{
	struct volumes *l = &a->volumes;
	struct volume *p = reallocarray(l->v, l->n + 1, sizeof *p);
	struct vol_state *s = reallocarray(a->in->state, l->n + 1, sizeof *s);
	char text[400];
	int table = 0, r;

	if (p)
		l->v = p;
	if (s)
		a->in->state = s;
	if (!p || !s)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (l->n == VOLUMES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %d volumes", VOLUMES_MAX);
	p[l->n] = *v;
	s[l->n] = (struct vol_state){ .esp = esp };
	r = identify(&p[l->n], &s[l->n], &table, e);
	if (r)
		return r;
	*ret = l->n++;
	if (a->in->state[*ret].asleep)
		assembly_note(a, "%s: a hibernated system is stored in this swap",
			      volume_text(a, *ret, text, sizeof text));
	return table && v->disk < 0 ? nested_add(a, *ret, e) : 0;
}

int assembly_dir(struct assembly *a, char ret[PATH_MAX], struct err *e)
{
	snprintf(ret, PATH_MAX, "%.4000s/%u", a->in->base, ++a->in->n_dirs);
	if (mkdir(ret, 0700) < 0)
		return err_sys(e, errno, "%s", ret);
	return undo_add(a->in->undo, UNDO_RMDIR, e, "%s", ret);
}

int tool_run(const struct assembly *a, const char *const *argv, unsigned int seconds,
	     struct run_result *ret, struct err *e)
{
	struct run_spec spec = { .argv = argv, .timeout_s = seconds, .out_max = 1u << 20,
				 .cancel = a->in->q.cancel };
	int r = run_program(&spec, ret, e);

	if (r == 0 && ret->timed_out) {
		run_result_done(ret);
		r = err_set(e, ERR_IO, "%s did not end within %u s", argv[0], seconds);
	}
	return r;
}

/* ---- the whole ---- */

/* Before anything changes: a hibernated system would go on as if it had not. */
static int refuse_asleep(const struct assembly *a, struct err *e)
{
	char text[400];

	for (size_t i = 0; for_writing(a) && i < a->volumes.n; i++)
		if (a->in->state[i].asleep)
			return err_set(e, ERR_REFUSED,
				       "%s: the system is hibernated; changed now, its file systems would be damaged when it wakes up. Start it where it was hibernated and shut it down; or, giving up what it had open, make the swap anew: `mkswap -U %s` on that partition",
				       volume_text(a, i, text, sizeof text),
				       *a->volumes.v[i].uuid ? a->volumes.v[i].uuid : "random");
	return 0;
}

static int open_layers(struct assembly *a, struct err *e)
{
	size_t new = 1;

	for (int i = 0; new && i < LAYERS_MAX; i++) {
		new = 0;
		if (md_open(a, &new, e) || luks_open(a, &new, e) || lvm_open(a, &new, e) ||
		    refuse_asleep(a, e))
			return e->code;
		if (a->in->q.cancel && *a->in->q.cancel)
			return err_set(e, ERR_CANCELLED, "cancelled");
	}
	a->in->keys = luks_keys_free(a->in->keys);
	return 0;
}

static int assemble_steps(struct assembly *a, struct err *e)
{
	mountns_own();
	if (undo_new(&a->in->undo, e) || mountns_dir("guest", a->in->base, e))
		return e->code;
	if (undo_add(a->in->undo, UNDO_RMDIR, e, "%s", a->in->base) || disks_add(a, e) ||
	    refuse_asleep(a, e) || open_layers(a, e))
		return e->code;
	return roots_mount(a, e);
}

int guest_assemble(const struct assemble_request *q, struct assembly **ret,
		   struct err *e)
{
	struct assembly *a = calloc(1, sizeof *a);
	struct err late;
	int r;

	if (!a || !(a->in = calloc(1, sizeof *a->in)) ||
	    !(a->root = calloc(ASSEMBLE_ROOTS_MAX, sizeof *a->root))) {
		free(a ? a->in : NULL);
		free(a);
		return err_set(e, ERR_NOMEM, "out of memory");
	}
	a->in->q = *q;
	r = assemble_steps(a, e);
	if (r == 0)
		*ret = a;
	else if (assembly_close(&a, &late))
		return r; /* the first failure is the one to tell */
	return r;
}

/* What the kernel may only now find it can't write. */
static int sync_roots(const struct assembly *a, struct err *e)
{
	for (size_t i = 0; for_writing(a) && i < a->n_roots; i++) {
		cleanup_close int fd = open(a->root[i].dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || syncfs(fd) < 0)
			return err_sys(e, errno, "%s: the last writes to the guest may be lost",
				       a->root[i].dir);
	}
	return 0;
}

/* Loop devices go away when nobody has them open, a little later. */
static void release_loops(struct assembly_in *in)
{
	struct timespec wait = { .tv_nsec = 10 * 1000 * 1000 };
	char path[64];
	int left = RELEASE_MS / 10;

	for (size_t i = 0; i < in->n_fds; i++) {
		struct stat st;
		unsigned int minor_of = fstat(in->fds[i], &st) ? 0 : (unsigned int)(st.st_rdev & 0xff) |
			(unsigned int)(st.st_rdev >> 12 & 0xfff00);

		close(in->fds[i]);
		snprintf(path, sizeof path, "/sys/block/loop%u/loop/backing_file", minor_of);
		for (; left && access(path, F_OK) == 0; left--)
			nanosleep(&wait, NULL);
	}
	free(in->fds);
}

int assembly_close(struct assembly **p, struct err *e)
{
	struct assembly *a = *p;
	struct err late;
	int r, k;

	*p = NULL;
	if (!a)
		return 0;
	r = sync_roots(a, e);
	k = undo_close(a->in->undo, r ? &late : e);
	release_loops(a->in);
	luks_keys_free(a->in->keys);
	for (size_t i = 0; i < a->n_roots; i++)
		volumes_done(&a->root[i].volumes);
	volumes_done(&a->volumes);
	strv_done(&a->notes);
	strv_done(&a->locked);
	strv_done(&a->warnings);
	free(a->in->lvm_config);
	free(a->in->state);
	free(a->in);
	free(a->root);
	free(a);
	return r ? r : k;
}

struct assembly *assembly_free(struct assembly *a)
{
	struct err ignored;

	if (assembly_close(&a, &ignored))
		return NULL; /* nothing was written, so nothing is lost */
	return NULL;
}
