/* inf-install.c: see inf-install.h.
 *
 * A device is installed by its DDInstall section and those that have the same name,
 * decoration included, and a suffix (.HW, .Services, ...): Microsoft, "Combining
 * Platform Extensions with Other Section Name Extensions".  Files come first, then
 * DelReg, AddReg and BitReg: the order of setupapi, as Wine's has it too. */
#include "drivers-inject/windows/inf-install-int.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *inf_root_name(enum inf_root root)
{
	static const char *const names[] = { "HKLM", "HKCU", "HKCR", "HKU", "software",
					     "hardware", "service", "eventlog" };

	return names[root];
}

const char *inf_reg_op_name(enum inf_reg_op op)
{
	static const char *const names[] = { "set", "key", "delete-value", "delete-key", "append",
					     "remove-string", "set-bits", "clear-bits" };

	return names[op];
}

const struct inf *inf_nth(const struct inf_job *j, size_t i)
{
	if (!i)
		return j->f;
	return i <= j->ret->n_includes ? j->ret->includes[i - 1] : NULL;
}

const struct inf_section *inf_named_section(struct inf_job *j, const struct inf *f,
					    const struct inf_line *l, const char *name,
					    const struct inf **ret_f)
{
	const struct inf_section *s = inf_section(f, name);
	const struct inf *other;

	*ret_f = f;
	for (size_t i = 0; !s && (other = inf_nth(j, i)); i++) {
		s = inf_section(other, name);
		*ret_f = other;
	}
	if (!s)
		inf_note(&j->b, INF_BROKEN, f, l, "section", name);
	return s;
}

static void not_done(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	inf_note(&j->b, INF_NOT_DONE, s->f, l, l->key, inf_value(&j->b, s->f, l, 0));
}

enum { MAIN = 1, HW = 2, COINSTALLERS = 4, SERVICES = 8, FILTERS = 16, OTHER = 32, ANY = 63 };
enum { FILES_PASS, DELREG_PASS, ADDREG_PASS, BITREG_PASS, N_PASSES };

static const struct directive {
	const char *name;
	unsigned parts;
	int pass;
	inf_directive *fn;
} directives[] = {
	{ "AddComponent", ANY, FILES_PASS, not_done },
	{ "AddEventProvider", ANY, FILES_PASS, not_done },
	{ "AddFilter", FILTERS, FILES_PASS, inf_add_filter },
	{ "AddInterface", ANY, FILES_PASS, not_done },
	{ "AddPowerSetting", ANY, FILES_PASS, not_done },
	{ "AddProperty", ANY, FILES_PASS, not_done },
	{ "AddReg", MAIN | HW | COINSTALLERS, ADDREG_PASS, inf_add_reg },
	{ "AddService", SERVICES, FILES_PASS, inf_add_service },
	{ "AddSoftware", ANY, FILES_PASS, not_done },
	{ "BitReg", MAIN | HW | COINSTALLERS, BITREG_PASS, inf_bit_reg },
	{ "CopyFiles", MAIN | COINSTALLERS, FILES_PASS, inf_copy_files },
	{ "CopyINF", ANY, FILES_PASS, not_done },
	{ "DelFiles", ANY, FILES_PASS, not_done },
	{ "DelProperty", ANY, FILES_PASS, not_done },
	{ "DelReg", MAIN | HW | COINSTALLERS, DELREG_PASS, inf_del_reg },
	{ "DelService", ANY, FILES_PASS, not_done },
	{ "ExcludeID", ANY, FILES_PASS, not_done },
	{ "Ini2Reg", ANY, FILES_PASS, not_done },
	{ "KmdfService", ANY, FILES_PASS, not_done },
	{ "LogConfig", ANY, FILES_PASS, not_done },
	{ "ProfileItems", ANY, FILES_PASS, not_done },
	{ "Reboot", ANY, FILES_PASS, not_done },
	{ "RegisterDlls", ANY, FILES_PASS, not_done },
	{ "RenFiles", ANY, FILES_PASS, not_done },
	{ "UmdfService", ANY, FILES_PASS, not_done },
	{ "UnregisterDlls", ANY, FILES_PASS, not_done },
	{ "UpdateIniFields", ANY, FILES_PASS, not_done },
	{ "UpdateInis", ANY, FILES_PASS, not_done },
};

static int by_name(const void *key, const void *element)
{
	return strcasecmp(key, ((const struct directive *)element)->name);
}

