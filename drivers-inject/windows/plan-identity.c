/* plan-identity.c: the computer's name, when a new one is wanted; what a copy must not
 * share with its original, as far as that can be done from outside; sysprep's answer
 * file.  Everything else that makes the machine itself is kept, and told. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/cleanup.h"
#include "drivers-inject/windows/answer-file.h"
#include "drivers-inject/windows/win.h"

#define NAME_KEY "Control\\ComputerName"
#define TCPIP "Services\\Tcpip\\Parameters"
#define WINLOGON "Microsoft\\Windows NT\\CurrentVersion\\Winlogon"
#define UPDATE "Microsoft\\Windows\\CurrentVersion\\WindowsUpdate"
#define NETBIOS_MAX 15          /* characters of a NetBIOS name (RFC 1001)   */

/* ---- the computer's name ---- */

/* A NetBIOS name that is a DNS label too: letters, digits, hyphens inside; not digits
 * alone (Microsoft, "Naming conventions in Active Directory"). */
static int is_computer_name(const char *s)
{
	size_t n = strlen(s), digits = 0;

	if (!n || n > NETBIOS_MAX || *s == '-' || s[n - 1] == '-')
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return 0;
		digits += isdigit((unsigned char)s[i]) != 0;
	}
	return digits < n;
}

/* Domain controllers are known by their name in the whole directory. */
static int is_domain_controller(const struct win *w)
{
	return w->target.product == 2;
}

/* The domain that the machine is a member of; "": none that is seen (what is certain
 * stands in the hive SECURITY, which is not opened). */
static void find_domain(struct win *w, char ret[256])
{
	char key[WIN_KEY_MAX];

	win_key(key, w->set, TCPIP);
	hive_string(w->system, key, "NV Domain", ret, 256);
	if (!*ret)
		hive_string(w->system, key, "Domain", ret, 256);
}

/* Each value that holds a name, below a control set; upper: as NetBIOS writes it. */
static const struct { const char *key, *value; int upper, only_if_there; } names[] = {
	{ NAME_KEY "\\ComputerName", "ComputerName", 1, 0 },
	{ NAME_KEY "\\ActiveComputerName", "ComputerName", 1, 1 },
	{ TCPIP, "NV Hostname", 0, 0 }, { TCPIP, "Hostname", 0, 0 },
};

static int rename_set(struct win *w, const char *set, const char *name, const char *upper,
		      struct err *e)
{
	char key[WIN_KEY_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
		win_key(key, set, "%s", names[i].key);
		if (!names[i].only_if_there || hive_has_key(w->system, key))
			rc = hive_set_string(w->system, key, names[i].value, REG_SZ,
					     names[i].upper ? upper : name, e);
	}
	return rc;
}

/* Accounts of the machine itself are logged on to by its name. */
static int rename_logon(struct win *w, const char *old, const char *upper, struct err *e)
{
	static const char *const values[] = { "DefaultDomainName", "AltDefaultDomainName" };
	char now[64];
	int rc = 0;

	for (size_t i = 0; w->software && *old && !rc && i < 2; i++)
		if (hive_string(w->software, WINLOGON, values[i], now, sizeof now) &&
		    !strcasecmp(now, old))
			rc = hive_set_string(w->software, WINLOGON, values[i], REG_SZ, upper, e);
	return rc;
}

