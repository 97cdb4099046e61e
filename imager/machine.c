/* machine.c: see machine.h. */
#include "imager/machine.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io.h"

#define FILE_MAX_LEN (16u << 20) /* bytes; like META, it has the inventory */

static int read_text(const char *path, char **ret, size_t *ret_len, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup_free char *buf = NULL;
	int n;

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "%s is not there, so that nobody knows which images belong together; name one image",
			       path);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	buf = malloc(FILE_MAX_LEN);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory");
	n = io_read_full(fd, buf, FILE_MAX_LEN, ret_len);
	if (n)
		return err_sys(e, n, "%s", path);
	if (*ret_len == FILE_MAX_LEN)
		return err_set(e, ERR_CORRUPT, "%s is longer than %u MiB", path, FILE_MAX_LEN >> 20);
	*ret = buf;
	buf = NULL;
	return 0;
}

/* A name as capture makes them; nothing that leads elsewhere or hides. */
static int is_plain(const char *name)
{
	size_t n = strlen(name);

	if (n < 5 || n > NAME_MAX || *name == '.' || strcmp(name + n - 4, ".rhi"))
		return 0;
	for (; *name; name++)
		if (*name == '/' || (unsigned char)*name < ' ' || *name == 0x7f)
			return 0;
	return 1;
}

static void take_text(struct json_object *o, const char *key, char *ret, size_t size)
{
	snprintf(ret, size, "%s", json_get_str(o, key, ""));
}

static int take_entry(struct machine *m, struct json_object *o, const char *path, struct err *e)
{
	struct machine_image *im = &m->v[m->n];
	const char *name = json_get_str(o, "image", "");

	if (!is_plain(name))
		return err_set(e, ERR_CORRUPT, "%s: the image of disk %zu isn't the name of an image in that directory",
			       path, m->n + 1);
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].image, name))
			return err_set(e, ERR_CORRUPT, "%s lists one image twice", path);
	snprintf(im->image, sizeof im->image, "%s", name);
	take_text(o, "digest", im->digest, sizeof im->digest);
	take_text(o, "path", im->disk, sizeof im->disk);
	take_text(o, "model", im->model, sizeof im->model);
	take_text(o, "serial", im->serial, sizeof im->serial);
	im->size = json_get_u64(o, "size", 0);
	m->n++;
	return 0;
}

static int take_all(struct machine *m, struct json_object *doc, const char *path, struct err *e)
{
	struct json_object *a = json_get_array(doc, "disks");
	size_t n = a ? json_object_array_length(a) : 0;
	int r = 0;

	if (json_get_u64(doc, "format", 0) != 1)
		return err_set(e, ERR_UNSUPPORTED, "%s is of another version; this program knows version 1", path);
	if (!n || n > MACHINE_DISKS_MAX)
		return err_set(e, ERR_CORRUPT, "%s lists %zu disks; there must be 1 to %d", path, n,
			       MACHINE_DISKS_MAX);
	m->v = calloc(n, sizeof *m->v);
	if (!m->v)
		return err_set(e, ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < n && r == 0; i++)
		r = take_entry(m, json_object_array_get_idx(a, i), path, e);
	m->hardware = json_object_get(json_get_object(doc, "hardware"));
	return r;
}

int machine_parse(const char *text, size_t len, const char *path, struct machine *ret, struct err *e)
{
	cleanup_json struct json_object *doc = NULL;
	struct machine m = { 0 };

	if (json_parse(text, len, &doc, e) < 0)
		return err_prefix(e, "%s", path);
	if (take_all(&m, doc, path, e) < 0) {
		machine_done(&m);
		return e->code;
	}
	*ret = m;
	return 0;
}

int machine_read(const char *dir, struct machine *ret, struct err *e)
{
	cleanup_free char *text = NULL;
	char path[PATH_MAX];
	size_t len;

	if (snprintf(path, sizeof path, "%s/" MACHINE_FILE, dir) >= (int)sizeof path)
		return err_set(e, ERR_USAGE, "the path of the directory is too long");
	if (read_text(path, &text, &len, e) < 0)
		return e->code;
	return machine_parse(text, len, path, ret, e);
}

void machine_done(struct machine *m)
{
	free(m->v);
	json_object_put(m->hardware);
	*m = (struct machine){ 0 };
}

int machine_write(const char *dir, struct json_object *disks, struct json_object *hardware,
		  struct err *e)
{
	cleanup_json struct json_object *o = json_object_new_object();
	cleanup_free char *line = NULL;
	char path[PATH_MAX];
	const char *text;
	int r;

	if (snprintf(path, sizeof path, "%s/" MACHINE_FILE, dir) >= (int)sizeof path)
		return err_set(e, ERR_USAGE, "the path of the image is too long");
	json_put_u64(o, "format", 1);
	json_put_str(o, "tool", "rehost " REHOST_VERSION);
	json_put(o, "disks", json_object_get(disks));
	if (hardware)
		json_put(o, "hardware", json_object_get(hardware));
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return err_set(e, ERR_NOMEM, "out of memory for a JSON document");
	r = io_replace(path, line, strlen(line), 0600); /* like the images */
	return r ? err_sys(e, r, "%s", path) : 0;
}
