/* main.c: rehost-adapt, the program.  In this version it finds operating
 * systems and changes nothing. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/io.h"
#include "drivers-inject/report.h"
#include "drivers-inject/search.h"
#include "imager/dev/dev.h"

static const char usage[] =
"usage: rehost-adapt --dry-run [--json] DISK\n"
"\n"
"Finds the operating systems on DISK, a block device or a regular file, which\n"
"is opened read-only.  This version has no edits yet, so --dry-run is needed.\n"
"\n"
"  --dry-run  look, and change nothing\n"
"  --json     one JSON document on the standard output\n"
"  --help     this text\n"
"  --version  the version\n"
"\n"
"Exit status: 0 done; 1 failed; 2 usage; 3 done, but something on the disk\n"
"could not be read, and the notes say what.\n";

struct options {
	int dry_run, json;
	const char *disk;
};

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'n':
			o->dry_run = 1;
			break;
		case 'j':
			o->json = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("rehost-adapt " REHOST_VERSION);
			return 0;
		default:
			return 2;
		}
	}
	if (argc - optind != 1) {
		fputs(usage, stderr);
		return 2;
	}
	o->disk = argv[optind];
	return -1;
}

static int fail(const struct err *e)
{
	fprintf(stderr, "rehost-adapt: %s\n", e->msg);
	return err_exit_status(e->code);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct blkdev *d;
	struct json_object *doc;
	struct err e = { 0 };
	int incomplete, r = io_keep_std() ? 1 : parse(argc, argv, &o);

	if (r >= 0)
		return r;
	if (!o.dry_run) {
		fputs("rehost-adapt: this version can't change a guest yet; "
		      "with --dry-run it says what is on the disk\n", stderr);
		return 1;
	}
	if (dev_open_ro(o.disk, &d, &e))
		return fail(&e);
	r = search_disk(d, o.disk, &doc, &incomplete, &e);
	dev_close(d);
	if (r)
		return fail(&e);
	if (o.json)
		puts(json_object_to_json_string_ext(doc,
				JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		report_print(doc, o.disk, stdout);
	json_object_put(doc);
	if (fflush(stdout) || ferror(stdout)) {
		perror("rehost-adapt: standard output");
		return 1;
	}
	return incomplete ? 3 : 0;
}
