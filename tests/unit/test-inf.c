/* test-inf: an INF's characters, entries, sections and strings, and [Version]. */
#include "infs.h"
#include "drivers-inject/windows/inf-dirid.h"
#include "drivers-inject/windows/inf-text.h"

/* Section [s] of an INF with this text in it: its entries, "key=a|b" or "a|b", each
 * with its line, as "3:key=a|b;". */
static char *entries(struct inf *f, const char *section, char *out)
{
	const struct inf_section *s = inf_section(f, section);

	assert_non_null(s);
	out[0] = 0;
	for (const struct inf_line *l = s->first; l; l = l->next) {
		int own_key = l->key && !(l->n == 1 && l->key == inf_raw(f, l, 0));

		sprintf(out + strlen(out), "%u:%s%s", l->line, own_key ? l->key : "", own_key ? "=" : "");
		for (size_t i = 0; i < l->n; i++)
			sprintf(out + strlen(out), "%s%s", i ? "|" : "", inf_raw(f, l, i));
		strcat(out, ";");
	}
	return out;
}

static void reads(const char *text, const char *want)
{
	char whole[2000], out[2000];
	struct inf *f;

	snprintf(whole, sizeof whole, VERSION "[s]\n%s", text);
	f = parse(whole);
	assert_string_equal(entries(f, "S", out), want);
	inf_free(f);
}

static void test_entries(void **state)
{
	(void)state;
	reads("", "");
	reads("a=b", "4:a=b;");
	reads("  a b \t=  c d ,, e,\t; f\n", "4:a b=c d||e|;");
	reads("a,b=c\nd\n", "4:a|b=c;5:d;");
	reads("a=b=c,d=e", "4:a=b=c|d=e;");
	reads("\n;c\n = x\n,\n", "6:=x;7:|;");
	reads("a=", "4:a=;");
}

static void test_quotes(void **state)
{
	(void)state;
	reads("a=\" b;,=\\ \" ; c", "4:a= b;,=\\ ;");
	reads("a=\"say \"\"x\"\"\",\"\"", "4:a=say \"x\"|;");
	reads("\"a=b\",c", "4:a=b|c;");
	reads("\"a,b\"=c", "4:a,b=c;");
	reads("a= x \"y \" z , w", "4:a=x y  z|w;");
	reads("a=\"\" b", "4:a= b;");
	/* ends with its line */
	reads("a=\"b\nc=\"d\"", "4:a=b;5:c=d;");
}

static void test_continuation(void **state)
{
	(void)state;
	reads("a=b,\\\n  c\nd", "4:a=b|c;6:d;");
	reads("a=b \\  ; comment\n\t,c", "4:a=b|c;");
	reads("a=b\\\\\n,c", "4:a=b|c;");
	reads("a=\"b\\\"\\\n,c", "4:a=b\\|c;");
	/* no continuation: quoted, or more behind it */
	reads("a=\"b\\\"\nc", "4:a=b\\;5:c;");
	reads("a=b\\c\\\\ d\n", "4:a=b\\c\\\\ d;");
	reads("a=b\\", "4:a=b;");
	reads("a=b,\\\r\n c\r\nd", "4:a=b|c;6:d;");
	reads("a=b,\\\r c\rd", "4:a=b|c;6:d;");
}

static void test_comment_in_strkey(void **state)
{
	(void)state;
	reads("a=%b;c%,d", "4:a=%b;c%|d;");
	/* no strkey: a blank in it, or no end */
	reads("a=5%;b %", "4:a=5%;");
	reads("a=5%; only 6% is more", "4:a=5%;");
}

static void test_sections(void **state)
{
	struct inf *f = parse("junk\n***=\n[ A b ] x\n1\n[VERSION]\nsignature=$CHICAGO$\n[a B]\n2\n[empty]\n");
	char out[100];

	(void)state;
	assert_string_equal(entries(f, "A B", out), "4:1;8:2;");
	assert_string_equal(entries(f, "empty", out), "");
	assert_null(inf_section(f, "A"));
	assert_null(inf_section(f, "A b "));
	inf_free(f);
}

