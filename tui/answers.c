/* answers.c: see answers.h. */
#include "tui/answers.h"
#include <stdio.h>
#include <string.h>

/* Sets the field of key to value; NULL, or why not. */
typedef const char *set_fn(struct answers *a, const char *value);

static int word_of(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(value, words[i]))
			return i;
	return -1;
}

static const char *set_job(struct answers *a, const char *value)
{
	static const char *const words[] = { "capture", "restore", "verify", "adapt", NULL };
	int i = word_of(value, words);

	if (i < 0)
		return "must be capture, restore, verify or adapt";
	a->job.kind = (enum job_kind)i;
	return NULL;
}

static const char *set_name(struct disk_name *n, const char *value)
{
	static const char *const keys[] = { "serial=", "wwn=", "path=" };

	for (int i = 0; i < 3; i++) {
		size_t len = strlen(keys[i]);

		if (strncmp(value, keys[i], len))
			continue;
		if (!value[len] || strlen(value + len) >= sizeof n->value)
			return "names no disk";
		n->key = (enum disk_key)i;
		strcpy(n->value, value + len);
		return NULL;
	}
	return "must be serial=..., wwn=... or path=...";
}

static const char *set_disk(struct answers *a, const char *value)
{
	if (a->ndisks == JOB_DISKS_MAX)
		return "too many disks";
	return set_name(&a->disks[a->ndisks++], value);
}

static const char *set_target(struct answers *a, const char *value)
{
	if (a->ntargets == JOB_DISKS_MAX)
		return "too many targets";
	return set_name(&a->targets[a->ntargets++], value);
}

/* Of the disk that was named last. */
static const char *set_only(struct answers *a, const char *value)
{
	char *list = a->only[a->ndisks ? a->ndisks - 1 : 0];

	if (list[0])
		return "stands there already for this disk";
	if (strlen(value) >= JOB_ONLY_MAX)
		return "is too long";
	strcpy(list, value);
	return NULL;
}

static const char *set_into(struct answers *a, const char *value)
{
	text_put(&a->job.into, value);
	return NULL;
}

static const char *set_image(struct answers *a, const char *value)
{
	struct job_place p, old = a->job.place;
	char file[240];
	size_t n;

	if (job_place_parse(value, &p, file, NULL) || !file[0])
		return "must be smb://HOST/SHARE/DIR/NAME.rhi, nfs://..., dev:///dev/... or a path";
	/* the credentials may stand in lines before this one */
	p.smb.user = p.smb.user.s[0] ? p.smb.user : old.smb.user;
	p.smb.password = old.smb.password;
	p.smb.domain = p.smb.domain.s[0] ? p.smb.domain : old.smb.domain;
	a->job.place = p;
	strcpy(a->job.image, file);
	n = strlen(file);
	if (n > 4 && !strcmp(file + n - 4, ".rhi"))
		file[n - 4] = 0;
	text_put(&a->job.name, file);
	return NULL;
}

static const char *set_level(struct answers *a, const char *value)
{
	int i = word_of(value, level_names);

	if (i < 0)
		return "must be fast, balanced or small";
	a->job.level = i;
	return NULL;
}

static const char *set_bool(bool *b, const char *value)
{
	static const char *const words[] = { "no", "yes", NULL };
	int i = word_of(value, words);

	*b = i == 1;
	return i < 0 ? "must be yes or no" : NULL;
}

static const char *set_verify(struct answers *a, const char *value)
{
	return set_bool(&a->job.verify, value);
}

static const char *set_adapt(struct answers *a, const char *value)
{
	return set_bool(&a->job.adapt.on, value);
}

static const char *set_adapt_anyway(struct answers *a, const char *value)
{
	return set_bool(&a->job.adapt.anyway, value);
}

static const char *set_hostname(struct answers *a, const char *value)
{
	if (!job_hostname_good(value))
		return "must be letters, digits, '-' and '.'";
	text_put(&a->job.adapt.hostname, value);
	return NULL;
}

