/* inf-files.c: CopyFiles: what is copied, from where in the package, to where.
 *
 * Microsoft, "INF CopyFiles Directive", "SourceDisksFiles", "SourceDisksNames",
 * "DestinationDirs" and "Source/Target Media for INF Files". */
#include "drivers-inject/windows/inf-install-int.h"
#include <string.h>
#include "drivers-inject/windows/inf-dirid.h"

/* Found in "section.arch" of any INF, then in "section": a decorated section of an
 * included INF goes before the plain one of the main. */
static const struct inf_line *find_source(struct inf_job *j, const struct inf *from,
					  const char *section, const char *key,
					  const struct inf **ret_f)
{
	const char *decorated = inf_printed(&j->b, "%s.%s", section, inf_arch_name(j->t->arch));
	const struct inf *f;

	for (int plain = 0; plain < 2; plain++) {
		const char *name = plain ? section : decorated;
		const struct inf_line *l = inf_find(from, inf_section(from, name), key);

		*ret_f = from;
		for (size_t i = 0; !l && (f = inf_nth(j, i)); i++) {
			l = inf_find(f, inf_section(f, name), key);
			*ret_f = f;
		}
		if (l)
			return l;
	}
	return NULL;
}

/* Without a "\" or ".\" in front and a "\" at the end. */
static const char *trimmed(struct inf_job *j, const char *path)
{
	size_t n;

	while (*path == '\\' || (path[0] == '.' && (path[1] == '\\' || !path[1])))
		path++;
	n = strlen(path);
	while (n && path[n - 1] == '\\')
		n--;
	return inf_printed(&j->b, "%.*s", (int)n, path);
}

static const char *joined(struct inf_job *j, const char *a, const char *b)
{
	a = trimmed(j, a);
	b = trimmed(j, b);
	return *a && *b ? inf_printed(&j->b, "%s\\%s", a, b) : *a ? a : b;
}

static int is_cab(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && (!strcmp(name + n - 4, ".cab") || !strcmp(name + n - 4, ".CAB"));
}

/* Fills dir and cab of the file. */
static void locate(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		   struct inf_file *file)
{
	const struct inf *where, *disks;
	const struct inf_line *source = find_source(j, f, "SourceDisksFiles", file->source, &where);
	const struct inf_line *disk;
	const char *id, *tag;

	file->dir = file->cab = "";
	if (!source) {
		/* an INF of Windows itself says LayoutFile= instead */
		int layout = !!inf_find(f, inf_section(f, "Version"), "LayoutFile");

		inf_note(&j->b, layout || f != j->f ? INF_ABSENT : INF_BROKEN, f, l,
			 "SourceDisksFiles", file->source);
		return;
	}
	id = inf_value(&j->b, where, source, 0);
	disk = find_source(j, where, "SourceDisksNames", id, &disks);
	if (!disk) {
		inf_note(&j->b, INF_BROKEN, where, source, "SourceDisksNames", id);
		file->dir = trimmed(j, inf_value(&j->b, where, source, 1));
		return;
	}
	file->dir = joined(j, inf_value(&j->b, disks, disk, 3), inf_value(&j->b, where, source, 1));
	tag = inf_value(&j->b, disks, disk, 1);
	if (is_cab(tag))
		file->cab = tag;
}

/* [DestinationDirs] for a section of f: its own entry, in f or another INF; the main
 * INF's DefaultDestDir; f's.  NULL: none says anything. */
static const struct inf_line *destination(struct inf_job *j, const struct inf *f,
					  const char *section, const struct inf **ret_f)
{
	const char *const dirs = "DestinationDirs", *const plain = "DefaultDestDir";
	const struct inf_line *l = *section ? inf_find(f, inf_section(f, dirs), section) : NULL;
	const struct inf *other;

	*ret_f = f;
	for (size_t i = 0; *section && !l && (other = inf_nth(j, i)); i++) {
		l = inf_find(other, inf_section(other, dirs), section);
		*ret_f = other;
	}
	for (size_t i = 0; !l && (other = inf_nth(j, i)); i++) {
		l = inf_find(other, inf_section(other, dirs), plain);
		*ret_f = other;
	}
	return l;
}

struct place {
	int dirid;
	const char *subdir;
};

static struct place place(struct inf_job *j, const struct inf *f, const struct inf_line *from,
			  const char *section)
{
	/* without a word: System32 (Microsoft, SetupGetTargetPath) */
	struct place p = { INF_DIRID_SYSTEM, "" };
	const struct inf *where;
	const struct inf_line *l = destination(j, f, section, &where);
	const char *number;

	if (!l) {
		inf_note(&j->b, INF_BROKEN, f, from, "DestinationDirs", section);
		return p;
	}
	number = inf_value(&j->b, where, l, 0);
	p.dirid = inf_dirid_number(number);
	if (p.dirid == INF_DIRID_UNKNOWN)
		inf_note(&j->b, INF_BROKEN, where, l, "dirid", number);
	p.subdir = p.dirid == INF_DIRID_ABSOLUTE ? inf_value(&j->b, where, l, 1) :
		   trimmed(j, inf_value(&j->b, where, l, 1));
	return p;
}

static void copy(struct inf_job *j, const struct inf *f, const struct inf_line *l,
		 const char *name, const char *source, uint32_t flags, const struct place *p)
{
	struct inf_install *in = j->ret;
	struct inf_file *file;

	if (!*name)
		return;
	file = inf_append(&j->b, (void **)&in->files, &in->n_files, sizeof *file);
	if (!file)
		return;
	*file = (struct inf_file){ .source = *source ? source : name, .name = name, .flags = flags,
				   .dirid = p->dirid, .subdir = p->subdir, .line = l->line };
	locate(j, f, l, file);
}

static void copy_section(struct inf_job *j, const struct inf *from, const struct inf_line *directive,
			 const char *name)
{
	const struct inf *f;
	const struct inf_section *s = inf_named_section(j, from, directive, name, &f);
	struct place p;

	if (!s || !s->first)
		return;
	p = place(j, f, directive, name);
	for (const struct inf_line *l = s->first; l && inf_step(&j->b, f, l); l = l->next) {
		uint64_t flags;

		if (!inf_value_number(&j->b, f, l, 3, 0, &flags))
			copy(j, f, l, inf_value(&j->b, f, l, 0), inf_value(&j->b, f, l, 1),
			     (uint32_t)flags, &p);
	}
}

void inf_copy_files(struct inf_job *j, const struct inf_scope *s, const struct inf_line *l)
{
	for (size_t i = 0; i < l->n && inf_step(&j->b, s->f, l); i++) {
		const char *name = inf_value(&j->b, s->f, l, i);

		if (*name == '@') {
			struct place p = place(j, s->f, l, "");

			copy(j, s->f, l, name + 1, "", 0, &p);
		} else if (*name) {
			copy_section(j, s->f, l, name);
		}
	}
}
