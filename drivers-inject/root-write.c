/* root-write.c: what all kinds of root share in changing files.  See
 * root-write.h. */
#include "drivers-inject/root-write.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/hash.h"
#include "common/io.h"
#include "drivers-inject/root-ops.h"

#define COPY_BUF (1u << 18)

static int no_memory(struct err *e)
{
	return err_set(e, ERR_NOMEM, "out of memory");
}

void file_meta_done(struct file_meta *m)
{
	strv_done(&m->xattr_names);
	strv_done(&m->xattr_values);
}

int file_meta_get(struct root *r, const char *path, struct file_meta *ret, struct err *e)
{
	return r->ops->meta_get(r, path, ret, e);
}

/* ---- bytes ---- */

int file_copy(int from, int to, uint64_t *ret_len, struct err *e)
{
	cleanup_free char *buf = malloc(COPY_BUF);
	uint64_t len = 0;
	size_t got;
	int n;

	if (!buf)
		return no_memory(e);
	do {
		n = io_read_full(from, buf, COPY_BUF, &got);
		if (n)
			return err_sys(e, n, "reading at %llu bytes", (unsigned long long)len);
		n = io_write_all(to, buf, got);
		if (n)
			return err_sys(e, n, "writing at %llu bytes", (unsigned long long)len);
		len += got;
	} while (got == COPY_BUF);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int file_digest(int fd, uint64_t len, char ret[65], struct err *e)
{
	cleanup_free char *buf = malloc(COPY_BUF);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	uint64_t at = 0;
	ssize_t n = 1;
	int ok = buf && c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	while (ok && at < len && n > 0) {
		size_t want = len - at < COPY_BUF ? (size_t)(len - at) : COPY_BUF;

		do
			n = pread(fd, buf, want, (off_t)at);
		while (n < 0 && errno == EINTR);
		if (n > 0)
			ok = EVP_DigestUpdate(c, buf, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
	}
	ok = ok && EVP_DigestFinal_ex(c, md, NULL);
	EVP_MD_CTX_free(c);
	if (n < 0)
		return err_sys(e, errno, "reading at %llu bytes", (unsigned long long)at);
	if (!ok)
		return no_memory(e);
	hex_encode(md, 32, ret);
	return 0;
}

int bytes_digest(const void *buf, size_t len, char ret[65], struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(buf, len, md, NULL, EVP_sha256(), NULL))
		return no_memory(e);
	hex_encode(md, 32, ret);
	return 0;
}

/* ---- files of the guest ---- */

int root_may(struct root *r, const char *path, enum root_change c, struct err *e)
{
	return r->ops->may(r, path, c, e);
}

int root_put(struct root *r, const char *path, int from, mode_t mode,
	     const struct file_meta *meta, struct err *e)
{
	return r->ops->put(r, path, from, mode, meta, e);
}

int root_put_link(struct root *r, const char *path, const char *target,
		  const struct file_meta *meta, struct err *e)
{
	return r->ops->put_link(r, path, target, meta, e);
}

int root_new(struct root *r, const char *path, mode_t mode, int *ret_fd, struct err *e)
{
	return r->ops->new(r, path, mode, ret_fd, e);
}

int root_new_done(struct root *r, const char *path, mode_t mode, int fd, struct err *e)
{
	return r->ops->new_done(r, path, mode, fd, e);
}

int root_remove(struct root *r, const char *path, struct err *e)
{
	return r->ops->remove(r, path, e);
}

void root_remove_dir(struct root *r, const char *path)
{
	r->ops->rmdir(r, path);
}

int root_make_parents(struct root *r, const char *path, struct strv *made, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int rc;

	snprintf(dir, sizeof dir, "%.*s", slash > path ? (int)(slash - path) : 1,
		 slash > path ? path : "/");
	if (root_has_dir(r, dir))
		return 0;
	rc = root_make_parents(r, dir, made, e);
	if (!rc)
		rc = r->ops->mkdir(r, dir, e);
	if (rc)
		return rc;
	return made && strv_add(made, dir) ? no_memory(e) : 0;
}
