/* chroot.c: see chroot.h.  The guest's code runs in namespaces of its own
 * (mounts, network, processes), with a /dev, /proc, /sys, /run and /tmp made for
 * it, and an /etc as it will be after the plan's edits.  What it makes is copied
 * out of that /tmp, and only then put in its place by apply.c, with a backup like
 * everything else. */
#include "drivers-inject/linux/chroot.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "drivers-inject/root-write.h"

#define OUT "/tmp/rehost-initramfs"
#define WORDS_MAX 4096
#define NOT_PREPARED 126        /* the child's exit status                   */

struct chroot_job {
	const struct plan *plan;
	char dir[PATH_MAX];
	char version[128];
	enum initrd_generator generator;
	char words[WORDS_MAX];  /* modules, blanks between                    */
};

const char *chroot_refuses(const struct lin *l, const struct lin_kernel *k)
{
	struct utsname un;

	if (geteuid())
		return "--chroot needs root";
	if (!uname(&un) && *l->arch && strcmp(un.machine, l->arch) &&
	    !(!strcmp(un.machine, "x86_64") && !strncmp(l->arch, "i", 1)))
		return "--chroot: this machine can't run the guest's programs (another "
		       "architecture); leave --chroot away, nothing needs to be run then";
	switch (k->generator) {
	case GEN_INITRAMFS_TOOLS:
	case GEN_DRACUT:
	case GEN_DRACUT_SYSTEMD:
	case GEN_MKINITCPIO:
	case GEN_MKINITCPIO_SYSTEMD:
		return NULL;
	default:
		return "--chroot knows initramfs-tools, dracut and mkinitcpio only; leave "
		       "--chroot away";
	}
}

int chroot_new(const struct lin *l, const struct lin_kernel *k, const struct plan *p,
	       const struct strv *modules, void **ret, struct err *e)
{
	struct chroot_job *j = calloc(1, sizeof *j);
	size_t at = 0;

	if (!j)
		return err_set(e, ERR_NOMEM, "out of memory");
	j->plan = p;
	snprintf(j->dir, sizeof j->dir, "%s", root_dir(l->root));
	snprintf(j->version, sizeof j->version, "%s", k->version);
	j->generator = k->generator;
	for (size_t i = 0; i < modules->n && at < sizeof j->words - 1; i++)
		at += (size_t)snprintf(j->words + at, sizeof j->words - at, "%s%s", i ? " " : "",
				       modules->v[i]);
	*ret = j;
	return 0;
}

void chroot_free(void *ctx)
{
	free(ctx);
}

/* ---- in the child ---- */

static int node(const char *path, unsigned int minor)
{
	return mknod(path, S_IFCHR | 0666, makedev(1, minor)) && errno != EEXIST;
}

/* The guest's file systems were mounted noexec: not here. */
static int enter(const char *dir)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(dir, dir, NULL, MS_BIND | MS_REC, NULL) ||
	    mount(NULL, dir, NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL) || chdir(dir) ||
	    chroot("."))
		return -1;
	/* a /usr of its own */
	(void)mount(NULL, "/usr", NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL);
	umask(0);
	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) || mount("tmpfs", "/run", "tmpfs", 0, NULL) ||
	    mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, NULL) || node("/dev/null", 3) ||
	    node("/dev/zero", 5) || node("/dev/full", 7) || node("/dev/urandom", 9) ||
	    node("/dev/random", 8) || symlink("/proc/self/fd", "/dev/fd"))
		return -1;
	umask(022);
	return mount("sysfs", "/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

static int put_file(const struct edit *d)
{
	int fd = open(d->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, d->mode & 0777);
	int r = fd < 0 ? -1 : io_write_all(fd, d->data, d->len);

	return fd >= 0 && close(fd) ? -1 : r;
}

static void make_parents(const char *path)
{
	char dir[PATH_MAX];

	for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
		snprintf(dir, sizeof dir, "%.*s", (int)(s - path), path);
		mkdir(dir, 0755);
	}
}

/* The guest's configuration with the edits that the plan makes to it, in memory. */
static int edited_etc(const struct plan *p)
{
	if (mkdir("/tmp/etc", 0755) || mkdir("/tmp/work", 0755) ||
	    mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/tmp/etc,workdir=/tmp/work"))
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		const struct edit *d = &p->v[i];
		int r = 0;

		if (strncmp(d->path, "/etc/", 5))
			continue;
		make_parents(d->path);
		if (d->kind == EDIT_REMOVE || d->kind == EDIT_LINK)
			r = unlink(d->path) && errno != ENOENT ? -1 : 0;
		if (!r && d->kind == EDIT_LINK)
			r = symlink(d->data, d->path);
		if (!r && d->kind == EDIT_WRITE)
			r = put_file(d);
		if (r)
			return -1;
	}
	return 0;
}

static _Noreturn void generate(const struct chroot_job *j)
{
	static const char script[] =
		"exec </dev/null >&2\n"
		"export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root TMPDIR=/tmp\n"
		"case $1 in\n"
		"initramfs-tools)\n"
		"	cp -a /etc/initramfs-tools /tmp/conf && mkdir -p /tmp/conf/conf.d &&\n"
		"	echo MODULES=most >/tmp/conf/conf.d/zz-rehost &&\n"
		"	printf '%s\\n' $3 >>/tmp/conf/modules &&\n"
		"	mkinitramfs -d /tmp/conf -o " OUT " \"$2\" ;;\n"
		"dracut)\n"
		"	dracut --force --no-hostonly --add-drivers \"$3\" " OUT " \"$2\" ;;\n"
		"*)\n"
		"	{ cat /etc/mkinitcpio.conf; echo \"MODULES+=($3)\"; } >/tmp/mkinitcpio.conf &&\n"
		"	mkinitcpio -c /tmp/mkinitcpio.conf -S autodetect -k \"$2\" -g " OUT " ;;\n"
		"esac\n";
	const char *kind = j->generator == GEN_INITRAMFS_TOOLS ? "initramfs-tools" :
			   j->generator == GEN_DRACUT || j->generator == GEN_DRACUT_SYSTEMD ? "dracut" :
			   "mkinitcpio";

	/* the first process of its namespace: /proc shows only itself */
	if (!mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		execl("/bin/sh", "sh", "-c", script, "sh", kind, j->version, j->words, (char *)NULL);
	_exit(127);
}

static _Noreturn void child(const struct chroot_job *j, int fd)
{
	int status, from;
	pid_t pid;

	if (enter(j->dir) || edited_etc(j->plan))
		_exit(NOT_PREPARED);
	pid = fork();
	if (!pid)
		generate(j);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		_exit(125);
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	from = open(OUT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_exit(from < 0 || file_copy(from, fd, NULL, NULL) ? 125 : 0);
}

int chroot_fill(void *ctx, int fd, struct err *e)
{
	const struct chroot_job *j = ctx;
	int status;
	pid_t pid = fork();

	if (!pid)
		child(j, fd);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_sys(e, errno, "running the guest's program");
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PREPARED)
		return err_set(e, ERR_IO, "%s could not be prepared for its own programs (namespaces, "
			       "an overlay over /etc); leave --chroot away", j->dir);
	return err_set(e, ERR_IO, "the guest's own program to make an initramfs for %s failed "
		       "(status %d; its words stand above); leave --chroot away", j->version,
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
