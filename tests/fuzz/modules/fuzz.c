/* fuzz modules: a kernel's modules.* files, asked as adapt asks them; a module
 * file; an inventory of a machine.  The input's first byte says which; texts
 * stand behind each other with a byte 0x01 between. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "common/json.h"
#include "drivers-inject/hw.h"
#include "drivers-inject/linux/modules-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *take(const uint8_t **p, const uint8_t *end, size_t *ret_len)
{
	const uint8_t *stop = memchr(*p, 1, (size_t)(end - *p));
	size_t n = (size_t)((stop ? stop : end) - *p);
	char *text = malloc(n + 1);

	if (!text)
		abort();
	memcpy(text, *p, n);
	text[n] = 0;
	*ret_len = n;
	*p += n + (stop != NULL);
	return text;
}

static void ask(const struct modules *m, const char *what)
{
	struct strv known = { 0 }, found = { 0 }, all = { 0 };
	size_t before;

	if (strv_add(&known, "sd_mod") < 0)
		abort();
	if (modules_serve(m, what, &known, &found, NULL) == 0)
		for (size_t i = 0; i < found.n && i < 8; i++) {
			before = all.n;
			if (modules_closure(m, found.v[i], &all, NULL) && all.n != before)
				abort();
		}
	for (size_t i = 0; i < all.n; i++) /* what is to be loaded is there */
		if (!modules_path(m, all.v[i]) || !modules_path_ok(modules_path(m, all.v[i])))
			abort();
	strv_done(&known);
	strv_done(&found);
	strv_done(&all);
}

static void kernel(const uint8_t *p, size_t size)
{
	const uint8_t *end = p + size;
	struct modules_texts t = { 0 };
	struct strv all = { 0 };
	struct modules *m;
	char *device;
	size_t n;

	device = take(&p, end, &n);
	t.dep = take(&p, end, &n);
	t.alias = take(&p, end, &n);
	t.softdep = take(&p, end, &n);
	t.builtin = take(&p, end, &n);
	t.modinfo = take(&p, end, &t.modinfo_len);
	if (modules_parse(NULL, "/lib/modules/6.1", &t, &m, NULL) == 0) {
		ask(m, device);
		ask(m, "scsi:t-0x00");
		if (modules_all(m, &all, NULL) == 0)
			for (size_t i = 0; i < all.n && i < 4; i++)
				ask(m, all.v[i]);
		strv_done(&all);
		modules_close(m);
	}
	free(device);
}

static void module_file(const uint8_t *p, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC), r;
	struct strv l = { 0 };
	unsigned char *plain;
	size_t n;

	if (fd < 0 || write(fd, p, size) != (ssize_t)size)
		abort();
	r = module_read(fd, "input", &plain, &n, NULL);
	close(fd);
	if (r)
		return;
	if (module_firmware_bytes(plain, n, "input", &l, NULL) == 0)
		strv_done(&l);
	free(plain);
}

static void inventory(const uint8_t *p, size_t size)
{
	cleanup_json struct json_object *o = NULL;
	struct hw hw;

	if (json_parse((const char *)p, size, &o, NULL))
		return;
	if (hw_from_json(o, "input", NULL, &hw, NULL) == 0)
		hw_done(&hw);
	if (hw_from_json(o, "input", "sda", &hw, NULL) == 0)
		hw_done(&hw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0]) {
	case 'J':
		inventory(data + 1, size - 1);
		break;
	case 'E':
		module_file(data + 1, size - 1);
		break;
	default:
		kernel(data + 1, size - 1);
	}
	return 0;
}
