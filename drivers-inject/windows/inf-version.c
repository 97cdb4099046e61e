/* inf-version.c: see inf-version.h. */
#include "drivers-inject/windows/inf-version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/inf-build.h"

static const char *const arches[INF_N_ARCHES] = {
	[INF_X86] = "x86", [INF_AMD64] = "amd64", [INF_IA64] = "ia64",
	[INF_ARM] = "arm", [INF_ARM64] = "arm64",
};

const char *inf_arch_name(enum inf_arch arch)
{
	return arches[arch];
}

int inf_arch_parse(const char *s, size_t n)
{
	for (int i = 0; i < INF_N_ARCHES; i++)
		if (strlen(arches[i]) == n && !strncasecmp(arches[i], s, n))
			return i;
	return -1;
}

/* Digits up to `end`; -1: something else, or more than max. */
static long digits(const char **p, char end, long max)
{
	char *stop;
	long v;

	if (**p < '0' || **p > '9')
		return -1;
	v = strtol(*p, &stop, 10);
	if (v > max || (*stop != end && *stop))
		return -1;
	*p = *stop ? stop + 1 : stop;
	return v;
}

static void parse_date(const char *s, struct inf_driver_ver *v)
{
	char separator = strchr(s, '-') ? '-' : '/';
	long month = digits(&s, separator, 12);
	long day = month > 0 ? digits(&s, separator, 31) : -1;
	long year = day > 0 ? digits(&s, 0, 9999) : -1;

	/* a FILETIME begins in 1601 */
	if (year < 1601)
		return;
	v->year = (unsigned)year;
	v->month = (unsigned)month;
	v->day = (unsigned)day;
}

struct inf_driver_ver inf_driver_ver_parse(const char *date, const char *version)
{
	struct inf_driver_ver v = { 0 };

	parse_date(date, &v);
	for (int i = 0; i < 4; i++) {
		long n = digits(&version, '.', 65535);

		if (n < 0)
			break;
		v.version[i] = (uint16_t)n;
	}
	return v;
}

struct version_reader {
	struct inf_build b;
	const struct inf *f;
	const struct inf_section *s;
};

static const char *get(struct version_reader *r, const char *key)
{
	const struct inf_line *l = inf_find(r->f, r->s, key);

	return l ? inf_value(&r->b, r->f, l, 0) : "";
}

static const char *catalog(struct version_reader *r, const struct inf_target *t)
{
	char key[32];

	snprintf(key, sizeof key, "CatalogFile.nt%s", inf_arch_name(t->arch));
	if (inf_find(r->f, r->s, key))
		return get(r, key);
	return get(r, inf_find(r->f, r->s, "CatalogFile.nt") ? "CatalogFile.nt" : "CatalogFile");
}

int inf_version_get(const struct inf *f, const struct inf_target *t, struct inf_version *ret,
		    struct err *e)
{
	struct inf_version v = { 0 };
	struct inf_notes notes = { 0 };
	struct version_reader r = { .b = { .mem = &v.mem, .notes = &notes, .e = e }, .f = f,
				    .s = inf_section(f, "Version") };
	const struct inf_line *l = inf_find(f, r.s, "DriverVer");
	uint64_t lockdown;

	v.signature = get(&r, "Signature");
	v.class = get(&r, "Class");
	v.class_guid = get(&r, "ClassGUID");
	v.provider = get(&r, "Provider");
	v.provider_raw = inf_find(f, r.s, "Provider") ?
			 inf_raw(f, inf_find(f, r.s, "Provider"), 0) : "";
	v.catalog = catalog(&r, t);
	v.layout = get(&r, "LayoutFile");
	v.extension_id = get(&r, "ExtensionId");
	v.pnp_lockdown = !inf_number(get(&r, "PnpLockdown"), &lockdown) && lockdown == 1;
	if (l)
		v.driver_ver = inf_driver_ver_parse(inf_value(&r.b, f, l, 0),
						    inf_value(&r.b, f, l, 1));
	free(notes.v);
	if (r.b.rc)
		inf_version_done(&v);
	else
		*ret = v;
	return r.b.rc;
}

void inf_version_done(struct inf_version *v)
{
	inf_mem_done(&v->mem);
}

const struct inf_section *inf_actual_section(const struct inf *f, const char *base,
					     const struct inf_target *t)
{
	char name[INF_FIELD_MAX + 16];
	const struct inf_section *s;

	snprintf(name, sizeof name, "%.*s.nt%s", INF_FIELD_MAX, base, inf_arch_name(t->arch));
	s = inf_section(f, name);
	if (s)
		return s;
	snprintf(name, sizeof name, "%.*s.nt", INF_FIELD_MAX, base);
	s = inf_section(f, name);
	return s ? s : inf_section(f, base);
}
