/* main.c: the program `rehost`: finds the command and turns its result into the
 * exit status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/io.h"
#include "common/run.h"
#include "common/text.h"
#include "imager/cmd.h"

static const struct cmd *const commands[] = {
	&cmd_disks, &cmd_hardware, &cmd_map, &cmd_capture, &cmd_restore,
	&cmd_verify, &cmd_salvage, &cmd_info, &cmd_mount, &cmd_place, NULL
};

/* Programs of their own, beside this one or in PATH. */
static const struct { const char *name, *program, *summary; } programs[] = {
	{ "adapt", "rehost-adapt", "Find the operating systems on a disk" },
	{ "wizard", "rehost-wizard", "The same in screens" },
};

static const char *const later[] = { "clone", "export", "import", "serve", NULL };

static void usage(FILE *f)
{
	fputs("rehost COMMAND [options] ...\n\n", f);
	for (const struct cmd *const *c = commands; *c; c++)
		fprintf(f, "  %-9s %-15s %s\n", (*c)->name, (*c)->args, (*c)->summary);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		fprintf(f, "  %-9s %-15s %s\n", programs[i].name, "...", programs[i].summary);
	fputs("\nrehost COMMAND --help tells more; so does the manual page rehost(1).\n"
	      "DISK is a block device or a regular file. IMAGE and DEST are a path, a URL\n"
	      "(smb:// nfs:// dev://) or - for a pipe.\n"
	      "Exit status: 0 done, 1 failed, 2 usage, 3 done with warnings, 4 refused for safety.\n\n"
	      "  --help               this text\n"
	      "  --version            the version\n", f);
}

static int run_beside(const char *program, char **argv)
{
	char path[4096];

	argv[0] = (char *)run_find(program, path, sizeof path);
	execvp(argv[0], argv);
	fprintf(stderr, "rehost: %s can't be run: %s\n", program, strerror(errno));
	return 1;
}

static int run_command(const struct cmd *c, int argc, char **argv)
{
	struct cmd_opts o;
	struct err e = { 0 };
	int rc = cmd_parse(c, argc, argv, &o, &e);

	if (rc == 0 && o.help) {
		cmd_help(c);
		return fflush(stdout) ? 1 : 0;
	}
	if (rc == 0)
		rc = stop_init(&e);
	if (rc == 0)
		rc = c->run(&o, &e);
	if (rc >= 0)
		return rc;
	fprintf(stderr, "rehost %s: ", c->name);
	text_print(stderr, e.msg);
	fputc('\n', stderr);
	return err_exit_status(rc);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (io_keep_std())
		return 1;
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		usage(stdout);
		return fflush(stdout) ? 1 : 0;
	}
	if (!strcmp(word, "--version")) {
		printf("rehost %s\n", REHOST_VERSION);
		return fflush(stdout) ? 1 : 0;
	}
	for (const struct cmd *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, word))
			return run_command(*c, argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!strcmp(programs[i].name, word))
			return run_beside(programs[i].program, argv + 1);
	for (const char *const *p = later; *p; p++)
		if (!strcmp(*p, word)) {
			fprintf(stderr, "rehost: %s is not available in this version\n", word);
			return 2;
		}
	if (*word)
		fprintf(stderr, "rehost: \"%s\" is not a command\n", word);
	usage(stderr);
	return 2;
}
