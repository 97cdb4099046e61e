/* test-smart.c: what disks say of their health, from what smartctl prints for ATA,
 * NVMe and SCSI disks, and for those that say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "imager/disks-json.h"
#include "imager/smart.h"

#define ATTR(id, name, raw) "{\"id\":" #id ",\"name\":\"" name "\",\"value\":100,\"worst\":100,\"thresh\":10," \
	"\"when_failed\":\"\",\"raw\":{\"value\":" #raw ",\"string\":\"" #raw "\"}}"
#define ATA(status, passed, realloc, pending, offline) \
	"{\"json_format_version\":[1,0],\"smartctl\":{\"version\":[7,4],\"exit_status\":" #status "}," \
	"\"device\":{\"name\":\"/dev/sda\",\"type\":\"sat\",\"protocol\":\"ATA\"},\"smart_status\":{\"passed\":" #passed "}," \
	"\"ata_smart_attributes\":{\"revision\":10,\"table\":[" ATTR(1, "Raw_Read_Error_Rate", 190531192) "," \
	ATTR(5, "Reallocated_Sector_Ct", realloc) "," ATTR(197, "Current_Pending_Sector", pending) "," \
	ATTR(198, "Offline_Uncorrectable", offline) "]},\"power_on_time\":{\"hours\":21000}}"
#define NVME(warning, used, errors, spare) \
	"{\"smartctl\":{\"version\":[7,4],\"exit_status\":0},\"smart_status\":{\"passed\":true,\"nvme\":{\"value\":0}}," \
	"\"nvme_smart_health_information_log\":{\"critical_warning\":" #warning ",\"temperature\":35," \
	"\"available_spare\":" #spare ",\"available_spare_threshold\":10,\"percentage_used\":" #used "," \
	"\"media_errors\":" #errors ",\"num_err_log_entries\":62}}"
#define SCSI(defects, errors) \
	"{\"smartctl\":{\"version\":[7,3],\"exit_status\":0},\"smart_status\":{\"passed\":true}," \
	"\"scsi_grown_defect_list\":" #defects ",\"scsi_error_counter_log\":{\"read\":{\"gigabytes_processed\":\"3.5\"," \
	"\"total_uncorrected_errors\":" #errors "},\"write\":{\"total_uncorrected_errors\":9}}}"

static const struct sample {
	const char *json, *text;
	int said, failing;
} samples[] = {
	{ ATA(0, true, 0, 0, 0), "", 1, 0 },
	{ ATA(64, true, 0, 0, 0), "", 1, 0 },
	{ ATA(0, true, 16, 0, 0), "16 sectors were replaced by spare ones", 1, 0 },
	{ ATA(0, true, 16, 8, 2), "8 sectors can't be read at the moment; 2 sectors could not be read or corrected; 16 sectors were replaced by spare ones", 1, 1 },
	{ ATA(8, false, 0, 0, 0), "it says itself that it is failing", 1, 1 },
	{ ATA(8, true, 0, 0, 0), "it says itself that it is failing", 1, 1 },
	/* a vendor's other count in the upper bytes */
	{ ATA(0, true, 4294967296, 0, 0), "", 1, 0 },
	{ NVME(0, 3, 0, 99), "", 1, 0 },
	{ NVME(0, 3, 7, 99), "7 times it could not give back what was stored", 1, 0 },
	{ NVME(4, 103, 0, 99), "it gives a critical warning (0x4); 103 % of the writes that it was made for are used", 1, 1 },
	{ NVME(0, 3, 0, 9), "only 9 % of its spare blocks are left", 1, 1 },
	{ SCSI(0, 0), "", 1, 0 },
	{ SCSI(5, 1), "1 sectors could not be read or corrected; 5 sectors were replaced by spare ones", 1, 0 },
	/* a virtual disk; a disk that can't be opened; nonsense */
	{ "{\"smartctl\":{\"exit_status\":1,\"messages\":[{\"string\":\"Unable to detect device type\"}]}}", "", 0, 0 },
	{ "{\"smartctl\":{\"exit_status\":2},\"smart_status\":{\"passed\":false}}", "", 0, 0 },
	{ "{\"smartctl\":{\"exit_status\":4},\"device\":{\"type\":\"scsi\"}}", "", 0, 0 },
	{ "{\"smartctl\":[],\"smart_status\":7}", "", 0, 0 },
	{ "{\"smartctl\":{\"exit_status\":0},\"smart_status\":[],\"ata_smart_attributes\":{\"table\":[1,{\"id\":5}]}}", "", 1, 0 },
	{ "{}", "", 0, 0 },
};

