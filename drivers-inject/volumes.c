/* volumes.c: which volume a name in a guest's file means. */
#include "drivers-inject/volumes.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 512        /* longer ones name nothing that is known here */

/* ---- names by hardware ---- */

/* "12" up to 4 digits, all of s up to end; -1: not a number. */
static int number(const char *s, const char *end)
{
	int n = 0;

	if (s == end || end - s > 4)
		return -1;
	for (; s < end; s++) {
		if (!isdigit((unsigned char)*s))
			return -1;
		n = n * 10 + (*s - '0');
	}
	return n;
}

/* sda1, hdb, vdaa3, xvda1, dasda1: letters count disks */
static int lettered(const char *s, struct volume_hwname *ret)
{
	static const char *const kinds[] = { "sd", "hd", "vd", "xvd", "dasd", "ubd" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const char *p = s + strlen(kinds[i]), *digits;
		int index = 0;

		if (strncmp(s, kinds[i], strlen(kinds[i])))
			continue;
		for (digits = p; *digits >= 'a' && *digits <= 'z'; digits++) {
			if (digits - p == 3) /* 18278 disks are more than any has */
				return 0;
			index = index * 26 + (*digits - 'a') + 1;
		}
		if (digits == p)
			return 0;
		ret->index = index - 1;
		ret->part = *digits ? number(digits, digits + strlen(digits)) : 0;
		snprintf(ret->disk, sizeof ret->disk, "%.*s", (int)(digits - s), s);
		return ret->part >= 0 && (!*digits || ret->part > 0);
	}
	return 0;
}

/* A disk's number, then p and a partition's: nvme0n1p2, mmcblk0p1,
 * cciss/c0d0p1 (c: controller, d: disk; so ida/ and rd/ of the same age). */
static int numbered(const char *s, struct volume_hwname *ret)
{
	static const struct { const char *prefix, *middle; int first; } kinds[] = {
		{ "nvme", "n", 1 }, { "mmcblk", NULL, 1 }, { "pmem", NULL, 1 },
		{ "cciss/c", "d", 0 }, { "ida/c", "d", 0 }, { "rd/c", "d", 0 },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const char *a = s + strlen(kinds[i].prefix), *b, *p;
		int x, y = 0;

		if (strncmp(s, kinds[i].prefix, strlen(kinds[i].prefix)))
			continue;
		b = a + strspn(a, "0123456789");
		x = number(a, b);
		p = b;
		if (kinds[i].middle) {
			if (*b++ != *kinds[i].middle)
				return 0;
			p = b + strspn(b, "0123456789");
			y = number(b, p);
		}
		if (x < 0 || y < 0 || (*p && *p != 'p'))
			return 0;
		ret->index = kinds[i].first ? x : y;
		ret->part = *p ? number(p + 1, p + strlen(p)) : 0;
		snprintf(ret->disk, sizeof ret->disk, "%.*s", (int)(p - s), s);
		return ret->part >= 0 && (!*p || ret->part > 0);
	}
	return 0;
}

/* by-id names that are made from what a disk holds, not from what it is */
static int id_of_content(const char *id)
{
	static const char *const kinds[] = { "dm-uuid-", "dm-name-", "md-uuid-",
					     "md-name-", "lvm-pv-uuid-" };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strncmp(id, kinds[i], strlen(kinds[i])))
			return 1;
	return 0;
}

static int linked(const char *s, struct volume_hwname *ret)
{
	const char *end = s + strlen(s), *at = NULL;

	if (strncmp(s, "by-path/", 8) && strncmp(s, "by-id/", 6) &&
	    strncmp(s, "by-diskseq/", 11))
		return 0;
	if (!strncmp(s, "by-id/", 6) && id_of_content(s + 6))
		return 0;
	for (const char *p = s; (p = strstr(p, "-part")); p++)
		at = p;
	ret->index = -1;
	ret->part = at ? number(at + 5, end) : 0;
	if (ret->part <= 0) {
		ret->part = 0;
		at = end;
	}
	if ((size_t)(at - s) >= sizeof ret->disk)
		return 0;
	snprintf(ret->disk, sizeof ret->disk, "%.*s", (int)(at - s), s);
	return 1;
}

/* The name without quotes around it or around what follows "="; 0: too long. */
static int plain(const char *name, char ret[NAME_MAX_LEN])
{
	size_t n = 0;

	for (; *name; name++) {
		if (*name == '"' || *name == '\'')
			continue;
		if (n + 1 == NAME_MAX_LEN)
			return 0;
		ret[n++] = *name;
	}
	ret[n] = 0;
	return n > 0;
}

static int hwname_plain(const char *name, struct volume_hwname *ret)
{
	struct volume_hwname h = { 0 };
	int is = 0;

	if (!strncmp(name, "/dev/disk/", 10))
		is = linked(name + 10, &h);
	else if (!strncmp(name, "/dev/", 5))
		is = lettered(name + 5, &h) || numbered(name + 5, &h);
	if (is)
		*ret = h;
	return is;
}

