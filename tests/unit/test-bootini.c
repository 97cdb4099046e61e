/* test-bootini: boot.ini is read as ntldr reads it, and what isn't meant stays byte for
 * byte as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers-inject/windows/bootini.h"

#define XP "multi(0)disk(0)rdisk(0)partition(1)\\WINDOWS"
#define W2K "multi(0)disk(0)rdisk(0)partition(2)\\WINNT"

static struct bootini parse_n(const char *text, size_t n)
{
	struct bootini b;
	struct err e = { 0 };

	if (bootini_parse(text, n, "/boot.ini", &b, &e))
		fail_msg("%s", e.msg);
	return b;
}

static struct bootini parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void is_text(struct bootini *b, const char *want)
{
	struct err e = { 0 };
	char *text;
	size_t n;

	if (bootini_bytes(b, &text, &n, &e))
		fail_msg("%s", e.msg);
	assert_string_equal(text, want);
	assert_int_equal(n, strlen(want));
	free(text);
	bootini_done(b);
}

static const char both[] =
	"[boot loader]\r\ntimeout=30\r\ndefault=" XP "\r\n[operating systems]\r\n"
	XP "=\"Microsoft Windows XP Profession\xe9l\" /fastdetect /noexecute=optin\r\n"
	W2K "=\"\xc3\x84 2000\" /fastdetect\r\n"
	"C:\\CMDCONS\\BOOTSECT.DAT=\"Recovery Console\" /cmdcons\r\n";

static void test_reads(void **state)
{
	struct bootini b = parse(both);

	(void)state;
	assert_int_equal(b.timeout, 30);
	assert_string_equal(b.dflt, XP);
	assert_int_equal(b.n, 3);
	assert_string_equal(b.entry[0].path, XP);
	assert_string_equal(b.entry[0].title, "Microsoft Windows XP Profession\xe9l");
	assert_string_equal(b.entry[0].options, "/fastdetect /noexecute=optin");
	assert_string_equal(b.entry[2].path, "C:\\CMDCONS\\BOOTSECT.DAT");
	assert_int_equal(bootini_default(&b), 0);
	is_text(&b, both);
}

static void test_odd_texts(void **state)
{
	static const char *const same[] = {
		"", "\n", "\r", "\r\n", "[", "=", "=\n=", "[operating systems]\n=\n =x\nx\n;" XP "=\"a\"\n",
		"[operating systems]\r" XP "=\"no end", "\x1a", "a\x1a" "b\n[operating systems]\nx=y",
		"[boot loader]\ntimeout=\ndefault=\n", "[BOOT LOADER]\n\n\n  TimeOut = -1 \n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct bootini b = parse(same[i]);

		is_text(&b, same[i]);
	}
}

static void test_as_ntldr(void **state)
{
	struct bootini b = parse("[Boot Loader]\n  TIMEOUT = -1 \n Default = " W2K " \n[Operating Systems]\n"
				 XP "=Windows XP /sos\n;" XP "=\"no\"\n " W2K " = \"2000\"  /a  /b \n"
				 "\x1a\n" XP "=\"behind the end\"\n");

	(void)state;
	assert_int_equal(b.timeout, -1);
	assert_string_equal(b.dflt, W2K);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.entry[0].title, "Windows XP");
	assert_string_equal(b.entry[0].options, "/sos");
	assert_string_equal(b.entry[1].path, W2K);
	assert_string_equal(b.entry[1].options, "/a  /b");
	assert_int_equal(bootini_default(&b), 1);
	bootini_done(&b);
	b = parse("[boot loader]\ndefault=C:\\\n[operating systems]\n" XP "=\"a\"\n");
	assert_int_equal(b.timeout, BOOTINI_NO_TIMEOUT);
	assert_int_equal(bootini_default(&b), -1);
	bootini_done(&b);
}

static void test_refused(void **state)
{
	static char large[BOOTINI_SIZE_MAX + 1];
	struct bootini b;
	struct err e = { 0 };

	(void)state;
	memset(large, '\n', sizeof large);
	assert_int_equal(bootini_parse(large, sizeof large, "/boot.ini", &b, &e), ERR_CORRUPT);
	assert_int_equal(bootini_parse("[\0b\0", 4, "/boot.ini", &b, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "/boot.ini"));
}

static void test_add(void **state)
{
	struct bootini b = parse(both);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(bootini_add(&b, 0, b.entry[0].title, "/HAL=x.dll", &e), 0);
	assert_int_equal(b.n, 4);
	assert_int_equal(bootini_default(&b), 0);
	assert_string_equal(b.entry[0].options, "/HAL=x.dll");
	assert_int_equal(bootini_set_timeout(&b, 10, &e), 0);
	is_text(&b, "[boot loader]\r\ntimeout=10\r\ndefault=" XP "\r\n[operating systems]\r\n"
		XP "=\"Microsoft Windows XP Profession\xe9l\" /HAL=x.dll\r\n"
		XP "=\"Microsoft Windows XP Profession\xe9l\" /fastdetect /noexecute=optin\r\n"
		W2K "=\"\xc3\x84 2000\" /fastdetect\r\n"
		"C:\\CMDCONS\\BOOTSECT.DAT=\"Recovery Console\" /cmdcons\r\n");
}

/* The last line has no end, and the line ends are those of Unix. */
static void test_add_at_the_end(void **state)
{
	struct bootini b = parse("[operating systems]\n" W2K "=\"b\"\n" XP "=\"a\" /x");
	struct err e = { 0 };

	(void)state;
	assert_int_equal(bootini_add(&b, 1, "c", "/y", &e), 0);
	assert_int_equal(bootini_set_default(&b, b.entry[1].path, &e), 0);
	assert_int_equal(bootini_set_timeout(&b, 5, &e), 0);
	is_text(&b, "[boot loader]\ntimeout=5\ndefault=" XP "\n[operating systems]\n" W2K "=\"b\"\n"
		XP "=\"c\" /y\n" XP "=\"a\" /x");
	b = parse("[operating systems]\n" XP "=\"a\"\n[boot loader]");
	assert_int_equal(bootini_set_timeout(&b, 5, &e), 0);
	is_text(&b, "[operating systems]\n" XP "=\"a\"\n[boot loader]\ntimeout=5\n");
}

