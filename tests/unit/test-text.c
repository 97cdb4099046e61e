/* test-text.c: names from a disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "common/text.h"

static void bytes(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "plain", "plain" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xbe" },
		{ "a\x1b[2Jb", "a\xef\xbf\xbd[2Jb" },           /* an escape sequence */
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },     /* overlong           */
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "x\xe2\x82", "x\xef\xbf\xbd\xef\xbf\xbd" },   /* cut short          */
		{ "\xe2\x80\xae" "exe", "\xef\xbf\xbd" "exe" }, /* turns the direction */
		{ "\xc2\x9b", "\xef\xbf\xbd" },                 /* 8-bit control      */
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		text_from_bytes(t[i].in, strlen(t[i].in), out, sizeof out);
		assert_string_equal(out, t[i].out);
	}
	/* characters are whole or absent */
	text_from_bytes("a\xc3\xa4", 3, out, 3);
	assert_string_equal(out, "a");
	text_from_bytes("a\xc3\xa4", 3, out, 4);
	assert_string_equal(out, "a\xc3\xa4");
	text_from_bytes("", 0, out, 1);
	assert_string_equal(out, "");
}

static void utf16(void **state)
{
	static const uint8_t smile[] = { 'a', 0, 0x3d, 0xd8, 0xbe, 0xdc, 0, 0, 'z', 0 };
	static const uint8_t half[] = { 0x3d, 0xd8, 'b', 0, 0xbe, 0xdc, 0x1b, 0 };
	char out[64];

	(void)state;
	text_from_utf16le(smile, 5, out, sizeof out);
	assert_string_equal(out, "a\xf0\x9f\x92\xbe");
	text_from_utf16le(half, 4, out, sizeof out);
	assert_string_equal(out, "\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd");
	text_from_utf16le(half, 1, out, sizeof out);
	assert_string_equal(out, "\xef\xbf\xbd");
}

static void trim(void **state)
{
	char a[] = "name  ", b[] = "   ", c[] = "";

	(void)state;
	text_trim(a);
	text_trim(b);
	text_trim(c);
	assert_string_equal(a, "name");
	assert_string_equal(b, "");
	assert_string_equal(c, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes), cmocka_unit_test(utf16), cmocka_unit_test(trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
