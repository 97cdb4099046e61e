/* edit-selinux.c: lin_plan_selinux: files that are new have no label, and SELinux
 * would keep programs from reading them. */
#include <string.h>
#include "drivers-inject/linux/linux.h"

static int lies_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n > 1 && !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

/* FAT has no labels. */
static int on_esp(const struct lin *l, const char *path)
{
	return lies_in(path, "/boot/efi") || lies_in(path, "/efi") ||
	       (l->esp_volume && lies_in(path, l->esp_volume->mounted));
}

int lin_plan_selinux(const struct lin *l, const struct lin_wishes *w, struct plan *p,
		     struct err *e)
{
	int fresh = 0;

	(void)w;
	if (!l->selinux)
		return 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct edit *d = &p->v[i];

		/* what is written over keeps its label; a link is made anew */
		if (d->kind == EDIT_LINK || (d->kind == EDIT_WRITE && !root_exists(p->root, d->path)))
			fresh |= !on_esp(l, d->path);
	}
	if (!fresh)
		return 0;
	plan_note(p, "SELinux labels every file at the first start, since some are new: that start "
		  "takes minutes longer and restarts once");
	return plan_write(p, "/.autorelabel", "", 0, e, "files were added that have no SELinux label");
}