static int rename_computer(struct win *w, const char *name, struct plan *p, struct err *e)
{
	char old[64], domain[256], upper[NETBIOS_MAX + 1] = "", key[WIN_KEY_MAX];
	int rc = 0;

	if (!is_computer_name(name))
		return err_set(e, ERR_USAGE, "%s: no name for a Windows computer: letters, digits and "
			       "-, at most %d, not digits alone", name, NETBIOS_MAX);
	if (is_domain_controller(w)) {
		plan_warn(p, "The computer keeps its name %s: it is a domain controller, which can only "
			  "be renamed while it runs (netdom computername)", w->hostname);
		return 0;
	}
	for (size_t i = 0; name[i]; i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	win_key(key, w->set, NAME_KEY "\\ComputerName");
	hive_string(w->system, key, "ComputerName", old, sizeof old);
	find_domain(w, domain);
	for (size_t i = 0; !rc && i < w->sets.n; i++)
		rc = rename_set(w, w->sets.v[i], name, upper, e);
	if (!rc)
		rc = rename_logon(w, old, upper, e);
	if (*domain && strcasecmp(old, upper))
		plan_warn(p, "The computer seems to be a member of the domain %s, which knows it as %s: "
			  "as %s it must join the domain again, by a local administrator", domain, old,
			  upper);
	return rc;
}

/* ---- a copy ---- */

/* Ids that Windows makes anew when they are missing; two machines with the same ones
 * are one for the update server (Microsoft's KB 903262) and for DHCP. */
static int new_ids(struct win *w, struct plan *p, struct err *e)
{
	static const char *const update[] = { "SusClientId", "SusClientIdValidation", "PingID",
					      "AccountDomainSid" };
	char key[WIN_KEY_MAX];
	int rc = 0;

	for (size_t i = 0; w->software && !rc && i < sizeof update / sizeof *update; i++)
		rc = hive_unset(w->software, UPDATE, update[i], e);
	for (size_t i = 0; !rc && i < w->sets.n; i++) {
		win_key(key, w->sets.v[i], "Services\\Tcpip6\\Parameters");
		rc = hive_unset(w->system, key, "Dhcpv6DUID", e);
	}
	plan_warn(p, "The computer's security id (SID) stays as it is. It stands in the accounts, in "
		  "every file's and key's permissions and in what is encrypted, so changing it from "
		  "outside would only look right; two machines with one SID refuse each other's logons "
		  "(Windows 11 24H2 and Server 2025, with the updates of autumn 2025). Before the copy "
		  "and its original meet, run in the copy: %s", w->generation == WIN_NT5 ?
		  "sysprep -reseal (from deploy.cab of the Windows CD)" :
		  "%SystemRoot%\\System32\\Sysprep\\sysprep.exe /generalize /oobe /reboot");
	return rc;
}

/* ---- the answer file ---- */

static int put_answers(struct win *w, const char *below, const char *text, size_t len,
		       struct plan *p, struct err *e)
{
	char path[PATH_MAX];
	int rc = win_path(w, below, path, e);

	return rc ? rc : plan_write_mode(p, path, 0600, text, len, e,
					 "The answer file for sysprep that was asked for");
}

static int place_answers(struct win *w, const char *file, struct plan *p, struct err *e)
{
	static const char *const places[] = { "Panther\\unattend.xml",
					      "System32\\Sysprep\\unattend.xml" };
	cleanup_free char *text = NULL;
	size_t len = 0;
	int rc = answer_file_read(file, &text, &len, e);

	if (rc)
		return rc;
	if (w->generation == WIN_NT5) {
		rc = answer_file_check_inf(file, text, len, e);
		if (!rc)
			rc = plan_write_mode(p, "/sysprep/sysprep.inf", 0600, text, len, e,
					     "The answer file for sysprep that was asked for");
	} else {
		rc = answer_file_check_xml(file, text, len, e);
		for (size_t i = 0; !rc && i < 2; i++)
			rc = put_answers(w, places[i], text, len, p, e);
	}
	if (!rc)
		plan_note(p, "The answer file is read when sysprep runs in this Windows, or its setup goes "
			  "on; an ordinary start does not look at it");
	return rc;
}

/* ---- what stays ---- */

static void tell_kept(struct win *w, const struct win_wishes *wishes, struct plan *p)
{
	char key[WIN_KEY_MAX], zone[128];
	uint32_t utc = 0;

	win_key(key, w->set, "Control\\TimeZoneInformation");
	hive_string(w->system, key, "TimeZoneKeyName", zone, sizeof zone);
	if (!*zone) /* before Vista */
		hive_string(w->system, key, "StandardName", zone, sizeof zone);
	hive_dword(w->system, key, "RealTimeIsUniversal", &utc);
	plan_note(p, "Kept: %s%s%sthe time zone %s, with the hardware clock in %s",
		  wishes->hostname ? "" : "the computer name ", wishes->hostname ? "" : w->hostname,
		  wishes->hostname ? "" : ", ", *zone ? zone : "as it is", utc ? "UTC" : "local time");
}

int win_plan_identity(struct win *w, const struct win_wishes *wishes, struct plan *p, struct err *e)
{
	int rc = wishes->hostname ? rename_computer(w, wishes->hostname, p, e) : 0;

	if (!rc && wishes->new_identity)
		rc = new_ids(w, p, e);
	if (!rc && wishes->unattend)
		rc = place_answers(w, wishes->unattend, p, e);
	if (!rc)
		tell_kept(w, wishes, p);
	return rc;
}
