/* unlock.h: the keys that --unlock names.  They are in memory only, and wiped. */
#ifndef REHOST_UNLOCK_H
#define REHOST_UNLOCK_H
#include "imager/container/container.h"

#define UNLOCK_FILES_MAX 16
#define UNLOCK_KEY_MAX (8u << 20) /* bytes: cryptsetup's limit of a key file */

/* Each file is a key as it is, and without the newline that an editor leaves behind a
 * passphrase.  *ret: unlock_done() it, also after a failure. */
int unlock_read(const char *const *paths, int n, struct cont_keys *ret, struct err *e) must_check;
void unlock_done(struct cont_keys *k);
#endif
