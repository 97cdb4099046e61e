/* fuzz bootini: any bytes as a boot.ini: unchanged they come back as they were, and what
 * is changed is read back so.
 *
 * Input: the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/bootini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int what)
{
	if (!what)
		abort();
}

static void same(const struct bootini *b, const void *bytes, size_t n)
{
	struct err e;
	char *text;
	size_t len;

	must(!bootini_bytes(b, &text, &len, &e) && len == n && !(n && memcmp(text, bytes, n)));
	free(text);
}

static void options(const struct bootini_entry *it)
{
	struct err e;
	char value[16], *text;

	bootini_option(it->options, "HAL", value, sizeof value);
	must(!bootini_without(it->options, "HAL", &text, &e));
	must(!bootini_option(text, "HAL", value, sizeof value));
	free(text);
}

static void change(struct bootini *b)
{
	size_t n = b->n, at = n - 1;
	char *path = strdup(b->entry[at].path);
	struct bootini_arc a;
	struct err e;
	int rc, dflt = bootini_default(b);

	must(path != NULL);
	options(&b->entry[at]);
	if (bootini_arc(path, &a))
		must(a.dir >= path && a.dir <= path + strlen(path));
	rc = bootini_add(b, at, "title", "/HAL=x.dll", &e);
	must(rc == 0 ? b->n == n + 1 : rc == ERR_UNSUPPORTED && b->n == n);
	if (!rc) {
		must(!strcmp(b->entry[at].path, path) && !strcmp(b->entry[at].title, "title"));
		must(!strcmp(b->entry[at].options, "/HAL=x.dll"));
		must(bootini_default(b) == dflt);
	}
	must(!bootini_set_timeout(b, 10, &e) && !bootini_set_default(b, path, &e));
	must(!strcmp(b->dflt, path) && b->timeout == 10);
	must(!strcasecmp(b->entry[bootini_default(b)].path, path));
	must(!bootini_set_path(b, at, "multi(0)disk(0)rdisk(0)partition(1)\\W", &e));
	must(!strcmp(b->entry[at].path, "multi(0)disk(0)rdisk(0)partition(1)\\W"));
	free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bootini b, again;
	struct err e;
	char *text;
	size_t n;

	if (bootini_parse(data, size, "boot.ini", &b, &e))
		return 0;
	same(&b, data, size);
	if (b.n)
		change(&b);
	must(!bootini_bytes(&b, &text, &n, &e));
	must(!bootini_parse(text, n, "boot.ini", &again, &e));
	must(again.n == b.n && again.timeout == b.timeout && again.lines.n == b.lines.n);
	same(&again, text, n);
	free(text);
	bootini_done(&again);
	bootini_done(&b);
	return 0;
}
