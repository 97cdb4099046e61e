/* test-inf-models: which models and sections of an INF a Windows takes, and which of
 * several drivers it prefers. */
#include "infs.h"
#include "drivers-inject/windows/inf-rank.h"

static void decoration_is(const char *s, int arch, long major, long minor, long product, long suite,
			  long build)
{
	struct inf_decoration d;

	assert_int_equal(inf_decoration_parse(s, &d), 0);
	assert_int_equal(d.arch, arch);
	assert_int_equal(d.major, major);
	assert_int_equal(d.minor, minor);
	assert_int_equal(d.product, product);
	assert_int_equal(d.suite, suite);
	assert_int_equal(d.build, build);
}

static void test_decorations(void **state)
{
	static const char *const bad[] = { "", "n", "x86", "NT$ARCH$", "NTx87", "NT.a", "NT.1.2.3.4.5.6",
					   "NT.6.1 ", "NTamd64.0x", "NT.99999999999" };
	struct inf_decoration d;

	(void)state;
	decoration_is("nt", -1, -1, -1, -1, -1, -1);
	decoration_is("NTAMD64.6.1", INF_AMD64, 6, 1, -1, -1, -1);
	decoration_is("ntx86....0x80", INF_X86, -1, -1, -1, 128, -1);
	decoration_is("NTarm64.10.0...22000", INF_ARM64, 10, 0, -1, -1, 22000);
	decoration_is("NTarm.06.02.3.0x2.14310", INF_ARM, 6, 2, 3, 2, 14310);
	decoration_is("NT.", -1, -1, -1, -1, -1, -1);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(inf_decoration_parse(bad[i], &d), -1);
}

static void takes(const char *decoration, const struct inf_target *t, int want)
{
	struct inf_decoration d;

	assert_int_equal(inf_decoration_parse(decoration, &d), 0);
	if (inf_decoration_suits(&d, t) != want)
		fail_msg("%s for %s %u.%u.%u: not %d", decoration, inf_arch_name(t->arch), t->major,
			 t->minor, t->build, want);
}

static void test_suits(void **state)
{
	const struct inf_target rtm10 = { INF_AMD64, 10, 0, 10240, 1, 0 };
	const struct inf_target dc = { INF_X86, 5, 2, 3790, 2, 0x82 };
	const struct inf_target itanium = { INF_IA64, 5, 2, 3790, 3, 0 };

	(void)state;
	/* without an architecture: x86 alone, and Itanium before 2003 SP1 */
	takes("NT", &xp, 1);
	takes("NT", &win7, 0);
	takes("NT.5.1", &win11_arm, 0);
	takes("NT.5", &itanium, 1);
	takes("NTamd64", &xp, 0);
	takes("NTarm", &win11_arm, 0);
	/* the version or a later one */
	takes("NTx86.5.1", &xp, 1);
	takes("NTx86.5.2", &xp, 0);
	takes("NTx86.5", &xp, 1);
	takes("NTamd64.5.2", &win7, 1);
	takes("NTamd64.6.2", &win7, 0);
	takes("NTamd64.6.9", &win10, 1);
	takes("NTamd64.10", &win10, 1);
	takes("NTamd64.10.1", &win10, 0);
	/* product type and suite */
	takes("NTamd64.10.0.1", &win10, 1);
	takes("NTamd64.10.0.3", &win10, 0);
	takes("NTx86.5.1.2", &dc, 1);
	takes("NTx86....0x80", &dc, 1);
	takes("NTx86....0x81", &dc, 0);
	takes("NTx86....0x80", &xp, 0);
	/* the build, of the same version only; nobody knew it before 14310 */
	takes("NTamd64.10.0...19045", &win10, 1);
	takes("NTamd64.10.0...19046", &win10, 0);
	takes("NTamd64.6.3...30000", &win10, 1);
	takes("NTamd64.10.0...10000", &rtm10, 0);
	takes("NTamd64.6.1...7600", &win7, 0);
}

/* The models of [Manufacturer] with this line for t: "section/install" each. */
static void chooses(const char *line, const struct inf_target *t, const char *want)
{
	static const char *const sections[] = { "M", "M.NT", "M.NT.5", "M.NT.5.5", "M.NT....0x80",
		"M.NTx86", "M.NTx86.6.0", "M.NTamd64", "M.NTamd64.6.1", "M.NTamd64.10.0",
		"M.NTamd64.10.0.1", "M.NTamd64.10.0...18362", "M.NTamd64.10.0.1..18362", "M.NTarm64" };
	char text[2000];
	struct inf_models m;
	struct inf *f;
	struct err e;

	snprintf(text, sizeof text, VERSION "[Manufacturer]\n%s\n", line);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		sprintf(text + strlen(text), "[%s]\nd=i,h\n", sections[i]);
	f = parse(text);
	assert_int_equal(inf_models_get(f, t, &m, &e), 0);
	assert_string_equal(m.n ? m.v[0].section : "", want);
	assert_true(m.n <= 1);
	inf_models_done(&m);
	inf_free(f);
}

