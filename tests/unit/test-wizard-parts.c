/* test-wizard-parts.c: the wizard's small pure parts: text, URLs, commands,
 * events, options of the kernel command line. */
#include "wizard-helper.h"
#include "tui/answers.h"

static void test_sizes_and_times(void **state)
{
	char s[32];

	(void)state;
	text_bytes(s, 500107862016);
	assert_string_equal(s, "500 GB");
	text_seconds(s, 59);
	assert_string_equal(s, "59 s");
	text_seconds(s, 65);
	assert_string_equal(s, "1 min 05 s");
	text_seconds(s, 7500);
	assert_string_equal(s, "2 h 05 min");
	text_seconds(s, UINT64_MAX);
	assert_true(strlen(s) < sizeof s);
}

static void test_copy_replaces_what_is_no_text(void **state)
{
	char s[8];

	(void)state;
	text_copy(s, sizeof s, "a\033\nb\xff");
	assert_string_equal(s, "a??b?");
	text_copy(s, sizeof s, "123456\xc3\xa9"); /* cut before, not inside */
	assert_string_equal(s, "123456");
	text_copy(s, sizeof s, "\xed\xa0\x80");   /* a surrogate */
	assert_string_equal(s, "???");
	text_copy(s, sizeof s, "\xc0\xaf");       /* overlong */
	assert_string_equal(s, "??");
}

static void test_editing(void **state)
{
	struct text t = { 0 };

	(void)state;
	setlocale(LC_ALL, "C.UTF-8");
	assert_true(text_edit(&t, EV_CHAR, 'a'));
	assert_true(text_edit(&t, EV_CHAR, 0xe9));
	assert_true(text_edit(&t, EV_CHAR, 0x4e2d));
	assert_string_equal(t.s, "a\xc3\xa9\xe4\xb8\xad");
	assert_true(text_edit(&t, EV_LEFT, 0));
	assert_true(text_edit(&t, EV_ERASE, 0));
	assert_string_equal(t.s, "a\xe4\xb8\xad");
	assert_int_equal(t.cur, 1);
	assert_true(text_edit(&t, EV_DELETE, 0));
	assert_string_equal(t.s, "a");
	assert_false(text_edit(&t, EV_DELETE, 0));
	assert_true(text_edit(&t, EV_HOME, 0));
	assert_false(text_edit(&t, EV_ERASE, 0));
	assert_false(text_edit(&t, EV_CHAR, 7));
	for (int i = 0; i < 400; i++)
		text_edit(&t, EV_CHAR, 0x4e2d);
	assert_true(strlen(t.s) < TEXT_MAX);
	assert_false(text_edit(&t, EV_CHAR, 'x') && text_edit(&t, EV_CHAR, 'x') &&
		     text_edit(&t, EV_CHAR, 'x') && text_edit(&t, EV_CHAR, 'x'));
	assert_true(text_edit(&t, EV_KILL, 0));
	assert_string_equal(t.s, "");
}

/* URL -> place -> the same URL (or `again`, where it was written otherwise). */
static void check_url(const char *url, const char *file, const char *again)
{
	struct job_place p;
	char f[240], out[JOB_URL_MAX];

	assert_int_equal(job_place_parse(url, &p, f, NULL), 0);
	assert_string_equal(f, file);
	job_place_url(&p, f, out);
	assert_string_equal(out, again ? again : url);
}