static void check(const struct sample *s, struct json_object *smart)
{
	char text[500];

	assert_int_equal(smart != NULL, s->said);
	smart_text(smart, text, sizeof text);
	assert_string_equal(text, s->text);
	assert_int_equal(json_get_bool(smart, "failing", 0), s->failing);
}

static void from_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct json_object *o, *smart;
		struct err e;

		assert_int_equal(json_parse(samples[i].json, strlen(samples[i].json), &o, &e), 0);
		smart = smart_from(o);
		check(&samples[i], smart);
		json_object_put(smart);
		json_object_put(o);
	}
}

/* ---- a smartctl of ours in PATH ---- */

static void install(const char *dir, const char *script)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/smartctl", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static void by_program(void **state)
{
	char dir[200], path[500], script[4000], *old = strdup(getenv("PATH"));
	struct disk d = { .path = "/dev/sdq", .name = "sdq", .kind = "disk" };
	volatile sig_atomic_t stop = 1;
	struct json_object *o;
	time_t t;

	(void)state;
	snprintf(dir, sizeof dir, "%s/smart-XXXXXX", getenv("T") ? getenv("T") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s:/usr/bin:/bin", dir);
	setenv("PATH", dir, 1);
	assert_null(smart_read(&d, NULL)); /* there is none */
	setenv("PATH", path, 1);
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct json_object *smart;

		/* what it is asked, and its exit status isn't 0 */
		snprintf(script, sizeof script, "case \"$*\" in *--json*--health*--attributes*/dev/sdq) ;; *) exit 9 ;; esac\ncat <<'EOF'\n%s\nEOF\nexit 64", samples[i].json);
		install(dir, script);
		smart = smart_read(&d, NULL);
		check(&samples[i], smart);
		json_object_put(smart);
	}
	/* not of a file; of a partition its disk is asked */
	snprintf(d.kind, sizeof d.kind, "file");
	install(dir, "case \"$*\" in */dev/sdq) ;; *) exit 2 ;; esac; echo '" ATA(0, true, 0, 0, 0) "'");
	assert_null(smart_read(&d, NULL));
	d = (struct disk){ .path = "/dev/sdq2", .name = "sdq2", .kind = "part", .sysdir = "/sys/devices/x/sdq/sdq2" };
	o = smart_read(&d, NULL);
	assert_non_null(o);
	json_object_put(o);
	d = (struct disk){ .path = "/dev/sdq", .name = "sdq" };
	snprintf(d.kind, sizeof d.kind, "disk");
	install(dir, "echo no JSON");
	assert_null(smart_read(&d, NULL));
	install(dir, "kill -9 $$");
	assert_null(smart_read(&d, NULL));
	install(dir, "head -c 5000000 /dev/zero");
	assert_null(smart_read(&d, NULL));
	/* stopped, it doesn't wait for the program's time to be over */
	install(dir, "sleep 100");
	t = time(NULL);
	assert_null(smart_read(&d, &stop));
	assert_true(time(NULL) - t < 15);
	snprintf(path, sizeof path, "%s/smartctl", dir);
	unlink(path);
	rmdir(dir);
	setenv("PATH", old, 1);
	free(old);
}

/* The line for people. */
static void as_text(void **state)
{
	struct json_object *disk = json_object_new_object(), *o;
	char text[2000] = "";
	FILE *f = fmemopen(text, sizeof text, "w");
	struct err e;

	(void)state;
	assert_int_equal(json_parse(samples[3].json, strlen(samples[3].json), &o, &e), 0);
	json_put_str(disk, "path", "/dev/sdq");
	json_put(disk, "smart", smart_from(o));
	disk_text(f, disk, 0);
	fclose(f);
	assert_non_null(strstr(text, "! this disk is failing: 8 sectors"));
	json_object_put(o);
	json_object_put(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_json),
		cmocka_unit_test(by_program),
		cmocka_unit_test(as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
