/* imagefile.c: see imagefile.h. */
#include "imager/imagefile.h"
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/prompt.h"
#include "imager/volumes.h"

static int from_file(struct passphrase *p, struct err *e)
{
	cleanup_fclose FILE *f = fopen(p->file, "re");
	struct stat st;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0)
		return err_sys(e, errno, "%s: the passphrase can't be read", p->file);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077))
		return err_set(e, ERR_REFUSED, "%s: the passphrase can be read by others; run `chmod 600` on the file", p->file);
	setvbuf(f, NULL, _IONBF, 0);
	if (!fgets(p->text, sizeof p->text, f) && ferror(f))
		return err_sys(e, errno, "%s: the passphrase can't be read", p->file);
	n = strcspn(p->text, "\r\n");
	if (!p->text[n] && n + 1 == sizeof p->text)
		return err_set(e, ERR_USAGE, "%s: its first line is longer than %zu bytes", p->file, sizeof p->text - 2);
	p->text[n] = 0;
	return 0;
}

static int from_environment(struct passphrase *p, const char *value, struct err *e)
{
	if (strlen(value) >= sizeof p->text)
		return err_set(e, ERR_USAGE, "REHOST_PASSPHRASE is longer than %zu bytes", sizeof p->text - 1);
	strcpy(p->text, value);
	return 0;
}

static int from_person(struct passphrase *p, const char *name, int again, struct err *e)
{
	char text[1200], second[sizeof p->text];
	int r;

	if (!prompt_possible(p->stdin_busy))
		return err_set(e, ERR_SECRET, "%s: its passphrase is needed: give --passphrase-file FILE, or REHOST_PASSPHRASE in the environment",
			       name);
	snprintf(text, sizeof text, "Passphrase of %s: ", name);
	r = prompt_line(text, 1, p->stdin_busy, p->text, sizeof p->text, e);
	if (r < 0 || !again)
		return r;
	r = prompt_line("The same again: ", 1, p->stdin_busy, second, sizeof second, e);
	if (r == 0 && strcmp(p->text, second))
		r = err_set(e, ERR_SECRET, "the two passphrases differ");
	explicit_bzero(second, sizeof second);
	return r;
}

int passphrase_get(struct passphrase *p, const char *name, int again, struct err *e)
{
	const char *env = getenv("REHOST_PASSPHRASE");
	int r;

	if (p->have)
		return 0;
	if (p->file)
		r = from_file(p, e);
	else if (env)
		r = from_environment(p, env, e);
	else
		r = from_person(p, name, again, e);
	if (r == 0 && !*p->text)
		r = err_set(e, ERR_SECRET, "%s: an empty passphrase protects nothing", name);
	p->have = r == 0;
	return r;
}

void passphrase_done(struct passphrase *p)
{
	explicit_bzero(p->text, sizeof p->text);
	p->have = 0;
}

static int give_passphrase(void *ctx, const char *name, char *buf, size_t size, struct err *e)
{
	struct image_file *f = ctx;
	int r = passphrase_get(f->passphrase, name, 0, e);

	if (r == 0)
		snprintf(buf, size, "%s", f->passphrase->text);
	return r;
}

/* All of its volumes; what is no image at all is told by whoever reads it. */
static int open_dev(const char *path, struct blkdev **ret, struct err *e)
{
	struct image_params p;
	int r = dev_open_ro(path, ret, e);

	if (r < 0)
		return r;
	r = image_params_of(*ret, &p, e);
	if (r == 0 && p.must & FEATURE_SPLIT)
		r = volumes_open(path, *ret, &p, ret, e);
	else if (r != ERR_IO) /* the first of many must not pass for all */
		r = 0;
	if (r < 0)
		*ret = dev_close(*ret);
	return r;
}

/* 1 and *ret: the file is the image of that id.  0: it isn't; why->code is set if that
 * couldn't be read. */
static int is_base(const char *dir, const char *name, const struct image_base *b,
		   struct blkdev **ret, struct err *why)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct image_params p;
	struct err e;
	int r;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (!*name || access(path, F_OK) < 0)
		return 0;
	*ret = NULL;
	r = open_dev(path, ret, &e);
	if (r == 0)
		r = image_params_of(*ret, &p, &e);
	if (r == 0 && !memcmp(p.image_id, b->image_id, sizeof b->image_id))
		return 1;
	if (r == ERR_IO)
		*why = e;
	*ret = dev_close(*ret);
	return 0;
}

int base_file_open(const char *dir, const struct image_base *b, struct blkdev **ret,
		   struct err *e)
{
	char id[33];
	struct err why = { 0 };
	struct dirent *d;
	DIR *list;
	int found = is_base(dir, b->name, b, ret, &why);

	list = found ? NULL : opendir(dir);
	if (!found && !list)
		err_sys(&why, errno, "%s", dir);
	while (list && !found && (errno = 0, d = readdir(list))) {
		size_t n = strlen(d->d_name);

		if (n > 4 && !strcmp(d->d_name + n - 4, ".rhi"))
			found = is_base(dir, d->d_name, b, ret, &why);
	}
	if (list && !found && errno)
		err_sys(&why, errno, "%s", dir);
	if (list)
		closedir(list);
	if (found)
		return 0;
	if (why.code)
		return err_set(e, why.code, "the base image %s wasn't found in %s, where not all can be read: %s",
			       *b->name ? b->name : "without a name", dir, why.msg);
	hex_encode(b->image_id, sizeof b->image_id, id);
	return err_set(e, ERR_NOT_FOUND, "the base image %s (id %s) isn't in %s; put it there, under any name that ends on .rhi",
		       *b->name ? b->name : "without a name", id, dir);
}

static int find_base(void *ctx, const struct image_base *b, struct blkdev **ret, struct err *e)
{
	return base_file_open(((struct image_file *)ctx)->dir, b, ret, e);
}

static void set_access(const char *path, struct passphrase *p, struct image_file *f)
{
	char copy[PATH_MAX];

	f->passphrase = p;
	snprintf(copy, sizeof copy, "%s", path);
	snprintf(f->dir, sizeof f->dir, "%s", dirname(copy));
	if (p)
		f->access = (struct image_access){ .passphrase = give_passphrase,
						   .base = find_base, .ctx = f };
	f->in->access = &f->access;
}

/* f takes d, also when it fails. */
static int from_dev(const char *path, struct blkdev *d, struct passphrase *p, struct image_file *f,
		    struct err *e)
{
	int r = store_open_dev(d, 0, &f->in, e);

	if (r < 0) {
		dev_close(d);
		return r;
	}
	f->in->owns_dev = 1;
	set_access(path, p, f);
	return 0;
}

int image_file_open(const char *path, struct passphrase *p, struct image_file *f,
		    struct err *e)
{
	struct blkdev *d = NULL;
	int r;

	if (strcmp(path, "-")) {
		r = open_dev(path, &d, e);
		return r < 0 ? r : from_dev(path, d, p, f, e);
	}
	r = store_open(path, &f->in, e);
	if (r == 0)
		set_access(path, p, f);
	return r;
}

int image_file_torn(const char *path, struct passphrase *p, struct image_file *f,
		    unsigned int *ret_missing, struct err *e)
{
	struct blkdev *d = NULL;
	int r = volumes_open_torn(path, &d, ret_missing, e);

	return r < 0 ? r : from_dev(path, d, p, f, e);
}

void image_file_close(struct image_file *f)
{
	f->in = store_close(f->in);
}