static void test_urls(void **state)
{
	static const char *const bad[] = {
		"smb://", "smb://host", "smb:///share/a", "smb://h/a.rhi", "nfs:///a/b", "dev://x/a",
		"http://h/a", "smb://h:1/", "nfs://[::1/a/b", "nfs://[::1]x/a/b", "",
	};
	struct job_place p;
	char f[240];

	(void)state;
	check_url("smb://h/share/a.rhi", "a.rhi", NULL);
	check_url("smb://h:4450/share/d1/d2/a.rhi?seal&vers=3.0", "a.rhi", NULL);
	check_url("smb://h/my%20share/caf\xc3\xa9/a%3Fb.rhi", "a?b.rhi", NULL);
	check_url("smb://h/share%2Fx", "x", "smb://h/share/x");
	check_url("nfs://[fe80::1]:2049/srv/images/a.rhi", "a.rhi", NULL);
	check_url("nfs://h/srv/images/a.rhi?vers=3&mountport=20480&nolock", "a.rhi", NULL);
	check_url("dev:///dev/sdb1/a.rhi", "a.rhi", NULL);
	check_url("dev:///dev/mapper/vg-lv/x/a.rhi", "a.rhi", NULL);
	check_url("/mnt/x/a.rhi", "a.rhi", NULL);
	check_url("/a.rhi", "a.rhi", NULL);
	check_url("a.rhi", "a.rhi", "./a.rhi");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!job_place_parse(bad[i], &p, f, NULL) && f[0])
			fail_msg("'%s' was taken as a place, file '%s'", bad[i], f);
}

static void check_line(const struct job *j, bool for_people, const char *want)
{
	struct argv a = { 0 };
	char line[4096];

	assert_int_equal(job_argv(j, for_people, &a, NULL), 0);
	argv_line(&a, line, sizeof line);
	argv_done(&a);
	assert_string_equal(line, want);
}

static void test_commands(void **state)
{
	struct job j = { .kind = JOB_RESTORE, .place.kind = PLACE_SMB, .verify = true,
			 .image = "it's.rhi", .target = "/dev/sda" };

	(void)state;
	text_put(&j.place.smb.host, "h");
	text_put(&j.place.smb.share, "s");
	text_put(&j.place.smb.user, "bob");
	text_put(&j.place.smb.password, "geheim");
	check_line(&j, true, "rehost restore --credentials=FILE --verify "
		   "'smb://h/s/it'\\''s.rhi' /dev/sda");
	check_line(&j, false, "rehost restore --events-fd=3 --yes --verify "
		   "'smb://h/s/it'\\''s.rhi' /dev/sda");
	job_set_target(&j, "/dev/sdb", "WD-1 2", "naa.5");
	check_line(&j, false, "rehost restore --events-fd=3 --yes --verify '--expect-serial=WD-1 2' "
		   "'smb://h/s/it'\\''s.rhi' /dev/sdb");
	job_set_target(&j, "/dev/sdb", "made?up", "naa.5"); /* not as the disk has it */
	check_line(&j, true, "rehost restore --credentials=FILE --verify --expect-serial=naa.5 "
		   "'smb://h/s/it'\\''s.rhi' /dev/sdb");
	j.kind = JOB_VERIFY;
	check_line(&j, false, "rehost verify --events-fd=3 'smb://h/s/it'\\''s.rhi'");
	j.kind = JOB_CAPTURE;
	j.ndisks = 1;
	strcpy(j.disks[0], "/dev/sdb");
	text_put(&j.name, "x");
	j.page_files = 1;
	j.level = LEVEL_FAST;
	j.place.smb.user.s[0] = 0;
	check_line(&j, true, "rehost capture --level fast --page-files --verify /dev/sdb "
		   "smb://h/s/x.rhi");
	j.verify = false;
	j.page_files = 0;
	j.encrypt = true;
	j.split = SPLIT_FAT;
	strcpy(j.base, "last week.rhi");
	check_line(&j, true, "rehost capture --level fast --encrypt --split 4095M --base "
		   "'last week.rhi' /dev/sdb smb://h/s/x.rhi");
	j.place.kind = PLACE_PATH;      /* there it is a path, too */
	text_put(&j.place.path, "/mnt");
	check_line(&j, true, "rehost capture --level fast --encrypt --split 4095M --base "
		   "'/mnt/last week.rhi' /dev/sdb /mnt/x.rhi");
	strcpy(j.disks[j.ndisks++], "/dev/sdc"); /* of one disk only */
	j.encrypt = false;
	j.split = SPLIT_NO;
	check_line(&j, true, "rehost capture --level fast /dev/sdb /dev/sdc /mnt/x");
	j.resume = j.delta = true;      /* delta has no meaning here */
	check_line(&j, true, "rehost capture --level fast --resume /dev/sdb /dev/sdc /mnt/x");
	j.kind = JOB_RESTORE;
	check_line(&j, true, "rehost restore --resume --expect-serial=naa.5 '/mnt/it'\\''s.rhi' /dev/sdb");
	j.resume = false;
	check_line(&j, true, "rehost restore --delta --expect-serial=naa.5 '/mnt/it'\\''s.rhi' /dev/sdb");
	assert_true(job_only_set(&j, j.image, "2")); /* written whole */
	check_line(&j, true, "rehost restore --only 2 --expect-serial=naa.5 '/mnt/it'\\''s.rhi' /dev/sdb");
}