static void test_choice(void **state)
{
	static const char microsoft[] = "m=M,NT,NT.5,NT.5.5,NT....0x80";
	const struct inf_target datacenter = { INF_X86, 5, 1, 2600, 3, 0x80 };
	const struct inf_target w2000 = { INF_X86, 5, 0, 2195, 1, 0 };
	const struct inf_target server = { INF_AMD64, 10, 0, 20348, 3, 0 };

	(void)state;
	/* the examples of Microsoft's "INF Manufacturer Section" */
	chooses(microsoft, &xp, "M.NT.5");
	chooses(microsoft, &datacenter, "M.NT.5");
	chooses("m=M,NTx86.6.0,NTx86", &xp, "M.NTx86");
	/* Windows 2000 knows none */
	chooses(microsoft, &w2000, "M");
	/* none suits: the plain section, but only where it may be */
	chooses("m=M,NTamd64", &xp, "M");
	chooses("m=M,NTx86", &win7, "");
	chooses("m=M", &win10, "");
	chooses("m=M,NT", &win11_arm, "");
	chooses("m=M,NTamd64,NTarm64", &win11_arm, "M.NTarm64");
	/* the most specific, wherever it stands */
	chooses("m=M,NTamd64.10.0,NTamd64,NTamd64.6.1", &win7, "M.NTamd64.6.1");
	chooses("m=M,NTamd64,NTamd64.6.1,NTamd64.10.0,,", &win10, "M.NTamd64.10.0");
	chooses("m=M,NTamd64.10.0.1,NTamd64.10.0.1..18362,NTamd64.10.0...18362,NTamd64.10.0", &win10,
		"M.NTamd64.10.0.1..18362");
	chooses("m=M,NTamd64.10.0.1,NTamd64.10.0.1..18362,NTamd64.10.0...18362", &server,
		"M.NTamd64.10.0...18362");
	/* the architecture last: an x86 Windows with both */
	chooses("m=M,NT,NTx86", &xp, "M.NTx86");
	chooses("m=M,NTx86,NT.5", &xp, "M.NT.5");
}

static void test_models(void **state)
{
	struct inf *f = parse(VERSION "[Manufacturer]\n%V%=Mod,NTamd64,NT$ARCH$\n\"Alone\"\nn=Gone,NTamd64\no=Other,NTx86\n"
			      "[Mod.ntAMD64]\n%D% = Inst, PCI\\A ,,PCI\\B,\n\"x\" = Inst2,,C\nbad\nworse=\n"
			      "[Strings]\nv=\"Vendor, Inc.\"\nd=Device\n");
	struct inf_models m;
	struct err e;

	(void)state;
	assert_int_equal(inf_models_get(f, &win10, &m, &e), 0);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[0].manufacturer, "Vendor, Inc.");
	assert_string_equal(m.v[0].manufacturer_raw, "%V%");
	assert_string_equal(m.v[0].description, "Device");
	assert_string_equal(m.v[0].description_raw, "%D%");
	assert_string_equal(m.v[0].section, "Mod.NTamd64");
	assert_string_equal(m.v[0].install, "Inst");
	assert_int_equal(m.v[0].line, 9);
	assert_int_equal(m.v[0].n_ids, 2);
	assert_string_equal(m.v[0].ids[1], "PCI\\B");
	assert_int_equal(m.v[1].n_ids, 2);
	assert_string_equal(m.v[1].ids[0], "");
	assert_string_equal(m.v[1].ids[1], "C");
	notes_are(&m.notes, "broken decoration \"NT$ARCH$\" x.inf:4\n"
		  "broken model \"bad\" x.inf:11\nbroken model \"worse\" x.inf:12\n"
		  "broken models section \"Gone.NTamd64\" x.inf:6\n");
	inf_models_done(&m);
	assert_int_equal(inf_models_get(f, &xp, &m, &e), 0);
	assert_int_equal(m.n, 0);
	/* Mod, Gone: not for XP; but Alone and what suits must be there */
	notes_are(&m.notes, "broken decoration \"NT$ARCH$\" x.inf:4\nbroken models section \"Alone\" x.inf:5\n"
		  "broken models section \"Other.NTx86\" x.inf:7\n");
	inf_models_done(&m);
	inf_free(f);
	f = parse(VERSION);
	assert_int_equal(inf_models_get(f, &xp, &m, &e), 0);
	assert_int_equal(m.n, 0);
	inf_models_done(&m);
	inf_free(f);
}

