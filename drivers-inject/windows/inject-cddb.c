/* inject-cddb.c: Control\CriticalDeviceDatabase of Windows 2000 to 7, in every control
 * set: a key for each id, "PCI#VEN_1AF4&DEV_1001", with the driver's service, its class
 * and its filters.  DriverPackageId names a package of the driver store of 6.x, whose
 * index can't be written; the entries of XP, and of 7 for old drivers, have none. */
#include <string.h>
#include <strings.h>
#include "drivers-inject/windows/inject-int.h"

static int put_filters(struct inject *j, const struct inject_id *id, const char *key, int was_ours,
		       struct err *e)
{
	static const char *const kinds[] = { "LowerFilters", "UpperFilters" };
	int rc = 0;

	for (size_t i = 0; !rc && i < 2; i++) {
		const struct inf_reg *r = inject_filters(&id->config->in, kinds[i]);

		if (r)
			rc = hive_set(j->w->system, key, kinds[i], REG_MULTI_SZ, r->data, r->len, e);
		else if (!was_ours)
			rc = hive_unset(j->w->system, key, kinds[i], e);
	}
	return rc;
}

static int put_id(struct inject *j, const struct inject_id *id, const char *set, struct err *e)
{
	const char *service = inject_service_of(&id->config->in);
	char key[WIN_KEY_MAX], old[256];
	size_t at;
	int rc, was_ours;

	if (!service || !*service)
		return 0;
	win_key(key, set, "Control\\CriticalDeviceDatabase\\");
	at = strlen(key);
	if (at + strlen(id->id) >= sizeof key)
		return err_set(e, ERR_UNSUPPORTED, "%s: the id %.60s... is too long", j->pkg->origin, id->id);
	strcpy(key + at, id->id);
	for (char *p = key + at; *p; p++)
		if (*p == '\\')
			*p = '#';
	hive_string(j->w->system, key, "Service", old, sizeof old);
	was_ours = !strcasecmp(old, service);
	rc = hive_set_string(j->w->system, key, "Service", REG_SZ, service, e);
	if (!rc)
		rc = hive_set_string(j->w->system, key, "ClassGUID", REG_SZ, j->version.class_guid, e);
	/* of another driver */
	if (!rc && !was_ours)
		rc = hive_unset(j->w->system, key, "DriverPackageId", e);
	return rc ? rc : put_filters(j, id, key, was_ours, e);
}

/* The directory is where Windows looks for INFs of new devices. */
int inject_device_path(struct inject *j, struct err *e)
{
	static const char key[] = "Microsoft\\Windows\\CurrentVersion";
	char now[4096], dir[256];
	const char *p;

	if (!j->w->software)
		return 0;
	snprintf(dir, sizeof dir, "%%SystemRoot%%\\Drivers\\%s", j->dir);
	if (!hive_string(j->w->software, key, "DevicePath", now, sizeof now) || !*now)
		strcpy(now, "%SystemRoot%\\inf");
	p = strcasestr(now, dir);
	if (p && (!p[strlen(dir)] || p[strlen(dir)] == ';'))
		return 0;
	if (strlen(now) + strlen(dir) + 2 > sizeof now)
		return err_set(e, ERR_UNSUPPORTED, "SOFTWARE\\%s: DevicePath is too long", key);
	strcat(strcat(now, ";"), dir);
	return hive_set_string(j->w->software, key, "DevicePath", REG_EXPAND_SZ, now, e);
}

int inject_cddb(struct inject *j, struct err *e)
{
	int rc = inject_device_path(j, e);

	for (size_t s = 0; !rc && s < j->w->sets.n; s++)
		for (size_t i = 0; !rc && i < j->n_ids; i++)
			rc = put_id(j, &j->ids[i], j->w->sets.v[s], e);
	return rc;
}
