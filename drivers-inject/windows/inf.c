/* inf.c: see inf.h.
 *
 * Everything is found by bisection in sorted arrays: an INF is a stranger's file, and
 * a hash table can be filled with names of one hash. */
#include "drivers-inject/windows/inf-int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/inf-text.h"

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

int inf_compare(const char *a, size_t n, const char *b)
{
	for (size_t i = 0; i < n; i++) {
		int d = lower(a[i]) - lower(b[i]);

		if (d)
			return d;
		/* both are 0 only at the end of both */
		if (!b[i])
			return 0;
	}
	return b[n] ? -1 : 0;
}

static int by_place(const void *a, const void *b)
{
	return a < b ? -1 : a > b;
}

static int by_head(const void *a, const void *b)
{
	const struct inf_head *x = *(struct inf_head *const *)a, *y = *(struct inf_head *const *)b;
	int d = inf_compare(x->name, strlen(x->name), y->name);

	return d ? d : by_place(x, y);
}

static int by_key(const void *a, const void *b)
{
	const struct inf_line *x = *(const struct inf_line *const *)a;
	const struct inf_line *y = *(const struct inf_line *const *)b;
	int d;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	d = inf_compare(x->key, strlen(x->key), y->key);
	return d ? d : by_place(x, y);
}

static int no_memory(const struct inf *f, struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for the sections of %s", f->name);
}

/* One section for all heads of a name. */
static int merge_heads(struct inf *f, struct err *e)
{
	struct inf_head **order = malloc((f->n_heads + 1) * sizeof(*order));

	f->sections = calloc(f->n_heads + 1, sizeof *f->sections);
	if (!order || !f->sections) {
		free(order);
		return no_memory(f, e);
	}
	for (size_t i = 0; i < f->n_heads; i++)
		order[i] = &f->heads[i];
	if (f->n_heads)
		qsort(order, f->n_heads, sizeof(*order), by_head);
	for (size_t i = 0; i < f->n_heads; i++) {
		struct inf_head *h = order[i];

		if (!i || inf_compare(h->name, strlen(h->name), order[i - 1]->name))
			f->sections[f->n_sections++] =
				(struct inf_section){ .name = h->name, .line = h->line };
		h->section = (uint32_t)(f->n_sections - 1);
	}
	free(order);
	return 0;
}

/* Lines know their section and the next line of it; keys are sorted. */
static int link_lines(struct inf *f, struct err *e)
{
	struct inf_line **last = calloc(f->n_sections + 1, sizeof(*last));

	f->keys = malloc((f->n_lines + 1) * sizeof(*f->keys));
	if (!last || !f->keys) {
		free(last);
		return no_memory(f, e);
	}
	for (size_t i = 0; i < f->n_lines; i++) {
		struct inf_line *l = &f->lines[i];

		l->section = f->heads[l->section].section;
		if (last[l->section])
			last[l->section]->next = l;
		else
			f->sections[l->section].first = l;
		last[l->section] = l;
		if (l->key)
			f->keys[f->n_keys++] = l;
	}
	free(last);
	if (f->n_keys)
		qsort(f->keys, f->n_keys, sizeof(*f->keys), by_key);
	return 0;
}

/* How well [name] suits an English Windows; 0: best, -1: another language or no such
 * section.  The suffix is a LANGID in hexadecimal: low 10 bits language (9: English),
 * the rest its variety (1: United States, 0: neutral). */
static int strings_rank(const char *name)
{
	unsigned long id;
	char *end;

	if (inf_compare(name, 8, "strings.") || !name[8])
		return -1;
	id = strtoul(name + 8, &end, 16);
	if (*end || (id & 0x3ff) != 9)
		return -1;
	return id == 0x409 ? 0 : id == 9 ? 1 : 2;
}

static void choose_strings(struct inf *f)
{
	int best = -1;

	f->strings[1] = inf_section(f, "Strings");
	for (size_t i = 0; i < f->n_sections; i++) {
		const struct inf_section *s = &f->sections[i];
		int rank = strlen(s->name) < 8 ? -1 : strings_rank(s->name);

		if (rank < 0 || (best >= 0 && (rank > best ||
		    (rank == best && s->line > f->strings[0]->line))))
			continue;
		best = rank;
		f->strings[0] = s;
	}
}

/* Windows (and we) take no file without one of two signatures for an INF. */
static int check_signature(const struct inf *f, struct err *e)
{
	const struct inf_section *s = inf_section(f, "Version");
	const struct inf_line *l = inf_find(f, s, "Signature");
	char text[INF_FIELD_MAX];

	if (!s)
		return err_set(e, ERR_CORRUPT, "%s has no [Version] section: not a Windows INF", f->name);
	if (!l)
		return err_set(e, ERR_CORRUPT, "%s line %u: [Version] has no Signature: not a Windows INF",
			       f->name, s->line);
	if (inf_expand(f, inf_raw(f, l, 0), NULL, text, e))
		return err_prefix(e, "%s line %u", f->name, l->line);
	if (inf_compare(text, strlen(text), "$Windows NT$") &&
	    inf_compare(text, strlen(text), "$Chicago$"))
		return err_set(e, ERR_CORRUPT,
			       "%s line %u: the Signature is \"%.80s\", neither $Windows NT$ nor $Chicago$",
			       f->name, l->line, text);
	return 0;
}

