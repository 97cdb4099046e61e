/* luks.c: opens LUKS volumes by cryptsetup.  Keys are handed over in memory
 * (memfd), never on a command line or on a disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/prompt.h"
#include "common/run.h"
#include "drivers-inject/mount/int.h"

#define KEYS_MAX 16
#define KEY_LEN_MAX (8u << 20)  /* cryptsetup's own limit of a key file      */
#define ASK_TIMES 3
#define SECONDS 180             /* Argon2 on a slow machine                  */
#define WRONG_KEY 2             /* cryptsetup(8), RETURN CODES               */

struct luks_keys {
	int fd[KEYS_MAX];
	size_t n;
};

struct luks_keys *luks_keys_free(struct luks_keys *k)
{
	for (size_t i = 0; k && i < k->n; i++)
		close(k->fd[i]);
	free(k);
	return NULL;
}

static int key_add(struct luks_keys *k, const char *bytes, size_t len, struct err *e)
{
	int fd, n;

	if (k->n == KEYS_MAX)
		return err_set(e, ERR_UNSUPPORTED, "more than %d LUKS passphrases", KEYS_MAX);
	fd = memfd_create("key", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "memory for a key");
	n = io_write_all(fd, bytes, len);
	if (n) {
		close(fd);
		return err_sys(e, n, "memory for a key");
	}
	k->fd[k->n++] = fd;
	return 0;
}

/* As it is, for a key; and without the newline that an editor leaves behind a
 * passphrase. */
static int key_file(struct luks_keys *k, const char *path, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t len;
	char *buf;
	int n, r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s", path);
	if ((uint64_t)st.st_size > KEY_LEN_MAX)
		return err_set(e, ERR_USAGE, "%s: too large for a LUKS key", path);
	buf = malloc(KEY_LEN_MAX);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	n = io_read_full(fd, buf, KEY_LEN_MAX, &len);
	r = n ? err_sys(e, n, "%s", path) : key_add(k, buf, len, e);
	if (r == 0 && len && buf[len - 1] == '\n')
		r = key_add(k, buf, len - 1, e);
	explicit_bzero(buf, len);
	free(buf);
	return r;
}

static int keys_get(struct assembly *a, struct err *e)
{
	const char *env = getenv("REHOST_LUKS_PASSPHRASE");
	struct luks_keys *k;

	if (a->in->keys)
		return 0;
	k = a->in->keys = calloc(1, sizeof *k);
	if (!k)
		return err_set(e, ERR_NOMEM, "out of memory");
	if (a->in->q.luks_key && key_file(k, a->in->q.luks_key, e))
		return e->code;
	return env && *env ? key_add(k, env, strlen(env), e) : 0;
}

/* *ret_wrong: 1 if another key may open it. */
static int try_key(struct assembly *a, const char *node, const char *name, int key,
		   int *ret_wrong, struct err *e)
{
	char file[64];
	const char *argv[] = { "cryptsetup", "open", "--type", "luks", "--batch-mode",
			       "--disable-external-tokens", "--key-file", file, node, name,
			       for_writing(a) ? NULL : "--readonly", NULL };
	struct run_result r;
	int rc;

	*ret_wrong = 0;
	snprintf(file, sizeof file, "/proc/self/fd/%d", key);
	if (lseek(key, 0, SEEK_SET) < 0 || fcntl(key, F_SETFD, 0) < 0)
		return err_sys(e, errno, "a key in memory");
	rc = tool_run(a, argv, SECONDS, &r, e);
	fcntl(key, F_SETFD, FD_CLOEXEC);
	if (rc)
		return rc;
	*ret_wrong = r.status == WRONG_KEY;
	if (r.status)
		rc = err_set(e, ERR_IO, "%s", *r.err ? r.err : "cryptsetup failed");
	run_result_done(&r);
	return rc;
}

static int ask(struct assembly *a, const char *text, struct err *e)
{
	char question[600], answer[512];
	int r;

	snprintf(question, sizeof question, "Passphrase of the encrypted %s: ", text);
	r = prompt_line(question, 1, 0, answer, sizeof answer, e);
	if (r == 0)
		r = key_add(a->in->keys, answer, strlen(answer), e);
	explicit_bzero(answer, sizeof answer);
	return r;
}

/* 0: it is open.  Tries all keys known, then asks. */
static int open_one(struct assembly *a, const char *node, const char *name, const char *text,
		    struct err *e)
{
	struct luks_keys *k;
	size_t tried = 0;
	int wrong = 1, r;

	if (keys_get(a, e))
		return e->code;
	k = a->in->keys;
	for (int asked = 0;; asked++) {
		for (; tried < k->n; tried++) {
			r = try_key(a, node, name, k->fd[tried], &wrong, e);
			if (r == 0 || !wrong)
				return r;
		}
		if (asked == ASK_TIMES || !prompt_possible(0))
			return err_set(e, ERR_NOT_FOUND, "%s", k->n ?
				       "no passphrase that was given opens it" : "no passphrase was given");
		r = ask(a, text, e);
		if (r)
			return r;
	}
}

static int luks_one(struct assembly *a, size_t i, size_t *ret_new, struct err *e)
{
	struct volume v = { .disk = -1, .part = -1, .parent = (int)i };
	char node[sizeof v.node], name[64], text[400];
	size_t at;
	int r;

	snprintf(node, sizeof node, "%s", a->volumes.v[i].node);
	volume_text(a, i, text, sizeof text);
	snprintf(name, sizeof name, "rehost-%d-%u", (int)getpid(), ++a->in->n_names);
	r = open_one(a, node, name, text, e);
	if (r == ERR_CANCELLED)
		return r;
	if (r) {
		assembly_warn(a, "%s is encrypted (LUKS) and stays locked: %s; give --luks-key FILE, or REHOST_LUKS_PASSPHRASE",
			      text, e->msg);
		return strv_add(&a->locked, text) ? err_set(e, ERR_NOMEM, "out of memory") : 0;
	}
	if (undo_add(a->in->undo, UNDO_DM, e, "%s", name))
		return e->code;
	snprintf(v.node, sizeof v.node, "/dev/mapper/%s", name);
	/* as most call it that have no name of their own in crypttab */
	snprintf(v.name, sizeof v.name, "luks-%.64s", a->volumes.v[i].uuid);
	++*ret_new;
	return volume_add(a, &v, 0, &at, e);
}

int luks_open(struct assembly *a, size_t *ret_new, struct err *e)
{
	size_t n = a->volumes.n;

	for (size_t i = 0; i < n; i++) {
		if (a->in->state[i].opened || strcmp(a->volumes.v[i].type, "crypto_LUKS"))
			continue;
		a->in->state[i].opened = 1;
		if (luks_one(a, i, ret_new, e))
			return e->code;
	}
	return 0;
}