static void test_find(void **state)
{
	struct inf *f = parse(VERSION "[s]\nk=1\nK=2\nab=3\nlone\n[t]\nk=4\n");
	const struct inf_section *s = inf_section(f, "s");

	(void)state;
	assert_string_equal(inf_raw(f, inf_find(f, s, "k"), 0), "1");
	assert_int_equal(inf_find(f, s, "K")->line, 4);
	assert_string_equal(inf_raw(f, inf_find(f, s, "AB"), 0), "3");
	assert_string_equal(inf_raw(f, inf_find(f, s, "ab"), 7), "");
	assert_int_equal(inf_find(f, s, "LONE")->line, 7);
	assert_string_equal(inf_raw(f, inf_find(f, inf_section(f, "T"), "k"), 0), "4");
	assert_null(inf_find(f, s, "a"));
	assert_null(inf_find(f, s, "abc"));
	assert_null(inf_find(f, NULL, "k"));
	inf_free(f);
}

static void test_refusals(void **state)
{
	char *big = malloc(INF_FIELD_MAX + 200);

	(void)state;
	refused("", ERR_CORRUPT, "x.inf has no [Version] section: not a Windows INF");
	refused("[s]\n[Version]\nClass=x\n", ERR_CORRUPT,
		"x.inf line 2: [Version] has no Signature: not a Windows INF");
	refused("[Version]\n\nSignature=%s%\n[Strings]\ns=$Windows 3$\n", ERR_CORRUPT,
		"x.inf line 3: the Signature is \"$Windows 3$\", neither $Windows NT$ nor $Chicago$");
	refused(VERSION "\r\n[abc\n", ERR_CORRUPT, "x.inf line 4: the section's name has no closing ]");
	strcpy(big, VERSION "[s]\nk=");
	memset(big + strlen(big), 'v', INF_FIELD_MAX);
	strcpy(big + strlen(VERSION "[s]\nk=") + INF_FIELD_MAX, "\n");
	refused(big, ERR_UNSUPPORTED,
		"x.inf line 4: a value of 12288 bytes, Windows takes 4096 characters");
	memmove(big, VERSION "[", strlen(VERSION "["));
	memset(big + strlen(VERSION "["), 'n', INF_NAME_MAX + 1);
	strcpy(big + strlen(VERSION "[") + INF_NAME_MAX + 1, "]");
	refused(big, ERR_UNSUPPORTED,
		"x.inf line 3: a section's name of 766 bytes, Windows takes 255 characters");
	free(big);
}

