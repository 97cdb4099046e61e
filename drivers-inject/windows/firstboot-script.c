/* firstboot-script.c: the text of what runs once, as SYSTEM, before the first logon.
 *
 * cmd.exe of Windows 2000 to 11 reads it; no other program of ours is there.  Nothing
 * that stands in the guest gets into it but checked names of packages (stage.c), IPv4
 * addresses and numbers: the connection's name is asked of the running Windows.
 *
 * Written in parts with "\n", given out with "\r\n". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "drivers-inject/windows/firstboot.h"

#define MAC_LEN 17
#define BUILD_ADD_DRIVER 14393u /* Windows 10 1607: pnputil knows /add-driver    */

static const char head[] =
"@echo off\n"
"rem Written by Rehost: runs once, before the first logon on the new machine\n"
"rem (SYSTEM\\Setup, CmdLine). What it did stands in rehost-firstboot.log.\n"
"setlocal EnableExtensions DisableDelayedExpansion\n"
"set \"here=%SystemRoot%\\Rehost\"\n"
"set \"log=%SystemRoot%\\rehost-firstboot.log\"\n"
"set \"sys=%SystemRoot%\\System32\"\n"
"rem for a 32-bit cmd.exe of a 64-bit Windows\n"
"if exist \"%SystemRoot%\\Sysnative\\cmd.exe\" set \"sys=%SystemRoot%\\Sysnative\"\n"
"if \"%~1\"==\"package\" goto package\n"
"set \"failed=\"\n"
">>\"%log%\" echo %date% %time% the first start on the new machine\n"
"\n"
"rem First of all: this does not run again. (Windows 2000 has no reg.exe.)\n"
"\"%sys%\\reg.exe\" import \"%here%\\firstboot.reg\" >>\"%log%\" 2>&1\n"
"if errorlevel 1 \"%SystemRoot%\\regedit.exe\" /s \"%here%\\firstboot.reg\"\n"
"\n";

/* The packages that were not installed stay, for a person. */
static const char tail[] =
"\n"
">>\"%log%\" echo %date% %time% done\n"
"if defined failed goto keep\n"
"rd /s /q \"%here%\" & exit 0\n"
":keep\n"
">>\"%log%\" echo what was not installed is in %here%\\packages\n"
"del /q \"%here%\\*.out\" \"%here%\\*.rc\" \"%here%\\card*\" 2>nul\n"
"del /q \"%here%\\firstboot.reg\" \"%here%\\firstboot.cmd\" & exit 0\n";

/* Packages stay where DevicePath says. */
static const char tail_device_path[] =
"\n"
">>\"%log%\" echo %date% %time% done\n"
"del /q \"%here%\\card*\" 2>nul\n"
"del /q \"%here%\\firstboot.reg\" \"%here%\\firstboot.cmd\" & exit 0\n";

/* Each package in a process of its own, which is waited for 10 minutes: a question
 * to a person who is not there must not keep the machine from starting. */
static const char install[] =
"\n"
"rem name, INF\n"
":install\n"
"set \"name=%~1\"\n"
"set \"inf=%~2\"\n"
"set try=0\n"
":again\n"
"set /a try+=1\n"
"set wait=0\n"
"del /q \"%here%\\%name%.rc\" \"%here%\\%name%.new\" 2>nul\n"
"start \"\" /b \"%sys%\\cmd.exe\" /d /c \"\"%here%\\firstboot.cmd\" package\"\n"
":wait\n"
"\"%sys%\\ping.exe\" -n 3 127.0.0.1 >nul\n"
"if exist \"%here%\\%name%.rc\" goto ended\n"
"set /a wait+=1\n"
"if %wait% lss 300 goto wait\n"
"\"%sys%\\taskkill.exe\" /f /im pnputil.exe >nul 2>&1\n"
"type \"%here%\\%name%.out\" >>\"%log%\" 2>nul\n"
">>\"%log%\" echo %name%: no end after 10 minutes, given up\n"
"set failed=yes\n"
"exit /b\n"
":ended\n"
"set rc=none\n"
"set /p rc=<\"%here%\\%name%.rc\"\n"
"type \"%here%\\%name%.out\" >>\"%log%\"\n"
">>\"%log%\" echo %name%: pnputil gave %rc% at try %try%\n"
"rem 259: kept for a device that may come; 1641, 3010: after a restart\n"
"for %%c in (0 259 1641 3010) do if \"%rc%\"==\"%%c\" goto installed\n"
"if %try% lss 3 goto again\n"
"set failed=yes\n"
"exit /b\n"
":installed\n"
"rd /s /q \"%here%\\packages\\%name%\"\n"
"exit /b\n"
"\n"
"rem another process: name and inf are of the one that waits for it\n"
":package\n"
"\"%sys%\\pnputil.exe\" ";

static const char install_end[] =
" >\"%here%\\%name%.out\" 2>&1\n"
">\"%here%\\%name%.new\" echo %errorlevel%\n"
"ren \"%here%\\%name%.new\" \"%name%.rc\"\n"
"exit\n";

/* getmac: "name","adapter","address","transport", the same in every language; waits
 * a minute for a driver that was just installed. */
static const char find[] =
"\n"
"rem conn: the connection whose line in getmac's list has this text\n"
":find\n"
"set try=0\n"
":look\n"
"set count=0\n"
"set \"conn=\"\n"
"\"%sys%\\getmac.exe\" /v /fo csv /nh >\"%here%\\cards\" 2>nul\n"
"\"%sys%\\find.exe\" \"%~1\" <\"%here%\\cards\" >\"%here%\\card\" 2>nul\n"
"for /f \"usebackq tokens=1 delims=,\" %%a in (\"%here%\\card\") do (\n"
"set /a count+=1\n"
"set \"conn=%%~a\"\n"
")\n"
"if %count%==1 exit /b\n"
"set \"conn=\"\n"
"set /a try+=1\n"
"if %try% geq 30 exit /b\n"
"\"%sys%\\ping.exe\" -n 3 127.0.0.1 >nul\n"
"goto look\n";