int volume_hwname(const char *name, struct volume_hwname *ret)
{
	char text[NAME_MAX_LEN];

	return plain(name, text) && hwname_plain(text, ret);
}

int volume_name_is_fragile(const char *name)
{
	struct volume_hwname h;

	return volume_hwname(name, &h);
}

/* ---- finding ---- */

const struct volume *volume_on_disk(const struct volumes *v, int disk, int part)
{
	const struct volume *found = NULL;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].disk != disk || disk < 0 ||
		    (part ? v->v[i].part != part : v->v[i].part > 0))
			continue;
		if (found)
			return NULL;
		found = &v->v[i];
	}
	return found;
}

/* The letters or words in front of a disk's number: "sd" of "sdb" */
static size_t kind_len(const char *disk)
{
	size_t n = strcspn(disk, "0123456789");

	return disk[n] || n < 2 || strchr(disk, '/') ? n :
		!strncmp(disk, "xvd", 3) ? 3 : !strncmp(disk, "dasd", 4) ? 4 : 2;
}

/* 1: some disk was called like this one, another letter or number apart. */
static int kind_known(const struct volumes *v, const char *disk)
{
	size_t n = kind_len(disk);

	for (size_t i = 0; i < v->n_disks; i++)
		if (*v->disk[i].old_name && kind_len(v->disk[i].old_name) == n &&
		    !strncmp(v->disk[i].old_name, disk, n))
			return 1;
	return 0;
}

/* The guest's disk that is called so; -1: none. */
static int disk_called(const struct volumes *v, const struct volume_hwname *h,
		       int *ret_guess)
{
	int known = 0;

	for (size_t i = 0; i < v->n_disks; i++) {
		known |= *v->disk[i].old_name != 0;
		if (!strcmp(v->disk[i].old_name, h->disk))
			return (int)i;
	}
	if (v->n_disks == 1) {
		*ret_guess = known || h->index != 0;
		return 0;
	}
	/* The program that captured it may have had another driver than the
	 * guest's kernel (hda, cciss/c0d0): order is all there is then. */
	if (h->index < 0 || h->index >= (int)v->n_disks || kind_known(v, h->disk))
		return -1;
	*ret_guess = known;
	return h->index;
}

/* "vg/lv" as device-mapper writes it: "vg-lv", with "-" doubled. */
static void mapper_name(const char *name, char *ret, size_t size)
{
	size_t n = 0;

	for (; *name && n + 2 < size; name++) {
		ret[n++] = *name == '/' ? '-' : *name;
		if (*name == '-')
			ret[n++] = '-';
	}
	ret[n] = 0;
}

static int is_mapper(const struct volume *v, const char *name)
{
	char text[sizeof v->name * 2];

	if (!strcmp(v->name, name))
		return 1;
	mapper_name(v->name, text, sizeof text);
	return strchr(v->name, '/') && !strcmp(text, name);
}

/* An array's name may have its machine's in front, "host:0", and the device
 * made for it is /dev/md0 or /dev/md/0. */
static int is_array(const struct volume *v, const char *name)
{
	const char *own = strchr(v->name, ':');

	own = own ? own + 1 : v->name;
	if (!strncmp(own, "/dev/", 5))
		own += 5;
	if (!strncmp(own, "md/", 3))
		own += 3;
	else if (!strncmp(own, "md", 2) && isdigit((unsigned char)own[2]))
		own += 2;
	name += 2 + (name[2] == '/' || name[2] == '_');
	return *own && !strcmp(own, name);
}

/* udev's links write bytes that don't suit a file name as \x20. */
static void unescape(char *s)
{
	char *out = s;
	unsigned int c;

	while (*s) {
		if (s[0] == '\\' && s[1] == 'x' && isxdigit((unsigned char)s[2]) &&
		    sscanf(s + 2, "%2x", &c) == 1 && s[3]) {
			*out++ = (char)c;
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = 0;
}

enum by { BY_NONE, BY_UUID, BY_LABEL, BY_PARTUUID, BY_PARTLABEL, BY_MAPPER,
	  BY_NAME, BY_ARRAY };

static const struct { const char *prefix; enum by by; } forms[] = {
	{ "UUID=", BY_UUID }, { "LABEL=", BY_LABEL },
	{ "PARTUUID=", BY_PARTUUID }, { "PARTLABEL=", BY_PARTLABEL },
	{ "/dev/disk/by-uuid/", BY_UUID }, { "/dev/disk/by-label/", BY_LABEL },
	{ "/dev/disk/by-partuuid/", BY_PARTUUID },
	{ "/dev/disk/by-partlabel/", BY_PARTLABEL },
	{ "/dev/disk/by-id/lvm-pv-uuid-", BY_UUID },
	{ "/dev/disk/by-id/dm-name-", BY_MAPPER },
	{ "/dev/mapper/", BY_MAPPER },
};

static enum by form_of(char *name, const char **ret_value)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (strncmp(name, forms[i].prefix, strlen(forms[i].prefix)))
			continue;
		*ret_value = name + strlen(forms[i].prefix);
		if (*name == '/' && forms[i].by != BY_MAPPER)
			unescape(name);
		return **ret_value ? forms[i].by : BY_NONE;
	}
	*ret_value = name + 5;
	if (strncmp(name, "/dev/", 5))
		return BY_NONE;
	if (!strncmp(name + 5, "md", 2) && strpbrk(name + 7, "0123456789/_") == name + 7)
		return BY_ARRAY;
	return BY_NAME;
}

