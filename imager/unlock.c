/* unlock.c: see unlock.h. */
#include "imager/unlock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/io.h"

/* bytes become the list's, also on failure. */
static int add(struct cont_keys *k, uint8_t *bytes, size_t len, struct err *e)
{
	struct cont_key *v = realloc(k->v, (k->n + 1) * sizeof *v);

	if (!v) {
		explicit_bzero(bytes, len);
		free(bytes);
		return err_set(e, ERR_NOMEM, "out of memory for a key");
	}
	k->v = v;
	v[k->n++] = (struct cont_key){ bytes, len };
	return 0;
}

static int read_file(struct cont_keys *k, const char *path, struct err *e)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *buf, *copy = NULL;
	size_t len = 0;
	int n, r;

	if (fd < 0)
		return err_sys(e, errno, "--unlock %s", path);
	buf = malloc(UNLOCK_KEY_MAX);
	if (!buf)
		return err_set(e, ERR_NOMEM, "out of memory for a key");
	n = io_read_full(fd, buf, UNLOCK_KEY_MAX, &len);
	if (!n && len && len < UNLOCK_KEY_MAX)
		copy = malloc(len);
	if (!copy) {
		explicit_bzero(buf, len);
		free(buf);
		return n ? err_sys(e, n, "--unlock %s", path) :
		       err_set(e, ERR_USAGE, "--unlock %s: is empty, or has %u bytes or more", path, UNLOCK_KEY_MAX);
	}
	memcpy(copy, buf, len);
	r = add(k, buf, len, e);
	if (!r && copy[len - 1] == '\n' && len > 1)
		return add(k, copy, len - 1, e);
	explicit_bzero(copy, len);
	free(copy);
	return r;
}

int unlock_read(const char *const *paths, int n, struct cont_keys *ret, struct err *e)
{
	int r = 0;

	memset(ret, 0, sizeof *ret);
	for (int i = 0; i < n && !r; i++)
		r = read_file(ret, paths[i], e);
	return r;
}

void unlock_done(struct cont_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		explicit_bzero(k->v[i].bytes, k->v[i].len);
		free(k->v[i].bytes);
	}
	free(k->v);
	memset(k, 0, sizeof *k);
}
