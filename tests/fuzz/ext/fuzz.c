/* fuzz: the ext reader, and whose its bytes are.  Whatever it is fed, what it sends must be ascending,
 * not empty, and inside the device. */
#include "tests/fuzz/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_reader_and_owners(&fs_ext, ext_owners, data, size);
}
