/* inject-database.c: the complete entries of one package in SYSTEM, DriverDatabase, of
 * Windows 8 and later, as Windows itself writes them; and PnpLockdownFiles in SOFTWARE.
 *
 * Sources: the databases of Windows 8.1 (159 packages) and 10 1709 (222), read off
 * their SYSTEM hives; lxc/distrobuilder's capture of what Windows wrote for virtio-win.
 *
 *   DeviceIds\ID: INF = column (1 hardware, 2 compatible id), feature score, number of
 *     the compatible id, 0; DeviceIds\{class}: INF = nothing
 *   DriverInfFiles\INF: packages of that name, the active one, its DDInstall sections
 *   DriverPackages\PACKAGE: \Configurations\DDINSTALL, \Descriptors\ID, \Strings */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/inject-int.h"

#define TOP "DriverDatabase"
/* ConfigScope (10 and later): always; has settings of the device; names a service. */
enum { SCOPE = 1, SCOPE_DEVICE = 2, SCOPE_SERVICE = 4 };
/* StatusFlags of most packages, whoever signed them. */
#define STATUS_FLAGS 0x12u
/* In Configurations these stand above the value's type: AddReg's "not if it is there",
 * and "append". */
#define TYPE_NOCLOBBER 0x20000u
#define TYPE_APPEND 0x40000u

/* The key below the package's own. */
static void package_key(const struct inject *j, char ret[WIN_KEY_MAX], const char *below)
{
	win_key(ret, TOP, "DriverPackages\\%s%s%s", j->dir, *below ? "\\" : "", below);
}

static int set_text(struct inject *j, const char *key, const char *value, const char *text,
		    struct err *e)
{
	return hive_set_string(j->w->system, key, value, REG_SZ, text, e);
}

/* ---- OemInfMap, DeviceIds, DriverInfFiles ---- */

/* Bit N, from the highest of the first byte: oemN.inf is taken. */
static int put_oem_bit(struct inject *j, struct err *e)
{
	cleanup_free uint8_t *old = NULL;
	uint8_t map[2048] = { 0 };
	unsigned n = (unsigned)strtoul(j->oem + 3, NULL, 10);
	uint32_t type;
	size_t len = 0;

	if (strncasecmp(j->oem, "oem", 3) || !isdigit((unsigned char)j->oem[3]) || n / 8 >= sizeof map)
		return 0;
	if (!hive_value(j->w->system, TOP, "OemInfMap", &type, &old, &len) || len > sizeof map)
		len = 0;
	if (len)
		memcpy(map, old, len);
	map[n / 8] |= (uint8_t)(0x80u >> n % 8);
	if (len < n / 8 + 1)
		len = n / 8 + 1;
	return hive_set(j->w->system, TOP, "OemInfMap", REG_BINARY, map, len, e);
}

