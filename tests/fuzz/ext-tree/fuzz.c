/* fuzz ext-tree: a packed ext2/3/4 file system (../unpack.h); detection of
 * Linux on it, which opens, resolves links, lists and reads. */
#include "tests/fuzz/unpack.h"
#include "drivers-inject/adapter.h"
#include "drivers-inject/budget.h"
#include "drivers-inject/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_list found = { 0 };
	struct blkdev *m, *d;
	struct tree *t;
	struct err e;

	if (dev_mem(unpack(data, size, "", 0), UNPACK_SIZE, 0, &m, &e) ||
	    budget_open(m, 16 << 20, 5000, &d, &e))
		abort();
	if (!tree_ext.open(d, &t, &e)) {
		(void)!adapter_linux.detect(t, &found, &e);
		for (size_t i = 0; i < found.n; i++)
			json_object_put(report_guest(found.v[i]));
		guest_list_done(&found);
		tree_close(t);
	}
	dev_close(d);
	dev_close(m);
	return 0;
}