static int fill(struct inf *f, const void *bytes, size_t n, struct err *e)
{
	enum inf_encoding enc;
	char *text;
	size_t len;
	int rc;

	if (n > INF_SIZE_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s has %zu bytes, an INF may have %u",
			       f->name, n, INF_SIZE_MAX);
	rc = inf_text_decode(bytes, n, &text, &len, &enc, e);
	if (rc)
		return err_prefix(e, "%s", f->name);
	rc = inf_lex(f, text, len, e);
	free(text);
	rc = rc ? rc : merge_heads(f, e);
	rc = rc ? rc : link_lines(f, e);
	if (rc)
		return rc;
	choose_strings(f);
	return check_signature(f, e);
}

int inf_parse(const void *bytes, size_t n, const char *name, struct inf **ret, struct err *e)
{
	struct inf *f = calloc(1, sizeof *f);
	int rc;

	if (f)
		f->name = strdup(name);
	if (!f || !f->name) {
		free(f);
		return err_set(e, ERR_NOMEM, "out of memory for %s", name);
	}
	rc = fill(f, bytes, n, e);
	if (rc)
		inf_free(f);
	else
		*ret = f;
	return rc;
}

void inf_free(struct inf *f)
{
	if (!f)
		return;
	free(f->name);
	free(f->text);
	free(f->values);
	free(f->lines);
	free(f->heads);
	free(f->sections);
	free(f->keys);
	free(f);
}

const char *inf_name(const struct inf *f)
{
	return f->name;
}

const struct inf_section *inf_section(const struct inf *f, const char *name)
{
	size_t lo = 0, hi = f->n_sections, n = strlen(name);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = inf_compare(name, n, f->sections[mid].name);

		if (!d)
			return &f->sections[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* The first line of the section with the key of n bytes. */
static const struct inf_line *find(const struct inf *f, const struct inf_section *s,
				   const char *key, size_t n)
{
	size_t lo = 0, hi = f->n_keys, number;

	if (!s)
		return NULL;
	number = (size_t)(s - f->sections);
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct inf_line *l = f->keys[mid];

		if (l->section < number ||
		    (l->section == number && inf_compare(key, n, l->key) > 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->n_keys || f->keys[lo]->section != number ||
	    inf_compare(key, n, f->keys[lo]->key))
		return NULL;
	return f->keys[lo];
}

const struct inf_line *inf_find(const struct inf *f, const struct inf_section *s, const char *key)
{
	return find(f, s, key, strlen(key));
}

const char *inf_raw(const struct inf *f, const struct inf_line *l, size_t i)
{
	return i < l->n ? f->text + f->values[l->first + i] : "";
}

const char *inf_string(const struct inf *f, const char *key, size_t n)
{
	const struct inf_line *l = find(f, f->strings[0], key, n);

	if (!l)
		l = find(f, f->strings[1], key, n);
	return l ? inf_raw(f, l, 0) : NULL;
}

/* What %key% becomes; path is room for INF_DIRID_MAX bytes. */
static const char *substitute(const struct inf *f, const char *key, size_t n,
			      const struct inf_dirs *dirs, int slash, char *path)
{
	const char *s = n ? inf_string(f, key, n) : "%";
	size_t len;

	if (s || !dirs || inf_dirid_path(dirs, key, n, path))
		return s;
	/* C:\ followed by a backslash */
	len = strlen(path);
	if (slash && len && path[len - 1] == '\\')
		path[len - 1] = 0;
	return path;
}

int inf_expand(const struct inf *f, const char *raw, const struct inf_dirs *dirs,
	       char *out, struct err *e)
{
	char path[INF_DIRID_MAX];
	size_t at = 0;

	for (const char *p = raw; *p;) {
		const char *open = strchr(p, '%'), *close = open ? strchr(open + 1, '%') : NULL;
		size_t plain = close ? (size_t)(open - p) : strlen(p), len;
		const char *s = "";

		if (close) {
			s = substitute(f, open + 1, (size_t)(close - open - 1), dirs,
				       close[1] == '\\', path);
			if (!s)
				plain = (size_t)(close + 1 - p);
		}
		len = s ? strlen(s) : 0;
		if (plain + len >= INF_FIELD_MAX - at)
			return err_set(e, ERR_UNSUPPORTED,
				       "a value of more than 4096 characters after its %%strings%% are put in");
		memcpy(out + at, p, plain);
		memcpy(out + at + plain, s ? s : "", len);
		at += plain + len;
		p = close ? close + 1 : p + plain;
	}
	out[at] = 0;
	return 0;
}

int inf_number(const char *s, uint64_t *ret)
{
	int minus = *s == '-';
	unsigned long long v;
	char *end;
	int hex;

	s += *s == '-' || *s == '+';
	hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	s += hex ? 2 : 0;
	/* strtoull takes blanks, a sign and 0x of its own */
	if (strspn(s, hex ? "0123456789abcdefABCDEF" : "0123456789") != strlen(s) || !*s)
		return -1;
	errno = 0;
	v = strtoull(s, &end, hex ? 16 : 10);
	if (errno || *end)
		return -1;
	*ret = minus ? 0 - v : v;
	return 0;
}
