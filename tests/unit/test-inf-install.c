/* test-inf-install: what installing one device by an INF comes to. */
#include "infs.h"
#include "drivers-inject/windows/inf-install.h"

static struct inf *the_inf;

/* The section "I" of an INF with this text. */
static void expand_for(const char *text, const struct inf_target *t, const struct inf_dirs *dirs,
		       const struct inf_source *source, struct inf_install *in)
{
	char whole[6000];
	struct err e = { 0 };

	assert_in_range(snprintf(whole, sizeof whole, VERSION "%s", text), 1, sizeof whole - 1);
	the_inf = parse(whole);
	if (inf_install_get(the_inf, "I", t, dirs, source, in, &e))
		fail_msg("%s", e.msg);
}

static void expand(const char *text, struct inf_install *in)
{
	expand_for(text, &win10, NULL, NULL, in);
}

static void done(struct inf_install *in)
{
	inf_install_done(in);
	inf_free(the_inf);
}

/* --- the registry */

/* One operation as text. */
static char *reg(const struct inf_reg *r, char *out)
{
	int at = sprintf(out, "%u %s %s%s%s \"%s\" \"%s\" %u %x:", r->line, inf_reg_op_name(r->op),
			 inf_root_name(r->root), *r->owner ? " " : "", r->owner, r->key, r->value,
			 r->type, r->flags);

	for (size_t i = 0; i < r->len; i++)
		at += sprintf(out + at, "%02x", r->data[i]);
	if (r->op >= INF_REG_SET_BITS)
		sprintf(out + at, "@%u", r->byte);
	return out;
}

/* Line 6 of a section that AddReg (or another directive) names becomes want; "": no
 * operation. */
static void becomes(const char *directive, const char *line, const char *want, const char *notes)
{
	char text[1000], out[1000];
	struct inf_install in;

	snprintf(text, sizeof text, "[I]\n%s=R\n[R]\n%s\n[Strings]\nfive=5\n", directive, line);
	expand(text, &in);
	assert_int_equal(in.n_regs, *want != 0);
	assert_string_equal(in.n_regs ? reg(in.regs, out) : "", want);
	notes_are(&in.notes, notes);
	done(&in);
}

static void add(const char *line, const char *want)
{
	becomes("AddReg", line, want, "");
}

static void test_strings(void **state)
{
	(void)state;
	add("HKR,,Name,,text", "6 set software \"\" \"Name\" 1 0:7400650078007400" "0000");
	add("hklm,A\\B,,0,\"\"", "6 set HKLM \"A\\B\" \"\" 1 0:0000");
	add("HKCU,A,v", "6 set HKCU \"A\" \"v\" 1 0:0000");
	add("HKCR,A,v,0x20000,\"%%S%%\xe2\x82\xac\"", "6 set HKCR \"A\" \"v\" 2 0:250053002500ac20" "0000");
	add("HKU,A,v,0x10000,a,b", "6 set HKU \"A\" \"v\" 7 0:6100" "0000" "6200" "0000" "0000");
	add("HKU,A,v,0x10000,a,,b", "6 set HKU \"A\" \"v\" 7 0:6100" "0000" "0000");
	add("HKU,A,v,0x10000", "6 set HKU \"A\" \"v\" 7 0:0000");
	add("HKR,,v,0x10008,a", "6 append software \"\" \"v\" 7 0:6100" "0000" "0000");
	/* append is for several strings only */
	add("HKR,,v,8,a", "6 set software \"\" \"v\" 1 0:6100" "0000");
	/* an unquoted comma ends the text */
	add("HKR,,v,,a, b", "6 set software \"\" \"v\" 1 0:6100" "0000");
}

static void test_numbers(void **state)
{
	(void)state;
	add("HKR,P,5,0x00010001,0x0000000A", "6 set software \"P\" \"5\" 4 0:0a000000");
	add("HKR,P,%five%,0x10001,%five%", "6 set software \"P\" \"5\" 4 0:05000000");
	add("HKR,,v,0x10001,257", "6 set software \"\" \"v\" 4 0:01010000");
	add("HKR,,v,0x10001,-1", "6 set software \"\" \"v\" 4 0:ffffffff");
	add("HKR,,v,0x10001,4294967295", "6 set software \"\" \"v\" 4 0:ffffffff");
	add("HKR,,v,0x10001,1,2,3,4", "6 set software \"\" \"v\" 4 0:01020304");
	add("HKR,,v,0x10001", "6 set software \"\" \"v\" 4 0:");
	add("HKR,,v,0xB0001,0x1122334455667788", "6 set software \"\" \"v\" 11 0:8877665544332211");
	add("HKR,,v,0xB0001,1,0,0,0,0,0,0,80", "6 set software \"\" \"v\" 11 0:0100000000000080");
	becomes("AddReg", "HKR,,v,0x10001,0x100000000", "", "broken number \"0x100000000\" x.inf:6\n");
	becomes("AddReg", "HKR,,v,0x10001,many", "", "broken number \"many\" x.inf:6\n");
}

