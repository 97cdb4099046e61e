/* inf-dirid.c: see inf-dirid.h.
 *
 * Numbers: Microsoft's "Using Dirids"; from 16384 on it is 16384 + CSIDL of shlobj.h.
 * Directories of a user (53 and most CSIDLs) have no fixed place and are left out. */
#include "drivers-inject/windows/inf-dirid.h"
#include <stdio.h>
#include <string.h>

#define WINDOWS "%SystemRoot%"
#define SYSTEM WINDOWS "\\System32"
#define DRIVE "%SystemDrive%"
#define CSIDL 0x4000

static const struct {
	int dirid;
	const char *place;
	const char *place64;    /* on 64-bit Windows, when another           */
} table[] = {
	{ INF_DIRID_WINDOWS, WINDOWS, NULL },
	{ INF_DIRID_SYSTEM, SYSTEM, NULL },
	{ INF_DIRID_DRIVERS, SYSTEM "\\drivers", NULL },
	{ 17, WINDOWS "\\INF", NULL },
	{ 18, WINDOWS "\\Help", NULL },
	{ 20, WINDOWS "\\Fonts", NULL },
	{ 21, SYSTEM "\\viewers", NULL },
	{ 23, SYSTEM "\\spool\\drivers\\color", NULL },
	{ 24, DRIVE "\\", NULL },
	{ 25, WINDOWS, NULL },
	/* the directory of ntldr: the active partition, which NT5 rarely had apart */
	{ 30, DRIVE "\\", NULL },
	{ 50, WINDOWS "\\System", NULL },
	{ 51, SYSTEM "\\spool", NULL },
	{ 52, SYSTEM "\\spool\\drivers", NULL },
	{ 54, DRIVE "\\", NULL },
	{ 55, SYSTEM "\\spool\\prtprocs", NULL },
	{ CSIDL + 0x24, WINDOWS, NULL },                        /* 16420 */
	{ CSIDL + 0x25, SYSTEM, NULL },                         /* 16421 */
	{ CSIDL + 0x26, DRIVE "\\Program Files", NULL },        /* 16422 */
	{ CSIDL + 0x29, SYSTEM, WINDOWS "\\SysWOW64" },         /* 16425 */
	{ CSIDL + 0x2a, DRIVE "\\Program Files", DRIVE "\\Program Files (x86)" },
	{ CSIDL + 0x2b, DRIVE "\\Program Files\\Common Files", NULL },
	{ CSIDL + 0x2c, DRIVE "\\Program Files\\Common Files",  /* 16428 */
	  DRIVE "\\Program Files (x86)\\Common Files" },
};

const char *inf_dirid_place(int dirid, int bits64)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].dirid == dirid)
			return bits64 && table[i].place64 ? table[i].place64 : table[i].place;
	return NULL;
}

int inf_dirid_number(const char *s)
{
	uint64_t v;

	if (inf_number(s, &v) || (v > 0x7fffffff && v != UINT64_MAX))
		return INF_DIRID_UNKNOWN;
	return v == UINT64_MAX || v == 65535 ? INF_DIRID_ABSOLUTE : (int)v;
}

/* place with the windows directory put in; -1: too long. */
static int with_windows(const char *place, const char *windows, char *path)
{
	size_t drive = strcspn(windows, "\\"), n;

	if (!strncmp(place, WINDOWS, strlen(WINDOWS)))
		n = (size_t)snprintf(path, INF_DIRID_MAX, "%s%s", windows, place + strlen(WINDOWS));
	else
		n = (size_t)snprintf(path, INF_DIRID_MAX, "%.*s%s", (int)drive, windows,
				     place + strlen(DRIVE));
	return n < INF_DIRID_MAX ? 0 : -1;
}

int inf_dirid_path(const struct inf_dirs *dirs, const char *digits, size_t n, char *path)
{
	char text[8];
	const char *place;
	int dirid;

	if (!n || n >= sizeof text || strspn(digits, "0123456789") < n)
		return -1;
	memcpy(text, digits, n);
	text[n] = 0;
	dirid = inf_dirid_number(text);
	place = dirid == INF_DIRID_PACKAGE ? dirs->package :
		dirid == INF_DIRID_SOURCE ? dirs->source : NULL;
	if (place)
		return (size_t)snprintf(path, INF_DIRID_MAX, "%s", place) < INF_DIRID_MAX ? 0 : -1;
	place = inf_dirid_place(dirid, dirs->bits64);
	if (!place)
		return -1;
	return with_windows(place, dirs->windows ? dirs->windows : INF_WINDOWS, path);
}
