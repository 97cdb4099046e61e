/* inject-int.h: what the files of the injection share: inject.c (the order of things),
 * inject-package.c (compiled, read), inject-name.c (names, what is there already),
 * inject-reg.c (one operation on a hive), inject-service.c (services), inject-cddb.c
 * (NT 5 and 6), inject-database.c (8 and later), inject-files.c. */
#ifndef REHOST_INJECT_INT_H
#define REHOST_INJECT_INT_H
#include "drivers-inject/windows/inf-models.h"
#include "drivers-inject/windows/inject.h"

/* One DDInstall section; several models share it. */
struct inject_config {
	const char *name;               /* as models name it                 */
	struct inf_install in;
};
/* A file of the package. */
struct inject_file {
	char path[300];                 /* "viostor.sys", "x64\\viostor.sys" */
	uint8_t *data;
	size_t n;
};
/* An id that the package serves: the first model that has it as hardware id, else the
 * first with it among the compatible ids. */
struct inject_id {
	const char *id;
	const struct inf_model *model;
	const struct inject_config *config;
	size_t at;                      /* 0: hardware id; n: compatible id n - 1 */
};

struct inject {
	struct win *w;
	struct plan *p;
	const struct win_package *pkg;
	unsigned flags;
	struct inf_version version;
	struct inf_models models;
	struct inject_config *configs;  /* in the INF's order                */
	size_t n_configs;
	struct inject_file *files;      /* catalog included, INF not         */
	size_t n_files;
	size_t bytes;                   /* of all of them                    */
	const struct inject_file *catalog;      /* NULL: none                */
	struct inject_id *ids;          /* sorted by id                      */
	size_t n_ids;
	char inf[128];                  /* "viostor.inf", in lower case      */
	char dir[200];                  /* "viostor.inf_amd64_0123456789abcdef" */
	char oem[32];                   /* "oem3.inf", or ""                 */
	int bound, reused;
};

/* ---- inject-package.c ---- */
/* Everything but oem, reused; dir is the package's own name for itself. */
int inject_load(struct inject *j, struct err *e) must_check;
/* The installations again, with the driver store's directory where %13% is. */
int inject_compile(struct inject *j, struct err *e) must_check;
void inject_done(struct inject *j);
/* The service that drives the device; NULL: none is named.  "": it needs none. */
const char *inject_service_of(const struct inf_install *in);

/* ---- inject-name.c ---- */
int inject_names(struct inject *j, struct err *e) must_check;
/* \DriverDatabase\DriverPackages\..., Version: 48 bytes. */
#define INJECT_VERSION 48
void inject_version_blob(const struct inject *j, uint8_t ret[INJECT_VERSION]);
/* 0: it has "..", a drive, or another thing that leads elsewhere. */
int inject_path_ok(const char *path);
/* 1: the kernel itself starts devices of that class, from the database in SYSTEM. */
int inject_boot_class(const char *guid);
/* "%SystemRoot%\System32\drivers" -> "\Windows\System32\drivers", in the guest. */
int inject_place(const struct inject *j, const char *place, const char *name,
		 char ret[PATH_MAX], struct err *e) must_check;

/* ---- inject-reg.c ---- */
/* regs[i] done to the key that its root stands for. */
int inject_reg(struct hive *h, const char *root_key, const struct inf_install *in, size_t i,
	       struct err *e) must_check;
/* 1: text is not there yet and was added to the REG_MULTI_SZ; 0: it was there; <0. */
int inject_add_string(struct hive *h, const char *key, const char *value, const char *text,
		      struct err *e) must_check;
/* Of the installation's .HW section, "UpperFilters" or "LowerFilters". */
const struct inf_reg *inject_filters(const struct inf_install *in, const char *name);

/* ---- the parts ---- */
int inject_services(struct inject *j, struct err *e) must_check;
int inject_cddb(struct inject *j, struct err *e) must_check;
/* The package's directory, for Windows to look for INFs in. */
int inject_device_path(struct inject *j, struct err *e) must_check;
int inject_database(struct inject *j, struct err *e) must_check;
int inject_lockdown(struct inject *j, struct err *e) must_check;
int inject_files(struct inject *j, struct err *e) must_check;

#endif
