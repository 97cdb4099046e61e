/* cmd-images.c: see cmd-images.h. */
#include "imager/cmd-images.h"
#include <stdlib.h>
#include <string.h>
#include "common/units.h"

/* The list itself may be named, too: its directory into ret; 0: it isn't. */
static int names_list(const char *path, char ret[PATH_MAX])
{
	size_t n = strlen(path), file = strlen(MACHINE_FILE);

	if (n < file || strcmp(path + n - file, MACHINE_FILE) || (n > file && path[n - file - 1] != '/'))
		return 0;
	snprintf(ret, PATH_MAX, "%.*s", n > file ? (int)(n - file) : 1, n > file ? path : ".");
	return 1;
}

static int list_machine(const char *dir, const char *given, struct cmd_images *l, struct err *e)
{
	const char *at = strstr(given, "/" MACHINE_FILE), *rest = at ? at + strlen("/" MACHINE_FILE) : "";
	int front = (int)(at ? (size_t)(at - given) : strlen(given));

	if (!at && !strcmp(given, MACHINE_FILE))
		given = ".", front = 1;
	while (front > 1 && given[front - 1] == '/')
		front--;
	for (size_t i = 0; i < l->n; i++) {
		const struct machine_image *m = &l->machine.v[i];
		struct cmd_one *one = &l->v[i];

		if (snprintf(one->path, sizeof one->path, "%s/%s", dir, m->image) >= (int)sizeof one->path)
			return err_set(e, ERR_USAGE, "the path of the image is too long");
		snprintf(one->shown, sizeof one->shown, "%.*s/%s%s", front, given, m->image, rest);
		one->name = m->image;
		one->digest = *m->digest ? m->digest : NULL;
	}
	return 0;
}

int cmd_images_list(const struct cmd_image *im, const char *given, struct cmd_images *ret,
		    struct err *e)
{
	struct cmd_images l = { .is_machine = im->is_dir, .n = 1 };
	char dir[PATH_MAX];
	int rc = 0;

	if (l.is_machine)
		snprintf(dir, sizeof dir, "%s", im->path);
	else
		l.is_machine = names_list(im->path, dir);
	if (l.is_machine) {
		rc = machine_read(dir, &l.machine, e);
		if (rc < 0)
			return rc;
		l.n = l.machine.n;
	}
	l.v = calloc(l.n, sizeof *l.v);
	if (!l.v) {
		rc = err_set(e, ERR_NOMEM, "out of memory");
	} else if (l.is_machine) {
		rc = list_machine(dir, given, &l, e);
	} else {
		snprintf(l.v->path, sizeof l.v->path, "%s", im->path);
		snprintf(l.v->shown, sizeof l.v->shown, "%s", given);
		l.v->name = l.v->shown;
	}
	*ret = l;
	if (rc < 0)
		cmd_images_done(ret);
	return rc;
}

void cmd_images_done(struct cmd_images *l)
{
	free(l->v);
	machine_done(&l->machine);
	*l = (struct cmd_images){ 0 };
}

int cmd_images_check(const struct cmd_one *one, const char *digest, struct err *e)
{
	if (!one->digest || !strcmp(one->digest, digest))
		return 0;
	return err_set(e, ERR_REFUSED, "%s isn't the image that " MACHINE_FILE " lists: its digest is %s, not %s; it was made at another time than the others, or edited",
		       one->shown, digest, one->digest);
}

/* ---- all as disks ---- */

void cmd_others_done(struct cmd_others *o)
{
	for (size_t i = 0; i < o->n; i++) {
		dev_close(o->dev[i]);
		image_close(o->v[i].im);
		image_file_close(&o->v[i].f);
	}
	free(o->dev);
	free(o->v);
}

int cmd_others_open(const struct cmd_images *l, const struct cmd_one *one, struct passphrase *pass,
		    struct cmd_others *ret, struct err *e)
{
	ret->v = calloc(l->n, sizeof *ret->v);
	ret->dev = calloc(l->n, sizeof(struct blkdev *));
	if (!ret->v || !ret->dev)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < l->n; i++) {
		struct cmd_other *o = &ret->v[ret->n];

		if (&l->v[i] == one || image_file_open(l->v[i].path, pass, &o->f, NULL) < 0)
			continue;
		if (image_open(o->f.in->dev, o->f.in->access, &o->im, NULL) == 0 &&
		    dev_image(o->im, l->v[i].shown, &ret->dev[ret->n], NULL) == 0) {
			ret->n++;
			continue;
		}
		image_close(o->im);
		image_file_close(&o->f);
		*o = (struct cmd_other){ 0 };
	}
	return 0;
}

/* ---- which goes where ---- */

/* The image that "IMAGE=DISK" names, and DISK; NULL if it is no such word. */
static struct cmd_one *named(struct cmd_images *l, const char *word, const char **ret_disk)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strlen(l->v[i].name), stem = n - strlen(".rhi");

		if (!strncmp(word, l->v[i].name, n) && word[n] == '=')
			stem = n;
		else if (strncmp(word, l->v[i].name, stem) || word[stem] != '=')
			continue;
		*ret_disk = word + stem + 1;
		return &l->v[i];
	}
	return NULL;
}

/* "a.rhi (20.0 GB), b.rhi (1.0 GB)" */
static void list_text(const struct cmd_images *l, char *ret, size_t size)
{
	size_t n = 0;

	*ret = 0;
	for (size_t i = 0; i < l->n && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s (%s)", i ? ", " : "", l->v[i].name,
				      units_bytes(l->machine.v[i].size).s);
}

static int choose_named(struct cmd_images *l, char **words, int n_words, const char **ret,
			struct err *e)
{
	struct cmd_one *v = calloc((size_t)n_words, sizeof *v), *one;
	char all[600];

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (int i = 0; i < n_words; i++) {
		one = named(l, words[i], &ret[i]);
		for (int k = 0; one && k < i; k++)
			if (one->name == v[k].name)
				one = NULL;
		if (!one) {
			free(v);
			list_text(l, all, sizeof all);
			return err_set(e, ERR_USAGE, "%s: give IMAGE=DISK for each image that is wanted, once; there are: %s",
				       words[i], all);
		}
		v[i] = *one;
	}
	free(l->v);
	l->v = v;
	l->n = (size_t)n_words;
	return 0;
}

int cmd_images_match(struct cmd_images *l, char **words, int n_words, const char **ret,
		     struct err *e)
{
	const char *ignored;
	char all[600];

	for (int i = 0; l->is_machine && i < n_words; i++)
		if (named(l, words[i], &ignored))
			return choose_named(l, words, n_words, ret, e);
	if ((size_t)n_words != l->n && l->is_machine) {
		list_text(l, all, sizeof all);
		return err_set(e, ERR_USAGE, "there are %zu images and %d disks; give a disk for each, in this order, or IMAGE=DISK for some: %s",
			       l->n, n_words, all);
	}
	if ((size_t)n_words != l->n)
		return err_set(e, ERR_USAGE, "one image goes to one disk; for several, name the directory that has " MACHINE_FILE);
	for (int i = 0; i < n_words; i++)
		ret[i] = words[i];
	return 0;
}
