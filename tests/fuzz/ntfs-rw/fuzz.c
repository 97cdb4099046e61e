/* fuzz ntfs-rw: a packed NTFS volume (../unpack.h), opened for writing; files are
 * written in place, made, removed.  Whatever it is, nothing crashes, and what a
 * failed edit leaves is the volume as it was. */
#include "imager/fs/ntfsio.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ntfs-3g/unistr.h>
#include "tests/fuzz/unpack.h"
#include "drivers-inject/root-ntfs.h"
#include "drivers-inject/root-write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* On damaged volumes libntfs-3g forgets to free some of its inodes. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so";
}
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static unsigned char *disk;
static unsigned char copy[UNPACK_SIZE];

/* One change; failed, it changed nothing. */
static void check(int rc, struct err *e)
{
	if (rc && (!e->code || !*e->msg || memcmp(copy, disk, UNPACK_SIZE)))
		abort();
	memcpy(copy, disk, UNPACK_SIZE);
	*e = (struct err){ 0 };
}

static void change(struct root *r)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct err e = { 0 };

	if (fd < 0 || ftruncate(fd, 9000))
		abort();
	memcpy(copy, disk, UNPACK_SIZE);
	check(root_put(r, "/windows/system32/config/SYSTEM", fd, 0644, NULL, &e), &e);
	check(root_put(r, "/new file.txt", fd, 0644, NULL, &e), &e);
	check(root_make_parents(r, "/Windows/System32/drivers/x", NULL, &e), &e);
	check(root_put(r, "/windows/system32/drivers/new.sys", fd, 0600, NULL, &e), &e);
	check(root_remove(r, "/Windows/System32/config/software", &e), &e);
	check(root_remove(r, "/new file.txt", &e), &e);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ntfschar *upcase;
	static u32 upcase_len;
	struct blkdev *m;
	struct root *r;
	struct err e;

	if (!upcase)
		upcase_len = ntfs_upcase_build_default(&upcase);
	disk = unpack(data, size, upcase, upcase_len * sizeof *upcase);
	if (dev_mem(disk, UNPACK_SIZE, 1, &m, &e))
		abort();
	(void)!root_ntfs_forget_hibernation(m, &e);
	if (!root_ntfs_open(m, ROOT_NTFS_EVEN_DIRTY, &r, &e)) {
		change(r);
		root_close(r);
	}
	dev_close(m);
	return 0;
}
