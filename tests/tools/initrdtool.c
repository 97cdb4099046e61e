/* initrdtool: initramfs files by our library, for tests.
 *
 *	initrdtool list FILE [KERNEL]       segments, generator, what may be appended
 *	initrdtool files FILE [DIR]         the tree: octal mode, size, path, target
 *	initrdtool cat FILE PATH
 *	initrdtool extract FILE OUT PATH... prints the files' names in OUT
 *	initrdtool pack DIR OUT             the tree DIR as a plain archive
 *	initrdtool append FILE DIR KERNEL   the same, appended as adapt does it
 *	initrdtool rewrite FILE OUT
 *
 * Exit status: as the programs' (common/err.h). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/cpio.h"
#include "drivers-inject/linux/initrd.h"

static struct err e;

static int sys_error(const char *path)
{
	return err_sys(&e, errno, "%s", path);
}

static int with(const char *path, struct initrd **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return sys_error(path);
	r = initrd_open_fd(fd, path, ret, &e);
	close(fd);
	return r;
}

static int list(struct initrd *i, char **arg)
{
	static const char *const answers[] = { "may", "rewrite", "refused" };
	const char *kernel = arg[0] ? arg[0] : "";
	const struct initrd_segment *s;
	size_t n = initrd_segments(i, &s);
	char why[1100];

	for (size_t k = 0; k < n; k++)
		printf("segment %llu %llu %s%s %zu\n", (unsigned long long)s[k].offset,
		       (unsigned long long)s[k].length, initrd_compression_name(s[k].how),
		       s[k].early ? " early" : "", s[k].entries);
	printf("generator %s\n", initrd_generator_name(initrd_generator(i)));
	printf("append %s", answers[initrd_how_to_append(i, kernel, why, sizeof why)]);
	printf(" %llu %s\n", (unsigned long long)initrd_append_offset(i), why);
	return 0;
}

static int print_node(void *ctx, const char *path, const struct initrd_node *n)
{
	(void)ctx;
	printf("%06o %llu %s%s%s\n", n->mode, (unsigned long long)n->size, path,
	       n->target ? " -> " : "", n->target ? n->target : "");
	return 0;
}

static int files(struct initrd *i, char **arg)
{
	int r = initrd_each(i, arg[0] ? arg[0] : "", print_node, NULL);

	return r ? err_set(&e, r, "%s is not there", arg[0]) : 0;
}

static int cat(struct initrd *i, char **arg)
{
	char *text;
	size_t n;
	int r = initrd_read(i, arg[0], 1u << 30, &text, &n, &e);

	if (!r)
		fwrite(text, 1, n, stdout);
	if (!r)
		free(text);
	return r;
}

static int extract(struct initrd *i, char **arg)
{
	size_t n = 0;
	char **names;
	int r;

	while (arg[1 + n])
		n++;
	names = calloc(n + 1, sizeof *names);
	r = initrd_extract(i, (const char *const *)arg + 1, n, arg[0], names, &e);
	for (size_t k = 0; k < n && !r; k++) {
		puts(names[k]);
		free(names[k]);
	}
	free(names);
	return r;
}

static int rewrite(struct initrd *i, char **arg)
{
	cleanup_close int fd = open(arg[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? sys_error(arg[0]) : initrd_rewrite(i, fd, &e);
}

static int pack_dir(struct cpio_out *c, const char *dir, const char *below);

static int pack_one(struct cpio_out *c, const char *full, const char *name)
{
	char target[4096];
	struct stat st;
	ssize_t n;
	int r;

	if (lstat(full, &st))
		return sys_error(full);
	if (S_ISDIR(st.st_mode)) {
		r = cpio_out_dir(c, name, st.st_mode, &e);
		return r ? r : pack_dir(c, full, name);
	}
	if (S_ISLNK(st.st_mode)) {
		n = readlink(full, target, sizeof target - 1);
		if (n < 0)
			return sys_error(full);
		target[n] = 0;
		return cpio_out_link(c, name, target, &e);
	}
	cleanup_close int fd = open(full, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? sys_error(full)
		      : cpio_out_fd(c, name, st.st_mode, fd, (uint64_t)st.st_size, &e);
}

static int pack_dir(struct cpio_out *c, const char *dir, const char *below)
{
	struct dirent **v;
	int n = scandir(dir, &v, NULL, alphasort), r = n < 0 ? sys_error(dir) : 0;

	for (int k = 0; k < n; k++) {
		char *full = NULL, *name = NULL;

		if (!r && strcmp(v[k]->d_name, ".") && strcmp(v[k]->d_name, "..")) {
			if (asprintf(&full, "%s/%s", dir, v[k]->d_name) < 0 ||
			    asprintf(&name, "%s%s%s", below, *below ? "/" : "", v[k]->d_name) < 0)
				abort();
			r = pack_one(c, full, name);
		}
		free(full);
		free(name);
		free(v[k]);
	}
	if (n >= 0)
		free(v);
	return r;
}

static int pack(int fd, const char *dir)
{
	struct cpio_out *c;
	int r = cpio_out_open(fd, &c, &e);

	if (r)
		return r;
	r = pack_dir(c, dir, "");
	if (!r)
		return cpio_out_close(c, &e);
	cpio_out_abort(c);
	return r;
}

static int pack_to(char **arg)
{
	cleanup_close int fd = open(arg[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? sys_error(arg[1]) : pack(fd, arg[0]);
}

/* arg: FILE DIR KERNEL */
static int append(char **arg)
{
	cleanup_close int fd = open(arg[0], O_RDWR | O_CLOEXEC);
	char why[1100];
	struct initrd *i;
	uint64_t at;
	int r;

	if (fd < 0)
		return sys_error(arg[0]);
	r = initrd_open_fd(fd, arg[0], &i, &e);
	if (r)
		return r;
	at = initrd_append_offset(i);
	switch (initrd_how_to_append(i, arg[2], why, sizeof why)) {
	case INITRD_MAY_APPEND:
		break;
	case INITRD_MUST_REWRITE: {
		FILE *f = tmpfile();
		char buf[65536];
		size_t n;

		r = initrd_rewrite(i, fileno(f), &e);
		rewind(f);
		if (!r && ftruncate(fd, 0))
			r = sys_error(arg[0]);
		while (!r && (n = fread(buf, 1, sizeof buf, f)))
			if (write(fd, buf, n) != (ssize_t)n)
				r = sys_error(arg[0]);
		fclose(f);
		at = (uint64_t)lseek(fd, 0, SEEK_CUR);
		break;
	}
	case INITRD_REFUSED:
		r = err_set(&e, ERR_REFUSED, "%s", why);
	}
	initrd_close(i);
	if (!r && (ftruncate(fd, (off_t)at) || lseek(fd, (off_t)at, SEEK_SET) < 0))
		r = sys_error(arg[0]);
	return r ? r : pack(fd, arg[1]);
}

static const struct {
	const char *name;
	int args;               /* at least, with the file */
	int (*open)(struct initrd *i, char **arg);
	int (*other)(char **arg);
} commands[] = {
	{ "list", 1, list, NULL }, { "files", 1, files, NULL }, { "cat", 2, cat, NULL },
	{ "extract", 3, extract, NULL }, { "rewrite", 2, rewrite, NULL },
	{ "pack", 2, NULL, pack_to }, { "append", 3, NULL, append },
};

int main(int argc, char **argv)
{
	int r = err_set(&e, ERR_USAGE, "usage: see initrdtool.c");

	for (size_t k = 0; argc > 1 && k < sizeof commands / sizeof *commands; k++) {
		struct initrd *i;

		if (strcmp(argv[1], commands[k].name) || argc - 2 < commands[k].args)
			continue;
		if (commands[k].other) {
			r = commands[k].other(argv + 2);
			continue;
		}
		r = with(argv[2], &i);
		if (!r) {
			r = commands[k].open(i, argv + 3);
			initrd_close(i);
		}
	}
	if (r)
		fprintf(stderr, "initrdtool: %s\n", e.msg);
	return err_exit_status(r);
}
