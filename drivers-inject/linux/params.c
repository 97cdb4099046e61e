/* params.c: see params.h. */
#include "drivers-inject/linux/params.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/linux/textfile.h"

/* Who reads them: the kernel and every initramfs (root, resume), genkernel
 * (real_root, crypt_root), mkinitcpio (cryptdevice=DEVICE:NAME), systemd
 * (mount.usr).  type: what the volume holds. */
static const struct param {
	const char *key, *type;
	int is_root, is_resume, colon;
} params[] = {
	{ "root", NULL, 1, 0, 0 },
	{ "real_root", NULL, 1, 0, 0 },
	{ "resume", "swap", 0, 1, 0 },
	{ "real_resume", "swap", 0, 1, 0 },
	{ "mount.usr", NULL, 0, 0, 0 },
	{ "crypt_root", "crypto_LUKS", 0, 0, 0 },
	{ "cryptdevice", "crypto_LUKS", 0, 0, 1 },
};

static int gone_or_fragile(const struct lin_names *n, const char *name)
{
	return volume_name_is_fragile(name) || lin_names_partuuid_gone(n, name) ||
	       lin_names_gone(n, name);
}

/* The guest's only swap area, if it has only one. */
static const struct volume *only_swap(const struct lin_names *n)
{
	const struct volume *found = NULL;

	for (size_t i = 0; i < n->l->volumes->n; i++) {
		const struct volume *v = &n->l->volumes->v[i];

		if (strcmp(v->type, "swap") && strcmp(v->type, "swsuspend"))
			continue;
		if (found)
			return NULL;
		found = v;
	}
	return found;
}

static const struct volume *find(struct lin_names *n, const struct params_entry *x,
				 const struct param *k, const char *name)
{
	const char *type = k->is_resume && x->resume_file ? NULL : k->type;
	const struct volume *v;

	if (k->is_root && x->own)
		lin_names_anchor(n, name, n->l->root_volume);
	v = lin_names_find(n, name, type);
	/* the entry starts this tree's kernel, so its root is this tree's */
	if (!v && k->is_root && x->own)
		v = n->l->root_volume;
	if (!v && k->is_resume && x->own && !x->resume_file)
		v = only_swap(n);
	return v;
}

static void warn_missing(struct plan *p, const struct params_entry *x, const struct param *k,
			 const char *name)
{
	if (!x->own)
		plan_note(p, "%s: %s=%s is no volume of this guest; it belongs to another "
			  "system's entry", x->file, k->key, name);
	else if (k->is_resume)
		plan_warn(p, "%s: %s=%s is no volume of this guest: booting waits for it "
			  "(about 30 s, with dracut longer) and goes on without", x->file,
			  k->key, name);
	else
		plan_warn(p, "%s: %s=%s is no volume of this guest", x->file, k->key, name);
}

static int new_name(struct lin_names *n, struct plan *p, const struct params_entry *x,
		    const struct param *k, const char *name, char ret[80])
{
	const struct volume *v;
	int by_part;

	if (strlen(name) > 400 || text_said_enough(p) || !gone_or_fragile(n, name))
		return 0;
	/* the kernel by itself finds PARTUUID=, and nothing else that stays */
	by_part = (x->bare && (k->is_root || k->is_resume)) ||
		  (!strncmp(name, "PARTUUID=", 9) && k->is_root);
	v = find(n, x, k, name);
	if (!v) {
		warn_missing(p, x, k, name);
		return 0;
	}
	if (lin_names_stable(n, v, by_part, ret) ||
	    (by_part && !x->bare && lin_names_stable(n, v, 0, ret)))
		return strcmp(ret, name) != 0;
	if (x->bare && x->own)
		plan_problem(p, "%s: the kernel is started without an initramfs, and %s=%s "
			     "can't be named in a way that it understands", x->file, k->key,
			     name);
	else
		plan_warn(p, "%s: %s=%s has no id of its own to be called by and is left as "
			  "it is", x->file, k->key, name);
	return 0;
}