static void run_line(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l,
		     unsigned part, int pass)
{
	const struct directive *d;

	if (!l->key)
		return;
	d = bsearch(l->key, directives, sizeof directives / sizeof *directives,
		    sizeof *directives, by_name);
	if (d && d->pass == pass && (d->parts & part))
		d->fn(j, s, l);
}

static void run_pass(struct inf_job *j, const struct inf_scope *scope, const struct inf_section *s,
		     unsigned part, int pass)
{
	for (const struct inf_line *l = s->first; l && inf_step(&j->b, scope->f, l); l = l->next)
		run_line(j, scope, l, part, pass);
}

void inf_registry(struct inf_job *j, const struct inf_scope *scope, const struct inf_section *s)
{
	for (int pass = DELREG_PASS; pass <= BITREG_PASS; pass++)
		run_pass(j, scope, s, HW, pass);
}

static const struct inf *included(const struct inf_job *j, const char *name)
{
	const struct inf *f;

	for (size_t i = 0; (f = inf_nth(j, i)); i++)
		if (!strcasecmp(inf_name(f), name))
			return f;
	return NULL;
}

static void include(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		    const char *name)
{
	struct inf_install *in = j->ret;
	void *bytes = NULL;
	size_t n = 0;
	int rc = ERR_NOT_FOUND, broken = 0;

	if (!*name || included(j, name) || j->b.rc)
		return;
	if (in->n_includes < INF_INCLUDES_MAX && j->source)
		rc = j->source->read(j->source->ctx, name, &bytes, &n, j->b.e);
	if (!rc) {
		rc = inf_parse(bytes, n, name, &in->includes[in->n_includes], j->b.e);
		broken = rc && rc != ERR_NOMEM;
	}
	free(bytes);
	if (!rc)
		in->n_includes++;
	else if (broken || rc == ERR_NOT_FOUND)
		inf_note(&j->b, broken ? INF_BROKEN : INF_ABSENT, f, l, "Include", name);
	else
		j->b.rc = rc;
}

/* The sections that one part of an installation is made of: its own, and those that
 * it needs from included INFs.  "Needs" of needed sections don't count (Microsoft,
 * "INF DDInstall Section": they cannot be nested). */
struct needed {
	const struct inf *f;
	const struct inf_section *s;
};
struct needs {
	struct needed *v;
	size_t n;
};

static void add_needed(struct inf_job *j, struct needs *needs, const struct inf *f,
		       const struct inf_section *s)
{
	struct needed *v = inf_append(&j->b, (void **)&needs->v, &needs->n, sizeof *v);

	if (v)
		*v = (struct needed){ f, s };
}

static void need(struct inf_job *j, const struct inf_line *l, const char *name, struct needs *needs)
{
	const struct inf_section *s = NULL;
	const struct inf *f = NULL;

	for (size_t i = 0; !s && (f = inf_nth(j, i)); i++)
		s = inf_section(f, name);
	if (s)
		add_needed(j, needs, f, s);
	else if (*name)
		inf_note(&j->b, INF_ABSENT, j->f, l, "Needs", name);
}

static void find_needs(struct inf_job *j, const struct inf_section *s, struct needs *ret)
{
	add_needed(j, ret, j->f, s);
	for (const struct inf_line *l = s->first; l && inf_step(&j->b, j->f, l); l = l->next)
		for (size_t i = 0; l->key && !strcasecmp(l->key, "Include") && i < l->n; i++)
			include(j, j->f, l, inf_value(&j->b, j->f, l, i));
	for (const struct inf_line *l = s->first; l && inf_step(&j->b, j->f, l); l = l->next)
		for (size_t i = 0; l->key && !strcasecmp(l->key, "Needs") && i < l->n; i++)
			need(j, l, inf_value(&j->b, j->f, l, i), ret);
}

static void run_part(struct inf_job *j, const struct inf_section *s, unsigned part,
		     enum inf_root hkr)
{
	struct needs needs = { 0 };

	find_needs(j, s, &needs);
	for (int pass = 0; pass < N_PASSES; pass++)
		for (size_t i = 0; i < needs.n; i++) {
			struct inf_scope scope = { needs.v[i].f, hkr, "" };

			run_pass(j, &scope, needs.v[i].s, part, pass);
		}
	free(needs.v);
}