static void test_full(void **state)
{
	char text[2000] = "[operating systems]\r\n";
	struct bootini b;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < BOOTINI_ENTRIES_MAX; i++)
		strcat(text, XP "=\"a\"\r\n");
	b = parse(text);
	assert_int_equal(bootini_add(&b, 0, "c", "", &e), ERR_UNSUPPORTED);
	is_text(&b, text);
}

static void test_set_path(void **state)
{
	struct bootini b = parse("[operating systems]\r\n  " W2K " = \"b\" /x \r\n");
	struct err e = { 0 };

	(void)state;
	assert_int_equal(bootini_set_path(&b, 0, XP, &e), 0);
	assert_string_equal(b.entry[0].path, XP);
	is_text(&b, "[operating systems]\r\n  " XP " = \"b\" /x \r\n");
}

static void test_set_options(void **state)
{
	struct bootini b = parse("[operating systems]\n" XP " = \"a\"   /x\n" W2K "=b /y");
	struct err e = { 0 };

	(void)state;
	assert_int_equal(bootini_set_options(&b, 0, "/z", &e), 0);
	assert_int_equal(bootini_set_options(&b, 1, "", &e), 0);
	is_text(&b, "[operating systems]\n" XP "=\"a\" /z\n" W2K "=\"b\" ");
}

static void test_options(void **state)
{
	static const char options[] = "/fastdetect /NOEXECUTE=OptIn  /pae /PAEX /hal=";
	struct err e = { 0 };
	char value[6], *text;

	(void)state;
	assert_int_equal(bootini_option(options, "noexecute", value, sizeof value), 1);
	assert_string_equal(value, "OptIn");
	assert_int_equal(bootini_option(options, "FASTDETECT", value, sizeof value), 1);
	assert_string_equal(value, "");
	assert_int_equal(bootini_option(options, "HAL", value, sizeof value), 1);
	assert_string_equal(value, "");
	assert_int_equal(bootini_option(options, "fast", value, sizeof value), 0);
	assert_int_equal(bootini_option("/noexecute=alwaysoff", "noexecute", value, sizeof value), 1);
	assert_string_equal(value, "alway");
	assert_int_equal(bootini_without(options, "PAE", &text, &e), 0);
	assert_string_equal(text, "/fastdetect /NOEXECUTE=OptIn /PAEX /hal=");
	free(text);
}

static void test_arc(void **state)
{
	static const char *const none[] = {
		"", "C:\\", "multi(0)", "multi()disk(0)rdisk(0)partition(1)\\W",
		"multi(0)disk(0)rdisk(0)partition(99999999999999999999)\\W",
		"multi(0)disk(0)rdisk(0)partition(1", "multi(0)disk(0)rdisk(0)partition(1)W",
		"net(0)disk(0)rdisk(0)partition(1)\\W", "multi(0)disk(0)rdisk(-1)partition(1)\\W",
	};
	struct bootini_arc a;

	(void)state;
	assert_int_equal(bootini_arc("Multi(0)Disk(1)rdisk(2)partition(3)\\WINNT", &a), 1);
	assert_true(a.bios && a.disk == 1 && a.rdisk == 2 && a.partition == 3);
	assert_string_equal(a.dir, "\\WINNT");
	assert_int_equal(bootini_arc("scsi(1)disk(0)rdisk(0)partition(1)", &a), 1);
	assert_true(!a.bios && a.adapter == 1 && a.partition == 1 && !*a.dir);
	assert_int_equal(bootini_arc("signature(8b467c12)disk(1)rdisk(0)partition(2)\\W", &a), 1);
	assert_true(!a.bios && a.disk == 1);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_int_equal(bootini_arc(none[i], &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads), cmocka_unit_test(test_odd_texts),
		cmocka_unit_test(test_as_ntldr), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_add), cmocka_unit_test(test_add_at_the_end),
		cmocka_unit_test(test_full), cmocka_unit_test(test_set_path), cmocka_unit_test(test_set_options),
		cmocka_unit_test(test_options), cmocka_unit_test(test_arc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
