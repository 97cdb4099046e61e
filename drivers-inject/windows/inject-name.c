/* inject-name.c: under which names a package goes into a Windows: oemN.inf, its place,
 * its Version; and whether it is there already.
 *
 * Sources: the DriverDatabase of Windows 8.1 and 10 as Windows left it (VirtualBox'
 * Guest Additions; six packages of a notebook); lxc/distrobuilder's capture. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "common/cleanup.h"
#include "common/le.h"
#include "drivers-inject/windows/inject-int.h"

#define DATABASE "DriverDatabase"
/* Windows names 16384 at most; a hundred are much. */
#define OEM_MAX 10000u

int inject_path_ok(const char *path)
{
	const char *p = path;

	if (!*path || strpbrk(path, "/:*?\"<>|"))
		return 0;
	while (p) {
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '\\'))
			return 0;
		p = strchr(p, '\\');
		p = p ? p + 1 : NULL;
	}
	return 1;
}

int inject_place(const struct inject *j, const char *place, const char *name, char ret[PATH_MAX],
		 struct err *e)
{
	static const char windows[] = "%SystemRoot%", drive[] = "%SystemDrive%";
	char path[PATH_MAX];
	int n, on_drive = !strncmp(place, drive, strlen(drive));

	if (!on_drive && strncmp(place, windows, strlen(windows)))
		return err_set(e, ERR_UNSUPPORTED, "%s: %s is no place on this disk", j->pkg->origin, place);
	place += on_drive ? strlen(drive) : strlen(windows);
	place += strspn(place, "\\");
	if (!inject_path_ok(name))
		return err_set(e, ERR_UNSUPPORTED, "%s: its INF wants to write %s\\%s", j->pkg->origin,
			       place, name);
	n = snprintf(path, sizeof path, "%s%s%s", place, *place ? "\\" : "", name);
	if (n < 0 || n >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path of %s is too long", j->pkg->origin, name);
	if (!on_drive)
		return win_path(j->w, path, ret, e);
	n = snprintf(ret, PATH_MAX, "/%s", path);
	if (n >= PATH_MAX)
		return err_set(e, ERR_UNSUPPORTED, "%s: the path is too long", path);
	for (char *p = ret; *p; p++)
		if (*p == '\\')
			*p = '/';
	return 0;
}

int inject_boot_class(const char *guid)
{
	/* Those that a disk can hang on; the SYSTEM hives of 8.1 and 10 have more. */
	static const char *const classes[] = {
		"{4D36E97B-E325-11CE-BFC1-08002BE10318}",       /* SCSIAdapter   */
		"{4D36E96A-E325-11CE-BFC1-08002BE10318}",       /* hdc           */
		"{4D36E97D-E325-11CE-BFC1-08002BE10318}",       /* System        */
		"{4D36E967-E325-11CE-BFC1-08002BE10318}",       /* DiskDrive     */
		"{71A27CDD-812A-11D0-BEC7-08002BE2092F}",       /* Volume        */
		"{36FC9E60-C465-11CF-8056-444553540000}",       /* USB           */
		"{A0A588A4-C46F-4B37-B7EA-C82FE89870C6}",       /* SDHost        */
		"{4D36E966-E325-11CE-BFC1-08002BE10318}",       /* Computer      */
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (!strcasecmp(classes[i], guid))
			return 1;
	return 0;
}

/* ---- Version ---- */

/* The numbers of PROCESSOR_ARCHITECTURE_ (winnt.h), as in DriverDatabase, Architecture. */
static const uint8_t architectures[INF_N_ARCHES] = {
	[INF_X86] = 0, [INF_ARM] = 5, [INF_IA64] = 6, [INF_AMD64] = 9, [INF_ARM64] = 12,
};

static void put_guid(const char *text, uint8_t ret[16])
{
	unsigned a, b, c, d[8] = { 0 };

	if (sscanf(text, "{%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x}", &a, &b, &c, &d[0], &d[1], &d[2],
		   &d[3], &d[4], &d[5], &d[6], &d[7]) != 11)
		return;
	le32 first = le32_make(a);
	le16 second = le16_make((uint16_t)b), third = le16_make((uint16_t)c);

	memcpy(ret, &first, 4);
	memcpy(ret + 4, &second, 2);
	memcpy(ret + 6, &third, 2);
	for (int i = 0; i < 8; i++)
		ret[8 + i] = (uint8_t)d[i];
}

/* 100 ns since 1601. */
static uint64_t filetime(const struct inf_driver_ver *v)
{
	struct tm tm = { .tm_year = (int)v->year - 1900, .tm_mon = (int)v->month - 1,
			 .tm_mday = (int)v->day };

	return v->year ? ((uint64_t)timegm(&tm) + 11644473600u) * 10000000u : 0;
}

/* 00 ff (in-box: ff ff), u16 processor, u32 0, class, DriverVer's date, its version
 * with the last number first, 8 bytes that most packages have as 0. */
void inject_version_blob(const struct inject *j, uint8_t ret[INJECT_VERSION])
{
	le64 date = le64_make(filetime(&j->version.driver_ver));

	memset(ret, 0, INJECT_VERSION);
	ret[1] = 0xff;
	ret[2] = architectures[j->w->target.arch];
	put_guid(j->version.class_guid, ret + 8);
	memcpy(ret + 24, &date, 8);
	for (int i = 0; i < 4; i++) {
		le16 part = le16_make(j->version.driver_ver.version[3 - i]);

		memcpy(ret + 32 + 2 * i, &part, 2);
	}
}

/* ---- there already? ---- */

/* The package `key` is of the same INF name, processor, class, date and version. */
static int same_version(const struct inject *j, const char *key, const char *prefix)
{
	cleanup_free uint8_t *data = NULL;
	uint8_t mine[INJECT_VERSION];
	char path[WIN_KEY_MAX];
	uint32_t type;
	size_t n;

	if (strncasecmp(key, prefix, strlen(prefix)))
		return 0;
	win_key(path, DATABASE, "DriverPackages\\%s", key);
	inject_version_blob(j, mine);
	/* in the last 8 bytes are flags that only Windows knows */
	return hive_value(j->w->system, path, "Version", &type, &data, &n) && n == INJECT_VERSION &&
	       !memcmp(mine, data, 40);
}

/* dir and oem of the package, if it is there; Windows' own (reused) or one that was
 * written here. */
static void find_package(struct inject *j)
{
	struct strv keys = { 0 };
	char prefix[160], path[WIN_KEY_MAX], own[sizeof j->dir], oem[sizeof j->oem];

	snprintf(prefix, sizeof prefix, "%s_%s_", j->inf, inf_arch_name(j->w->target.arch));
	memcpy(own, j->dir, sizeof own);
	if (hive_subkeys(j->w->system, DATABASE "\\DriverPackages", &keys))
		return;
	for (size_t i = 0; i < keys.n; i++) {
		int mine = !strcasecmp(keys.v[i], own);

		if (!mine && (*j->oem || strlen(keys.v[i]) >= sizeof j->dir ||
			      !same_version(j, keys.v[i], prefix)))
			continue;
		win_key(path, DATABASE, "DriverPackages\\%s", keys.v[i]);
		if (!hive_string(j->w->system, path, "", oem, sizeof oem) || !*oem)
			continue;
		strcpy(j->oem, oem);
		strcpy(j->dir, keys.v[i]);
		j->reused = !mine;
		if (mine)
			break;
	}
	strv_done(&keys);
}

/* An oemN.inf of Windows\INF that is this INF. */
static int find_copy(struct inject *j, const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++) {
		cleanup_free char *text = NULL;
		char below[300], path[PATH_MAX];
		size_t n;

		if (strncasecmp(names->v[i], "oem", 3) || strlen(names->v[i]) >= sizeof j->oem)
			continue;
		snprintf(below, sizeof below, "INF\\%s", names->v[i]);
		if (win_path(j->w, below, path, NULL) ||
		    root_read(j->w->root, path, INF_SIZE_MAX, &text, &n, NULL) || n != j->pkg->n ||
		    memcmp(text, j->pkg->bytes, n))
			continue;
		strcpy(j->oem, names->v[i]);
		return 1;
	}
	return 0;
}

/* ---- a new one ---- */

static int bit(const uint8_t *map, size_t n, unsigned at)
{
	return at / 8 < n && (map[at / 8] & 0x80u >> at % 8);
}

static int has_name(const struct strv *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcasecmp(l->v[i], name))
			return 1;
	return 0;
}