static void test_bytes(void **state)
{
	(void)state;
	add("HKR,,v,1,01,fF,0x1f,,7", "6 set software \"\" \"v\" 3 0:01ff1f0007");
	add("HKR,,v,1,1,2,,", "6 set software \"\" \"v\" 3 0:0102");
	add("HKR,,v,1", "6 set software \"\" \"v\" 3 0:");
	add("HKR,,v,0x20001,aa", "6 set software \"\" \"v\" 0 0:aa");
	add("HKR,,v,0x00380001,1,0,F", "6 set software \"\" \"v\" 56 0:01000f");
	becomes("AddReg", "HKR,,v,1,100", "", "broken byte \"100\" x.inf:6\n");
	becomes("AddReg", "HKR,,v,1,1g", "", "broken byte \"1g\" x.inf:6\n");
}

static void test_flags(void **state)
{
	(void)state;
	add("HKR,K", "6 key software \"K\" \"\" 0 0:");
	add("HKR,K,,", "6 key software \"K\" \"\" 0 0:");
	add("HKR,K,v,0x10,x", "6 key software \"K\" \"\" 0 0:");
	add("HKR,K,v,0x2000", "6 key software \"K\" \"\" 0 0:");
	add("HKR,K,v,4", "6 delete-value software \"K\" \"v\" 0 0:");
	add("HKR,K,,4", "6 delete-key software \"K\" \"\" 0 0:");
	add("HKR,K,v,0x2004", "6 delete-key software \"K\" \"v\" 0 0:");
	add("HKR,,v,0x10003,1", "6 set software \"\" \"v\" 4 2:01000000");
	add("HKR,,v,0x5020,a", "6 set software \"\" \"v\" 1 5020:6100" "0000");
	/* a line for DelReg */
	add("HKR,,v,0x18002,a", "");
	becomes("AddReg", "HKXX,a", "", "broken root \"HKXX\" x.inf:6\n");
	becomes("AddReg", "HKR,,v,x", "", "broken number \"x\" x.inf:6\n");
}

static void test_deletion(void **state)
{
	(void)state;
	becomes("DelReg", "HKLM,A", "6 delete-key HKLM \"A\" \"\" 0 0:", "");
	becomes("DelReg", "HKR,A,v", "6 delete-value software \"A\" \"v\" 0 0:", "");
	becomes("DelReg", "HKR,A,,0x4000", "6 delete-key software \"A\" \"\" 0 4000:", "");
	becomes("DelReg", "HKR,A,v,0x2000", "6 delete-key software \"A\" \"v\" 0 0:", "");
	becomes("DelReg", "HKR,,UpperFilters,0x18002,\"x\"",
		"6 remove-string software \"\" \"UpperFilters\" 7 0:7800" "0000", "");
}

static void test_bits(void **state)
{
	(void)state;
	becomes("BitReg", "HKLM,A,v,1,0x06,1", "6 set-bits HKLM \"A\" \"v\" 3 0:06@1", "");
	becomes("BitReg", "HKLM,A,v,,0x80,2", "6 clear-bits HKLM \"A\" \"v\" 3 0:80@2", "");
	becomes("BitReg", "HKLM,A,v,0x4001,0x80,2", "6 set-bits HKLM \"A\" \"v\" 3 4000:80@2", "");
	becomes("BitReg", "HKLM,A,v,1,0x100,1", "", "broken number \"0x100\" x.inf:6\n");
}

