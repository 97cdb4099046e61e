/* test-utf16.c: strings as the registry stores them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "drivers-inject/utf16.h"

#define BAD "\xef\xbf\xbd"              /* U+FFFD */
/* as UTF-16LE, without the 0 that C puts behind it */
#define IS(s) { s, sizeof(s) - 1 }

struct bytes {
	const char *p;
	size_t n;
};

static void is(const uint8_t *have, size_t n, struct bytes want)
{
	assert_int_equal(n, want.n);
	assert_memory_equal(have, want.p, n);
}

static void made(void **state)
{
	static const struct { const char *in; int is_text; struct bytes out; } t[] = {
		{ "", 1, IS("\0\0") },
		{ "aZ", 1, IS("a\0Z\0\0\0") },
		{ "\xc3\xa4\xe2\x82\xac", 1, IS("\xe4\0\xac\x20\0\0") },
		{ "\xf0\x9f\x92\xbe", 1, IS("\x3d\xd8\xbe\xdc\0\0") },
		{ "\xf4\x8f\xbf\xbf", 1, IS("\xff\xdb\xff\xdf\0\0") },
		{ BAD, 1, IS("\xfd\xff\0\0") },
		{ "\x01\x7f", 1, IS("\x01\0\x7f\0\0\0") },      /* controls are characters */
		{ "\xc0\xaf", 0, IS("\xfd\xff\0\0") },          /* overlong, two bytes     */
		{ "\xe0\x80\xaf", 0, { NULL, 0 } },                 /* and three               */
		{ "\xed\xa0\x80", 0, { NULL, 0 } },                 /* half of a pair          */
		{ "\xf4\x90\x80\x80", 0, { NULL, 0 } },             /* above U+10FFFF          */
		{ "x\xe2\x82", 0, { NULL, 0 } },                    /* ends too early          */
		{ "\x80", 0, IS("\xfd\xff\0\0") },
		{ "\xff", 0, IS("\xfd\xff\0\0") },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		cleanup_free uint8_t *out = NULL;
		size_t n;

		assert_int_equal(utf16_can_make(t[i].in), t[i].is_text);
		assert_int_equal(utf16_make(t[i].in, &out, &n, &e), 0);
		assert_true(n >= 2 && n <= 2 * strlen(t[i].in) + 2);
		if (t[i].out.p)
			is(out, n, t[i].out);
	}
}

static void lists_made(void **state)
{
	char a[] = "a", b[] = "\xc3\xa4";
	char *both[] = { a, b };
	struct strv l = { .v = both, .n = 2 };
	cleanup_free uint8_t *out = NULL, *empty = NULL;
	struct err e;
	size_t n;

	(void)state;
	assert_int_equal(utf16_make_strings(&l, &out, &n, &e), 0);
	is(out, n, (struct bytes)IS("a\0\0\0\xe4\0\0\0\0\0"));
	l.n = 0;
	assert_int_equal(utf16_make_strings(&l, &empty, &n, &e), 0);
	is(empty, n, (struct bytes)IS("\0\0"));
}

static void read_back(void **state)
{
	static const struct { struct bytes in; size_t n; const char *first, *last; } t[] = {
		{ { "", 0 }, 0, NULL, NULL },
		{ IS("\0\0\0\0"), 0, NULL, NULL },
		{ IS("a\0\0\0\0\0b\0\0\0"), 2, "a", "b" },      /* empty ones are left out */
		{ IS("a\0b\0"), 1, "ab", "ab" },                /* no 0                    */
		{ IS("a\0b"), 1, "a", "a" },                    /* half of a unit          */
		{ IS("\x3d\xd8\xbe\xdc\0\0"), 1, "\xf0\x9f\x92\xbe", "\xf0\x9f\x92\xbe" },
		{ IS("\x3d\xd8x\0\0\0"), 1, BAD "x", BAD "x" }, /* half of a pair          */
		{ IS("\xbe\xdc\0\0\x1b\0"), 2, BAD, BAD },      /* the other, a control    */
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct strv l = { 0 };

		assert_int_equal(utf16_strings((const uint8_t *)t[i].in.p, t[i].in.n, &l), 0);
		assert_int_equal(l.n, t[i].n);
		if (l.n) {
			assert_string_equal(l.v[0], t[i].first);
			assert_string_equal(l.v[l.n - 1], t[i].last);
		}
		strv_done(&l);
	}
}

