/* cmd-capture-bad.c: see cmd-capture-bad.h. */
#include "imager/cmd-capture-bad.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct json_object *capture_smart(struct report *rep, const struct disk *d)
{
	struct json_object *smart = smart_read(d, &stop_signal);
	char text[500], path[PATH_MAX];

	disk_whole_path(NULL, d, path);
	smart_text(smart, text, sizeof text);
	if (json_get_bool(smart, "failing", 0))
		report_warning(rep, "smart", 0, 0, "%s is failing: %s", path, text);
	else if (strcmp(d->kind, "file"))
		fprintf(stderr, "note: health of %s: %s\n", path, *text ? text : smart ? "not failing" : "not known");
	return smart;
}

int capture_seconds(int given)
{
	return given == 0 ? -1 : given > 0 ? given : 0;
}

static int newer(const char *a, const char *b)
{
	struct stat s, t;

	return stat(a, &s) == 0 && stat(b, &t) == 0 &&
	       (s.st_mtim.tv_sec != t.st_mtim.tv_sec ? s.st_mtim.tv_sec > t.st_mtim.tv_sec :
		s.st_mtim.tv_nsec > t.st_mtim.tv_nsec);
}

/* Another program's log tells what is in its own image: it stays as it is, and what a
 * capture learnt stands beside it.  That has all that the other had then. */
static int read_log(struct capture_bad *b, const char *log, uint64_t disk_size, struct err *e)
{
	int rc = mapfile_read(log, disk_size, &b->known, e);

	snprintf(b->log, sizeof b->log, "%s", log);
	if (rc == 0 && !b->known.ours) {
		snprintf(b->log, sizeof b->log, "%s.rehost", log);
		fprintf(stderr, "%s isn't a log of rehost and stays as it is; this capture's is %s\n",
			log, b->log);
		if (newer(b->log, log)) {
			mapfile_done(&b->known);
			log = b->log;
			rc = mapfile_read(log, disk_size, &b->known, e);
		}
	}
	if (rc < 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	if (b->known.n)
		fprintf(stderr, "%s names %zu failed places; they are read last\n", log, b->known.n);
	return 0;
}

int capture_bad_begin(struct capture_bad *b, const struct cmd_opts *o,
		      struct capture_options *opt, struct err *e)
{
	opt->retry_passes = capture_seconds(o->retry_passes);
	opt->retry_seconds = capture_seconds(o->retry_time);
	opt->name_bad = lost_name;
	opt->name_ctx = &b->lost;
	if (!o->log)
		return 0;
	if (read_log(b, o->log, b->lost.disk->size, e) < 0)
		return e->code;
	opt->log = b->log;
	if (b->known.n)
		opt->known = &b->known;
	return 0;
}

void capture_bad_done(struct capture_bad *b)
{
	mapfile_done(&b->known);
}