/* Where HKR is, and in which order. */
static void test_roots(void **state)
{
	static const char want[] =
		"19 delete-value software \"\" \"d\" 0 0:\n17 key software \"a\" \"\" 0 0:\n"
		"21 set-bits software \"\" \"b\" 3 0:01@0\n17 key hardware \"a\" \"\" 0 0:\n"
		"17 key software \"a\" \"\" 0 0:\n19 delete-value service S \"\" \"d\" 0 0:\n17 key service S \"a\" \"\" 0 0:\n"
		"17 key eventlog Application\\E \"a\" \"\" 0 0:\n";
	char all[1000] = "", out[300];
	struct inf_install in;

	(void)state;
	expand("[I]\nAddReg=A\nBitReg=B\nDelReg=D\n[I.HW]\nAddReg=A\n[I.CoInstallers]\nAddReg=A\n[I.Services]\n"
	       "AddService=S,2,Svc,Ev,Application,E\n[Svc]\nServiceType=1\nStartType=0\n[A]\nHKR,a\n[D]\nHKR,,d\n"
	       "[B]\nHKR,,b,1,1,0\n[Ev]\nAddReg=A\n[Svc]\nErrorControl=1\nServiceBinary=x\nAddReg=A\nDelReg=D\n", &in);
	for (size_t i = 0; i < in.n_regs; i++)
		sprintf(all + strlen(all), "%s\n", reg(&in.regs[i], out));
	assert_string_equal(all, want);
	notes_are(&in.notes, "");
	done(&in);
}

/* --- files */

static void file_is(const struct inf_file *f, const char *want)
{
	char out[500];

	snprintf(out, sizeof out, "%s|%s|%s -> %d|%s|%s %x", f->dir, f->source, f->cab, f->dirid, f->subdir,
		 f->name, f->flags);
	assert_string_equal(out, want);
}

static void test_copy_files(void **state)
{
	struct inf_install in;

	(void)state;
	expand("[I]\nCopyFiles=@d.sys,F1, f2\ncopyfiles=F3\n[F1]\na.sys,,,2\nb.sys,\"b src.sys\",x,0x4000\n,\n"
	       "[F2]\nc.dll\n[F3]\na.sys\n[DestinationDirs]\nDefaultDestDir=10, def\nf1=12\nF2=11,\"\\sub\\\"\n"
	       "F3=65535,C:\\there\n"
	       "[SourceDisksNames]\n1=d,tag,,\\win\n[SourceDisksNames.amd64]\n2=d,pack.cab,,\".\\\"\n"
	       "[SourceDisksFiles]\na.sys=1\nb src.sys=2,deep\\er\nC.DLL=2,.\n[SourceDisksFiles.amd64]\n"
	       "d.sys=1,x64,5000\n[SourceDisksFiles.x86]\nd.sys=1,x86\n", &in);
	assert_int_equal(in.n_files, 5);
	file_is(&in.files[0], "win\\x64|d.sys| -> 10|def|d.sys 0");
	file_is(&in.files[1], "win|a.sys| -> 12||a.sys 2");
	file_is(&in.files[2], "deep\\er|b src.sys|pack.cab -> 12||b.sys 4000");
	file_is(&in.files[3], "|c.dll|pack.cab -> 11|sub|c.dll 0");
	file_is(&in.files[4], "win|a.sys| -> -1|C:\\there|a.sys 0");
	assert_int_equal(in.files[1].line, 7);
	notes_are(&in.notes, "");
	done(&in);
}

static void test_broken_files(void **state)
{
	struct inf_install in;

	(void)state;
	expand("[I]\nCopyFiles=F,Gone,@a\n[F]\na\nb,,,flags\nc\n[DestinationDirs]\nF=%12%\n"
	       "[SourceDisksFiles]\na=1\n", &in);
	assert_int_equal(in.n_files, 3);
	file_is(&in.files[0], "|a| -> -2||a 0");
	file_is(&in.files[1], "|c| -> -2||c 0");
	file_is(&in.files[2], "|a| -> 11||a 0");
	notes_are(&in.notes,
		  "broken dirid \"C:\\Windows\\System32\\drivers\" x.inf:10\n"
		  "broken SourceDisksNames \"1\" x.inf:12\nbroken number \"flags\" x.inf:7\n"
		  "broken SourceDisksFiles \"c\" x.inf:8\nbroken section \"Gone\" x.inf:4\n"
		  "broken DestinationDirs \"\" x.inf:4\nbroken SourceDisksNames \"1\" x.inf:12\n");
	done(&in);
}

/* --- services */

#define SERVICE "[I]\n[I.Services]\nAddService=S,%%A%%,Svc\n[Strings]\na=0x2\n[Svc]\nServiceType=%d\n" \
	"StartType=0\nErrorControl=1\nServiceBinary=%s\n"