static int put_device_ids(struct inject *j, struct err *e)
{
	char key[WIN_KEY_MAX], guid[64];
	int rc;

	snprintf(guid, sizeof guid, "%s", j->version.class_guid);
	for (char *p = guid; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	win_key(key, TOP, "DeviceIds\\%s", guid);
	rc = hive_set(j->w->system, key, j->oem, REG_NONE, "", 0, e);
	for (size_t i = 0; !rc && i < j->n_ids; i++) {
		const struct inject_id *id = &j->ids[i];
		uint8_t data[4] = { id->at ? 2 : 1, (uint8_t)id->config->in.feature_score,
				    id->at ? (uint8_t)(id->at - 1) : 0, 0 };

		win_key(key, TOP, "DeviceIds\\%s", id->id);
		rc = hive_set(j->w->system, key, j->oem, REG_BINARY, data, sizeof data, e);
	}
	return rc;
}

static int put_inf_file(struct inject *j, struct err *e)
{
	struct strv names = { 0 };
	char key[WIN_KEY_MAX];
	int rc = 0;

	win_key(key, TOP, "DriverInfFiles\\%s", j->oem);
	for (size_t i = 0; !rc && i < j->n_configs; i++)
		if (strv_add(&names, j->configs[i].in.section))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	if (!rc)
		rc = inject_add_string(j->w->system, key, "", j->dir, e);
	if (rc >= 0)
		rc = set_text(j, key, "Active", j->dir, e);
	if (!rc)
		rc = hive_set_strings(j->w->system, key, "Configurations", &names, e);
	strv_done(&names);
	return rc;
}

/* ---- the package ---- */

/* What Windows took from checking the catalog: nobody checks it here, but the name of
 * its signer stands in it.  Microsoft's is WHQL; any other, Authenticode. */
static int put_signer(struct inject *j, const char *key, struct err *e)
{
	static const char whql[] = "Microsoft Windows Hardware Compatibility Publisher";
	const struct inject_file *c = j->catalog;
	uint32_t score = 0x80000000u;
	int rc = 0;

	if (c && memmem(c->data, c->n, whql, strlen(whql))) {
		score = 0x0d000005u;
		rc = set_text(j, key, "SignerName", whql, e);
	} else if (c) {
		score = 0x0f000000u;
	}
	return rc ? rc : hive_set_dword(j->w->system, key, "SignerScore", score, e);
}

static int put_package(struct inject *j, struct err *e)
{
	uint8_t version[INJECT_VERSION];
	char key[WIN_KEY_MAX];
	int rc;

	package_key(j, key, "");
	inject_version_blob(j, version);
	rc = set_text(j, key, "", j->oem, e);
	if (!rc && j->catalog)
		rc = set_text(j, key, "Catalog", j->version.catalog, e);
	if (!rc)
		rc = set_text(j, key, "InfName", j->pkg->name, e);
	if (!rc)
		rc = set_text(j, key, "Provider", j->version.provider, e);
	if (!rc)
		rc = put_signer(j, key, e);
	if (!rc)
		rc = hive_set_dword(j->w->system, key, "StatusFlags", STATUS_FLAGS, e);
	return rc ? rc : hive_set(j->w->system, key, "Version", REG_BINARY, version, sizeof version, e);
}

/* ---- Configurations ---- */

/* Below the configuration: Device\, Driver\, Services\NAME\; NULL: not kept there. */
static const char *section_of(const struct inf_reg *r)
{
	return r->root == INF_HARDWARE_KEY ? "Device" : r->root == INF_SOFTWARE_KEY ? "Driver" :
	       r->root == INF_SERVICE_KEY ? "Services" : NULL;
}

static int is_filter_list(const struct inf_reg *r)
{
	return r->root == INF_HARDWARE_KEY && !*r->key &&
	       (!strcasecmp(r->value, "UpperFilters") || !strcasecmp(r->value, "LowerFilters"));
}

/* One AddReg entry: what the device or its driver gets when it is started first. */
static int put_setting(struct inject *j, const char *config, const struct inf_reg *r, struct err *e)
{
	const char *section = section_of(r);
	uint32_t type = r->type;
	char key[WIN_KEY_MAX];

	if (!section || (r->op != INF_REG_SET && r->op != INF_REG_KEY && r->op != INF_REG_APPEND))
		return 0;
	win_key(key, config, "%s%s%s%s%s", section, *r->owner ? "\\" : "", r->owner, *r->key ? "\\" : "",
		r->key);
	/* the device's filters stand in the configuration itself */
	if (is_filter_list(r))
		snprintf(key, sizeof key, "%s", config);
	else if (r->op == INF_REG_APPEND)
		type |= TYPE_APPEND;
	else if (r->flags & INF_REG_NOCLOBBER)
		type |= TYPE_NOCLOBBER;
	if (strlen(key) == sizeof key - 1)
		return err_set(e, ERR_UNSUPPORTED, "%s: line %u of its INF names a registry key that is "
			       "too long", j->pkg->origin, r->line);
	if (r->op == INF_REG_KEY)
		return hive_make_key(j->w->system, key, e);
	return hive_set(j->w->system, key, r->value, type, r->data, r->len, e);
}

static uint32_t scope_of(const struct inf_install *in)
{
	uint32_t scope = SCOPE;

	if (inject_service_of(in))
		scope |= SCOPE_SERVICE;
	for (size_t i = 0; i < in->n_regs; i++)
		if (in->regs[i].root == INF_HARDWARE_KEY)
			scope |= SCOPE_DEVICE;
	return scope;
}

static int put_includes(struct inject *j, const char *key, const struct inf_install *in, struct err *e)
{
	struct strv names = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < in->n_includes; i++)
		if (strv_add(&names, inf_name(in->includes[i])))
			rc = err_set(e, ERR_NOMEM, "out of memory");
	if (!rc && names.n)
		rc = hive_set_strings(j->w->system, key, "IncludedInfs", &names, e);
	strv_done(&names);
	return rc;
}