#define NETSH "\"%%sys%%\\netsh.exe\" interface ip "
#define LOG " >>\"%%log%%\" 2>&1\n"

static void put_net(FILE *f, const struct firstboot *b, const struct firstboot_net *n, size_t no)
{
	const struct inf_target *t = &b->win->target;
	const char *quick = t->major > 6 || (t->major == 6 && t->minor >= 1) ? " validate=no" : "";
	/* XP knows no 0, and wants one with a gateway */
	unsigned int metric = n->metric || b->win->generation != WIN_NT5 ? n->metric : 1;
	char pattern[MAC_LEN + 1] = "Tcpip_{";

	if (*n->mac)
		for (int i = 0; i <= MAC_LEN; i++)
			pattern[i] = n->mac[i] == ':' ? '-' : (char)toupper((unsigned char)n->mac[i]);
	fprintf(f, "\ncall :find \"%s\"\n", pattern);
	fprintf(f, "if not defined conn >>\"%%log%%\" echo %s: %%count%% cards fit, set it by hand\n",
		n->addrs.v[0]);
	fprintf(f, "if not defined conn goto net%zu\n", no);
	fprintf(f, NETSH "set address name=\"%%conn%%\" source=static addr=%s mask=%s",
		n->addrs.v[0], n->masks.v[0]);
	if (n->gateways.n)
		fprintf(f, " gateway=%s gwmetric=%u" LOG, n->gateways.v[0], metric);
	else
		fprintf(f, " gateway=none" LOG);
	for (size_t i = 1; i < n->addrs.n; i++)
		fprintf(f, NETSH "add address name=\"%%conn%%\" addr=%s mask=%s" LOG, n->addrs.v[i],
			n->masks.v[i]);
	for (size_t i = 1; i < n->gateways.n; i++)
		fprintf(f, NETSH "add address name=\"%%conn%%\" gateway=%s gwmetric=%u" LOG,
			n->gateways.v[i], metric);
	for (size_t i = 0; i < n->dns.n; i++)
		if (i)
			fprintf(f, NETSH "add dns name=\"%%conn%%\" addr=%s index=%zu%s" LOG,
				n->dns.v[i], i + 1, quick);
		else
			fprintf(f, NETSH "set dns name=\"%%conn%%\" source=static addr=%s%s" LOG,
				n->dns.v[i], quick);
	fprintf(f, ":net%zu\n", no);
}

static void put_script(FILE *f, const struct firstboot *b)
{
	const int new_pnputil = b->win->target.build >= BUILD_ADD_DRIVER;
	size_t nets = 0;

	fputs(head, f);
	for (size_t i = 0; b->stages && i < b->stages->n; i++)
		fprintf(f, "call :install \"%s\" \"%s\"\n", b->stages->v[i].name, b->stages->v[i].inf);
	for (size_t i = 0; i < b->nets->n; i++)
		if (b->nets->v[i].moves)
			put_net(f, b, &b->nets->v[i], ++nets);
	fputs(b->packages_stay ? tail_device_path : tail, f);
	if (b->stages)
		fprintf(f, "%s%s%s", install, new_pnputil ?
			"/add-driver \"%here%\\packages\\%name%\\%inf%\" /install" :
			"-i -a \"%here%\\packages\\%name%\\%inf%\"", install_end);
	if (nets)
		fputs(find, f);
}

/* REGEDIT4: what regedit of Windows 2000 and reg.exe of 11 both read. */
static void put_reg(FILE *f, const struct firstboot *b)
{
	fputs("REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\Setup]\n\"SetupType\"=dword:00000000\n"
	      "\"CmdLine\"=\"\"\n", f);
	for (size_t i = 0; i < b->n_restore; i++)
		fprintf(f, "\n[HKEY_LOCAL_MACHINE\\SYSTEM\\%s\\Control\\CrashControl]\n"
			"\"AutoReboot\"=dword:%08x\n\"RehostAutoReboot\"=-\n", b->restore[i].set,
			b->restore[i].auto_reboot);
	fputs("\n", f);
}

static int make(void (*put)(FILE *, const struct firstboot *), const struct firstboot *b,
		char **ret, size_t *ret_len, struct err *e)
{
	char *text = NULL, *out;
	size_t len = 0, n = 0;
	FILE *f = open_memstream(&text, &len);
	int failed;

	if (!f)
		return err_set(e, ERR_NOMEM, "out of memory");
	put(f, b);
	failed = ferror(f);
	failed |= fclose(f);
	out = failed ? NULL : malloc(2 * len + 1);
	for (size_t i = 0; out && i < len; i++) {
		if (text[i] == '\n')
			out[n++] = '\r';
		out[n++] = text[i];
	}
	free(text);
	if (!out)
		return err_set(e, ERR_NOMEM, "out of memory");
	*ret = out;
	*ret_len = n;
	return 0;
}

int firstboot_script(const struct firstboot *b, char **ret, size_t *ret_len, struct err *e)
{
	return make(put_script, b, ret, ret_len, e);
}

int firstboot_reg(const struct firstboot *b, char **ret, size_t *ret_len, struct err *e)
{
	return make(put_reg, b, ret, ret_len, e);
}