static const char *set_new_identity(struct answers *a, const char *value)
{
	return set_bool(&a->job.adapt.new_identity, value);
}

static const char *set_remove_tools(struct answers *a, const char *value)
{
	return set_bool(&a->job.adapt.remove_tools, value);
}

static const char *set_drivers(struct answers *a, const char *value)
{
	if (!job_drivers_good(value))
		return "must be a path that begins with /, or smb://..., nfs://... or dev://..., "
			"without a password";
	return job_add_drivers(&a->job.adapt, value) ? NULL : "is given too often";
}

static const char *set_undo(struct answers *a, const char *value)
{
	bool undo;
	const char *why = set_bool(&undo, value);

	a->job.adapt.undo = undo;
	return why;
}

static const char *set_page_files(struct answers *a, const char *value)
{
	static const char *const words[] = { "leave", "keep", NULL };
	int i = word_of(value, words);

	a->job.page_files = i == 1;
	return i < 0 ? "must be keep or leave" : NULL;
}

static const char *set_resume(struct answers *a, const char *value)
{
	return set_bool(&a->job.resume, value);
}

static const char *set_delta(struct answers *a, const char *value)
{
	return set_bool(&a->job.delta, value);
}

static const char *set_encrypt(struct answers *a, const char *value)
{
	return set_bool(&a->job.encrypt, value);
}

static const char *set_dedup(struct answers *a, const char *value)
{
	return set_bool(&a->job.dedup, value);
}

static const char *set_passphrase_file(struct answers *a, const char *value)
{
	if (strlen(value) >= sizeof a->passphrase_file)
		return "is too long";
	strcpy(a->passphrase_file, value);
	return NULL;
}

static const char *set_split(struct answers *a, const char *value)
{
	int i = word_of(value, split_names);

	if (i < 0)
		return "must be no, 700M, 2G, 4095M or 16G";
	a->job.split = i;
	return NULL;
}

static const char *set_base(struct answers *a, const char *value)
{
	if (strchr(value, '/') || strlen(value) >= sizeof a->job.base)
		return "must be the name of an image that lies beside the new one";
	strcpy(a->job.base, value);
	return NULL;
}

static const char *set_then(enum answers_then *t, const char *value)
{
	static const char *const words[] = { "wizard", "poweroff", "reboot", "shell",
					     NULL };
	int i = word_of(value, words);

	if (i < 0)
		return "must be wizard, poweroff, reboot or shell";
	*t = (enum answers_then)i;
	return NULL;
}

static const char *set_after(struct answers *a, const char *value)
{
	return set_then(&a->after, value);
}

static const char *set_on_error(struct answers *a, const char *value)
{
	return set_then(&a->on_error, value);
}

static const char *put(struct text *t, const char *value)
{
	if (strlen(value) >= sizeof t->s)
		return "is too long";
	text_put(t, value);
	return NULL;
}

static const char *set_username(struct answers *a, const char *value)
{
	return put(&a->job.place.smb.user, value);
}

static const char *set_password(struct answers *a, const char *value)
{
	return put(&a->job.place.smb.password, value);
}

static const char *set_domain(struct answers *a, const char *value)
{
	return put(&a->job.place.smb.domain, value);
}

static const char *set_luks_passphrase(struct answers *a, const char *value)
{
	return put(&a->job.adapt.luks, value);
}

static const char *set_credentials(struct answers *a, const char *value)
{
	if (strlen(value) >= sizeof a->credentials)
		return "is too long";
	strcpy(a->credentials, value);
	return NULL;
}

enum { FOR_CAPTURE = 1 << JOB_CAPTURE, FOR_RESTORE = 1 << JOB_RESTORE,
       FOR_VERIFY = 1 << JOB_VERIFY, FOR_ADAPT = 1 << JOB_ADAPT,
       FOR_IMAGE = FOR_CAPTURE | FOR_RESTORE | FOR_VERIFY,
       FOR_ADAPTING = FOR_RESTORE | FOR_ADAPT, FOR_ALL = FOR_IMAGE | FOR_ADAPT };

