/* fuzz inf: any bytes as an INF: its version, models, and what its first sections
 * install.  As UTF-16 it must mean the same.
 *
 * Input: a byte (which Windows), then the INF, which is also every INF that it
 * includes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/inf-install.h"
#include "drivers-inject/windows/inf-rank.h"
#include "drivers-inject/windows/inf-text.h"

#define SECTIONS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct inf_target targets[] = {
	{ INF_X86, 5, 1, 2600, 1, 0 }, { INF_AMD64, 6, 1, 7601, 1, 0x100 },
	{ INF_AMD64, 10, 0, 19045, 1, 0 }, { INF_ARM64, 10, 0, 22631, 3, 0x80 },
};

struct bytes {
	const uint8_t *data;
	size_t n;
};

static int read_again(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	const struct bytes *b = ctx;

	if (name[0] == '-')
		return err_set(e, ERR_NOT_FOUND, "no");
	*bytes = malloc(b->n + 1);
	if (!*bytes)
		abort();
	if (b->n)
		memcpy(*bytes, b->data, b->n);
	*n = b->n;
	return 0;
}

/* Numbers that tell two readings apart. */
struct sums {
	long rc;                /* no padding: they are compared whole */
	size_t models, ids, regs, bytes, files, services, notes;
};

static void sum_up(const struct inf_install *in, struct sums *s)
{
	for (size_t i = 0; i < in->n_regs; i++) {
		const struct inf_reg *r = &in->regs[i];

		s->bytes += r->len + strlen(r->key) + strlen(r->value) + strlen(r->owner);
		for (size_t k = 0; k < r->len; k++)
			s->bytes += r->data[k];
	}
	for (size_t i = 0; i < in->n_files; i++)
		s->bytes += strlen(in->files[i].source) + strlen(in->files[i].dir) +
			    strlen(in->files[i].name) + strlen(in->files[i].cab);
	for (size_t i = 0; i < in->n_services; i++)
		s->bytes += strlen(in->services[i].image_path) + strlen(in->services[i].binary);
}

static void install(const struct inf *f, const char *section, const struct inf_target *t,
		    const struct bytes *all, struct sums *s)
{
	struct inf_source source = { read_again, (void *)all };
	struct inf_install in;
	struct err e;

	if (inf_install_get(f, section, t, NULL, &source, &in, &e))
		return;
	sum_up(&in, s);
	s->regs += in.n_regs;
	s->files += in.n_files;
	s->services += in.n_services;
	s->notes += in.notes.n;
	for (size_t i = 0; i < in.notes.n; i++) {
		char text[1000];

		s->bytes += strlen(inf_note_text(&in.notes.v[i], text, sizeof text));
	}
	inf_install_done(&in);
}

static void models(const struct inf *f, const struct inf_target *t, const struct bytes *all,
		   struct sums *s)
{
	static const char *const ids[] = { "PCI\\A", "h", "PCI\\CC_0106" };
	const struct inf_device d = { ids, 2, ids + 1, 2 };
	struct inf_models m;
	struct err e;

	s->rc = inf_models_get(f, t, &m, &e);
	if (s->rc)
		return;
	s->models = m.n;
	for (size_t i = 0; i < m.n; i++) {
		s->ids += m.v[i].n_ids + (inf_identifier_score(&d, &m.v[i], NULL) != INF_NO_MATCH);
		if (i < SECTIONS)
			install(f, m.v[i].install, t, all, s);
	}
	inf_models_done(&m);
}

static struct sums read_all(const uint8_t *data, size_t n, const struct inf_target *t)
{
	const struct bytes all = { data, n };
	struct sums s = { 0 };
	struct inf_version v;
	struct inf *f;
	struct err e;

	s.rc = inf_parse(data, n, "x.inf", &f, &e);
	if (s.rc)
		return s;
	if (!inf_version_get(f, t, &v, &e))
		inf_version_done(&v);
	models(f, t, &all, &s);
	inf_free(f);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct inf_target *t;
	struct sums a, b;
	enum inf_encoding enc;
	struct err e;
	uint8_t *wide;
	char *text;
	size_t n;

	if (!size)
		return 0;
	t = &targets[data[0] % 4];
	a = read_all(data + 1, size - 1, t);
	if (inf_text_decode(data + 1, size - 1, &text, &n, &enc, &e))
		abort();
	wide = malloc(2 * n + 4);
	if (!wide)
		abort();
	memcpy(wide, "\xff\xfe", 2);
	n = inf_text_utf16le(text, wide + 2);
	b = read_all(wide, n, t);       /* without the final 0 */
	if (memcmp(&a, &b, sizeof a))
		abort();
	free(text);
	free(wide);
	return 0;
}
