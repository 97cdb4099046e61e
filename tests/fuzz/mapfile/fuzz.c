/* fuzz: ddrescue's map files.  What is taken is ascending, not empty, and inside the
 * disk; what is refused says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "imager/mapfile.h"

#define DISK (1ull << 40)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mapfile m = { 0 };
	struct err e = { 0 };
	uint64_t end = 0;
	char path[64];
	int fd = memfd_create("map", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (mapfile_read(path, DISK, &m, &e) < 0 && (!e.code || !e.msg[0]))
		abort();
	for (size_t i = 0; i < m.n; i++) {
		const struct map_mark *k = &m.mark[i];

		if (!k->len || k->off < end || k->off > DISK || k->len > DISK - k->off ||
		    !k->status || !strchr("*/-", k->status))
			abort();
		end = k->off + k->len;
	}
	mapfile_done(&m);
	close(fd);
	return 0;
}
