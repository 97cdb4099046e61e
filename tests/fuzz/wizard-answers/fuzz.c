/* fuzz.c: the wizard's answer files, and files of credentials and passphrases. */
#include <stdint.h>
#include <string.h>
#include "tui/answers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char none[] = "{\"disks\":[]}";
	struct model_disks m = { 0 };
	struct job_place p = { 0 };
	struct answers a;
	struct argv argv = { 0 };
	struct err e = { 0 };
	struct job j;
	char url[JOB_URL_MAX];

	if (!answers_credentials((const char *)data, size, &p, &e))
		job_place_url(&p, "", url);
	memset(&j, 0, sizeof j);
	if (!answers_passphrase((const char *)data, size, &j, &e) && !j.passphrase.s[0])
		__builtin_trap();
	if (answers_parse((const char *)data, size, &a, &e))
		return 0;
	job_place_url(&a.job.place, "x", url);
	if (!model_disks_parse(none, sizeof none - 1, &m, &e) &&
	    answers_resolve(&a, &m, &j, &e) == 0 && !job_argv(&j, false, &argv, &e)) {
		argv_line(&argv, url, sizeof url);
		argv_done(&argv);
	}
	model_disks_done(&m);
	return 0;
}
