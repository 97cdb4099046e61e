/* bootini.c: see bootini.h. */
#include "drivers-inject/windows/bootini.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"

#define BLANK " \t"

enum section { NOTHING, LOADER, SYSTEMS, OTHER };

/* One line, taken apart: positions in its text. */
struct line {
	const char *key, *value;        /* value NULL: there is no "="       */
	size_t key_len, value_len;      /* without blanks around             */
};

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory for boot.ini");
}

static void forget(struct bootini *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->entry[i].path);
		free(b->entry[i].title);
		free(b->entry[i].options);
	}
	free(b->entry);
	free(b->dflt);
	b->entry = NULL;
	b->dflt = NULL;
	b->n = 0;
	b->timeout = BOOTINI_NO_TIMEOUT;
}

void bootini_done(struct bootini *b)
{
	forget(b);
	strv_done(&b->lines);
}

/* ---- reading ---- */

static size_t trimmed(const char *s, size_t n)
{
	while (n && strchr(BLANK "\r\n", s[n - 1]))
		n--;
	return n;
}

static struct line take_apart(const char *text)
{
	struct line l = { .key = text + strspn(text, BLANK) };
	size_t n = trimmed(l.key, strlen(l.key));
	const char *equals = memchr(l.key, '=', n);

	l.key_len = n;
	if (!equals)
		return l;
	l.key_len = trimmed(l.key, (size_t)(equals - l.key));
	l.value = equals + 1 + strspn(equals + 1, BLANK);
	l.value_len = trimmed(l.value, (size_t)(l.key + n > l.value ? l.key + n - l.value : 0));
	return l;
}

static int is_key(const struct line *l, const char *name)
{
	return l->value && l->key_len == strlen(name) && !strncasecmp(l->key, name, l->key_len);
}

static enum section section_of(const struct line *l)
{
	static const char loader[] = "[boot loader]", systems[] = "[operating systems]";

	return !strncasecmp(l->key, loader, sizeof loader - 1) ? LOADER :
	       !strncasecmp(l->key, systems, sizeof systems - 1) ? SYSTEMS : OTHER;
}

static int add_entry(struct bootini *b, size_t at, const struct line *l)
{
	struct bootini_entry *v = reallocarray(b->entry, b->n + 1, sizeof *v);
	const char *end = l->value + l->value_len, *title = l->value, *behind;
	size_t len;

	if (!v)
		return -1;
	b->entry = v;
	if (*title == '"') {
		title++;
		behind = memchr(title, '"', (size_t)(end - title));
		len = (size_t)((behind ? behind : end) - title);
		behind = behind ? behind + 1 : end;
	} else {
		/* without quotes: up to the first option */
		behind = memchr(title, '/', (size_t)(end - title));
		behind = behind ? behind : end;
		len = trimmed(title, (size_t)(behind - title));
	}
	while (behind < end && strchr(BLANK, *behind))
		behind++;
	v[b->n++] = (struct bootini_entry){
		.line = at, .path = strndup(l->key, l->key_len), .title = strndup(title, len),
		.options = strndup(behind, (size_t)(end - behind)),
	};
	return v[b->n - 1].path && v[b->n - 1].title && v[b->n - 1].options ? 0 : -1;
}

static int take_loader(struct bootini *b, const struct line *l)
{
	char *end;
	long n;

	if (is_key(l, "default") && !b->dflt) {
		b->dflt = strndup(l->value, l->value_len);
		return b->dflt ? 0 : -1;
	}
	if (is_key(l, "timeout") && b->timeout == BOOTINI_NO_TIMEOUT) {
		n = strtol(l->value, &end, 10);
		if (end > l->value)
			b->timeout = n < 0 ? -1 : n > 9999 ? 9999 : (int)n;
	}
	return 0;
}

static int scan(struct bootini *b, struct err *e)
{
	enum section in = NOTHING;
	int bad = 0;

	forget(b);
	for (size_t i = 0; !bad && i < b->lines.n; i++) {
		struct line l = take_apart(b->lines.v[i]);

		if (*l.key == 0x1a)     /* Ctrl-Z, the end of a text in DOS */
			break;
		if (*l.key == '[')
			in = section_of(&l);
		else if (in == LOADER)
			bad = take_loader(b, &l);
		else if (in == SYSTEMS && l.value && l.key_len && *l.key != ';')
			bad = add_entry(b, i, &l);
	}
	return bad ? no_memory(e) : 0;
}