/* Chosen partitions: of one disk, of several, of an image; and a machine's disks. */
static void test_parts_commands(void **state)
{
	static const int numbers[] = { 1, 2, 5 };
	struct job j = { .kind = JOB_CAPTURE, .place.kind = PLACE_PATH, .level = LEVEL_BALANCED,
			 .disks = { "/dev/sda", "/dev/sdb" }, .ndisks = 1, .target = "/dev/sdc" };

	(void)state;
	text_put(&j.place.path, "/i");
	text_put(&j.name, "x");
	assert_true(job_only_has(&j, "/dev/sda", 2));
	assert_true(job_only_turn(&j, "/dev/sda", numbers, 3, 2));
	assert_false(job_only_has(&j, "/dev/sda", 2));
	check_line(&j, true, "rehost capture --level balanced --only 1,5 /dev/sda /i/x.rhi");
	j.ndisks = 2;
	check_line(&j, true, "rehost capture --level balanced --only /dev/sda=1,5 /dev/sda /dev/sdb /i/x");
	assert_true(job_only_turn(&j, "/dev/sda", numbers, 3, 1));
	assert_false(job_only_turn(&j, "/dev/sda", numbers, 3, 5));     /* the last one */
	assert_string_equal(job_only(&j, "/dev/sda"), "5");
	assert_true(job_only_turn(&j, "/dev/sda", numbers, 3, 1));
	assert_true(job_only_turn(&j, "/dev/sda", numbers, 3, 2));      /* all again */
	assert_null(job_only(&j, "/dev/sda"));
	assert_int_equal(j.nonly, 0);
	j.kind = JOB_RESTORE;
	j.adapt.on = true;
	strcpy(j.image, "a.rhi");
	check_line(&j, true, "rehost restore --adapt /i/a.rhi /dev/sdc");
	assert_true(job_only_set(&j, "a.rhi", "2"));
	text_put(&j.into, "4");
	check_line(&j, true, "rehost restore --only 2 --into 4 /i/a.rhi /dev/sdc");
	strcpy(j.image, JOB_MACHINE);
	j.into.s[0] = 0;
	job_set_move(&j, 0, "sda.rhi", "/dev/sdc", "S1", "");
	job_set_move(&j, 1, "sdb.rhi", "/dev/sdd", "S2", "");
	j.nmoves = j.nimages = 2;
	check_line(&j, false, "rehost restore --events-fd=3 --yes --expect-serial=S1 --expect-serial=S2 "
		   "--adapt /i/machine.json sda.rhi=/dev/sdc sdb.rhi=/dev/sdd");
	job_set_move(&j, 1, "", "/dev/sdd", "", "");    /* for all or for none */
	check_line(&j, true, "rehost restore --adapt /i/machine.json sda.rhi=/dev/sdc /dev/sdd");
	assert_int_equal(job_disks(&j), 2);
}

