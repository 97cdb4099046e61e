/* cmd-capture-bad.c: see cmd-capture-bad.h. */
#include "imager/cmd-capture-bad.h"
#include <stdio.h>

struct json_object *capture_smart(struct report *rep, const struct disk *d)
{
	struct json_object *smart = smart_read(d, &stop_signal);
	char text[500];

	smart_text(smart, text, sizeof text);
	if (*text && json_get_bool(smart, "failing", 0))
		report_warning(rep, "smart", 0, 0, "%s is failing: %s", d->path, text);
	else if (*text)
		fprintf(stderr, "note: health of %s: %s\n", d->path, text);
	return smart;
}

int capture_seconds(int given)
{
	return given == 0 ? -1 : given > 0 ? given : 0;
}

int capture_bad_begin(struct capture_bad *b, const struct cmd_opts *o,
		      struct capture_options *opt, struct err *e)
{
	int rc;

	opt->retry_passes = capture_seconds(o->retry_passes);
	opt->retry_seconds = capture_seconds(o->retry_time);
	opt->name_bad = lost_name;
	opt->name_ctx = &b->lost;
	if (!o->log)
		return 0;
	rc = mapfile_read(o->log, b->lost.disk->size, &b->known, e);
	if (rc < 0 && rc != ERR_NOT_FOUND)
		return rc;
	/* another program's log tells what is in its own image: it stays as it is */
	snprintf(b->log, sizeof b->log, "%s%s", o->log, rc == 0 && !b->known.ours ? ".rehost" : "");
	opt->log = b->log;
	if (b->known.n) {
		opt->known = &b->known;
		fprintf(stderr, "%s names %zu failed places; they are read last\n", o->log, b->known.n);
	}
	if (rc == 0 && !b->known.ours)
		fprintf(stderr, "%s isn't a log of rehost and stays as it is; this capture's is %s\n",
			o->log, b->log);
	return 0;
}

void capture_bad_done(struct capture_bad *b)
{
	mapfile_done(&b->known);
}
