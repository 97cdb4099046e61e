/* cmd-adapt.c: see cmd-adapt.h.  It runs rehost-adapt and reads its JSON
 * (docs/INTERFACES.md). */
#include "imager/cmd-adapt.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/json.h"
#include "common/run.h"
#include "common/text.h"

#define DOC_MAX (16u << 20)     /* bytes of rehost-adapt's document           */

int adapt_options_check(const struct adapt_run *a, struct err *e)
{
	const struct cmd_opts *o = a->o;
	int machine = 0;
	struct stat st;

	if (!o->adapt && (o->n_adapt_args || o->n_drivers || o->adapt_anyway))
		return err_set(e, ERR_USAGE, "%s belongs to --adapt", o->n_adapt_args ?
			       o->adapt_args[0] : o->n_drivers ? "--drivers" : "--adapt-anyway");
	for (int i = 0; i < o->n_adapt_args; i++)
		machine |= !strcmp(o->adapt_args[i], "--hardware") || !strcmp(o->adapt_args[i], "--profile");
	for (size_t i = 0; o->adapt && !machine && i < a->n; i++)
		if (stat(a->targets[i], &st) < 0 || !S_ISBLK(st.st_mode))
			return err_set(e, ERR_USAGE,
				       "%s is no disk of this machine: tell with --profile or --hardware which machine it shall boot on",
				       a->targets[i]);
	return 0;
}

/* ---- running it ---- */

/* The words behind "rehost-adapt"; freed by the caller, the words aren't. */
static const char **make_argv(const struct adapt_run *a, const char *path,
			      const char *const *front, const char *old,
			      const char *const *disks)
{
	const char **argv = calloc((size_t)a->o->n_adapt_args + 2 * a->drivers.n + a->n + 16, sizeof *argv);
	int n = 0, machine = 0;

	if (!argv)
		return NULL;
	argv[n++] = path;
	while (*front)
		argv[n++] = *front++;
	for (int i = 0; i < a->o->n_adapt_args; i++) {
		argv[n++] = a->o->adapt_args[i];
		machine |= !strcmp(argv[n - 1], "--hardware") || !strcmp(argv[n - 1], "--profile");
	}
	for (size_t i = 0; i < a->drivers.n; i++) {
		argv[n++] = "--drivers";
		argv[n++] = a->drivers.v[i].path;
	}
	if (!machine) {
		argv[n++] = "--target";
		argv[n++] = a->targets[0];
	}
	if (old) {
		argv[n++] = "--old-hardware";
		argv[n++] = old;
	}
	argv[n++] = "--";
	for (size_t i = 0; i < a->n; i++)
		argv[n++] = disks[i];
	return argv;
}

/* Ours were taken by the threads of cmd-stop.c; a person may be asked for a
 * passphrase though an image comes on standard input. */
static void in_child(const char **argv, int out)
{
	sigset_t none;
	int tty = isatty(0) ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);

	unsetenv("REHOST_PASSWORD");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (tty >= 0)
		dup2(tty, 0);
	if (dup2(out, 1) >= 0)
		execvp(argv[0], (char *const *)argv);
	_exit(127);
}

static int read_all(int fd, char **ret, size_t *ret_len, struct err *e)
{
	char *buf = malloc(DOC_MAX);
	int n;

	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	n = io_read_full(fd, buf, DOC_MAX, ret_len);
	if (n || *ret_len == DOC_MAX) {
		free(buf);
		return n ? err_sys(e, n, "reading from rehost-adapt") :
			err_set(e, ERR_IO, "rehost-adapt printed too much");
	}
	*ret = buf;
	return 0;
}

/* text NULL: what it prints goes to stderr; else all of it, to be freed.
 * *ret_status: its exit status. */