static void test_adapt_commands(void **state)
{
	struct job j = { .kind = JOB_RESTORE, .place.kind = PLACE_SMB, .image = "a.rhi",
			 .target = "/dev/sda", .adapt = { .on = true, .new_identity = true } };
	struct argv a = { 0 };
	char line[4096];

	(void)state;
	text_put(&j.place.smb.host, "h");
	text_put(&j.place.smb.share, "s");
	text_put(&j.adapt.hostname, "web2");
	text_put(&j.adapt.luks, "geheim");
	check_line(&j, true, "rehost restore --adapt --hostname web2 --new-identity "
		   "smb://h/s/a.rhi /dev/sda");
	j.adapt.anyway = j.adapt.remove_tools = true;
	check_line(&j, false, "rehost restore --events-fd=3 --yes --adapt --adapt-anyway "
		   "--hostname web2 --new-identity --remove-tools smb://h/s/a.rhi /dev/sda");
	assert_int_equal(job_plan_argv(&j, "", &a, NULL), 0);
	argv_line(&a, line, sizeof line);
	assert_string_equal(line, "rehost-adapt --dry-run --json --hostname web2 --new-identity "
			    "--remove-tools --target /dev/sda smb://h/s/a.rhi");
	assert_true(job_takes_luks(&j, &a));
	argv_done(&a);
	assert_int_equal(argv_add(&a, "rehost", NULL) || argv_add(&a, "disks", NULL), 0);
	assert_false(job_takes_luks(&j, &a));
	argv_done(&a);
	assert_true(job_add_drivers(&j.adapt, "nfs://h/srv/a b"));
	assert_true(job_add_drivers(&j.adapt, "nfs://h/srv/a b"));      /* is there already */
	check_line(&j, true, "rehost restore --adapt --adapt-anyway --hostname web2 --new-identity "
		   "--remove-tools --drivers 'nfs://h/srv/a b' smb://h/s/a.rhi /dev/sda");
	assert_int_equal(job_plan_argv(&j, "/more", &a, NULL), 0);
	argv_line(&a, line, sizeof line);
	assert_string_equal(line, "rehost-adapt --dry-run --json --hostname web2 --new-identity "
			    "--remove-tools --drivers 'nfs://h/srv/a b' --drivers /more "
			    "--target /dev/sda smb://h/s/a.rhi");
	assert_true(job_takes_share(&a));
	argv_done(&a);
	j.place.kind = PLACE_PATH;
	assert_true(job_needs_net(&j));
	j.adapt.ndrivers = 0;
	assert_false(job_needs_net(&j));
	j.place.kind = PLACE_SMB;
	j.adapt.on = false;                     /* the rest means nothing then */
	check_line(&j, true, "rehost restore smb://h/s/a.rhi /dev/sda");
	j.kind = JOB_ADAPT;
	check_line(&j, false, "rehost-adapt --events-fd=3 --yes --hostname web2 --new-identity "
		   "--remove-tools /dev/sda");
	j.adapt.undo = 1;
	check_line(&j, true, "rehost-adapt --undo /dev/sda");
}

static bool takes(const struct job *j, const char *program, const char *word)
{
	struct argv a = { 0 };
	bool yes;

	assert_int_equal(argv_add(&a, program, NULL) || argv_add(&a, word, NULL), 0);
	yes = job_takes_passphrase(j, &a);
	argv_done(&a);
	return yes;
}

/* The image's passphrase: for what reads it, and nobody else. */
static void test_who_gets_the_passphrase(void **state)
{
	struct job j = { .kind = JOB_RESTORE };

	(void)state;
	assert_false(takes(&j, "rehost", "restore"));
	text_put(&j.passphrase, "geheim");
	assert_true(takes(&j, "rehost", "restore"));
	assert_true(takes(&j, "rehost", "info"));
	assert_true(takes(&j, "rehost", "verify"));
	assert_true(takes(&j, "rehost-adapt", "--dry-run"));
	assert_false(takes(&j, "rehost", "disks"));
	assert_false(takes(&j, "rehost", "place"));
	assert_false(takes(&j, "rehost", "capture"));
	j.encrypt = true;
	assert_true(takes(&j, "rehost", "capture"));
	assert_false(takes(&j, "rehost-net", "verify"));
	j.kind = JOB_ADAPT;
	assert_false(takes(&j, "rehost-adapt", "--dry-run"));
}