static void test_too_many(void **state)
{
	size_t n = 300 * 1000 * 3;
	char *text = malloc(n);
	struct inf_models m;
	struct inf *f;
	struct err e;

	(void)state;
	strcpy(text, VERSION "[M]\n");
	for (int i = 0; i < 1000; i++)
		strcat(text + strlen(text), "d=i,h\n");
	strcat(text, "[Manufacturer]\n");
	for (int i = 0; i < 300; i++)
		strcat(text, "m=M\n");
	f = parse(text);
	assert_int_equal(inf_models_get(f, &xp, &m, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, "x.inf line 540: more than 65536 devices");
	inf_free(f);
	free(text);
}

static void actual_is(const char *sections, const struct inf_target *t, const char *want)
{
	char text[200];
	const struct inf_section *s;
	struct inf *f;

	snprintf(text, sizeof text, VERSION "%s", sections);
	f = parse(text);
	s = inf_actual_section(f, "i", t);
	assert_string_equal(s ? s->name : "", want);
	inf_free(f);
}

static void test_actual_section(void **state)
{
	static const char all[] = "[I]\n[I.NT]\n[I.NTx86]\n[I.NTamd64]\n";

	(void)state;
	actual_is(all, &xp, "I.NTx86");
	actual_is(all, &win10, "I.NTamd64");
	actual_is(all, &win11_arm, "I.NT");
	actual_is("[I]\n[I.NTx86]\n", &win10, "I");
	actual_is("[I.NTx86]\n", &win10, "");
}

/* --- ranks */

static const char *const hardware[] = { "PCI\\A&REV_1", "PCI\\A", "PCI\\A&CC_01" };
static const char *const compatible[] = { "PCI\\C1", "PCI\\C2", "PCI\\C3" };
static const struct inf_device device = { hardware, 3, compatible, 3 };

static uint32_t identifier(const char *hw, const char *c1, const char *c2, const char **id)
{
	const char *const ids[] = { hw, c1, c2 };
	const struct inf_model m = { .ids = ids, .n_ids = 3 };

	return inf_identifier_score(&device, &m, id);
}

static void test_identifier_scores(void **state)
{
	const char *id = NULL;

	(void)state;
	/* the table of Microsoft's "Driver Rank Example", and its ranges */
	assert_int_equal(identifier("pci\\a&rev_1", "", "", &id), 0x0000);
	assert_string_equal(id, "pci\\a&rev_1");
	assert_int_equal(identifier("PCI\\A", "", "", NULL), 0x0001);
	assert_int_equal(identifier("x", "PCI\\A&REV_1", "", NULL), 0x1000);
	assert_int_equal(identifier("x", "y", "PCI\\A&CC_01", NULL), 0x1002);
	assert_int_equal(identifier("PCI\\C1", "", "", NULL), 0x2000);
	assert_int_equal(identifier("PCI\\C3", "", "", NULL), 0x2002);
	assert_int_equal(identifier("x", "PCI\\C2", "", NULL), 0x3001);
	assert_int_equal(identifier("x", "y", "PCI\\C2", NULL), 0x3101);
	/* the best of several */
	assert_int_equal(identifier("PCI\\C1", "PCI\\A", "PCI\\C1", &id), 0x1001);
	assert_string_equal(id, "PCI\\A");
	assert_int_equal(identifier("x", "y", "z", NULL), INF_NO_MATCH);
	assert_int_equal(identifier("", "", "", NULL), INF_NO_MATCH);
}

static void test_rank(void **state)
{
	const struct inf_target w2000 = { INF_X86, 5, 0, 2195, 1, 0 };
	struct inf_rank old = { 1, { 2008, 6, 21, { 2, 0, 0, 0 } } }, new = old;

	(void)state;
	assert_int_equal(inf_rank_number(0x1001, 0xff, &win10), 0xff1001);
	assert_int_equal(inf_rank_number(0x1001, 0x10, &xp), 0x1001);
	assert_int_equal(inf_rank_number(INF_NO_MATCH, 0, &win10), INF_NO_MATCH);
	assert_int_equal(inf_rank_compare(&new, &old, &win10), 0);
	new.driver_ver.version[3] = 1;
	assert_true(inf_rank_compare(&new, &old, &win10) < 0);
	assert_int_equal(inf_rank_compare(&new, &old, &w2000), 0);
	old.driver_ver.day = 22;
	assert_true(inf_rank_compare(&new, &old, &win10) > 0);
	new.driver_ver.month = 7;
	assert_true(inf_rank_compare(&new, &old, &win10) < 0);
	old.driver_ver.year = 2009;
	assert_true(inf_rank_compare(&new, &old, &win10) > 0);
	/* the rank goes before all of these */
	new.rank = 0;
	assert_true(inf_rank_compare(&new, &old, &win10) < 0);
	assert_true(inf_rank_compare(&old, &new, &win10) > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decorations),
		cmocka_unit_test(test_suits),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_actual_section),
		cmocka_unit_test(test_identifier_scores),
		cmocka_unit_test(test_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