static int split(struct bootini *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\r\n");
		cleanup_free char *line = NULL;

		n += text[n] == '\r' && text[n + 1] == '\n' ? 2 : text[n] != 0;
		line = strndup(text, n);
		if (!line || strv_add(&b->lines, line))
			return -1;
		text += n;
	}
	return 0;
}

int bootini_parse(const void *bytes, size_t n, const char *name, struct bootini *ret, struct err *e)
{
	struct bootini b = { .eol = "\r\n", .timeout = BOOTINI_NO_TIMEOUT };
	cleanup_free char *text = NULL;
	int rc = 0;

	if (n > BOOTINI_SIZE_MAX)
		return err_set(e, ERR_CORRUPT, "%s has %zu bytes; a boot.ini has at most %u", name, n,
			       BOOTINI_SIZE_MAX);
	if (n && memchr(bytes, 0, n))
		return err_set(e, ERR_CORRUPT, "%s is not a text of 8-bit characters", name);
	text = strndup(n ? bytes : "", n);
	if (!text || split(&b, text))
		rc = no_memory(e);
	if (!rc && b.lines.n && !strchr(b.lines.v[0], '\r') && strchr(b.lines.v[0], '\n'))
		b.eol = "\n";
	if (!rc)
		rc = scan(&b, e);
	if (rc)
		bootini_done(&b);
	else
		*ret = b;
	return rc;
}

int bootini_bytes(const struct bootini *b, char **ret, size_t *ret_n, struct err *e)
{
	size_t n = 0;
	char *text, *to;

	for (size_t i = 0; i < b->lines.n; i++)
		n += strlen(b->lines.v[i]);
	to = text = malloc(n + 1);
	if (!text)
		return no_memory(e);
	*to = 0;
	for (size_t i = 0; i < b->lines.n; i++)
		to = stpcpy(to, b->lines.v[i]);
	*ret = text;
	*ret_n = n;
	return 0;
}

int bootini_default(const struct bootini *b)
{
	for (size_t i = 0; b->dflt && i < b->n; i++)
		if (!strcasecmp(b->entry[i].path, b->dflt))
			return (int)i;
	return -1;
}

/* ---- changing ---- */

/* line becomes the list's. */
static int insert(struct bootini *b, size_t at, char *line, struct err *e)
{
	if (!line || strv_add(&b->lines, "")) {
		free(line);
		return no_memory(e);
	}
	free(b->lines.v[b->lines.n - 1]);
	memmove(b->lines.v + at + 1, b->lines.v + at, (b->lines.n - 1 - at) * sizeof *b->lines.v);
	b->lines.v[at] = line;
	return scan(b, e);
}

static int replace(struct bootini *b, size_t at, char *line, struct err *e)
{
	if (!line)
		return no_memory(e);
	free(b->lines.v[at]);
	b->lines.v[at] = line;
	return scan(b, e);
}

static char *printed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

int bootini_add(struct bootini *b, size_t at, const char *title, const char *options, struct err *e)
{
	if (b->n >= BOOTINI_ENTRIES_MAX)
		return err_set(e, ERR_UNSUPPORTED, "boot.ini has %zu entries already, and ntldr shows no "
			       "more than %d: remove one", b->n, BOOTINI_ENTRIES_MAX);
	return insert(b, b->entry[at].line, printed("%s=\"%s\" %s%s", b->entry[at].path, title, options,
						    b->eol), e);
}

int bootini_set_path(struct bootini *b, size_t at, const char *path, struct err *e)
{
	const char *line = b->lines.v[b->entry[at].line];
	struct line l = take_apart(line);

	return replace(b, b->entry[at].line, printed("%.*s%s%s", (int)(l.key - line), line, path,
						     l.key + l.key_len), e);
}

int bootini_set_options(struct bootini *b, size_t at, const char *options, struct err *e)
{
	const struct bootini_entry *it = &b->entry[at];
	const char *line = b->lines.v[it->line];

	return replace(b, it->line, printed("%s=\"%s\" %s%s", it->path, it->title, options,
					    line + strcspn(line, "\r\n")), e);
}

