/* fstab.c: see fstab.h. */
#include "drivers-inject/fstab.h"
#include <stdio.h>
#include <string.h>

static int octal(const char *s)
{
	return s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
	       s[3] >= '0' && s[3] <= '7';
}

/* fstab(5): blanks, tabs and backslashes in a field stand as \040 and so on */
static int decode(const char *s, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		if (n + 1 >= size)
			return 0;
		if (len - i >= 4 && octal(s + i)) {
			ret[n] = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 |
					(s[i + 3] - '0'));
			i += 4;
		} else {
			ret[n] = s[i++];
		}
	}
	ret[n] = 0;
	return 1;
}

int fstab_parse(const char *line, struct fstab_line *ret)
{
	size_t at = strspn(line, " \t");

	memset(ret, 0, sizeof *ret);
	if (line[at] == '#')
		return 0;
	while (ret->n < FSTAB_FIELDS && line[at] && !strchr("\r\n", line[at])) {
		size_t len = strcspn(line + at, " \t\r\n");

		if (!decode(line + at, len, ret->field[ret->n], sizeof ret->field[0]))
			return 0;
		ret->at[ret->n] = at;
		ret->len[ret->n++] = len;
		at += len;
		at += strspn(line + at, " \t");
	}
	return ret->n >= 2;
}

int fstab_next(const char *text, size_t *pos, struct fstab_line *ret)
{
	while (text[*pos]) {
		const char *line = text + *pos, *end = line + strcspn(line, "\n");

		*pos = (size_t)(end - text) + (*end != 0);
		if (fstab_parse(line, ret))
			return 1;
	}
	return 0;
}

const char *fstab_value(const char *options, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);

	for (const char *o = options; *o;) {
		size_t len = strcspn(o, ",");

		if (len >= n && !strncmp(o, name, n) && (len == n || o[n] == '=')) {
			size_t from = len > n ? n + 1 : n;

			snprintf(buf, size, "%.*s", (int)(len - from), o + from);
			return buf;
		}
		o += len + (o[len] == ',');
	}
	return NULL;
}

int fstab_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	while (*options) {
		size_t len = strcspn(options, ",");

		if (!strncmp(options, name, n) && (len == n || name[n - 1] == '='))
			return 1;
		options += len + (options[len] != 0);
	}
	return 0;
}

int fstab_is_removable(const struct fstab_line *f)
{
	return strstr(f->field[2], "iso9660") || strstr(f->field[2], "udf") ||
	       !strncmp(f->field[1], "/media/cdrom", 12) ||
	       !strncmp(f->field[1], "/media/floppy", 13) || !strcmp(f->field[1], "/cdrom") ||
	       !strcmp(f->field[1], "/mnt/cdrom");
}
