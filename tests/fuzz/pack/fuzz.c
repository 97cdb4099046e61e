/* fuzz pack: any bytes as an archive: what is listed can be read, or there is a
 * sentence why not; and as one compressed file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/io.h"
#include "drivers-inject/windows/pack.h"

#define READ 4                  /* files that are read of one archive */
#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(int rc, uint8_t *bytes, size_t n, const struct err *e)
{
	if (rc ? !e->code || !e->msg[0] : !bytes || n > FILE_MAX)
		abort();
	if (!rc)
		free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv files = { 0 };
	struct err e = { 0 };
	uint8_t *bytes = NULL;
	size_t n = 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC), rc;

	if (fd < 0 || io_write_all(fd, data, size))
		abort();
	rc = pack_list(fd, "x", &files, &e);
	if (rc && (!e.code || !e.msg[0] || files.n))
		abort();
	for (size_t i = 0; i < files.n && i < READ; i++) {
		if (!*files.v[i] || strchr(files.v[i], '\\'))
			abort();
		rc = pack_read(fd, "x", files.v[i], FILE_MAX, &bytes, &n, &e);
		if (rc == ERR_NOT_FOUND)        /* it was listed */
			abort();
		judge(rc, bytes, n, &e);
	}
	strv_done(&files);
	rc = pack_expand(data, size, "x.sy_", FILE_MAX, &bytes, &n, &e);
	judge(rc, bytes, n, &e);
	close(fd);
	return 0;
}
