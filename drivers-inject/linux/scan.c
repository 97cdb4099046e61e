/* scan.c: what an installed Linux is, for the planners: from the detection
 * that `rehost disks` uses, and what only a mounted tree tells. */
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/adapter.h"
#include "drivers-inject/linux/kernels.h"
#include "drivers-inject/tree-dir.h"

/* KEY=value of a shell-like file, unquoted; "" when it isn't there. */
static void shell_value(const char *text, const char *key, char *ret, size_t size)
{
	size_t len = strlen(key), n;

	*ret = 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " \t");
		if (strncmp(line, key, len) || line[len] != '=')
			continue;
		line += len + 1;
		if (*line == '"' || *line == '\'')
			n = strcspn(line + 1, line[0] == '"' ? "\"\n" : "'\n"), line++;
		else
			n = strcspn(line, " \t\r\n#");
		snprintf(ret, size, "%.*s", (int)(n < size ? n : size - 1), line);
	}
}

static int identify(struct lin *l, struct err *e)
{
	struct guest_list found = { 0 };
	struct tree *t;
	int rc = tree_of_root(l->root, &t, e);

	if (rc)
		return rc;
	rc = adapter_linux.detect(t, &found, e);
	if (!rc && !found.n)
		rc = err_set(e, ERR_NOT_FOUND, "%s: no Linux is installed here (no os-release nor "
			     "another file that names one)", root_dir(l->root));
	if (!rc) {
		const struct guest *g = found.v[0];

		snprintf(l->id, sizeof l->id, "%.63s", g->lin.id);
		snprintf(l->name, sizeof l->name, "%s", g->name);
		snprintf(l->arch, sizeof l->arch, "%s", g->arch);
		snprintf(l->hostname, sizeof l->hostname, "%.127s", g->hostname);
		snprintf(l->version_id, sizeof l->version_id, "%.31s", g->version);
	}
	guest_list_done(&found);
	tree_close(t);
	return rc;
}

static void find_more(struct lin *l)
{
	cleanup_free char *release = NULL, *selinux = NULL;
	char state[32], link[PATH_MAX];

	if (!root_read(l->root, "/etc/os-release", ROOT_TEXT_MAX, &release, NULL, NULL))
		shell_value(release, "ID_LIKE", l->id_like, sizeof l->id_like);
	if (!root_read(l->root, "/etc/selinux/config", ROOT_TEXT_MAX, &selinux, NULL, NULL)) {
		shell_value(selinux, "SELINUX", state, sizeof state);
		l->selinux = !strcmp(state, "enforcing") || !strcmp(state, "permissive");
	}
	l->usr_merged = !root_readlink(l->root, "/lib", link, NULL) && strstr(link, "usr/lib");
}

static const struct volume *mounted_at(const struct volumes *v, const char *dir)
{
	for (size_t i = 0; v && i < v->n; i++)
		if (!strcmp(v->v[i].mounted, dir))
			return &v->v[i];
	return NULL;
}

static void find_volumes(struct lin *l)
{
	static const char *const esp[] = { "/boot/efi", "/efi", "/boot", "/mnt" };

	l->root_volume = mounted_at(l->volumes, "/");
	l->boot_volume = mounted_at(l->volumes, "/boot");
	if (!l->boot_volume)
		l->boot_volume = l->root_volume;
	for (size_t i = 0; i < sizeof esp / sizeof *esp && !l->esp_volume; i++) {
		const struct volume *v = mounted_at(l->volumes, esp[i]);

		if (v && !strcmp(v->type, "vfat"))
			l->esp_volume = v;
	}
}

int lin_scan(struct root *r, const struct volumes *v, struct lin *ret, struct err *e)
{
	struct lin l = { .root = r, .volumes = v };
	int rc = identify(&l, e);

	if (!rc) {
		find_more(&l);
		find_volumes(&l);
		rc = lin_find_kernels(&l, e);
	}
	if (!rc)
		rc = lin_find_boot(&l, e);
	if (rc)
		lin_done(&l);
	else
		*ret = l;
	return rc;
}

void lin_done(struct lin *l)
{
	free(l->kernel);
	l->kernel = NULL;
	l->n_kernels = 0;
}
