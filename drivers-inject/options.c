/* options.c: see options.h. */
#include "drivers-inject/options.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
"usage: rehost-adapt [options] DISK...|IMAGE\n"
"       rehost-adapt [options] --root DIR [--volumes FILE]\n"
"\n"
"Edits the Linux that is installed on DISK (a block device or a regular file; of\n"
"a system on several disks all of them, in its order), or mounted at DIR, so that it\n"
"starts on other hardware. An IMAGE is only looked into (--dry-run).\n"
"\n"
"What to do (else: show the plan, ask, make the edits, check them):\n"
"  --dry-run            show verdict and plan, change nothing\n"
"  --check              prove that it will start, change nothing\n"
"  --undo               take back what adapt did, byte for byte\n"
"  --detect             find operating systems only; mounts nothing\n"
"For which hardware (else: this machine's):\n"
"  --hardware FILE      an inventory: `rehost hardware --json` of the target\n"
"  --profile NAME       kvm vmware hyperv xen virtualbox aws gcp azure any\n"
"  --target DISK        the disk in that inventory which it will start from\n"
"  --old-hardware FILE  the old machine's inventory (network names)\n"
"Besides:\n"
"  --hostname NAME      the system's new host name\n"
"  --new-identity       new machine id, SSH host keys, random seed (for a copy)\n"
"  --remove-tools       switch off another hypervisor's guest tools\n"
"  --drivers PLACE      drivers for a Windows: a folder, an .inf, .zip, .cab or .iso\n"
"                       (repeatable; also smb://, nfs://, dev://)\n"
"  --nic NAME=MAC       the network card MAC takes the name NAME (repeatable)\n"
"  --unattend FILE      put this answer file of sysprep into the Windows\n"
"  --even-dirty         a Windows volume or registry that wasn't left clean, too; what\n"
"                       the registry's logs hold may be lost\n"
"  --discard-hibernation   throw away the session of a hibernated Windows\n"
"  --reinstall-boot     boot code anew, even where it looks right\n"
"  --no-nvram           leave the firmware's boot entries alone\n"
"  --chroot             run the system's own program that makes its initramfs\n"
"  --luks-key FILE      passphrase or key of its LUKS volumes (else asked for)\n"
"  --yes                don't ask\n"
"  --json               one JSON document on the standard output\n"
"  --events-fd N        progress as JSON lines\n"
"  --help, --version\n"
"\n"
"Exit status: 0 done; 1 failed; 2 usage; 3 done, but see the warnings, or it will\n"
"not boot; 4 refused for safety.\n";

enum { OPT_ROOT = 256, OPT_VOLUMES, OPT_HARDWARE, OPT_PROFILE, OPT_OLD, OPT_TARGET, OPT_HOST,
       OPT_NIC, OPT_UNATTEND, OPT_LUKS, OPT_EVENTS, OPT_DRIVERS };