static void image_is(int type, const char *binary, const struct inf_dirs *dirs, int dirid,
		     const char *below, const char *image)
{
	char text[500];
	struct inf_install in;

	snprintf(text, sizeof text, SERVICE, type, binary);
	expand_for(text, &win10, dirs, NULL, &in);
	assert_int_equal(in.n_services, 1);
	assert_int_equal(in.services[0].dirid, dirid);
	assert_string_equal(in.services[0].binary, below);
	assert_string_equal(in.services[0].image_path, image);
	done(&in);
}

static void test_image_path(void **state)
{
	const struct inf_dirs store = { .windows = "C:\\WINDOWS",
		.package = "C:\\Windows\\System32\\DriverStore\\FileRepository\\x.inf_amd64_0" };
	const struct inf_dirs elsewhere = { .package = "E:\\p" };

	(void)state;
	image_is(1, "%12%\\x.sys", NULL, 12, "x.sys", "System32\\drivers\\x.sys");
	image_is(2, "%11%\\drivers\\x.sys", NULL, 11, "drivers\\x.sys", "System32\\drivers\\x.sys");
	image_is(16, "%11%\\x.exe", NULL, 11, "x.exe", "%SystemRoot%\\System32\\x.exe");
	image_is(1, "%10%\\x.sys", NULL, 10, "x.sys", "%SystemRoot%\\x.sys");
	image_is(16, "%16422%\\x\\y.exe", NULL, 16422, "x\\y.exe", "%SystemDrive%\\Program Files\\x\\y.exe");
	image_is(1, "%13%\\x.sys", NULL, 13, "x.sys", "%13%\\x.sys");
	image_is(1, "%13%\\x.sys", &store, 13, "x.sys",
		 "\\SystemRoot\\System32\\DriverStore\\FileRepository\\x.inf_amd64_0\\x.sys");
	image_is(16, "%13%\\x.exe", &store, 13, "x.exe",
		 "%SystemRoot%\\System32\\DriverStore\\FileRepository\\x.inf_amd64_0\\x.exe");
	image_is(1, "%13%\\x.sys", &elsewhere, 13, "x.sys", "E:\\p\\x.sys");
	image_is(1, "\\SystemRoot\\x.sys", NULL, -1, "\\SystemRoot\\x.sys", "\\SystemRoot\\x.sys");
	image_is(1, "%%SystemRoot%%\\x.sys", NULL, -1, "%SystemRoot%\\x.sys", "%SystemRoot%\\x.sys");
}

static void test_service(void **state)
{
	char text[1000];
	struct inf_install in;
	const struct inf_service *s;

	(void)state;
	snprintf(text, sizeof text, SERVICE "%s", 1, "%12%\\x.sys", "DisplayName=%n%\nDescription=about\n"
		 "LoadOrderGroup=SCSI miniport\nDependencies=a,,+b\nStartName=\\Driver\\x\nSecurity=\"D:P\"\n"
		 "BootFlags=0x14\nFailureActions=fa\n[Strings]\nn=Name\n");
	expand(text, &in);
	assert_int_equal(in.n_services, 1);
	s = &in.services[0];
	assert_string_equal(s->name, "S");
	assert_int_equal(s->flags, INF_SPSVCINST_ASSOCSERVICE);
	assert_string_equal(s->display_name, "Name");
	assert_string_equal(s->display_name_raw, "%n%");
	assert_string_equal(s->description, "about");
	assert_string_equal(s->group, "SCSI miniport");
	assert_int_equal(s->n_dependencies, 2);
	assert_string_equal(s->dependencies[1], "+b");
	assert_string_equal(s->start_name, "\\Driver\\x");
	assert_string_equal(s->security, "D:P");
	assert_true(s->has_boot_flags && s->boot_flags == 0x14);
	assert_int_equal(s->line, 5);
	assert_string_equal(s->event_log, "");
	notes_are(&in.notes, "not-done FailureActions \"fa\" x.inf:20\n");
	done(&in);
}

