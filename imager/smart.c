/* smart.c: see smart.h.
 *
 * smartctl's JSON: its manual ("--json"), and what it prints for ATA, NVMe and SCSI
 * disks.  Attribute numbers: ATA, as all vendors use these three. */
#include "imager/smart.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/run.h"

#define TIMEOUT_S 20            /* a disk that spins up, or hangs on its bad sectors  */
#define OUT_MAX (4u << 20)

/* smartctl's exit status, bits: it couldn't be asked at all */
#define EXIT_NO_ANSWER 3
/* ... and: the disk is failing; attributes are or were below their limits */
#define EXIT_FAILING 8

static struct json_object *at(struct json_object *o, const char *const *path)
{
	for (; *path && o; path++)
		o = json_get_object(o, *path);
	return o;
}

/* Raw value of an ATA attribute; 0 and *ret. */
static int ata_raw(struct json_object *smartctl, uint64_t id, uint64_t *ret)
{
	struct json_object *a = json_get_array(json_get_object(smartctl, "ata_smart_attributes"),
					       "table");

	for (size_t i = 0; a && i < json_object_array_length(a); i++) {
		struct json_object *x = json_object_array_get_idx(a, i);

		if (json_get_u64(x, "id", 0) == id) {
			/* some vendors keep other counts in the upper bytes */
			*ret = json_get_u64(json_get_object(x, "raw"), "value", 0) & 0xffffffff;
			return 0;
		}
	}
	return -1;
}

static int has(struct json_object *o, const char *key)
{
	return json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, NULL);
}

static void put_ata(struct json_object *smartctl, struct json_object *o)
{
	static const struct { uint64_t id; const char *key; } table[] = {
		{ 5, "reallocated" }, { 197, "pending" }, { 198, "uncorrectable" },
	};
	uint64_t v;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (ata_raw(smartctl, table[i].id, &v) == 0)
			json_put_u64(o, table[i].key, v);
}

static void put_nvme(struct json_object *smartctl, struct json_object *o)
{
	static const struct { const char *from, *key; } table[] = {
		{ "critical_warning", "critical_warning" }, { "percentage_used", "percentage_used" },
		{ "media_errors", "media_errors" }, { "available_spare", "spare" },
		{ "available_spare_threshold", "spare_limit" },
	};
	struct json_object *log = json_get_object(smartctl, "nvme_smart_health_information_log");

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (has(log, table[i].from))
			json_put_u64(o, table[i].key, json_get_u64(log, table[i].from, 0));
}

static void put_scsi(struct json_object *smartctl, struct json_object *o)
{
	static const char *const reads[] = { "scsi_error_counter_log", "read", NULL };
	struct json_object *log = at(smartctl, reads);

	if (has(smartctl, "scsi_grown_defect_list"))
		json_put_u64(o, "reallocated", json_get_u64(smartctl, "scsi_grown_defect_list", 0));
	if (has(log, "total_uncorrected_errors"))
		json_put_u64(o, "uncorrectable", json_get_u64(log, "total_uncorrected_errors", 0));
}

__attribute__((format(printf, 2, 3)))
static void say(struct json_object *list, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	json_object_array_add(list, json_text(text));
}

/* What of it is bad; the numbers are there for those who think otherwise. */
static struct json_object *complaints(struct json_object *o)
{
	static const struct {
		const char *key;
		uint64_t from;
		int failing;      /* now; the others tell of the past         */
		const char *fmt;
	} table[] = {
		{ "pending", 1, 1, "%llu sectors can't be read at the moment" },
		{ "critical_warning", 1, 1, "it gives a critical warning (0x%llx)" },
		{ "uncorrectable", 1, 0, "%llu sectors could not be read or corrected" },
		{ "reallocated", 1, 0, "%llu sectors were replaced by spare ones" },
		{ "media_errors", 1, 0, "%llu times it could not give back what was stored" },
		{ "percentage_used", 100, 0, "%llu %% of the writes that it was made for are used" },
	};
	struct json_object *a = json_object_new_array();
	int failing = !json_get_bool(o, "passed", 1);

	if (failing)
		say(a, "it says itself that it is failing");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (json_get_u64(o, table[i].key, 0) >= table[i].from) {
			say(a, table[i].fmt, (unsigned long long)json_get_u64(o, table[i].key, 0));
			failing |= table[i].failing;
		}
	if (has(o, "spare_limit") &&
	    json_get_u64(o, "spare", 100) < json_get_u64(o, "spare_limit", 0)) {
		say(a, "only %llu %% of its spare blocks are left",
		    (unsigned long long)json_get_u64(o, "spare", 0));
		failing = 1;
	}
	json_put_bool(o, "failing", failing);
	return a;
}

struct json_object *smart_from(struct json_object *smartctl)
{
	struct json_object *status = json_get_object(smartctl, "smart_status");
	uint64_t code = json_get_u64(json_get_object(smartctl, "smartctl"), "exit_status",
				     EXIT_NO_ANSWER);
	struct json_object *o;

	if (code & EXIT_NO_ANSWER)
		return NULL;
	o = json_object_new_object();
	if (has(status, "passed"))
		json_put_bool(o, "passed", json_get_bool(status, "passed", 1) && !(code & EXIT_FAILING));
	put_ata(smartctl, o);
	put_nvme(smartctl, o);
	put_scsi(smartctl, o);
	if (!json_object_object_length(o)) {
		json_object_put(o);
		return NULL; /* a USB stick, a virtual disk */
	}
	if (has(json_get_object(smartctl, "power_on_time"), "hours"))
		json_put_u64(o, "hours", json_get_u64(json_get_object(smartctl, "power_on_time"),
						      "hours", 0));
	json_put(o, "complaints", complaints(o));
	return o;
}

void smart_text(struct json_object *smart, char *ret, size_t size)
{
	struct json_object *a = json_get_array(smart, "complaints");
	size_t n = 0;

	*ret = 0;
	for (size_t i = 0; a && i < json_object_array_length(a) && n < size; i++)
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? "; " : "",
				      json_object_get_string(json_object_array_get_idx(a, i)));
}

struct json_object *smart_read(const struct disk *d, const volatile sig_atomic_t *cancel)
{
	char path[PATH_MAX];
	const char *argv[] = { "smartctl", "--json", "--info", "--health", "--attributes",
			       path, NULL };
	struct run_spec spec = { .argv = argv, .timeout_s = TIMEOUT_S, .out_max = OUT_MAX,
				 .cancel = cancel };
	struct json_object *doc = NULL, *o = NULL;
	struct run_result r;
	struct err ignored;

	if (strcmp(d->kind, "disk") && strcmp(d->kind, "part"))
		return NULL;
	disk_whole_path(NULL, d, path);
	if (run_program(&spec, &r, &ignored) < 0)
		return NULL;
	if (!r.timed_out && json_parse(r.out, r.out_len, &doc, &ignored) == 0)
		o = smart_from(doc);
	json_object_put(doc);
	run_result_done(&r);
	return o;
}
