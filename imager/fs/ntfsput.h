/* ntfsput.h: changes of files on an NTFS volume that is mounted for writing (by
 * ntfsrw_edit(); paths as in ntfsfile.h).
 *
 * An existing file keeps its MFT record, name, security descriptor, attributes,
 * streams and hard links; its content moves to clusters that were free.  What can't be
 * written so is refused with a sentence before anything is: encrypted files, reparse points
 * (CompactOS too), sparse files, NTFS's own files. */
#ifndef REHOST_NTFSPUT_H
#define REHOST_NTFSPUT_H
#include "imager/fs/ntfsfile.h"

#define NTFS_SD_MAX 65536       /* bytes of a security descriptor            */

/* What a file has beside its content. */
struct ntfs_meta {
	uint32_t attributes;    /* FILE_ATTR_*                               */
	uint64_t times[4];      /* created, written, accessed, MFT record: in
				 * 100 ns since 1601                         */
	uint8_t *sd;            /* self-relative security descriptor         */
	size_t sd_len;
	char dos_name[40];      /* UTF-8; "": no short name                  */
};

/* Who may do what with a file that is made. */
enum ntfs_access {
	NTFS_PUBLIC,            /* O:SYG:SYD:(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU) */
	NTFS_PRIVATE,           /* O:SYG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)       */
};

int ntfs_meta_get(ntfs_volume *vol, const char *path, struct ntfs_meta *ret,
		  struct err *e) must_check;
void ntfs_meta_done(struct ntfs_meta *m);

/* Can it be written?  May it be removed, in a way that can be undone
 * from content and ntfs_meta: no other streams, hard links, object id?  0, or
 * ERR_UNSUPPORTED. */
int ntfsput_may_write(ntfs_volume *vol, const char *path, struct err *e) must_check;
/* Are the names in path (of what isn't there) names for Windows? */
int ntfsput_may_make(ntfs_volume *vol, const char *path, struct err *e) must_check;
int ntfsput_may_remove(ntfs_volume *vol, const char *path, struct err *e) must_check;

/* The content is fd's, from its start to its end.  meta (or NULL): given to a file
 * that is made; of one that is there attributes and descriptor are set where they
 * differ.  times: meta's are set, else now. */
int ntfsput_file(ntfs_volume *vol, const char *path, int fd, enum ntfs_access access,
		 const struct ntfs_meta *meta, int times, struct err *e) must_check;
/* The directory that holds it must be there. */
int ntfsput_dir(ntfs_volume *vol, const char *path, enum ntfs_access access,
		struct err *e) must_check;
/* A file or an empty directory; 0 too when there is none. */
int ntfsput_remove(ntfs_volume *vol, const char *path, struct err *e) must_check;
#endif