static void test_broken_services(void **state)
{
	struct inf_install in;

	(void)state;
	expand("[I]\n[I.Services]\nAddService=,2\nAddService=A,,Gone\nAddService=B,,Empty\nAddService=C,x,Empty\n"
	       "AddService=D,,NoBinary\nAddService=E,,BadStart\n[Empty]\n[NoBinary]\nServiceType=1\nStartType=3\n"
	       "ErrorControl=1\n[BadStart]\nServiceType=1\nStartType=boot\n", &in);
	assert_int_equal(in.n_services, 1);
	assert_string_equal(in.services[0].name, "");
	assert_int_equal(in.services[0].flags, 2);
	notes_are(&in.notes, "broken section \"Gone\" x.inf:6\nbroken ServiceType \"Empty\" x.inf:7\n"
		  "broken number \"x\" x.inf:8\nbroken ServiceBinary \"NoBinary\" x.inf:9\n"
		  "broken number \"boot\" x.inf:18\n");
	done(&in);
}

static void test_filters(void **state)
{
	struct inf_install in;

	(void)state;
	expand("[I]\n[I.Filters]\nAddFilter=f,,Up\nAddFilter=g,,Lv\n[Up]\nFilterPosition=Upper\n[Lv]\nFilterLevel=x\n", &in);
	assert_int_equal(in.n_filters, 2);
	assert_string_equal(in.filters[0].name, "f");
	assert_string_equal(in.filters[0].position, "Upper");
	assert_string_equal(in.filters[1].level, "x");
	done(&in);
}

/* --- sections */

static void test_feature_score(void **state)
{
	static const struct { const char *text; unsigned score, notes; } cases[] = {
		{ "F8", 0xf8, 0 }, { "0xFE", 0xfe, 0 }, { "10", 0x10, 0 }, { "", 0xff, 0 },
		{ "100", 0xff, 0 }, { "-1", 0xff, 1 }, { "F8h", 0xff, 1 }, { "0x", 0xff, 1 },
	};
	struct inf_install in;
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(text, sizeof text, "[I]\nFeatureScore=%s\n[I.Services]\nAddService=,2\n",
			 cases[i].text);
		expand(text, &in);
		assert_int_equal(in.feature_score, cases[i].score);
		assert_int_equal(in.notes.n, cases[i].notes);
		done(&in);
	}
}

static void test_decorated(void **state)
{
	struct inf_install in;
	char sentence[200];

	(void)state;
	expand("[I.NTamd64]\nDriverVer=01/02/2003,4.5\nFeatureScore=0x10\n[I.Services]\nAddService=,2\n"
	       "[I.NTamd64.HW]\nAddReg=R\n[I.HW]\nAddReg=R,R\n[R]\nHKR,a\n", &in);
	assert_string_equal(in.section, "I.NTamd64");
	assert_int_equal(in.driver_ver.year, 2003);
	assert_int_equal(in.feature_score, 0x10);
	assert_int_equal(in.n_regs, 1);
	assert_int_equal(in.n_services, 0);
	notes_are(&in.notes, "broken services section \"I.NTamd64.Services\" x.inf:0\n");
	assert_string_equal(inf_note_text(in.notes.v, sentence, sizeof sentence),
			    "x.inf: services section \"I.NTamd64.Services\" is missing or not as it "
			    "must be: Windows skips or refuses it");
	done(&in);
}

static void test_no_section(void **state)
{
	struct inf *f = parse(VERSION "[I.NTx86]\n");
	struct inf_install in;
	struct err e;

	(void)state;
	assert_int_equal(inf_install_get(f, "I", &win10, NULL, NULL, &in, &e), ERR_NOT_FOUND);
	assert_string_equal(e.msg, "x.inf: there is no section [I] for amd64");
	inf_free(f);
}

static void test_not_done(void **state)
{
	static const char *const names[] = { "AddComponent", "AddEventProvider", "AddInterface",
		"AddPowerSetting", "AddProperty", "AddSoftware", "CopyINF", "DelFiles", "DelProperty",
		"DelService", "ExcludeID", "Ini2Reg", "KmdfService", "LogConfig", "ProfileItems", "RegisterDlls",
		"RenFiles", "UmdfService", "UnregisterDlls", "UpdateIniFields", "UpdateInis" };
	char text[2000] = "[I]\nReboot\nUnknown=x\n", want[2000] = "not-done Reboot \"Reboot\" x.inf:4\n";
	char sentence[200];
	struct inf_install in;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		sprintf(text + strlen(text), "%s=s%zu,t\n", names[i], i);
		sprintf(want + strlen(want), "not-done %s \"s%zu\" x.inf:%zu\n", names[i], i, i + 6);
	}
	expand(text, &in);
	notes_are(&in.notes, want);
	assert_string_equal(inf_note_text(&in.notes.v[8], sentence, sizeof sentence),
			    "x.inf line 13: DelFiles \"s7\" is understood but not done");
	done(&in);
}