static int matches(const struct volume *v, enum by by, const char *value)
{
	switch (by) {
	case BY_UUID:
		return *v->uuid && !strcasecmp(v->uuid, value);
	case BY_LABEL:
		return !strcmp(v->label, value);
	case BY_PARTUUID:
		return *v->partuuid && !strcasecmp(v->partuuid, value);
	case BY_PARTLABEL:
		return !strcmp(v->partlabel, value);
	case BY_MAPPER:
		return is_mapper(v, value);
	case BY_NAME:
		return !strcmp(v->name, value);
	case BY_ARRAY:
		return is_array(v, value) || !strcmp(v->name, value);
	default:
		return 0;
	}
}

/* 1: two devices of one file system, which either of them stands for. */
static int same_fs(const struct volume *a, const struct volume *b)
{
	return !strcmp(a->type, "btrfs") && !strcmp(b->type, "btrfs") &&
	       *a->uuid && !strcmp(a->uuid, b->uuid);
}

const struct volume *volume_find(const struct volumes *v, const char *name,
				 int *ret_guess)
{
	const struct volume *found = NULL;
	struct volume_hwname h;
	char text[NAME_MAX_LEN];
	const char *value;
	int guess = 0, disk;
	enum by by;

	if (!plain(name, text))
		return NULL;
	if (hwname_plain(text, &h)) {
		disk = disk_called(v, &h, &guess);
		found = disk < 0 ? NULL : volume_on_disk(v, disk, h.part);
		goto out;
	}
	by = form_of(text, &value);
	for (size_t i = 0; by && i < v->n; i++) {
		if (!matches(&v->v[i], by, value))
			continue;
		if (found && !same_fs(found, &v->v[i]))
			return NULL;
		if (!found)
			found = &v->v[i];
	}
out:
	if (ret_guess)
		*ret_guess = found ? guess : 0;
	return found;
}

/* What udev and blkid make of ids: nothing that a file's syntax could take
 * for something else. */
static int is_id(const char *s)
{
	return *s && !s[strspn(s, "0123456789abcdefABCDEF-")];
}

/* LVM's own ids have all letters. */
static int is_lvm_id(const struct volume *v)
{
	return !strcmp(v->type, "LVM2_member") &&
	       !v->uuid[strspn(v->uuid, "0123456789-abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

int volume_stable_name(const struct volume *v, char *ret, size_t size, struct err *e)
{
	int by_uuid = is_id(v->uuid) || (*v->uuid && is_lvm_id(v));

	if (!by_uuid && !is_id(v->partuuid))
		return err_set(e, ERR_NOT_FOUND, "partition %d of disk %d has "
			       "neither a UUID nor a PARTUUID", v->part, v->disk);
	snprintf(ret, size, by_uuid ? "UUID=%s" : "PARTUUID=%s",
		 by_uuid ? v->uuid : v->partuuid);
	return 0;
}

static int has_child(const struct volumes *v, size_t parent)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->v[i].parent == (int)parent)
			return 1;
	return 0;
}

/* Several members make one group or array, whose volumes name the first. */
static int shared(const char *type)
{
	return !strcmp(type, "LVM2_member") || !strcmp(type, "linux_raid_member");
}

int volumes_complete(const struct volumes *v)
{
	static const char *const containers[] = {
		"LVM2_member", "linux_raid_member", "crypto_LUKS", "BitLocker",
		"bcache", "zfs_member", "ddf_raid_member", "isw_raid_member",
		"LVM1_member", "drbd", "stratis", "VDO",
	};

	for (size_t c = 0; c < sizeof containers / sizeof *containers; c++) {
		size_t n = 0, open = 0;

		for (size_t i = 0; i < v->n; i++) {
			if (strcmp(v->v[i].type, containers[c]))
				continue;
			n++;
			open += (size_t)has_child(v, i);
		}
		if (shared(containers[c]) ? n && !open : open < n)
			return 0;
	}
	return v->n > 0;
}
