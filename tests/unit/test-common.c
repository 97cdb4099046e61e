/* test-common.c: JSON helpers, running programs, sizes for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <time.h>
#include "common/json.h"
#include "common/run.h"
#include "common/units.h"
#include "common/vec.h"

static void hostile_text_becomes_json(void **state)
{
	static const struct { const char *in, *out; } all[] = {
		{ "plain", "plain" }, { "\xC3\xA4", "\xC3\xA4" },
		{ "a\xFF", "a\xEF\xBF\xBD" }, { "\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\xED\xA0\x80x", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx" },
		{ "\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\x1b[2J", "\xEF\xBF\xBD[2J" }, { "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct json_object *o = json_text(all[i].in);

		assert_string_equal(json_object_get_string(o), all[i].out);
		json_object_put(o);
	}
}

static void documents_are_checked(void **state)
{
	struct json_object *o = NULL;
	struct err e;

	(void)state;
	assert_int_equal(json_parse(" {\"a\":1} \n", 10, &o, &e), 0);
	assert_int_equal(json_get_u64(o, "a", 7), 1);
	assert_int_equal(json_get_u64(o, "b", 7), 7);
	assert_null(json_get_str(o, "a", NULL));
	assert_null(json_get_array(NULL, "a"));
	json_object_put(o);
	assert_int_equal(json_parse("{\"a\":1} x", 9, &o, &e), ERR_CORRUPT);
	assert_int_equal(json_parse("{\"a\":", 5, &o, &e), ERR_CORRUPT);
	assert_int_equal(json_parse("", 0, &o, &e), ERR_CORRUPT);
}

static struct run_result run(const char *script, unsigned int timeout, size_t max, int want)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct run_spec s = { .argv = argv, .timeout_s = timeout, .out_max = max };
	struct run_result r = { 0 };
	struct err e;

	assert_int_equal(run_program(&s, &r, &e), want);
	return r;
}

static void programs_are_run(void **state)
{
	const char *argv[] = { "no-such-program-here", NULL };
	struct run_spec s = { .argv = argv };
	struct run_result r;
	struct err e;

	(void)state;
	r = run("echo out; echo err >&2; exit 3", 10, 100, 0);
	assert_int_equal(r.status, 3);
	assert_string_equal(r.out, "out\n");
	assert_string_equal(r.err, "err");
	run_result_done(&r);
	r = run("cat; kill -9 $$", 10, 100, 0); /* stdin is empty */
	assert_int_equal(r.status, 128 + 9);
	run("yes", 10, 1000, ERR_IO);
	assert_int_equal(run_program(&s, &r, &e), ERR_NOT_FOUND);
	/* the last of a long stderr is kept */
	r = run("i=0; while [ $i -lt 500 ]; do echo line$i >&2; i=$((i+1)); done", 10, 10, 0);
	assert_non_null(strstr(r.err, "line499"));
	assert_null(strstr(r.err, "line0\n"));
	run_result_done(&r);
}

static void a_program_that_hangs_is_ended(void **state)
{
	time_t t = time(NULL);
	struct run_result r;

	(void)state;
	r = run("trap '' TERM; while :; do sleep 1; done", 1, 100, 0);
	assert_int_equal(r.timed_out, 1);
	assert_int_equal(r.status, 128 + 9);
	assert_true(time(NULL) - t < 20);
	run_result_done(&r);
}

static void sizes_and_times(void **state)
{
	static const struct { uint64_t n; const char *text; } sizes[] = {
		{ 0, "0 bytes" }, { 999, "999 bytes" }, { 1000, "1.0 kB" }, { 9949, "9.9 kB" },
		{ 9950, "10 kB" }, { 999499, "999 kB" }, { 999500, "1.0 MB" },
		{ 500107862016ull, "500 GB" }, { 16000000000000ull, "16 TB" },
		{ UINT64_MAX, "18 EB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		assert_string_equal(units_bytes(sizes[i].n).s, sizes[i].text);
	assert_string_equal(units_time(0).s, "0:00");
	assert_string_equal(units_time(754).s, "12:34");
	assert_string_equal(units_time(3723).s, "1:02:03");
}

static void arrays_grow(void **state)
{
	uint32_t *v = NULL, *more;
	size_t room = 0, n;
	unsigned int moved = 0;

	(void)state;
	for (n = 0; n < 100000; n++) {
		size_t before = room;

		more = vec_room(v, n, &room, sizeof *v);
		assert_non_null(more);
		v = more;
		assert_true(room > n);
		moved += room != before;
		v[n] = (uint32_t)n;
	}
	assert_in_range(moved, 10, 20);
	for (n = 0; n < 100000; n++)
		assert_int_equal(v[n], n);
	/* what no memory has: nothing is lost */
	n = room;
	assert_null(vec_room(v, n, &room, SIZE_MAX / n / 2 + 2)); /* the product wraps round to little */
	assert_int_equal(room, n);
	assert_int_equal(v[99999], 99999);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text_becomes_json), cmocka_unit_test(documents_are_checked),
		cmocka_unit_test(programs_are_run), cmocka_unit_test(a_program_that_hangs_is_ended),
		cmocka_unit_test(sizes_and_times), cmocka_unit_test(arrays_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
