/* hivelog.c: completes a registry hive from its logs, for tests.
 *
 *   hivelog [--ktm] [--max BYTES] HIVE OUT [LOG [LOG]]
 *
 * Writes the hive to OUT and says what was done; a LOG that does not exist is
 * none.  Exit status as rehost's: 1 damaged, 4 refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/hivelog.h"

/* All of a file, or NULL. */
static uint8_t *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	long len;

	if (!f)
		return NULL;
	if (fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0)
		abort();
	rewind(f);
	p = malloc((size_t)len + 1);
	if (!p || fread(p, 1, (size_t)len, f) != (size_t)len)
		abort();
	fclose(f);
	*ret_len = (size_t)len;
	return p;
}

static void report(const struct hivelog_result *r)
{
	static const char *const kind[] = { "none", "old", "new" };

	printf("dirty=%d replayed=%d kind=%s base_from_log=%d ktm=%d cut=%d "
	       "entries=%zu pages=%zu seq=%u/%u after=%u bins=%u after=%u\n",
	       r->dirty, r->replayed, kind[r->kind], r->base_from_log,
	       r->ktm_locked, r->cut, r->entries, r->pages, r->seq1, r->seq2,
	       r->seq_after, r->bins_before, r->bins_after);
	for (size_t i = 0; i < r->notes.n; i++)
		puts(r->notes.v[i]);
}

static int save(const char *path, const uint8_t *p, size_t len)
{
	FILE *f = fopen(path, "wb");
	int bad = !f || fwrite(p, 1, len, f) != len;

	if (f && fclose(f))
		bad = 1;
	if (bad)
		perror(path);
	return bad;
}

int main(int argc, char **argv)
{
	struct hivelog_input logs[HIVELOG_INPUTS_MAX] = { 0 };
	struct hivelog_options opt = { 0 };
	struct hivelog_result res;
	struct err e;
	uint8_t *hive, *out;
	size_t len, n = 0;
	int r;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		if (!strcmp(argv[1], "--ktm"))
			opt.accept_ktm = 1;
		else if (!strcmp(argv[1], "--max") && argc > 2) {
			opt.size_max = strtoull(argv[2], NULL, 0);
			argc--, argv++;
		}
	}
	if (argc < 3 || argc > 3 + HIVELOG_INPUTS_MAX)
		return 2;
	hive = slurp(argv[1], &len);
	if (!hive) {
		perror(argv[1]);
		return 1;
	}
	for (; argc > (int)n + 3; n++) {
		logs[n].name = argv[n + 3];
		logs[n].bytes = slurp(argv[n + 3], &logs[n].len);
	}
	r = hivelog_recover(argv[1], hive, len, logs, n, &opt, &out, &len, &res,
			    &e);
	if (r) {
		fprintf(stderr, "hivelog: %s\n", e.msg);
		r = err_exit_status(r);
	} else {
		report(&res);
		r = save(argv[2], out, len);
		free(out);
		hivelog_result_done(&res);
	}
	while (n)
		free((void *)logs[--n].bytes);
	free(hive);
	return r;
}