static int put_config(struct inject *j, const struct inf_install *in, struct err *e)
{
	const char *service = inject_service_of(in);
	char key[WIN_KEY_MAX], name[WIN_KEY_MAX / 2];
	int rc;

	snprintf(name, sizeof name, "Configurations\\%s", in->section);
	package_key(j, key, name);
	rc = hive_set_dword(j->w->system, key, "ConfigFlags", 0, e);
	if (!rc && j->w->target.major >= 10)
		rc = hive_set_dword(j->w->system, key, "ConfigScope", scope_of(in), e);
	if (!rc && service)
		rc = set_text(j, key, "Service", service, e);
	if (!rc)
		rc = put_includes(j, key, in, e);
	for (size_t i = 0; !rc && i < in->n_regs; i++)
		rc = put_setting(j, key, &in->regs[i], e);
	return rc;
}

/* ---- Descriptors, Strings ---- */

/* raw is one %token%: in lower case it is kept, its text goes to Strings. */
static int put_name(struct inject *j, const char *key, const char *value, const char *raw,
		    const char *text, struct err *e)
{
	char token[512], strings[WIN_KEY_MAX];
	size_t n = strlen(raw);
	int rc;

	if (n < 3 || n >= sizeof token || raw[0] != '%' || strchr(raw + 1, '%') != raw + n - 1)
		return set_text(j, key, value, text, e);
	for (size_t i = 0; i <= n; i++)
		token[i] = (char)tolower((unsigned char)raw[i]);
	rc = set_text(j, key, value, token, e);
	token[n - 1] = 0;
	package_key(j, strings, "Strings");
	return rc ? rc : set_text(j, strings, token + 1, text, e);
}

static int put_descriptor(struct inject *j, const struct inject_id *id, struct err *e)
{
	char key[WIN_KEY_MAX], name[WIN_KEY_MAX / 2];
	int rc;

	if ((size_t)snprintf(name, sizeof name, "Descriptors\\%s", id->id) >= sizeof name)
		return err_set(e, ERR_UNSUPPORTED, "%s: the id %.60s... is too long", j->pkg->origin, id->id);
	package_key(j, key, name);
	rc = set_text(j, key, "Configuration", id->config->in.section, e);
	if (!rc)
		rc = put_name(j, key, "Description", id->model->description_raw, id->model->description, e);
	return rc ? rc : put_name(j, key, "Manufacturer", id->model->manufacturer_raw,
				  id->model->manufacturer, e);
}

int inject_database(struct inject *j, struct err *e)
{
	int rc = put_oem_bit(j, e);

	if (!rc)
		rc = put_device_ids(j, e);
	if (!rc)
		rc = put_inf_file(j, e);
	if (!rc)
		rc = put_package(j, e);
	for (size_t i = 0; !rc && i < j->n_configs; i++)
		rc = put_config(j, &j->configs[i].in, e);
	for (size_t i = 0; !rc && i < j->n_ids; i++)
		rc = put_descriptor(j, &j->ids[i], e);
	return rc;
}

/* ---- PnpLockdownFiles ---- */

static int put_locked(struct inject *j, const struct inf_file *f, const char *place, struct err *e)
{
	char key[WIN_KEY_MAX], source[WIN_KEY_MAX];
	size_t at;
	int rc;

	snprintf(key, sizeof key, "Microsoft\\Windows\\CurrentVersion\\Setup\\PnpLockdownFiles\\");
	at = strlen(key);
	snprintf(key + at, sizeof key - at, "%s\\%s%s%s", place, f->subdir, *f->subdir ? "\\" : "",
		 f->name);
	for (char *p = key + at; *p; p++)
		if (*p == '\\')
			*p = '/';
	snprintf(source, sizeof source, "%%SystemRoot%%\\System32\\DriverStore\\FileRepository\\%s\\%s%s%s",
		 j->dir, f->dir, *f->dir ? "\\" : "", f->source);
	rc = hive_set_dword(j->w->software, key, "Class", 4, e);
	if (!rc)
		rc = inject_add_string(j->w->software, key, "Owners", j->oem, e);
	return rc < 0 ? rc : hive_set_string(j->w->software, key, "Source", REG_EXPAND_SZ, source, e);
}

int inject_lockdown(struct inject *j, struct err *e)
{
	int rc = 0;

	for (size_t c = 0; !rc && j->version.pnp_lockdown && j->w->software && c < j->n_configs; c++)
		for (size_t i = 0; !rc && i < j->configs[c].in.n_files; i++) {
			const struct inf_file *f = &j->configs[c].in.files[i];
			const char *place = inf_dirid_place(f->dirid, strcmp(j->w->arch, "x86") != 0);

			if (place && !strncmp(place, "%SystemRoot%", 12))
				rc = put_locked(j, f, place, e);
		}
	return rc;
}
