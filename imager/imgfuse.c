/* imgfuse.c: see imgfuse.h: the processes around imgfuse-fs.c. */
#include "imager/imgfuse.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/run.h"
#include "imager/imagefile.h"
#include "imager/imgfuse-int.h"
#include "imager/mountns.h"
#include "imager/place.h"

#define MOUNTED 1               /* a child's word: the rest follows          */

/* An image opened, wherever it lies. */
struct source {
	struct place_mount mount;
	struct image_file file;
	struct image *im;
};

static void source_close(struct source *s)
{
	struct err ignored;

	image_close(s->im);
	image_file_close(&s->file);
	if (place_unmount(&s->mount, &ignored))
		return; /* it was only read */
}

static int mount_place(const struct image_at *q, struct source *s, struct err *e)
{
	struct place_how how = { .cancel = q->cancel };
	struct place_creds c;
	struct place p;
	int r = place_parse(q->image, &p, e);

	if (r == 0)
		r = place_creds_get(&p, q->credentials, 0, &c, e);
	if (r)
		return r;
	r = place_mount(&p, &c, &how, &s->mount, e);
	explicit_bzero(&c, sizeof c);
	if (r == 0 && !*s->mount.file)
		r = err_set(e, ERR_USAGE, "%s: a directory, not an image", q->image);
	return r;
}

static int source_open(const struct image_at *q, struct source *s, struct err *e)
{
	struct passphrase pass = { .file = q->passphrase };
	int r = place_is_url(q->image) ? mount_place(q, s, e) : 0;

	if (r == 0)
		r = image_file_open(*s->mount.file ? s->mount.file : q->image, &pass, &s->file, e);
	if (r == 0)
		r = image_open(s->file.in->dev, s->file.in->access, &s->im, e);
	passphrase_done(&pass);
	if (r)
		source_close(s);
	return r;
}

/* /dev/fuse appears with the module. */
static void load_fuse(void)
{
	const char *argv[] = { "modprobe", "-q", "fuse", NULL };
	struct run_spec spec = { .argv = argv, .timeout_s = 20, .out_max = 4096 };
	struct run_result r;
	struct err ignored;

	if (access("/dev/fuse", F_OK) < 0 && run_program(&spec, &r, &ignored) == 0)
		run_result_done(&r);
}

/* ---- for this process ---- */

struct image_mount {
	struct source src;
	char base[PATH_MAX], path[PATH_MAX];
	pid_t child;
	int life;                 /* the child ends when all who hold it are gone */
	int errors;               /* a failed read's struct err comes here     */
};

static volatile sig_atomic_t never;

/* The child outlives a Ctrl-C, as what lies on its file does. */
static void serve_child(struct image_mount *d, int ready, int life, int errors)
{
	struct imgfs *f = NULL;
	struct err e = { 0 };

	io_serve_alone();
	if (imgfs_mount(d->base, &f, &e) == 0 &&
	    imgfs_files(f, d->src.im, d->src.file.in->name, &e) == 0)
		e.code = 0;
	if (io_write_all(ready, &e, sizeof e) || e.code) {
		imgfs_free(f);
		_exit(1);
	}
	close(ready);
	imgfs_serve(f, &never, life, errors);
	imgfs_free(f);
	_exit(0);
}

/* Waits for the child's word: 0, MOUNTED, or its error. */
static int hear(int fd, struct err *e)
{
	struct err said;
	size_t got;

	if (io_read_full(fd, &said, sizeof said, &got) || got != sizeof said)
		return err_set(e, ERR_IO, "the process that serves the image ended at once");
	if (said.code < 0)
		*e = said;
	return said.code;
}

static int start_child(struct image_mount *d, struct err *e)
{
	int p[6] = { -1, -1, -1, -1, -1, -1 }, r;

	if (pipe2(p, O_CLOEXEC) < 0 || pipe2(p + 2, O_CLOEXEC) < 0 ||
	    pipe2(p + 4, O_CLOEXEC | O_NONBLOCK) < 0 || (d->child = fork()) < 0) {
		err_sys(e, errno, "starting a process that serves the image");
		for (int i = 0; i < 6; i++)
			if (p[i] >= 0)
				close(p[i]);
		return e->code;
	}
	if (d->child == 0) {
		close(p[0]);
		close(p[3]);
		close(p[4]);
		serve_child(d, p[1], p[2], p[5]);
	}
	close(p[1]);
	close(p[2]);
	close(p[5]);
	d->life = p[3];
	d->errors = p[4];
	r = hear(p[0], e);
	close(p[0]);
	return r;
}

int image_mount(const char *image, struct image_mount **ret, const char **ret_path,
		struct err *e)
{
	struct image_at q = { .image = image };
	struct image_mount *d = calloc(1, sizeof *d);
	int r;

