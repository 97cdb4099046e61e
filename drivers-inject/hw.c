/* hw.c: a target's hardware: building it, and this machine's. */
#include "drivers-inject/hw.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json.h"
#include "drivers-inject/hw-private.h"
#include "imager/disks.h"
#include "imager/hardware.h"

struct hw_path *hw_add_path(struct hw *h, const char *name, int required)
{
	struct hw_path *v = reallocarray(h->path, h->n_paths + 1, sizeof *v);

	if (!v)
		return NULL;
	h->path = v;
	v += h->n_paths;
	*v = (struct hw_path){ .name = strdup(name), .required = required };
	if (!v->name)
		return NULL;
	h->n_paths++;
	return v;
}

/* What virtio devices have by their specification: 0 before version 1.0, else 1. */
static int known_revision(const char *modalias)
{
	struct hw_pci_id id;

	if (hw_pci_id(modalias, &id) < 0 || id.vendor != 0x1af4)
		return -1;
	return id.device >= 0x1040;
}

int hw_add_link(struct hw_path *p, const char *modalias, struct pci_names *names,
		struct err *e)
{
	struct hw_link *v = reallocarray(p->v, p->n + 1, sizeof *v), *l;
	char name[320];

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
	p->v = v;
	l = &v[p->n++]; /* from here on hw_done frees it */
	*l = (struct hw_link){ .modalias = strdup(modalias),
			       .revision = known_revision(modalias) };
	hw_name_with(names, modalias, name, sizeof name);
	l->name = strdup(name);
	if (!l->modalias || !l->name || hw_known_modules(modalias, &l->drivers) < 0)
		return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
	return 0;
}

struct hw_nic *hw_add_nic(struct hw *h, const char *modalias, struct pci_names *names)
{
	struct hw_nic *v = reallocarray(h->nic, h->n_nics + 1, sizeof *v);
	char name[320];

	if (!v)
		return NULL;
	h->nic = v;
	v += h->n_nics;
	hw_name_with(names, modalias, name, sizeof name);
	*v = (struct hw_nic){ .modalias = strdup(modalias), .name = strdup(name), .has_link = -1 };
	h->n_nics++;
	return v->modalias && v->name ? v : NULL;
}

/* "v000015AD", but not the subsystem's "sv000015AD": QEMU's e1000e has that one. */
static int in_modalias(const char *modalias, const char *sign)
{
	const char *at = modalias ? strstr(modalias, sign) : NULL;

	while (at && at > modalias && at[-1] == 's' && *sign == 'v')
		at = strstr(at + 1, sign);
	return at != NULL;
}

static int has_sign(const struct hw *h, const char *sign)
{
	for (size_t i = 0; i < h->n_paths; i++)
		for (size_t k = 0; k < h->path[i].n; k++)
			if (in_modalias(h->path[i].v[k].modalias, sign))
				return 1;
	for (size_t i = 0; i < h->n_nics; i++)
		if (in_modalias(h->nic[i].modalias, sign))
			return 1;
	return 0;
}

int hw_is_one_of(const struct hw *h, const char *profiles, const char *const *signs, size_t n)
{
	char name[80], hypervisor[24];

	snprintf(name, sizeof name, " %s ", h->name);
	snprintf(hypervisor, sizeof hypervisor, " %s ", h->hypervisor);
	if (strstr(profiles, name) || (*h->hypervisor && strstr(profiles, hypervisor)))
		return 1;
	for (size_t i = 0; i < n && signs[i]; i++)
		if (has_sign(h, signs[i]))
			return 1;
	return 0;
}

int hw_add_device(struct hw *h, const char *modalias, int revision, struct pci_names *names,
		  struct err *e)
{
	struct hw_device *v = reallocarray(h->device, h->n_devices + 1, sizeof *v);
	char name[320];

	if (!v)
		return err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
	h->device = v;
	v += h->n_devices++;
	hw_name_with(names, modalias, name, sizeof name);
	*v = (struct hw_device){ .modalias = strdup(modalias), .name = strdup(name),
				 .revision = revision < 0 ? known_revision(modalias) : revision };
	return v->modalias && v->name ? 0 :
	       err_set(e, ERR_NOMEM, "out of memory for the target's hardware");
}

static void path_done(struct hw_path *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].modalias);
		free(p->v[i].name);
		strv_done(&p->v[i].drivers);
	}
	free(p->v);
	free(p->name);
}

void hw_done(struct hw *h)
{
	for (size_t i = 0; i < h->n_paths; i++)
		path_done(&h->path[i]);
	for (size_t i = 0; i < h->n_nics; i++) {
		free(h->nic[i].modalias);
		free(h->nic[i].name);
	}
	for (size_t i = 0; i < h->n_devices; i++) {
		free(h->device[i].modalias);
		free(h->device[i].name);
	}
	free(h->device);
	free(h->path);
	free(h->nic);
	memset(h, 0, sizeof *h);
}

/* The kernel's name of the whole disk that `disk`, a path, is or is part of. */
static int whole_disk(const char *disk, char *ret, size_t size, struct err *e)
{
	cleanup_free struct disk *d = calloc(1, sizeof *d);
	char *slash;
	int r;

	if (!d)
		return err_set(e, ERR_NOMEM, "out of memory");
	r = disk_by_path(NULL, disk, d, e);
	if (r)
		return r;
	if (!strcmp(d->kind, "file"))
		return err_set(e, ERR_USAGE, "%s is a file and not a disk of this machine: say by "
			       "--profile or --hardware what it shall boot on", disk);
	slash = strrchr(d->sysdir, '/');
	if (!strcmp(d->kind, "part") && slash) {
		*slash = 0;
		slash = strrchr(d->sysdir, '/');
	}
	snprintf(ret, size, "%s", slash ? slash + 1 : d->name);
	return 0;
}

int hw_here(const char *disk, struct hw *ret, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	char name[256];
	int r;

	if (disk && strchr(disk, '/')) {
		r = whole_disk(disk, name, sizeof name, e);
		if (r)
			return r;
		disk = name;
	}
	r = hardware_json(NULL, NULL, &o, e);
	return r ? r : hw_from_json(o, "this machine", disk, ret, e);
}
