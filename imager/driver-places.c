/* driver-places.c: see driver-places.h. */
#include "imager/driver-places.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "imager/blkuse.h"

int driver_is_file(const char *name)
{
	static const char *const ends[] = { ".inf", ".zip", ".cab", ".iso" };
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (n > 4 && !strcasecmp(name + n - 4, ends[i]))
			return 1;
	return 0;
}

static int mount_url(const char *url, const struct driver_places_request *q,
		     struct driver_place *d, struct err *e)
{
	struct place_how how = { .cancel = q->cancel };
	struct place_creds c;
	struct place p;
	int rc = place_parse(url, &p, e);

	if (rc == ERR_UNSUPPORTED)      /* a scheme of a later version */
		return err_set(e, ERR_USAGE, "%s", strdupa(e->msg));
	if (!rc)
		rc = place_creds_get(&p, q->credentials, 0, &c, e);
	if (rc)
		return rc;
	how.as_dir = !driver_is_file(p.path);
	rc = place_mount(&p, &c, &how, &d->mount, e);
	explicit_bzero(&c, sizeof c);
	if (!rc)
		snprintf(d->path, sizeof d->path, "%s",
			 *d->mount.file ? d->mount.file : d->mount.dir);
	return rc;
}

/* Fills dev and ino; an error that says what can't be used. */
static int look(struct driver_place *d, struct err *e)
{
	struct stat st;

	if (stat(d->path, &st) < 0)
		return err_set(e, ERR_USAGE, "--drivers %s: %s", d->shown, strerror(errno));
	if (!S_ISDIR(st.st_mode) && !(S_ISREG(st.st_mode) && driver_is_file(d->path)))
		return err_set(e, ERR_USAGE, "--drivers %s: give a folder, or a file .inf, .zip, .cab or .iso",
			       d->shown);
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	return 0;
}

/* The last entry of p goes again if it stands there already. */
static void drop_double(struct driver_places *p)
{
	struct driver_place *last = &p->v[p->n - 1];
	struct err ignored;

	for (size_t i = 0; i + 1 < p->n; i++)
		if (p->v[i].dev == last->dev && p->v[i].ino == last->ino) {
			p->n--;
			if (place_unmount(&last->mount, &ignored))
				return; /* it was only read */
			return;
		}
}

static int add_asked(const char *what, const struct driver_places_request *q,
		     struct driver_places *p, struct err *e)
{
	struct driver_place *d = &p->v[p->n];
	int rc = 0;

	if (strlen(what) >= sizeof d->shown)
		return err_set(e, ERR_USAGE, "--drivers: a path of %zu bytes is too long", strlen(what));
	strcpy(d->shown, what);
	if (place_is_url(what))
		rc = mount_url(what, q, d, e);
	else
		strcpy(d->path, what);
	if (rc)
		return err_prefix(e, "--drivers");
	p->n++;
	rc = look(d, e);
	if (!rc)
		drop_double(p);
	return rc;
}

/* The folder DRIVER_FOLDER in dir, if there is one. */
static void add_found(const char *dir, size_t len, const char *shown, const char *found,
		      struct driver_places *p)
{
	struct driver_place *d = &p->v[p->n];
	struct err ignored;
	struct stat st;

	if (snprintf(d->path, sizeof d->path, "%.*s" DRIVER_FOLDER, (int)len, dir) >=
	    (int)sizeof d->path || stat(d->path, &st) < 0 || !S_ISDIR(st.st_mode))
		return;
	snprintf(d->shown, sizeof d->shown, "%.1000s", shown ? shown : d->path);
	d->found = found;
	p->n++;
	if (!look(d, &ignored))
		drop_double(p);
}

/* "smb://h/s/dir/" of "smb://h/s/dir/a.rhi", "" of "a.rhi" */
static size_t dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

static void add_beside(const struct driver_places_request *q, struct driver_places *p)
{
	const char *name = q->shown_image ? q->shown_image : q->image;
	char shown[1024];

	/* what may follow '?' in a URL belongs to the mount */
	snprintf(shown, sizeof shown, "%.*s" DRIVER_FOLDER,
		 (int)(dir_of(name) < 1000 ? dir_of(name) : 0), name);
	add_found(q->image, dir_of(q->image), shown, "beside the image", p);
}

static void add_medium(struct driver_places *p)
{
	const char *medium = getenv("REHOST_MEDIUM");
	char dir[PATH_MAX];

	if (!medium || !*medium)
		medium = BOOT_MEDIUM;
	snprintf(dir, sizeof dir, "%.4000s/", medium);
	add_found(dir, strlen(dir), NULL, "on the live medium", p);
}

int driver_places_open(const struct driver_places_request *q, struct driver_places *ret,
		       struct err *e)
{
	struct driver_places p = { .v = calloc(DRIVER_PLACES_MAX + 2, sizeof *p.v) };
	int rc = 0;

	if (!p.v)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (q->n_asked > DRIVER_PLACES_MAX)
		rc = err_set(e, ERR_USAGE, "--drivers can be given %d times", DRIVER_PLACES_MAX);
	for (size_t i = 0; !rc && i < q->n_asked; i++)
		rc = add_asked(q->asked[i], q, &p, e);
	if (!rc && q->image && strcmp(q->image, "-"))
		add_beside(q, &p);
	if (!rc)
		add_medium(&p);
	if (rc)
		driver_places_close(&p);
	else
		*ret = p;
	return rc;
}

int driver_place_note(const struct driver_place *d, char *ret, size_t size)
{
	if (d->found)
		snprintf(ret, size, "drivers for a Windows are also looked for in %s (%s)",
			 d->shown, d->found);
	return d->found != NULL;
}

void driver_places_close(struct driver_places *p)
{
	struct err ignored;

	for (size_t i = 0; i < p->n; i++)
		if (place_unmount(&p->v[i].mount, &ignored))
			continue; /* it was only read */
	free(p->v);
	*p = (struct driver_places){ 0 };
}