static const struct key {
	const char *name;
	set_fn *set;
	unsigned jobs;          /* that it has a meaning for */
	unsigned needs;         /* jobs that can't do without */
	bool again;             /* may be given several times */
	enum { ALWAYS, ADAPTING, EDITING } when; /* restore: with adapt = yes only;
				 * EDITING: and not with undo = yes */
} keys[] = {
	{ "job", set_job, FOR_ALL, FOR_ALL, false, ALWAYS },
	{ "disk", set_disk, FOR_CAPTURE, FOR_CAPTURE, true, ALWAYS },
	{ "image", set_image, FOR_IMAGE, FOR_IMAGE, false, ALWAYS },
	{ "only", set_only, FOR_CAPTURE | FOR_RESTORE, 0, true, ALWAYS },
	{ "into", set_into, FOR_RESTORE, 0, false, ALWAYS },
	{ "target", set_target, FOR_ADAPTING, FOR_ADAPTING, true, ALWAYS },
	{ "level", set_level, FOR_CAPTURE, 0, false, ALWAYS },
	{ "verify", set_verify, FOR_CAPTURE | FOR_RESTORE, 0, false, ALWAYS },
	{ "page_files", set_page_files, FOR_CAPTURE, 0, false, ALWAYS },
	{ "resume", set_resume, FOR_CAPTURE | FOR_RESTORE, 0, false, ALWAYS },
	{ "delta", set_delta, FOR_RESTORE, 0, false, ALWAYS },
	{ "encrypt", set_encrypt, FOR_CAPTURE, 0, false, ALWAYS },
	{ "dedup", set_dedup, FOR_CAPTURE, 0, false, ALWAYS },
	{ "passphrase_file", set_passphrase_file, FOR_IMAGE, 0, false, ALWAYS },
	{ "split", set_split, FOR_CAPTURE, 0, false, ALWAYS },
	{ "base", set_base, FOR_CAPTURE, 0, false, ALWAYS },
	{ "adapt", set_adapt, FOR_RESTORE, 0, false, ALWAYS },
	{ "adapt_anyway", set_adapt_anyway, FOR_RESTORE, 0, false, EDITING },
	{ "hostname", set_hostname, FOR_ADAPTING, 0, false, EDITING },
	{ "new_identity", set_new_identity, FOR_ADAPTING, 0, false, EDITING },
	{ "remove_tools", set_remove_tools, FOR_ADAPTING, 0, false, EDITING },
	{ "drivers", set_drivers, FOR_ADAPTING, 0, true, EDITING },
	{ "luks_passphrase", set_luks_passphrase, FOR_ADAPTING, 0, false, ADAPTING },
	{ "undo", set_undo, FOR_ADAPT, 0, false, ALWAYS },
	{ "username", set_username, FOR_ALL, 0, false, ALWAYS },
	{ "password", set_password, FOR_ALL, 0, false, ALWAYS },
	{ "domain", set_domain, FOR_ALL, 0, false, ALWAYS },
	{ "credentials", set_credentials, FOR_ALL, 0, false, ALWAYS },
	{ "after", set_after, FOR_ALL, 0, false, ALWAYS },
	{ "on_error", set_on_error, FOR_ALL, 0, false, ALWAYS },
};
enum { KEYS = sizeof keys / sizeof *keys };

/* Cuts blanks off both ends. */
static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t\r", s[n - 1]); n--)
		s[n - 1] = 0;
	return s;
}

/* "key = value" in s, which is taken apart; false: a blank line, a comment. */
static bool split(char *s, char **ret_key, char **ret_value)
{
	char *eq;

	s = trim(s);
	if (!*s || *s == '#')
		return false;
	eq = strchr(s, '=');
	*ret_value = eq ? trim(eq + 1) : NULL;
	if (eq)
		*eq = 0;
	*ret_key = trim(s);
	return true;
}

