/* inf-models.h: the devices that an INF serves on one Windows.
 *
 * [Manufacturer] names models sections and, for each, TargetOSVersion decorations:
 * NT[arch][.[major][.[minor][.[product type][.[suite mask][.[build]]]]]].  Of those
 * that suit the Windows the most specific is taken, and with it the section
 * "models.decoration"; the section without decoration when none suits. */
#ifndef REHOST_INF_MODELS_H
#define REHOST_INF_MODELS_H
#include "drivers-inject/windows/inf-notes.h"
#include "drivers-inject/windows/inf-version.h"

/* The largest known INF names 2500 devices for one Windows. */
#define INF_MODELS_MAX 65536

struct inf_model {
	const char *manufacturer, *description;
	const char *manufacturer_raw, *description_raw; /* "%VENDOR%"        */
	const char *section;            /* the models section                */
	const char *install;            /* DDInstall, without decoration     */
	const char *const *ids;         /* hardware id ("": none), compatible ids */
	size_t n_ids;
	unsigned line;
};
struct inf_models {
	struct inf_model *v;            /* in the INF's order                */
	size_t n;
	struct inf_notes notes;         /* broken: a decoration or section that isn't there */
	struct inf_mem mem;
};

/* No devices at all is no error: n is 0. */
int inf_models_get(const struct inf *f, const struct inf_target *t, struct inf_models *ret,
		   struct err *e) must_check;
void inf_models_done(struct inf_models *m);

/* A decoration; numbers are -1 where it says nothing. */
struct inf_decoration {
	int arch;
	int64_t major, minor, product, suite, build;
};
/* -1: not one that Windows understands. */
int inf_decoration_parse(const char *s, struct inf_decoration *ret);
int inf_decoration_suits(const struct inf_decoration *d, const struct inf_target *t);
/* >0: a is more specific than b. */
int inf_decoration_compare(const struct inf_decoration *a, const struct inf_decoration *b);

#endif
