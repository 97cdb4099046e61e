/* place-creds.c: user name and password for a place; never from argv, never
 * in a message. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/cleanup.h"
#include "common/prompt.h"
#include "imager/store/place-ops.h"

static int take(const char *path, const char *value, char *ret, size_t size, struct err *e)
{
	if (strlen(value) >= size)
		return err_set(e, ERR_USAGE, "%s: a value is longer than %zu bytes", path, size - 1);
	strcpy(ret, value);
	return 0;
}

static int take_line(const char *path, char *line, struct place_creds *c, struct err *e)
{
	char *eq = strchr(line, '='), *name = line + strspn(line, " \t");

	line[strcspn(line, "\r\n")] = 0;
	if (!*name || *name == '#')
		return 0;
	if (eq) {
		*eq = 0;
		name[strcspn(name, " \t")] = 0;
		if (!strcmp(name, "username") || !strcmp(name, "user"))
			return take(path, eq + 1, c->username, sizeof c->username, e);
		if (!strcmp(name, "password") || !strcmp(name, "pass"))
			return take(path, eq + 1, c->password, sizeof c->password, e);
		if (!strcmp(name, "domain") || !strcmp(name, "dom"))
			return take(path, eq + 1, c->domain, sizeof c->domain, e);
	}
	return err_set(e, ERR_USAGE, "%s: each line must be username=, password= or domain= with its value", path);
}

int place_creds_file(const char *path, struct place_creds *ret,
		     struct err *e)
{
	cleanup_fclose FILE *f = fopen(path, "re");
	cleanup_free char *line = NULL;
	struct place_creds c = { 0 };
	struct stat st;
	size_t room = 0;

	if (!f || fstat(fileno(f), &st) < 0)
		return err_sys(e, errno, "%s: the credentials file can't be read", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077))
		return err_set(e, ERR_REFUSED,
			       "%s: the credentials file can be read by others; run `chmod 600` on it", path);
	while (getline(&line, &room, f) > 0)
		if (take_line(path, line, &c, e) < 0)
			return e->code;
	if (line)
		explicit_bzero(line, room);
	*ret = c;
	return 0;
}

static int from_environment(struct place_creds *c, struct err *e)
{
	const char *user = getenv("REHOST_USERNAME"), *pass = getenv("REHOST_PASSWORD");
	const char *domain = getenv("REHOST_DOMAIN");

	if ((user && take("REHOST_USERNAME", user, c->username, sizeof c->username, e) < 0) ||
	    (pass && take("REHOST_PASSWORD", pass, c->password, sizeof c->password, e) < 0) ||
	    (domain && take("REHOST_DOMAIN", domain, c->domain, sizeof c->domain, e) < 0))
		return e->code;
	return user || pass;
}

static int from_person(const struct place *p, int stdin_busy, struct place_creds *c,
		       struct err *e)
{
	char text[300];

	snprintf(text, sizeof text, "User name at %s (empty: guest): ", p->host);
	if (!*c->username && prompt_line(text, 0, stdin_busy, c->username, sizeof c->username, e) < 0)
		return e->code;
	if (!*c->username)
		return 0;
	snprintf(text, sizeof text, "Password of %s at %s: ", c->username, p->host);
	return prompt_line(text, 1, stdin_busy, c->password, sizeof c->password, e);
}

int place_creds_get(const struct place *p, const char *file, int stdin_busy,
		    struct place_creds *ret, struct err *e)
{
	struct place_creds c = { 0 };
	int known = 0;

	if (file) {
		if (place_creds_file(file, &c, e) < 0)
			return e->code;
		known = 1;
	} else {
		known = from_environment(&c, e);
		if (known < 0)
			return e->code;
	}
	if (!*c.username)
		snprintf(c.username, sizeof c.username, "%s", p->user);
	if (!*c.domain)
		snprintf(c.domain, sizeof c.domain, "%s", p->domain);
	if (p->ops->wants_creds && !known && !place_option(p, "guest") &&
	    prompt_possible(stdin_busy) && from_person(p, stdin_busy, &c, e) < 0)
		return e->code;
	if (strpbrk(c.username, "\n\r") || strpbrk(c.password, "\n\r") || strpbrk(c.domain, "\n\r"))
		return err_set(e, ERR_USAGE, "a user name, password or domain must not have a line's end in it");
	*ret = c;
	return 0;
}
