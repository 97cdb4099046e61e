/* main.c: rehost-adapt, the program: finds the systems on a disk, plans, asks,
 * edits, checks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"
#include "common/json.h"
#include "common/prompt.h"
#include "drivers-inject/disks.h"
#include "drivers-inject/report.h"
#include "drivers-inject/search.h"
#include "drivers-inject/session.h"

static int fail(const struct err *e)
{
	fprintf(stderr, "rehost-adapt: %s\n", e->msg);
	return err_exit_status(e->code);
}

static int finish(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		perror("rehost-adapt: standard output");
		return 1;
	}
	return status;
}

static void print_json(struct json_object *doc)
{
	puts(json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* ---- --detect ---- */

static int detect(const struct options *o)
{
	struct blkdev *d;
	struct json_object *doc;
	struct err e = { 0 };
	int incomplete, r;

	if (dev_open_ro(o->disks[0], &d, &e))
		return fail(&e);
	r = search_disk(d, o->disks[0], &doc, &incomplete, &e);
	dev_close(d);
	if (r)
		return fail(&e);
	if (o->json)
		print_json(doc);
	else
		report_print(doc, o->disks[0], stdout);
	json_object_put(doc);
	return finish(incomplete ? 3 : 0);
}

/* ---- --root ---- */

static int load_volumes(const char *path, struct volumes *ret, struct err *e)
{
	cleanup_json struct json_object *o = NULL;
	int rc = session_read_json(path, &o, e);

	return rc ? rc : volumes_from_json(o, ret, e);
}

int confirm_edits(const char *name, int yes, struct err *e)
{
	char answer[4096], text[4200];

	if (yes)
		return 0;
	if (!prompt_possible(0))
		return err_set(e, ERR_REFUSED, "%s would be changed; there is no terminal to ask for "
			       "confirmation on: give --yes if you are sure", name);
	snprintf(text, sizeof text, "To make these edits type %s: ", name);
	if (prompt_line(text, 0, 0, answer, sizeof answer, e))
		return e->code;
	if (strcmp(answer, name))
		return err_set(e, ERR_REFUSED, "'%s' is not %s: nothing was changed", answer, name);
	return 0;
}

static int root_mode(struct session *s, struct err *e)
{
	const struct options *o = s->o;
	struct volumes v = { 0 };
	int rc = o->volumes ? load_volumes(o->volumes, &v, e) : 0;
	FILE *people = o->json ? NULL : stdout;

	if (!rc && o->mode != MODE_UNDO)
		rc = session_drivers(s, NULL, NULL, people, e);
	if (rc) {
		volumes_done(&v);
		return rc;
	}
	/* what the file calls the disks, another disk may be called here */
	for (size_t i = 0; i < v.n_disks; i++)
		*v.disk[i].path = 0;
	if (o->mode == MODE_UNDO) {
		rc = confirm_edits(o->root, o->yes, e);
		if (!rc)
			rc = session_linux(s, o->root, &v, o->root, 0, people, e);
	} else {
		rc = session_linux(s, o->root, &v, o->root, 0, people, e);
		if (!rc && o->mode == MODE_APPLY && s->edits) {
			rc = confirm_edits(o->root, o->yes, e);
			session_reset(s);
			if (!rc)
				rc = session_linux(s, o->root, &v, o->root, 1, people, e);
		}
	}
	volumes_done(&v);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o;
	struct session s;
	struct err e = { 0 };
	int rc = io_keep_std() ? 1 : options_parse(argc, argv, &o);

	if (rc >= 0) {
		options_done(&o);
		return rc;
	}
	signal(SIGPIPE, SIG_IGN);
	if (o.mode == MODE_DETECT) {
		rc = detect(&o);
		options_done(&o);
		return rc;
	}
	rc = session_open(&o, o.n_disks ? o.disks[0] : NULL, &s, &e);
	if (rc) {
		options_done(&o);
		return fail(&e);
	}
	rc = o.root ? root_mode(&s, &e) : disks_mode(&s, &e);
	if (!rc && o.json)
		print_json(s.doc);
	if (rc)
		events_error(s.events, err_exit_status(rc), e.msg);
	else
		events_done(s.events, &(struct events_done){ .status = s.trouble ? 3 : 0 });
	rc = rc ? fail(&e) : finish(s.trouble ? 3 : 0);
	session_close(&s);
	options_done(&o);
	return rc;
}
