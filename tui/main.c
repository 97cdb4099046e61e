/* main.c: rehost-wizard: options, then the wizard or an unattended job. */
#include <getopt.h>
#include <locale.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/cleanup.h"
#include "tui/app.h"
#include "tui/log.h"
#include "tui/unattended.h"

static const char usage[] =
"Usage: rehost-wizard [OPTION]...\n"
"Captures, restores, adapts and verifies disk images: through screens, or as an\n"
"answer file says, which the kernel command line may name (rehost.answers=).\n"
"\n"
"  --stay              can't be left, as on the live system's consoles\n"
"  --unattended        does what an answer file says, without screens\n"
"  --answers=FILE|URL  that file (default: the kernel command line's)\n"
"  --help              this text\n"
"  --version           the version\n";

static const char *env_or(const char *name, const char *other)
{
	const char *s = getenv(name);

	return s && *s ? s : other;
}

/* Labels and names are UTF-8 whatever the locale says. */
static void set_locale(void)
{
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_ALL, "C.UTF-8");
}

/* What proposed image names are made of. */
static void prepare(struct app *a)
{
	cleanup_fclose FILE *f = fopen("/sys/class/dmi/id/product_name", "re");
	time_t now = time(NULL);
	struct tm tm;

	wiz_init(&a->w);
	if (localtime_r(&now, &tm))
		strftime(a->w.today, sizeof a->w.today, "%Y%m%d", &tm);
	if (f && fgets(a->w.machine, sizeof a->w.machine, f))
		a->w.machine[strcspn(a->w.machine, "\n")] = 0;
	a->child = (struct child){ .fd = { -1, -1, -1 } };
}

struct want {               /* of the command line */
	bool stay, unattended;
	char answers[1024];
};

static int set_answers(struct want *want, const char *arg)
{
	if (strlen(arg) >= sizeof want->answers) {
		fprintf(stderr, "rehost-wizard: the answer file's name is too long\n");
		return 2;
	}
	strcpy(want->answers, arg);
	return 0;
}

/* -1: go on; else the exit status */
static int options(struct want *want, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "stay", no_argument, NULL, 's' },
		{ "unattended", no_argument, NULL, 'u' },
		{ "answers", required_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, rc = 0;

	while (!rc && (opt = getopt_long(argc, argv, "", opts, NULL)) != -1)
		switch (opt) {
		case 's':
			want->stay = true;
			break;
		case 'u':
			want->unattended = true;
			break;
		case 'a':
			rc = set_answers(want, optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("rehost-wizard " REHOST_VERSION);
			return 0;
		default:
			rc = 2;
		}
	if (!rc && optind < argc) {
		fprintf(stderr, "rehost-wizard: unexpected argument '%s'\n", argv[optind]);
		rc = 2;
	}
	return rc ? rc : -1;
}

static int usage_error(const char *text)
{
	fprintf(stderr, "rehost-wizard: %s\n", text);
	return 2;
}

/* The screens, until they are left; message: shown first, if not "". */
static int interactive(struct app *a, const char *message)
{
	struct err e = { 0 };
	int rc;

	if (app_open(a, &e)) {
		fprintf(stderr, "rehost-wizard: %s\n", e.msg);
		return err_exit_status(e.code);
	}
	if (message[0])
		wiz_error(&a->w, "The unattended job failed.\n\n%s", message);
	rc = app_run(a);
	app_close(a);
	return rc;
}

static int unattended(struct app *a, const char *source)
{
	enum answers_then then;
	struct err why = { 0 };
	int status = unattended_run(a, source, &then, &why);

	if (then == THEN_POWEROFF || then == THEN_REBOOT) {
		app_power(a, then == THEN_REBOOT ? "reboot" : "poweroff");
		return status;
	}
	/* nobody is there for a wizard or a shell */
	if (!isatty(STDIN_FILENO))
		return status;
	a->shell_first = then == THEN_SHELL;
	interactive(a, why.msg);
	return status;
}

int main(int argc, char **argv)
{
	static struct app a;
	struct want want = { 0 };
	struct err e = { 0 };
	int rc = options(&want, argc, argv);

	if (rc >= 0)
		return rc;
	if (want.answers[0] && !want.unattended)
		return usage_error("--answers needs --unattended");
	set_locale();
	log_open(env_or("REHOST_LOGDIR", "/var/log/rehost"));
	prepare(&a);
	a.w.may_quit = !want.stay;
	if (app_signals(&a, &e)) {
		fprintf(stderr, "rehost-wizard: %s\n", e.msg);
		return err_exit_status(e.code);
	}
	if (!want.answers[0] && unattended_wanted(want.answers, sizeof want.answers))
		want.unattended = true;
	if (want.unattended && !want.answers[0])
		return usage_error("--unattended: no answer file is named, neither by "
				   "--answers nor by rehost.answers= on the kernel "
				   "command line, or it was used already");
	rc = want.unattended ? unattended(&a, want.answers) : interactive(&a, "");
	wiz_done(&a.w);
	return rc;
}