static int run(const char **argv, char **text, size_t *len, int *ret_status, struct err *e)
{
	int p[2] = { -1, -1 }, st = 0, r = 0;
	pid_t pid;

	if (text && pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "a pipe");
	pid = fork();
	if (pid == 0)
		in_child(argv, text ? p[1] : 2);
	if (text)
		close(p[1]);
	if (pid < 0)
		r = err_sys(e, errno, "starting %s", argv[0]);
	else if (text)
		r = read_all(p[0], text, len, e);
	if (text)
		close(p[0]);
	while (pid > 0 && waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	*ret_status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	if (!r && *ret_status == 127)
		r = err_set(e, ERR_NOT_FOUND, "the program rehost-adapt is not installed");
	return r;
}

/* The old machine's inventory as a file in memory; -1: there is none. */
static int inventory(const struct adapt_run *a, char *path, size_t size)
{
	const char *text = a->old_hardware ? json_object_to_json_string(a->old_hardware) : NULL;
	int fd = text ? memfd_create("hardware", 0) : -1;

	if (fd >= 0 && (io_write_all(fd, text, strlen(text)) || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		return -1;
	}
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

static int run_adapt(const struct adapt_run *a, const char *const *front,
		     const char *const *disks, char **text, size_t *len, int *ret_status, struct err *e)
{
	char program[4096], old[64];
	cleanup_close int fd = inventory(a, old, sizeof old);
	cleanup_free const char **argv = NULL;

	run_find("rehost-adapt", program, sizeof program);
	argv = make_argv(a, program, front, fd >= 0 ? old : NULL, disks);
	if (!argv)
		return err_set(e, ERR_NOMEM, "out of memory");
	return run(argv, text, len, ret_status, e);
}

/* ---- the verdict ---- */

static const struct { const char *word, *says; int good; } verdicts[] = {
	{ "boots", "will boot as it is", 1 },
	{ "boots-after-edits", "will boot after these edits", 1 },
	{ "will-not-boot", "will NOT boot", 0 },
	{ "unknown", "nobody can tell whether it will boot", 0 },
};

static void say(const char *before, const char *text)
{
	fputs(before, stderr);
	text_print(stderr, text);
	fputc('\n', stderr);
}

int adapt_drivers(struct adapt_run *a, const char *image, const char *shown, struct err *e)
{
	const struct cmd_opts *o = a->o;
	struct driver_places_request q = {
		.asked = o->drivers, .n_asked = (size_t)o->n_drivers, .image = image,
		.shown_image = shown, .credentials = o->credentials, .cancel = &stop_signal,
	};
	int rc = driver_places_open(&q, &a->drivers, e);
	char note[1200];

	for (size_t i = 0; !rc && i < a->drivers.n; i++)
		if (driver_place_note(&a->drivers.v[i], note, sizeof note))
			say("note: ", note);
	return rc;
}

/* Strings, or objects of which `key` is told */
static void say_list(struct json_object *o, const char *name, const char *key, const char *before)
{
	struct json_object *l = json_get_array(o, name), *v;

	for (size_t i = 0; l && i < json_object_array_length(l); i++) {
		v = json_object_array_get_idx(l, i);
		if (!key && json_object_is_type(v, json_type_string))
			say(before, json_object_get_string(v));
		else if (key)
			say(before, json_get_str(v, key, ""));
	}
}

/* 1: it will boot. */
static int tell_system(struct json_object *s)
{
	const char *word = json_get_str(s, "verdict", "unknown");
	size_t n = sizeof verdicts / sizeof *verdicts, i = 0;

	while (i + 1 < n && strcmp(verdicts[i].word, word))
		i++;
	text_print(stderr, json_get_str(s, "name", "a system"));
	fputs(" (", stderr);
	text_print(stderr, json_get_str(s, "root", "?"));
	fprintf(stderr, "): %s\n", verdicts[i].says);
	say_list(s, "problems", NULL, "  because: ");
	say_list(s, "missing", "device", "  no driver: ");
	say_list(s, "edits", "path", "  edit: ");
	say_list(s, "warnings", NULL, "  warning: ");
	return verdicts[i].good;
}

/* 1: all systems will boot. */
static int tell_document(struct json_object *doc)
{
	struct json_object *l = json_get_array(doc, "systems");
	size_t n = l ? json_object_array_length(l) : 0;
	int good = n > 0;

	for (size_t i = 0; i < n; i++)
		good &= tell_system(json_object_array_get_idx(l, i));
	say_list(doc, "notes", NULL, "note: ");
	return good;
}

int adapt_verdict(const struct adapt_run *a, int *ret_trouble, struct err *e)
{
	static const char *const front[] = { "--dry-run", "--json", NULL };
	cleanup_json struct json_object *doc = NULL;
	cleanup_free char *text = NULL;
	struct err bad;
	size_t len = 0;
	int status, good = 0;

	fprintf(stderr, "Would the system in the image boot?\n");
	if (run_adapt(a, front, a->images, &text, &len, &status, e))
		return e->code;
	if (status == 2)
		return err_set(e, ERR_USAGE, "rehost-adapt refuses its options; nothing was written");
	if ((status == 0 || status == 3) && json_parse(text, len, &doc, &bad) == 0)
		good = tell_document(doc);
	else
		fprintf(stderr, "rehost-adapt failed (status %d)\n", status);
	*ret_trouble = !good;
	if (good || a->o->adapt_anyway)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "the restored system would not boot, or that can't be told, as said above; nothing was written. Give --adapt-anyway to restore it all the same");
}

int adapt_target(const struct adapt_run *a, int *ret_trouble, struct err *e)
{
	static const char *const front[] = { "--yes", NULL };
	int status;

	if (run_adapt(a, front, a->targets, NULL, NULL, &status, e))
		return err_prefix(e, "the image was restored, but not adapted");
	if (status != 0 && status != 3)
		return err_set(e, ERR_IO,
			       "the image was restored, but rehost-adapt failed as said above (status %d); `rehost adapt %s%s` tries again",
			       status, a->targets[0], a->n > 1 ? " ..." : "");
	*ret_trouble = status == 3;
	return 0;
}
