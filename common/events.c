/* events.c: see events.h. */
#include "common/events.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/json.h"

struct events {
	int fd; /* -1: nobody listens (any more) */
};

int events_new(int fd, struct events **ret, struct err *e)
{
	struct events *ev;
	int flags;

	if (fd >= 0) {
		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
			return err_set(e, ERR_USAGE,
				       "--events-fd %d: not a file descriptor that is open for writing", fd);
		if (fd > 2)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	ev = malloc(sizeof *ev);
	if (!ev)
		return err_set(e, ERR_NOMEM, "out of memory for events");
	ev->fd = fd;
	*ret = ev;
	return 0;
}

struct events *events_free(struct events *ev)
{
	free(ev);
	return NULL;
}

static struct json_object *begin(const char *name)
{
	struct json_object *o = json_object_new_object();

	json_put_str(o, "event", name);
	return o;
}

/* Takes o.  One write per line, so that lines of two writers don't mix. */
static void send_line(struct events *ev, struct json_object *o)
{
	const char *s = json_object_to_json_string_ext(o,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t n = s ? strlen(s) : 0;
	char *line = s ? malloc(n + 1) : NULL, *p = line;

	if (line) {
		memcpy(line, s, n);
		line[n++] = '\n';
		while (n && ev->fd >= 0) {
			ssize_t k = write(ev->fd, p, n);

			if (k < 0 && errno == EINTR)
				continue;
			if (k <= 0) {
				ev->fd = -1;
				break;
			}
			p += k;
			n -= (size_t)k;
		}
	}
	free(line);
	json_object_put(o);
}

void events_start(struct events *ev, const struct events_start *s)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("start");
	json_put_str(o, "job", s->job);
	json_put_str(o, "source", s->source);
	json_put_str_if(o, "target", s->target);
	json_put_u64(o, "bytes_total", s->bytes_total);
	if (s->disks) {
		json_put_u64(o, "disk", s->disk);
		json_put_u64(o, "disks", s->disks);
	}
	send_line(ev, o);
}

void events_step(struct events *ev, const char *step, const char *text)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("step");
	json_put_str(o, "step", step);
	json_put_str(o, "text", text);
	send_line(ev, o);
}

void events_progress(struct events *ev, const char *step,
		     const struct events_progress *p)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("progress");
	json_put_str(o, "step", step);
	json_put_u64(o, "bytes_done", p->bytes_done);
	json_put_u64(o, "bytes_total", p->bytes_total);
	json_put_u64(o, "rate", p->rate);
	json_put(o, "eta", p->eta < 0 ? NULL : json_object_new_int64(p->eta));
	json_put_u64(o, "written", p->written);
	send_line(ev, o);
}

void events_waiting(struct events *ev, const char *step, uint64_t seconds)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("waiting");
	json_put_str(o, "step", step);
	json_put_u64(o, "seconds", seconds);
	send_line(ev, o);
}

void events_warning(struct events *ev, const char *code, const char *text,
		    uint64_t offset, uint64_t length)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("warning");
	json_put_str(o, "code", code);
	json_put_str(o, "text", text);
	if (length) {
		json_put_u64(o, "offset", offset);
		json_put_u64(o, "length", length);
	}
	send_line(ev, o);
}

void events_error(struct events *ev, int status, const char *text)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("error");
	json_put(o, "code", json_object_new_int(status));
	json_put_str(o, "text", text);
	send_line(ev, o);
}

void events_done(struct events *ev, const struct events_done *d)
{
	struct json_object *o;

	if (ev->fd < 0)
		return;
	o = begin("done");
	json_put(o, "status", json_object_new_int(d->status));
	json_put_str_if(o, "digest", d->digest);
	json_put_u64(o, "bytes", d->bytes);
	if (d->changed)
		json_put_u64(o, "changed", *d->changed);
	json_put_u64(o, "image_bytes", d->image_bytes);
	json_put_u64(o, "seconds", d->seconds);
	json_put_str_if(o, "path", d->path);
	send_line(ev, o);
}