/* "new-identity" is new_identity, as the option's name is. */
static bool same_key(const char *name, const char *given)
{
	while (*name && (*name == *given || (*name == '_' && *given == '-'))) {
		name++;
		given++;
	}
	return *name == *given;
}

/* Line `no` of the file.  line_of[k]: where key k was first given. */
static int read_line(struct answers *a, char *line, int no, int *line_of,
		     struct err *e)
{
	const char *why;
	char *key, *value;
	int k = 0;

	if (!split(line, &key, &value))
		return 0;
	if (!value)
		return err_set(e, ERR_USAGE, "line %d: write 'key = value'", no);
	while (k < KEYS && !same_key(keys[k].name, key))
		k++;
	if (k == KEYS)
		return err_set(e, ERR_USAGE, "line %d: unknown key '%.60s'", no, key);
	if (line_of[k] && !keys[k].again)
		return err_set(e, ERR_USAGE, "line %d: '%s' stands in line %d already",
			       no, key, line_of[k]);
	line_of[k] = no;
	why = *value ? keys[k].set(a, value) : "has no value";
	/* the value itself isn't shown: it may be a password */
	return why ? err_set(e, ERR_USAGE, "line %d: %s %s", no, keys[k].name, why) : 0;
}

/* What belongs together. */
static int check_disks(const struct answers *a, struct err *e)
{
	bool machine = job_machine(&a->job);
	bool parts = a->job.kind == JOB_RESTORE && (a->only[0][0] || a->job.into.s[0]);

	if (a->ntargets > 1 && !machine)
		return err_set(e, ERR_USAGE, "there are several targets: that needs a machine's "
			       "list as image, .../" JOB_MACHINE);
	if (parts && machine)
		return err_set(e, ERR_USAGE, "'only' and 'into' are for the image of one disk");
	if (a->job.delta && a->job.resume)
		return err_set(e, ERR_USAGE, "'delta' and 'resume': one of them");
	if (parts && (a->job.delta || a->job.resume))
		return err_set(e, ERR_USAGE, "'only' and 'into' exclude 'delta' and 'resume'");
	if (parts && a->job.adapt.on)
		return err_set(e, ERR_USAGE, "'only' and 'into' exclude 'adapt = yes'");
	return 0;
}

static int check_image(const struct answers *a, struct err *e)
{
	if (a->job.kind != JOB_CAPTURE)
		return 0;
	if (a->job.encrypt != !!a->passphrase_file[0])
		return err_set(e, ERR_USAGE, "'encrypt = yes' and 'passphrase_file' go together");
	if (a->job.base[0] && a->ndisks > 1)
		return err_set(e, ERR_USAGE, "'base' is for one disk");
	return 0;
}

static int check(const struct answers *a, const int *line_of, struct err *e)
{
	static const char *const job[] = { "capture", "restore", "verify", "adapt" };
	unsigned bit = 1u << a->job.kind;
	int rc;

	if (!line_of[0])
		return err_set(e, ERR_USAGE, "the key 'job' is missing");
	for (int k = 0; k < KEYS; k++) {
		if ((keys[k].needs & bit) && !line_of[k])
			return err_set(e, ERR_USAGE, "the key '%s' is missing; %s needs it",
				       keys[k].name, job[a->job.kind]);
		if (!(keys[k].jobs & bit) && line_of[k])
			return err_set(e, ERR_USAGE, "line %d: '%s' has no meaning for %s",
				       line_of[k], keys[k].name, job[a->job.kind]);
		if (keys[k].when && line_of[k] && !job_adapts(&a->job))
			return err_set(e, ERR_USAGE, "line %d: '%s' has a meaning with "
				       "'adapt = yes' only", line_of[k], keys[k].name);
		if (keys[k].when == EDITING && line_of[k] && a->job.adapt.undo)
			return err_set(e, ERR_USAGE, "line %d: '%s' has no meaning with "
				       "'undo = yes'", line_of[k], keys[k].name);
	}
	rc = check_disks(a, e);
	return rc ? rc : check_image(a, e);
}

