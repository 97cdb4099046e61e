/* ntfsmeta.c: what a file on NTFS has beside its content: times, attributes,
 * security descriptor, short name.  See ntfsput.h. */
#include "imager/fs/ntfsmeta.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/security.h>

void ntfs_meta_done(struct ntfs_meta *m)
{
	free(m->sd);
	*m = (struct ntfs_meta){ 0 };
}

static int get_sd(ntfs_inode *ni, const char *path, struct ntfs_meta *m, struct err *e)
{
	struct SECURITY_CONTEXT scx = { .vol = ni->vol };
	int n = ntfs_get_ntfs_acl(&scx, ni, NULL, 0);

	if (n <= 0 || n > NTFS_SD_MAX)
		return err_set(e, ERR_CORRUPT, "%s: its security descriptor can't be read", path);
	m->sd = malloc((size_t)n);
	if (!m->sd)
		return err_set(e, ERR_NOMEM, "out of memory");
	m->sd_len = (size_t)n;
	if (ntfs_get_ntfs_acl(&scx, ni, (char *)m->sd, m->sd_len) != n)
		return err_set(e, ERR_CORRUPT, "%s: its security descriptor can't be read", path);
	return 0;
}

static int get(ntfs_inode *ni, ntfs_inode *dir, const char *path, struct ntfs_meta *m,
	       struct err *e)
{
	int n = ntfs_get_ntfs_dos_name(ni, dir, m->dos_name, sizeof m->dos_name - 1);

	/* none is an error of that function */
	if (n <= 0 || n >= (int)sizeof m->dos_name)
		n = 0;
	m->dos_name[n] = 0;
	m->attributes = le32_to_cpu(ni->flags);
	m->times[0] = (uint64_t)sle64_to_cpu(ni->creation_time);
	m->times[1] = (uint64_t)sle64_to_cpu(ni->last_data_change_time);
	m->times[2] = (uint64_t)sle64_to_cpu(ni->last_access_time);
	m->times[3] = (uint64_t)sle64_to_cpu(ni->last_mft_change_time);
	return get_sd(ni, path, m, e);
}

int ntfs_meta_get(ntfs_volume *vol, const char *path, struct ntfs_meta *ret, struct err *e)
{
	struct ntfs_meta m = { 0 };
	ntfs_inode *ni, *dir;
	const char *name;
	int r = ntfsfile_open_parent(vol, path, &dir, &name, e);

	if (r)
		return r;
	r = ntfsfile_open(vol, path, &ni, e);
	if (!r) {
		r = get(ni, dir, path, &m, e);
		ntfs_inode_close(ni);
	}
	ntfs_inode_close(dir);
	if (r)
		ntfs_meta_done(&m);
	else
		*ret = m;
	return r;
}

/* ---- security descriptors ---- */

static uint8_t *put_sid(uint8_t *p, unsigned int first, unsigned int second)
{
	uint8_t sid[16] = { 1, second ? 2 : 1, 0, 0, 0, 0, 0, 5, (uint8_t)first, 0, 0, 0,
			    (uint8_t)second, (uint8_t)(second >> 8), 0, 0 };
	size_t n = second ? 16 : 12;

	memcpy(p, sid, n);
	return p + n;
}

static uint8_t *put_ace(uint8_t *p, unsigned int flags, uint32_t mask, unsigned int first,
			unsigned int second)
{
	uint8_t *end = put_sid(p + 8, first, second);

	p[0] = 0; /* allowed */
	p[1] = (uint8_t)flags;
	p[2] = (uint8_t)(end - p);
	p[3] = 0;
	for (int i = 0; i < 4; i++)
		p[4 + i] = (uint8_t)(mask >> 8 * i);
	return end;
}

#define FULL 0x1f01ffu          /* FA                                        */
#define READ 0x1200a9u          /* read and execute                          */
#define INHERIT 3u              /* OICI: files and directories in it get it  */
#define SYSTEM 18u, 0u          /* S-1-5-18                                  */
#define ADMINS 32u, 544u        /* S-1-5-32-544                              */
#define USERS 32u, 545u

size_t ntfs_sd_make(int is_dir, enum ntfs_access access, uint8_t ret[NTFS_SD_OWN_MAX])
{
	uint8_t *p = ret + 20, *acl;
	unsigned int flags = is_dir ? INHERIT : 0;

	memset(ret, 0, NTFS_SD_OWN_MAX);
	ret[0] = 1;             /* revision                                  */
	ret[2] = 0x04;          /* there is a DACL                           */
	ret[3] = access == NTFS_PRIVATE ? 0x90 : 0x80; /* protected; self-relative */
	ret[4] = 20;
	p = put_sid(p, SYSTEM);
	ret[8] = (uint8_t)(p - ret);
	p = put_sid(p, SYSTEM);
	ret[16] = (uint8_t)(p - ret);
	acl = p;
	p = put_ace(p + 8, flags, FULL, SYSTEM);
	p = put_ace(p, flags, FULL, ADMINS);
	if (access == NTFS_PUBLIC)
		p = put_ace(p, flags, READ, USERS);
	acl[0] = 2;
	acl[2] = (uint8_t)(p - acl);
	acl[4] = access == NTFS_PUBLIC ? 3 : 2;
	return (size_t)(p - ret);
}

int ntfs_sd_set(ntfs_inode *ni, const char *path, const uint8_t *sd, size_t len, struct err *e)
{
	struct SECURITY_CONTEXT scx = { .vol = ni->vol };
	struct ntfs_meta now = { 0 };
	int same;

	if (get_sd(ni, path, &now, e))
		return e ? e->code : ERR_CORRUPT;
	same = now.sd_len == len && !memcmp(now.sd, sd, len);
	ntfs_meta_done(&now);
	if (!same && ntfs_set_ntfs_acl(&scx, ni, (const char *)sd, len, 0))
		return err_set(e, ERR_CORRUPT, "%s: its security descriptor can't be set (%s)", path,
			       strerror(errno));
	return 0;
}

/* ---- attributes and times ---- */

/* The library's own way would set the times of the $FILE_NAME attributes too,
 * where Windows leaves those of the file's making. */
void ntfs_times_set(ntfs_inode *ni, const uint64_t times[4])
{
	ni->creation_time = cpu_to_sle64((s64)times[0]);
	ni->last_data_change_time = cpu_to_sle64((s64)times[1]);
	ni->last_access_time = cpu_to_sle64((s64)times[2]);
	ni->last_mft_change_time = cpu_to_sle64((s64)times[3]);
	NInoFileNameSetDirty(ni);
	NInoSetDirty(ni);
}

/* Those that say nothing of how the content is stored. */
#define SETTABLE (FILE_ATTR_READONLY | FILE_ATTR_HIDDEN | FILE_ATTR_SYSTEM | FILE_ATTR_ARCHIVE | \
		  FILE_ATTR_TEMPORARY | FILE_ATTR_OFFLINE | FILE_ATTR_NOT_CONTENT_INDEXED)

void ntfs_attributes_set(ntfs_inode *ni, uint32_t attributes)
{
	const le32 settable = SETTABLE;

	ni->flags = (ni->flags & ~settable) | (cpu_to_le32(attributes) & settable);
	NInoFileNameSetDirty(ni);
	NInoSetDirty(ni);
}

/* ---- short names ---- */

int ntfs_name_is_short(const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "_-~!#$%&'()@^{}`";
	size_t base = strspn(name, good), ext;

	if (!base || base > 8)
		return 0;
	if (!name[base])
		return 1;
	ext = name[base] == '.' ? strspn(name + base + 1, good) : 0;
	return ext && ext <= 3 && !name[base + 1 + ext];
}