static void check_said(const char *text, const char *want)
{
	char out[200];

	job_said(text, out, sizeof out);
	assert_string_equal(out, want);
}

static void test_what_adapt_says(void **state)
{
	char many[2000], out[200];

	(void)state;
	check_said("copying\nx: verdict\n  change /etc/fstab\nsda1: 7 edits made\ncheck: ok\n",
		   "sda1: 7 edits made\ncheck: ok\n");
	check_said("a\nsda1: 1 edits made\ncheck\nsda2: 2 edits made\n",
		   "sda1: 1 edits made\ncheck\nsda2: 2 edits made\n");
	check_said("a\nverdict: first\nb\nverdict: last", "verdict: last\n");
	check_said("a\nWould the system in the image boot?\nno\n",
		   "Would the system in the image boot?\nno\n");
	check_said("something else\033[2J\n", "something else?[2J\n");
	check_said("", "");
	memset(many, 'a', sizeof many);
	for (size_t i = 50; i < sizeof many; i += 50)
		many[i] = '\n';
	many[sizeof many - 1] = 0;
	job_said(many, out, sizeof out);
	assert_true(strlen(out) < sizeof out && out[strlen(out) - 1] == '\n');
}

static void check_plan(const char *json, enum model_verdict verdict, const char *text)
{
	struct model_plan p = { 0 };

	assert_int_equal(model_plan_parse(json, strlen(json), &p, NULL), 0);
	assert_int_equal(p.verdict, verdict);
	assert_non_null(strstr(p.text, text));
	model_plan_done(&p);
}

static void test_plans(void **state)
{
	struct model_plan p = { 0 };
	struct err e = { 0 };

	(void)state;
	/* the worst of several systems is what counts */
	check_plan("{\"systems\":[{\"name\":\"A\",\"verdict\":\"boots\"},{\"name\":\"B\","
		   "\"verdict\":\"will-not-boot\"},{\"verdict\":\"boots-after-edits\"}]}",
		   PLAN_WILL_NOT, "B: will NOT boot");
	check_plan("{\"systems\":[{\"name\":\"A\",\"verdict\":\"boots\"},{\"kind\":\"windows\","
		   "\"name\":\"W\",\"verdict\":\"unknown\"}]}", PLAN_UNKNOWN, "W: not known");
	/* a word of another version isn't taken as good */
	check_plan("{\"systems\":[{\"verdict\":\"surely\"}]}", PLAN_UNKNOWN, "without a name");
	check_plan("{\"systems\":[],\"notes\":[\"a\\u001b[2J\"]}", PLAN_UNKNOWN, "Note: a?[2J");
	check_plan("{\"systems\":[1,{\"edits\":[1,{\"kind\":5,\"reasons\":{}}],\"missing\":[[]],"
		   "\"problems\":[7]}]}", PLAN_UNKNOWN, "Change ");
	check_plan("{\"systems\":[{\"name\":\"A\",\"root\":\"partition 1 of /run/rehost/image-x1/disk.img\"}],"
		   "\"notes\":[\"in /run/rehost/image-x1/disk.img\"]}", PLAN_UNKNOWN,
		   "A on partition 1 of the image: not");
	check_plan("{\"notes\":[\"/run/rehost/image-x1/disk.img/run/rehost/image-x1/disk.img, "
		   "/run/rehost/image-x /disk.img\"]}", PLAN_UNKNOWN,
		   "Note: the imagethe image, /run/rehost/image-x /disk.img\n");
	assert_int_equal(model_plan_parse("{\"systems\":[", 12, &p, &e), ERR_CORRUPT);
	assert_null(p.text);
}

static void line(struct progress *r, const char *s)
{
	progress_line(r, s, strlen(s));
}