	if (!d)
		return err_set(e, ERR_NOMEM, "out of memory");
	d->life = d->errors = -1;
	mountns_own();
	load_fuse();
	r = source_open(&q, &d->src, e);
	if (r) {
		free(d);
		return r;
	}
	r = mountns_dir("image", d->base, e);
	if (r == 0) {
		snprintf(d->path, sizeof d->path, "%.4080s/disk.img", d->base);
		r = start_child(d, e);
	}
	if (r) {
		image_unmount(d);
		return r;
	}
	*ret = d;
	*ret_path = d->path;
	return 0;
}

const char *image_mount_meta(const struct image_mount *d)
{
	return image_meta(d->src.im);
}

const char *image_mount_source(const struct image_mount *d)
{
	return d->src.file.in->name;
}

int image_mount_failed(struct image_mount *d, struct err *e)
{
	struct err said;

	if (read(d->errors, &said, sizeof said) != (ssize_t)sizeof said)
		return 0;
	*e = said;
	return 1;
}

struct image_mount *image_unmount(struct image_mount *d)
{
	if (!d)
		return NULL;
	if (d->child > 0 && umount2(d->base, 0) < 0)
		umount2(d->base, MNT_DETACH);
	if (d->life >= 0)
		close(d->life);
	if (d->errors >= 0)
		close(d->errors);
	while (d->child > 0 && waitpid(d->child, NULL, 0) < 0 && errno == EINTR)
		;
	if (*d->base)
		rmdir(d->base);
	source_close(&d->src);
	free(d);
	return NULL;
}

int image_is(const char *path, int *ret, struct err *e)
{
	struct image_ident id;
	struct blkdev *d;
	struct err not;
	struct stat st;
	int r;

	*ret = place_is_url(path);
	if (*ret || (stat(path, &st) == 0 && S_ISBLK(st.st_mode)))
		return 0;
	r = dev_open_ro(path, &d, e);
	if (r)
		return r;
	*ret = image_identify(d, &id, &not) == 0;
	dev_close(d);
	return 0;
}

/* ---- for everybody ---- */

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = sig;
}

/* As a shell starts a program, whatever the parent's threads do with signals. */
static void plain_signals(void)
{
	sigset_t none;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void to_background(void)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, on_signal);
	if (chdir("/") < 0 || null < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}

/* Mounts where everybody sees it; a place's mount comes after that, where
 * nobody else does, and there the first one must not stay, or it would be in
 * use for ever. */
static int prepare(const struct image_at *q, const char *dir, int ready,
		   struct source *s, struct imgfs **f, struct err *e)
{
	static const struct err mounted = { .code = MOUNTED };
	int url = place_is_url(q->image), r = url ? 0 : source_open(q, s, e);

	if (r == 0)
		r = imgfs_mount(dir, f, e);
	if (r)
		return r;
	if (io_write_all(ready, &mounted, sizeof mounted))
		return err_set(e, ERR_IO, "the process in the foreground is gone");
	if (url) {
		mountns_own();
		umount2(dir, MNT_DETACH);
		r = source_open(q, s, e);
	}
	return r ? r : imgfs_files(*f, s->im, s->file.in->name, e);
}

static void mount_child(const struct image_at *q, const char *dir, int ready)
{
	struct source s = { 0 };
	struct imgfs *f = NULL;
	struct err e = { 0 };

	plain_signals();
	if (prepare(q, dir, ready, &s, &f, &e) == 0) {
		e.code = 0;
		if (io_write_all(ready, &e, sizeof e) == 0) {
			close(ready);
			to_background();
			imgfs_serve(f, &stop, -1, -1);
		}
	} else if (io_write_all(ready, &e, sizeof e)) {
		e.code = ERR_IO;
	}
	imgfs_free(f);
	source_close(&s);
	_exit(e.code ? 1 : 0);
}

int image_mount_at(const struct image_at *q, const char *dir, struct err *e)
{
	char real[PATH_MAX];
	struct stat st;
	int p[2], r;
	pid_t child;

	if (!realpath(dir, real) || stat(real, &st) < 0)
		return err_sys(e, errno, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_USAGE, "%s: not a directory", dir);
	load_fuse();
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "a pipe");
	child = fork();
	if (child == 0) {
		close(p[0]);
		mount_child(q, real, p[1]);
	}
	close(p[1]);
	if (child < 0) {
		close(p[0]);
		return err_sys(e, errno, "starting a process");
	}
	r = hear(p[0], e);
	if (r == MOUNTED) {
		r = hear(p[0], e);
		if (r && getuid() == 0)
			umount2(real, MNT_DETACH);
	}
	close(p[0]);
	if (r)
		waitpid(child, NULL, 0);
	return r;
}
