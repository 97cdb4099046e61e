/* test-inject: rehost-adapt's small parts: text that comes from a guest, work
 * in a process of its own, the budget of reads, hives from memory. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "drivers-inject/budget.h"
#include "drivers-inject/hive.h"
#include "drivers-inject/isolate.h"
#include "drivers-inject/report.h"

static void shows(const char *in, const char *want)
{
	struct json_object *o = report_text(in);

	assert_string_equal(json_object_get_string(o), want);
	json_object_put(o);
}

static void test_text(void **state)
{
	(void)state;
	assert_null(report_text(""));
	shows("Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
	      "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
	shows("a\033[2Jb\177\r\n", "a?[2Jb???");
	shows("\xc2\x9b" "2J", "??2J");               /* CSI as one character */
	shows("\xc0\xaf \xe0\x80\xaf", "?? ???");     /* overlong */
	shows("\xed\xa0\x80 \xf4\x90\x80\x80 \xff", "??? ???? ?");
	shows("cut \xe2\x82", "cut ??");
}

static char *good(void *ctx)
{
	return strdup(ctx);
}
static char *failing(void *ctx)
{
	(void)ctx;
	return NULL;
}
static char *crashing(void *ctx)
{
	(void)ctx;
	kill(getpid(), SIGKILL);
	return NULL;
}
static char *endless(void *ctx)
{
	while (ctx == NULL)
		pause();
	return NULL;
}
static char *chatty(void *ctx)
{
	char *s = malloc(ISOLATE_OUTPUT_MAX + 10u);

	(void)ctx;
	memset(s, 'x', ISOLATE_OUTPUT_MAX + 9u);
	s[ISOLATE_OUTPUT_MAX + 9u] = 0;
	return s;
}

static void test_isolate(void **state)
{
	char *s = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(isolate(good, (void *)"yes", 60, &s, &e), 0);
	assert_string_equal(s, "yes");
	free(s);
	s = NULL;
	assert_int_equal(isolate(failing, NULL, 60, &s, &e), ERR_CORRUPT);
	assert_int_equal(isolate(crashing, NULL, 60, &s, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "crashed"));
	assert_int_equal(isolate(endless, NULL, 1, &s, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "gave up after 1 second"));
	assert_true(isolate(chatty, NULL, 60, &s, &e) < 0);
	assert_null(s);
}

static void test_budget(void **state)
{
	char bytes[4096] = "x", buf[1000];
	struct blkdev *m, *b;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(dev_mem(bytes, sizeof bytes, 0, &m, &e), 0);
	assert_int_equal(budget_open(m, 2000, 5, &b, &e), 0);
	assert_int_equal(dev_read(b, 0, buf, 1000, &e), 0);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(dev_read(b, 0, buf, 990, &e), 0);
	assert_int_equal(dev_read(b, 0, buf, 11, &e), ERR_CORRUPT);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dev_read(b, 0, buf, 1, &e), 0);
	assert_int_equal(dev_read(b, 0, buf, 1, &e), ERR_CORRUPT);
	dev_close(b);
	dev_close(m);
}

static void test_not_a_hive(void **state)
{
	static char bytes[0x3000];
	struct hive *h = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(hive_open_bytes(bytes, 100, "H", 0, &h, &e),
			 ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "too few"));
	assert_int_equal(hive_open_bytes(bytes, sizeof bytes, "H", 0, &h, &e),
			 ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "regf"));
	memcpy(bytes, "regf", 4);
	assert_int_equal(hive_open_bytes(bytes, sizeof bytes, "H", 0, &h, &e),
			 ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "damaged"));
	assert_null(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_isolate),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_not_a_hive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