/* --- Include and Needs */

static int read_other(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	static const char machine[] = VERSION "[Need]\nAddReg=R,O\nNeeds=Deeper\nCopyFiles=F\n[R]\nHKR,%k%\n"
		"[F]\nf.sys\n[SourceDisksFiles]\nf.sys=1,inc\n[SourceDisksNames]\n1=d\n"
		"[DestinationDirs]\nDefaultDestDir=18\n[Deeper]\nAddReg=R\n[Strings]\nk=included\n";

	if (!strcmp(name, "io.inf"))
		return err_set(e, ERR_IO, "the disk is broken");
	*(int *)ctx += 1;
	*bytes = strdup(strcmp(name, "bad.inf") ? machine : "bad");
	*n = strlen(*bytes);
	return strcmp(name, "gone.inf") ? 0 : ERR_NOT_FOUND;
}

static int read_counted(void *ctx, const char *name, void **bytes, size_t *n, struct err *e)
{
	int rc = read_other(ctx, name, bytes, n, e);

	if (rc == ERR_NOT_FOUND) {
		free(*bytes);
		*bytes = NULL;
	}
	return rc;
}

static void test_include(void **state)
{
	static const char text[] = "[I]\nInclude=machine.inf,gone.inf\nInclude=bad.inf,MACHINE.INF\n"
		"Needs=Need,Gone\nAddReg=O\n[O]\nHKR,own,%k%\n[DestinationDirs]\nDefaultDestDir=12\n"
		"[Strings]\nk=main\n";
	int reads = 0;
	const struct inf_source source = { read_counted, &reads };
	struct inf_install in;

	(void)state;
	expand_for(text, &win10, NULL, &source, &in);
	assert_int_equal(reads, 3);
	assert_int_equal(in.n_includes, 1);
	assert_int_equal(in.n_regs, 3);
	assert_string_equal(in.regs[0].value, "main");
	assert_string_equal(in.regs[1].key, "included");
	assert_string_equal(in.regs[2].key, "own");
	/* the main INF's default directory; the included one's place in the package */
	assert_int_equal(in.n_files, 1);
	file_is(&in.files[0], "inc|f.sys| -> 12||f.sys 0");
	notes_are(&in.notes, "absent Include \"gone.inf\" x.inf:4\nbroken Include \"bad.inf\" x.inf:5\n"
		  "absent Needs \"Gone\" x.inf:6\n");
	done(&in);
	expand(text, &in);
	assert_int_equal(in.n_regs, 1);
	assert_int_equal(in.notes.n, 6);
	done(&in);
}

static void test_include_fails(void **state)
{
	int reads = 0;
	const struct inf_source source = { read_counted, &reads };
	struct inf *f = parse(VERSION "[I]\nInclude=io.inf\n");
	struct inf_install in;
	struct err e;

	(void)state;
	assert_int_equal(inf_install_get(f, "I", &win10, NULL, &source, &in, &e), ERR_IO);
	assert_string_equal(e.msg, "the disk is broken");
	inf_free(f);
}

/* --- hostile ones: a small INF that says much */

static void refuses(const char *directive, size_t n, const char *section, const char *sentence)
{
	char *text = malloc(n * 2 + strlen(section) + 200);
	struct inf_install in;
	struct inf *f;
	struct err e;
	size_t at;

	at = (size_t)sprintf(text, VERSION "[I]\n%s=", directive);
	for (size_t i = 0; i < n; i++, at += 2)
		memcpy(text + at, "R,", 2);
	sprintf(text + at, "\n%s", section);
	f = parse(text);
	free(text);
	assert_int_equal(inf_install_get(f, "I", &win10, NULL, NULL, &in, &e), ERR_UNSUPPORTED);
	assert_string_equal(e.msg, sentence);
	inf_free(f);
}

static void test_hostile(void **state)
{
	char big[9000] = "[R]\nHKR,,,,";

	(void)state;
	refuses("AddReg", 300000, "[R]\nHKR,,,0x8000\n",
		"x.inf line 6: more than 500000 entries belong to one device");
	memset(big + strlen(big), 'x', 8000);
	refuses("AddReg", 10000, big, "an INF expands to more than 64 MB");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_deletion),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_copy_files),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_image_path),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_broken_services),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_feature_score),
		cmocka_unit_test(test_decorated),
		cmocka_unit_test(test_no_section),
		cmocka_unit_test(test_not_done),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_fails),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