static void dropped(void **state)
{
	static const struct { struct bytes in; const char *string; struct bytes out; int any; } t[] = {
		{ IS("a\0\0\0b\0\0\0\0\0"), "A", IS("b\0\0\0\0\0"), 1 },
		{ IS("a\0\0\0b\0\0\0A\0\0\0\0\0"), "a", IS("b\0\0\0\0\0"), 1 },
		{ IS("a\0\0\0\0\0"), "a", IS("\0\0"), 0 },
		{ IS("a\0b\0"), "ab", IS(""), 0 },              /* no 0 */
		{ IS("a\0b\0\0\0"), "a", IS("a\0b\0\0\0"), 1 },
		{ IS("a\0\0\0\0\0"), "", IS("a\0\0\0\0\0"), 1 },
		{ IS("\xe4\0\0\0\xc4\0\0\0\0\0"), "\xc3\xa4", IS("\xc4\0\0\0\0\0"), 1 },
		/* what is no text stays, half a unit at the end too */
		{ IS("\x07\0\x00\xd8\0\0a\0\0\0\0\0x"), "a", IS("\x07\0\x00\xd8\0\0\0\0x"), 1 },
		/* and so does what lies behind the end, but for the string */
		{ IS("b\0\0\0\0\0a\0\0\0c\0\0\0"), "a", IS("b\0\0\0\0\0c\0\0\0"), 1 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		cleanup_free uint8_t *list = malloc(t[i].in.n + !t[i].in.n);
		size_t n;

		memcpy(list, t[i].in.p, t[i].in.n);
		assert_int_equal(utf16_list_drop(list, t[i].in.n, t[i].string, &n, &e), 0);
		is(list, n, t[i].out);
		assert_int_equal(utf16_list_has_any(list, n), t[i].any);
	}
}

static void appended(void **state)
{
	static const struct { struct bytes in; const char *string; struct bytes out; } t[] = {
		{ { "", 0 }, "b", IS("b\0\0\0\0\0") },
		{ IS("\0\0"), "b", IS("b\0\0\0\0\0") },
		{ IS("a\0\0\0\0\0"), "b", IS("a\0\0\0b\0\0\0\0\0") },
		{ IS("a\0\0\0B\0\0\0\0\0"), "b", IS("a\0\0\0B\0\0\0\0\0") },
		{ IS("a\0\0\0"), "b", IS("a\0\0\0b\0\0\0\0\0") },       /* no end         */
		{ IS("a\0"), "b", IS("a\0\0\0b\0\0\0\0\0") },           /* no 0           */
		{ IS("a\0x"), "b", IS("a\0\0\0b\0\0\0\0\0") },          /* half of a unit */
		{ IS("a\0\0\0\0\0"), "", IS("a\0\0\0\0\0") },
		{ IS("\x07\0\x00\xd8\0\0\0\0"), "b", IS("\x07\0\x00\xd8\0\0b\0\0\0\0\0") },
		/* behind the end: no reader sees it, it stays */
		{ IS("a\0\0\0\0\0b\0\0\0"), "b", IS("a\0\0\0b\0\0\0\0\0b\0\0\0") },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		/* an exact copy: reading behind it is seen by the sanitizer */
		cleanup_free uint8_t *list = malloc(t[i].in.n + !t[i].in.n), *out = NULL;
		size_t n;

		memcpy(list, t[i].in.p, t[i].in.n);
		assert_int_equal(utf16_list_append(list, t[i].in.n, t[i].string, &out, &n, &e), 0);
		is(out, n, t[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made),
		cmocka_unit_test(lists_made),
		cmocka_unit_test(read_back),
		cmocka_unit_test(dropped),
		cmocka_unit_test(appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