/* The line of a key in [boot loader] gets another value; it is made where it isn't. */
static int set_loader(struct bootini *b, const char *key, const char *value, struct err *e)
{
	enum section in = NOTHING;
	size_t head = b->lines.n;

	for (size_t i = 0; i < b->lines.n; i++) {
		const char *line = b->lines.v[i];
		struct line l = take_apart(line);

		if (*l.key == 0x1a)
			break;
		if (*l.key == '[') {
			in = section_of(&l);
			head = in == LOADER && head == b->lines.n ? i : head;
		} else if (in == LOADER && is_key(&l, key)) {
			return replace(b, i, printed("%.*s%s%s", (int)(l.value - line), line, value,
						     l.value + l.value_len), e);
		}
	}
	if (head == b->lines.n) {
		int rc = insert(b, 0, printed("[boot loader]%s", b->eol), e);

		if (rc)
			return rc;
		head = 0;
	}
	if (!strpbrk(b->lines.v[head], "\r\n")) {
		int rc = replace(b, head, printed("%s%s", b->lines.v[head], b->eol), e);

		if (rc)
			return rc;
	}
	return insert(b, head + 1, printed("%s=%s%s", key, value, b->eol), e);
}

int bootini_set_default(struct bootini *b, const char *path, struct err *e)
{
	cleanup_free char *copy = strdup(path); /* path may be b's own */

	return copy ? set_loader(b, "default", copy, e) : no_memory(e);
}

int bootini_set_timeout(struct bootini *b, int seconds, struct err *e)
{
	char text[16];

	snprintf(text, sizeof text, "%d", seconds);
	return set_loader(b, "timeout", text, e);
}

/* ---- options ---- */

/* The next option from *at on, from its "/" to its end; NULL: no more. */
static const char *next_option(const char **at, size_t *ret_len)
{
	const char *s = *at + strspn(*at, BLANK);

	if (!*s)
		return NULL;
	*ret_len = strcspn(s, BLANK);
	*at = s + *ret_len;
	return s;
}

static int is_option(const char *s, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && *s == '/' && !strncasecmp(s + 1, name, n) && (len == n + 1 || s[n + 1] == '=');
}

int bootini_option(const char *options, const char *name, char *value, size_t size)
{
	const char *s;
	size_t len;

	*value = 0;
	while ((s = next_option(&options, &len))) {
		size_t skip = strlen(name) + 2;

		if (!is_option(s, len, name))
			continue;
		if (len > skip)
			snprintf(value, size, "%.*s", (int)(len - skip), s + skip);
		return 1;
	}
	return 0;
}

int bootini_without(const char *options, const char *name, char **ret, struct err *e)
{
	char *text = malloc(strlen(options) + 1), *to = text;
	const char *s;
	size_t len;

	if (!text)
		return no_memory(e);
	while ((s = next_option(&options, &len))) {
		if (is_option(s, len, name))
			continue;
		if (to > text)
			*to++ = ' ';
		to = mempcpy(to, s, len);
	}
	*to = 0;
	*ret = text;
	return 0;
}

/* ---- paths ---- */

/* "name(NUMBER)" at *at. */
static int part(const char **at, const char *name, int base, unsigned *ret)
{
	size_t n = strlen(name);
	unsigned long v;
	char *end;

	if (strncasecmp(*at, name, n) || (*at)[n] != '(')
		return 0;
	v = strtoul(*at + n + 1, &end, base);
	if (end == *at + n + 1 || *end != ')' || v > 0xffffffffu)
		return 0;
	*ret = (unsigned)v;
	*at = end + 1;
	return 1;
}

int bootini_arc(const char *path, struct bootini_arc *ret)
{
	struct bootini_arc a = { .bios = 1 };
	const char *at = path;
	unsigned signature;

	if (!part(&at, "multi", 10, &a.adapter)) {
		a.bios = 0;
		if (!part(&at, "scsi", 10, &a.adapter) && !part(&at, "signature", 16, &signature))
			return 0;
	}
	if (!part(&at, "disk", 10, &a.disk) || !part(&at, "rdisk", 10, &a.rdisk) ||
	    !part(&at, "partition", 10, &a.partition) || (*at && *at != '\\'))
		return 0;
	a.dir = at;
	*ret = a;
	return 1;
}