static void test_events(void **state)
{
	static struct progress r;

	(void)state;
	progress_begin(&r, 1);
	line(&r, "{\"event\":\"start\",\"bytes_total\":1000,\"disk\":7}");
	assert_int_equal(r.k, 0);           /* there is no disk 7 */
	line(&r, "{\"event\":\"waiting\",\"step\":\"copy\",\"seconds\":15}");
	assert_int_equal(r.waiting, 15);
	line(&r, "{\"event\":\"progress\",\"bytes_done\":2000,\"bytes_total\":1000,\"rate\":-5,\"eta\":null}");
	assert_int_equal(r.waiting, 0);
	assert_int_equal(progress_percent(&r), 100);
	assert_int_equal(r.rate, 0);
	assert_false(r.eta_known);
	for (int i = 0; i < RUN_WARNINGS_MAX + 20; i++)
		line(&r, "{\"event\":\"warning\",\"text\":\"x\\u001b[2J\"}");
	assert_int_equal(r.nwarnings, RUN_WARNINGS_MAX + 20);
	assert_string_equal(r.warnings[RUN_WARNINGS_MAX - 1], "x?[2J");
	line(&r, "{\"event\":[]}");
	line(&r, "[1]");
	line(&r, "{\"event\":\"done\",\"digest\":5,\"bytes\":\"x\"}");
	progress_end(&r, 0, 0, "");
	assert_int_equal(r.state, RUN_WARNED);
}

static void test_kernel_command_line(void **state)
{
	char s[16];

	(void)state;
	assert_true(answers_option("quiet rehost.answers=a.txt\n", s, sizeof s));
	assert_string_equal(s, "a.txt");
	assert_true(answers_option("rehost.answers=b", s, sizeof s));
	assert_false(answers_option("xrehost.answers=b rehost.answers= rehost.answers", s, sizeof s));
	assert_false(answers_option("rehost.answers=0123456789abcdef", s, sizeof s));
}

static void test_credentials(void **state)
{
	struct job_place p = { .kind = PLACE_SMB };
	struct err e = { 0 };
	static const char good[] = "# x\r\nusername = bob\r\npassword=a = b#c\r\n";
	static const char bad[] = "username=bob\npasswort=geheim\n";

	(void)state;
	assert_int_equal(answers_credentials(good, sizeof good - 1, &p, &e), 0);
	assert_string_equal(p.smb.user.s, "bob");
	assert_string_equal(p.smb.password.s, "a = b#c");
	assert_int_equal(answers_credentials(bad, sizeof bad - 1, &p, &e), ERR_USAGE);
	assert_non_null(strstr(e.msg, "line 2"));
	assert_null(strstr(e.msg, "geheim"));
}

static void test_passphrase_files(void **state)
{
	struct job j = { .kind = JOB_CAPTURE };
	struct err e = { 0 };
	char big[TEXT_MAX];

	(void)state;
	assert_int_equal(answers_passphrase("a b#c\r\nmore\n", 13, &j, &e), 0);
	assert_string_equal(j.passphrase.s, "a b#c");
	assert_int_equal(answers_passphrase("x", 1, &j, &e), 0);
	assert_string_equal(j.passphrase.s, "x");
	assert_int_equal(answers_passphrase("\nx", 2, &j, &e), ERR_USAGE);
	assert_int_equal(answers_passphrase("", 0, &j, &e), ERR_USAGE);
	memset(big, 'a', sizeof big);
	assert_int_equal(answers_passphrase(big, sizeof big, &j, &e), ERR_USAGE);
	assert_int_equal(answers_passphrase(big, sizeof big - 1, &j, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_and_times),
		cmocka_unit_test(test_copy_replaces_what_is_no_text),
		cmocka_unit_test(test_editing),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_parts_commands), cmocka_unit_test(test_adapt_commands),
		cmocka_unit_test(test_who_gets_the_passphrase),
		cmocka_unit_test(test_what_adapt_says),
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_kernel_command_line),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_passphrase_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