static const struct {
	const char *suffix;
	unsigned part;
	enum inf_root hkr;
} parts[] = {
	{ "HW", HW, INF_HARDWARE_KEY },
	{ "CoInstallers", COINSTALLERS, INF_SOFTWARE_KEY },
	{ "Services", SERVICES, INF_SOFTWARE_KEY },
	{ "Filters", FILTERS, INF_SOFTWARE_KEY },
	{ "Interfaces", OTHER, INF_SOFTWARE_KEY },
	{ "Wdf", OTHER, INF_SOFTWARE_KEY },
	{ "Components", OTHER, INF_SOFTWARE_KEY },
	{ "Software", OTHER, INF_SOFTWARE_KEY },
	{ "LogConfigOverride", OTHER, INF_SOFTWARE_KEY },
	{ "Events", OTHER, INF_SOFTWARE_KEY },
};

/* A device without a service for the sole reason of a decoration deserves a word. */
static void missing_services(struct inf_job *j, const char *base, const char *wanted)
{
	const char *arch = inf_arch_name(j->t->arch);

	if (inf_section(j->f, inf_printed(&j->b, "%s.nt%s.Services", base, arch)) ||
	    inf_section(j->f, inf_printed(&j->b, "%s.nt.Services", base)) ||
	    inf_section(j->f, inf_printed(&j->b, "%s.Services", base)))
		inf_note(&j->b, INF_BROKEN, j->f, NULL, "services section", wanted);
}

static void run_parts(struct inf_job *j, const char *base)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		const char *name = inf_printed(&j->b, "%s.%s", j->ret->section, parts[i].suffix);
		const struct inf_section *s = inf_section(j->f, name);

		if (s)
			run_part(j, s, parts[i].part, parts[i].hkr);
		else if (parts[i].part == SERVICES)
			missing_services(j, base, name);
	}
}

/* Hexadecimal, 0x or not; 0xff where there is none. */
static unsigned feature_score(struct inf_job *j, const struct inf_line *l)
{
	const char *text = l ? inf_value(&j->b, j->f, l, 0) : "";
	char *end;
	unsigned long score = strtoul(text, &end, 16);

	if (!*text)
		return 0xff;
	if (!isxdigit((unsigned char)*text) || *end) {
		inf_note(&j->b, INF_BROKEN, j->f, l, "number", text);
		return 0xff;
	}
	return score <= 0xff ? (unsigned)score : 0xff;
}

/* DriverVer of the section goes before [Version]'s; FeatureScore: only of this very
 * section, the first one. */
static void facts(struct inf_job *j, const struct inf_section *s)
{
	const struct inf_line *l = inf_find(j->f, s, "DriverVer");

	if (!l)
		l = inf_find(j->f, inf_section(j->f, "Version"), "DriverVer");
	if (l)
		j->ret->driver_ver = inf_driver_ver_parse(inf_value(&j->b, j->f, l, 0),
							  inf_value(&j->b, j->f, l, 1));
	j->ret->feature_score = feature_score(j, inf_find(j->f, s, "FeatureScore"));
}

int inf_install_get(const struct inf *f, const char *section, const struct inf_target *t,
		    const struct inf_dirs *dirs, const struct inf_source *source,
		    struct inf_install *ret, struct err *e)
{
	const struct inf_section *s = inf_actual_section(f, section, t);
	struct inf_install in = { 0 };
	struct inf_job j = { .b = { .mem = &in.mem, .notes = &in.notes, .e = e },
			     .ret = &in, .f = f, .t = t, .source = source };

	if (!s)
		return err_set(e, ERR_NOT_FOUND, "%s: there is no section [%s] for %s",
			       inf_name(f), section, inf_arch_name(t->arch));
	if (dirs)
		j.dirs = *dirs;
	if (!j.dirs.windows)
		j.dirs.windows = INF_WINDOWS;
	j.dirs.bits64 = t->arch != INF_X86 && t->arch != INF_ARM;
	j.b.dirs = &j.dirs;
	in.section = s->name;
	facts(&j, s);
	run_part(&j, s, MAIN, INF_SOFTWARE_KEY);
	run_parts(&j, section);
	if (j.b.rc)
		inf_install_done(&in);
	else
		*ret = in;
	return j.b.rc;
}

void inf_install_done(struct inf_install *i)
{
	free(i->files);
	free(i->regs);
	free(i->services);
	free(i->filters);
	free(i->notes.v);
	for (size_t n = 0; n < i->n_includes; n++)
		inf_free(i->includes[n]);
	inf_mem_done(&i->mem);
	*i = (struct inf_install){ 0 };
}