int params_name(struct lin_names *n, struct plan *p, const struct params_entry *x,
		const char *kind, const char *name, char ret[80])
{
	for (size_t i = 0; i < sizeof params / sizeof *params; i++)
		if (!strcmp(params[i].key, kind))
			return new_name(n, p, x, &params[i], name, ret);
	return 0;
}

/* "DEVICE:NAME:OPTIONS": how much of it is the device?  Names by path have
 * colons themselves. */
static size_t device_part(const char *value)
{
	char text[512];
	size_t len = strlen(value);

	if (strncmp(value, "/dev/disk/by-path/", 18) || len >= sizeof text)
		return strcspn(value, ":");
	for (size_t n = len; n; n--) {
		struct volume_hwname h;

		if (n < len && value[n] != ':')
			continue;
		memcpy(text, value, n);
		text[n] = 0;
		if (volume_hwname(text, &h) && h.part)
			return n;
	}
	return len;
}

/* 1: s stands where a parameter begins. */
static int at_start(const char *line, const char *s)
{
	return s == line || strchr(" \t\"'=", s[-1]);
}

static const struct param *param_at(const char *line, const char *s, size_t *ret_len)
{
	if (!at_start(line, s))
		return NULL;
	for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
		size_t n = strlen(params[i].key);

		if (strncmp(s, params[i].key, n) || s[n] != '=')
			continue;
		*ret_len = n + 1;
		/* root="UUID=x" and root=\"x\": the quotes stay */
		*ret_len += strspn(s + *ret_len, "\\\"'");
		return &params[i];
	}
	return NULL;
}

/* A swap file's offset: then resume= names the file system that holds it. */
static int has_word(const char *line, const char *word)
{
	for (const char *s = line; (s = strstr(s, word)); s++)
		if (at_start(line, s))
			return 1;
	return 0;
}

/* Root's name teaches what the disk is called, wherever in the line it stands. */
static void learn_root(struct lin_names *n, const struct params_entry *x, const char *line)
{
	for (const char *s = line; x->own && *s; s++) {
		char name[512];
		size_t skip, len;
		const struct param *k = param_at(line, s, &skip);

		if (!k || !k->is_root)
			continue;
		len = strcspn(s + skip, " \t\"'\\");
		if (len >= sizeof name)
			continue;
		memcpy(name, s + skip, len);
		name[len] = 0;
		lin_names_anchor(n, name, n->l->root_volume);
	}
}

static void edit_value(struct lin_names *n, struct plan *p, const struct params_entry *x,
		       const struct param *k, const char *value, size_t len,
		       struct textbuf *out, int *changed)
{
	char name[512], better[80];
	size_t dev;

	if (len && len < sizeof name) {
		memcpy(name, value, len);
		name[len] = 0;
		dev = k->colon ? device_part(name) : len;
		name[dev] = 0;
		if (new_name(n, p, x, k, name, better)) {
			textbuf_str(out, better);
			value += dev;
			len -= dev;
			*changed = 1;
		}
	}
	textbuf_add(out, value, len);
}

int params_edit(struct lin_names *n, struct plan *p, struct params_entry *x,
		const char *line, char **ret, struct err *e)
{
	struct textbuf out = { 0 };
	const char *s = line;
	int changed = 0;

	*ret = NULL;
	x->resume_file = has_word(line, "resume_offset=");
	learn_root(n, x, line);
	while (*s) {
		size_t skip, len;
		const struct param *k = param_at(line, s, &skip);

		if (!k) {
			textbuf_add(&out, s++, 1);
			continue;
		}
		textbuf_add(&out, s, skip);
		s += skip;
		len = strcspn(s, " \t\"'\\");
		edit_value(n, p, x, k, s, len, &out, &changed);
		s += len;
	}
	if (out.failed) {
		textbuf_done(&out);
		return err_set(e, ERR_NOMEM, "out of memory for %s", x->file);
	}
	if (!changed)
		textbuf_done(&out);
	*ret = out.s;
	return 0;
}
