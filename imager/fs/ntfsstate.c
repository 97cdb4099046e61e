/* ntfsstate.c: see ntfsstate.h. */
#include "imager/fs/ntfsstate.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/logfile.h>
#include "imager/fs/ntfsfile.h"

/* Flags of $Volume that say nothing against writing. */
#define FLAGS_HARMLESS (VOLUME_IS_DIRTY | VOLUME_MOUNTED_ON_NT4 | VOLUME_MODIFIED_BY_CHKDSK)

int ntfs_log_state(ntfs_volume *vol, enum ntfs_log *ret, struct err *e)
{
	ntfs_inode *ni = ntfs_inode_open(vol, FILE_LogFile);
	ntfs_attr *na = ni ? ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0) : NULL;
	RESTART_PAGE_HEADER *rp = NULL;
	int r = 0;

	if (!na)
		r = ntfsio_err(vol, errno, e, "opening $LogFile");
	else if (!ntfs_check_logfile(na, &rp) || !ntfs_is_logfile_clean(na, rp))
		*ret = NTFS_LOG_UNCLEAN;
	else
		*ret = NTFS_LOG_CLEAN;
	if (!r && rp && le16_to_cpu(rp->major_ver) == 2)
		*ret = NTFS_LOG_CACHED;
	free(rp);
	if (na)
		ntfs_attr_close(na);
	if (ni)
		ntfs_inode_close(ni);
	return r;
}

int ntfs_hibernated(ntfs_volume *vol, int *ret, struct err *e)
{
	char head[4] = { 0 };
	ntfs_attr *na;
	ntfs_inode *ni;
	int r = ntfsfile_open(vol, "/hiberfil.sys", &ni, e);

	*ret = 0;
	if (r)
		return r == ERR_NOT_FOUND ? 0 : r;
	na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	if (!na || ntfs_attr_pread(na, 0, sizeof head, head) < 0)
		r = ntfsio_err(vol, errno, e, "reading hiberfil.sys");
	if (na)
		ntfs_attr_close(na);
	ntfs_inode_close(ni);
	*ret = !r && (!strncasecmp(head, "hibr", 4) || !strncasecmp(head, "rstr", 4));
	return r;
}

int ntfs_not_locked(struct blkdev *d, struct err *e)
{
	char id[8];
	int r = d->size < 512 ? 0 : dev_read(d, 3, id, sizeof id, e);

	if (r || d->size < 512 || memcmp(id, "-FVE-FS-", sizeof id))
		return r;
	return err_set(e, ERR_REFUSED, "%s is encrypted by BitLocker. Turn BitLocker off in Windows, or "
		       "open the volume with its recovery key (cryptsetup bitlkOpen, dislocker) and give "
		       "the opened one", d->name);
}

static int refuse_log(ntfs_volume *vol, enum ntfs_log state, struct err *e)
{
	const char *name = vol->dev->d_name;

	if (state == NTFS_LOG_CLEAN)
		return 0;
	if (state == NTFS_LOG_CACHED)
		return err_set(e, ERR_REFUSED, "%s was not unmounted by Windows: it was shut down with fast "
			       "startup, hibernated, or lost power. Start Windows and shut it down with "
			       "`shutdown /s /t 0`; after a loss of power `ntfsrecover %s` can finish what "
			       "its log holds", name, name);
	return err_set(e, ERR_REFUSED, "%s was not shut down cleanly: its log ($LogFile) holds changes that "
		       "are not in place yet. Start Windows once and shut it down, or run "
		       "`ntfsrecover %s`, which finishes them", name, name);
}

static int refuse_flags(ntfs_volume *vol, unsigned int even, struct err *e)
{
	const char *name = vol->dev->d_name;
	unsigned int flags = le16_to_cpu(vol->flags);

	if (ntfs_version_is_supported(vol))
		return err_set(e, ERR_REFUSED, "%s: NTFS version %d.%d is not known here: nothing is written",
			       name, vol->major_ver, vol->minor_ver);
	if (flags & ~(unsigned int)le16_to_cpu(FLAGS_HARMLESS))
		return err_set(e, ERR_REFUSED, "%s: Windows (or chkdsk) has something unfinished on this "
			       "volume (flags 0x%04x). Start Windows once and shut it down", name, flags);
	if (flags & le16_to_cpu(VOLUME_IS_DIRTY) && !(even & NTFS_EVEN_DIRTY))
		return err_set(e, ERR_REFUSED, "%s is marked dirty: Windows wants to check it at its next start. "
			       "Start Windows once, or run `chkdsk /f` on it", name);
	return 0;
}

int ntfs_may_write(ntfs_volume *vol, unsigned int even, struct err *e)
{
	enum ntfs_log state;
	int hibernated, r = ntfs_hibernated(vol, &hibernated, e);

	if (r)
		return r;
	if (hibernated && !(even & NTFS_EVEN_HIBERNATED))
		return err_set(e, ERR_REFUSED, "%s: Windows is hibernated on it (its usual shutdown, fast startup, "
			       "does that too). Start it and shut it down with `shutdown /s /t 0`, or agree "
			       "to lose the hibernated session", vol->dev->d_name);
	r = ntfs_log_state(vol, &state, e);
	if (!r)
		r = refuse_log(vol, state, e);
	return r ? r : refuse_flags(vol, even, e);
}
