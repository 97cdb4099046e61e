/* fuzz ntfs-tree: a packed NTFS volume (../unpack.h); detection of Windows on
 * it, which opens, looks up, lists, and reads hives. */
#include "imager/fs/ntfsio.h"
#include <ntfs-3g/unistr.h>
#include "tests/fuzz/unpack.h"
#include "drivers-inject/adapter.h"
#include "drivers-inject/budget.h"
#include "drivers-inject/report.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ntfschar *upcase;
	static u32 upcase_len;
	struct guest_list found = { 0 };
	struct blkdev *m, *d;
	struct tree *t;
	struct err e;

	if (!upcase)
		upcase_len = ntfs_upcase_build_default(&upcase);
	if (dev_mem(unpack(data, size, upcase, upcase_len * sizeof *upcase),
		    UNPACK_SIZE, 0, &m, &e) ||
	    budget_open(m, 16 << 20, 5000, &d, &e))
		abort();
	if (!tree_ntfs.open(d, &t, &e)) {
		(void)!adapter_windows.detect(t, &found, &e);
		for (size_t i = 0; i < found.n; i++)
			json_object_put(report_guest(found.v[i]));
		guest_list_done(&found);
		tree_close(t);
	}
	dev_close(d);
	dev_close(m);
	return 0;
}