static void test_size_limits(void **state)
{
	size_t n = INF_SIZE_MAX + 1;
	char *big = malloc(n + 1);
	struct inf *f = NULL;
	struct err e;

	(void)state;
	memset(big, '\n', n);
	assert_int_equal(inf_parse(big, n, "x.inf", &f, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, "x.inf has 8388609 bytes, an INF may have 8388608");
	memcpy(big, VERSION, strlen(VERSION));
	for (size_t i = strlen(VERSION); i + 1 < n; i += 2)
		memcpy(big + i, "a\n", 2);
	assert_int_equal(inf_parse(big, n - 1, "x.inf", &f, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, "x.inf line 1048578: more than 1048576 entries");
	free(big);
}

static void expands(const struct inf *f, const char *raw, const struct inf_dirs *dirs, const char *want)
{
	char out[INF_FIELD_MAX];
	struct err e;

	assert_int_equal(inf_expand(f, raw, dirs, out, &e), 0);
	assert_string_equal(out, want);
}

static void test_strings(void **state)
{
	const struct inf_dirs dirs = { .windows = "D:\\WINNT", .bits64 = 1 }, none = { 0 };
	const struct inf_dirs all = { .package = "P", .source = "S" };
	struct inf *f = parse(VERSION "[Strings]\nA = \"a %B%\"\nb=%%,x\n12=twelve\n");

	(void)state;
	expands(f, "<%a%> %B% %%x%% 5% %nobody%", NULL, "<a %B%> %% %x% 5% %nobody%");
	expands(f, "%11%\\x %12% %13%\\y", NULL, "%11%\\x twelve %13%\\y");
	expands(f, "%11%\\x;%24%\\y;%24%", &dirs, "D:\\WINNT\\System32\\x;D:\\y;D:\\");
	expands(f, "%16422% %16426% %16425% %13% %01% %99%", &dirs,
		"D:\\Program Files D:\\Program Files (x86) D:\\WINNT\\SysWOW64 %13% %01% %99%");
	expands(f, "%16420% %16426% %17% %10%x", &none, "C:\\Windows C:\\Program Files C:\\Windows\\INF C:\\Windowsx");
	expands(f, "%13%\\a %01%\\b", &all, "P\\a S\\b");
	expands(f, "", NULL, "");
	inf_free(f);
}

static void test_long_expansion(void **state)
{
	char text[8000] = VERSION "[Strings]\na=", raw[40] = "", out[INF_FIELD_MAX];
	struct inf *f;
	struct err e;

	(void)state;
	memset(text + strlen(text), 'x', 4000);
	f = parse(text);
	for (int i = 0; i < 3; i++)
		strcat(raw, "%a%");
	expands(f, "%a%", NULL, strchr(text, 'x'));
	assert_int_equal(inf_expand(f, raw, NULL, out, &e), 0);
	strcat(raw, "%a%");
	assert_int_equal(inf_expand(f, raw, NULL, out, &e), ERR_UNSUPPORTED);
	inf_free(f);
}

/* Which language's text is taken. */
static void test_languages(void **state)
{
	struct inf *f = parse(VERSION "[Strings.0407]\nn=german\n[Strings.0809]\nn=british\n"
			      "[Strings]\nn=plain\nm=only plain\n[Strings.0009]\nn=english\n"
			      "[Strings.0409]\nn=american\n");

	(void)state;
	assert_string_equal(inf_string(f, "N", 1), "american");
	assert_string_equal(inf_string(f, "m", 1), "only plain");
	assert_null(inf_string(f, "o", 1));
	inf_free(f);
	f = parse(VERSION "[Strings]\nn=plain\n[Strings.0809]\nn=british\n[Strings.9]\nn=english\n");
	assert_string_equal(inf_string(f, "n", 1), "english");
	inf_free(f);
	f = parse(VERSION "[Strings]\nn=plain\n[Strings.0407]\nn=german\n[Strings.x]\nn=no\n");
	assert_string_equal(inf_string(f, "n", 1), "plain");
	inf_free(f);
}

static void test_numbers(void **state)
{
	static const char *const bad[] = { "", "x", "0x", "1 ", " 1", "1x", "--1", "0x+1",
					   "99999999999999999999" };
	uint64_t v;

	(void)state;
	assert_int_equal(inf_number("0x1F", &v), 0);
	assert_int_equal(v, 31);
	assert_int_equal(inf_number("010", &v), 0);
	assert_int_equal(v, 10);
	assert_int_equal(inf_number("-1", &v), 0);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(inf_number(bad[i], &v), -1);
	assert_int_equal(inf_dirid_number("65535"), INF_DIRID_ABSOLUTE);
	assert_int_equal(inf_dirid_number("-1"), INF_DIRID_ABSOLUTE);
	assert_int_equal(inf_dirid_number("%12%"), INF_DIRID_UNKNOWN);
}

/* The text as UTF-8 and what it was taken for. */
static void decodes(const void *bytes, size_t n, const char *want, enum inf_encoding enc)
{
	enum inf_encoding got;
	struct err e;
	char *text;
	size_t len;

	assert_int_equal(inf_text_decode(bytes, n, &text, &len, &got, &e), 0);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
	assert_int_equal(got, enc);
	free(text);
}

static void test_encodings(void **state)
{
	(void)state;
	decodes("\xff\xfe" "a\0\xe9\0\x3d\xd8\x4a\xde\x00\xd8", 12, "aé🙊\xef\xbf\xbd", INF_UTF16LE);
	decodes("\xfe\xff\0a\0\xe9", 6, "aé", INF_UTF16BE);
	decodes("\xef\xbb\xbf" "a\xc3\xa9\xff", 7, "aé\xef\xbf\xbd", INF_UTF8);
	decodes("[\0V\0e\0r\0\xac\x20", 10, "[Ver€", INF_UTF16LE);
	decodes("a\xc3\xa9", 3, "aé", INF_UTF8);
	decodes("a\0b", 3, "a b", INF_UTF8);
	decodes("a\xe9 \x80\x81\xc3\xa9", 7, "aé €\xc2\x81Ã©", INF_ANSI);
	decodes("\xed\xa0\x80", 3, "í\xc2\xa0€", INF_ANSI);     /* half a surrogate pair  */
	decodes("\xc0\xaf", 2, "À¯", INF_ANSI);                  /* longer than it must be */
	decodes("", 0, "", INF_UTF8);
}

static void test_utf16(void **state)
{
	uint8_t out[20];

	(void)state;
	assert_int_equal(inf_text_utf16le("é🙊", out), 8);
	assert_memory_equal(out, "\xe9\0\x3d\xd8\x4a\xde\0\0", 8);
}

static void version_is(const char *text, const struct inf_target *t, const char *catalog,
		       unsigned year, unsigned version0, unsigned version3)
{
	char whole[1000];
	struct inf_version v;
	struct inf *f;
	struct err e;

	snprintf(whole, sizeof whole, VERSION "%s", text);
	f = parse(whole);
	assert_int_equal(inf_version_get(f, t, &v, &e), 0);
	assert_string_equal(v.catalog, catalog);
	assert_int_equal(v.driver_ver.year, year);
	assert_int_equal(v.driver_ver.version[0], version0);
	assert_int_equal(v.driver_ver.version[3], version3);
	inf_version_done(&v);
	inf_free(f);
}

static void test_version(void **state)
{
	(void)state;
	version_is("DriverVer=07/21/2023,100.93.104.24000\nCatalogFile=a.cat\n", &win10, "a.cat", 2023, 100, 24000);
	version_is("DriverVer=7-1-2003\nCatalogFile=a.cat\nCatalogFile.NT=n.cat\n", &win10, "n.cat", 2003, 0, 0);
	version_is("CatalogFile.ntx86=x.cat\nCatalogFile.ntamd64=64.cat\n", &xp, "x.cat", 0, 0, 0);
	version_is("CatalogFile.ntx86=x.cat\nDriverVer=13/01/2003,1.2.3.4\n", &win11_arm, "", 0, 1, 4);
	version_is("DriverVer=01/01/2003,1.x.3.4\n", &xp, "", 2003, 1, 0);
	version_is("DriverVer=01/01/2003,1.70000.3.4\n", &xp, "", 2003, 1, 0);
}

static void test_version_facts(void **state)
{
	struct inf *f = parse(VERSION "Class=SCSIAdapter\nClassGuid={4D36}\nProvider=%V%\nPnpLockDown=1\n"
			      "[Strings]\nv=\"Red Hat, Inc.\"\n");
	struct inf_version v;
	struct err e;

	(void)state;
	assert_int_equal(inf_version_get(f, &win10, &v, &e), 0);
	assert_string_equal(v.class, "SCSIAdapter");
	assert_string_equal(v.class_guid, "{4D36}");
	assert_string_equal(v.provider, "Red Hat, Inc.");
	assert_string_equal(v.provider_raw, "%V%");
	assert_int_equal(v.pnp_lockdown, 1);
	inf_version_done(&v);
	inf_free(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_comment_in_strkey),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_size_limits),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_long_expansion),
		cmocka_unit_test(test_languages),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_version_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