/* The first number that neither the map, nor the database, nor a file has. */
static int next_oem(struct inject *j, const struct strv *names, struct err *e)
{
	cleanup_free uint8_t *map = NULL;
	char key[WIN_KEY_MAX], below[64];
	uint32_t type;
	size_t n = 0;

	if (!hive_value(j->w->system, DATABASE, "OemInfMap", &type, &map, &n))
		n = 0;
	for (unsigned i = 0; i < OEM_MAX; i++) {
		snprintf(j->oem, sizeof j->oem, "oem%u.inf", i);
		win_key(key, DATABASE, "DriverInfFiles\\%s", j->oem);
		snprintf(below, sizeof below, "INF\\%s", j->oem);
		if (!bit(map, n, i) && !has_name(names, j->oem) && !hive_has_key(j->w->system, key) &&
		    !win_has(j->w, j->p, below))
			return 0;
	}
	return err_set(e, ERR_UNSUPPORTED, "%s: oem0.inf to oem%u.inf are all there", j->w->dir, OEM_MAX - 1);
}

int inject_names(struct inject *j, struct err *e)
{
	struct strv names = { 0 };
	char path[PATH_MAX];
	int rc = win_path(j->w, "INF", path, e);

	j->bound = j->w->generation != WIN_NT62 || inject_boot_class(j->version.class_guid);
	if (rc || !j->bound || j->w->generation == WIN_NT6)
		return rc;
	if (j->w->generation == WIN_NT62)
		find_package(j);
	if (*j->oem)
		return 0;
	if (root_list(j->w->root, path, &names, NULL))
		names = (struct strv){ 0 };
	if (j->w->generation == WIN_NT62 || !find_copy(j, &names))
		rc = next_oem(j, &names, e);
	strv_done(&names);
	return rc;
}
