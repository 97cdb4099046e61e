/* drivers-check.c: whether a package can be used: its .sys files are there, for this
 * processor, and signed as far as that can be seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/drivers-int.h"
#include "drivers-inject/windows/pe.h"

/* Drivers of one installation that are looked at; real ones have up to 6. */
#define FILES_MAX 64

struct check {
	struct drivers_match *m;
	const struct inf_target *t;
	int has_catalog;
	int n_good, n_unsigned; /* files for this processor; those of them without a signature */
	int rc;
	struct err *e;
};

static void out_of_memory(struct check *c)
{
	c->rc = err_set(c->e, ERR_NOMEM, "out of memory for %s", c->m->package->origin);
}

/* The first reason stays. */
static void __attribute__((format(printf, 2, 3))) refuse(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->m->reason)
		return;
	va_start(ap, fmt);
	if (vasprintf(&c->m->reason, fmt, ap) < 0) {
		c->m->reason = NULL;
		out_of_memory(c);
	}
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3))) warn(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_vaddf(&c->m->warnings, fmt, ap);
	va_end(ap);
}

static int is_sys(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcasecmp(name + n - 4, ".sys");
}

/* 1: that file was looked at for an earlier entry (a copy to a second place). */
static int seen(const struct inf_install *in, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcasecmp(in->files[k].source, in->files[i].source) &&
		    !strcasecmp(in->files[k].dir, in->files[i].dir))
			return 1;
	return 0;
}

/* What the guest's own Windows has taken in is signed by catalogs elsewhere. */
static int is_windows_own(const struct drivers_match *m)
{
	return m->package->place == DRIVERS_STORE || m->package->place == DRIVERS_WINDOWS_INF;
}

static int starts_at_boot(const struct inf_install *in)
{
	for (size_t i = 0; i < in->n_services; i++)
		if (in->services[i].start == 0 && (in->services[i].flags & INF_SPSVCINST_ASSOCSERVICE))
			return 1;
	return 0;
}

static void check_signature(struct check *c, const char *name, const struct pe *pe)
{
	if (pe->has_certificate || is_windows_own(c->m))
		return;
	if (!c->has_catalog) {
		c->n_unsigned++;
		warn(c, "%s is not signed and the package has no catalog.%s", name,
		     c->t->major >= 6 && c->t->arch != INF_X86 ?
		     " 64-bit Windows refuses it unless test signing is on." : "");
	} else if (c->t->major >= 6 && starts_at_boot(&c->m->install)) {
		warn(c, "%s is signed by the catalog %s only, not by itself: at boot Windows finds "
		     "that signature only if the catalog is installed.", name, c->m->version.catalog);
	}
}

static void check_pe(struct check *c, const char *name, const struct pe *pe)
{
	char room[24];

	if (pe->machine != pe_machine_of(c->t->arch)) {
		refuse(c, "%s is for %s, this Windows is for %s", name, pe_machine_name(pe->machine, room),
		       inf_arch_name(c->t->arch));
		return;
	}
	c->n_good++;
	if (!pe->native)
		warn(c, "%s is not a kernel driver by its header (subsystem %u).", name, pe->subsystem);
	if (pe->checksum != pe->checksum_real)
		warn(c, "%s: its checksum is %#x, but should be %#x: Windows may take it for damaged.",
		     name, pe->checksum, pe->checksum_real);
	check_signature(c, name, pe);
}

static void check_file(struct check *c, const struct inf_file *f)
{
	cleanup_free uint8_t *bytes = NULL;
	struct err e;
	struct pe pe;
	size_t n;
	int rc = drivers_read(c->m->package, f, &bytes, &n, &e);

	if (!rc)
		rc = pe_read(bytes, n, f->source, &pe, &e);
	if (rc == ERR_NOMEM) {
		out_of_memory(c);
	} else if (rc) {
		refuse(c, "%s", e.msg);
	} else {
		check_pe(c, f->source, &pe);
		pe_done(&pe);
	}
}

/* Of a package without a service of its own, when an INF of Windows that would have
 * it isn't here. */
static void check_service(struct check *c)
{
	const struct inf_install *in = &c->m->install;

	for (size_t i = 0; !in->n_services && i < in->notes.n; i++)
		if (in->notes.v[i].kind == INF_ABSENT && strcmp(in->notes.v[i].what, "SourceDisksFiles")) {
			refuse(c, "it needs %s of an INF of Windows that is not here", in->notes.v[i].name);
			return;
		}
}

static int has_catalog(const struct drivers_match *m)
{
	char dir[PATH_MAX], path[PATH_MAX], real[PATH_MAX];

	drivers_dir(m->package, dir);
	return *m->version.catalog && !source_join(dir, m->version.catalog, path) &&
	       !source_find(m->package->source, path, real, NULL);
}

int drivers_check(struct drivers_match *m, const struct inf_target *t, struct err *e)
{
	struct check c = { .m = m, .t = t, .has_catalog = has_catalog(m), .e = e };
	const struct inf_install *in = &m->install;
	size_t looked_at = 0;

	if (*m->version.extension_id)
		refuse(&c, "it only extends another driver of the device");
	for (size_t i = 0; i < in->n_files && !c.rc && looked_at < FILES_MAX; i++)
		if (is_sys(in->files[i].name) && !seen(in, i)) {
			check_file(&c, &in->files[i]);
			looked_at++;
		}
	check_service(&c);
	m->is_signed = is_windows_own(m) || c.has_catalog || (c.n_good && !c.n_unsigned);
	return c.rc;
}