/* Calls each line of text; they are copied, so that they can be taken apart. */
static int each_line(const char *text, size_t len, void *ctx,
		     int (*line)(void *ctx, char *s, int no, struct err *e),
		     struct err *e)
{
	char buf[2048];
	int no = 0, rc = 0;

	if (len > ANSWERS_MAX)
		return err_set(e, ERR_USAGE, "it is longer than %d bytes", ANSWERS_MAX);
	if (memchr(text, 0, len))
		return err_set(e, ERR_USAGE, "it is no text file (a zero byte)");
	for (const char *end = text + len; !rc && text < end;) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((nl ? nl : end) - text);

		no++;
		if (n >= sizeof buf)
			return err_set(e, ERR_USAGE, "line %d: longer than %zu bytes", no,
				       sizeof buf - 1);
		memcpy(buf, text, n);
		buf[n] = 0;
		rc = line(ctx, buf, no, e);
		text += n + 1;
	}
	explicit_bzero(buf, sizeof buf);
	return rc;
}

struct reading {
	struct answers a;
	int line_of[KEYS];
};

static int answer_line(void *ctx, char *s, int no, struct err *e)
{
	struct reading *r = ctx;

	return read_line(&r->a, s, no, r->line_of, e);
}

int answers_parse(const char *text, size_t len, struct answers *ret, struct err *e)
{
	struct reading r = { .a.job.level = LEVEL_BALANCED };
	int rc = each_line(text, len, &r, answer_line, e);

	if (!rc)
		rc = check(&r.a, r.line_of, e);
	if (!rc)
		*ret = r.a;
	explicit_bzero(&r, sizeof r);
	return rc;
}

static int credential_line(void *ctx, char *s, int no, struct err *e)
{
	struct answers *a = ctx;
	const char *why = "is unknown";
	char *key, *value;

	if (!split(s, &key, &value))
		return 0;
	if (value && !strcmp(key, "username"))
		why = set_username(a, value);
	else if (value && !strcmp(key, "password"))
		why = set_password(a, value);
	else if (value && !strcmp(key, "domain"))
		why = set_domain(a, value);
	return why ? err_set(e, ERR_USAGE, "line %d: it must be username=, password= "
			     "or domain=, and not too long", no) : 0;
}

int answers_credentials(const char *text, size_t len, struct job_place *p,
			struct err *e)
{
	struct answers a = { .job.place = *p };
	int rc = each_line(text, len, &a, credential_line, e);

	if (!rc)
		*p = a.job.place;
	explicit_bzero(&a, sizeof a);
	return rc;
}

int answers_passphrase(const char *text, size_t len, struct job *j, struct err *e)
{
	size_t n = 0;

	while (n < len && text[n] && text[n] != '\n' && text[n] != '\r')
		n++;
	if (!n || n >= sizeof j->passphrase.s)
		return err_set(e, ERR_USAGE, "its first line must be the passphrase, of at most %zu "
			       "bytes", sizeof j->passphrase.s - 1);
	memcpy(j->passphrase.s, text, n);
	j->passphrase.s[n] = 0;
	return 0;
}

bool answers_option(const char *cmdline, char *ret, size_t size)
{
	static const char name[] = "rehost.answers=";

	for (const char *s = cmdline; *s;) {
		size_t n;

		s += strspn(s, " \t\n");
		n = strcspn(s, " \t\n");
		if (n > sizeof name - 1 && !strncmp(s, name, sizeof name - 1) &&
		    n - sizeof name + 1 < size) {
			n -= sizeof name - 1;
			memcpy(ret, s + sizeof name - 1, n);
			ret[n] = 0;
			return true;
		}
		s += n;
	}
	return false;
}
