/* bind-database.c: Windows 8 and later: SYSTEM\DriverDatabase.
 *
 *   DeviceIds\<id>             a value for each INF: which column of the INF the id
 *                              stands in (1 hardware ids, 2 compatible ids), the
 *                              feature score, the position among compatible ids
 *   DriverInfFiles\<inf>       Active: the package
 *   DriverPackages\<package>   Version: class, date, version; SignerScore
 *     Descriptors\<id>         Configuration: a name
 *     Configurations\<name>    Service; ExcludeIds: devices it is not for
 *
 * Sources: lxc/distrobuilder's captures, virt-v2v's comments (ADAPT 1.4), real
 * hives. */
#include "drivers-inject/windows/bind-database.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "common/le.h"

#define DATABASE "DriverDatabase\\"
#define UNSIGNED 0x80000000u

/* DriverPackages\<package>: Version, 48 bytes; the first eight are not needed. */
struct version_disk {
	uint8_t head[8];        /* +0x00 */
	uint8_t class_guid[16]; /* +0x08 */
	le64 date;              /* +0x18 FILETIME                            */
	le64 version;           /* +0x20 four numbers, the first one highest */
};

/* What decides between two drivers, each less is better. */
struct rank {
	int is_unsigned;
	uint32_t feature, identifier;
	uint64_t date, version; /* of these more is better                   */
};

static int worse(const struct rank *a, const struct rank *b)
{
	if (a->is_unsigned != b->is_unsigned)
		return a->is_unsigned > b->is_unsigned;
	if (a->feature != b->feature)
		return a->feature > b->feature;
	if (a->identifier != b->identifier)
		return a->identifier > b->identifier;
	if (a->date != b->date)
		return a->date < b->date;
	return a->version < b->version;
}

static void guid_text(const uint8_t g[16], char ret[40])
{
	snprintf(ret, 40, "{%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
		 g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
		 g[13], g[14], g[15]);
}

static void incomplete(struct win_match *m, const char *package, const char *what)
{
	if (!*m->incomplete)
		snprintf(m->incomplete, sizeof m->incomplete, "the driver package %.160s has no %.160s",
			 package, what);
}

static int find_package(const struct hive *h, const char *inf, char ret[256])
{
	char key[WIN_KEY_MAX];
	struct strv names = { 0 };

	snprintf(key, sizeof key, DATABASE "DriverInfFiles\\%.255s", inf);
	if (!hive_string(h, key, "Active", ret, 256) && hive_strings(h, key, "", &names)) {
		snprintf(ret, 256, "%.255s", names.n ? names.v[0] : "");
		strv_done(&names);
	}
	snprintf(key, sizeof key, DATABASE "DriverPackages\\%.255s", ret);
	return *ret && hive_has_key(h, key);
}

/* Windows 10 needs Version in every package; before, one without is only the
 * oldest. */
static int read_version(const struct win *w, const char *package, struct win_match *m,
			struct rank *r)
{
	cleanup_free uint8_t *data = NULL;
	const struct version_disk *v;
	char key[WIN_KEY_MAX];
	uint32_t type, score = UNSIGNED;
	size_t len;

	snprintf(key, sizeof key, DATABASE "DriverPackages\\%.255s", package);
	hive_dword(w->system, key, "SignerScore", &score);
	r->is_unsigned = score >= UNSIGNED;
	if (!hive_value(w->system, key, "Version", &type, &data, &len) || len < sizeof *v)
		return w->target.major < 10;
	v = (const struct version_disk *)data;
	guid_text(v->class_guid, m->class_guid);
	r->date = le64_get(v->date);
	r->version = le64_get(v->version);
	return 1;
}

static int is_excluded(const struct hive *h, const char *config, const struct win_device *d)
{
	struct strv out = { 0 };
	int excluded = 0;

	if (!hive_strings(h, config, "ExcludeIds", &out))
		return 0;
	for (size_t i = 0; !excluded && i < out.n; i++) {
		for (size_t k = 0; k < d->hardware.n; k++)
			excluded |= !strcasecmp(d->hardware.v[k], out.v[i]);
		for (size_t k = 0; k < d->compatible.n; k++)
			excluded |= !strcasecmp(d->compatible.v[k], out.v[i]);
	}
	strv_done(&out);
	return excluded;
}

/* One INF for one id: 1 and *m, *r; 0: it can't be used, ret->incomplete may say why. */
static int candidate(const struct win *w, const struct win_device *d, const char *id,
		     const char *inf, struct win_match *m, struct rank *r, struct win_match *ret)
{
	char package[256] = "", key[WIN_KEY_MAX], config[256];

	if (!find_package(w->system, inf, package)) {
		if (!*ret->incomplete)
			snprintf(ret->incomplete, sizeof ret->incomplete, "%.160s has no driver package",
				 inf);
		return 0;
	}
	if (!read_version(w, package, m, r)) {
		incomplete(ret, package, "Version");
		return 0;
	}
	snprintf(key, sizeof key, DATABASE "DriverPackages\\%.255s\\Descriptors\\%.255s", package, id);
	if (!hive_string(w->system, key, "Configuration", config, sizeof config)) {
		incomplete(ret, package, "Descriptors for it");
		return 0;
	}
	snprintf(m->entry, sizeof m->entry, DATABASE "DriverPackages\\%.255s\\Configurations\\%.255s",
		 package, config);
	if (!hive_has_key(w->system, m->entry)) {
		incomplete(ret, package, config);
		return 0;
	}
	if (is_excluded(w->system, m->entry, d))
		return 0;
	hive_string(w->system, m->entry, "Service", m->service, sizeof m->service);
	snprintf(m->id, sizeof m->id, "%s", id);
	m->found = 1;
	return 1;
}

/* The identifier score: of the device's id number `at`, then of the INF's column. */
static uint32_t identifier(int compatible, size_t at, const uint8_t *data, size_t len)
{
	uint32_t score = (compatible ? 0x2000u : 0) + (uint32_t)(at < 0xff ? at : 0xff);

	if (len && data[0] == 2)
		score += 0x1000 + (len > 2 ? 0x100u * data[2] : 0);
	return score;
}

static void try_id(const struct win *w, const struct win_device *d, int compatible, size_t at,
		   const char *id, struct rank *best, struct win_match *ret)
{
	char key[WIN_KEY_MAX];
	struct strv infs = { 0 };

	snprintf(key, sizeof key, DATABASE "DeviceIds\\%.255s", id);
	if (hive_values(w->system, key, &infs))
		return;
	for (size_t i = 0; i < infs.n; i++) {
		cleanup_free uint8_t *data = NULL;
		struct win_match m = { 0 };
		struct rank r = { .feature = 0xff };
		uint32_t type;
		size_t len = 0;

		if (!hive_value(w->system, key, infs.v[i], &type, &data, &len) ||
		    !candidate(w, d, id, infs.v[i], &m, &r, ret))
			continue;
		r.identifier = identifier(compatible, at, data, len);
		if (len > 1)
			r.feature = data[1];
		if (ret->found && !worse(best, &r))
			continue;
		memcpy(m.incomplete, ret->incomplete, sizeof m.incomplete);
		*best = r;
		*ret = m;
	}
	strv_done(&infs);
}

void win_bind_database(const struct win *w, const struct win_device *d, struct win_match *m)
{
	struct rank best = { 0 };

	for (size_t i = 0; i < d->hardware.n; i++)
		try_id(w, d, 0, i, d->hardware.v[i], &best, m);
	for (size_t i = 0; i < d->compatible.n; i++)
		try_id(w, d, 1, i, d->compatible.v[i], &best, m);
}