static struct option longs[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "check", no_argument, NULL, 'c' },
	{ "undo", no_argument, NULL, 'u' },
	{ "detect", no_argument, NULL, 'd' },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "volumes", required_argument, NULL, OPT_VOLUMES },
	{ "hardware", required_argument, NULL, OPT_HARDWARE },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "old-hardware", required_argument, NULL, OPT_OLD },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "hostname", required_argument, NULL, OPT_HOST },
	{ "nic", required_argument, NULL, OPT_NIC },
	{ "unattend", required_argument, NULL, OPT_UNATTEND },
	{ "luks-key", required_argument, NULL, OPT_LUKS },
	{ "drivers", required_argument, NULL, OPT_DRIVERS },
	{ "events-fd", required_argument, NULL, OPT_EVENTS },
	{ "new-identity", no_argument, NULL, 'i' },
	{ "remove-tools", no_argument, NULL, 'r' },
	{ "even-dirty", no_argument, NULL, 'E' },
	{ "discard-hibernation", no_argument, NULL, 'D' },
	{ "reinstall-boot", no_argument, NULL, 'b' },
	{ "no-nvram", no_argument, NULL, 'N' },
	{ "chroot", no_argument, NULL, 'C' },
	{ "yes", no_argument, NULL, 'y' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static int bad(const char *text)
{
	fprintf(stderr, "rehost-adapt: %s; --help tells all options\n", text);
	return 2;
}

static int set_mode(struct options *o, enum mode m)
{
	if (o->mode != MODE_APPLY && o->mode != m)
		return bad("only one of --dry-run, --check, --undo, --detect");
	o->mode = m;
	return -1;
}

static int flag(int c, struct options *o)
{
	switch (c) {
	case 'n': return set_mode(o, MODE_DRY_RUN);
	case 'c': return set_mode(o, MODE_CHECK);
	case 'u': return set_mode(o, MODE_UNDO);
	case 'd': return set_mode(o, MODE_DETECT);
	case 'i': o->new_identity = 1; break;
	case 'r': o->remove_tools = 1; break;
	case 'b': o->reinstall_boot = 1; break;
	case 'E': o->even_dirty = 1; break;
	case 'D': o->discard_hibernation = 1; break;
	case 'N': o->no_nvram = 1; break;
	case 'C': o->chroot = 1; break;
	case 'y': o->yes = 1; break;
	case 'j': o->json = 1; break;
	case 'h': fputs(usage, stdout); return 0;
	case 'V': puts("rehost-adapt " REHOST_VERSION); return 0;
	default: return 2;
	}
	return -1;
}

#define NIC_NAME_MAX 64 /* of a connection in Windows; in Linux 15 are possible */

/* "eth0=52:54:00:12:34:56" */
static int add_nic(struct options *o, const char *arg)
{
	unsigned int b[6];
	int end = 0;
	const char *mac = strchr(arg, '=');

	if (!mac || mac == arg || mac - arg > NIC_NAME_MAX ||
	    sscanf(mac + 1, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 || mac[1 + end])
		return bad("--nic wants NAME=MAC, such as eth0=52:54:00:12:34:56");
	return strv_add(&o->nics, arg) ? 1 : -1;
}

static int valued(int c, struct options *o, const char *arg)
{
	char *end;
	long n;

	switch (c) {
	case OPT_ROOT: o->root = arg; break;
	case OPT_VOLUMES: o->volumes = arg; break;
	case OPT_HARDWARE: o->hardware = arg; break;
	case OPT_PROFILE: o->profile = arg; break;
	case OPT_OLD: o->old_hardware = arg; break;
	case OPT_TARGET: o->target = arg; break;
	case OPT_HOST: o->hostname = arg; break;
	case OPT_UNATTEND: o->unattend = arg; break;
	case OPT_LUKS: o->luks_key = arg; break;
	case OPT_NIC: return add_nic(o, arg);
	case OPT_DRIVERS: return strv_add(&o->drivers, arg) ? 1 : -1;
	default:
		n = strtol(arg, &end, 10);
		if (*end || end == arg || n < 0 || n > 1 << 20)
			return bad("--events-fd wants the number of an open descriptor");
		o->events_fd = (int)n;
	}
	return -1;
}

/* RFC 1123: letters, digits and "-" in labels of up to 63. */
static int is_hostname(const char *s)
{
	size_t label = 0;

	for (const char *p = s; *p; p++) {
		if (*p == '.' || *p == '-') {
			if (!label)
				return 0;
			label = *p == '.' ? 0 : label + 1;
		} else if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			   (*p >= '0' && *p <= '9')) {
			label++;
		} else {
			return 0;
		}
		if (label > 63)
			return 0;
	}
	return label && strlen(s) <= 253;
}

static int consistent(const struct options *o)
{
	if (o->hardware && o->profile)
		return bad("either --hardware or --profile");
	if (o->root && o->n_disks)
		return bad("either --root DIR or disks");
	if (o->volumes && !o->root)
		return bad("--volumes belongs to --root");
	if (!o->root && !o->n_disks)
		return bad("name a disk, an image, or --root DIR");
	if (o->mode == MODE_DETECT && (o->n_disks != 1 || o->root))
		return bad("--detect wants one disk");
	if (o->drivers.n && (o->mode == MODE_DETECT || o->mode == MODE_UNDO))
		return bad("--drivers has no meaning with --detect and --undo");
	if (o->hostname && !is_hostname(o->hostname))
		return bad("--hostname: letters, digits, '-' and '.' only");
	return -1;
}

int options_parse(int argc, char **argv, struct options *o)
{
	int c, r;

	*o = (struct options){ .events_fd = -1 };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		r = c >= 256 ? valued(c, o, optarg) : flag(c, o);
		if (r >= 0)
			return r;
	}
	o->disks = argv + optind;
	o->n_disks = argc - optind;
	return consistent(o);
}

void options_done(struct options *o)
{
	strv_done(&o->nics);
	strv_done(&o->drivers);
}
